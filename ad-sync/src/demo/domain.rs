//! The domain as the file holds it: users, groups and rules.

use super::password::PasswordHash;
use passquorum_domain::blob::Blob;
use passquorum_domain::directory::{DistinguishedName, LoginName, ObjectGuid};
use passquorum_domain::profile::RequirementsDigest;
use passquorum_domain::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The whole domain.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Domain {
    pub(super) rules: Rules,
    pub(super) users: Vec<User>,
    pub(super) groups: Vec<Group>,
    /// The storage containers, by folded DN.
    #[serde(default)]
    pub(super) containers: BTreeMap<String, KeptContainer>,
}

/// A storage container.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptContainer {
    pub(super) fence: String,
    pub(super) document: Blob,
}

/// The domain's password and lockout policy.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    pub(super) min_length: u32,
    pub(super) complexity: bool,
    pub(super) history: u32,
    /// Wrong passwords until the account locks.
    pub(super) lockout_threshold: u32,
    /// How long it stays locked.
    pub(super) lockout_duration: Span,
    /// After how long without one the wrong passwords are forgotten.
    pub(super) lockout_window: Span,
}

/// A user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    pub(super) guid: uuid::Uuid,
    pub(super) dn: DistinguishedName,
    pub(super) account: String,
    pub(super) upn: String,
    pub(super) display_name: String,
    pub(super) mail: Option<String>,
    pub(super) primary_group: DistinguishedName,
    pub(super) password: PasswordHash,
    /// Earlier passwords, the latest first.
    pub(super) earlier: Vec<PasswordHash>,
    pub(super) must_change: bool,
    pub(super) disabled: bool,
    pub(super) expires: Option<Timestamp>,
    pub(super) wrong_passwords: u32,
    pub(super) last_wrong_password: Option<Timestamp>,
    pub(super) locked_at: Option<Timestamp>,
    pub(super) profile: Option<Blob>,
    /// What stands beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) profile_digest: Option<RequirementsDigest>,
    /// How often it was written.
    #[serde(default)]
    pub(super) profile_version: u32,
    /// The access account may read this user, and no more.
    pub(super) protected: bool,
    /// The PSO that applies to this user, and its fewest characters.
    pub(super) pso: Option<Pso>,
}

/// A fine-grained password policy.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pso {
    pub(super) dn: DistinguishedName,
    pub(super) min_length: u32,
}

/// A group and the DNs of its direct members.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) dn: DistinguishedName,
    pub(super) members: Vec<DistinguishedName>,
}

/// A DN as it compares.
pub(super) fn folded(dn: &DistinguishedName) -> String {
    dn.as_str().to_lowercase()
}

impl Domain {
    /// The group's folded DN, if there is such a group.
    pub(super) fn group(&self, dn: &DistinguishedName) -> Option<String> {
        let dn = folded(dn);
        self.groups.iter().any(|group| folded(&group.dn) == dn).then_some(dn)
    }

    /// The folded DNs of every group that the user is in: the primary one, direct ones and those around them.
    pub(super) fn groups_of(&self, user: &User) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![folded(&user.dn), folded(&user.primary_group)];
        found.insert(folded(&user.primary_group));
        while let Some(member) = open.pop() {
            for group in &self.groups {
                let holds = group.members.iter().any(|dn| folded(dn) == member);
                if holds && found.insert(folded(&group.dn)) {
                    open.push(folded(&group.dn));
                }
            }
        }
        found
    }
}

impl User {
    pub(super) fn guid(&self) -> ObjectGuid {
        ObjectGuid(self.guid.to_bytes_le())
    }

    /// Whether the typed name means this user. Names compare without case.
    pub(super) fn is_called(&self, name: &LoginName) -> bool {
        let is = |own: &str, typed: &str| own.to_lowercase() == typed.to_lowercase();
        match name {
            LoginName::Account { account, .. } => is(&self.account, account),
            LoginName::Address(address) => {
                is(&self.upn, address) || self.mail.as_deref().is_some_and(|mail| is(mail, address))
            }
        }
    }
}
