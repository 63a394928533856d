//! Two versions of the configuration, object by object and field by field. Things with an id are matched by it, so that
//! a new question at the top is one difference and not one for each question below; their order is a field of its own.
//!
//! Invariants: nothing differs exactly when both versions are the same but for their revision; no sealed value is shown.

use super::RealmConfig;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The lists whose items are objects; other things with an id are fields of the object that they lie in.
const OBJECT_LISTS: [&str; 3] = ["connections", "policies", "workflows"];

/// Fields whose number is a span.
const SPANS: [&str; 6] = ["session", "duration", "reset_after", "life", "valid_for", "pause"];

/// Fields that a summary names at most.
const SUMMARY_FIELDS: usize = 20;

/// Characters of the names in a summary, since it stays in the audit.
const SUMMARY_LENGTH: usize = 1000;

/// One object that is not the same in both versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectDifference {
    /// Which, with people's names for things, such as `policies[Everyone].workflows[Register]`.
    pub object: String,
    /// What becomes of it.
    pub change: ObjectChange,
    /// Its fields that differ.
    pub fields: Vec<FieldDifference>,
}

/// What becomes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectChange {
    /// It is new.
    Added,
    /// It goes.
    Removed,
    /// It stays, with other values.
    Changed,
}

/// One field that is not the same in both versions; `None` where a version lacks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDifference {
    /// Its place in the object.
    pub field: String,
    /// As it was.
    pub before: Option<String>,
    /// As it is then.
    pub after: Option<String>,
}

impl ObjectDifference {
    /// The place of one of its fields in the whole configuration.
    #[must_use]
    pub fn place_of(&self, field: &FieldDifference) -> String {
        let dot = if field.field.starts_with('[') { "" } else { "." };
        format!("{}{dot}{}", self.object, field.field)
    }
}

/// Every object that differs, by its place; the revision apart.
#[must_use]
pub fn differences(before: &RealmConfig, after: &RealmConfig) -> Vec<ObjectDifference> {
    let (before, after) = (Objects::of(before), Objects::of(after));
    let mut keys: Vec<&String> = before.0.keys().chain(after.0.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut found: Vec<_> =
        keys.into_iter().filter_map(|key| difference(before.0.get(key), after.0.get(key))).collect();
    found.sort_by(|one, other| one.object.cmp(&other.object));
    found
}

/// What differs in one line, without values: for the audit.
#[must_use]
pub fn summary(differences: &[ObjectDifference]) -> String {
    let mut named: Vec<String> = Vec::new();
    for difference in differences {
        match difference.change {
            ObjectChange::Added => named.push(format!("{} (added)", difference.object)),
            ObjectChange::Removed => named.push(format!("{} (removed)", difference.object)),
            ObjectChange::Changed => {
                named.extend(difference.fields.iter().map(|field| difference.place_of(field)));
            }
        }
    }
    let more = named.len().saturating_sub(SUMMARY_FIELDS);
    named.truncate(SUMMARY_FIELDS);
    let mut text = named.join(", ");
    if let Some((end, _)) = text.char_indices().nth(SUMMARY_LENGTH) {
        text.truncate(end);
        text.push('…');
    }
    match (text.is_empty(), more) {
        (true, _) => "nothing but the revision".to_owned(),
        (false, 0) => text,
        (false, more) => format!("{text} and {more} more"),
    }
}

fn difference(before: Option<&Object>, after: Option<&Object>) -> Option<ObjectDifference> {
    let change = match (before, after) {
        (None, _) => ObjectChange::Added,
        (_, None) => ObjectChange::Removed,
        _ => ObjectChange::Changed,
    };
    let mut keys: Vec<&String> =
        before.into_iter().chain(after).flat_map(|object| object.leaves.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let leaf = |object: Option<&Object>, key| object.and_then(|object| object.leaves.get(key).cloned());
    let fields: Vec<_> =
        keys.into_iter().filter_map(|key| compared(leaf(before, key), leaf(after, key))).collect();
    let object = before.or(after)?.label.clone();
    (!fields.is_empty()).then_some(ObjectDifference { object, change, fields })
}

fn compared(before: Option<Leaf>, after: Option<Leaf>) -> Option<FieldDifference> {
    let field = before.as_ref().or(after.as_ref())?.label.clone();
    let (before, after) = (before.map(|leaf| leaf.content), after.map(|leaf| leaf.content));
    if before == after {
        return None;
    }
    let (before, after) = match (before, after) {
        (Some(Content::Order(one)), Some(Content::Order(other))) => {
            let (one, other) = (in_common(&one, &other), in_common(&other, &one));
            if one == other {
                return None;
            }
            (Some(labels(&one)), Some(labels(&other)))
        }
        // Items that come or go are differences of their own.
        (Some(Content::Order(_)), None) | (None, Some(Content::Order(_))) => return None,
        (before, after) => (before.map(|one| one.shown(&field)), after.map(|one| one.shown(&field))),
    };
    Some(FieldDifference { field, before, after })
}

/// The items that another list has too, in this list's order.
fn in_common(items: &[Name], other: &[Name]) -> Vec<Name> {
    items.iter().filter(|item| other.iter().any(|one| one.key == item.key)).cloned().collect()
}

fn labels(items: &[Name]) -> String {
    items.iter().map(|item| item.label.as_str()).collect::<Vec<_>>().join(", ")
}

/// How a thing is found again in the other version, and what people call it.
#[derive(Debug, Clone, Default)]
struct Name {
    key: String,
    label: String,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Name {
    fn of(text: &str) -> Self {
        Self { key: text.to_owned(), label: text.to_owned() }
    }

    fn member(&self, name: &str) -> Self {
        let dot = if self.key.is_empty() { "" } else { "." };
        Self { key: format!("{}{dot}{name}", self.key), label: format!("{}{dot}{name}", self.label) }
    }

    fn item(&self, item: &Self) -> Self {
        Self { key: format!("{}[{}]", self.key, item.key), label: format!("{}[{}]", self.label, item.label) }
    }
}

/// One object of one version.
struct Object {
    label: String,
    leaves: BTreeMap<String, Leaf>,
}

/// The end of a path in an object.
#[derive(Clone)]
struct Leaf {
    label: String,
    content: Content,
}

#[derive(Clone, PartialEq)]
enum Content {
    Value(Value),
    Order(Vec<Name>),
}

impl Content {
    fn shown(&self, field: &str) -> String {
        match self {
            Self::Value(_) if field.ends_with("bind_password") || field.ends_with("login.password") => {
                "(sealed)".to_owned()
            }
            Self::Value(Value::String(text)) => text.clone(),
            Self::Value(Value::Number(length)) if SPANS.iter().any(|span| field.ends_with(span)) => {
                length.as_u64().map_or_else(|| length.to_string(), |length| Span(length).to_string())
            }
            Self::Value(other) => other.to_string(),
            Self::Order(items) => labels(items),
        }
    }
}

/// The objects of one version, by keys that hold ids where things have one.
#[derive(Default)]
struct Objects(BTreeMap<String, Object>);

impl Objects {
    fn of(config: &RealmConfig) -> Self {
        // A configuration has string keys only, so that it always has a JSON form; without one nothing is shown.
        let root = serde_json::to_value(config).unwrap_or_default();
        let mut objects = Self::default();
        for (name, value) in root.as_object().into_iter().flatten().filter(|(name, _)| *name != "revision") {
            objects.collect(value, &Name::of(name), &Name::default());
        }
        objects
    }

    fn collect(&mut self, value: &Value, object: &Name, field: &Name) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (name, member) in members {
                    let at = field.member(name);
                    match member {
                        Value::Array(items) => self.list(items, object, &at, name),
                        _ => self.collect(member, object, &at),
                    }
                }
            }
            Value::Array(items) => self.list(items, object, field, &object.key),
            // What an option lacks is no field.
            Value::Null => {}
            _ => self.leaf(object, field, Content::Value(value.clone())),
        }
    }

    fn list(&mut self, items: &[Value], object: &Name, field: &Name, name: &str) {
        let named = names(items);
        let holds_objects = OBJECT_LISTS.contains(&name);
        for (item, name) in items.iter().zip(&named) {
            if holds_objects {
                let list = if field.key.is_empty() { object.clone() } else { object.member(&field.key) };
                self.collect(item, &list.item(name), &Name::default());
            } else {
                self.collect(item, object, &field.item(name));
            }
        }
        if !named.is_empty() {
            self.leaf(object, &field.member("order"), Content::Order(named));
        }
    }

    fn leaf(&mut self, object: &Name, field: &Name, content: Content) {
        let present = self
            .0
            .entry(object.key.clone())
            .or_insert_with(|| Object { label: object.label.clone(), leaves: BTreeMap::new() });
        present.leaves.insert(field.key.clone(), Leaf { label: field.label.clone(), content });
    }
}

/// How the items of a list are called: by id, by their text, or else by their place. A name that is there twice gets a
/// number.
fn names(items: &[Value]) -> Vec<Name> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut named = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let key = text("id").or(item.as_str()).map_or_else(|| index.to_string(), str::to_owned);
        let label = ["name", "alias", "text"].into_iter().find_map(text).unwrap_or(&key).to_owned();
        let times = seen.entry(key.clone()).or_default();
        *times = times.saturating_add(1);
        let twice = if *times > 1 { format!("#{times}") } else { String::new() };
        named.push(Name { key: format!("{key}{twice}"), label: format!("{label}{twice}") });
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DirectoryEndpoint, DomainConnection};
    use crate::ids::{ConnectionId, Revision};
    use uuid::Uuid;

    fn connection(id: u128, alias: &str) -> DomainConnection {
        DomainConnection {
            id: ConnectionId(Uuid::from_u128(id)),
            alias: alias.to_owned(),
            endpoint: DirectoryEndpoint::Embedded,
            profile_attribute: "comment".to_owned(),
            former_profile_attribute: None,
        }
    }

    fn with(connections: Vec<DomainConnection>) -> RealmConfig {
        RealmConfig { connections, ..RealmConfig::empty() }
    }

    #[test]
    fn only_what_differs_is_shown_with_both_values() {
        let mut before = RealmConfig::empty();
        before.general.organisation = "Old".to_owned();
        let mut after = RealmConfig::empty();
        after.general.organisation = "New".to_owned();
        after.general.session = Span::hours(1);
        after.revision = Revision(9);
        let field = |field: &str, before: &str, after: &str| FieldDifference {
            field: field.to_owned(),
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
        };
        let fields = vec![field("organisation", "Old", "New"), field("session", "15m", "1h")];
        let found = differences(&before, &after);
        let expected = ObjectDifference { object: "general".into(), change: ObjectChange::Changed, fields };
        assert_eq!(found, [expected]);
        assert_eq!(summary(&found), "general.organisation, general.session");
        assert_eq!(summary(&[]), "nothing but the revision");
    }

    #[test]
    fn things_with_an_id_are_matched_by_it_and_their_order_is_one_field() {
        let before = with(vec![connection(2, "B"), connection(1, "A")]);
        let mut after = with(vec![connection(1, "A"), connection(2, "B")]);
        let found = differences(&before, &after);
        assert_eq!(summary(&found), "connections.order");
        assert_eq!(found[0].fields[0].before.as_deref(), Some("B, A"));
        after.connections.pop();
        assert_eq!(summary(&differences(&before, &after)), "connections[B] (removed)");
        assert_eq!(summary(&differences(&after, &before)), "connections[B] (added)");
    }

    #[test]
    fn the_same_id_twice_hides_nothing() {
        let before = with(vec![connection(1, "A"), connection(1, "A")]);
        let after = with(vec![connection(1, "A"), connection(1, "B")]);
        assert_eq!(summary(&differences(&before, &after)), "connections[A#2].alias");
        assert_eq!(
            summary(&differences(&before, &with(vec![connection(1, "A")]))),
            "connections[A#2] (removed)"
        );
    }

    #[test]
    fn a_long_summary_is_cut_and_says_so() {
        let after = with((0..25).map(|n| connection(n, &format!("C{n:02}"))).collect());
        let text = summary(&differences(&RealmConfig::empty(), &after));
        assert!(text.starts_with("connections[C00] (added), ") && text.ends_with(" and 5 more"), "{text}");
        let after = with((0..20).map(|n| connection(n, &format!("{n:02}{}", "é".repeat(98)))).collect());
        let text = summary(&differences(&RealmConfig::empty(), &after));
        assert!(text.ends_with('…') && text.chars().count() == SUMMARY_LENGTH + 1, "{text}");
    }
}
