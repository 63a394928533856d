//! Takes one change of the configuration back and leaves what came after it as it is. Where something was changed again since,
//! nothing is taken back.

use super::RealmConfig;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Why a change cannot be taken back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotUndo {
    /// What it changed was changed again.
    #[error("changed again since: {}", .0.join(", "))]
    ChangedSince(Vec<String>),
    /// Without it what came after it makes no configuration.
    #[error("what came after it cannot be without it: {0}")]
    Needed(String),
}

/// The present configuration without what was changed from one version to the next one.
///
/// # Errors
/// [`CannotUndo::ChangedSince`] with each place that was changed again, [`CannotUndo::Needed`] where the rest has no form.
pub fn undone(
    before: &RealmConfig,
    after: &RealmConfig,
    present: &RealmConfig,
) -> Result<RealmConfig, CannotUndo> {
    let tree = |config: &RealmConfig| {
        let same = RealmConfig { revision: present.revision, ..config.clone() };
        serde_json::to_value(same).map_err(|error| CannotUndo::Needed(error.to_string()))
    };
    let (before, after, present) = (tree(before)?, tree(after)?, tree(present)?);
    let mut undo = Undo { again: Vec::new() };
    let merged = undo.merge("", Some(&before), Some(&after), Some(&present));
    if !undo.again.is_empty() {
        return Err(CannotUndo::ChangedSince(undo.again));
    }
    serde_json::from_value(merged.unwrap_or_default()).map_err(|error| CannotUndo::Needed(error.to_string()))
}

struct Undo {
    /// Places that were changed again.
    again: Vec<String>,
}

impl Undo {
    fn merge(
        &mut self,
        at: &str,
        before: Option<&Value>,
        after: Option<&Value>,
        present: Option<&Value>,
    ) -> Option<Value> {
        if before == after || present == before {
            return present.cloned();
        }
        if present == after {
            return before.cloned();
        }
        match (before, after, present) {
            (Some(Value::Object(before)), Some(Value::Object(after)), Some(Value::Object(present))) => {
                Some(Value::Object(self.members(at, [before, after, present])))
            }
            (Some(Value::Array(before)), Some(Value::Array(after)), Some(Value::Array(present)))
                if [before, after, present].iter().all(|list| have_ids(list)) =>
            {
                Some(Value::Array(self.items(at, [before, after, present])))
            }
            _ => {
                self.again.push(at.to_owned());
                present.cloned()
            }
        }
    }

    fn members(
        &mut self,
        at: &str,
        [before, after, present]: [&Map<String, Value>; 3],
    ) -> Map<String, Value> {
        let names: BTreeSet<&String> =
            [before, after, present].into_iter().flat_map(|members| members.keys()).collect();
        let dot = if at.is_empty() { "" } else { "." };
        let merged = names.into_iter().filter_map(|name| {
            let at = format!("{at}{dot}{name}");
            let value = self.merge(&at, before.get(name), after.get(name), present.get(name))?;
            Some((name.clone(), value))
        });
        merged.collect()
    }

    /// Items by their ids: those of the present list in its order, and those that the change took away where they were.
    fn items(&mut self, at: &str, [before, after, present]: [&[Value]; 3]) -> Vec<Value> {
        let mut merged = Vec::new();
        for item in present {
            let (was, became) = (find(before, id(item)), find(after, id(item)));
            merged.extend(self.merge(&place(at, item), was, became, Some(item)));
        }
        for (index, item) in before.iter().enumerate().filter(|(_, item)| find(present, id(item)).is_none()) {
            let Some(item) = self.merge(&place(at, item), Some(item), find(after, id(item)), None) else {
                continue;
            };
            let earlier = before.iter().take(index).rev();
            let follows =
                earlier.filter_map(|one| merged.iter().position(|other| id(other) == id(one))).next();
            merged.insert(follows.map_or(0, |place| place.saturating_add(1)), item);
        }
        self.order(at, [before, after, present], &mut merged);
        merged
    }

    /// Puts the items back in their order, where the change moved them.
    fn order(&mut self, at: &str, [before, after, present]: [&[Value]; 3], merged: &mut [Value]) {
        let moved = common(before, after) != common(after, before);
        if !moved || common(present, before) == common(before, present) {
            return;
        }
        if common(present, after) != common(after, present) {
            self.again.push(format!("{at}.order"));
            return;
        }
        let mut wanted = before.iter().filter_map(|item| find(merged, id(item)).cloned());
        let mut wanted: Vec<Value> = wanted.by_ref().collect();
        wanted.reverse();
        for slot in merged.iter_mut().filter(|item| find(before, id(item)).is_some()) {
            if let Some(item) = wanted.pop() {
                *slot = item;
            }
        }
    }
}

fn id(item: &Value) -> Option<&str> {
    item.get("id").and_then(Value::as_str)
}

fn have_ids(list: &[Value]) -> bool {
    let ids: BTreeSet<_> = list.iter().filter_map(id).collect();
    ids.len() == list.len()
}

fn find<'v>(list: &'v [Value], wanted: Option<&str>) -> Option<&'v Value> {
    list.iter().find(|item| id(item) == wanted)
}

/// The ids of one list that another has too.
fn common<'v>(list: &'v [Value], other: &[Value]) -> Vec<Option<&'v str>> {
    list.iter().map(id).filter(|id| find(other, *id).is_some()).collect()
}

fn place(at: &str, item: &Value) -> String {
    let name = ["name", "alias", "text", "id"].into_iter().find_map(|name| item.get(name)?.as_str());
    format!("{at}[{}]", name.unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DirectoryEndpoint, DomainConnection};
    use crate::ids::{ConnectionId, Revision};
    use crate::time::Span;
    use uuid::Uuid;

    fn connection(id: u128) -> DomainConnection {
        DomainConnection {
            id: ConnectionId(Uuid::from_u128(id)),
            alias: format!("C{id}"),
            endpoint: DirectoryEndpoint::Embedded,
            profile_attribute: "comment".to_owned(),
            former_profile_attribute: None,
        }
    }

    fn with(ids: &[u128]) -> RealmConfig {
        let connections = ids.iter().copied().map(connection).collect();
        RealmConfig { connections, ..RealmConfig::empty() }
    }

    fn ids(config: &RealmConfig) -> Vec<u128> {
        config.connections.iter().map(|connection| connection.id.0.as_u128()).collect()
    }

    fn renamed(config: &RealmConfig, name: &str) -> RealmConfig {
        let mut config = config.clone();
        config.general.organisation = name.into();
        config
    }

    #[test]
    fn one_change_is_taken_back_and_later_ones_stay() {
        let first = RealmConfig::empty();
        let second = renamed(&first, "Second");
        let mut third = RealmConfig { revision: Revision(7), ..second.clone() };
        third.general.session = Span::hours(2);
        let undone = undone(&first, &second, &third).unwrap();
        assert_eq!(undone.general.organisation, first.general.organisation);
        assert_eq!((undone.general.session, undone.revision), (Span::hours(2), Revision(7)));
    }

    #[test]
    fn what_was_changed_again_is_named_and_nothing_is_taken_back() {
        let first = RealmConfig::empty();
        let mut second = renamed(&first, "Second");
        second.general.session = Span::hours(2);
        let third = renamed(&second, "Third");
        let refused = undone(&first, &second, &third).unwrap_err();
        assert_eq!(refused, CannotUndo::ChangedSince(vec!["general.organisation".into()]));
        assert_eq!(refused.to_string(), "changed again since: general.organisation");
    }

    #[test]
    fn what_came_goes_and_what_went_comes_back_to_its_place() {
        let undo = |before: &[u128], after: &[u128], present: &[u128]| {
            undone(&with(before), &with(after), &with(present)).map(|config| ids(&config))
        };
        assert_eq!(undo(&[1], &[1, 2], &[1, 2, 3]), Ok(vec![1, 3]));
        assert_eq!(undo(&[1, 2, 3], &[1, 3], &[4, 1, 3]), Ok(vec![4, 1, 2, 3]));
        assert_eq!(undo(&[1, 2], &[2], &[2]), Ok(vec![1, 2]));
        assert_eq!(undo(&[1, 2], &[2, 1], &[2, 3, 1]), Ok(vec![1, 3, 2]));
        let again = CannotUndo::ChangedSince(vec!["connections.order".into()]);
        assert_eq!(undo(&[1, 2, 3], &[3, 2, 1], &[2, 3, 1]), Err(again));
    }

    #[test]
    fn what_was_added_and_changed_since_is_not_dropped() {
        let (before, after) = (with(&[1]), with(&[1, 2]));
        let mut present = after.clone();
        present.connections[1].profile_attribute = "info".into();
        let refused = undone(&before, &after, &present).unwrap_err();
        assert_eq!(refused, CannotUndo::ChangedSince(vec!["connections[C2]".into()]));
    }
}
