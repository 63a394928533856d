//! How many users each policy serves, and how many of them have registered: every user of every connection that a policy
//! names, against the scopes, in one pass over lists. What is held meanwhile is the identities of the scopes' group members
//! and of those who have a profile; nothing is kept afterwards.

use crate::ports::Ports;
use crate::profile_tasks::Stopped;
use passquorum_domain::config::{ManagementPolicy, RealmConfig};
use passquorum_domain::directory::{DistinguishedName, ObjectGuid};
use passquorum_domain::ids::{ConnectionId, PolicyId};
use passquorum_domain::ports::{Directory, HavingProfile, Listing};
use passquorum_domain::scope::UserScope;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use tokio::sync::mpsc;

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct UserCount {
    /// Users that were looked at.
    pub(crate) users: u64,
    /// Those whom no policy serves.
    pub(crate) unserved: u64,
    /// The policies, in their order.
    pub(crate) policies: Vec<PolicyCount>,
    /// Whether everybody was looked at.
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

/// Counts, and tells how it stands after each page of a list.
pub(crate) async fn count(
    ports: &Ports,
    config: &RealmConfig,
    line: &mpsc::Sender<UserCount>,
) -> Result<(), Stopped> {
    let blank = |policy: &ManagementPolicy| PolicyCount {
        id: policy.id,
        name: policy.name.clone(),
        users: 0,
        registered: 0,
    };
    let policies = config.policies.iter().map(blank).collect();
    let mut counted = UserCount { users: 0, unserved: 0, policies, done: false };
    let scopes = config.policies.iter().flat_map(|policy| &policy.scope);
    for connection in scopes.map(|scope| scope.connection).collect::<BTreeSet<_>>() {
        let directory = ports.directories.open(connection).await?;
        count_in(&mut counted, config, connection, directory.as_ref(), line).await?;
    }
    counted.done = true;
    tell(line, &counted).await
}

async fn tell(line: &mpsc::Sender<UserCount>, counted: &UserCount) -> Result<(), Stopped> {
    line.send(counted.clone()).await.map_err(|_| Stopped::Deserted)
}

async fn count_in(
    counted: &mut UserCount,
    config: &RealmConfig,
    connection: ConnectionId,
    directory: &dyn Directory,
    line: &mpsc::Sender<UserCount>,
) -> Result<(), Stopped> {
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
            counted.users += 1;
            match config.policies.iter().position(|policy| policy.scope.iter().any(serves)) {
                Some(place) => {
                    if let Some(policy) = counted.policies.get_mut(place) {
                        policy.users += 1;
                        policy.registered += u64::from(registered.contains(&guid));
                    }
                }
                None => counted.unserved += 1,
            }
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
