//! A node in the perimeter, as a whole process: a person uses it while voters die, and nothing of that person is left in it.

use crate::joined::Joined;
use crate::memory::{Needle, found_in_files, found_in_memory};
use crate::program::run;
use crate::realm::Realm;
use crate::realm_key::realm_keys;
use crate::visitor::Visitor;
use serde_json::Value;
use std::path::{Path, PathBuf};

const NEW: &str = "Perimeter-Passw0rd-91";
const REFUSED: &str = "perimeter-too-simple";
/// Bob's answers: to the two questions that everyone is asked, and to the first of the others.
const ANSWERS: [&str; 3] = ["Westbrook-Infants", "Harrowmere", "Admiral-Whiskers"];

fn password_of(realm: &Realm, user: &str) -> String {
    let accounts = realm.line["accounts"].as_array().unwrap();
    let account = accounts.iter().find(|account| account["user"] == user).unwrap();
    account["password"].as_str().unwrap().to_owned()
}

fn leader(realm: &Realm) -> u64 {
    let ran = run(&["status", "--json", "--dir", &realm.data_dir(2)]);
    let status: Value = serde_json::from_str(&ran.out).unwrap();
    status["leader"].as_u64().unwrap()
}

/// The voters that have lent a node in the perimeter a stream, by its status.
fn lenders(status: &Value) -> Vec<u64> {
    status["lenders"].as_array().unwrap().iter().map(|lender| lender.as_u64().unwrap()).collect()
}

/// Registers bob's answers.
async fn register(visitor: &mut Visitor, password: &str) {
    assert_eq!(visitor.start("register", "bob").await, 200, "{}", visitor.page);
    assert_eq!(visitor.step(&[("password", password)]).await, 200, "{}", visitor.page);
    let question = visitor.choice(2);
    let [first, second, third] = ANSWERS;
    let fields =
        [("answer-0", first), ("answer-1", second), ("question-2", question.as_str()), ("answer-2", third)];
    assert_eq!(visitor.step(&fields).await, 200, "{}", visitor.page);
    assert!(visitor.page.contains("Your security questions are saved"), "{}", visitor.page);
}

/// Bob's answers by question.
fn answers() -> Vec<(String, String)> {
    let questions = [
        "What was the name of your first school?",
        "In which town did your parents meet?",
        "What was the name of your first pet?",
    ];
    questions.into_iter().zip(ANSWERS).map(|(q, a)| (q.to_owned(), a.to_owned())).collect()
}

/// Everything that a node in the perimeter must not have.
fn secrets(realm: &Realm, bobs: &str) -> Vec<Needle> {
    let keys = |id: u64| PathBuf::from(realm.data_dir(id)).join("keys");
    let [hash, data] = realm_keys(&keys(2), &Path::new(&realm.data_dir(1)).join("store"));
    let mut needles = vec![
        Needle::new("the realm's hash key", hash),
        Needle::new("the realm's data key", data),
        Needle::new("bob's first password", bobs),
        Needle::new("bob's new password", NEW),
        Needle::new("a password that was refused", REFUSED),
    ];
    needles.extend(ANSWERS.map(|answer| Needle::new(format!("the answer {answer}"), answer)));
    needles.extend((1..=3).map(|id| {
        let own = std::fs::read(keys(id).join("wrap.key")).unwrap();
        Needle::new(format!("the private key of node {id}"), own)
    }));
    needles
}

#[tokio::test]
async fn a_person_registers_and_resets_through_the_perimeter_while_voters_die_and_nothing_stays_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut realm = Realm::start(&folder.path().join("realm"));
    let dmz = Joined::start(&realm, folder.path(), "dmz-learner", |settings| settings).await;
    let bobs = password_of(&realm, "bob");
    let mut visitor = Visitor::of(&dmz);
    register(&mut visitor, &bobs).await;

    // One voter leaves between two steps, the one that leads.
    assert_eq!(visitor.start("forgot-password", "bob").await, 200);
    let first = leader(&realm);
    realm.kill(first);
    dmz.until(|status| !lenders(status).contains(&first)).await;
    let answers = answers();
    let given = visitor.in_order(&answers);
    assert_eq!(given.len(), 3, "{}", visitor.page);
    let given: Vec<_> = given.iter().map(|(field, answer)| (field.as_str(), *answer)).collect();
    assert_eq!(visitor.step(&given).await, 200, "{}", visitor.page);
    assert!(visitor.page.contains("Choose a new password"), "{}", visitor.page);
    assert_eq!(visitor.step(&[("new", REFUSED), ("confirm", REFUSED)]).await, 422, "{}", visitor.page);
    assert_eq!(visitor.step(&[("new", NEW), ("confirm", NEW)]).await, 200, "{}", visitor.page);
    assert!(visitor.page.contains("Your password is changed"), "{}", visitor.page);
    realm.restart(first).await;

    dmz.until(|status| lenders(status).len() == 3).await;

    // Only who signs in with the new password goes on.
    assert_eq!(visitor.start("register", "bob").await, 200);
    assert_eq!(visitor.step(&[("password", NEW)]).await, 200);
    assert!(visitor.page.contains("Choose your security questions"), "{}", visitor.page);

    let secrets = secrets(&realm, &bobs);
    let voter = first % 3 + 1;
    let pid = u32::try_from(realm.node(voter)["pid"].as_u64().unwrap()).unwrap();
    let keys = &secrets[..2];
    let there = ["the realm's data key", "the realm's hash key"];
    assert_eq!(found_in_memory(pid, keys), there, "a voter has them, and they are found there");
    let own = [Needle::new("its own address", dmz.url.strip_prefix("https://").unwrap())];
    assert_eq!(found_in_memory(dmz.pid(), &own).len(), 1, "what is there is found");
    assert_eq!(found_in_memory(dmz.pid(), &secrets), Vec::<String>::new());
    assert!(!found_in_files(&dmz.dir, &own).is_empty(), "what is there is found");
    assert_eq!(found_in_files(&dmz.dir, &secrets), Vec::<String>::new());
    assert_eq!(realm.stop(), 0);
}

#[tokio::test]
async fn a_perimeter_node_serves_one_site_and_says_so_when_no_voter_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let mut realm = Realm::start(&folder.path().join("realm"));
    let dmz = Joined::start(&realm, folder.path(), "dmz-learner", |settings| settings).await;

    for path in ["/", "/self-service/", "/static/passquorum.css", "/live", "/PMUser"] {
        assert_eq!(dmz.get(path).await.0, 200, "{path}");
    }
    for path in
        ["/admin/", "/helpdesk/", "/admin/sign-in", "/api/v1/status", "/api/v1/join", "/status", "/metrics"]
    {
        assert_eq!(dmz.get(path).await.0, 404, "{path}");
    }
    let here = run(&["status", "--json", "--dir", dmz.data_dir()]);
    assert_eq!(here.code, 0, "{}", here.err);
    let refused = run(&["token", "create", "--role", "voter", "--dir", dmz.data_dir()]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("PQ-NOT-THIS-NODE"), "{}", refused.err);
    assert!(refused.err.contains(realm.node(1)["health"].as_str().unwrap()), "{}", refused.err);

    // Without a quorum the pages still come, and a step says that nothing was done.
    let mut visitor = Visitor::of(&dmz);
    assert_eq!(visitor.start("forgot-password", "alice").await, 200);
    realm.kill(1);
    realm.kill(2);
    dmz.until_it_says(|status, text| status == 503 && text.contains("quorum")).await;
    assert_eq!(visitor.reload().await, 503);
    assert!(visitor.page.contains("PQ-NO-QUORUM"), "{}", visitor.page);

    realm.kill(3);
    dmz.until_it_says(|status, text| status == 503 && text.contains("PQ-NO-VOTER")).await;
    assert_eq!(visitor.open("/self-service/").await, 200, "the front page needs nobody");
    for path in ["/self-service/start/register", "/self-service/step"] {
        assert_eq!(visitor.open(path).await, 503, "{path}");
        assert!(visitor.page.contains("PQ-NO-VOTER"), "{}", visitor.page);
        assert!(visitor.page.contains("Not available at the moment"), "{}", visitor.page);
    }

    // It goes on by itself: the voters open their streams again, and the person's run is still good.
    for id in 1..=3 {
        realm.launch(id);
    }
    dmz.until_ready(true).await;
    assert_eq!(visitor.reload().await, 200, "{}", visitor.page);
    assert!(visitor.page.contains("Answer your security questions"), "{}", visitor.page);
    realm.kill_again();
    assert_eq!(realm.stop(), 0);
}
