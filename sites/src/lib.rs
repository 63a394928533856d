//! The web face of a node: Self-Service, Helpdesk and Admin sites and the operators' API, server-rendered.
//!
//! Reading order: [`ports`] is what the sites are given; `headers` wraps every request (request id, visit, error
//! page, security headers); `session` and `csrf` hold what a browser carries; `workflow` runs the Self-Service tasks
//! through one `activity` per kind of step; `page_error` is the one place where failures become pages.
//!
//! Invariants: any node can serve any step; nothing about a visitor stays in memory between requests but how many wrong
//! tokens an address sent within the minute; no page, log line or cookie holds a password or an answer in clear. This
//! crate must not know openraft, LDAP or TLS.

pub mod admin;
pub mod api;
pub mod helpdesk;
pub mod ports;
pub mod session;
pub mod sign_in;

mod activity;
mod app;
mod attempt;
mod config_history;
mod crowd;
mod csrf;
mod decoy;
mod extract;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod hashing;
mod headers;
mod limits;
mod page_error;
mod people;
mod profile_store;
mod sealed_passwords;
mod self_service;
mod staff;
mod static_files;
mod text;
mod view;
mod workflow;

pub use crate::crowd::Crowd;
pub use crate::hashing::Hashing;
pub use crate::limits::{LocalOperator, PeerAddress};
pub use crate::page_error::Failure;
pub use crate::ports::{Ports, SiteSettings};
pub use crate::profile_store::seal as seal_profile;
pub use crate::staff::{Access, Route};

use crate::app::App;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use passquorum_domain::audit::Site;
use std::sync::Arc;

/// Every site of a node on one router. The caller's listener puts [`PeerAddress`] or [`LocalOperator`] into the
/// extensions of each request, and finds in those of an answer the [`Limit`](passquorum_domain::limit::Limit) that
/// refused the request.
pub fn router(ports: Ports, settings: SiteSettings) -> Router {
    sites(ports, Crowd::new(Arc::new(settings)))
}

/// The same, with routes that tell about the node: for its host, the realm's nodes, the monitors that the configuration
/// names, and who has a token with the scope to read.
pub fn with_monitoring(ports: Ports, settings: SiteSettings, monitoring: Router) -> Router {
    let crowd = Crowd::new(Arc::new(settings));
    let monitoring = api::for_monitors(monitoring, ports.clone(), crowd.clone());
    sites(ports, crowd).merge(monitoring)
}

fn sites(ports: Ports, crowd: Crowd) -> Router {
    let api = api::router(ports.clone(), crowd.clone());
    let app = App::new(ports, crowd);
    let sites = Router::new()
        .merge(static_files::routes())
        .merge(legacy_paths())
        .merge(self_service::routes())
        .merge(staff::router(&app, Site::Helpdesk, helpdesk::ROUTES))
        .merge(staff::router(&app, Site::Admin, admin::ROUTES));
    headers::wrap(sites, app).merge(api)
}

/// The front door, and the paths under which the replaced product served its sites, so that old bookmarks work.
fn legacy_paths() -> Router<App> {
    let to = |target: &'static str| get(move || async move { Redirect::permanent(target) });
    let mut router = Router::new()
        .route("/", get(|| async { Redirect::temporary("/self-service/") }))
        .route("/self-service", to("/self-service/"))
        .route("/helpdesk", to("/helpdesk/"))
        .route("/admin", to("/admin/"));
    for (legacy, target) in [
        ("/PMUser", "/self-service/"),
        ("/PMSelfService", "/self-service/"),
        ("/PMHelpdesk", "/helpdesk/"),
        ("/PMAdmin", "/admin/"),
    ] {
        router = router
            .route(legacy, to(target))
            .route(&format!("{legacy}/"), to(target))
            .route(&format!("{legacy}/{{*rest}}"), to(target));
    }
    router
}
