//! People who work on the Admin and Helpdesk sites: how they sign in and out, and the guard before every other page.
//!
//! Invariant: a site's router is built from its route table only, and every route that is not open has the guard before
//! it; a handler behind it finds the [`Staff`] in the request's extensions.

use crate::app::App;
use crate::extract::{Form, Visit};
use crate::locale::Key;
use crate::page_error::Failure;
use crate::session::Staff;
use crate::sign_in;
use crate::text;
use crate::view::{Page, Problems, go, render, render_as};
use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http::request::Parts;
use http::{Method, StatusCode, header};
use passquorum_domain::audit::{AuditEvent, Site};
use passquorum_domain::directory::LoginName;
use passquorum_domain::error_code::ErrorCode;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone: the sign-in itself.
    Open,
    /// Who is signed in on the site.
    SignedIn,
}

/// One route of a site where people sign in.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{…}` for what varies.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    handler: fn() -> MethodRouter<App>,
}

impl Route {
    /// A page.
    pub(crate) const fn get(path: &'static str, handler: fn() -> MethodRouter<App>) -> Self {
        Self { method: Method::GET, path, access: Access::SignedIn, handler }
    }

    /// A form that was sent.
    pub(crate) const fn post(path: &'static str, handler: fn() -> MethodRouter<App>) -> Self {
        Self { method: Method::POST, path, access: Access::SignedIn, handler }
    }

    /// A route for anyone.
    pub(crate) const fn open(method: Method, path: &'static str, handler: fn() -> MethodRouter<App>) -> Self {
        Self { method, path, access: Access::Open, handler }
    }
}

/// The routes of a table.
pub(crate) fn router(app: &App, site: Site, routes: &[Route]) -> Router<App> {
    routes.iter().fold(Router::new(), |router, route| {
        let handler = (route.handler)();
        let handler = match route.access {
            Access::Open => handler,
            Access::SignedIn => handler.route_layer(from_fn_with_state((app.clone(), site), guard)),
        };
        router.route(route.path, handler)
    })
}

async fn guard(State((app, site)): State<(App, Site)>, mut request: Request, next: Next) -> Response {
    let staff = request
        .extensions()
        .get::<Visit>()
        .and_then(|visit| Staff::read(&app.ports, visit.browser, &visit.headers, site));
    let reads = request.method() == Method::GET;
    let Some(staff) = staff else {
        let refused = || Failure::new(ErrorCode::Unauthenticated).again(sign_in_path(site)).into_response();
        return if reads { go(sign_in_path(site), None) } else { refused() };
    };
    // The Helpdesk site looks at the roles itself, for the person who is to be helped.
    if site == Site::Admin && !reads {
        match sign_in::holds(&app.ports, &staff).await {
            Ok(true) => {}
            Ok(false) => return signed_out(&app, &staff).await.unwrap_or_else(IntoResponse::into_response),
            Err(failure) => return failure.again(home(site)).into_response(),
        }
    }
    request.extensions_mut().insert(staff);
    next.run(request).await
}

/// The answer to whoever has lost the role since they signed in.
async fn signed_out(app: &App, staff: &Staff) -> Result<Response, Failure> {
    let event = AuditEvent::SignInRefused(staff.site);
    app.ports
        .record(staff.actor(), event, Some(staff.subject), "signed in, but no longer in the role")
        .await?;
    let failure = Failure::new(ErrorCode::Unauthenticated).again(sign_in_path(staff.site));
    let mut answer = failure.into_response();
    answer.headers_mut().append(header::SET_COOKIE, Staff::sign_out(staff.site));
    Ok(answer)
}

impl FromRequestParts<App> for Staff {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let staff = parts.extensions.get::<Self>().cloned();
        staff.ok_or_else(|| Failure::internal("no staff: the route has no guard"))
    }
}

fn sign_in_path(site: Site) -> &'static str {
    match site {
        Site::Helpdesk => "/helpdesk/sign-in",
        Site::Admin | Site::SelfService => "/admin/sign-in",
    }
}

fn home(site: Site) -> &'static str {
    match site {
        Site::Helpdesk => "/helpdesk/",
        Site::Admin | Site::SelfService => "/admin/",
    }
}

#[derive(Template)]
#[template(path = "admin/sign_in.html")]
struct SignInPage {
    page: Page,
    action: &'static str,
    name: String,
    problems: Problems,
}

impl SignInPage {
    fn new(app: &App, visit: &Visit, site: Site, name: &str, problems: Problems) -> Result<Self, Failure> {
        let page = Page::new(app, visit, site, Key("sign-in"))?;
        Ok(Self { page, action: sign_in_path(site), name: name.to_owned(), problems })
    }
}

/// The sign-in page.
pub(crate) async fn show_sign_in(app: App, visit: Visit, site: Site) -> Result<Response, Failure> {
    render(&SignInPage::new(&app, &visit, site, "", Problems::default())?)
}

/// Signs in, and leads on to the site.
pub(crate) async fn sign_in(app: App, visit: Visit, form: Form, site: Site) -> Result<Response, Failure> {
    let typed = form.text("name").unwrap_or("").trim();
    let mut problems = Problems::default();
    let name = problems.take("name", LoginName::parse(typed).map_err(|_| text::NAME_INVALID));
    let password = problems.take("password", form.password("password"));
    let (Some(name), Some(password)) = (name, password) else {
        let page = SignInPage::new(&app, &visit, site, typed, problems)?;
        return render_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let attempt = sign_in::sign_in(&app.ports, site, &name, &password, visit.source.address);
    match app.on_the_grid(attempt).await {
        Ok(staff) => Ok(go(home(site), Some(staff.keep(&app.ports, visit.browser)?))),
        Err(failure) if failure.code == ErrorCode::WrongCredentials => {
            problems.add("", text::WRONG_PASSWORD);
            let page = SignInPage::new(&app, &visit, site, typed, problems)?;
            render_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(failure) => Err(failure.again(sign_in_path(site))),
    }
}

/// Signs out.
pub(crate) async fn sign_out(_: Form, site: Site) -> Response {
    go(sign_in_path(site), Some(Staff::sign_out(site)))
}
