//! What the audit of a healed realm must hold: one unbroken chain, alike on every node, with each acknowledged write of
//! a label and each acknowledged edit of the configuration in it exactly once, edits in order.
#![allow(clippy::indexing_slicing, reason = "indexing a JSON value by a name gives null, it does not panic")]

use std::collections::BTreeMap;

use serde_json::Value;

use super::api::Api;
use super::editor::Edit;
use super::history::{Answer, Op, Operation, Written};
use crate::rig::RigError;

const PAGE: usize = 1000;

/// The audit window as one node gives it.
///
/// # Errors
/// [`RigError::Http`] when it does not.
pub async fn records(api: &Api, place: u64) -> Result<Vec<Value>, RigError> {
    let mut records: Vec<Value> = Vec::new();
    loop {
        let after = records.last().and_then(|record| record["seq"].as_u64()).unwrap_or(0);
        let page = api.document(place, &format!("audit?after={after}&limit={PAGE}")).await?;
        let found = page["records"].as_array().cloned().unwrap_or_default();
        if found.is_empty() {
            return Ok(records);
        }
        records.extend(found);
    }
}

/// Everything that is wrong with the audit, given what was acknowledged.
pub fn problems(records: &[Value], history: &[Operation], edits: &[Edit]) -> Vec<String> {
    let mut problems = Vec::new();
    let numbers = |record: &Value| record["seq"].as_u64().unwrap_or(0);
    for (earlier, later) in records.iter().zip(records.iter().skip(1)) {
        if numbers(later) != numbers(earlier) + 1 || later["previous"] != earlier["hash"] {
            problems.push(format!("the audit chain breaks after record {}", numbers(earlier)));
        }
    }
    let mut revisions: BTreeMap<u64, u32> = BTreeMap::new();
    let mut latest = None;
    let mut labels: BTreeMap<(&str, u64), u32> = BTreeMap::new();
    for record in records {
        if let Some(revision) = record["event"]["ConfigChanged"].as_u64() {
            if latest.is_some_and(|latest| revision != latest + 1) {
                problems.push(format!("the audit goes from configuration {latest:?} to {revision}"));
            }
            latest = Some(revision);
            *revisions.entry(revision).or_default() += 1;
        }
        let written = &record["event"]["LabelWritten"];
        if let (Some(key), Some(revision)) = (written[0].as_str(), written[1].as_u64()) {
            *labels.entry((key, revision)).or_default() += 1;
        }
    }
    for edit in edits {
        let times = revisions.get(&edit.revision).copied().unwrap_or(0);
        if times != 1 {
            problems.push(format!("the acknowledged edit {} is in the audit {times} times", edit.revision));
        }
    }
    for operation in history {
        let (Op::Put { key, .. }, Some(Answer::Put(Written::Ok { revision }))) =
            (&operation.op, &operation.result)
        else {
            continue;
        };
        let times = labels.get(&(key.as_str(), *revision)).copied().unwrap_or(0);
        if times != 1 {
            problems
                .push(format!("the acknowledged write {revision} of {key} is in the audit {times} times"));
        }
    }
    let falling = edits.iter().zip(edits.iter().skip(1)).filter(|(one, next)| next.revision <= one.revision);
    problems.extend(falling.map(|(_, next)| format!("edit {} was acknowledged late", next.revision)));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::history::Condition;
    use serde_json::json;

    fn record(seq: u64, event: Value) -> Value {
        json!({ "seq": seq, "event": event, "previous": [seq - 1], "hash": [seq] })
    }

    fn put(key: &str, revision: u64) -> Operation {
        let op = Op::Put { key: key.into(), value: "v".into(), condition: Condition::Always };
        let result = Some(Answer::Put(Written::Ok { revision }));
        Operation { client: 1, invoked: 1, returned: Some(2), op, result }
    }

    fn edit(revision: u64) -> Edit {
        Edit { revision, organisation: String::new() }
    }

    #[test]
    fn a_chain_with_all_that_was_acknowledged_is_right() {
        let records = [
            record(7, json!({ "ConfigChanged": 3 })),
            record(8, json!({ "LabelWritten": ["k", 5] })),
            record(9, json!({ "ConfigChanged": 4 })),
        ];
        assert_eq!(problems(&records, &[put("k", 5)], &[edit(3), edit(4)]), Vec::<String>::new());
    }

    #[test]
    fn a_gap_and_what_is_missing_twice_or_out_of_order_are_named() {
        let gap = [record(7, json!("RealmCreated")), record(9, json!("RealmCreated"))];
        assert!(problems(&gap, &[], &[])[0].contains("breaks after record 7"));
        assert!(problems(&[], &[put("k", 5)], &[])[0].contains("write 5 of k is in the audit 0 times"));
        assert!(problems(&[], &[], &[edit(3)])[0].contains("edit 3 is in the audit 0 times"));
        let twice =
            [record(7, json!({ "LabelWritten": ["k", 5] })), record(8, json!({ "LabelWritten": ["k", 5] }))];
        assert!(problems(&twice, &[put("k", 5)], &[])[0].contains("2 times"));
        let skipped = [record(7, json!({ "ConfigChanged": 3 })), record(8, json!({ "ConfigChanged": 5 }))];
        assert!(problems(&skipped, &[], &[])[0].contains("configuration"));
    }
}
