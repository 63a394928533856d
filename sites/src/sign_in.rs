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
use passquorum_domain::directory::{DistinguishedName, LoginName, UserRecord};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::PolicyId;
use passquorum_domain::ports::{Directory, DirectoryError, DirectoryReason, PasswordCheck};
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
        let subject = people::nobody(ports, name)?;
        let counted = attempt::count(ports, subject, first_policy(&config), &note).await?;
        counted.decide(ports, false).await?;
        return refuse(ports, site, name, source, Refusal::NoSuchUser).await;
    };
    let subject = people::subject(ports, ways.guid())?;
    let policy = people::serving(&config, &ways).await?.map(|(policy, _)| policy);
    let with_role = way_of_role(&config, site, &ways).await?;
    let Way { record, directory } = with_role.unwrap_or(&ways.first);
    let counted =
        attempt::count(ports, subject, policy.map(|policy| policy.id).or(first_policy(&config)), &note)
            .await?;
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
    for way in ways.iter() {
        if is_in(scopes, &way.record, &*way.directory).await? {
            return Ok(Some(way));
        }
    }
    let of_policies = config.policies.iter().flat_map(|policy| &policy.helpdesk.groups);
    let of_policies = of_policies.filter(|_| site == Site::Helpdesk);
    let of_policies: BTreeMap<_, _> =
        of_policies.map(|scope| ((scope.connection, &scope.group), scope)).collect();
    for way in ways.iter() {
        for scope in of_policies.values() {
            match is_in([*scope], &way.record, &*way.directory).await {
                Ok(true) => return Ok(Some(way)),
                Ok(false) => {}
                // Nobody helps by a group that is gone, and nobody else is to wait for it.
                Err(error) if error.reason == DirectoryReason::NotFound => {
                    tracing::warn!(group = %scope.group, "a policy's helpdesk group is not there");
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(None)
}

/// Whether somebody is in one of these groups.
pub(crate) async fn is_in<'s>(
    scopes: impl IntoIterator<Item = &'s RoleScope>,
    record: &UserRecord,
    directory: &dyn Directory,
) -> Result<bool, DirectoryError> {
    let groups: Vec<DistinguishedName> = scopes
        .into_iter()
        .filter(|scope| scope.connection == record.user.connection)
        .map(|scope| scope.group.clone())
        .collect();
    Ok(!groups.is_empty() && !directory.member_of(record, &groups).await?.is_empty())
}
