//! A real Samba domain controller with the rig's people (`ops/rig/samba.sh`), and what its administrator does to it.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

pub(crate) const BASE: &str = "DC=corp,DC=example,DC=test";
pub(crate) const DOMAIN: &str = "corp.example.test";
/// May reset, unlock and write `comment` below `OU=People`, and no more.
pub(crate) const SERVICE_ACCOUNT: &str = "svc-sspr";
pub(crate) const SERVICE_PASSWORD: &str = "Svc-Passw0rd-sspr1";
pub(crate) const ADMINISTRATOR: (&str, &str) = ("Administrator", "Adm1n-Passw0rd-rig1");
const CROWD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ops/rig/crowd.py");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ops/rig/samba.sh");

/// A running domain of its own; it is stopped by its pid file when dropped.
pub(crate) struct DomainController {
    folder: TempDir,
    address: Ipv4Addr,
    /// What the script is told besides.
    environment: Vec<(&'static str, String)>,
}

impl DomainController {
    /// Restores the seeded domain and starts it. Panics with what the script says: which package is missing and how to
    /// install it, or that it needs root.
    pub(crate) async fn start(address: Ipv4Addr) -> Self {
        let this = Self { folder: tempfile::tempdir().unwrap(), address, environment: Vec::new() };
        this.run("restore").await;
        this.run("up").await;
        this
    }

    /// A second controller, `dc2`, of the domain of this one, `dc1`.
    pub(crate) async fn join(&self, address: Ipv4Addr) -> Self {
        let environment = vec![
            ("RIG_DC_NAME", "dc2".to_owned()),
            ("RIG_FIRST_DC", self.directory().display().to_string()),
            ("RIG_FIRST_DC_IP", self.address.to_string()),
        ];
        let second = Self { folder: tempfile::tempdir().unwrap(), address, environment };
        second.run("join").await;
        second
    }

    pub(crate) async fn stop(&self) {
        self.run("down").await;
    }

    /// Ends it at once, as a loss of power does.
    pub(crate) async fn kill(&self) {
        self.run("kill").await;
    }

    pub(crate) async fn resume(&self) {
        self.run("up").await;
    }

    pub(crate) fn url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// The certificate of the authority to trust, PEM.
    pub(crate) fn authority(&self) -> PathBuf {
        self.directory().join("tls/ca.crt")
    }

    /// Whether the password signs the user in.
    pub(crate) async fn bind_works(&self, user: &str, password: &str) -> bool {
        let output = self.ldap("ldapsearch", (user, password), &["-s", "base", "-b", BASE, "dn"]).await;
        match output.status.code() {
            Some(0) => true,
            Some(49) => false,
            other => panic!("{other:?}: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }

    /// The values of an attribute of a user, as LDIF shows them.
    pub(crate) async fn attribute(&self, user: &str, name: &str) -> Vec<String> {
        self.values(BASE, &format!("(sAMAccountName={user})"), name).await
    }

    /// The values of an attribute of all objects below `base` that match.
    pub(crate) async fn values(&self, base: &str, filter: &str, name: &str) -> Vec<String> {
        let question = ["-LLL", "-o", "ldif-wrap=no", "-b", base, filter, name];
        let output = self.ldap("ldapsearch", ADMINISTRATOR, &question).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        // What is not plain text comes in base64, behind two colons.
        let value = |line: &str| {
            Some(line.strip_prefix(name)?.strip_prefix(':')?.trim_start_matches([':', ' ']).to_owned())
        };
        text.lines().filter_map(value).collect()
    }

    /// Applies LDIF as the administrator.
    pub(crate) async fn modify(&self, ldif: &str) {
        let file = self.folder.path().join("change.ldif");
        std::fs::write(&file, ldif).unwrap();
        let output = self.ldap("ldapmodify", ADMINISTRATOR, &["-f", file.to_str().unwrap()]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Adds so many users below `OU=Crowd` (`ops/rig/crowd.py`).
    pub(crate) async fn crowd(&self, count: u32) {
        let mut command = Command::new(CROWD);
        command.arg(count.to_string()).arg(self.directory());
        let output = command.output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Makes an object one of those that the domain protects: rights are not inherited, and only administrators have any.
    pub(crate) async fn protect(&self, dn: &str) {
        let sddl = "O:DAG:DAD:PAI(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DA)(A;;RPLCLORC;;;AU)";
        let ldif = format!(
            "dn: {dn}\nchangetype: modify\nreplace: nTSecurityDescriptor\nnTSecurityDescriptor: {sddl}\n-\n\
             replace: adminCount\nadminCount: 1\n"
        );
        let file = self.folder.path().join("protect.ldif");
        std::fs::write(&file, ldif).unwrap();
        self.tool("ldbmodify", &["-H", &self.database(), file.to_str().unwrap()]).await;
    }

    /// Runs a shell script on the controller's database.
    pub(crate) async fn run_script(&self, file: &str) {
        let settings = format!("--configfile={}", self.directory().join("etc/smb.conf").display());
        let mut command = Command::new("sh");
        command.arg(file).arg(settings).env("H", self.database());
        let output = command.output().await.unwrap();
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn database(&self) -> String {
        self.directory().join("private/sam.ldb").display().to_string()
    }

    /// Runs one of Samba's own tools on this controller.
    pub(crate) async fn tool(&self, tool: &str, arguments: &[&str]) -> String {
        let settings = format!("--configfile={}", self.directory().join("etc/smb.conf").display());
        let output = Command::new(tool).args(arguments).arg(settings).output().await.unwrap();
        assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn directory(&self) -> PathBuf {
        self.folder.path().join("dc")
    }

    async fn ldap(&self, tool: &str, (user, password): (&str, &str), arguments: &[&str]) -> Output {
        let mut command = Command::new(tool);
        // The password goes by standard input, so that no list of processes shows it.
        command.args(["-x", "-o", "nettimeout=10", "-y", "/dev/stdin", "-H", &self.url()]);
        command.args(["-D", &format!("{user}@{DOMAIN}")]).args(arguments);
        command.env("LDAPTLS_CACERT", self.authority());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).await.unwrap();
        child.wait_with_output().await.unwrap()
    }

    fn script(&self, verb: &str) -> std::process::Command {
        let mut command = std::process::Command::new(SCRIPT);
        command.arg(verb).arg(self.directory()).env("RIG_DC_IP", self.address.to_string());
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    async fn run(&self, verb: &str) {
        let command = self.script(verb);
        let output = Command::from(command).output().await.unwrap();
        assert!(output.status.success(), "samba.sh {verb}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for DomainController {
    fn drop(&mut self) {
        // After a stop there is nothing to do; after a failed test its failure is what matters.
        self.script("down").output().ok();
    }
}
