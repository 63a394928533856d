//! The part of the fuzz targets that needs this module's own readers.

use super::auth::bearer;
use super::request::{base_revision, if_absent, if_match};
use http::header::{AUTHORIZATION, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName};

/// Reads each header that `with` makes.
pub(crate) fn headers(with: &dyn Fn(HeaderName) -> HeaderMap) {
    let conditions = with(IF_MATCH);
    drop(if_match(&conditions));
    drop(base_revision(&conditions));
    drop(if_absent(&with(IF_NONE_MATCH)));
    let authorization = with(AUTHORIZATION);
    authorization.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
}
