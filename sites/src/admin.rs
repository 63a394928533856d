//! The Admin site: the cluster at a glance, and the realm's configuration to edit.
//!
//! Invariants: every edit says which revision it is based on, and one that is based on an older one is refused with both
//! versions side by side; every problem is shown at once, beside its field; the access accounts' passwords go in and
//! never come out. The site must not know Raft, LDAP or sessions beyond who is signed in.

mod audit;
pub(crate) mod audit_text;
mod cluster;
mod confirm;
mod connection_form;
mod connections;
mod designer;
mod directory;
mod edit;
mod fields;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod general;
mod helpdesk_form;
mod history;
mod inputs;
mod instances;
mod mail;
mod picture;
mod policies;
mod policy_form;
mod policy_list;
mod questions;
mod search;
mod workflows;

use crate::app::App;
use crate::extract::{Form, Visit};
use crate::staff::{self, Route};
use axum::extract::State;
use axum::routing;
use http::Method;
use passquorum_domain::audit::Site;

/// The parts of the site, for its navigation: where, and what it is called.
const NAVIGATION: [(&str, &str); 9] = [
    ("/admin/", "Cluster"),
    ("/admin/instances", "Realm Instances"),
    ("/admin/policies", "Policies"),
    ("/admin/connections", "Domains"),
    ("/admin/directory", "Legacy clients"),
    ("/admin/general", "General"),
    ("/admin/mail", "Mail"),
    ("/admin/history", "History"),
    ("/admin/audit", "Audit"),
];

/// Every route of the site.
pub const ROUTES: &[Route] = &[
    Route::open(Method::GET, "/admin/sign-in", || {
        routing::get(|State(app): State<App>, visit: Visit| staff::show_sign_in(app, visit, Site::Admin))
    }),
    Route::open(Method::POST, "/admin/sign-in", || {
        routing::post(|State(app): State<App>, visit: Visit, form: Form| {
            staff::sign_in(app, visit, form, Site::Admin)
        })
    }),
    Route::post("/admin/sign-out", || routing::post(|form: Form| staff::sign_out(form, Site::Admin))),
    Route::get("/admin/", || routing::get(cluster::page)),
    Route::get("/admin/cluster", || routing::get(cluster::fragment)),
    Route::get("/admin/instances", || routing::get(instances::list)),
    Route::post("/admin/instances/{id}", || routing::post(instances::change)),
    Route::get("/admin/policies", || routing::get(policy_list::list)),
    Route::get("/admin/policies/new", || routing::get(policies::new)),
    Route::get("/admin/policies/{id}", || routing::get(policies::show)),
    Route::post("/admin/policies/{id}", || routing::post(policies::save)),
    Route::post("/admin/policies/explain", || routing::post(policy_list::explain)),
    Route::post("/admin/policies/{id}/earlier", || routing::post(policy_list::earlier)),
    Route::post("/admin/policies/{id}/later", || routing::post(policy_list::later)),
    Route::post("/admin/policies/{id}/clone", || routing::post(policy_list::clone)),
    Route::post("/admin/policies/{id}/remove", || routing::post(policies::remove)),
    Route::post("/admin/policies/{id}/count", || routing::post(policy_list::count)),
    Route::get("/admin/policies/{id}/questions", || routing::get(questions::list)),
    Route::post("/admin/policies/{id}/questions", || routing::post(questions::add)),
    Route::post("/admin/policies/{id}/questions/{question}", || routing::post(questions::change)),
    Route::post("/admin/policies/{id}/questions/{question}/remove", || routing::post(questions::remove)),
    Route::get("/admin/policies/{id}/workflows", || routing::get(workflows::list)),
    Route::get("/admin/policies/{id}/workflows/new", || routing::get(designer::new)),
    Route::get("/admin/policies/{id}/workflows/{workflow}", || routing::get(designer::show)),
    Route::post("/admin/policies/{id}/workflows/{workflow}", || routing::post(designer::press)),
    Route::post("/admin/policies/{id}/workflows/{workflow}/remove", || routing::post(workflows::remove)),
    Route::get("/admin/connections", || routing::get(connections::list)),
    Route::get("/admin/connections/new", || routing::get(connections::new)),
    Route::get("/admin/connections/{id}", || routing::get(connections::show)),
    Route::post("/admin/connections/{id}", || routing::post(connections::save)),
    Route::post("/admin/connections/{id}/test", || routing::post(connections::test)),
    Route::post("/admin/connections/{id}/remove", || routing::post(connections::remove)),
    Route::get("/admin/directory", || routing::get(directory::page)),
    Route::post("/admin/directory/remove", || routing::post(directory::remove)),
    Route::post("/admin/directory/rebuild", || routing::post(directory::rebuild)),
    Route::get("/admin/general", || routing::get(general::show)),
    Route::post("/admin/general", || routing::post(general::save)),
    Route::get("/admin/mail", || routing::get(mail::show)),
    Route::post("/admin/mail", || routing::post(mail::save)),
    Route::post("/admin/mail/test", || routing::post(mail::test)),
    Route::get("/admin/history", || routing::get(history::list)),
    Route::get("/admin/history/{id}", || routing::get(history::show)),
    Route::post("/admin/history/{id}/rollback", || routing::post(history::roll_back)),
    Route::get("/admin/history/{id}/undo", || routing::get(history::show_undo)),
    Route::post("/admin/history/{id}/undo", || routing::post(history::undo)),
    Route::get("/admin/search", || routing::get(search::page)),
    Route::get("/admin/audit", || routing::get(audit::page)),
];
