//! How the realm sends mail.

use super::address::MailAddress;
use super::language::Language;
use super::template::MailTemplate;
use crate::blob::Sealed;
use serde::{Deserialize, Serialize};

/// How the realm sends mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The SMTP servers in order: a mail goes through the first that takes it.
    pub servers: Vec<MailServer>,
    /// Whom mails are from.
    pub sender: MailAddress,
    /// The name beside it; at most 100 characters.
    pub sender_name: String,
    /// Who is told what policies tell administrators.
    #[serde(default)]
    pub administrators: Vec<MailAddress>,
    /// The language of whoever asks for none that there are texts in.
    #[serde(default)]
    pub language: Language,
    /// The administrators' own texts, and those in further languages.
    #[serde(default)]
    pub texts: Vec<MailText>,
}

/// One SMTP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailServer {
    /// Its host name or address.
    pub host: String,
    /// Its port.
    #[serde(default = "MailServer::usual_port")]
    pub port: u16,
    /// How what is sent is protected on the way.
    #[serde(default)]
    pub security: MailSecurity,
    /// PEM certificates of the authorities that may sign its certificate; when empty those that the node's host trusts.
    #[serde(default)]
    pub authorities: String,
    /// The account that may send, where the server asks for one.
    #[serde(default)]
    pub login: Option<MailLogin>,
}

/// An account at an SMTP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailLogin {
    /// Its name.
    pub user: String,
    /// Its password, sealed under [`crate::ports::Purpose::MailAccount`] with [`MailServer::context`].
    pub password: Sealed,
}

/// How mail is protected on its way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailSecurity {
    /// TLS begins after a greeting in clear; a server that does not offer it gets nothing.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None: everyone on the way can read and change every mail.
    None,
}

impl MailServer {
    /// The port of SMTP.
    #[must_use]
    pub fn usual_port() -> u16 {
        25
    }

    /// What an account's password is bound to, so that it opens for no other host or name.
    #[must_use]
    pub fn context(host: &str, user: &str) -> Vec<u8> {
        // No host name has a blank in it.
        format!("{} {user}", host.to_lowercase()).into_bytes()
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// The password that is kept for an account at a host, in any of these servers.
    #[must_use]
    pub fn kept_password<'a>(servers: &'a [Self], host: &str, user: &str) -> Option<&'a Sealed> {
        let logins = servers.iter().filter(|server| server.host.eq_ignore_ascii_case(host));
        logins
            .filter_map(|server| server.login.as_ref())
            .find(|login| login.user == user)
            .map(|login| &login.password)
    }
}

/// One text in place of a built-in one, or in a language without any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailText {
    /// Which.
    pub template: MailTemplate,
    /// Its language.
    pub language: Language,
    /// The subject, with parameters such as `{task}`.
    pub subject: String,
    /// The text, with parameters; an empty line parts paragraphs.
    pub body: String,
}

/// Who is told by mail how a policy's tasks ended. Nobody is told while no mail server is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notices {
    /// The user.
    pub user: bool,
    /// The administrators.
    pub administrators: bool,
}

impl Default for Notices {
    fn default() -> Self {
        Self { user: true, administrators: false }
    }
}

impl Notices {
    /// Whether a policy says nothing of it.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}
