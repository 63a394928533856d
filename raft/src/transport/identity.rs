//! Who a peer is, as its certificate says: a URI `pq://<realm>/<epoch>/node/<id>/<role>` in the subject's alternative
//! names, and the DNS name `node-<id>.passquorum` beside it.

use passquorum_domain::ids::{NodeId, RealmId};
use passquorum_domain::instance::Role;
use std::fmt;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A node's name in certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerIdentity {
    /// The realm.
    pub realm: RealmId,
    /// The realm's epoch when the certificate was made.
    pub epoch: u32,
    /// The node.
    pub node: NodeId,
    /// Its role when the certificate was made.
    pub role: Role,
}

/// A certificate that names no node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It cannot be read.
    #[error("the certificate cannot be read: {0}")]
    Unreadable(String),
    /// Not exactly one identity is in it.
    #[error("the certificate has {0} alternative names that begin with pq://; one is needed")]
    NotOne(usize),
    /// The name is not an identity.
    #[error("{0:?} is not of the form pq://<realm>/<epoch>/node/<id>/<role>")]
    Malformed(String),
}

const SCHEME: &str = "pq://";

impl PeerIdentity {
    /// The name for the URI entry of the certificate.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("{SCHEME}{}/{}/node/{}/{}", self.realm, self.epoch, self.node, self.role)
    }

    /// The name for the DNS entry of the certificate.
    #[must_use]
    pub fn dns_name(&self) -> String {
        dns_name(self.node)
    }

    /// Reads [`PeerIdentity::uri`] back.
    ///
    /// # Errors
    /// [`IdentityError::Malformed`].
    pub fn parse(uri: &str) -> Result<Self, IdentityError> {
        let malformed = || IdentityError::Malformed(uri.chars().take(200).collect());
        let parts: Vec<&str> = uri.strip_prefix(SCHEME).ok_or_else(malformed)?.split('/').collect();
        let [realm, epoch, "node", node, role] = parts.as_slice() else { return Err(malformed()) };
        let identity = Self {
            realm: realm.parse().map_err(|_| malformed())?,
            epoch: epoch.parse().map_err(|_| malformed())?,
            node: NodeId(node.parse().map_err(|_| malformed())?),
            role: Role::parse(role).ok_or_else(malformed)?,
        };
        if identity.uri() == uri { Ok(identity) } else { Err(malformed()) }
    }

    /// The identity in a certificate, whose signature the caller has checked.
    ///
    /// # Errors
    /// The certificate names no node, or more than one.
    pub fn of_certificate(der: &[u8]) -> Result<Self, IdentityError> {
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|e| IdentityError::Unreadable(e.to_string()))?;
        let names = certificate
            .subject_alternative_name()
            .map_err(|e| IdentityError::Unreadable(e.to_string()))?
            .map(|extension| extension.value.general_names.as_slice())
            .unwrap_or_default();
        let uris: Vec<&str> = names
            .iter()
            .filter_map(|name| match name {
                GeneralName::URI(uri) if uri.starts_with(SCHEME) => Some(*uri),
                _ => None,
            })
            .collect();
        match uris.as_slice() {
            [uri] => Self::parse(uri),
            other => Err(IdentityError::NotOne(other.len())),
        }
    }
}

impl fmt::Display for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri())
    }
}

pub(crate) fn dns_name(node: NodeId) -> String {
    format!("node-{node}.passquorum")
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn an_identity_has_one_spelling() {
        let identity = PeerIdentity {
            realm: RealmId(Uuid::from_u128(9)),
            epoch: 2,
            node: NodeId(7),
            role: Role::DmzLearner,
        };
        let uri = "pq://00000000-0000-0000-0000-000000000009/2/node/7/dmz-learner";
        assert_eq!(identity.uri(), uri);
        assert_eq!(PeerIdentity::parse(uri), Ok(identity));
        for wrong in [
            "http://00000000-0000-0000-0000-000000000009/2/node/7/voter",
            "pq://00000000-0000-0000-0000-000000000009/02/node/7/voter",
            "pq://00000000-0000-0000-0000-000000000009/2/node/+7/voter",
            "pq://00000000-0000-0000-0000-000000000009/2/node/7/voter/",
            "pq://00000000-0000-0000-0000-000000000009/2/node/7/king",
        ] {
            assert!(PeerIdentity::parse(wrong).is_err(), "{wrong}");
        }
    }
}
