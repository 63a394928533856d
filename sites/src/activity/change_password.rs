//! *Change password*: the current password and the new one on one page. The current one proves who the person is, is
//! counted like every other attempt, and is never carried from page to page.
//!
//! Before it is proved right, the page shows the policy's own rules only: the domain's may differ from user to user.

use super::check_password::{self, Checked};
use super::new_password;
use crate::extract::Form;
use crate::page_error::Failure;
use crate::text;
use crate::view::Problems;
use crate::workflow::{Context, StepView, Verdict, under_ticket};
use passquorum_domain::policy::{PasswordOwner, effective_rules};
use passquorum_domain::ticket::TicketKind;

pub(super) fn show(context: &Context<'_>) -> Result<StepView, Failure> {
    let rules = effective_rules(&context.policy()?.password_rules, None);
    Ok(StepView::NewPassword { ask_current: true, rules, names: Vec::new() })
}

pub(super) async fn run(context: &Context<'_>, form: &Form) -> Result<Verdict, Failure> {
    let mut problems = Problems::default();
    let current = problems.take("current", form.password("current"));
    let new = new_password::chosen(form, &mut problems);
    let (Some(current), Some(new)) = (current, new) else { return Ok(Verdict::Again(problems)) };
    if current.expose() == new.expose() {
        problems.add("new", text::SAME_AS_CURRENT);
    }
    let rules = effective_rules(&context.policy()?.password_rules, None);
    if !new_password::meets(&rules, &new, &PasswordOwner::default(), &mut problems) {
        return Ok(Verdict::Again(problems));
    }
    if let Checked::Wrong(counted) = check_password::check(context, &current).await? {
        problems.add("current", counted.left_after(text::WRONG_PASSWORD, context.policy()?, context.app)?);
        return Ok(Verdict::Again(problems));
    }
    let user = context.known_user()?.clone();
    let (rules, owner) = new_password::rules_for(context, &user).await?;
    if !new_password::meets(&rules, &new, &owner, &mut problems) {
        return Ok(Verdict::Again(problems));
    }
    let directory = context.directory(&user).await?;
    let work = async move { directory.change_password(&user, &current, &new).await };
    Ok(new_password::verdict(under_ticket(context, TicketKind::Change, work).await?))
}
