//! One account of the simulated domain: passwords tried and set, lockout, and what a logon meets. Passwords lie here in
//! clear: nothing outlives the run.

use super::domain::Rules;
use passquorum_domain::directory::{
    AccountStatus, DistinguishedName, DomainPasswordRules, RulesSource, UserRecord, UserRef,
};
use passquorum_domain::ports::{BarredReason, DirectoryReason, PasswordCheck};
use passquorum_domain::profile::{HeldProfile, Place, ProfileValue};
use passquorum_domain::time::Timestamp;

/// A user.
#[derive(Debug, Clone)]
pub struct User {
    /// sAMAccountName.
    pub account: String,
    /// Its DN.
    pub dn: DistinguishedName,
    /// mail.
    pub mail: String,
    /// The primary group.
    pub primary_group: DistinguishedName,
    /// The passwords, the present one first.
    pub passwords: Vec<String>,
    /// `pwdLastSet`; none when the password must be changed.
    pub password_set: Option<Timestamp>,
    /// Whether it is disabled.
    pub disabled: bool,
    /// Whether the access account may only read it.
    pub protected: bool,
    /// The PSO that applies, and its fewest characters.
    pub pso: Option<(DistinguishedName, u32)>,
    /// Wrong passwords that count, and the last one's time.
    pub wrong: (u32, Timestamp),
    /// Since when it is locked.
    pub locked: Option<Timestamp>,
    /// The profile attribute.
    pub profile: Option<ProfileValue>,
    /// How often that was written.
    pub profile_version: u32,
}

/// What trying a password showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Right,
    Wrong,
    /// It was not looked at.
    Locked,
}

impl User {
    /// The profile attribute, and how often it was written.
    pub(super) fn held_profile(&self) -> HeldProfile {
        let place = Place { attribute: "profile".to_owned(), version: Some(self.profile_version) };
        HeldProfile::in_one(self.profile.clone(), place)
    }

    pub(super) fn put_profile(&mut self, value: Option<ProfileValue>) {
        self.profile = value;
        self.profile_version = self.profile_version.saturating_add(1);
    }

    /// An ordinary user, whose password was set at this time.
    #[must_use]
    pub fn new(
        account: &str,
        dn: DistinguishedName,
        primary_group: DistinguishedName,
        password: &str,
    ) -> Self {
        Self {
            account: account.to_owned(),
            dn,
            mail: format!("{account}@sim.example"),
            primary_group,
            passwords: vec![password.to_owned()],
            password_set: Some(Timestamp(0)),
            disabled: false,
            protected: false,
            pso: None,
            wrong: (0, Timestamp(0)),
            locked: None,
            profile: None,
            profile_version: 0,
        }
    }

    /// userPrincipalName.
    #[must_use]
    pub fn upn(&self) -> String {
        format!("{}@sim.example", self.account)
    }

    pub(super) fn record(&self, user: UserRef, rules: &Rules, now: Timestamp) -> UserRecord {
        UserRecord {
            user,
            dn: self.dn.clone(),
            account: self.account.clone(),
            upn: Some(self.upn()),
            display_name: self.account.clone(),
            mail: Some(self.mail.clone()),
            status: AccountStatus {
                locked: self.is_locked(rules, now),
                disabled: self.disabled,
                expired: false,
                must_change_password: self.password_set.is_none(),
            },
        }
    }

    /// Refuses what the access account may not do to this user.
    pub(super) fn must_be_served(&self) -> Result<(), DirectoryReason> {
        if self.protected { Err(DirectoryReason::AccessDenied) } else { Ok(()) }
    }

    /// Whether it is locked.
    #[must_use]
    pub fn is_locked(&self, rules: &Rules, now: Timestamp) -> bool {
        self.locked.is_some_and(|at| now.since(at) < rules.lockout_duration)
    }

    pub(super) fn unlock(&mut self) {
        self.locked = None;
        self.wrong.0 = 0;
    }

    /// Tries a password; a wrong one is counted.
    pub(super) fn try_password(&mut self, password: &str, rules: &Rules, now: Timestamp) -> Verdict {
        if self.is_locked(rules, now) {
            return Verdict::Locked;
        }
        if self.passwords.first().is_some_and(|present| present == password) {
            self.unlock();
            return Verdict::Right;
        }
        let forgotten = self.locked.is_some() || now.since(self.wrong.1) >= rules.lockout_duration;
        let count = if forgotten { 1 } else { self.wrong.0 + 1 };
        self.wrong = (count, now);
        self.locked = (count >= rules.lockout_threshold).then_some(now);
        Verdict::Wrong
    }

    /// What a logon meets after its password was tried.
    pub(super) fn logon(&self, verdict: Verdict) -> PasswordCheck {
        match verdict {
            Verdict::Wrong => PasswordCheck::Wrong,
            Verdict::Locked => PasswordCheck::Barred(BarredReason::Locked),
            Verdict::Right if self.disabled => PasswordCheck::Barred(BarredReason::Disabled),
            Verdict::Right if self.password_set.is_none() => PasswordCheck::RightButMustChange,
            Verdict::Right => PasswordCheck::Right,
        }
    }

    pub(super) fn password_rules(&self, rules: &Rules) -> DomainPasswordRules {
        let (source, min_length) = match &self.pso {
            Some((dn, length)) => (RulesSource::Pso(dn.clone()), *length),
            None => (RulesSource::Domain, rules.min_length),
        };
        DomainPasswordRules { source, min_length, complexity: true, history: rules.history }
    }

    /// Sets a password that meets the rules.
    pub(super) fn set_password(
        &mut self,
        new: &str,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<(), DirectoryReason> {
        let is_long = new.encode_utf16().count() >= self.password_rules(rules).min_length as usize;
        let history = rules.history as usize;
        let is_used = self.passwords.iter().take(history).any(|earlier| earlier == new);
        if !is_long || is_used || !is_complex(new, &self.account) {
            return Err(DirectoryReason::PasswordPolicy);
        }
        self.passwords.insert(0, new.to_owned());
        self.passwords.truncate(history.max(1));
        self.password_set = Some(now);
        Ok(())
    }
}

/// Three of the classes upper, lower, digit, other; and not the account's name in it (MS-ADTS 3.1.1.3.1.5).
fn is_complex(password: &str, account: &str) -> bool {
    let has = |class: fn(char) -> bool| usize::from(password.chars().any(class));
    let classes = has(char::is_uppercase)
        + has(char::is_lowercase)
        + has(|c| c.is_numeric())
        + has(|c| !c.is_alphanumeric());
    classes >= 3 && !password.to_lowercase().contains(&account.to_lowercase())
}
