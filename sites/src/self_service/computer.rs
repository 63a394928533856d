//! The domain controller that the visitor's computer uses, as an old client at the logon screen tells it: `?dc=NAME` of the
//! first address. Each page hands it on to the next, until the form with the user name takes it along; from then on the run
//! itself keeps to the controller that it began on.
//!
//! Invariant: what is handed on is a host's name and nothing else. Whether it counts for anything is said where the
//! controllers are known.

use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use passquorum_domain::directory::ClientController;
use std::convert::Infallible;

/// What it is called in addresses and in the form.
pub(crate) const FIELD: &str = "dc";

/// What a page was told of the visitor's computer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Computer(Option<ClientController>);

impl Computer {
    pub(crate) fn of(uri: &Uri) -> Self {
        let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs.filter(|(key, _)| *key == FIELD).map(|(_, value)| value).next();
        // An escaped backslash is the only one that such a name may have.
        let value = value.map(|value| value.replace("%5C", "\\").replace("%5c", "\\"));
        Self(value.as_deref().and_then(ClientController::parse))
    }

    pub(crate) fn named(text: Option<&str>) -> Self {
        Self(text.and_then(ClientController::parse))
    }

    /// Behind an address: nothing, or `?dc=NAME`.
    pub(crate) fn query(&self) -> String {
        self.0.as_ref().map_or_else(String::new, |named| format!("?{FIELD}={}", named.as_str()))
    }

    /// For the form: nothing, or the name.
    pub(crate) fn name(&self) -> &str {
        self.0.as_ref().map_or("", ClientController::as_str)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Computer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.uri))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hosts_name_is_handed_on() {
        let query = |uri: &str| Computer::of(&uri.parse().unwrap()).query();
        assert_eq!(query("/?dc=DC1.corp.example"), "?dc=dc1.corp.example");
        assert_eq!(query("/x?a=b&dc=%5C%5cDC1&dc=dc2"), "?dc=dc1");
        for none in
            ["/", "/?x", "/?dc", "/?dc=", "/?dc=a%0d%0aSet-Cookie", "/?dc=a/b", "/?dc=%22%3E", "/?DC=dc1"]
        {
            assert_eq!(query(none), "", "{none}");
        }
    }
}
