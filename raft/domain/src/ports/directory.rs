//! The directory port: one domain, what can be asked of it, and how it can fail.

use crate::config::DomainConnection;
use crate::directory::{
    ClientController, DistinguishedName, DomainPasswordRules, ListedUser, LoginName, UserRecord, UserRef,
};
use crate::error_code::ErrorCode;
use crate::ids::ConnectionId;
use crate::ports::rights::{RightsAsked, RightsReport};
use crate::ports::{ConnectionPoints, Container, ContainerError};
use crate::profile::{HeldProfile, ProfileValue};
use crate::secret::Password;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Whether a failed directory call may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Retry {
    /// The request did not reach a domain controller; another try is safe.
    Safe,
    /// It was refused; the same request will be refused again.
    Pointless,
    /// It was sent and no answer came: it may have happened.
    Unknown,
}

/// A directory call that did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} on {dc}: {reason}")]
pub struct DirectoryError {
    /// The domain controller, as far as one was chosen.
    pub dc: String,
    /// What was asked, such as `reset password`.
    pub operation: &'static str,
    /// Why not.
    pub reason: DirectoryReason,
    /// The directory's own code: the Win32 error of the message (`0x52D`), or the LDAP result code.
    pub ad_code: Option<u32>,
    /// Whether to try again.
    pub retry: Retry,
}

/// Why a directory call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryReason {
    /// No connection, or it broke.
    #[error("it cannot be reached")]
    Unreachable,
    /// Its certificate is not signed by a configured authority, or names another host.
    #[error("its certificate is not trusted")]
    UntrustedCertificate,
    /// The access account's name or password is wrong.
    #[error("it does not accept the access account")]
    BindRefused,
    /// The access account lacks the right (LDAP 50).
    #[error("the access account may not do that")]
    AccessDenied,
    /// The password does not meet the domain's rules (0x52D): length, complexity or history.
    #[error("the password does not meet the domain's rules")]
    PasswordPolicy,
    /// The old password is wrong (0x56).
    #[error("the old password is wrong")]
    WrongPassword,
    /// The user's account is locked (775).
    #[error("the account is locked")]
    AccountLocked,
    /// The user's account is disabled (533).
    #[error("the account is disabled")]
    AccountDisabled,
    /// The user's account has expired (701).
    #[error("the account has expired")]
    AccountExpired,
    /// The object is not there any more.
    #[error("the object is not there")]
    NotFound,
    /// More than one user has this name.
    #[error("more than one user has this name")]
    Ambiguous,
    /// The value in the attribute changed meanwhile (compare-and-swap failed).
    #[error("the attribute was changed meanwhile")]
    Changed,
    /// The attribute holds something that was not written by this product; it is never overwritten.
    #[error("the attribute holds a value that does not belong to this realm")]
    ForeignValue,
    /// The value is larger than the attribute takes.
    #[error("the value is too large for the attribute")]
    TooLarge,
    /// Anything else; the code says what.
    #[error("it refused the request")]
    Refused,
    /// It was sent and no answer came.
    #[error("no answer came; it may have happened")]
    NoAnswer,
}

impl DirectoryReason {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Unreachable | Self::UntrustedCertificate | Self::BindRefused => {
                ErrorCode::DirectoryUnreachable
            }
            Self::PasswordPolicy => ErrorCode::PasswordPolicy,
            Self::WrongPassword => ErrorCode::WrongCredentials,
            Self::NoAnswer => ErrorCode::UnknownOutcome,
            Self::NotFound => ErrorCode::NotFound,
            Self::ForeignValue => ErrorCode::ForeignValue,
            _ => ErrorCode::DirectoryRefused,
        }
    }
}

/// What a password check by bind says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PasswordCheck {
    /// It is right and the account may log on.
    Right,
    /// It is right, but must be changed first (773, 532).
    RightButMustChange,
    /// The name or the password is wrong (52e).
    Wrong,
    /// The account is locked, disabled, expired or restricted, which the controller says before or after looking.
    Barred(BarredReason),
}

/// Why an account cannot log on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BarredReason {
    /// 775.
    Locked,
    /// 533.
    Disabled,
    /// 701.
    Expired,
    /// 530, 531: hours or workstation.
    Restricted,
}

/// The result of looking a name up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nobody.
    Nobody,
    /// One user.
    One(Box<UserRecord>),
    /// More than one: never guessed.
    Several,
}

/// How a reset leaves the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResetOptions {
    /// Also clear `lockoutTime`.
    pub unlock: bool,
    /// Also set `pwdLastSet` to 0.
    pub must_change: bool,
}

/// Which users are listed: those for whom all of this holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Below this object; without it, below the connection's search base.
    pub below: Option<DistinguishedName>,
    /// Members of this group: directly, through nested groups, or because it is the primary group.
    pub member_of: Option<DistinguishedName>,
    /// Whether they have a profile.
    pub profile: HavingProfile,
}

/// Whether a listed user has a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HavingProfile {
    /// Does not matter.
    #[default]
    OrNot,
    /// In the present attribute or the former one.
    Anywhere,
    /// In the present attribute.
    InPresentAttribute,
    /// In the former attribute, if the connection names one.
    InFormerAttribute,
}

/// A list of users that is being read, page by page. One that broke off is begun anew.
#[async_trait]
pub trait UserPages: Send {
    /// The next users; `None` after the last.
    async fn next(&mut self) -> Result<Option<Vec<ListedUser>>, DirectoryError>;
}

/// Pages that are all there.
#[async_trait]
impl UserPages for std::vec::IntoIter<Vec<ListedUser>> {
    async fn next(&mut self) -> Result<Option<Vec<ListedUser>>, DirectoryError> {
        Ok(Iterator::next(self))
    }
}

/// One domain. Calls on a [`UserRef`] go to its `dc` while that one can be reached.
///
/// One conformance suite holds for every implementation.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Looks a user up by sAMAccountName, userPrincipalName or mail.
    async fn find(&self, name: &LoginName) -> Result<Found, DirectoryError>;

    /// The same, and from the controller that the visitor's computer uses, where the connection says so and that is one of
    /// the domain's; else the name counts for nothing, as it does where there are no controllers to choose from.
    async fn find_near(&self, name: &LoginName, _: &ClientController) -> Result<Found, DirectoryError> {
        self.find(name).await
    }

    /// Reads a user again by `objectGUID`.
    async fn read(&self, user: &UserRef) -> Result<UserRecord, DirectoryError>;

    /// Which of the groups the user is a member of: directly, through nested groups, or as the primary group.
    /// A group that is not there is an error ([`DirectoryReason::NotFound`]): a denied group that was renamed must
    /// not let its members in.
    async fn member_of(
        &self,
        user: &UserRecord,
        groups: &[DistinguishedName],
    ) -> Result<Vec<DistinguishedName>, DirectoryError>;

    /// Tries a password by a bind as the user. A wrong one counts in the domain's own lockout.
    async fn check_password(
        &self,
        user: &UserRecord,
        password: &Password,
    ) -> Result<PasswordCheck, DirectoryError>;

    /// Sets a new password without the old one (MS-ADTS 3.1.1.3.1.5, replace of `unicodePwd`).
    async fn reset_password(
        &self,
        user: &UserRef,
        new: &Password,
        options: ResetOptions,
    ) -> Result<(), DirectoryError>;

    /// Changes the password with the old one (delete and add of `unicodePwd`).
    async fn change_password(
        &self,
        user: &UserRef,
        old: &Password,
        new: &Password,
    ) -> Result<(), DirectoryError>;

    /// Clears `lockoutTime`.
    async fn unlock(&self, user: &UserRef) -> Result<(), DirectoryError>;

    /// Enables a disabled account, unless its `userAccountControl` changes meanwhile; nothing when it is enabled.
    async fn enable(&self, user: &UserRef) -> Result<(), DirectoryError>;

    /// Sets `pwdLastSet` to 0: the password must be changed at next logon.
    async fn set_must_change(&self, user: &UserRef) -> Result<(), DirectoryError>;

    /// The rules that the domain or a PSO sets for this user.
    async fn password_rules(&self, user: &UserRef) -> Result<DomainPasswordRules, DirectoryError>;

    /// Reads the profile attribute, with how often it was written where the directory tells;
    /// [`DirectoryReason::ForeignValue`] when something else is in it.
    async fn read_profile(&self, user: &UserRef) -> Result<HeldProfile, DirectoryError>;

    /// Writes or clears the profile attribute if all is still as it was read; else [`DirectoryReason::Changed`].
    async fn write_profile(
        &self,
        user: &UserRef,
        expected: &HeldProfile,
        new: Option<&ProfileValue>,
    ) -> Result<(), DirectoryError>;

    /// Begins a list of users, in no particular order.
    async fn list(&self, listing: &Listing) -> Result<Box<dyn UserPages>, DirectoryError>;

    /// Reaches a domain controller and binds as the access account.
    async fn check(&self) -> Result<(), DirectoryError>;

    /// Looks whether the access account may do what it has to, changing nothing; nothing where there are no rights to look at.
    async fn rights(&self, _: &RightsAsked) -> Result<Option<RightsReport>, DirectoryError> {
        Ok(None)
    }

    /// What became of the changes that were pushed to other controllers; nothing where none are.
    fn pushes(&self) -> Option<PushReport> {
        None
    }

    /// Does that with each controller there is, in order of preference, until one refuses the account.
    async fn check_each(&self) -> Vec<ControllerCheck> {
        let (dc, outcome) = match self.check().await {
            Ok(()) => ("the directory".to_owned(), CheckOutcome::Serves),
            Err(error) => (error.dc.clone(), CheckOutcome::Fails(error)),
        };
        vec![ControllerCheck { dc, outcome }]
    }
}

/// Whether one domain controller serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControllerCheck {
    /// Which.
    pub dc: String,
    /// What was seen.
    pub outcome: CheckOutcome,
}

/// What a look at one domain controller saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It was reached and takes the access account.
    Serves,
    /// It does not serve.
    Fails(DirectoryError),
    /// It was left out: another one had refused the access account, or it took too long to come to this one.
    NotAsked,
}

/// How changes of users come to the controllers of the AD sites that they are pushed to, since this node opened the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushReport {
    /// How the last push to each controller ended.
    pub last: Vec<(String, Result<(), DirectoryError>)>,
    /// Changes that were left to replication, since too many were being pushed.
    pub left_out: u64,
}

/// The directories of the realm's domain connections.
#[async_trait]
pub trait Directories: Send + Sync {
    /// The directory of one connection, as the present configuration describes it.
    async fn open(&self, connection: ConnectionId) -> Result<Arc<dyn Directory>, DirectoryError>;

    /// Reaches a domain controller and binds as the access account, as a connection describes it that is not in force.
    async fn try_out(&self, connection: &DomainConnection) -> Result<(), DirectoryError>;

    /// The service connection points of a connection's domain; `None` where there cannot be any.
    async fn points(&self, _: ConnectionId) -> Result<Option<Arc<dyn ConnectionPoints>>, DirectoryError> {
        Ok(None)
    }

    /// The container that the realm is mirrored in; `None` when it is not mirrored.
    async fn mirrored(&self) -> Result<Option<Arc<dyn Container>>, ContainerError> {
        Ok(None)
    }
}
