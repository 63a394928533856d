//! The activities, one file each: what each shows, and what it does with the answer, through ports only.

mod accept_agreement;
mod answer_questions;
mod change_password;
mod check_passcode;
mod check_password;
mod edit_profile;
mod enable_account;
pub(crate) mod new_password;
mod reset_password;
mod unlock_account;

use crate::extract::Form;
use crate::page_error::Failure;
use crate::workflow::{Context, StepView, Verdict};
use passquorum_domain::workflow::Activity;

/// What an activity's page shows.
pub(crate) async fn show(
    context: &Context<'_>,
    activity: &Activity,
    form: Option<&Form>,
) -> Result<StepView, Failure> {
    match activity {
        Activity::AuthenticateWithPassword(_) => Ok(StepView::Password),
        Activity::AuthenticateWithQuestions(settings) => answer_questions::show(context, settings).await,
        Activity::AuthenticateWithPasscode(_) => Ok(StepView::Passcode),
        Activity::EditProfile(_) => edit_profile::show(context, form).await,
        Activity::ResetPassword(_) => reset_password::show(context).await,
        Activity::ChangePassword(_) => change_password::show(context),
        Activity::UnlockAccount(_) => Ok(StepView::Unlock),
        Activity::EnableAccount(_) => Ok(StepView::Enable),
        Activity::AcceptAgreement(settings) => Ok(accept_agreement::show(settings)),
        Activity::RestartOnError(_)
        | Activity::Captcha(_)
        | Activity::AuthenticationMethods(_)
        | Activity::AuthenticateWithMailCode(_)
        | Activity::SubscribeToNotifications(_) => Err(without_a_page()),
    }
}

/// Runs an activity with what was submitted.
pub(crate) async fn run(context: &Context<'_>, activity: &Activity, form: &Form) -> Result<Verdict, Failure> {
    match activity {
        Activity::AuthenticateWithPassword(_) => check_password::run(context, form).await,
        Activity::AuthenticateWithQuestions(settings) => answer_questions::run(context, settings, form).await,
        Activity::AuthenticateWithPasscode(_) => check_passcode::run(context, form).await,
        Activity::EditProfile(_) => edit_profile::run(context, form).await,
        Activity::ResetPassword(settings) => reset_password::run(context, *settings, form).await,
        Activity::ChangePassword(_) => change_password::run(context, form).await,
        Activity::UnlockAccount(_) => unlock_account::run(context).await,
        Activity::EnableAccount(_) => enable_account::run(context).await,
        Activity::AcceptAgreement(_) => Ok(accept_agreement::run(form)),
        Activity::RestartOnError(_)
        | Activity::Captcha(_)
        | Activity::AuthenticationMethods(_)
        | Activity::AuthenticateWithMailCode(_)
        | Activity::SubscribeToNotifications(_) => Err(without_a_page()),
    }
}

/// The engine never stops at such an activity.
fn without_a_page() -> Failure {
    Failure::internal("a run stands at an activity that has no page")
}
