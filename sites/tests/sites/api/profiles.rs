//! Tasks over many profiles: what each says line by line, whom it leaves alone, and what the audit keeps.

use super::Api;
use crate::fakes::{Controller, SECOND, config, policy};
use passquorum_domain::audit::{AuditEvent, ProfileTask};
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::Action;
use passquorum_domain::config::ConfigChange;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{ConnectionId, KeyedHash, NodeId, PolicyId, WorkflowId};
use passquorum_domain::ports::{Purpose, Vault as _};
use passquorum_domain::profile::RequirementsDigest;
use passquorum_domain::token::ApiScope;
use serde_json::{Value, json};
use uuid::Uuid;

fn person(user: &str, last: &str) -> Value {
    let answers = [
        ("which TOWN were you born in? ", "Ulm"),
        ("What was your first school called?", "Northside"),
        ("What was your first pet called?", "Rexine"),
        ("Which song did we dance to?", last),
    ];
    let answers = answers.map(|(question, answer)| json!({ "question": question, "answer": answer }));
    json!({ "user": user, "answers": answers })
}

impl Api {
    /// What a user's records are kept under.
    fn subject(&self, account: &str) -> KeyedHash {
        let guid = self.world.directory.user(account).record.user.guid;
        self.world.vault.keyed_hash(Purpose::Subject, &guid.0).unwrap()
    }

    /// A realm at the level that these tasks need.
    fn raised() -> Self {
        let api = Self::new();
        let (from, asked) = (FeatureLevel::FIRST, vec![NodeId(1)]);
        api.consensus.apply(Action::RaiseLevel { from, to: FeatureLevel::SECOND, asked }).unwrap();
        api
    }

    /// A realm at the level from which on profiles are stamped.
    fn stamping() -> Self {
        let api = Self::raised();
        let (from, asked) = (FeatureLevel::SECOND, vec![NodeId(1)]);
        api.consensus.apply(Action::RaiseLevel { from, to: FeatureLevel::THIRD, asked }).unwrap();
        api
    }

    async fn task(&self, path: &str, body: Value) -> Vec<Value> {
        let answer = self.call("POST", path, &[], body.to_string()).await;
        assert_eq!(answer.content_type, "application/x-ndjson", "{}", String::from_utf8_lossy(&answer.body));
        let text = String::from_utf8(answer.body).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn bring(&self, people: &[Value], more: Value) -> Value {
        let mut body = json!({ "people": people });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.task("/api/v1/profiles/import", body).await.pop().unwrap()
    }

    fn profile(&self, account: &str) -> Option<Blob> {
        self.world.directory.user(account).profile.map(|value| value.sealed)
    }

    fn events(&self, task: ProfileTask) -> Vec<AuditEvent> {
        let is_of = |event: &AuditEvent| match event {
            AuditEvent::ProfilesBegun(of) | AuditEvent::ProfileTaken(of) => *of == task,
            AuditEvent::ProfilesEnded { task: of, .. } | AuditEvent::ProfilesTaken { task: of, .. } => {
                *of == task
            }
            _ => false,
        };
        let state = self.consensus.state();
        state.audit().map(|record| record.event.clone()).filter(is_of).collect()
    }
}

/// Counts of a line.
fn counts(line: &Value) -> [u64; 4] {
    ["seen", "changed", "unchanged", "failed"].map(|count| line[count].as_u64().unwrap())
}

#[tokio::test]
async fn answers_that_are_brought_in_are_held_against_the_persons_policy_and_replace_nothing_unasked() {
    let api = Api::raised();
    let people = [person("alice", "Waltz"), person("nobody", "Waltz"), person("alice@example.com", "x")];
    let told = api.bring(&people, json!({ "dry_run": true })).await;
    assert_eq!((counts(&told), &told["done"]), ([3, 1, 0, 2], &json!(true)), "{told}");
    assert_eq!(told["problems"][0]["user"], "nobody");
    assert_eq!(told["problems"][0]["code"], "PQ-NOT-FOUND");
    assert_eq!(told["problems"][1]["code"], "PQ-BAD-INPUT", "an answer of one letter is too short");
    assert_eq!((api.profile("alice"), api.events(ProfileTask::Import).len()), (None, 0));

    let told = api.bring(&people[..1], json!({})).await;
    assert_eq!(counts(&told), [1, 1, 0, 0], "{told}");
    let first = api.profile("alice").unwrap();
    assert_eq!(api.events(ProfileTask::Import), [AuditEvent::ProfileTaken(ProfileTask::Import)]);
    let told = api.bring(&people[..1], json!({})).await;
    assert_eq!((counts(&told), api.profile("alice").unwrap()), ([1, 0, 1, 0], first.clone()), "{told}");
    let told = api.bring(&people[..1], json!({ "replace": true })).await;
    assert_eq!(counts(&told), [1, 1, 0, 0], "{told}");
    assert_ne!(api.profile("alice").unwrap(), first);

    let wrong = r#"{"people":[{"user":"alice","answers":[{"question":"q","answer":7}]}]}"#;
    let refused = api.call("POST", "/api/v1/profiles/import", &[], wrong).await;
    refused.problem(400, "PQ-BAD-INPUT");
}

#[tokio::test]
async fn a_migration_leaves_alone_what_is_right_or_does_not_open_and_tells_when_it_cannot_go_on() {
    let api = Api::raised();
    let migrate = json!({ "domain": "example" });
    api.bring(&[person("alice", "Waltz")], json!({})).await;
    let foreign = Blob::from(vec![1, 1, 0, 0, 0, 1, 7, 7]);
    api.world.directory.edit("bob", |user| user.profile = Some(foreign.clone().into()));
    let before = api.profile("alice");
    let lines = api.task("/api/v1/profiles/migrate", migrate.clone()).await;
    let last = lines.last().unwrap();
    let counted = lines.iter().find(|line| line["of"].is_u64()).unwrap();
    assert_eq!((&counted["of"], &counted["seen"]), (&json!(2), &json!(0)), "{lines:?}");
    assert_eq!((counts(last), &last["done"]), ([2, 0, 2, 0], &json!(true)), "{last}");
    assert_eq!((api.profile("alice"), api.profile("bob")), (before.clone(), Some(foreign)));

    // Sealed under a key that is not the present one, and not to be opened.
    let other = Blob::from(vec![1, 1, 0, 0, 0, 9, 7, 7]);
    api.world.directory.edit("bob", |user| user.profile = Some(other.clone().into()));
    let lines = api.task("/api/v1/profiles/migrate", migrate.clone()).await;
    let problem = lines.iter().find_map(|line| line["problems"].get(0)).unwrap();
    assert_eq!((&problem["user"], &problem["code"]), (&json!("EXAMPLE\\bob"), &json!("PQ-FOREIGN-VALUE")));
    assert_eq!(api.profile("bob"), Some(other));
    let ended = AuditEvent::ProfilesEnded { task: ProfileTask::Migrate, changed: 0, failed: 1 };
    assert_eq!(api.events(ProfileTask::Migrate).last(), Some(&ended));

    api.world.directory.set_controller(Controller::Down);
    let lines = api.task("/api/v1/profiles/migrate", migrate).await;
    assert_eq!(lines.last().unwrap()["problem"]["code"], "PQ-DIRECTORY-UNREACHABLE", "{lines:?}");
    let refused = api.call("POST", "/api/v1/profiles/migrate", &[], r#"{"domain":"NOWHERE"}"#).await;
    refused.problem(404, "PQ-NOT-FOUND");
}

#[tokio::test]
async fn a_migration_brings_profiles_to_the_form_of_the_level_and_says_what_they_meet() {
    let api = Api::raised();
    api.bring(&[person("alice", "Waltz"), person("bob", "Waltz")], json!({})).await;
    let (from, asked) = (FeatureLevel::SECOND, vec![NodeId(1)]);
    api.consensus.apply(Action::RaiseLevel { from, to: FeatureLevel::THIRD, asked }).unwrap();
    api.world.directory.edit("bob", |user| user.groups.clear());
    let digest = |account: &str| api.world.directory.user(account).profile.unwrap().digest;
    assert_eq!((digest("alice"), digest("bob")), (None, None));
    let migrate = json!({ "domain": "EXAMPLE" });
    let told = api.task("/api/v1/profiles/migrate", migrate.clone()).await.pop().unwrap();
    assert_eq!(counts(&told), [2, 2, 0, 0], "{told}");
    let requirements = RequirementsDigest::of(&policy().qa);
    assert_eq!(digest("alice"), Some(requirements));
    assert_eq!(digest("bob"), Some(RequirementsDigest::NONE), "no policy serves bob");
    let told = api.task("/api/v1/profiles/migrate", migrate).await.pop().unwrap();
    assert_eq!(counts(&told), [2, 0, 2, 0], "{told}");
}

#[tokio::test]
async fn a_migration_asks_the_policy_that_serves_somebody_by_any_connection() {
    let api = Api::raised();
    api.bring(&[person("alice", "Waltz"), person("bob", "Waltz")], json!({})).await;
    let (from, asked) = (FeatureLevel::SECOND, vec![NodeId(1)]);
    api.consensus.apply(Action::RaiseLevel { from, to: FeatureLevel::THIRD, asked }).unwrap();
    // The second connection shows alice too, to a policy that stands first and asks for one answer more.
    let (mut realm, mut second, mut strict) = (config(), config().connections.remove(0), policy());
    (second.id, second.alias) = (SECOND, "OTHER".into());
    (strict.id, strict.name) = (PolicyId(Uuid::from_u128(0xb2)), "Strict".into());
    strict.qa.optional_to_register += 1;
    strict.scope[0].connection = SECOND;
    for (number, workflow) in (0x300_u128..).zip(&mut strict.workflows) {
        workflow.id = WorkflowId(Uuid::from_u128(number));
    }
    let mut alice = api.world.directory.user("alice");
    alice.record.user.connection = SECOND;
    api.world.second.add(alice);
    realm.connections.push(second);
    realm.policies.insert(0, strict);
    api.consensus.configure(ConfigChange::Replace(Box::new(realm)));

    let told = api.task("/api/v1/profiles/migrate", json!({ "domain": "EXAMPLE" })).await.pop().unwrap();
    assert_eq!(counts(&told), [2, 2, 0, 0], "{told}");
    let digest = |account: &str| api.world.directory.user(account).profile.unwrap().digest;
    assert_eq!(digest("alice"), Some(RequirementsDigest::NONE), "the policy that serves alice asks for more");
    assert_eq!(digest("bob"), Some(RequirementsDigest::of(&policy().qa)));
}

#[tokio::test]
async fn a_migration_seals_kept_answers_anew_too() {
    let api = Api::stamping();
    let (from, asked) = (FeatureLevel::THIRD, vec![NodeId(1)]);
    api.consensus.apply(Action::RaiseLevel { from, to: FeatureLevel::FOURTH, asked }).unwrap();
    let mut keeping = policy();
    keeping.qa.keep_mandatory_answers = true;
    api.consensus.configure(ConfigChange::PutPolicy(Box::new(keeping)));
    api.bring(&[person("alice", "Waltz")], json!({})).await;
    let guid = api.world.directory.user("alice").record.user.guid.0;
    let kept = || {
        let held = api.profile("alice").unwrap();
        let (format, sealed) = held.as_bytes().split_first().unwrap();
        let context = [guid.as_slice(), &[*format]].concat();
        let clear = api.world.vault.open(Purpose::Profile, &context, &Sealed(Blob::from(sealed))).unwrap();
        let inside: Value = serde_json::from_slice(&clear).unwrap();
        serde_json::from_value::<Sealed>(inside["profile"]["entries"][0]["kept"].clone()).unwrap()
    };
    let before = kept();
    api.world.directory.edit("alice", |user| user.has_former = true);
    let told = api.task("/api/v1/profiles/migrate", json!({ "domain": "EXAMPLE" })).await.pop().unwrap();
    assert_eq!(told["failed"], 0, "{told}");
    let after = kept();
    assert_ne!(after, before, "it would stay under the older key");
    let context = [guid.as_slice(), Uuid::from_u128(1).as_bytes()].concat();
    let answer = api.world.vault.open(Purpose::KeptAnswer, &context, &after).unwrap();
    assert_eq!(answer.as_slice(), b"Ulm");
}

#[tokio::test]
async fn what_another_hand_put_back_is_taken_only_when_an_administrator_says_so() {
    let api = Api::stamping();
    api.bring(&[person("alice", "Waltz")], json!({})).await;
    let first = api.world.directory.user("alice").profile;
    api.bring(&[person("alice", "Tango")], json!({ "replace": true })).await;
    api.world.directory.edit("alice", |user| user.profile = first.clone());
    let migrate = async |accept: bool, dry_run: bool| {
        let body = json!({ "domain": "EXAMPLE", "accept_rewritten": accept, "dry_run": dry_run });
        api.task("/api/v1/profiles/migrate", body).await
    };
    let lines = migrate(false, false).await;
    let problem = lines.iter().find_map(|line| line["problems"].get(0)).unwrap();
    assert_eq!(
        (&problem["user"], &problem["code"]),
        (&json!("EXAMPLE\\alice"), &json!("PQ-PROFILE-REWRITTEN"))
    );
    assert_eq!(counts(&migrate(true, true).await.pop().unwrap()), [1, 1, 0, 0]);
    assert_eq!(api.world.directory.user("alice").profile, first, "a dry run changes nothing");
    assert_eq!(api.events(ProfileTask::AcceptRewritten), []);

    assert_eq!(counts(&migrate(true, false).await.pop().unwrap()), [1, 1, 0, 0]);
    let task = ProfileTask::AcceptRewritten;
    let ended = AuditEvent::ProfilesEnded { task, changed: 1, failed: 0 };
    let people = vec![api.subject("alice")];
    let wanted = [AuditEvent::ProfilesBegun(task), AuditEvent::ProfilesTaken { task, people }, ended];
    assert_eq!(api.events(task), wanted);
    assert_eq!(
        counts(&migrate(false, false).await.pop().unwrap()),
        [1, 0, 1, 0],
        "it is the one written last"
    );
}

#[tokio::test]
async fn a_former_attribute_is_not_taken_away_while_profiles_are_still_in_it() {
    let api = Api::raised();
    let config = async || api.call("GET", "/api/v1/config", &[], "").await.json();
    let put = async |former: Option<&str>, headers: &[(&str, &str)]| {
        let mut connection = config().await["connections"][0].clone();
        connection["former_profile_attribute"] = json!(former);
        let body = json!({ "base": config().await["revision"], "change": { "PutConnection": connection } });
        api.call("POST", "/api/v1/config/changes", headers, body.to_string()).await
    };
    assert_eq!(put(Some("info"), &[]).await.status, 200);
    api.world.directory.edit("alice", |user| user.has_former = true);
    let refused = put(None, &[]).await.problem(422, "PQ-INVALID-CONFIG").to_string();
    assert!(
        refused.contains("at least 1 profiles") && refused.contains("profiles migrate --alias EXAMPLE"),
        "{refused}"
    );
    put(Some("department"), &[]).await.problem(422, "PQ-INVALID-CONFIG");
    api.world.directory.set_controller(Controller::Down);
    let refused = put(None, &[]).await.problem(422, "PQ-INVALID-CONFIG").to_string();
    assert!(refused.contains("cannot be asked"), "{refused}");
    api.world.directory.set_controller(Controller::Up);
    assert_eq!(config().await["connections"][0]["former_profile_attribute"], "info");

    let forced = [("passquorum-abandon-former-profiles", "yes")];
    put(None, &[("passquorum-abandon-former-profiles", "perhaps")]).await.problem(400, "PQ-BAD-INPUT");
    assert_eq!(put(None, &forced).await.status, 200);
    api.world.directory.edit("alice", |user| user.has_former = false);
    assert_eq!(put(Some("info"), &[]).await.status, 200);
    assert_eq!(put(None, &[]).await.status, 200, "nobody is left in it");
}

#[tokio::test]
async fn another_profile_attribute_without_a_former_one_leaves_profiles_behind() {
    let api = Api::raised();
    api.bring(&[person("alice", "Waltz")], json!({})).await;
    let config = async || api.call("GET", "/api/v1/config", &[], "").await.json();
    let put = async |former: Option<&str>| {
        let mut connection = config().await["connections"][0].clone();
        connection["profile_attribute"] = json!("carLicense");
        connection["former_profile_attribute"] = json!(former);
        let body = json!({ "base": config().await["revision"], "change": { "PutConnection": connection } });
        api.call("POST", "/api/v1/config/changes", &[], body.to_string()).await
    };
    let refused = put(None).await.problem(422, "PQ-INVALID-CONFIG").to_string();
    assert!(refused.contains("connections[0].profile_attribute"), "{refused}");
    assert!(refused.contains("still in comment: name it as the former one"), "{refused}");
    assert_eq!(put(Some("comment")).await.status, 200);
}

#[tokio::test]
async fn profiles_are_taken_away_from_those_who_are_named_and_from_nobody_else() {
    let api = Api::raised();
    api.bring(&[person("alice", "Waltz"), person("bob", "Waltz")], json!({})).await;
    assert!(api.profile("alice").is_some() && api.profile("bob").is_some());
    let take = async |who: Value, dry_run: bool| {
        let body = json!({ "domain": "EXAMPLE", "who": who, "dry_run": dry_run });
        api.task("/api/v1/profiles/unregister", body).await.pop().unwrap()
    };
    let told = take(json!({ "users": ["alice", "nobody"] }), true).await;
    assert_eq!((counts(&told), api.profile("alice").is_some()), ([2, 1, 0, 1], true), "{told}");
    let told = take(json!({ "users": ["alice", "nobody"] }), false).await;
    assert_eq!((counts(&told), api.profile("alice").is_some()), ([2, 1, 0, 1], false), "{told}");
    assert!(api.profile("bob").is_some());
    let told = take(json!({ "users": ["ELSEWHERE\\bob"] }), false).await;
    assert_eq!(
        (counts(&told), api.profile("bob").is_some()),
        ([1, 0, 0, 1], true),
        "of another domain: {told}"
    );
    let foreign = Blob::from(vec![1, 1, 0, 0, 0, 1, 7, 7]);
    api.world.directory.edit("alice", |user| user.profile = Some(foreign.clone().into()));
    let told = take(json!({ "users": ["alice"] }), false).await;
    assert_eq!((counts(&told), api.profile("alice")), ([1, 0, 0, 1], Some(foreign)), "{told}");
    let body = json!({ "domain": "EXAMPLE", "who": { "users": ["alice"] }, "unreadable": true });
    let told = api.task("/api/v1/profiles/unregister", body).await.pop().unwrap();
    assert_eq!((counts(&told), api.profile("alice")), ([1, 1, 0, 0], None), "{told}");
    let told = take(json!({ "below": "OU=Elsewhere,DC=example,DC=com" }), false).await;
    assert_eq!((counts(&told), api.profile("bob").is_some()), ([0, 0, 0, 0], true), "{told}");
    let told = take(json!({ "group": "CN=Staff,DC=example,DC=com" }), false).await;
    assert_eq!((counts(&told), api.profile("bob").is_some()), ([1, 1, 0, 0], false), "{told}");
    let taken = AuditEvent::ProfileTaken(ProfileTask::Unregister);
    assert_eq!(api.events(ProfileTask::Unregister).iter().filter(|event| **event == taken).count(), 3);
}

#[tokio::test]
async fn from_the_third_level_on_one_record_tells_of_everyone_whose_profile_a_step_changes() {
    let api = Api::raised();
    let (from, asked) = (FeatureLevel::SECOND, vec![NodeId(1)]);
    api.consensus.apply(Action::RaiseLevel { from, to: FeatureLevel::THIRD, asked }).unwrap();
    let people = ["alice", "bob"].map(|account| api.subject(account));
    let taken = |task| AuditEvent::ProfilesTaken { task, people: people.to_vec() };

    let told = ["alice", "nobody", "bob"].map(|user| person(user, "Waltz"));
    assert_eq!(counts(&api.bring(&told, json!({})).await), [3, 2, 0, 1]);
    assert_eq!(api.events(ProfileTask::Import), [taken(ProfileTask::Import)]);
    assert_eq!(counts(&api.bring(&told, json!({})).await), [3, 0, 2, 1]);
    assert_eq!(api.events(ProfileTask::Import).len(), 1, "nobody's profile changed");
    let body = json!({ "domain": "EXAMPLE", "who": { "users": ["alice", "bob"] } });
    let told = api.task("/api/v1/profiles/unregister", body).await.pop().unwrap();
    assert_eq!((counts(&told), api.profile("alice"), api.profile("bob")), ([2, 2, 0, 0], None, None));
    assert_eq!(api.events(ProfileTask::Unregister)[1], taken(ProfileTask::Unregister));
    let state = api.consensus.state();
    for person in people {
        let told: Vec<_> = state.audit_of(person).map(|record| record.event.clone()).collect();
        assert_eq!(told, [ProfileTask::Unregister, ProfileTask::Import].map(taken));
    }
}

#[tokio::test]
async fn a_domain_that_cannot_be_asked_is_left_out_of_a_count_and_named() {
    let api = Api::raised();
    let (mut away, mut policy) = (config().connections.remove(0), policy());
    (away.id, away.alias) = (ConnectionId(Uuid::from_u128(0xc1)), "AWAY".into());
    let mut scope = policy.scope[0].clone();
    scope.connection = away.id;
    policy.scope.insert(0, scope);
    api.consensus.configure(ConfigChange::PutConnection(Box::new(away)));
    api.consensus.configure(ConfigChange::PutPolicy(Box::new(policy)));
    let answer = api.call("GET", "/api/v1/users/count", &[], "").await;
    let text = String::from_utf8(answer.body).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&last["done"], &last["left_out"][0]["domain"]), (&json!(true), &json!("AWAY")), "{last}");
    assert!(last["policies"][0]["users"].as_u64().unwrap() > 0, "{last}");
}

#[tokio::test]
async fn users_are_counted_for_the_policy_that_serves_them() {
    let api = Api::raised();
    api.bring(&[person("alice", "Waltz")], json!({})).await;
    let count = async || {
        let answer = api.call("GET", "/api/v1/users/count", &[], "").await;
        let text = String::from_utf8(answer.body).unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last["done"], true, "{text}");
        let policy = &last["policies"][0];
        [&last["users"], &last["unserved"], &policy["users"], &policy["registered"]]
            .map(|count| count.as_u64().unwrap())
    };
    let [users, unserved, served, registered] = count().await;
    assert_eq!((users - unserved, registered), (served, 1));
    assert!(unserved > 0, "olga is no member of the group");
    api.world.directory.edit("alice", |user| user.groups.clear());
    assert_eq!(count().await, [users, unserved + 1, served - 1, 0]);
    api.world.directory.set_controller(Controller::Down);
    let answer = api.call("GET", "/api/v1/users/count", &[], "").await;
    assert_eq!(answer.json()["problem"]["code"], "PQ-DIRECTORY-UNREACHABLE");
}

#[tokio::test]
async fn each_task_takes_the_scope_for_it() {
    let api = Api::new();
    let every: Vec<_> = ApiScope::ALL.into_iter().filter(|scope| *scope != ApiScope::Profiles).collect();
    let others = api.token(2, "others", &every, None);
    for task in ["migrate", "unregister", "import"] {
        let path = format!("/api/v1/profiles/{task}");
        let request = http::Request::post(path).header("authorization", &others);
        let answer = api.send(request.body(axum::body::Body::from("{}")).unwrap()).await;
        answer.problem(403, "PQ-FORBIDDEN");
    }
}
