//! The Helpdesk site: look a person up, see where they stand, verify that the caller is that person where their policy wants
//! it, and do for them what the policy allows.
//!
//! Reading order: `standing` is what an operator may see and do; `desk` is the search, the person's page and the one gate
//! before every task; `caller` and `verify` are the gate's key; the rest are the tasks.
//!
//! Invariants: only people whom a policy serves, and of those only whom this operator may help, can be seen or helped; an
//! act is on the `objectGUID` that the operator saw, never on a name alone; no task is done past the gate; each act is in
//! the audit with the operator. The site must not know configuration edits.

mod caller;
mod deeds;
mod desk;
mod passcode;
mod reset;
mod standing;
mod verify;

use crate::app::App;
use crate::extract::{Form, Visit};
use crate::staff::{self, Route};
use axum::extract::State;
use axum::routing::{self, MethodRouter};
use desk::Desk;
use http::Method;
use passquorum_domain::audit::Site;
use passquorum_domain::helpdesk::HelpdeskTask;

/// Every route of the site.
pub const ROUTES: &[Route] = &[
    Route::open(Method::GET, "/helpdesk/sign-in", || {
        routing::get(|State(app): State<App>, visit: Visit| staff::show_sign_in(app, visit, Site::Helpdesk))
    }),
    Route::open(Method::POST, "/helpdesk/sign-in", || {
        routing::post(|State(app): State<App>, visit: Visit, form: Form| {
            staff::sign_in(app, visit, form, Site::Helpdesk)
        })
    }),
    Route::post("/helpdesk/sign-out", || routing::post(|form: Form| staff::sign_out(form, Site::Helpdesk))),
    Route::get("/helpdesk/", || routing::get(desk::start)),
    // A search is a POST, so that no name gets into an address, a history or a proxy's log.
    Route::post("/helpdesk/find", || routing::post(desk::find)),
    Route::post("/helpdesk/verify", || routing::post(verify::verify)),
    Route::post("/helpdesk/answers", || routing::post(verify::show_answers)),
    Route::post("/helpdesk/unlock", || routing::post(deeds::lift_lock)),
    Route::post("/helpdesk/passcode", || routing::post(passcode::assign)),
    Route::post("/helpdesk/reset", || routing::post(reset::reset)),
    Route::post("/helpdesk/enforce-update", || deed(HelpdeskTask::EnforceUpdate)),
    Route::post("/helpdesk/force-change", || deed(HelpdeskTask::ForceChange)),
    Route::post("/helpdesk/unlock-account", || deed(HelpdeskTask::UnlockAccount)),
    Route::post("/helpdesk/enable", || deed(HelpdeskTask::EnableAccount)),
];

fn deed(task: HelpdeskTask) -> MethodRouter<App> {
    routing::post(move |desk: Desk, form: Form| deeds::act(desk, form, task))
}
