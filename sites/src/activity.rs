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
mod spend;
mod subscribe;
mod unlock_account;

use crate::extract::Form;
use crate::page_error::Failure;
use crate::workflow::{Context, StepView, Verdict};
use passquorum_domain::config::ManagementPolicy;
use passquorum_domain::policy::effective_rules;
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

/// What the pages of an example are made from.
pub(crate) struct Sample<'a> {
    pub(crate) policy: &'a ManagementPolicy,
    pub(crate) workflow: &'a str,
    pub(crate) organisation: &'a str,
}

/// What an activity's page shows of an example: nothing is read, and nobody is meant. None where it has no page.
pub(crate) fn example(activity: &Activity, sample: &Sample<'_>) -> Option<StepView> {
    let qa = &sample.policy.qa;
    let new_password = |ask_current| {
        let rules = effective_rules(&sample.policy.password_rules, None);
        StepView::NewPassword { ask_current, rules, names: Vec::new() }
    };
    Some(match activity {
        Activity::AuthenticateWithPassword(_) => StepView::Password,
        Activity::AuthenticateWithQuestions(settings) => {
            StepView::Questions { texts: answer_questions::example(settings, qa) }
        }
        Activity::AuthenticateWithPasscode(_) => StepView::Passcode,
        Activity::AuthenticateWithMailCode(settings) => mail_code::example(*settings),
        Activity::AuthenticationMethods(methods) => choose_method::show(methods),
        Activity::EditProfile(_) => edit_profile::example(qa),
        Activity::ResetPassword(_) => new_password(false),
        Activity::ChangePassword(_) => new_password(true),
        Activity::UnlockAccount(_) => StepView::Unlock,
        Activity::EnableAccount(_) => StepView::Enable,
        Activity::AcceptAgreement(settings) => accept_agreement::example(settings, sample),
        Activity::Captcha(settings) => captcha::example(*settings),
        Activity::SubscribeToNotifications(settings) => subscribe::view(settings, |_| false),
        Activity::RestartOnError(_) => return None,
    })
}

/// Why a person could not pass an activity with whatever they give, as things are; none where they could. Nothing is counted
/// and nothing is changed.
pub(crate) async fn obstacle(
    context: &Context<'_>,
    activity: &Activity,
) -> Result<Option<&'static str>, Failure> {
    let Activity::AuthenticationMethods(methods) = activity else {
        return obstacle_in_one(context, activity).await;
    };
    for method in &methods.offered {
        if obstacle_in_one(context, &method.activity()).await?.is_none() {
            return Ok(None);
        }
    }
    Ok(Some("They could pass in none of these ways."))
}

async fn obstacle_in_one(
    context: &Context<'_>,
    activity: &Activity,
) -> Result<Option<&'static str>, Failure> {
    let (passes, why) = match activity {
        Activity::AuthenticateWithQuestions(settings) => (
            answer_questions::can_pass(context, settings).await?,
            "Nobody passes with what is registered: no profile, or too few of these questions in it.",
        ),
        Activity::AuthenticateWithPasscode(_) => {
            let ports = &context.app.ports;
            let state = ports.current().await?;
            let passcode = state.passcode(context.subject(), ports.now());
            (passcode.is_some(), "They have no passcode now.")
        }
        Activity::AuthenticateWithMailCode(_) => {
            (mail_code::can_pass(context).await?, "There is no address in the directory to send a code to.")
        }
        Activity::AuthenticateWithPassword(_)
        | Activity::EditProfile(_)
        | Activity::ResetPassword(_)
        | Activity::ChangePassword(_)
        | Activity::UnlockAccount(_)
        | Activity::EnableAccount(_)
        | Activity::AcceptAgreement(_)
        | Activity::RestartOnError(_)
        | Activity::Captcha(_)
        | Activity::AuthenticationMethods(_)
        | Activity::SubscribeToNotifications(_) => (true, ""),
    };
    Ok((!passes).then_some(why))
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
