//! The Self-Service site: choose a task, say who one is, take its steps.
//!
//! `GET /self-service/` lists the tasks; `/self-service/start/{task}` asks for the user name; `/self-service/step`
//! shows and takes every step, from what the progress cookie says.

mod home;
mod identify;
mod step;

use crate::app::App;
use crate::workflow::Progress;
use axum::Router;
use axum::routing::get;
use passquorum_domain::workflow::{Activity, WorkflowKind};

/// The front page.
pub(crate) const HOME: &str = "/self-service/";
/// The present step.
pub(crate) const STEP: &str = "/self-service/step";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(home::show))
        .route("/self-service/start/{task}", get(identify::show).post(identify::submit))
        .route(STEP, get(step::show).post(step::submit))
}

/// The tasks in the order in which people need them, with their names in addresses.
const TASKS: [(WorkflowKind, &str); 5] = [
    (WorkflowKind::ForgotPassword, "forgot-password"),
    (WorkflowKind::UnlockAccount, "unlock-account"),
    (WorkflowKind::ManagePasswords, "change-password"),
    (WorkflowKind::Register, "register"),
    (WorkflowKind::ManageProfile, "manage-profile"),
];

/// One part of the bar that shows where one is.
struct Part {
    label: &'static str,
    done: bool,
    here: bool,
}

/// The bar for a plan of activities; `here` counts the name page as 0.
fn parts(plan: &[Activity], here: usize) -> Vec<Part> {
    let labels = std::iter::once("User name").chain(plan.iter().map(label)).chain(std::iter::once("Done"));
    labels
        .enumerate()
        .map(|(position, label)| Part { label, done: position < here, here: position == here })
        .collect()
}

fn parts_of(progress: &Progress) -> Vec<Part> {
    let end = progress.activities.len().saturating_add(1);
    let here = if progress.ending.is_some() { end } else { progress.position.saturating_add(1).min(end) };
    parts(&progress.activities, here)
}

fn label(activity: &Activity) -> &'static str {
    match activity {
        Activity::AuthenticateWithPassword(_) => "Password",
        Activity::AuthenticateWithQuestions(_) => "Questions",
        Activity::EditProfile(_) => "Questions",
        Activity::ResetPassword(_) | Activity::ChangePassword(_) => "New password",
        Activity::UnlockAccount(_) => "Unlock",
    }
}
