//! What is shown of a state.

use crate::commands::{START, command, commands, create_realm};
use passquorum_domain::command::Action;
use passquorum_domain::config::{ConfigChange, RealmConfig};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{NodeId, Revision};
use passquorum_domain::mirror::{Projection, shows_the_same};
use passquorum_domain::state::State;
use proptest::prelude::*;
use serde_json::json;

fn config() -> RealmConfig {
    let connection = "00000000-0000-0000-0000-0000000000aa";
    let mut config = serde_json::to_value(RealmConfig::empty()).unwrap();
    config["connections"] = json!([{
        "id": connection,
        "alias": "CORP",
        "endpoint": { "Ldaps": {
            "servers": ["ldaps://dc.private"],
            "base": "DC=x",
            "authorities": "-----BEGIN CERTIFICATE----- private",
            "bind_name": "private-account",
            "bind_password": "cHJpdmF0ZQ==",
        }},
        "profile_attribute": "comment",
    }]);
    config["policies"] = json!([{
        "id": "00000000-0000-0000-0000-0000000000bb",
        "name": "Everyone",
        "scope": [{
            "connection": connection,
            "allowed_groups": ["CN=Users,DC=x"],
            "allowed_ous": ["OU=People,DC=x"],
            "denied_groups": ["CN=Protected,DC=x"],
            "denied_ous": [],
        }],
        "qa": {
            "questions": [{ "id": connection, "kind": "mandatory", "text": "A private question?" }],
            "optional_to_register": 0,
            "user_defined_to_register": 0,
            "min_question_length": 10,
            "min_answer_length": 3,
            "reject_same_answer": true,
            "reject_answer_in_question": true,
        },
        "lockout": { "threshold": 5, "duration": 900_000, "reset_after": 900_000 },
        "password_rules": [],
        "workflows": [],
    }]);
    serde_json::from_value(config).unwrap()
}

#[test]
fn the_document_is_fixed_and_holds_nothing_but_what_may_be_seen() {
    let mut state = State::default();
    assert_eq!(Projection::of(&state, NodeId(1)), None);
    state.apply(command(1, START, create_realm())).outcome.unwrap();
    let change = ConfigChange::Replace(Box::new(config()));
    let change = Action::ChangeConfig { base: Revision(0), change };
    state.apply(command(2, START, change)).outcome.unwrap();
    let document = Projection::of(&state, NodeId(1)).unwrap().to_document();
    let expected = concat!(
        r#"{"format":1,"realm":"00000000-0000-0000-0000-000000000001","revision":1,"leader":1,"#,
        r#""nodes":[{"id":1,"name":"node","role":"voter","site_url":"https://host"}],"#,
        r#""policies":[{"id":"00000000-0000-0000-0000-0000000000bb","name":"Everyone","scope":[{"domain":"CORP","#,
        r#""allowed_groups":["CN=Users,DC=x"],"allowed_ous":["OU=People,DC=x"],"#,
        r#""denied_groups":["CN=Protected,DC=x"],"denied_ous":[]}]}]}"#,
    );
    assert_eq!(String::from_utf8_lossy(document.as_bytes()), expected);

    // From the third level on it says what each policy asks of a profile, and where profiles are.
    for (number, from, to) in
        [(3, FeatureLevel::FIRST, FeatureLevel::SECOND), (4, FeatureLevel::SECOND, FeatureLevel::THIRD)]
    {
        let before = state.clone();
        let raise = Action::RaiseLevel { from, to, asked: vec![NodeId(1)] };
        state.apply(command(number, START, raise)).outcome.unwrap();
        assert!(!shows_the_same(&before, &state));
    }
    let document = Projection::of(&state, NodeId(1)).unwrap().to_document();
    let expected = expected.replace(
        r#""denied_ous":[]}]}]}"#,
        r#""denied_ous":[],"profile_attributes":["comment"]}],"requirements":"cfe6a568236ddd01"}]}"#,
    );
    assert_eq!(String::from_utf8_lossy(document.as_bytes()), expected);
}

proptest! {
    #[test]
    fn a_change_that_is_taken_for_none_shows_nothing_else(commands in commands()) {
        let mut state = State::default();
        for command in commands {
            let before = state.clone();
            state.apply(command);
            let shown = |state| Projection::of(state, NodeId(1)).map(|projection| projection.to_document());
            prop_assert!(!shows_the_same(&before, &state) || shown(&before) == shown(&state));
        }
    }
}
