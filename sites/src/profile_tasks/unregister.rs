//! Takes people's profiles away: named people, the members of a group, or everyone below an object.

use super::{Desk, Listener, Outcome, Stopped, UserProblem, about, count, name_of};
use passquorum_domain::audit::ProfileTask;
use passquorum_domain::config::DomainConnection;
use passquorum_domain::directory::{DistinguishedName, ListedUser, LoginName};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ports::{Directory, Found, HavingProfile, Listing};
use serde::Deserialize;

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
            Self::Users(users) => format!("users {}", users.join(", ")),
            Self::Group(group) => format!("members of {group}"),
            Self::Below(below) => format!("below {below}"),
        }
    }
}

/// Takes the profiles away.
pub(crate) async fn unregister(
    desk: &Desk,
    connection: &DomainConnection,
    selection: &Selection,
    mut listener: Listener,
) -> Result<(), Stopped> {
    let directory = desk.ports.directories.open(connection.id).await?;
    let directory = directory.as_ref();
    let note = format!("domain {}: {}", connection.alias, selection.described());
    desk.begin(ProfileTask::Unregister, &note).await?;
    let having = Listing { profile: HavingProfile::Anywhere, ..Listing::default() };
    let listing = match selection {
        Selection::Users(users) => {
            listener.progress.of = Some(users.len() as u64);
            for user in users {
                let outcome = named(desk, connection, directory, user).await?;
                listener.count(outcome);
            }
            listener.tell().await?;
            return desk.finish(ProfileTask::Unregister, listener).await;
        }
        Selection::Group(group) => Listing { member_of: Some(group.clone()), ..having },
        Selection::Below(below) => Listing { below: Some(below.clone()), ..having },
    };
    listener.progress.of = Some(count(directory, &listing).await?);
    listener.tell().await?;
    let act = |user| one(desk, connection, directory, user);
    desk.go_over(directory, &listing, &mut listener, act).await?;
    desk.finish(ProfileTask::Unregister, listener).await
}

async fn named(
    desk: &Desk,
    connection: &DomainConnection,
    directory: &dyn Directory,
    typed: &str,
) -> Result<Outcome, Stopped> {
    let failed = |code, why: &str| Ok(Outcome::Failed(UserProblem::new(typed, code, why)));
    let Ok(name) = LoginName::parse(typed) else {
        return failed(ErrorCode::BadInput, "this is no logon name, UPN or mail address");
    };
    match directory.find(&name).await? {
        Found::Nobody => failed(ErrorCode::NotFound, "nobody has this name"),
        Found::Several => failed(ErrorCode::NotFound, "several people have this name"),
        Found::One(record) => {
            let record = *record;
            let listed = ListedUser { user: record.user, dn: record.dn, account: record.account };
            one(desk, connection, directory, listed).await
        }
    }
}

async fn one(
    desk: &Desk,
    connection: &DomainConnection,
    directory: &dyn Directory,
    listed: ListedUser,
) -> Result<Outcome, Stopped> {
    let (user, name) = (&listed.user, name_of(connection, &listed.account));
    let stored = match directory.read_profile(user).await {
        Ok(Some(stored)) => stored,
        Ok(None) => return Ok(Outcome::Unchanged),
        Err(error) => return about(&name, error),
    };
    if desk.dry_run {
        return Ok(Outcome::Changed);
    }
    desk.note(ProfileTask::Unregister, user.guid).await?;
    match directory.write_profile(user, Some(&stored), None).await {
        Ok(()) => Ok(Outcome::Changed),
        Err(error) => about(&name, error),
    }
}
