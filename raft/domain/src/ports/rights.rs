//! What the access account of a domain connection has to be able to do, and whether it can.

use crate::directory::{DistinguishedName, LoginName};
use crate::ids::RealmId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where to look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RightsAsked {
    /// Users below these.
    pub below: Vec<DistinguishedName>,
    /// These users.
    pub users: Vec<LoginName>,
    /// Where service connection points are made and removed.
    pub containers: Vec<DistinguishedName>,
    /// The mirror's object.
    pub mirror: Option<DistinguishedName>,
    /// Whose service connection points have to be kept true, where there are any.
    pub realm: Option<RealmId>,
}

/// One thing that the access account has to be able to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Read a user's attributes.
    ReadUser,
    /// The extended right *Reset Password* on a user.
    ResetPassword,
    /// Write this attribute of a user.
    Write(String),
    /// Read the fine-grained password policies.
    ReadPasswordSettings,
    /// Make service connection points.
    MakeConnectionPoint,
    /// Write the realm's service connection points that are there.
    WriteConnectionPoints,
    /// Remove service connection points.
    RemoveConnectionPoint,
    /// Write the mirror, or make it.
    WriteMirror,
    /// The extended right *Replication Synchronization* on the domain, to push changes.
    PushChanges,
    /// The extended right *Read Only Replication Secret Synchronization* there, to push passwords to read-only controllers.
    PushPasswords,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadUser => f.write_str("read users"),
            Self::ResetPassword => f.write_str("reset passwords of users"),
            Self::Write(attribute) => write!(f, "write {attribute} of users"),
            Self::ReadPasswordSettings => f.write_str("read the fine-grained password policies"),
            Self::MakeConnectionPoint => f.write_str("make service connection points"),
            Self::WriteConnectionPoints => f.write_str("write the realm's service connection points"),
            Self::RemoveConnectionPoint => f.write_str("remove service connection points"),
            Self::WriteMirror => f.write_str("write the mirror"),
            Self::PushPasswords => f.write_str("push passwords to read-only domain controllers"),
            Self::PushChanges => f.write_str("push changes to other domain controllers"),
        }
    }
}

/// Whether a right is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is.
    Held,
    /// It is not.
    Missing,
    /// The directory does not let it be seen.
    Unknown,
}

/// One right at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightCheck {
    /// Which.
    pub right: Right,
    /// Where.
    pub at: DistinguishedName,
    /// Whether it is there: for users, on every one that was looked at.
    pub standing: Standing,
    /// Of the users that were looked at, how many it is not there for.
    pub lacking: u32,
    /// One of these, or the object itself.
    pub example: Option<DistinguishedName>,
}

/// What was seen of the account's rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightsReport {
    /// The access account.
    pub account: String,
    /// The domain controller that was asked.
    pub dc: String,
    /// How many users were looked at, a sample of those there are.
    pub users: u32,
    /// Each right.
    pub checks: Vec<RightCheck>,
    /// Users whom the domain protects (`adminCount`): no right is inherited by them, and none should be.
    pub protected: Vec<DistinguishedName>,
    /// What the account may do and should not, and what could not be looked at.
    pub warnings: Vec<String>,
}

impl RightsReport {
    /// Whether every right is there, which without a user nobody can tell.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.users > 0 && self.checks.iter().all(|check| check.standing == Standing::Held)
    }
}
