//! A backup that the release before this one wrote (the commit in `ops/previous-release`): it is read, and a realm begins
//! with it, at the level that it was at.

use crate::program::run;
use serde_json::Value;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

const PASSPHRASE: &str = "a long enough passphrase for golden data\n";

#[test]
fn a_backup_of_the_release_before_is_whole_and_restored_at_its_level() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let backup = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/golden/earlier.backup");
    let (backup, secret, dir) = (backup.to_str().unwrap(), path("secret"), path("node"));
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&secret).unwrap();
    file.write_all(PASSPHRASE.as_bytes()).unwrap();

    let verified = run(&["backup", "verify", backup, "--passphrase-file", &secret, "--json"]);
    assert_eq!(verified.code, 0, "{}", verified.err);
    let sections = serde_json::from_str::<Value>(&verified.out).unwrap()["sections"].take();
    let records = |name: &str| sections[name]["records"].as_u64();
    let of_each = ["labels", "audit records", "key generations", "feature level"].map(records);
    assert_eq!(of_each, [Some(3), Some(10), Some(1), None], "{sections}");

    let own = ["--name", "one", "--cluster-address", "127.0.0.1:1", "--site-address", "127.0.0.1:2"];
    let restore = ["restore", backup, "--passphrase-file", &secret, "--dir", &dir];
    let restored = run(&[&restore[..], &own[..]].concat());
    assert_eq!(restored.code, 0, "{}", restored.err);
    let format = std::fs::read_to_string(Path::new(&dir).join("store/FORMAT")).unwrap();
    assert_eq!(format, "passquorum storage format 1\n");
}
