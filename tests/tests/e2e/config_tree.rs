//! The configuration as code against a running demonstration: export, edit, plan, apply, conflict, history, rollback.

use crate::TURN;
use passquorum_tests::ports;
use passquorum_tests::rig::cluster::{self, Cluster};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// A demonstration, and folders for trees.
struct Demo {
    cluster: Cluster,
    dir: tempfile::TempDir,
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

impl Demo {
    async fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("passquorum-tree-").tempdir().unwrap();
        let cluster = Cluster::demo(dir.path(), ports::block(103).unwrap()).await.unwrap();
        Self { cluster, dir }
    }

    fn tree(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs `passquorum config` against one node, as an operator on its host would.
    async fn config(&self, node: u64, arguments: &[&str]) -> Ran {
        let data = self.cluster.node(node).unwrap().restart.last().unwrap().clone();
        let mut command = Command::new(cluster::binary().unwrap());
        command.arg("config").args(arguments).env("PASSQUORUM_DIR", data).kill_on_drop(true);
        let output = command.output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Runs a verb on a tree.
    async fn on(&self, node: u64, verb: &str, tree: &Path, more: &[&str]) -> Ran {
        let tree = tree.display().to_string();
        self.config(node, &[&[verb, tree.as_str()], more].concat()).await
    }

    async fn export(&self, node: u64, name: &str) -> PathBuf {
        let tree = self.tree(name);
        let ran = self.config(node, &["export", "--tree", &tree.display().to_string()]).await;
        assert_eq!(ran.code, 0, "{}", ran.err);
        tree
    }

    async fn shown(&self, node: u64, revision: &[&str]) -> Value {
        let ran = self.config(node, &[&["show"], revision].concat()).await;
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.json()
    }
}

fn edit(tree: &Path, file: &str, from: &str, to: &str) {
    let path = tree.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

/// The one folder below a folder.
fn only(folder: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(folder).unwrap();
    entries.next().unwrap().unwrap().path()
}

#[tokio::test]
async fn a_tree_is_exported_edited_planned_applied_and_rolled_back() {
    let _turn = TURN.lock().await;
    let demo = Demo::start().await;
    let first = demo.shown(1, &[]).await;
    let tree = demo.export(1, "tree").await;
    let plan = demo.on(1, "plan", &tree, &[]).await;
    assert_eq!((plan.code, plan.out.as_str()), (0, "nothing would change\n"), "{}", plan.err);

    let policy = only(&tree.join("policies"));
    edit(&policy, "policy.toml", "threshold = 5", "threshold = 4");
    edit(&tree, "general.toml", "session = \"15m\"", "session = \"20m\"");
    let plan = demo.on(2, "plan", &tree, &[]).await;
    assert_eq!(plan.code, 2, "{}", plan.err);
    for line in [
        "~ general\n    session: \"15m\" -> \"20m\"",
        "lockout.threshold: \"5\" -> \"4\"",
        "2 objects would change",
    ] {
        assert!(plan.out.contains(line), "{line} is not in {}", plan.out);
    }
    let plan = demo.on(2, "plan", &tree, &["--json"]).await.json();
    assert_eq!(plan["differences"][0]["fields"][0]["after"], "20m");
    assert_eq!(demo.shown(1, &[]).await, first, "a plan changes nothing");

    let applied = demo.on(2, "apply", &tree, &["--comment", "longer tasks"]).await;
    assert_eq!(applied.code, 0, "{}", applied.err);
    assert!(applied.out.contains("the configuration is at revision 2 now"), "{}", applied.out);
    let second = demo.shown(3, &[]).await;
    assert_eq!((&second["revision"], &second["general"]["session"]), (&2.into(), &1_200_000.into()));
    let again = demo.on(3, "apply", &tree, &[]).await;
    assert_eq!(again.code, 0, "{}", again.err);
    assert!(again.out.contains("nothing to change; the configuration is at revision 2"), "{}", again.out);

    edit(&tree, "general.toml", "session = \"20m\"", "session = \"25m\"");
    let applied = demo.on(1, "apply", &tree, &[]).await;
    assert_eq!(applied.code, 0, "an applied tree is the base of the next edit: {}", applied.err);

    let history = demo.config(1, &["history"]).await;
    assert_eq!(history.code, 0, "{}", history.err);
    let lines: Vec<_> = history.out.lines().collect();
    assert_eq!(lines.len(), 4, "{}", history.out);
    assert!(
        lines[0].starts_with("revision 3, 20")
            && lines[0].contains("operator on node 1: changes general.session")
    );
    let changed = "operator on node 2: longer tasks; changes general.session, policies[";
    assert!(lines[1].contains(changed), "{}", history.out);
    assert_eq!(demo.shown(2, &["1"]).await, first);

    let back = demo.config(3, &["rollback", "1", "--comment", "too long after all"]).await;
    assert_eq!(back.code, 0, "{}", back.err);
    assert_eq!(back.out, "the configuration is at revision 4 now, with the contents of revision 1\n");
    let mut now = demo.shown(1, &[]).await;
    assert_eq!(now["revision"], 4);
    now["revision"] = first["revision"].clone();
    assert_eq!(now, first);
    let none = demo.config(1, &["rollback", "77"]).await;
    assert_eq!(none.code, 1);
    assert!(none.err.contains("revision 77 is not kept; the kept ones are 0 to 4"), "{}", none.err);
    demo.cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_tree_that_is_stale_or_wrong_changes_nothing_and_says_why() {
    let _turn = TURN.lock().await;
    let demo = Demo::start().await;
    let (mine, theirs) = (demo.export(1, "mine").await, demo.export(2, "theirs").await);
    edit(&theirs, "general.toml", "session = \"15m\"", "session = \"30m\"");
    assert_eq!(demo.on(2, "apply", &theirs, &["--comment", "theirs"]).await.code, 0);

    edit(&mine, "general.toml", "threshold = 100", "threshold = 50");
    let plan = demo.on(1, "plan", &mine, &[]).await;
    assert_eq!(plan.code, 2, "{}", plan.err);
    assert!(plan.err.contains("exported at revision 1, but revision 2 is in force"), "{}", plan.err);
    let stale = demo.on(1, "apply", &mine, &[]).await;
    assert_eq!(stale.code, 1);
    for text in [
        "PQ-STALE-REVISION",
        "revision 2, 20",
        "operator on node 2: theirs; changes general.session",
        "--force-revision 2",
    ] {
        assert!(stale.err.contains(text), "{text} is not in {}", stale.err);
    }
    let wrong_base = demo.on(1, "apply", &mine, &["--force-revision", "5"]).await;
    assert_eq!(wrong_base.code, 1);
    assert_eq!(demo.shown(1, &[]).await["general"]["session"], 1_800_000);
    let forced = demo.on(1, "apply", &mine, &["--force-revision", "2"]).await;
    assert_eq!(forced.code, 0, "{}", forced.err);
    let general = demo.shown(2, &[]).await["general"].clone();
    assert_eq!((&general["session"], &general["source_limit"]["threshold"]), (&900_000.into(), &50.into()));

    edit(&mine, "general.toml", "session", "sesion");
    edit(
        &mine,
        "helpdesk.toml",
        "groups = [",
        "groups = [\n    { connection = \"NONE\", group = \"CN=x\" },",
    );
    for verb in ["plan", "apply"] {
        let refused = demo.on(1, verb, &mine, &[]).await;
        assert_eq!((refused.code, refused.out.as_str()), (1, ""));
        assert!(
            refused.err.contains("general.toml:4: unknown field `sesion`, expected one of"),
            "{}",
            refused.err
        );
        assert!(
            refused.err.contains("helpdesk.toml:4: groups[0].connection: no connection has the alias `NONE`")
        );
    }
    edit(&mine, "general.toml", "sesion = \"15m\"", "session = \"1s\"");
    edit(&mine, "helpdesk.toml", "    { connection = \"NONE\", group = \"CN=x\" },\n", "");
    let refused = demo.on(1, "plan", &mine, &[]).await;
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("general.toml:4: session: use 60 to 28800 seconds"), "{}", refused.err);
    assert_eq!(demo.shown(1, &[]).await["revision"], 3);
    demo.cluster.stop().await.unwrap();
}
