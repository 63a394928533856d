//! Moves profiles to the present attribute and seals them under the present data key. Readers find every profile at every
//! moment: they look in both attributes and open what older keys seal.

use super::{Desk, Listener, Outcome, Stopped, UserProblem, about, count, name_of};
use crate::profile_store;
use passquorum_domain::audit::ProfileTask;
use passquorum_domain::config::DomainConnection;
use passquorum_domain::directory::ListedUser;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ports::{Directory, DirectoryReason, HavingProfile, Listing};

/// How often a profile is looked at again that somebody else changes meanwhile.
const TRIES: usize = 3;

/// Migrates the profiles of one connection.
pub(crate) async fn migrate(
    desk: &Desk,
    connection: &DomainConnection,
    mut listener: Listener,
) -> Result<(), Stopped> {
    let directory = desk.ports.directories.open(connection.id).await?;
    let directory = directory.as_ref();
    let everyone = Listing { profile: HavingProfile::Anywhere, ..Listing::default() };
    let unmoved = Listing { profile: HavingProfile::InFormerAttribute, ..Listing::default() };
    desk.begin(ProfileTask::Migrate, &format!("domain {}", connection.alias)).await?;
    let all =
        count(directory, &unmoved, &mut listener).await? + count(directory, &everyone, &mut listener).await?;
    listener.progress.of = Some(all);
    listener.tell().await?;
    // Whoever is in the former attribute is rewritten in any case, which moves it.
    for (listing, whatever) in [(&unmoved, true), (&everyone, false)] {
        let act = |user| one(desk, connection, directory, user, whatever);
        desk.go_over(directory, listing, &mut listener, act).await?;
    }
    desk.finish(ProfileTask::Migrate, listener).await
}

async fn one(
    desk: &Desk,
    connection: &DomainConnection,
    directory: &dyn Directory,
    listed: ListedUser,
    whatever: bool,
) -> Result<Outcome, Stopped> {
    let (user, name) = (&listed.user, name_of(connection, &listed.account));
    let sealing = desk.ports.consensus.local().keys().map(|keys| keys.sealing);
    for _ in 0..TRIES {
        let stored = match directory.read_profile(user).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return Ok(Outcome::Unchanged),
            Err(error) => return about(&name, error),
        };
        let is_older = profile_store::generation(&stored) != sealing;
        if !whatever && !is_older {
            return Ok(Outcome::Unchanged);
        }
        let Some(profile) = profile_store::open(&desk.ports, user.guid, &stored) else {
            let why = "it does not open: it is of another realm or key, or was changed; it was left as it is";
            return Ok(Outcome::Failed(UserProblem::new(&name, ErrorCode::ForeignValue, why)));
        };
        let sealed = if is_older {
            profile_store::seal(&*desk.ports.vault, user.guid, &profile)?
        } else {
            stored.clone()
        };
        if desk.dry_run {
            return Ok(Outcome::Changed);
        }
        match directory.write_profile(user, Some(&stored), Some(&sealed)).await {
            Ok(()) => return Ok(Outcome::Changed),
            Err(error) if error.reason == DirectoryReason::Changed => {}
            Err(error) => return about(&name, error),
        }
    }
    let why = "it was changed again and again meanwhile; run the migration once more";
    Ok(Outcome::Failed(UserProblem::new(&name, ErrorCode::ConditionFailed, why)))
}
