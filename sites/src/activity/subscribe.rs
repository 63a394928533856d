//! *Subscribe to notifications*: what of the policy's notices a person wants by mail. The choice is one small record in the realm's
//! state, not in the directory: it is wanted whenever a mail is written, also for people without a profile.

use crate::extract::Form;
use crate::page_error::Failure;
use crate::workflow::{Context, StepView, Verdict};
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Action;
use passquorum_domain::workflow::{NotificationEvent, SubscribeToNotifications};
use std::collections::BTreeSet;

pub(super) async fn show(
    context: &Context<'_>,
    settings: &SubscribeToNotifications,
) -> Result<StepView, Failure> {
    context.known_user()?;
    let off = context.app.ports.current().await?.turned_off(context.subject());
    Ok(view(settings, |event| off.contains(&event)))
}

/// The choice of whoever has turned these off.
pub(super) fn view(
    settings: &SubscribeToNotifications,
    is_off: impl Fn(NotificationEvent) -> bool,
) -> StepView {
    let may_turn_off = |event: &NotificationEvent| settings.offered.contains(event);
    let (offered, always): (Vec<_>, Vec<_>) = NotificationEvent::ALL.into_iter().partition(may_turn_off);
    let offered = offered.into_iter().map(|event| (event, !is_off(event))).collect();
    StepView::Notifications { offered, always }
}

pub(super) async fn run(
    context: &Context<'_>,
    settings: &SubscribeToNotifications,
    form: &Form,
) -> Result<Verdict, Failure> {
    context.known_user()?;
    let subject = context.subject();
    let is_off = |event: &&NotificationEvent| form.text(&format!("tell-{}", event.name())).is_none();
    let events: BTreeSet<_> = settings.offered.iter().filter(is_off).copied().collect();
    let action = Action::TurnOffNotifications { subject, events };
    let detail = Some(context.app.ports.seal_detail(&context.note())?);
    context.app.ports.commit_with(Actor::User(subject), action, detail).await?;
    Ok(Verdict::Acted)
}
