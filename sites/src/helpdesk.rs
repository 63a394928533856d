//! The Helpdesk site: look a user up, see where they stand with self-service, lift the lock that wrong answers set,
//! and give a passcode to whoever has nothing else to prove who they are with.
//!
//! Invariants: only users whom a policy serves can be seen or helped; an act is on the `objectGUID` that the operator
//! saw, never on a name alone; each act is in the audit with the operator. The site must not know configuration edits.

mod desk;
mod passcode;
mod standing;

use crate::app::App;
use crate::extract::{Form, Visit};
use crate::staff::{self, Route};
use axum::extract::State;
use axum::routing;
use http::Method;
use passquorum_domain::audit::Site;

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
    Route::post("/helpdesk/unlock", || routing::post(desk::unlock)),
    Route::post("/helpdesk/passcode", || routing::post(passcode::assign)),
];
