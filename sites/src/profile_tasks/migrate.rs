//! Moves profiles to the present attribute and seals them under the present data key, in the form of the realm's level.
//! Readers find every profile at every moment: they look in both attributes and open what older keys seal.

use super::{Desk, Listener, Outcome, Stopped, UserProblem, about, count, name_of};
use crate::kept_answers;
use crate::page_error::Failure;
use crate::people;
use crate::profile_store::{self, Registered, Stored};
use passquorum_domain::audit::ProfileTask;
use passquorum_domain::config::DomainConnection;
use passquorum_domain::directory::{ListedUser, UserRef};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ports::{Directory, DirectoryReason, HavingProfile, Listing};
use passquorum_domain::profile::RequirementsDigest;
use passquorum_domain::qa::QaProfile;

/// How often a profile is looked at again that somebody else changes meanwhile.
const TRIES: usize = 3;

/// What becomes of profiles that another hand put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rewritten {
    /// They stay as they are, and count as failed.
    Left,
    /// They are taken as they are, which is told person by person in the audit.
    Accepted,
}

impl Rewritten {
    fn task(self) -> ProfileTask {
        match self {
            Self::Left => ProfileTask::Migrate,
            Self::Accepted => ProfileTask::AcceptRewritten,
        }
    }
}

/// Migrates the profiles of one connection.
pub(crate) async fn migrate(
    desk: &Desk,
    connection: &DomainConnection,
    rewritten: Rewritten,
    mut listener: Listener,
) -> Result<(), Stopped> {
    let directory = desk.ports.directories.open(connection.id).await?;
    let directory = directory.as_ref();
    let everyone = Listing { profile: HavingProfile::Anywhere, ..Listing::default() };
    let unmoved = Listing { profile: HavingProfile::InFormerAttribute, ..Listing::default() };
    desk.begin(rewritten.task(), &format!("domain {}", connection.alias)).await?;
    let all =
        count(directory, &unmoved, &mut listener).await? + count(directory, &everyone, &mut listener).await?;
    listener.progress.of = Some(all);
    listener.tell().await?;
    // Whoever is in the former attribute is rewritten in any case, which moves it.
    for (listing, whatever) in [(&unmoved, true), (&everyone, false)] {
        let act = |user| one(desk, connection, directory, user, whatever, rewritten);
        desk.go_over(directory, listing, &mut listener, act).await?;
    }
    desk.finish(rewritten.task(), listener).await
}

async fn one(
    desk: &Desk,
    connection: &DomainConnection,
    directory: &dyn Directory,
    listed: ListedUser,
    whatever: bool,
    rewritten: Rewritten,
) -> Result<Outcome, Stopped> {
    let (user, name) = (&listed.user, name_of(connection, &listed.account));
    let failed = |code, why: &str| Ok(Outcome::Failed(UserProblem::new(&name, code, why)));
    let state = desk.ports.consensus.local();
    let sealing = state.keys().map(|keys| keys.sealing);
    for _ in 0..TRIES {
        let held = match directory.read_profile(user).await {
            Ok(held) => held,
            Err(error) => return about(&name, error),
        };
        let Some(value) = &held.value else { return Ok(Outcome::Unchanged) };
        let is_due = whatever || profile_store::is_older(value, sealing, state.level());
        let (registered, is_accepted) = match profile_store::open(&desk.ports, user.guid, &held) {
            Stored::Rewritten(registered) if rewritten == Rewritten::Accepted => (registered, true),
            Stored::Rewritten(_) => {
                let why = "it is not the profile that was written last: another hand put it there; it was left as it is";
                return failed(ErrorCode::ProfileRewritten, why);
            }
            _ if !is_due => return Ok(Outcome::Unchanged),
            Stored::Profile(registered) => (registered, false),
            Stored::Nothing | Stored::Foreign => {
                let why =
                    "it does not open: it is of another realm or key, or was changed; it was left as it is";
                return failed(ErrorCode::ForeignValue, why);
            }
        };
        if desk.dry_run {
            return Ok(Outcome::Changed);
        }
        let Registered { profile, made_under } = registered;
        let made_under = match made_under {
            Some(digest) => digest,
            None => met(desk, user, &profile).await?,
        };
        let profile =
            kept_answers::sealed_anew(&*desk.ports.vault, user.guid, profile).map_err(Failure::from)?;
        let sealed = desk.seal(user.guid, Registered { profile, made_under: Some(made_under) }, &held)?;
        if is_accepted {
            desk.note(rewritten.task(), &[user.guid]).await?;
        }
        match directory.write_profile(user, &held, Some(&sealed)).await {
            Ok(()) => return Ok(Outcome::Changed),
            Err(error) if error.reason == DirectoryReason::Changed => {}
            Err(error) => return about(&name, error),
        }
    }
    failed(
        ErrorCode::ConditionFailed,
        "it was changed again and again meanwhile; run the migration once more",
    )
}

/// Which requirements a profile that does not say so meets: those of the policy that serves the person, by whichever connection,
/// or none.
async fn met(desk: &Desk, user: &UserRef, profile: &QaProfile) -> Result<RequirementsDigest, Failure> {
    let config = desk.ports.current_config().await?;
    let Some(ways) = people::ways_of(&desk.ports, &config, user).await? else {
        return Ok(RequirementsDigest::NONE);
    };
    let serving = people::serving(&config, &ways).await?;
    let meets = serving.filter(|(policy, _)| policy.qa.is_met_by(profile));
    Ok(meets.map_or(RequirementsDigest::NONE, |(policy, _)| RequirementsDigest::of(&policy.qa)))
}
