//! The OpenAPI document tells of each route, with its scope and body limit, and of nothing else. It is read by its layout:
//! one line for each path, method, scope and limit. `ops/rig/openapi.py` holds what it says against a running realm.

use super::{Access, Api, ROUTES};
use crate::fakes::policy;
use axum::body::Body;
use http::{Request, StatusCode};
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::config::LdapsSettings;
use passquorum_domain::directory::{AdSite, DistinguishedName};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::helpdesk::{HelpdeskTask, MustChange, Verification};
use passquorum_domain::ports::Right;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

const DOCUMENT: &str = include_str!("../../../src/api/openapi.yaml");

/// What it says of one operation.
#[derive(Debug, Default, PartialEq, Eq)]
struct Operation {
    security: String,
    body_limit: Option<usize>,
}

/// The operations below `paths:`, by path and method.
fn operations() -> BTreeMap<(String, String), Operation> {
    let mut found: BTreeMap<(String, String), Operation> = BTreeMap::new();
    let (mut path, mut method) = (String::new(), String::new());
    let paths = DOCUMENT.lines().skip_while(|line| *line != "paths:").skip(1);
    for line in paths.take_while(|line| line.is_empty() || line.starts_with(' ')) {
        let text = line.trim_start();
        let Some((key, value)) = text.split_once(':') else { continue };
        match line.len() - text.len() {
            2 => key.clone_into(&mut path),
            4 if key != "parameters" => {
                method = key.to_uppercase();
                let before = found.insert((path.clone(), method.clone()), Operation::default());
                assert_eq!(before, None, "{method} {path} stands there twice");
            }
            6 => {
                let Some(operation) = found.get_mut(&(path.clone(), method.clone())) else { continue };
                match key {
                    "security" => value.trim().clone_into(&mut operation.security),
                    "x-body-limit" => operation.body_limit = Some(value.trim().parse().unwrap()),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn the_document_tells_of_each_route_and_its_scope_and_of_no_other() {
    let mut told = operations();
    // Of the node, and not of this table.
    for path in ["/live", "/ready"] {
        let operation = told.remove(&(path.to_owned(), "GET".to_owned()));
        assert_eq!(operation.unwrap().security, "[]", "{path}");
    }
    for path in ["/status", "/metrics"] {
        let operation = told.remove(&(path.to_owned(), "GET".to_owned()));
        assert_eq!(operation.unwrap().security, "[{}, {token: [read]}]", "{path}");
    }
    let built: BTreeMap<_, _> = ROUTES
        .iter()
        .map(|route| {
            let security = match route.access {
                Access::Open => "[]".to_owned(),
                Access::Scope(scope) => {
                    format!("[{{token: [{}]}}]", serde_json::to_value(scope).unwrap().as_str().unwrap())
                }
                Access::Monitor => "[{}, {token: [read]}]".to_owned(),
            };
            let operation = Operation { security, body_limit: Some(route.body_limit) };
            ((route.path.to_owned(), route.method.to_string()), operation)
        })
        .collect();
    let (told_of, there): (BTreeSet<_>, BTreeSet<_>) = (told.keys().collect(), built.keys().collect());
    assert_eq!(there.difference(&told_of).collect::<Vec<_>>(), [] as [&&_; 0], "not in the document");
    assert_eq!(told_of.difference(&there).collect::<Vec<_>>(), [] as [&&_; 0], "no such route");
    for (key, operation) in &built {
        assert_eq!(told.get(key), Some(operation), "{key:?}");
    }
}

#[test]
fn each_code_that_the_document_names_exists() {
    let known: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    let is_code = |word: &&str| word.starts_with("PQ-") && word.len() > "PQ-".len();
    let words = DOCUMENT.split(|c: char| !(c.is_ascii_uppercase() || c == '-'));
    let unknown: BTreeSet<_> = words.filter(is_code).filter(|word| !known.contains(word)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// The words of one schema.
fn words_of(schema: &str) -> BTreeSet<&'static str> {
    let (_, text) = DOCUMENT.split_once(&format!("\n    {schema}:")).unwrap();
    let others = text.lines().skip(1).take_while(|line| line.starts_with("     "));
    let is_apart = |c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c));
    text.lines().take(1).chain(others).flat_map(|line| line.split(is_apart)).collect()
}

/// The names that an enum is read from, as it tells them where it refuses another.
fn names_of<T: DeserializeOwned + Debug>() -> BTreeSet<String> {
    let refused = serde_json::from_value::<T>("no such name".into()).unwrap_err().to_string();
    let (_, expected) = refused.split_once("expected ").unwrap();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The names of a value's fields.
fn fields_of(value: &impl Serialize) -> BTreeSet<String> {
    serde_json::to_value(value).unwrap().as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_schemas_name_each_event_and_right_and_the_fields_that_came_later() {
    let mut policy = policy();
    policy.helpdesk.must_change = MustChange::OperatorChooses;
    policy.helpdesk.verification = Some(Verification::PROPOSED);
    let ldaps = LdapsSettings {
        servers: Vec::new(),
        base: DistinguishedName::parse("DC=example,DC=com").unwrap(),
        authorities: String::new(),
        bind_name: String::new(),
        bind_password: Sealed(Blob::from(&b""[..])),
        push_sites: vec![AdSite::parse("Bonn").unwrap()],
    };
    for (schema, field, names) in [
        ("AuditEvent", "CallerVerified", names_of::<AuditEvent>()),
        ("RightCheck", "push-passwords", names_of::<Right>()),
        ("Policy", "helpdesk", fields_of(&policy)),
        ("HelpdeskPolicy", "verification", fields_of(&policy.helpdesk)),
        ("HelpdeskPolicy", "enable-account", names_of::<HelpdeskTask>()),
        ("HelpdeskPolicy", "operator-chooses", names_of::<MustChange>()),
        ("Ldaps", "push_sites", fields_of(&ldaps)),
        ("NewLdaps", "push_sites", fields_of(&ldaps)),
    ] {
        assert!(names.contains(field), "{schema}: {names:?}");
        let words = words_of(schema);
        let missing: Vec<_> = names.iter().filter(|name| !words.contains(name.as_str())).collect();
        assert!(missing.is_empty(), "{schema} lacks {missing:?}");
    }
}

#[tokio::test]
async fn the_document_is_for_everyone_who_asks() {
    let api = Api::new();
    let answer = api.send(Request::get("/api/v1/openapi.yaml").body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.content_type.as_str()), (StatusCode::OK, "application/yaml"));
    assert_eq!(answer.body, DOCUMENT.as_bytes());
}
