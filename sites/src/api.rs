//! The operators' API: JSON over HTTPS under `/api/v1`, for the command line, scripts and outside checkers.
//!
//! Invariants: every route stands in [`ROUTES`] with what it takes to call it, and the router is built from that table
//! only, so that no route can be reached unguarded; every refusal is an `application/problem+json` (RFC 9457) with a
//! stable code; no answer holds a secret but the one-time texts of new tokens, and a backup only sealed ones. The API must not know pages, sessions or
//! cookies.

mod audit;
mod auth;
mod backup;
mod clear_password;
mod config;
mod connection;
mod directory;
mod document;
mod drills;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod history;
mod join;
mod keys;
mod labels;
mod lines;
mod mail;
mod monitors;
mod nodes;
mod problem;
mod profiles;
mod request;
mod rights;
mod status;
mod tokens;
mod upgrade;
mod users;

use crate::crowd::Crowd;
use crate::ports::Ports;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{self, MethodRouter};
use axum::{Extension, Router};
use http::Method;
use passquorum_domain::token::ApiScope;
use std::sync::Arc;

pub use problem::ApiProblem;

/// What the handlers share.
type Shared = Arc<Ports>;

/// What it takes to call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: the request carries its own credential, or there is nothing to guard.
    Open,
    /// A token with this scope, or the local socket.
    Scope(ApiScope),
    /// An address that may watch the node, or what it takes to read.
    Monitor,
}

/// One route of the API.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{…}` for what varies.
    pub path: &'static str,
    /// What it takes.
    pub access: Access,
    /// The most bytes of a body.
    pub body_limit: usize,
    handler: fn() -> MethodRouter<Shared>,
}

const KIB: usize = 1024;
const SMALL: usize = 64 * KIB;
const CONFIG: usize = 1024 * KIB;

const READ: Access = Access::Scope(ApiScope::Read);
const LABELS: Access = Access::Scope(ApiScope::Labels);
const CONFIGURE: Access = Access::Scope(ApiScope::Config);
const NODES: Access = Access::Scope(ApiScope::Nodes);
const PROFILES: Access = Access::Scope(ApiScope::Profiles);
const BACKUP: Access = Access::Scope(ApiScope::Backup);

/// Every route, as `api/openapi.yaml` describes it.
pub const ROUTES: &[Route] = &[
    route(Method::GET, "/api/v1/openapi.yaml", Access::Open, SMALL, || routing::get(document::show)),
    route(Method::GET, "/api/v1/status", READ, SMALL, || routing::get(status::show)),
    route(Method::GET, "/api/v1/labels/{key}", LABELS, SMALL, || routing::get(labels::get)),
    route(Method::PUT, "/api/v1/labels/{key}", LABELS, SMALL, || routing::put(labels::put)),
    route(Method::DELETE, "/api/v1/labels/{key}", LABELS, SMALL, || routing::delete(labels::remove)),
    route(Method::GET, "/api/v1/config", READ, SMALL, || routing::get(config::show)),
    route(Method::PUT, "/api/v1/config", CONFIGURE, CONFIG, || routing::put(config::replace)),
    route(Method::POST, "/api/v1/config/portable", BACKUP, SMALL, || routing::post(backup::configuration)),
    route(Method::PUT, "/api/v1/config/portable", CONFIGURE, CONFIG, || {
        routing::put(connection::put_portable)
    }),
    route(Method::POST, "/api/v1/config/changes", CONFIGURE, CONFIG, || routing::post(config::change)),
    route(Method::GET, "/api/v1/config/revisions", CONFIGURE, SMALL, || routing::get(history::list)),
    route(Method::GET, "/api/v1/config/revisions/{id}", READ, SMALL, || routing::get(history::show)),
    route(Method::POST, "/api/v1/config/rollback", CONFIGURE, SMALL, || routing::post(history::roll_back)),
    route(Method::PUT, "/api/v1/connections/{id}", CONFIGURE, CONFIG, || routing::put(connection::put)),
    route(Method::PUT, "/api/v1/connections/{id}/account", CONFIGURE, SMALL, || {
        routing::put(connection::put_account)
    }),
    route(Method::POST, "/api/v1/connections/{id}/rights", CONFIGURE, SMALL, || routing::post(rights::check)),
    route(Method::GET, "/api/v1/nodes", READ, SMALL, || routing::get(nodes::list)),
    route(Method::POST, "/api/v1/nodes/{id}/promote", NODES, SMALL, || routing::post(nodes::promote)),
    route(Method::PUT, "/api/v1/nodes/{id}/address", NODES, SMALL, || routing::put(nodes::move_to)),
    route(Method::PUT, "/api/v1/nodes/{id}/site-url", NODES, SMALL, || routing::put(nodes::set_site_url)),
    route(Method::DELETE, "/api/v1/nodes/{id}", NODES, SMALL, || routing::delete(nodes::remove)),
    route(Method::POST, "/api/v1/leader/transfer", NODES, SMALL, || routing::post(nodes::transfer_leader)),
    route(Method::POST, "/api/v1/join-tokens", NODES, SMALL, || routing::post(tokens::create_join_token)),
    route(Method::POST, "/api/v1/api-tokens", NODES, SMALL, || routing::post(tokens::create_api_token)),
    route(Method::DELETE, "/api/v1/api-tokens/{id}", NODES, SMALL, || {
        routing::delete(tokens::revoke_api_token)
    }),
    route(Method::POST, "/api/v1/join", Access::Open, SMALL, || routing::post(join::join)),
    route(Method::POST, "/api/v1/backups", BACKUP, SMALL, || routing::post(backup::make)),
    route(Method::GET, "/api/v1/keys", READ, SMALL, || routing::get(keys::show)),
    route(Method::POST, "/api/v1/keys/rotate", NODES, SMALL, || routing::post(keys::rotate)),
    route(Method::DELETE, "/api/v1/keys/{id}", NODES, SMALL, || routing::delete(keys::retire)),
    route(Method::POST, "/api/v1/certificate/renew", NODES, SMALL, || routing::post(keys::renew_certificate)),
    route(Method::GET, "/api/v1/upgrade", READ, SMALL, || routing::get(upgrade::show)),
    route(Method::POST, "/api/v1/upgrade/finalise", NODES, SMALL, || routing::post(upgrade::finalise)),
    route(Method::GET, "/api/v1/directory/points", READ, SMALL, || routing::get(directory::points)),
    route(Method::POST, "/api/v1/directory/points/remove", CONFIGURE, SMALL, || {
        routing::post(directory::remove_point)
    }),
    route(Method::GET, "/api/v1/directory/mirror", READ, SMALL, || routing::get(directory::mirror)),
    route(Method::POST, "/api/v1/directory/mirror/rebuild", CONFIGURE, SMALL, || {
        routing::post(directory::rebuild)
    }),
    route(Method::PUT, "/api/v1/mail", CONFIGURE, CONFIG, || routing::put(mail::put)),
    route(Method::POST, "/api/v1/mail/test", CONFIGURE, SMALL, || routing::post(mail::test)),
    route(Method::GET, "/api/v1/mail/queue", READ, SMALL, || routing::get(mail::queue)),
    route(Method::POST, "/api/v1/drills", NODES, SMALL, || routing::post(drills::record)),
    route(Method::POST, "/api/v1/users/explain", PROFILES, SMALL, || routing::post(users::why)),
    route(Method::GET, "/api/v1/users/count", PROFILES, SMALL, || routing::get(profiles::count_users)),
    route(Method::POST, "/api/v1/profiles/migrate", PROFILES, SMALL, || routing::post(profiles::migrate)),
    route(Method::POST, "/api/v1/profiles/unregister", PROFILES, CONFIG, || {
        routing::post(profiles::unregister)
    }),
    route(Method::POST, "/api/v1/profiles/import", PROFILES, CONFIG, || routing::post(profiles::import)),
    route(Method::GET, "/api/v1/audit", READ, SMALL, || routing::get(audit::list)),
];

/// Puts the guard of [`Access::Monitor`] before each route of a router.
pub(crate) fn for_monitors(monitoring: Router, ports: Ports, crowd: Crowd) -> Router {
    let guard = auth::Guard { ports: Arc::new(ports), crowd, access: Access::Monitor };
    monitoring.route_layer(from_fn_with_state(guard, auth::guard))
}

const fn route(
    method: Method,
    path: &'static str,
    access: Access,
    body_limit: usize,
    handler: fn() -> MethodRouter<Shared>,
) -> Route {
    Route { method, path, access, body_limit, handler }
}

/// The API, with its full paths.
pub fn router(ports: Ports, crowd: Crowd) -> Router {
    let shared: Shared = Arc::new(ports);
    let workshop = profiles::Workshop::of(&crowd);
    ROUTES
        .iter()
        .fold(Router::new(), |router, route| {
            let guard =
                auth::Guard { ports: Arc::clone(&shared), crowd: crowd.clone(), access: route.access };
            let guarded = (route.handler)()
                .route_layer(DefaultBodyLimit::max(route.body_limit))
                .route_layer(Extension(workshop.clone()))
                .route_layer(from_fn_with_state(guard, auth::guard));
            router.route(route.path, guarded)
        })
        .route("/api", routing::any(problem::no_such_route))
        .route("/api/", routing::any(problem::no_such_route))
        .route("/api/{*rest}", routing::any(problem::no_such_route))
        .method_not_allowed_fallback(problem::no_such_method)
        .with_state(shared)
}
