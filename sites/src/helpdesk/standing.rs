//! Where a person stands: in the domain, with their security questions, and with the lock; and what the operator who looks
//! may do for them.

use super::caller::{self, Caller, Person as Asked};
use super::desk::Desk;
use crate::admin::audit_text;
use crate::locale::{Key, Message};
use crate::page_error::Failure;
use crate::people::{self, Person, Way, Ways};
use crate::profile_store::{self, Stored};
use crate::sign_in;
use crate::text;
use passquorum_domain::audit::Site;
use passquorum_domain::config::{ManagementPolicy, RealmConfig};
use passquorum_domain::directory::{AccountStatus, LoginName, UserRecord};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::helpdesk::HelpdeskTask;
use passquorum_domain::ids::KeyedHash;
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::outcome::Rejection;
use passquorum_domain::policy::{PasswordOwner, PasswordRule, effective_rules};
use passquorum_domain::state::State;
use std::sync::Arc;

/// What a search gave.
pub(super) enum Search {
    /// One person whom this operator may help.
    Served(Box<Standing>),
    /// Nobody such.
    NotServed,
    /// More than one.
    Several,
}

/// A person as the page shows them.
pub(super) struct Standing {
    pub(super) config: Arc<RealmConfig>,
    /// The policy that serves them.
    pub(super) policy: ManagementPolicy,
    pub(super) subject: KeyedHash,
    /// `ALIAS\account`: what finds the same person again.
    pub(super) name: String,
    /// The identity that an act is bound to.
    pub(super) guid: String,
    pub(super) profile: Key,
    /// Whether a profile is there that can be marked as one to be made anew.
    pub(super) may_be_outdated: bool,
    /// Until when wrong answers keep the person out: in words, and the instant.
    pub(super) locked: Option<(Message, String)>,
    /// Wrong or open attempts that count now.
    pub(super) failures: u32,
    /// Until when an assigned passcode is good.
    pub(super) passcode: Option<String>,
    /// Whether they may use the Admin or the Helpdesk site: nobody becomes another operator by way of the helpdesk.
    pub(super) is_staff: bool,
    /// Whether the operator helps everybody, and not a policy's people only.
    helps_all: bool,
    pub(super) caller: Caller,
    level: FeatureLevel,
    /// What a new password has to meet, where one may be set, and the names that must not be in it.
    pub(super) rules: Vec<PasswordRule>,
    pub(super) owner: PasswordOwner,
    /// The latest audit records about the person: when, who, what.
    pub(super) history: Vec<(String, String, String)>,
    /// As the directory has it.
    pub(super) record: UserRecord,
}

const HISTORY: usize = 15;

/// Looks a person up for an operator, in the linearizable state. Whom the operator may not help is not told from nobody.
pub(super) async fn look_up(desk: &Desk, name: &LoginName) -> Result<Search, Failure> {
    let ports = &desk.app.ports;
    let state = ports.current().await?;
    let config = state.config().ok_or(Rejection::NoRealm)?;
    // The operator is looked up each time, so that whoever is disabled or leaves a group helps no longer.
    let Some(operator) = sign_in::in_use(ports, config, &desk.staff).await? else {
        return Ok(Search::NotServed);
    };
    let helps_all = sign_in::way_in(&config.helpdesk, &operator).await?.is_some();
    let ways = match people::find(ports, config, name).await? {
        Person::One(ways) => ways,
        // Whoever helps some people only is not told of others.
        Person::Several if helps_all => return Ok(Search::Several),
        Person::Several | Person::Nobody => return Ok(Search::NotServed),
    };
    let Some((policy, way)) = people::serving(config, &ways).await? else {
        return Ok(Search::NotServed);
    };
    if !helps_all && sign_in::way_in(&policy.helpdesk.groups, &operator).await?.is_none() {
        return Ok(Search::NotServed);
    }
    let standing = standing(desk, &state, policy, (way, &ways), helps_all).await?;
    Ok(Search::Served(Box::new(standing)))
}

async fn standing(
    desk: &Desk,
    state: &State,
    policy: &ManagementPolicy,
    (way, ways): (&Way, &Ways),
    helps_all: bool,
) -> Result<Standing, Failure> {
    let (ports, now) = (&desk.app.ports, desk.app.ports.now());
    let config = state.config().ok_or(Rejection::NoRealm)?;
    let Way { record, directory } = way;
    let subject = people::subject(ports, record.user.guid)?;
    let guid = record.user.guid;
    let held = directory.read_profile(&record.user).await?;
    let stored = profile_store::open(ports, guid, &held);
    let mut is_staff = false;
    for site in [Site::Admin, Site::Helpdesk] {
        is_staff = is_staff || sign_in::way_of_role(config, site, ways).await?.is_some();
    }
    let owner = PasswordOwner { account: record.account.clone(), display_name: record.display_name.clone() };
    let target = AttemptTarget::User(subject);
    let locked =
        state.locked_until(target, now).map(|until| (text::in_words(until.since(now)), text::utc(until)));
    let alias = config.connection(record.user.connection).map_or("", |connection| connection.alias.as_str());
    let history = state.audit_of(subject).take(HISTORY).map(|record| {
        (text::utc(record.at), audit_text::actor(&record.actor), audit_text::event(&record.event))
    });
    let asked = |stored: Stored| stored.profile().map(|profile| Asked { subject, guid, profile });
    let mut standing = Standing {
        config: Arc::clone(config),
        policy: policy.clone(),
        subject,
        name: format!("{alias}\\{}", record.account),
        guid: record.user.guid.to_string(),
        profile: profile_words(policy, &stored),
        may_be_outdated: matches!(&stored, Stored::Profile(registered) if !registered.is_outdated()),
        locked,
        failures: state.counter(target).map_or(0, |counter| counter.failures),
        passcode: state.passcode(subject, now).map(|passcode| text::utc(passcode.until)),
        is_staff,
        helps_all,
        caller: caller::caller(desk, policy, subject, is_staff, asked(stored))?,
        level: state.level(),
        rules: Vec::new(),
        owner,
        history: history.collect(),
        record: (**record).clone(),
    };
    if standing.allows(HelpdeskTask::ResetPassword).is_ok() {
        let domain = directory.password_rules(&standing.record.user).await?;
        standing.rules = effective_rules(&policy.password_rules, Some(&domain));
    }
    Ok(standing)
}

impl Standing {
    /// Whether the operator may do this for the person now.
    pub(super) fn may(&self, task: HelpdeskTask) -> Result<(), Failure> {
        self.allows(task)?;
        match self.caller {
            Caller::AsTheOperatorJudges | Caller::Verified(_) => Ok(()),
            Caller::ToVerify(_) | Caller::Shown(_) | Caller::CannotBe => forbidden(Key("verify-first")),
        }
    }

    /// Whether it may be done for this person at all, once the caller is verified.
    fn allows(&self, task: HelpdeskTask) -> Result<(), Failure> {
        if !self.policy.helpdesk.tasks.contains(&task) {
            return forbidden(Key("policy-forbids"));
        }
        if self.is_staff && !(task == HelpdeskTask::UnlockProfile && self.helps_all) {
            return forbidden(Key("staff-not-helped"));
        }
        if self.level < task.needs() {
            return Err(Failure::new(ErrorCode::UpgradeUnfinished));
        }
        Ok(())
    }

    /// Whether the page offers it: it may be done, and there is something to be done.
    pub(super) fn offers(&self, task: HelpdeskTask) -> bool {
        let AccountStatus { locked, disabled, must_change_password, .. } = self.record.status;
        let is_of_use = match task {
            HelpdeskTask::UnlockProfile => self.locked.is_some(),
            HelpdeskTask::AssignPasscode => self.policy.takes_passcodes(),
            HelpdeskTask::EnforceUpdate => self.may_be_outdated,
            HelpdeskTask::ResetPassword => true,
            HelpdeskTask::ForceChange => !must_change_password,
            HelpdeskTask::UnlockAccount => locked,
            HelpdeskTask::EnableAccount => disabled,
        };
        is_of_use && self.may(task).is_ok()
    }

    /// The names that a password must not hold.
    pub(super) fn names(&self) -> Vec<String> {
        self.owner.names().collect()
    }

    /// What stands in the way in the domain.
    pub(super) fn account(&self) -> Vec<Key> {
        let status = self.record.status;
        let words = [
            (status.locked, Key("account-locked")),
            (status.disabled, Key("account-disabled")),
            (status.expired, Key("account-expired")),
            (status.must_change_password, Key("account-must-change")),
        ];
        words.into_iter().filter_map(|(holds, word)| holds.then_some(word)).collect()
    }
}

fn forbidden(why: Key) -> Result<(), Failure> {
    Err(Failure::new(ErrorCode::Forbidden).saying(why))
}

fn profile_words(policy: &ManagementPolicy, stored: &Stored) -> Key {
    match stored {
        Stored::Nothing => Key("not-registered"),
        Stored::Foreign => Key("not-registered-foreign"),
        Stored::Rewritten(_) => Key("not-registered-rewritten"),
        Stored::Profile(registered) if registered.is_outdated() => Key("registered-outdated"),
        Stored::Profile(registered)
            if policy.qa.is_satisfied_by(&registered.profile, registered.made_under) =>
        {
            Key("registered")
        }
        Stored::Profile(_) => Key("registered-not-enough"),
    }
}
