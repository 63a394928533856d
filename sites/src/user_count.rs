//! How many users each policy serves, and how many of them have registered: every user of every connection that a policy
//! names, against the scopes, in one pass over lists. What is held meanwhile is the identities of the scopes' group members
//! and of those who have a profile; nothing is kept afterwards. A domain that cannot be asked is left out and named, so that it
//! does not keep the others' numbers back.

use crate::page_error::Failure;
use crate::ports::Ports;
use crate::profile_tasks::Stopped;
use futures::future::join;
use passquorum_domain::config::{DomainConnection, ManagementPolicy, RealmConfig};
use passquorum_domain::directory::{DistinguishedName, ObjectGuid};
use passquorum_domain::ids::{ConnectionId, PolicyId};
use passquorum_domain::ports::{Directory, HavingProfile, Listing};
use passquorum_domain::scope::UserScope;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct UserCount {
    /// Users that were looked at.
    pub(crate) users: u64,
    /// Those whom no policy serves.
    pub(crate) unserved: u64,
    /// The policies, in their order.
    pub(crate) policies: Vec<PolicyCount>,
    /// The domains whose users are not counted, or not all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) left_out: Vec<LeftOut>,
    /// Whether everybody was looked at, but for who is left out.
    pub(crate) done: bool,
}

/// The users of one policy. Who is in the scope of several counts for the first, which serves them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PolicyCount {
    pub(crate) id: PolicyId,
    pub(crate) name: String,
    /// Whom it serves.
    pub(crate) users: u64,
    /// Of these, who has a profile.
    pub(crate) registered: u64,
}

/// A domain that could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LeftOut {
    /// Its alias.
    pub(crate) domain: String,
    pub(crate) code: &'static str,
    pub(crate) why: String,
}

/// Counts whom one policy serves, for no longer than a limit. What was counted by then is given, if anything was.
pub(crate) async fn within(
    limit: Duration,
    ports: &Ports,
    config: &RealmConfig,
    only: PolicyId,
) -> Result<Option<UserCount>, Failure> {
    let (line, mut told) = mpsc::channel(1);
    let mut last = None;
    let work = async move { count(ports, config, Some(only), &line).await };
    let listen = async {
        while let Some(counted) = told.recv().await {
            last = Some(counted);
        }
    };
    match timeout(limit, join(work, listen)).await {
        Ok((Err(Stopped::Failed(why)), ())) => Err(why),
        Ok(_) | Err(_) => Ok(last),
    }
}

/// Counts, for all policies or for one where its people may be found, and tells how it stands after each page of a list.
pub(crate) async fn count(
    ports: &Ports,
    config: &RealmConfig,
    only: Option<PolicyId>,
    line: &mpsc::Sender<UserCount>,
) -> Result<(), Stopped> {
    let blank = |policy: &ManagementPolicy| PolicyCount {
        id: policy.id,
        name: policy.name.clone(),
        users: 0,
        registered: 0,
    };
    let policies = config.policies.iter().map(blank).collect();
    let mut counted = UserCount { users: 0, unserved: 0, policies, left_out: Vec::new(), done: false };
    let is_meant = |policy: &&ManagementPolicy| only.is_none_or(|only| policy.id == only);
    let named = connections_of(config.policies.iter());
    let meant = connections_of(config.policies.iter().filter(is_meant));
    // An earlier policy may serve the same people by another connection, for which they count then.
    let may_show_them = |connection: &DomainConnection| {
        let mut meant = config.connections.iter().filter(|one| meant.contains(&one.id));
        meant.any(|one| one.id == connection.id || one.may_share_users(connection))
    };
    let is_wanted =
        |connection: &&DomainConnection| named.contains(&connection.id) && may_show_them(connection);
    let connections: Vec<_> = config.connections.iter().filter(is_wanted).collect();
    let (mut is_any_counted, mut failure) = (connections.is_empty(), None);
    let mut tally = Tally::over(&connections);
    for connection in connections {
        match count_in(&mut counted, &mut tally, ports, config, connection.id, line).await {
            Ok(()) => is_any_counted = true,
            Err(Stopped::Deserted) => return Err(Stopped::Deserted),
            Err(Stopped::Failed(why)) => {
                let (domain, code) = (connection.alias.clone(), why.code.as_str());
                counted.left_out.push(LeftOut { domain, code, why: said(&why) });
                failure = failure.or(Some(why));
            }
        }
    }
    match failure {
        Some(why) if !is_any_counted => Err(Stopped::Failed(why)),
        _ => {
            counted.done = true;
            tell(line, &counted).await
        }
    }
}

/// The connections that policies name.
fn connections_of<'c>(policies: impl Iterator<Item = &'c ManagementPolicy>) -> BTreeSet<ConnectionId> {
    policies.flat_map(|policy| &policy.scope).map(|scope| scope.connection).collect()
}

/// What a failure says to an administrator.
fn said(failure: &Failure) -> String {
    failure.cause.clone().unwrap_or_else(|| failure.what().to_string())
}

async fn tell(line: &mpsc::Sender<UserCount>, counted: &UserCount) -> Result<(), Stopped> {
    line.send(counted.clone()).await.map_err(|_| Stopped::Deserted)
}

/// For which policy each person was counted, with a profile or without: where several connections show the same people.
struct Tally(Option<HashMap<ObjectGuid, (Option<usize>, bool)>>);

impl Tally {
    fn over(connections: &[&DomainConnection]) -> Self {
        let mut pairs = connections
            .iter()
            .enumerate()
            .flat_map(|(place, one)| connections.iter().skip(place + 1).map(move |other| (one, other)));
        Self(pairs.any(|(one, other)| one.may_share_users(other)).then(HashMap::new))
    }

    /// Counts a person for the policy in this place, once: of several connections for the first policy of all.
    fn count(&mut self, counted: &mut UserCount, guid: ObjectGuid, place: Option<usize>, registered: bool) {
        if let Some(seen) = &mut self.0 {
            let before = seen.get(&guid).copied();
            let is_earlier = |(before, _): (Option<usize>, bool)| match (place, before) {
                (Some(place), Some(before)) => place < before,
                (place, before) => place.is_some() && before.is_none(),
            };
            match before {
                Some(before) if !is_earlier(before) => return,
                Some((place, registered)) => counted.add(place, registered, |number, by| *number -= by),
                None => {}
            }
            seen.insert(guid, (place, registered));
        }
        counted.add(place, registered, |number, by| *number += by);
    }
}

impl UserCount {
    fn add(&mut self, place: Option<usize>, registered: bool, add: impl Fn(&mut u64, u64)) {
        add(&mut self.users, 1);
        match place {
            Some(place) => {
                if let Some(policy) = self.policies.get_mut(place) {
                    add(&mut policy.users, 1);
                    add(&mut policy.registered, u64::from(registered));
                }
            }
            None => add(&mut self.unserved, 1),
        }
    }
}

async fn count_in(
    counted: &mut UserCount,
    tally: &mut Tally,
    ports: &Ports,
    config: &RealmConfig,
    connection: ConnectionId,
    line: &mpsc::Sender<UserCount>,
) -> Result<(), Stopped> {
    let directory = ports.directories.open(connection).await?;
    let directory = directory.as_ref();
    let scopes = config.policies.iter().flat_map(|policy| &policy.scope);
    let groups = scopes.filter(|scope| scope.connection == connection).flat_map(|scope| scope.groups());
    let mut members: BTreeMap<&DistinguishedName, HashSet<ObjectGuid>> = BTreeMap::new();
    for group in groups {
        if !members.contains_key(group) {
            let listing = Listing { member_of: Some(group.clone()), ..Listing::default() };
            members.insert(group, identities(directory, &listing, line, counted).await?);
        }
    }
    let having = Listing { profile: HavingProfile::Anywhere, ..Listing::default() };
    let registered = identities(directory, &having, line, counted).await?;

    let mut pages = directory.list(&Listing::default()).await?;
    while let Some(page) = pages.next().await? {
        for listed in page {
            let guid = listed.user.guid;
            let holding = members.iter().filter(|(_, members)| members.contains(&guid));
            let member_of: Vec<DistinguishedName> = holding.map(|(group, _)| (*group).clone()).collect();
            let serves =
                |scope: &UserScope| scope.connection == connection && scope.includes(&listed.dn, &member_of);
            let place = config.policies.iter().position(|policy| policy.scope.iter().any(serves));
            tally.count(counted, guid, place, registered.contains(&guid));
        }
        tell(line, counted).await?;
    }
    Ok(())
}

async fn identities(
    directory: &dyn Directory,
    listing: &Listing,
    line: &mpsc::Sender<UserCount>,
    counted: &UserCount,
) -> Result<HashSet<ObjectGuid>, Stopped> {
    let mut pages = directory.list(listing).await?;
    let mut found = HashSet::new();
    while let Some(page) = pages.next().await? {
        found.extend(page.into_iter().map(|listed| listed.user.guid));
        tell(line, counted).await?;
    }
    Ok(found)
}
