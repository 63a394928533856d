//! A real Active Directory domain (`ops/rig/samba.sh`), and questions to it that go past the product: does a
//! password bind, what does an attribute hold. They use OpenLDAP's command-line tools over verified LDAPS.

use std::fmt;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::RigError;
use super::script::Script;

/// The base DN of the domain.
pub const BASE: &str = "DC=corp,DC=example,DC=test";
/// The DNS name of the domain.
pub const DOMAIN: &str = "corp.example.test";
/// The service account that has delegated rights on `OU=People` and no others.
pub const SERVICE_ACCOUNT: &str = "svc-sspr";
/// Its password.
pub const SERVICE_PASSWORD: &str = "Svc-Passw0rd-sspr1";
const ADMINISTRATOR: &str = "Administrator";
const ADMINISTRATOR_PASSWORD: &str = "Adm1n-Passw0rd-rig1";

/// The result code `invalidCredentials` (RFC 4511, 4.1.9), with which the LDAP tools exit.
const INVALID_CREDENTIALS: i32 = 49;

/// The password that the seed gives to a person.
pub fn seeded_password(user: &str) -> String {
    format!("Start-Passw0rd-{user}1")
}

/// How the domain answered a simple bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bind {
    /// The password is the right one, and the account may sign in.
    Accepted,
    /// Refused, with Active Directory's code in hex: 52e wrong password or no such user, 533 disabled, 773 must
    /// change the password, 775 locked.
    Refused(String),
}

/// A running, freshly seeded domain; it stops when dropped.
pub struct Samba {
    script: Script,
    address: Ipv4Addr,
}

impl fmt::Debug for Samba {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Samba({} in {})", self.address, self.script.dir().display())
    }
}

impl Samba {
    /// The address of the domain controller that most tests use.
    pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);

    /// Puts the seeded domain in `dir`, starts it on `address` (in 127.0.0.0/8) and waits until it answers.
    /// Domains on different addresses run side by side. The first call on a machine also makes the domain.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what the script said: not root, a package missing, the address taken.
    pub async fn start(dir: &Path, address: Ipv4Addr) -> Result<Self, RigError> {
        let script = Script::new("samba.sh", dir, vec![("RIG_DC_IP", address.to_string())]);
        let samba = Self { script, address };
        samba.script.run("restore").await?;
        samba.script.run("up").await?;
        Ok(samba)
    }

    /// Where it answers, for the configuration of the product.
    pub fn url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// The PEM file of the authority that issued the domain controller's certificate.
    pub fn authority(&self) -> PathBuf {
        self.script.dir().join("tls/ca.crt")
    }

    /// Takes the domain controller down, as an outage does; [`Samba::resume`] brings it back with its data.
    ///
    /// # Errors
    /// [`RigError::Failed`] when a process of it is left.
    pub async fn interrupt(&self) -> Result<(), RigError> {
        self.script.run("down").await
    }

    /// Brings the domain controller back.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what the script said.
    pub async fn resume(&self) -> Result<(), RigError> {
        self.script.run("up").await
    }

    /// Tries a simple bind as `user` (a sAMAccountName).
    ///
    /// # Errors
    /// [`RigError::Failed`] when the domain could not be asked.
    pub async fn bind(&self, user: &str, password: &str) -> Result<Bind, RigError> {
        let probe = ["-LLL", "-s", "base", "-b", BASE, "dn"];
        match self.ldap("ldapsearch", user, password, &probe, None).await? {
            Answer { code: 0, .. } => Ok(Bind::Accepted),
            Answer { code: INVALID_CREDENTIALS, errors, .. } => Ok(Bind::Refused(refusal(&errors))),
            answer => Err(answer.into_error("a bind")),
        }
    }

    /// Whether `password` signs `user` in.
    ///
    /// # Errors
    /// [`RigError::Failed`] when the domain could not be asked.
    pub async fn bind_works(&self, user: &str, password: &str) -> Result<bool, RigError> {
        Ok(self.bind(user, password).await? == Bind::Accepted)
    }

    /// The values of an attribute of a user, as the domain's administrator reads them; base64 where the tool
    /// thinks that they are not text.
    ///
    /// # Errors
    /// [`RigError::Failed`] when the domain could not be asked.
    pub async fn attribute(&self, user: &str, name: &str) -> Result<Vec<String>, RigError> {
        self.search(BASE, "sub", &format!("(sAMAccountName={user})"), name).await
    }

    /// The values of an attribute of the object with that DN, in the same way.
    ///
    /// # Errors
    /// [`RigError::Failed`] when the domain could not be asked or has no such object.
    pub async fn object_attribute(&self, dn: &str, name: &str) -> Result<Vec<String>, RigError> {
        self.search(dn, "base", "(objectClass=*)", name).await
    }

    /// Every object below `base` that matches, as a person of the seed may read it.
    ///
    /// # Errors
    /// [`RigError::Failed`] when the domain could not be asked.
    pub async fn objects_as(&self, user: &str, base: &str, filter: &str) -> Result<Vec<Object>, RigError> {
        let question = ["-LLL", "-o", "ldif-wrap=no", "-b", base, filter];
        let answer = self.ldap("ldapsearch", user, &seeded_password(user), &question, None).await?;
        if answer.code != 0 {
            return Err(answer.into_error("a search"));
        }
        Ok(answer.output.split("\n\n").filter(|text| text.starts_with("dn:")).map(Object::of).collect())
    }

    async fn search(
        &self,
        base: &str,
        scope: &str,
        filter: &str,
        name: &str,
    ) -> Result<Vec<String>, RigError> {
        let question = ["-LLL", "-o", "ldif-wrap=no", "-b", base, "-s", scope, filter, name];
        let answer = self.ldap("ldapsearch", ADMINISTRATOR, ADMINISTRATOR_PASSWORD, &question, None).await?;
        if answer.code != 0 {
            return Err(answer.into_error("a search"));
        }
        Ok(ldif_values(&answer.output, name))
    }

    /// Adds the users `crowd1` to `crowdCOUNT` below `OU=Crowd` (`ops/rig/crowd.py`).
    ///
    /// # Errors
    /// [`RigError::Failed`] with what the script said.
    pub async fn crowd(&self, count: usize) -> Result<(), RigError> {
        let script = Script::new("crowd.py", self.script.dir(), Vec::new());
        script.run(&count.to_string()).await
    }

    /// The names of the users below `base` to whom a filter applies.
    ///
    /// # Errors
    /// [`RigError::Failed`] when the domain could not be asked.
    pub async fn accounts(&self, base: &str, filter: &str) -> Result<Vec<String>, RigError> {
        let name = "sAMAccountName";
        let question =
            ["-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt", "-b", base, "-s", "sub", filter, name];
        let answer = self.ldap("ldapsearch", ADMINISTRATOR, ADMINISTRATOR_PASSWORD, &question, None).await?;
        if answer.code != 0 {
            return Err(answer.into_error("a search"));
        }
        Ok(ldif_values(&answer.output, name))
    }

    /// Applies LDIF change records as the domain's administrator.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what the domain said.
    pub async fn modify(&self, ldif: &str) -> Result<(), RigError> {
        let file = tempfile::NamedTempFile::new().map_err(RigError::io("a temporary file"))?;
        std::fs::write(file.path(), ldif).map_err(RigError::io("a temporary file"))?;
        let answer =
            self.ldap("ldapmodify", ADMINISTRATOR, ADMINISTRATOR_PASSWORD, &[], Some(file.path())).await?;
        if answer.code == 0 { Ok(()) } else { Err(answer.into_error("a change")) }
    }

    /// Stops it and proves that none of its processes is left.
    ///
    /// # Errors
    /// [`RigError::Failed`] when one is.
    pub async fn stop(self) -> Result<(), RigError> {
        self.script.run("down").await
    }

    async fn ldap(
        &self,
        tool: &str,
        user: &str,
        password: &str,
        arguments: &[&str],
        file: Option<&Path>,
    ) -> Result<Answer, RigError> {
        let mut command = Command::new(tool);
        // The password comes by standard input, so that no list of processes shows it.
        command.args(["-x", "-o", "nettimeout=10", "-y", "/dev/stdin", "-H", &self.url()]);
        command.args(["-D", &format!("{user}@{DOMAIN}")]);
        if let Some(file) = file {
            command.arg("-f").arg(file);
        }
        command.args(arguments).env("LDAPTLS_CACERT", self.authority());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(RigError::io(tool))?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(password.as_bytes()).await.map_err(RigError::io(tool))?;
        }
        let output = child.wait_with_output().await.map_err(RigError::io(tool))?;
        Ok(Answer {
            code: output.status.code().unwrap_or(-1),
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        // A second stop finds nothing to do; a failure was reported by `stop`, or ends a test that failed.
        let _ = self.script.run_blocking("down");
    }
}

/// An object as it was read in one search: all of it at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object(String);

impl Object {
    /// An object in LDIF with unfolded lines.
    pub fn of(ldif: &str) -> Self {
        Self(ldif.to_owned())
    }

    /// The values of an attribute, sorted.
    pub fn values(&self, name: &str) -> Vec<String> {
        let mut values = ldif_values(&self.0, name);
        values.sort();
        values
    }

    /// The only value of an attribute; nothing when there is none or more.
    pub fn value(&self, name: &str) -> Option<String> {
        let mut values = self.values(name);
        let last = values.pop();
        last.filter(|_| values.is_empty())
    }
}

struct Answer {
    code: i32,
    output: String,
    errors: String,
}

impl Answer {
    fn into_error(self, what: &str) -> RigError {
        RigError::Failed { what: what.to_owned(), output: self.errors }
    }
}

/// The code behind `data` in a refusal like `80090308: LdapErr: DSID-0C0903A9, comment: ..., data 52e, v1db1`.
fn refusal(text: &str) -> String {
    let code = text.split("data ").nth(1).and_then(|rest| rest.split([',', ' ', '\n']).next());
    code.unwrap_or_default().to_owned()
}

/// The values of `name` in LDIF with unfolded lines (RFC 2849).
fn ldif_values(ldif: &str, name: &str) -> Vec<String> {
    let value = |line: &str| {
        let rest = line.strip_prefix(name)?.strip_prefix(':')?;
        Some(rest.trim_start_matches(':').trim_start().to_owned())
    };
    ldif.lines().filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_refused_bind_is_read_from_the_servers_text() {
        let text = "ldap_bind: Invalid credentials (49)\n\tadditional info: 80090308: LdapErr: DSID-0C0903A9, \
                    comment: AcceptSecurityContext error, data 775, v1db1\n";
        assert_eq!(refusal(text), "775");
        assert_eq!(refusal("something else"), "");
    }

    #[test]
    fn values_are_read_from_ldif_as_text_or_as_base64() {
        let ldif = "dn: CN=a\ncomment: one: two\ncommentary: no\ncomment:: AAEC\n";
        assert_eq!(ldif_values(ldif, "comment"), ["one: two", "AAEC"]);
    }
}
