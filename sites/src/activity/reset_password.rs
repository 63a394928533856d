//! *Reset password*: a new password without the old one, under the stricter of the policy's and the domain's rules.

use super::new_password;
use crate::extract::Form;
use crate::page_error::Failure;
use crate::view::Problems;
use crate::workflow::{Context, StepView, Verdict, under_ticket};
use passquorum_domain::ports::ResetOptions;
use passquorum_domain::ticket::TicketKind;
use passquorum_domain::workflow::ResetPassword;

pub(super) async fn show(context: &Context<'_>) -> Result<StepView, Failure> {
    let (rules, owner) = new_password::rules_for(context, context.known_user()?).await?;
    Ok(StepView::NewPassword { ask_current: false, rules, names: owner.names().collect() })
}

pub(super) async fn run(
    context: &Context<'_>,
    settings: ResetPassword,
    form: &Form,
) -> Result<Verdict, Failure> {
    let user = context.known_user()?.clone();
    let mut problems = Problems::default();
    let Some(new) = new_password::chosen(form, &mut problems) else { return Ok(Verdict::Again(problems)) };
    let (rules, owner) = new_password::rules_for(context, &user).await?;
    if !new_password::meets(&rules, &new, &owner, &mut problems) {
        return Ok(Verdict::Again(problems));
    }
    let directory = context.directory(&user).await?;
    let options = ResetOptions { unlock: settings.unlock, must_change: settings.must_change };
    let work = async move { directory.reset_password(&user, &new, options).await };
    Ok(new_password::verdict(under_ticket(context, TicketKind::Reset, work).await?))
}
