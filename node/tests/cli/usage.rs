//! Help, errors and exit codes, without a running node.

use crate::program::run;
use passquorum_domain::error_code::ErrorCode;

const VERBS: [&[&str]; 45] = [
    &["demo"],
    &["init"],
    &["join"],
    &["run"],
    &["status"],
    &["token"],
    &["token", "create"],
    &["node"],
    &["node", "list"],
    &["node", "promote"],
    &["node", "remove"],
    &["node", "move"],
    &["node", "set-url"],
    &["node", "transfer-leader"],
    &["node", "renew"],
    &["keys"],
    &["keys", "status"],
    &["keys", "rotate"],
    &["keys", "retire"],
    &["config"],
    &["config", "show"],
    &["config", "export"],
    &["config", "import"],
    &["config", "legacy"],
    &["config", "plan"],
    &["config", "apply"],
    &["config", "history"],
    &["config", "rollback"],
    &["connection", "set"],
    &["directory", "set-account"],
    &["directory", "check"],
    &["directory", "delegate"],
    &["policy", "users"],
    &["profiles"],
    &["profiles", "migrate"],
    &["profiles", "unregister"],
    &["profiles", "import"],
    &["spe"],
    &["spe", "diagnose"],
    &["directory", "points"],
    &["directory", "points", "list"],
    &["directory", "points", "remove"],
    &["directory", "mirror", "show"],
    &["directory", "mirror", "rebuild"],
    &["doctor"],
];

#[test]
fn every_verb_explains_itself() {
    for verb in VERBS {
        let ran = run(&[verb, &["--help"]].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{verb:?}");
        let usage = format!("Usage: passquorum {}", verb.join(" "));
        assert!(ran.out.contains(&usage), "{verb:?}: {}", ran.out);
    }
    let ran = run(&["--help"]);
    assert!(ran.out.contains("Exit codes: 0 done, 1 failed, 2 not now (try again), 64"), "{}", ran.out);
}

#[test]
fn a_wrong_command_line_ends_with_64_and_says_what_is_wrong() {
    let wrong: [(&[&str], &str); 23] = [
        (&[], "Usage: passquorum"),
        (&["dance"], "unrecognized subcommand 'dance'"),
        (&["init", "--name", "x"], "--cluster-address <HOST:PORT>"),
        (&["token", "create"], "--role <ROLE>"),
        (&["token", "create", "--role", "king"], "use voter, site-learner or dmz-learner"),
        (&["token", "create", "--role", "voter", "--life", "5"], "90s, 30m, 24h or 90d"),
        (
            &["token", "create", "--api", "--name", "x", "--scope", "all"],
            "use read, labels, config, nodes or backup",
        ),
        (&["node", "remove", "first"], "use a node's number"),
        (&["node", "set-url", "1", "http://pw.example.com"], "use https://HOST"),
        (&["config", "export"], "<FILE|--tree <TREE>|--portable <FILE>>"),
        (&["config", "export", "f", "--passphrase-file", "p"], "only a portable file is sealed"),
        (&["config", "import", "f", "--key", "k"], "only a portable file is sealed"),
        (&["backup"], "<FILE>"),
        (&["recover", "file"], "unexpected argument"),
        (&["backup", "f", "--recipient", "x"], "passquorum backup keygen"),
        (&["config", "export", "file", "--tree", "tree"], "cannot be used with"),
        (&["directory", "check", "--alias", "A", "--ou", "People"], "invalid value 'People'"),
        (
            &["directory", "delegate", "--form", "samba-tool", "--account", "a*", "--ou", "OU=a"],
            "use NAME or",
        ),
        (
            &["directory", "delegate", "--form", "dsacls", "--account", "C\\a", "--ou", "OU=a\"b,DC=c"],
            "cannot be written",
        ),
        (&["profiles", "unregister", "--alias", "A"], "<--user <NAME>|--group <DN>|--below <DN>>"),
        (&["spe", "diagnose"], "--server <SERVERS>"),
        (&["spe", "diagnose", "--server", "ldap://dc1", "--bind-name", "x"], "use ldaps://host"),
        (&["doctor", "--explain", "PQ-NONSENSE"], "there is no code PQ-NONSENSE"),
    ];
    for (arguments, message) in wrong {
        let ran = run(arguments);
        assert_eq!(ran.code, 64, "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(message), "{arguments:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{arguments:?}");
    }
}

#[test]
fn every_code_is_explained_with_its_remedy() {
    let all = run(&["doctor"]);
    for code in ErrorCode::ALL {
        assert!(all.out.contains(code.as_str()));
        let one = run(&["doctor", "--explain", &code.as_str().to_lowercase()]);
        assert_eq!((one.code, one.out), (0, format!("{code}\n{}\n{}\n", code.meaning(), code.remedy())));
    }
}

#[test]
fn asking_a_node_that_does_not_run_fails_and_says_how_to_start_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    for arguments in [
        &["status", "--dir", dir][..],
        &["node", "list", "--dir", dir],
        &["config", "show", "--dir", dir],
        &["token", "create", "--role", "voter", "--dir", dir],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, 1, "{arguments:?}");
        assert!(ran.err.contains(&format!("start it with: passquorum run --dir {dir}")), "{}", ran.err);
    }
}

#[test]
fn a_node_without_settings_or_with_wrong_ones_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let ran = run(&["run", "--dir", dir]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("make a node with `passquorum init` or `passquorum join`"), "{}", ran.err);
    std::fs::write(folder.path().join("node.toml"), "nmae = 'x'\n[cluster]\naddress = 5\n").unwrap();
    let ran = run(&["run", "--dir", dir]);
    assert_eq!(ran.code, 1);
    for line in
        ["  name: this key is needed", "  nmae: there is no such key", "  cluster.address: use a string"]
    {
        assert!(ran.err.contains(line), "{line} not in {}", ran.err);
    }
}

#[test]
fn joining_with_what_is_no_token_or_at_a_closed_port_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("node");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = format!("https://{closed}");
    let secret = "A".repeat(43);
    let token = format!("pq1.00000000000000000000000000000001.{secret}.{secret}");
    for (token, code, message) in
        [("pq1.wrong", 64, "this is not a join token"), (token.as_str(), 2, "cannot be reached")]
    {
        let ran = run(&[
            "join",
            "--dir",
            dir.to_str().unwrap(),
            "--name",
            "x",
            "--cluster-address",
            "127.0.0.1:7400",
            "--site-address",
            "127.0.0.1:8443",
            "--token",
            token,
            "--server",
            &server,
        ]);
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.err.contains(message) && !ran.err.contains(&secret), "{}", ran.err);
        assert!(!dir.exists());
    }
}

#[test]
fn a_join_tells_what_each_server_said() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("node");
    let closed =
        [0; 2].map(|port| std::net::TcpListener::bind(("127.0.0.1", port)).unwrap().local_addr().unwrap());
    let servers = closed.map(|address| format!("https://{address}"));
    let secret = "A".repeat(43);
    let token = format!("pq1.00000000000000000000000000000001.{secret}.{secret}");
    let ran = run(&[
        "join",
        "--dir",
        dir.to_str().unwrap(),
        "--name",
        "x",
        "--cluster-address",
        "127.0.0.1:7400",
        "--site-address",
        "127.0.0.1:8443",
        "--token",
        &token,
        "--server",
        &servers[0],
        "--server",
        &servers[1],
    ]);
    assert_eq!(ran.code, 2, "{ran:?}");
    for address in closed {
        assert!(ran.err.contains(&format!("{address} cannot be reached")), "{}", ran.err);
    }
}
