//! An HTTPS client for the tests: the one place that chooses its cryptography and whom it trusts.

use std::time::Duration;

use crate::rig::RigError;

/// Whose certificates a client accepts.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// Only servers with a certificate of this authority, in PEM.
    Authority(&'a [u8]),
    /// Any server: for asking whether a node is ready, not for sending secrets.
    Anyone,
}

/// A client that keeps connections and cookies, follows no redirect, and gives up after ten seconds.
///
/// # Errors
/// [`RigError::Http`] when the authority is not PEM.
pub fn client(trust: Trust<'_>) -> Result<reqwest::Client, RigError> {
    // Fails only when a provider is installed already, which then is ring as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .cookie_store(true)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10));
    let builder = match trust {
        Trust::Authority(pem) => builder.add_root_certificate(reqwest::Certificate::from_pem(pem)?),
        Trust::Anyone => builder.danger_accept_invalid_certs(true),
    };
    Ok(builder.build()?)
}
