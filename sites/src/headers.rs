//! Around every request: its id, its visitor, the page for a failure, and the headers that keep a browser safe.

use crate::app::App;
use crate::crowd::{Full, marked};
use crate::extract::{LANGUAGE, Visit, speaks};
use crate::limits;
use crate::locale::{Key, Spoken, Wishes};
use crate::page_error::Failure;
use crate::self_service::computer::Computer;
use crate::session::{self, BrowserId};
use crate::text;
use crate::view;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::limit::Limit;
use passquorum_domain::mail::Language;
use passquorum_domain::ports::fresh_uuid;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// For what is no page: nothing of it is shown, run or framed.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

const FIXED: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Finishes the sites' routes: a page for unknown methods, and [`around`] all of it.
pub(crate) fn wrap(sites: Router<App>, app: App) -> Router {
    sites
        .method_not_allowed_fallback(|| async {
            Failure::bad_input(Key("bad-method")).status(StatusCode::METHOD_NOT_ALLOWED)
        })
        .layer(from_fn_with_state(app.clone(), around))
        .with_state(app)
}

async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let known = BrowserId::from_headers(request.headers());
    let (spoken, chosen) = spoken(&app, &request);
    let visit = Visit {
        request: fresh_uuid(&*app.ports.entropy),
        browser: known.unwrap_or_else(|| BrowserId::fresh(&app.ports)),
        source: limits::source_of(&request, &app.settings).into(),
        path: request.uri().path().to_owned(),
        headers: request.headers().clone(),
        spoken,
        computer: Computer::of(request.uri()),
    };
    request.extensions_mut().insert(visit.clone());
    let mut response = match app.crowd.enter(&request) {
        Ok(_until_answered) => next.run(request).await,
        Err(Full) => {
            let failure = Failure::new(ErrorCode::TooManyRequests).saying(text::SOURCE_IS_FULL);
            marked(failure.into_response(), Limit::SourceRequests)
        }
    };
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        failure.log(visit.request);
        let mut page = view::failure_page(&app, &visit, &failure);
        *page.extensions_mut() = std::mem::take(response.extensions_mut());
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            page.headers_mut().append(header::SET_COOKIE, cookie.clone());
        }
        response = page;
    }
    let for_people = !visit.path.starts_with("/api/") && !visit.path.starts_with("/static/");
    if known.is_none() && for_people {
        response.headers_mut().append(header::SET_COOKIE, visit.browser.set_cookie());
    }
    if let Some(language) = chosen {
        response.headers_mut().append(header::SET_COOKIE, session::language_cookie(&language));
    }
    if for_people {
        tell_language(response.headers_mut(), &visit);
    }
    secure(response.headers_mut(), &visit);
    response
}

/// Gives any answer of a node the headers that keep a browser safe, as far as it has none of its own: the API's, probes, and what
/// is answered before anybody looks at a request.
pub fn guard(headers: &mut HeaderMap) {
    let others = [(header::CONTENT_SECURITY_POLICY, NO_PAGE), (header::CACHE_CONTROL, "no-store")];
    for (name, value) in others.into_iter().chain(FIXED) {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// What the visitor reads, and the language that this very request chooses for the next ones too.
fn spoken(app: &App, request: &Request) -> (Spoken, Option<Language>) {
    let locales = &app.settings.locales;
    if !speaks(request.uri().path()) {
        return (Spoken::english(), None);
    }
    let mut pairs =
        request.uri().query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let asked = pairs.find(|(key, _)| *key == LANGUAGE).and_then(|(_, tag)| tag.parse().ok());
    let asked = asked.filter(|language| locales.has(language));
    let config = app.ports.local_config();
    let wishes = Wishes {
        chosen: asked.clone().or_else(|| session::chosen_language(request.headers())),
        headers: request.headers(),
        usual: config.as_ref().and_then(|config| config.general.mail.as_ref()).map(|mail| &mail.language),
    };
    (locales.choose(wishes), asked)
}

fn tell_language(headers: &mut HeaderMap, visit: &Visit) {
    if let Ok(language) = HeaderValue::try_from(visit.spoken.texts.language().as_str()) {
        headers.insert(header::CONTENT_LANGUAGE, language);
    }
    if visit.has_languages() {
        headers.append(header::VARY, HeaderValue::from_static("Accept-Language, Cookie"));
    }
}

fn secure(headers: &mut HeaderMap, visit: &Visit) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Ok(id) = HeaderValue::try_from(visit.request.to_string()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}
