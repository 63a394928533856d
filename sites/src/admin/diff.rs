//! Two versions of the configuration, field by field. Things with an id are matched by it, so that a new question at the
//! top is one difference and not one for each question below.

use passquorum_domain::config::RealmConfig;
use serde_json::Value;
use std::collections::BTreeMap;

/// One field that is not the same in both versions; `None` where a version lacks it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Where, with people's names for things.
    pub(super) field: String,
    /// As the editor would have it.
    pub(super) yours: Option<String>,
    /// As it is now.
    pub(super) present: Option<String>,
}

/// A value at the end of a path.
struct Leaf<'a> {
    field: String,
    value: &'a Value,
}

/// Every field that differs, by its place; the revision apart.
pub(super) fn differences(yours: &RealmConfig, present: &RealmConfig) -> Vec<Difference> {
    // A configuration has string keys only, so that it always has a JSON form; without one nothing is shown.
    let (yours, present) =
        (serde_json::to_value(yours).unwrap_or_default(), serde_json::to_value(present).unwrap_or_default());
    let (yours, present) = (leaves(&yours), leaves(&present));
    let mut paths: Vec<&String> = yours.keys().chain(present.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
        .into_iter()
        .filter_map(|path| {
            let (left, right) = (yours.get(path), present.get(path));
            let field = &right.or(left)?.field;
            let differs = left.map(|leaf| leaf.value) != right.map(|leaf| leaf.value);
            (differs && field != "revision").then(|| Difference {
                field: field.clone(),
                yours: left.map(shown),
                present: right.map(shown),
            })
        })
        .collect()
}

fn shown(leaf: &Leaf<'_>) -> String {
    if leaf.field.ends_with("bind_password") {
        return "(sealed)".to_owned();
    }
    match leaf.value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "(none)".to_owned(),
        other => other.to_string(),
    }
}

fn leaves(root: &Value) -> BTreeMap<String, Leaf<'_>> {
    let mut found = BTreeMap::new();
    collect(root, String::new(), String::new(), &mut found);
    found
}

fn collect<'a>(value: &'a Value, path: String, field: String, found: &mut BTreeMap<String, Leaf<'a>>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let dot = if path.is_empty() { "" } else { "." };
                collect(member, format!("{path}{dot}{name}"), format!("{field}{dot}{name}"), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                let text = |name: &str| item.get(name).and_then(Value::as_str);
                let key = text("id").map_or_else(|| index.to_string(), str::to_owned);
                let label = ["name", "alias", "text"].into_iter().find_map(text).unwrap_or(&key);
                collect(item, format!("{path}[{key}]"), format!("{field}[{label}]"), found);
            }
        }
        value => drop(found.insert(path, Leaf { field, value })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::config::{DirectoryEndpoint, DomainConnection};
    use passquorum_domain::ids::{ConnectionId, Revision};
    use uuid::Uuid;

    fn connection(id: u128, alias: &str) -> DomainConnection {
        DomainConnection {
            id: ConnectionId(Uuid::from_u128(id)),
            alias: alias.to_owned(),
            endpoint: DirectoryEndpoint::Embedded,
            profile_attribute: "comment".to_owned(),
        }
    }

    #[test]
    fn only_what_differs_is_shown_with_both_values() {
        let mut yours = RealmConfig::empty();
        yours.general.organisation = "Mine".to_owned();
        let mut present = RealmConfig::empty();
        present.general.organisation = "Theirs".to_owned();
        present.revision = Revision(9);
        let expected = Difference {
            field: "general.organisation".to_owned(),
            yours: Some("Mine".to_owned()),
            present: Some("Theirs".to_owned()),
        };
        assert_eq!(differences(&yours, &present), [expected]);
    }

    #[test]
    fn things_with_an_id_are_matched_by_it_wherever_they_stand() {
        let mut yours = RealmConfig::empty();
        yours.connections = vec![connection(2, "B"), connection(1, "A")];
        let mut present = RealmConfig::empty();
        present.connections = vec![connection(1, "A"), connection(2, "B")];
        assert_eq!(differences(&yours, &present), []);
        present.connections.pop();
        let fields: Vec<_> = differences(&yours, &present).into_iter().map(|d| d.field).collect();
        assert!(fields.iter().all(|field| field.starts_with("connections[B].")), "{fields:?}");
    }
}
