//! The words of a refused configuration are remembered in the state, so programs of two releases side by side have to
//! find the same ones. They change with a feature level and not before: see `feature_level`.

use passquorum_domain::config::{ConfigChange, RealmConfig};
use serde_json::{Value, json};

const ID: &str = "00000000-0000-0000-0000-0000000000aa";

fn wrong_everywhere() -> RealmConfig {
    let lockout = json!({ "threshold": 0, "duration": 0, "reset_after": 0 });
    let connection = |alias: &str, servers: Value| {
        json!({
            "id": ID,
            "alias": alias,
            "endpoint": { "Ldaps": {
                "servers": servers,
                "base": "DC=x",
                "authorities": "none",
                "bind_name": "",
                "bind_password": "cHJpdmF0ZQ==",
            }},
            "profile_attribute": "1st",
        })
    };
    let workflow = json!({
        "id": ID,
        "kind": "register",
        "name": "",
        "description": "a".repeat(501),
        "enabled": true,
        "activities": [],
    });
    let question = json!({ "id": ID, "kind": "mandatory", "text": "" });
    let policy = json!({
        "id": ID,
        "name": "",
        "scope": [{
            "connection": "00000000-0000-0000-0000-0000000000ff",
            "allowed_groups": [], "allowed_ous": [], "denied_groups": [], "denied_ous": [],
        }],
        "qa": {
            "questions": [question, question],
            "optional_to_register": 1,
            "user_defined_to_register": 21,
            "min_question_length": 0,
            "min_answer_length": 0,
            "reject_same_answer": true,
            "reject_answer_in_question": true,
        },
        "lockout": lockout,
        "password_rules": [{ "Length": { "min": 9, "max": 8 } }, { "Complexity": { "min_kinds": 5, "forbid_names": true } }],
        "workflows": [workflow, workflow],
    });
    let mut nothing_asked = policy.clone();
    nothing_asked["qa"]["questions"] = json!([]);
    nothing_asked["qa"]["user_defined_to_register"] = json!(0);
    let group = json!({ "connection": "00000000-0000-0000-0000-0000000000ff", "group": "CN=x" });
    let mut config = serde_json::to_value(RealmConfig::empty()).unwrap();
    config["connections"] =
        json!([connection("CORP", json!([])), connection("corp", json!(["dc1", "ldap://dc2"]))]);
    config["policies"] = json!([policy, nothing_asked]);
    config["administrators"] = json!([group]);
    config["helpdesk"] = json!([group]);
    config["general"]["organisation"] = json!("\u{7}");
    config["general"]["source_limit"] = lockout;
    config["general"]["session"] = json!(0);
    config["general"]["certificate_life"] = json!(0);
    config["general"]["monitors"] = json!(vec!["10.0.0.1"; 101]);
    config["general"]["logging"] = json!(vec!["info"; 101]);
    config["general"]["mirror"] =
        json!({ "connection": "00000000-0000-0000-0000-0000000000ff", "container": "OU=x" });
    serde_json::from_value(config).unwrap()
}

#[test]
fn a_configuration_that_is_wrong_everywhere_is_refused_in_the_same_words_as_before() {
    let refused = RealmConfig::empty().with(ConfigChange::Replace(Box::new(wrong_everywhere()))).unwrap_err();
    let words: Vec<String> = refused.iter().map(ToString::to_string).collect();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/domain/golden/words.txt");
    assert_eq!(words.join("\n") + "\n", std::fs::read_to_string(golden).unwrap_or_default());
}
