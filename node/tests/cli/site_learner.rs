//! A site learner, as a whole process: it serves every site, and gives nobody power.

use crate::joined::Joined;
use crate::program::run;
use crate::realm::Realm;
use crate::visitor::Visitor;

const NEW: &str = "Remote-Site-Passw0rd-12";

#[tokio::test]
async fn a_site_learner_serves_a_reset_and_sends_who_wants_power_to_a_voter() {
    let folder = tempfile::tempdir().unwrap();
    let realm = Realm::start(&folder.path().join("realm"));
    let of_the_demo = std::fs::read_to_string(format!("{}/node.toml", realm.data_dir(1))).unwrap();
    let (_, demo) = of_the_demo.split_once("[demo]").expect("a demo's node knows the embedded directory");
    let settle = |settings: String| format!("{settings}\n[demo]{demo}");
    let learner = Joined::start(&realm, folder.path(), "site-learner", settle).await;

    let alice = &realm.line["accounts"].as_array().unwrap()[0];
    let answers: Vec<_> = alice["answers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(question, answer)| (question.clone(), answer.as_str().unwrap().to_owned()))
        .collect();
    let mut visitor = Visitor::of(&learner);
    assert_eq!(visitor.start("forgot-password", "alice").await, 200, "{}", visitor.page);
    let given = visitor.in_order(&answers);
    let given: Vec<_> = given.iter().map(|(field, answer)| (field.as_str(), *answer)).collect();
    assert_eq!(visitor.step(&given).await, 200, "{}", visitor.page);
    assert_eq!(visitor.step(&[("new", NEW), ("confirm", NEW)]).await, 200, "{}", visitor.page);
    assert!(visitor.page.contains("Your password is changed"), "{}", visitor.page);
    for path in ["/admin/sign-in", "/helpdesk/sign-in", "/status"] {
        assert_eq!(learner.get(path).await.0, 200, "{path}");
    }

    let file = folder.path().join("config.json");
    let file = file.to_str().unwrap();
    assert_eq!(run(&["config", "export", "--dir", learner.data_dir(), file]).code, 0);
    for verb in [
        vec!["token", "create", "--role", "voter"],
        vec!["token", "create", "--api", "--name", "x", "--scope", "nodes"],
        vec!["config", "import", file],
        vec!["node", "remove", "1"],
        vec!["replace", "1"],
    ] {
        let ran = run(&[verb.as_slice(), &["--dir", learner.data_dir()]].concat());
        assert_eq!(ran.code, 1, "{verb:?}: {}", ran.out);
        assert!(ran.err.contains("PQ-NOT-THIS-NODE"), "{verb:?}: {}", ran.err);
        assert!(ran.err.contains(realm.node(1)["health"].as_str().unwrap()), "{verb:?}: {}", ran.err);
    }
    assert_eq!(realm.stop(), 0);
}
