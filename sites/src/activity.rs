//! The activities, one file each: what each shows, and what it does with the answer, through ports only.

mod answer_questions;
mod change_password;
mod check_password;
mod edit_profile;
mod new_password;
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
        Activity::AuthenticateWithQuestions(settings) => answer_questions::show(context, *settings).await,
        Activity::EditProfile(_) => edit_profile::show(context, form).await,
        Activity::ResetPassword(_) => reset_password::show(context).await,
        Activity::ChangePassword(_) => change_password::show(context),
        Activity::UnlockAccount(_) => Ok(StepView::Unlock),
    }
}

/// Runs an activity with what was submitted.
pub(crate) async fn run(context: &Context<'_>, activity: &Activity, form: &Form) -> Result<Verdict, Failure> {
    match activity {
        Activity::AuthenticateWithPassword(_) => check_password::run(context, form).await,
        Activity::AuthenticateWithQuestions(settings) => {
            answer_questions::run(context, *settings, form).await
        }
        Activity::EditProfile(_) => edit_profile::run(context, form).await,
        Activity::ResetPassword(settings) => reset_password::run(context, *settings, form).await,
        Activity::ChangePassword(_) => change_password::run(context, form).await,
        Activity::UnlockAccount(_) => unlock_account::run(context).await,
    }
}
