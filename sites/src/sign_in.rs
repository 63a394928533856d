//! Signing in to the Admin and Helpdesk sites with a directory account that is in one of the role's groups.
//!
//! A wrong password, an unknown name and a missing role are answered alike; the audit tells them apart.

use crate::attempt;
use crate::limits::{self, Origin};
use crate::page_error::Failure;
use crate::people::{self, Person, Way, Ways};
use crate::ports::Ports;
use crate::session::Staff;
use passquorum_domain::audit::{Actor, AuditEvent, Site};
use passquorum_domain::config::RealmConfig;
use passquorum_domain::directory::{LoginName, UserRecord};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::{KeyedHash, PolicyId};
use passquorum_domain::ports::{DirectoryError, DirectoryReason, PasswordCheck, Purpose, VaultError};
use passquorum_domain::scope::RoleScope;
use passquorum_domain::secret::Password;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Checks name, password and role. The attempt is committed as counted before the password is tried. Fails with
/// [`ErrorCode::WrongCredentials`], [`ErrorCode::Locked`] or [`ErrorCode::TooManyRequests`] (with the time in
/// [`Failure::until`]), or what keeps the check from being made.
pub async fn sign_in(
    ports: &Ports,
    site: Site,
    name: &LoginName,
    password: &Password,
    source: IpAddr,
) -> Result<Staff, Failure> {
    limits::count_source(ports, Origin::from(source)).await?;
    let config = ports.current_config().await?;
    let note = format!("{name} from {source}");
    let person = people::find(ports, &config, name).await?;
    let Person::One(ways) = person else {
        let counter = counter(ports, people::nobody(ports, &config, name)?)?;
        let counted = attempt::count(ports, counter, first_policy(&config), &note).await?;
        counted.decide(ports, false).await?;
        return refuse(ports, site, name, source, Refusal::NoSuchUser).await;
    };
    let subject = people::subject(ports, ways.guid())?;
    let policy = people::serving(&config, &ways).await?.map(|(policy, _)| policy);
    let with_role = way_of_role(&config, site, &ways).await?;
    let Way { record, directory } = with_role.unwrap_or(&ways.first);
    let policy = policy.map(|policy| policy.id).or(first_policy(&config));
    let counted = attempt::count(ports, counter(ports, subject)?, policy, &note).await?;
    let right = directory.check_password(record, password).await? == PasswordCheck::Right;
    let role = with_role.is_some();
    // A right password of somebody without the role stays counted: else this form would be an oracle for passwords.
    counted.decide(ports, right && role).await?;
    match (right, role) {
        (true, true) => {
            ports.record(Actor::User(subject), AuditEvent::SignedIn(site), Some(subject), &note).await?;
            let UserRecord { user, display_name, .. } = (**record).clone();
            Ok(Staff { site, user, subject, display_name })
        }
        (false, _) => refuse(ports, site, name, source, Refusal::WrongPassword).await,
        (true, false) => refuse(ports, site, name, source, Refusal::NoRole).await,
    }
}

#[derive(Debug)]
enum Refusal {
    NoSuchUser,
    WrongPassword,
    NoRole,
}

async fn refuse(
    ports: &Ports,
    site: Site,
    name: &LoginName,
    source: IpAddr,
    why: Refusal,
) -> Result<Staff, Failure> {
    let note = format!("{name} from {source}: {why:?}");
    ports.record(Actor::Anonymous, AuditEvent::SignInRefused(site), None, &note).await?;
    Err(Failure::new(ErrorCode::WrongCredentials))
}

/// What wrong passwords of a person at these two sites are counted under: not what wrong answers on Self-Service are, with which
/// any stranger could keep staff out. Only its time lifts the lock, since the helpdesk's own sign-in is what is locked.
fn counter(ports: &Ports, subject: KeyedHash) -> Result<KeyedHash, VaultError> {
    let data = [b"passquorum staff sign-in: ".as_slice(), &subject.0].concat();
    ports.vault.keyed_hash(Purpose::Subject, &data)
}

fn first_policy(config: &RealmConfig) -> Option<PolicyId> {
    config.policies.first().map(|policy| policy.id)
}

/// The way by which a person may use a site, if there is one: the Helpdesk site is for whoever helps the people of any policy.
pub(crate) async fn way_of_role<'w>(
    config: &RealmConfig,
    site: Site,
    ways: &'w Ways,
) -> Result<Option<&'w Way>, DirectoryError> {
    let scopes: &[RoleScope] = match site {
        Site::Admin => &config.administrators,
        Site::Helpdesk => &config.helpdesk,
        Site::SelfService => &[],
    };
    let of_policies = config.policies.iter().flat_map(|policy| &policy.helpdesk.groups);
    let scopes = scopes.iter().chain(of_policies.filter(|_| site == Site::Helpdesk));
    let scopes: BTreeMap<_, _> = scopes.map(|scope| ((scope.connection, &scope.group), scope)).collect();
    for scope in scopes.values() {
        match way_in(std::slice::from_ref(*scope), ways).await {
            Ok(None) => {}
            Ok(way) => return Ok(way),
            // Nobody has a role by a group that is gone, and nobody else is to wait for it.
            Err(error) if error.reason == DirectoryReason::NotFound => {
                tracing::warn!(group = %scope.group, ?site, "the group of a role is not there");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The way by which somebody is in one of these groups.
pub(crate) async fn way_in<'w>(
    scopes: &[RoleScope],
    ways: &'w Ways,
) -> Result<Option<&'w Way>, DirectoryError> {
    for way in ways.iter() {
        let own = |scope: &&RoleScope| scope.connection == way.record.user.connection;
        let groups: Vec<_> = scopes.iter().filter(own).map(|scope| scope.group.clone()).collect();
        if !groups.is_empty() && !way.directory.member_of(&way.record, &groups).await?.is_empty() {
            return Ok(Some(way));
        }
    }
    Ok(None)
}

/// The ways to somebody who is signed in, while their account is there and in use.
pub(crate) async fn in_use(
    ports: &Ports,
    config: &RealmConfig,
    staff: &Staff,
) -> Result<Option<Ways>, DirectoryError> {
    let ways = people::ways_of(ports, config, &staff.user).await?;
    let is_out = |way: &Way| way.record.status.disabled || way.record.status.expired;
    Ok(ways.filter(|ways| !ways.iter().any(is_out)))
}

/// Whether somebody who signed in on a site may still use it. Where the directory cannot be asked they may, until the
/// session ends: an outage of the domain is when administrators are needed, and a changed access account or authority is one
/// that they alone can mend. A domain that answers, and does not say that they have the role, lets nobody go on.
pub(crate) async fn holds(ports: &Ports, staff: &Staff) -> Result<bool, Failure> {
    let config = ports.current_config().await?;
    let asked = async {
        let ways = in_use(ports, &config, staff).await?;
        match &ways {
            Some(ways) => Ok(way_of_role(&config, staff.site, ways).await?.is_some()),
            None => Ok(false),
        }
    };
    match asked.await {
        Ok(holds) => Ok(holds),
        Err(DirectoryError { reason, .. }) => {
            let holds = cannot_be_asked(reason);
            tracing::warn!(%reason, holds, site = ?staff.site, "the role of who is signed in could not be looked at");
            Ok(holds)
        }
    }
}

fn cannot_be_asked(reason: DirectoryReason) -> bool {
    use DirectoryReason as Reason;
    match reason {
        Reason::Unreachable | Reason::UntrustedCertificate | Reason::BindRefused | Reason::NoAnswer => true,
        Reason::AccessDenied
        | Reason::PasswordPolicy
        | Reason::WrongPassword
        | Reason::AccountLocked
        | Reason::AccountDisabled
        | Reason::AccountExpired
        | Reason::NotFound
        | Reason::Ambiguous
        | Reason::Changed
        | Reason::ForeignValue
        | Reason::TooLarge
        | Reason::Refused => false,
    }
}
