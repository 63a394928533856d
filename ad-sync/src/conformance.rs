//! The rules that every `Directory` keeps, as a suite that runs on any of them: the demonstration directory, a real
//! domain controller, a fake. [`verify`] stops at the first rule that is broken and says what was seen.
//!
//! [`container::verify`] does the same for the storage container.
//! It changes the users of the [`Fixture`], so each run needs a fresh directory.

mod accounts;
pub mod container;
mod lists;
mod names;
mod passwords;
mod profiles;

use passquorum_domain::directory::{DistinguishedName, DomainPasswordRules, LoginName, UserRecord};
use passquorum_domain::ports::{
    Directory, DirectoryError, DirectoryReason, Found, PasswordCheck, ResetOptions,
};
use passquorum_domain::secret::Password;
use std::fmt;

/// A user whom the directory under test holds.
#[derive(Debug, Clone)]
pub struct KnownUser {
    /// sAMAccountName.
    pub account: String,
    /// userPrincipalName.
    pub upn: String,
    /// mail.
    pub mail: String,
    /// The password now.
    pub password: Password,
}

/// What the directory under test holds. The users are different ones.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// An ordinary user.
    pub ordinary: KnownUser,
    /// An ordinary user whose passwords are changed.
    pub changing: KnownUser,
    /// An ordinary user who gets locked out.
    pub lockable: KnownUser,
    /// A disabled user.
    pub disabled: KnownUser,
    /// A user to whom a PSO applies.
    pub strict: KnownUser,
    /// A member of `inner_group` only.
    pub nested: KnownUser,
    /// A user whom the access account may read and no more.
    pub protected: KnownUser,
    /// A mail address that two users have.
    pub shared_mail: String,
    /// The group that `ordinary` is a direct member of, and that `inner_group` is a member of.
    pub outer_group: DistinguishedName,
    /// The group between `nested` and `outer_group`.
    pub inner_group: DistinguishedName,
    /// The primary group of `ordinary`.
    pub primary_group: DistinguishedName,
    /// A group that neither is in.
    pub other_group: DistinguishedName,
    /// What holds for `ordinary`.
    pub rules: DomainPasswordRules,
    /// What holds for `strict`; its fewest characters are more than 12.
    pub strict_rules: DomainPasswordRules,
    /// Wrong passwords that lock an account.
    pub lockout_threshold: u32,
}

/// A rule that does not hold.
#[derive(Debug, thiserror::Error)]
#[error("this rule must be kept: {rule}. Seen: {seen}")]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// What was seen instead.
    pub seen: String,
}

/// Runs every rule.
///
/// # Errors
/// The first rule that does not hold.
pub async fn verify(directory: &dyn Directory, fixture: &Fixture) -> Result<(), Violation> {
    let suite = Suite { directory, fixture };
    seen("a directory that works passes its own check", directory.check().await)?;
    suite.names().await?;
    suite.groups().await?;
    suite.lists().await?;
    suite.rules().await?;
    suite.profiles().await?;
    suite.resets().await?;
    suite.changes().await?;
    suite.lockout().await?;
    suite.disabled().await?;
    suite.protected().await
}

/// The directory under test and what it holds.
struct Suite<'a> {
    directory: &'a dyn Directory,
    fixture: &'a Fixture,
}

impl Suite<'_> {
    async fn user(&self, user: &KnownUser) -> Result<UserRecord, Violation> {
        self.one(&user.account).await
    }

    async fn one(&self, name: &str) -> Result<UserRecord, Violation> {
        let rule = "a user is found by account name, UPN and mail";
        match seen(rule, self.directory.find(&typed(name)?).await)? {
            Found::One(record) => Ok(*record),
            other => Err(Violation { rule, seen: format!("{name}: {other:?}") }),
        }
    }

    async fn password_is(
        &self,
        rule: &'static str,
        user: &UserRecord,
        password: &Password,
        expected: PasswordCheck,
    ) -> Result<(), Violation> {
        same(rule, &seen(rule, self.directory.check_password(user, password).await)?, &expected)
    }
}

/// Neither of what a reset can do besides.
const PLAIN: ResetOptions = ResetOptions { unlock: false, must_change: false };

fn seen<T>(rule: &'static str, outcome: Result<T, DirectoryError>) -> Result<T, Violation> {
    outcome.map_err(|error| Violation { rule, seen: format!("{error} ({error:?})") })
}

fn same<T: PartialEq + fmt::Debug>(rule: &'static str, actual: &T, expected: &T) -> Result<(), Violation> {
    if actual == expected {
        Ok(())
    } else {
        Err(Violation { rule, seen: format!("{actual:?} instead of {expected:?}") })
    }
}

fn refused<T: fmt::Debug>(
    rule: &'static str,
    outcome: Result<T, DirectoryError>,
    reason: DirectoryReason,
) -> Result<DirectoryError, Violation> {
    match outcome {
        Err(error) if error.reason == reason => Ok(error),
        other => Err(Violation { rule, seen: format!("{other:?} instead of {reason:?}") }),
    }
}

fn typed(name: &str) -> Result<LoginName, Violation> {
    LoginName::parse(name)
        .map_err(|error| Violation { rule: "names parse", seen: format!("{name}: {error}") })
}

fn password(text: &str) -> Result<Password, Violation> {
    Password::parse(text.to_owned())
        .map_err(|error| Violation { rule: "passwords parse", seen: error.to_string() })
}
