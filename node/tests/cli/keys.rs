//! A node's key files and the realm's authority, as the program meets them on a disk.

use crate::program::{Ran, command, run};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// `init` for a directory, with more arguments.
fn init(dir: &Path, more: &[&str]) -> Command {
    let mut init = command();
    init.args(["init", "--name", "one", "--cluster-address", &free_address()]);
    init.args(["--site-address", &free_address(), "--dir"]).arg(dir).args(more);
    init
}

fn end(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn write_secret(path: PathBuf, text: &str) -> String {
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

/// An intermediate authority below a root, and its key: PEM.
fn intermediate() -> (String, String) {
    let root_key = KeyPair::generate().unwrap();
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.distinguished_name.push(DnType::CommonName, "Example Root");
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut below = CertificateParams::default();
    below.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    below.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    below.distinguished_name.push(DnType::CommonName, "Example Passwords");
    let certificate = below.signed_by(&key, &Issuer::new(root, root_key)).unwrap();
    (certificate.pem(), key.serialize_pem())
}

#[test]
fn a_realm_begins_below_an_authority_of_the_companys_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (pem, key) = intermediate();
    let (certificate, dir) = (folder.path().join("authority.crt"), folder.path().join("node"));
    std::fs::write(&certificate, &pem).unwrap();
    let certificate = certificate.display().to_string();
    let other = write_secret(folder.path().join("other.key"), &intermediate().1);
    let key = write_secret(folder.path().join("authority.key"), &key);

    let refused = end(init(&dir, &["--authority-cert", &certificate, "--authority-key", &other]));
    assert_eq!(refused.code, 64, "{}", refused.err);
    assert!(refused.err.contains("not the one of the certificate"), "{}", refused.err);
    assert!(!dir.exists(), "nothing was begun");
    let half = end(init(&dir, &["--authority-cert", &certificate]));
    assert_eq!(half.code, 64, "{}", half.err);

    let made = end(init(&dir, &["--authority-cert", &certificate, "--authority-key", &key]));
    assert_eq!(made.code, 0, "{}", made.err);
    let kept = std::fs::read_to_string(dir.join("keys/authority.crt")).unwrap();
    assert_eq!(kept.replace("\r\n", "\n").trim(), pem.replace("\r\n", "\n").trim());
}

#[test]
fn a_node_whose_keys_others_may_read_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("node");
    assert_eq!(end(init(&dir, &[])).code, 0);
    for name in ["node.key", "wrap.key"] {
        let path = dir.join("keys").join(name);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = run(&["run", "--dir", &dir.display().to_string()]);
        assert_eq!(refused.code, 1, "{}", refused.err);
        assert!(refused.err.contains("PQ-KEY-EXPOSED") && refused.err.contains(name), "{}", refused.err);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn with_a_systemd_credential_a_copy_of_the_disk_alone_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("node");
    write_secret(folder.path().join("passquorum-node-key"), "0123456789abcdef0123456789abcdef");
    let mut made = init(&dir, &[]);
    made.env("CREDENTIALS_DIRECTORY", folder.path());
    assert_eq!(end(made).code, 0);
    let stored = std::fs::read(dir.join("keys/node.key")).unwrap();
    assert!(!stored.windows(7).any(|window| window == b"PRIVATE"));
    let refused = run(&["run", "--dir", &dir.display().to_string()]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.err.contains("systemd credential passquorum-node-key"), "{}", refused.err);
}
