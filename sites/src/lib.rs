//! The web face of a node: Self-Service, Helpdesk and Admin sites and the operators' API, server-rendered.
//!
//! Reading order: [`ports`] is what the sites are given; [`gateway`] is what the Self-Service pages ask for, which a voter
//! does for a node in the perimeter; `headers` wraps every request (request id, visit, error
//! page, security headers); `session` and `csrf` hold what a browser carries; `workflow` runs the Self-Service tasks
//! through one `activity` per kind of step; `page_error` is the one place where failures become pages.
//!
//! Invariants: any node can serve any step; nothing about a visitor stays in memory between requests but how many wrong
//! tokens an address sent within the minute, and how many tasks it began within five; no page, log line or cookie holds a
//! password or an answer in clear. This crate must not know openraft, LDAP or TLS.

pub mod admin;
pub mod api;
pub mod gateway;
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
mod explained;
mod extract;
mod former_profiles;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod hashing;
mod headers;
mod kept_answers;
mod legacy;
mod limits;
mod locale;
mod notify;
mod old_paths;
mod page_error;
mod passcodes;
mod people;
mod profile_store;
mod profile_tasks;
mod sealed_passwords;
mod self_service;
mod staff;
mod static_files;
mod text;
mod user_count;
mod view;
mod workflow;

pub use crate::crowd::Crowd;
pub use crate::hashing::Hashing;
pub use crate::headers::guard as guard_headers;
pub use crate::limits::{LocalOperator, PeerAddress};
pub use crate::locale::{LocaleError, Locales, Message, Mistake};
pub use crate::page_error::Failure;
pub use crate::ports::{Ports, SiteSettings};
pub use crate::profile_store::{Registered, seal as seal_profile};
pub use crate::staff::{Access, Route};

use crate::api::ApiProblem;
use crate::app::App;
use crate::gateway::SelfService;
use crate::self_service::computer::Computer;
use crate::self_service::door::Door;
use crate::self_service::engine::Engine;
use axum::Router;
use axum::response::Redirect;
use axum::routing::{MethodRouter, get};
use passquorum_domain::audit::Site;
use passquorum_domain::ports::ProposeError;
use std::sync::Arc;

/// The sites of a node that holds the realm key.
pub struct Sites {
    ports: Ports,
    app: App,
}

impl Sites {
    /// Sites on these ports.
    #[must_use]
    pub fn new(ports: Ports, settings: SiteSettings) -> Self {
        let app = App::new(ports.clone(), Crowd::new(Arc::new(settings)));
        Self { ports, app }
    }

    /// Every site on one router. The caller's listener puts [`PeerAddress`] or [`LocalOperator`] into the extensions of
    /// each request, and finds in those of an answer the [`Limit`](passquorum_domain::limit::Limit) that refused the
    /// request.
    pub fn router(&self) -> Router {
        let app = &self.app;
        let api = api::router(self.ports.clone(), app.crowd.clone());
        let sites = Router::new()
            .merge(static_files::routes())
            .merge(front_doors())
            .merge(staff_doors())
            .merge(self_service::routes(app, self.self_service()))
            .merge(staff::router(app, Site::Helpdesk, helpdesk::ROUTES))
            .merge(staff::router(app, Site::Admin, admin::ROUTES))
            .fallback(old_paths::every_site);
        headers::wrap(sites, app.clone()).merge(api)
    }

    /// The same, with routes that tell about the node: for its host, the realm's nodes, the monitors that the
    /// configuration names, and who has a token with the scope to read.
    pub fn router_with(&self, monitoring: Router) -> Router {
        self.router().merge(api::for_monitors(monitoring, self.ports.clone(), self.app.crowd.clone()))
    }

    /// What the pages of the Self-Service site ask for, done by this node: for nodes in the perimeter too.
    #[must_use]
    pub fn self_service(&self) -> Arc<dyn SelfService> {
        Arc::new(Engine(self.app.clone()))
    }
}

/// The operators' API of a node in the perimeter: it refuses everything, and names the nodes that take it.
pub fn perimeter_api(ports: &Ports) -> Router {
    let consensus = Arc::clone(&ports.consensus);
    Router::new().fallback(move || async move {
        ApiProblem::from(ProposeError::Forbidden { voters: consensus.local().voter_sites() })
    })
}

/// The Self-Service site alone, on a node that holds no key: what its pages ask for is done behind `port`. The other
/// sites and the operators' API are not there.
pub fn perimeter_router(ports: Ports, settings: SiteSettings, port: Arc<dyn SelfService>) -> Router {
    let app = App::new(ports, Crowd::new(Arc::new(settings)));
    let sites = Router::new()
        .merge(static_files::routes())
        .merge(front_doors())
        .merge(self_service::routes(&app, port))
        .fallback(old_paths::self_service_only);
    headers::wrap(sites, app)
}

/// The front door, and paths without their last slash.
fn front_doors() -> Router<App> {
    let front = Router::new().route("/", get(|| async { Redirect::temporary(Door::Browser.home()) }));
    Door::ALL.into_iter().fold(front, |doors, door| doors.route(door.typed(), to_door(door)))
}

/// What the address says of the visitor's computer goes along.
fn to_door(door: Door) -> MethodRouter<App> {
    get(move |computer: Computer| async move {
        Redirect::permanent(&format!("{}{}", door.home(), computer.query()))
    })
}

/// The same for the sites of staff.
fn staff_doors() -> Router<App> {
    Router::new().route("/helpdesk", to("/helpdesk/")).route("/admin", to("/admin/"))
}

fn to(target: &'static str) -> MethodRouter<App> {
    get(move || async move { Redirect::permanent(target) })
}
