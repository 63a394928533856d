//! The paths under which the replaced product served its sites, in any case and with anything behind, so that old clients
//! and bookmarks work.
//!
//! `/PMUser` and `/PMUserADLDS` are what old clients at the logon screen open. They are led on by 302: the web view of an
//! old Windows does not know 308. What they say of the visitor's computer goes along.

use crate::page_error::Failure;
use crate::self_service::computer::Computer;
use crate::self_service::door::Door;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use passquorum_domain::error_code::ErrorCode;

const SELF_SERVICE: [(&str, Door); 4] = [
    ("pmuser", Door::OldLogon),
    ("pmuseradlds", Door::OldLogon),
    ("pmselfservice", Door::Browser),
    ("pmnewuser", Door::Browser),
];
const STAFF: [(&str, &str); 2] = [("pmhelpdesk", "/helpdesk/"), ("pmadmin", "/admin/")];

/// Leads old paths of every site on; any other path is not there.
pub(crate) async fn every_site(method: Method, uri: Uri) -> Response {
    lead(&method, self_service(&uri).or_else(|| staff(&uri)))
}

/// The same where only the Self-Service site is.
pub(crate) async fn self_service_only(method: Method, uri: Uri) -> Response {
    lead(&method, self_service(&uri))
}

fn self_service(uri: &Uri) -> Option<String> {
    let door = behind(uri, &SELF_SERVICE)?;
    Some(format!("{}{}", door.home(), Computer::of(uri).query()))
}

fn staff(uri: &Uri) -> Option<String> {
    behind(uri, &STAFF).map(str::to_owned)
}

fn behind<T: Copy>(uri: &Uri, old: &[(&str, T)]) -> Option<T> {
    let first = uri.path().split('/').nth(1).unwrap_or_default();
    old.iter().find(|(name, _)| name.eq_ignore_ascii_case(first)).map(|(_, target)| *target)
}

fn lead(method: &Method, target: Option<String>) -> Response {
    let target = target.filter(|_| [Method::GET, Method::HEAD].contains(method));
    match target.map(HeaderValue::try_from) {
        Some(Ok(target)) => (StatusCode::FOUND, [(header::LOCATION, target)]).into_response(),
        Some(Err(error)) => Failure::internal(error).into_response(),
        None => Failure::new(ErrorCode::NotFound).into_response(),
    }
}
