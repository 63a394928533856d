//! What each file of a tree holds. Where the domain's own types read well as TOML they are used as they are.

use passquorum_domain::address::Network;
use passquorum_domain::directory::{AdSite, DistinguishedName};
use passquorum_domain::helpdesk::{CallerCheck, CallerQuestions, HelpdeskTask, MustChange};
use passquorum_domain::ids::{ConnectionId, PolicyId, Revision};
use passquorum_domain::lockout::LockoutSettings;
use passquorum_domain::log_rule::LogRule;
use passquorum_domain::mail::{Language, MailAddress, MailSecurity, MailText, Notices};
use passquorum_domain::policy::PasswordRule;
use passquorum_domain::time::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// `tree.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TreeFile {
    pub(super) format: u32,
    pub(super) revision: Revision,
    pub(super) connections: Vec<String>,
    pub(super) policies: Vec<String>,
}

/// `general.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GeneralFile {
    pub(super) organisation: String,
    pub(super) session: Duration,
    pub(super) source_limit: LockoutFile,
    pub(super) certificate_life: Duration,
    #[serde(default)]
    pub(super) mirror: Option<MirrorFile>,
    #[serde(default)]
    pub(super) monitors: Vec<Network>,
    #[serde(default)]
    pub(super) logging: Vec<LogRule>,
}

/// Where the realm is mirrored. The connection is named by its alias.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MirrorFile {
    pub(super) connection: String,
    pub(super) container: DistinguishedName,
}

/// When attempts lock.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LockoutFile {
    pub(super) threshold: u32,
    pub(super) duration: Duration,
    pub(super) reset_after: Duration,
}

/// `mail.toml`, where there are mail servers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MailFile {
    pub(super) sender: MailAddress,
    pub(super) sender_name: String,
    #[serde(default)]
    pub(super) language: Language,
    #[serde(default)]
    pub(super) administrators: Vec<MailAddress>,
    #[serde(default)]
    pub(super) servers: Vec<MailServerFile>,
    #[serde(default)]
    pub(super) texts: Vec<MailText>,
}

/// One SMTP server.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MailServerFile {
    pub(super) host: String,
    pub(super) port: u16,
    #[serde(default)]
    pub(super) security: MailSecurity,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) authorities: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) login: Option<MailLoginFile>,
}

/// An account at an SMTP server.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MailLoginFile {
    pub(super) user: String,
    pub(super) password: SealedReference,
}

/// `administrators.toml` and `helpdesk.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RolesFile {
    pub(super) groups: Vec<RoleFile>,
}

/// One group. The connection is named by its alias.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleFile {
    pub(super) connection: String,
    pub(super) group: DistinguishedName,
}

/// `connections/NAME.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectionFile {
    pub(super) id: ConnectionId,
    pub(super) alias: String,
    pub(super) profile_attribute: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) former_profile_attribute: Option<String>,
    pub(super) endpoint: EndpointFile,
}

/// How a domain is reached.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum EndpointFile {
    Ldaps(LdapsFile),
    Embedded,
}

/// Domain controllers over LDAPS.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LdapsFile {
    pub(super) servers: Vec<String>,
    pub(super) base: DistinguishedName,
    pub(super) bind_name: String,
    pub(super) bind_password: SealedReference,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) push_sites: Vec<AdSite>,
    pub(super) authorities: String,
}

/// What stands for a sealed value.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SealedReference {
    /// It stays as it is in the realm.
    Kept,
}

/// `policies/NAME/policy.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyFile {
    pub(super) id: PolicyId,
    pub(super) name: String,
    pub(super) workflows: Vec<String>,
    pub(super) lockout: LockoutFile,
    #[serde(default)]
    pub(super) scope: Vec<ScopeFile>,
    #[serde(default, skip_serializing_if = "Notices::is_usual")]
    pub(super) notices: Notices,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) helpdesk: Option<HelpdeskFile>,
}

/// Who helps the people of a policy, and with what.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HelpdeskFile {
    pub(super) tasks: BTreeSet<HelpdeskTask>,
    #[serde(default)]
    pub(super) must_change: MustChange,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) verification: Option<VerificationFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) groups: Vec<RoleFile>,
}

/// How a caller is verified.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerificationFile {
    pub(super) questions: u32,
    pub(super) valid_for: Duration,
    #[serde(default, skip_serializing_if = "CallerQuestions::is_usual")]
    pub(super) from: CallerQuestions,
    #[serde(default, skip_serializing_if = "CallerCheck::is_usual")]
    pub(super) how: CallerCheck,
}

/// The users of one domain connection, named by its alias, that a policy serves.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeFile {
    pub(super) connection: String,
    #[serde(default)]
    pub(super) allowed_groups: Vec<DistinguishedName>,
    #[serde(default)]
    pub(super) allowed_ous: Vec<DistinguishedName>,
    #[serde(default)]
    pub(super) denied_groups: Vec<DistinguishedName>,
    #[serde(default)]
    pub(super) denied_ous: Vec<DistinguishedName>,
}

/// `policies/NAME/password.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordFile {
    pub(super) rules: Vec<PasswordRule>,
}

/// A span as people write it: a number with its unit.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Duration(pub(super) Span);

impl From<Duration> for String {
    fn from(Duration(span): Duration) -> Self {
        span.to_string()
    }
}

impl TryFrom<String> for Duration {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error| format!("`{text}`: {error}"))
    }
}

impl From<&LockoutSettings> for LockoutFile {
    fn from(settings: &LockoutSettings) -> Self {
        Self {
            threshold: settings.threshold,
            duration: Duration(settings.duration),
            reset_after: Duration(settings.reset_after),
        }
    }
}

impl From<LockoutFile> for LockoutSettings {
    fn from(file: LockoutFile) -> Self {
        let LockoutFile { threshold, duration: Duration(duration), reset_after: Duration(reset_after) } =
            file;
        Self { threshold, duration, reset_after }
    }
}
