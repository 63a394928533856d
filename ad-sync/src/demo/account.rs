//! What happens to one account: passwords tried and set, lockout, and what a logon meets.

use super::domain::{Rules, User};
use super::password::{PasswordHash, is_complex};
use passquorum_domain::directory::{AccountStatus, DomainPasswordRules, RulesSource, UserRecord, UserRef};
use passquorum_domain::ports::{BarredReason, DirectoryReason, PasswordCheck};
use passquorum_domain::profile::{HeldProfile, Place, ProfileValue};
use passquorum_domain::secret::Password;
use passquorum_domain::time::Timestamp;

/// There is one; connections may call it what they like.
const PROFILE_ATTRIBUTE: &str = "profile";

/// What trying a password showed.
#[derive(Clone, Copy)]
pub(super) enum Verdict {
    Right,
    Wrong,
    /// It was not looked at.
    Locked,
}

impl Verdict {
    /// What a logon with it meets. A disabled account is told only to who knows the password.
    pub(super) fn logon(self, user: &User, now: Timestamp) -> PasswordCheck {
        match self {
            Self::Wrong => PasswordCheck::Wrong,
            Self::Locked => PasswordCheck::Barred(BarredReason::Locked),
            Self::Right if user.disabled => PasswordCheck::Barred(BarredReason::Disabled),
            Self::Right if user.has_expired(now) => PasswordCheck::Barred(BarredReason::Expired),
            Self::Right if user.must_change => PasswordCheck::RightButMustChange,
            Self::Right => PasswordCheck::Right,
        }
    }
}

impl User {
    pub(super) fn record(&self, user: UserRef, rules: &Rules, now: Timestamp) -> UserRecord {
        UserRecord {
            user,
            dn: self.dn.clone(),
            account: self.account.clone(),
            upn: Some(self.upn.clone()),
            display_name: self.display_name.clone(),
            mail: self.mail.clone(),
            status: AccountStatus {
                locked: self.is_locked(rules, now),
                disabled: self.disabled,
                expired: self.has_expired(now),
                must_change_password: self.must_change,
            },
        }
    }

    /// Refuses what the access account may not do to this user.
    pub(super) fn must_be_served(&self) -> Result<(), DirectoryReason> {
        if self.protected { Err(DirectoryReason::AccessDenied) } else { Ok(()) }
    }

    pub(super) fn held_profile(&self) -> HeldProfile {
        let value = self.profile.clone().map(|sealed| ProfileValue { sealed, digest: self.profile_digest });
        let version = Some(self.profile_version);
        HeldProfile::in_one(value, Place { attribute: PROFILE_ATTRIBUTE.to_owned(), version })
    }

    pub(super) fn put_profile(&mut self, value: Option<ProfileValue>) {
        self.profile_digest = value.as_ref().and_then(|value| value.digest);
        self.profile = value.map(|value| value.sealed);
        self.profile_version = self.profile_version.saturating_add(1);
    }

    fn has_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    fn is_locked(&self, rules: &Rules, now: Timestamp) -> bool {
        self.locked_at.is_some_and(|at| now.since(at) < rules.lockout_duration)
    }

    pub(super) fn unlock(&mut self) {
        self.locked_at = None;
        self.wrong_passwords = 0;
    }

    /// Tries a password; a wrong one is counted.
    pub(super) fn try_password(&mut self, password: &Password, rules: &Rules, now: Timestamp) -> Verdict {
        if self.is_locked(rules, now) {
            return Verdict::Locked;
        }
        if self.password.is_of(password) {
            self.unlock();
            return Verdict::Right;
        }
        let forgotten = self.last_wrong_password.is_none_or(|last| now.since(last) >= rules.lockout_window)
            || self.locked_at.is_some();
        self.locked_at = None;
        self.wrong_passwords = if forgotten { 1 } else { self.wrong_passwords.saturating_add(1) };
        self.last_wrong_password = Some(now);
        if self.wrong_passwords >= rules.lockout_threshold {
            self.locked_at = Some(now);
        }
        Verdict::Wrong
    }

    pub(super) fn password_rules(&self, rules: &Rules) -> DomainPasswordRules {
        let (source, min_length) = match &self.pso {
            Some(pso) => (RulesSource::Pso(pso.dn.clone()), pso.min_length),
            None => (RulesSource::Domain, rules.min_length),
        };
        DomainPasswordRules { source, min_length, complexity: rules.complexity, history: rules.history }
    }

    /// Sets a password that meets the rules.
    pub(super) fn set_password(&mut self, new: &Password, rules: &Rules) -> Result<(), DirectoryReason> {
        let own = self.password_rules(rules);
        let is_long = new.expose().encode_utf16().count() >= own.min_length as usize;
        let is_complex = !own.complexity || is_complex(new.expose(), &self.account, &self.display_name);
        let history = own.history as usize;
        let is_used = std::iter::once(&self.password)
            .chain(&self.earlier)
            .take(history)
            .any(|earlier| earlier.is_of(new));
        if !is_long || !is_complex || is_used {
            return Err(DirectoryReason::PasswordPolicy);
        }
        let old = std::mem::replace(&mut self.password, PasswordHash::of(new)?);
        self.earlier.insert(0, old);
        self.earlier.truncate(history.saturating_sub(1));
        Ok(())
    }
}
