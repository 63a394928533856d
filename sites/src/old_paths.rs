//! The paths under which the replaced product served its sites, in any case and with anything behind, so that old clients
//! and bookmarks work.
//!
//! `/PMUser` and `/PMUserADLDS` are what old clients at the logon screen open. They are led on by 302: the web view of an
//! old Windows does not know 308.

use crate::page_error::Failure;
use crate::self_service::door::Door;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use passquorum_domain::error_code::ErrorCode;

const SELF_SERVICE: [(&str, &str); 4] = [
    ("pmuser", Door::OldLogon.home()),
    ("pmuseradlds", Door::OldLogon.home()),
    ("pmselfservice", Door::Browser.home()),
    ("pmnewuser", Door::Browser.home()),
];
const STAFF: [(&str, &str); 2] = [("pmhelpdesk", "/helpdesk/"), ("pmadmin", "/admin/")];

/// Leads old paths of every site on; any other path is not there.
pub(crate) async fn every_site(method: Method, uri: Uri) -> Response {
    lead(&method, uri.path(), SELF_SERVICE.iter().chain(&STAFF))
}

/// The same where only the Self-Service site is.
pub(crate) async fn self_service_only(method: Method, uri: Uri) -> Response {
    lead(&method, uri.path(), SELF_SERVICE.iter())
}

fn lead<'o>(
    method: &Method,
    path: &str,
    mut old: impl Iterator<Item = &'o (&'o str, &'static str)>,
) -> Response {
    let first = path.split('/').nth(1).unwrap_or_default();
    match old.find(|(name, _)| name.eq_ignore_ascii_case(first)) {
        Some((_, target)) if [Method::GET, Method::HEAD].contains(method) => {
            let mut response = StatusCode::FOUND.into_response();
            response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(target));
            response
        }
        _ => Failure::new(ErrorCode::NotFound).into_response(),
    }
}
