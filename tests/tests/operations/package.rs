//! The Debian package: built of the binary that the tests run, installed into a folder, updated, removed and purged.
//!
//! dpkg works on that folder as on a machine, with its scripts, so that nothing of the machine itself changes.

use passquorum_tests::rig::cluster::binary;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let told =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {told}");
    told
}

fn build(program: &Path, out: &Path) -> PathBuf {
    let script = crate::shipped("package/deb.sh");
    let output = Command::new(script)
        .arg(program)
        .arg(out)
        .env("PASSQUORUM_DEB_COMPRESSION", "none")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// A folder that dpkg takes for a machine.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let root = tempfile::Builder::new().prefix("passquorum-deb-").tempdir().unwrap();
        for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log", "etc", "usr/lib", "run"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("var/lib/dpkg/status"), "").unwrap();
        Self(root)
    }

    fn dpkg(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("dpkg");
        command.arg(format!("--root={}", self.0.path().display()));
        // What the package depends on is on this machine, not in the folder.
        command.args(["--force-script-chrootless", "--force-depends", "--force-confdef", "--force-confold"]);
        run(command.args(arguments))
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }
}

#[test]
fn the_package_installs_keeps_what_was_edited_and_leaves_the_data_of_a_node() {
    let folder = tempfile::tempdir().unwrap();
    let first = build(&binary().unwrap(), folder.path());
    let machine = Machine::new();
    machine.dpkg(&["--install", first.to_str().unwrap()]);
    let version = run(Command::new(machine.at("usr/bin/passquorum")).arg("--version"));
    assert!(version.starts_with("passquorum "), "{version}");
    let users = fs::read_to_string(machine.at("etc/passwd")).unwrap();
    let user = users.lines().find(|line| line.starts_with("passquorum:")).unwrap();
    let data = fs::metadata(machine.at("var/lib/passquorum")).unwrap();
    assert_eq!(data.permissions().mode() & 0o7777, 0o700);
    assert_eq!(user.split(':').nth(2), Some(data.uid().to_string().as_str()), "the directory is the user's");
    let unit = fs::read_to_string(machine.at("lib/systemd/system/passquorum.service")).unwrap();
    assert!(unit.contains("ExecStart=/usr/bin/passquorum run") && unit.contains("User=passquorum"));
    for example in [
        "haproxy/haproxy.cfg",
        "haproxy/errors/no-node.html",
        "keepalived/keepalived.conf",
        "prometheus/alerts.yml",
        "grafana/passquorum.json",
    ] {
        assert!(machine.at("usr/share/doc/passquorum/examples").join(example).is_file(), "{example}");
    }

    let edited = machine.at("etc/default/passquorum");
    fs::write(&edited, "RUST_BACKTRACE=1\n").unwrap();
    fs::write(machine.at("var/lib/passquorum/node.toml"), "name = 'one'\n").unwrap();
    // The next release, as far as dpkg can tell.
    let next = folder.path().join("next");
    fs::write(&next, "#!/bin/sh\necho passquorum 99.0.0\n").unwrap();
    fs::set_permissions(&next, fs::Permissions::from_mode(0o755)).unwrap();
    let second = build(&next, folder.path());
    assert!(second.to_str().unwrap().contains("_99.0.0_"), "{}", second.display());
    machine.dpkg(&["--install", second.to_str().unwrap()]);
    assert_eq!(run(&mut Command::new(machine.at("usr/bin/passquorum"))), "passquorum 99.0.0\n");
    assert_eq!(fs::read_to_string(&edited).unwrap(), "RUST_BACKTRACE=1\n");

    machine.dpkg(&["--remove", "passquorum"]);
    assert!(!machine.at("usr/bin/passquorum").exists() && edited.exists());
    let told = machine.dpkg(&["--purge", "passquorum"]);
    assert!(!edited.exists());
    assert!(told.contains("var/lib/passquorum is kept"), "{told}");
    assert!(machine.at("var/lib/passquorum/node.toml").exists(), "a node's data stays");
}
