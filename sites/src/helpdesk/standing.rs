//! Where a user stands: in the domain, with their security questions, and with the lock.

use crate::admin::audit_text;
use crate::app::App;
use crate::page_error::Failure;
use crate::people::{self, Person, Way};
use crate::profile_store::{self, Registered, Stored};
use crate::sign_in::way_of_role;
use crate::text;
use passquorum_domain::audit::Site;
use passquorum_domain::directory::{AccountStatus, LoginName, UserRecord};
use passquorum_domain::ids::KeyedHash;
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::mail::Notices;
use passquorum_domain::outcome::Rejection;

/// What a search gave.
pub(super) enum Search {
    /// One user whom a policy serves.
    Served(Box<Standing>),
    /// Nobody whom a policy serves.
    NotServed,
    /// More than one user.
    Several,
}

/// Whether a user may be given a passcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passcodes {
    /// By whoever works at the helpdesk.
    Given,
    /// No task of the user's policy takes one.
    NotTaken,
    /// The user may use the Admin or the Helpdesk site: with a passcode one operator could become another.
    NotToStaff,
}

/// A user as the page shows them.
pub(super) struct Standing {
    pub(super) subject: KeyedHash,
    /// `ALIAS\account`: what finds the same user again.
    pub(super) name: String,
    /// The identity that an act is bound to.
    pub(super) guid: String,
    pub(super) display_name: String,
    pub(super) dn: String,
    pub(super) policy: String,
    pub(super) profile: &'static str,
    /// Until when wrong answers keep the user out: in words, and the instant.
    pub(super) locked: Option<(String, String)>,
    /// Wrong or open attempts that count now.
    pub(super) failures: u32,
    /// Until when an assigned passcode is good.
    pub(super) passcode: Option<String>,
    /// Whether one may be assigned.
    pub(super) passcodes: Passcodes,
    pub(super) account: Vec<&'static str>,
    /// The latest audit records about the user: when, who, what.
    pub(super) history: Vec<(String, String, String)>,
    /// Who is told what is done for the user.
    pub(super) notices: Notices,
    /// As the directory has it.
    pub(super) record: UserRecord,
}

const HISTORY: usize = 15;

/// Looks a user up, in the linearizable state.
pub(super) async fn look_up(app: &App, name: &LoginName) -> Result<Search, Failure> {
    let ports = &app.ports;
    let state = ports.current().await?;
    let config = state.config().ok_or(Rejection::NoRealm)?;
    let ways = match people::find(ports, config, name).await? {
        Person::One(ways) => ways,
        Person::Nobody => return Ok(Search::NotServed),
        Person::Several => return Ok(Search::Several),
    };
    let Some((policy, way)) = people::serving(config, &ways).await? else {
        return Ok(Search::NotServed);
    };
    let Way { record, directory } = way;
    let subject = people::subject(ports, record.user.guid)?;
    let held = directory.read_profile(&record.user).await?;
    let profile = match profile_store::open(ports, record.user.guid, &held) {
        Stored::Nothing => "Not registered",
        Stored::Foreign => "Not registered: the attribute holds something else",
        Stored::Rewritten(_) => {
            "Not registered: the profile there is not the one written last, another hand put it there"
        }
        Stored::Profile(Registered { profile, made_under }) => {
            if policy.qa.is_satisfied_by(&profile, made_under) {
                "Registered"
            } else {
                "Registered, but no longer meets the policy"
            }
        }
    };
    let mut passcodes = if policy.takes_passcodes() { Passcodes::Given } else { Passcodes::NotTaken };
    for site in [Site::Admin, Site::Helpdesk] {
        if passcodes == Passcodes::Given && way_of_role(config, site, &ways).await?.is_some() {
            passcodes = Passcodes::NotToStaff;
        }
    }
    let now = ports.now();
    let target = AttemptTarget::User(subject);
    let locked =
        state.locked_until(target, now).map(|until| (text::in_words(until.since(now)), text::utc(until)));
    let alias = config.connection(record.user.connection).map_or("", |connection| connection.alias.as_str());
    let history = state.audit_of(subject).take(HISTORY).map(|record| {
        (text::utc(record.at), audit_text::actor(&record.actor), audit_text::event(&record.event))
    });
    let UserRecord { user, dn, account, display_name, status, .. } = (**record).clone();
    Ok(Search::Served(Box::new(Standing {
        subject,
        name: format!("{alias}\\{account}"),
        guid: user.guid.to_string(),
        display_name,
        dn: dn.to_string(),
        policy: policy.name.clone(),
        profile,
        locked,
        failures: state.counter(target).map_or(0, |counter| counter.failures),
        passcode: state.passcode(subject, now).map(|passcode| text::utc(passcode.until)),
        passcodes,
        account: account_words(status),
        history: history.collect(),
        notices: policy.notices,
        record: (**record).clone(),
    })))
}

fn account_words(status: AccountStatus) -> Vec<&'static str> {
    let words = [
        (status.locked, "Locked by the domain"),
        (status.disabled, "Disabled"),
        (status.expired, "Expired"),
        (status.must_change_password, "Password must be changed"),
    ];
    words.into_iter().filter_map(|(holds, word)| holds.then_some(word)).collect()
}
