//! Takes people's profiles away: named people, the members of a group, or everyone below an object.

use super::{Desk, Listener, Outcome, Plan, Stopped, UserProblem, Write, about, count, name_of, steps};
use crate::profile_store::{self, Stored};
use passquorum_domain::audit::ProfileTask;
use passquorum_domain::config::DomainConnection;
use passquorum_domain::directory::{DistinguishedName, ListedUser, LoginName};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ports::{Directory, Found, HavingProfile, Listing};
use serde::Deserialize;
use std::sync::Arc;

/// Whose profiles.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Selection {
    /// These people.
    Users(Vec<String>),
    /// The members of a group: direct, nested and primary.
    Group(DistinguishedName),
    /// Everyone below an object.
    Below(DistinguishedName),
}

impl Selection {
    fn described(&self) -> String {
        match self {
            // A record is kept for long, and a list may be long.
            Self::Users(users) if users.len() > NAMED => {
                format!(
                    "{} users, the first of them {}",
                    users.len(),
                    users.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ")
                )
            }
            Self::Users(users) => format!("users {}", users.join(", ")),
            Self::Group(group) => format!("members of {group}"),
            Self::Below(below) => format!("below {below}"),
        }
    }
}

/// Users whom the audit names one by one.
const NAMED: usize = 20;

/// Takes the profiles away. One that does not open here may be another realm's: it stays, unless `unreadable` ones go too.
pub(crate) async fn unregister(
    desk: &Desk,
    connection: &DomainConnection,
    selection: &Selection,
    unreadable: bool,
    mut listener: Listener,
) -> Result<(), Stopped> {
    let directory = desk.ports.directories.open(connection.id).await?;
    let note = format!("domain {}: {}", connection.alias, selection.described());
    desk.begin(ProfileTask::Unregister, &note).await?;
    let having = Listing { profile: HavingProfile::Anywhere, ..Listing::default() };
    let listing = match selection {
        Selection::Users(users) => {
            listener.progress.of = Some(users.len() as u64);
            for users in steps(users.clone()) {
                let plan = |user| named(desk, connection, &directory, user, unreadable);
                desk.step(ProfileTask::Unregister, users, &mut listener, plan).await?;
            }
            listener.tell().await?;
            return desk.finish(ProfileTask::Unregister, listener).await;
        }
        Selection::Group(group) => Listing { member_of: Some(group.clone()), ..having },
        Selection::Below(below) => Listing { below: Some(below.clone()), ..having },
    };
    listener.progress.of = Some(count(directory.as_ref(), &listing, &mut listener).await?);
    let mut pages = directory.list(&listing).await?;
    while let Some(page) = pages.next().await? {
        for people in steps(page) {
            let plan = |user| one(desk, connection, &directory, user, unreadable);
            desk.step(ProfileTask::Unregister, people, &mut listener, plan).await?;
        }
    }
    listener.tell().await?;
    desk.finish(ProfileTask::Unregister, listener).await
}

async fn named(
    desk: &Desk,
    connection: &DomainConnection,
    directory: &Arc<dyn Directory>,
    typed: String,
    unreadable: bool,
) -> Result<Plan, Stopped> {
    let failed = |code, why: &str| Ok(Plan::Settled(Outcome::Failed(UserProblem::new(&typed, code, why))));
    let Ok(name) = LoginName::parse(&typed) else {
        return failed(ErrorCode::BadInput, "this is no logon name, UPN or mail address");
    };
    if let LoginName::Account { domain: Some(domain), .. } = &name
        && domain.to_lowercase() != connection.alias.to_lowercase()
    {
        return failed(ErrorCode::NotFound, "this name is of another domain");
    }
    match directory.find(&name).await? {
        Found::Nobody => failed(ErrorCode::NotFound, "nobody has this name"),
        Found::Several => failed(ErrorCode::NotFound, "several people have this name"),
        Found::One(record) => {
            let record = *record;
            let listed = ListedUser { user: record.user, dn: record.dn, account: record.account };
            one(desk, connection, directory, listed, unreadable).await
        }
    }
}

async fn one(
    desk: &Desk,
    connection: &DomainConnection,
    directory: &Arc<dyn Directory>,
    listed: ListedUser,
    unreadable: bool,
) -> Result<Plan, Stopped> {
    let (user, name) = (&listed.user, name_of(connection, &listed.account));
    let held = match directory.read_profile(user).await {
        Ok(held) if held.value.is_none() => return Ok(Plan::Settled(Outcome::Unchanged)),
        Ok(held) => held,
        Err(error) => return about(&name, error).map(Plan::Settled),
    };
    if !unreadable && matches!(profile_store::open(&desk.ports, user.guid, &held), Stored::Foreign) {
        let why = "it does not open: it may be another realm's; it was left as it is";
        let problem = UserProblem::new(&name, ErrorCode::ForeignValue, why);
        return Ok(Plan::Settled(Outcome::Failed(problem)));
    }
    let directory = Arc::clone(directory);
    Ok(Plan::Write(Write { directory, user: listed.user, name, held, next: None }))
}
