//! Lines in a tree's files: of a byte, and of the field that a problem of the configuration names.

use super::{HEAD, MAIL_FILE, TreeProblem};
use passquorum_domain::config::Problem;
use toml::de::{DeTable, DeValue};

/// The line, counted from 1, that a byte is on.
pub(super) fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count().saturating_add(1)
}

/// The line of a field such as `lockout.threshold` or `groups[0].connection`, or of the nearest thing around it that is
/// there.
pub(super) fn line_of(text: &str, field: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut value: &DeValue<'_> = &DeValue::Table(document.get_ref().clone());
    let mut found = None;
    for part in field.split(['.', '[']).filter(|part| !part.is_empty()) {
        let next = match (value, part.strip_suffix(']')) {
            (DeValue::Table(table), None) => {
                table.iter().find(|(key, _)| key.get_ref() == part).map(|(key, value)| (key.span(), value))
            }
            (DeValue::Array(items), Some(index)) => {
                let item = index.parse::<usize>().ok().and_then(|index| items.get(index));
                item.map(|item| (item.span(), item))
            }
            _ => None,
        };
        let Some((span, inner)) = next else { break };
        found = Some(span.start);
        value = inner.get_ref();
    }
    found.map(|at| line_at(text, at))
}

/// The names of a tree's files, in the order of the configuration.
#[derive(Default)]
pub(super) struct Places {
    pub(super) connections: Vec<String>,
    pub(super) policies: Vec<PolicyPlaces>,
}

/// The names of one policy's files.
#[derive(Default)]
pub(super) struct PolicyPlaces {
    pub(super) folder: String,
    pub(super) workflows: Vec<String>,
}

impl Places {
    /// The file and the field in it that a problem of the configuration is about.
    pub(super) fn of(&self, field: &str) -> (String, String) {
        if let Some((index, rest)) = item(field, "connections") {
            let file = self.connections.get(index).map(|name| format!("connections/{name}.toml"));
            let outer = ["alias", "profile_attribute", "former_profile_attribute", "id"]
                .iter()
                .any(|outer| rest.starts_with(outer));
            let rest = if outer { rest.to_owned() } else { format!("endpoint.ldaps.{rest}") };
            return (file.unwrap_or_else(|| HEAD.to_owned()), rest);
        }
        if let Some((index, rest)) = item(field, "policies") {
            return self.policies.get(index).map_or_else(|| elsewhere(field), |policy| policy.of(rest));
        }
        for roles in ["administrators", "helpdesk"] {
            if let Some(rest) = field.strip_prefix(roles) {
                return (format!("{roles}.toml"), format!("groups{rest}"));
            }
        }
        if let Some(rest) = field.strip_prefix("general.mail.") {
            return (MAIL_FILE.to_owned(), rest.to_owned());
        }
        match field.strip_prefix("general.") {
            Some(rest) => ("general.toml".to_owned(), rest.to_owned()),
            None => elsewhere(field),
        }
    }
}

impl PolicyPlaces {
    fn of(&self, field: &str) -> (String, String) {
        let file = |name: &str| format!("{}/{name}.toml", self.folder);
        if let Some((index, rest)) = item(field, "workflows")
            && let Some(name) = self.workflows.get(index)
        {
            return (file(&format!("workflows/{name}")), rest.to_owned());
        }
        if let Some(rest) = field.strip_prefix("qa.") {
            return (file("questions"), rest.to_owned());
        }
        match field.strip_prefix("password_rules") {
            Some(rest) => (file("password"), format!("rules{rest}")),
            None => (file("policy"), field.to_owned()),
        }
    }
}

fn elsewhere(field: &str) -> (String, String) {
    (HEAD.to_owned(), field.to_owned())
}

/// Takes `list[3].rest` apart.
fn item<'a>(field: &'a str, list: &str) -> Option<(usize, &'a str)> {
    let (index, rest) = field.strip_prefix(list)?.strip_prefix('[')?.split_once(']')?;
    Some((index.parse().ok()?, rest.strip_prefix('.').unwrap_or(rest)))
}

/// A problem of the configuration as a problem of its file.
pub(super) fn located(places: &Places, problem: &Problem, text_of: impl Fn(&str) -> String) -> TreeProblem {
    let (file, field) = places.of(&problem.field);
    let line = line_of(&text_of(&file), &field);
    TreeProblem { file, line, message: format!("{field}: {}", problem.message) }
}
