//! The activities, one file each: what each shows, and what it does with the answer, through ports only.

mod accept_agreement;
mod answer_questions;
mod captcha;
mod change_password;
mod check_passcode;
mod check_password;
mod choose_method;
mod edit_profile;
mod enable_account;
mod mail_code;
pub(crate) mod new_password;
mod reset_password;
mod subscribe;
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
    let Activity::AuthenticationMethods(methods) = activity else {
        return show_one(context, activity, form).await;
    };
    match choose_method::chosen(context, methods) {
        None => Ok(choose_method::show(methods)),
        Some(method) => {
            let view = show_one(context, &method.activity(), form).await?;
            Ok(StepView::Chosen(Box::new(view)))
        }
    }
}

async fn show_one(
    context: &Context<'_>,
    activity: &Activity,
    form: Option<&Form>,
) -> Result<StepView, Failure> {
    match activity {
        Activity::AuthenticateWithPassword(_) => Ok(StepView::Password),
        Activity::AuthenticateWithQuestions(settings) => answer_questions::show(context, settings).await,
        Activity::AuthenticateWithPasscode(_) => Ok(StepView::Passcode),
        Activity::AuthenticateWithMailCode(settings) => mail_code::show(context, *settings).await,
        Activity::EditProfile(_) => edit_profile::show(context, form).await,
        Activity::ResetPassword(_) => reset_password::show(context).await,
        Activity::ChangePassword(_) => change_password::show(context),
        Activity::UnlockAccount(_) => Ok(StepView::Unlock),
        Activity::EnableAccount(_) => Ok(StepView::Enable),
        Activity::AcceptAgreement(settings) => accept_agreement::show(context, settings).await,
        Activity::Captcha(settings) => captcha::show(context, *settings, form),
        Activity::SubscribeToNotifications(settings) => subscribe::show(context, settings).await,
        Activity::RestartOnError(_) | Activity::AuthenticationMethods(_) => Err(without_a_page()),
    }
}

/// Runs an activity with what was submitted.
pub(crate) async fn run(context: &Context<'_>, activity: &Activity, form: &Form) -> Result<Verdict, Failure> {
    let Activity::AuthenticationMethods(methods) = activity else {
        return run_one(context, activity, form).await;
    };
    let Some(method) = choose_method::chosen(context, methods) else {
        return Ok(choose_method::run(context, methods, form));
    };
    match choose_method::back(context, form) {
        Some(back) => Ok(back),
        None => run_one(context, &method.activity(), form).await,
    }
}

async fn run_one(context: &Context<'_>, activity: &Activity, form: &Form) -> Result<Verdict, Failure> {
    match activity {
        Activity::AuthenticateWithPassword(_) => check_password::run(context, form).await,
        Activity::AuthenticateWithQuestions(settings) => answer_questions::run(context, settings, form).await,
        Activity::AuthenticateWithPasscode(_) => check_passcode::run(context, form).await,
        Activity::AuthenticateWithMailCode(settings) => mail_code::run(context, *settings, form).await,
        Activity::EditProfile(_) => edit_profile::run(context, form).await,
        Activity::ResetPassword(settings) => reset_password::run(context, *settings, form).await,
        Activity::ChangePassword(_) => change_password::run(context, form).await,
        Activity::UnlockAccount(_) => unlock_account::run(context).await,
        Activity::EnableAccount(_) => enable_account::run(context).await,
        Activity::AcceptAgreement(_) => Ok(accept_agreement::run(form)),
        Activity::Captcha(settings) => captcha::run(context, *settings, form).await,
        Activity::SubscribeToNotifications(settings) => subscribe::run(context, settings, form).await,
        Activity::RestartOnError(_) | Activity::AuthenticationMethods(_) => Err(without_a_page()),
    }
}

/// The engine never stops at such an activity, and a choice offers no choice.
fn without_a_page() -> Failure {
    Failure::internal("a run stands at an activity that has no page")
}
