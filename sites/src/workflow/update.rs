//! Whose security questions have to be chosen anew, or need not be.
//!
//! People whom the helpdesk has choose theirs anew do so when they reset a password that they forgot, as soon as they have
//! proved who they are. In no other task: what is proved there need not be enough for a new password, and so not for new
//! questions, with which one can have it.

use super::Context;
use crate::profile_store::{self, Registered, Stored};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::workflow::{Activity, EditProfile};

/// Whether it is due now. It is not once something was done, since the steps before the present one must stay as they were.
/// Who is not known, and whoever's profile cannot be read, is not asked: what comes next will tell.
pub(super) async fn is_due(context: &Context<'_>) -> bool {
    let proves = context.stage.present(context.progress).is_some_and(Activity::authenticates);
    let acted = context.stage.has_acted(context.progress);
    let first = context.stage.activities().iter().find(|activity| activity.acts());
    let resets = matches!(first, Some(Activity::ResetPassword(_)));
    if !proves || acted || !resets || context.app.ports.consensus.local().level() < FeatureLevel::THIRD {
        return false;
    }
    registered(context).await.is_some_and(|registered| registered.is_outdated())
}

/// Whether the person has a profile that satisfies the policy as it is. Where that cannot be told the answer is no, so that
/// the step itself tells why.
pub(super) async fn satisfies(context: &Context<'_>) -> bool {
    let Ok(policy) = context.policy() else { return false };
    let fits =
        |Registered { profile, made_under }: Registered| policy.qa.is_satisfied_by(&profile, made_under);
    registered(context).await.is_some_and(fits)
}

/// The person's profile, where there is a person and a profile that can be read.
async fn registered(context: &Context<'_>) -> Option<Registered> {
    let user = context.user()?;
    let held = match context.directory(user).await {
        Ok(directory) => directory.read_profile(user).await,
        Err(failure) => {
            tracing::warn!(%failure, "it cannot be told whether a profile is to be made anew");
            return None;
        }
    };
    match held {
        Ok(held) => match profile_store::open(&context.app.ports, user.guid, &held) {
            Stored::Profile(registered) => Some(registered),
            Stored::Nothing | Stored::Rewritten(_) | Stored::Foreign => None,
        },
        Err(error) => {
            tracing::warn!(%error, "it cannot be told whether a profile is to be made anew");
            None
        }
    }
}

/// The activities with that step before the first one that does something, unless that is the step itself.
pub(super) fn inserted(mut activities: Vec<Activity>) -> Vec<Activity> {
    let first = activities.iter().position(Activity::acts);
    if let Some(first) =
        first.filter(|first| !matches!(activities.get(*first), Some(Activity::EditProfile(_))))
    {
        activities.insert(first, Activity::EditProfile(EditProfile::default()));
    }
    activities
}
