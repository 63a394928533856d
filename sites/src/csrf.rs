//! The token that ties a form to the browser it was rendered for: a keyed hash of the browser's id, so that another
//! site, which cannot read the page, cannot forge it, and any node can check it.

use crate::page_error::Failure;
use crate::ports::Ports;
use crate::session::BrowserId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ports::{Purpose, VaultError};
use subtle::ConstantTimeEq;

/// The form field.
pub(crate) const FIELD: &str = "csrf";

/// The token of a browser.
pub(crate) fn token(ports: &Ports, browser: BrowserId) -> Result<String, VaultError> {
    let data = [b"passquorum csrf token: ".as_slice(), browser.as_bytes()].concat();
    ports.vault.keyed_hash(Purpose::Session, &data).map(|hash| URL_SAFE_NO_PAD.encode(hash.0))
}

/// Refuses a form whose token is not this browser's.
pub(crate) fn check(ports: &Ports, browser: BrowserId, given: Option<&str>) -> Result<(), Failure> {
    let expected = token(ports, browser)?;
    let right = given.is_some_and(|given| given.as_bytes().ct_eq(expected.as_bytes()).into());
    if right { Ok(()) } else { Err(Failure::new(ErrorCode::Csrf)) }
}
