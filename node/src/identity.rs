//! Who a node is, as its certificate says: the URI `pq://<realm>/<epoch>/node/<id>/<role>` among the alternative names.
//!
//! The certificate is the one place where a node's id, role and realm are kept on its own host.

use passquorum_domain::ids::{NodeId, RealmId};
use passquorum_domain::instance::Role;
use passquorum_domain::time::Timestamp;
use std::fmt;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What a node certificate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The realm.
    pub realm: RealmId,
    /// Its epoch.
    pub epoch: u32,
    /// The node.
    pub node: NodeId,
    /// Its role.
    pub role: Role,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pq://{}/{}/node/{}/{}", self.realm, self.epoch, self.node, self.role)
    }
}

/// The certificate is not one of a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It does not parse.
    #[error("it is not an X.509 certificate")]
    NotACertificate,
    /// It has no or several URIs of the form `pq://realm/epoch/node/id/role`.
    #[error("it does not name exactly one node of a realm")]
    NotANode,
}

impl Identity {
    /// Reads the URI form back.
    #[must_use]
    pub fn parse(uri: &str) -> Option<Self> {
        let mut parts = uri.strip_prefix("pq://")?.split('/');
        let realm = parts.next()?.parse().ok()?;
        let epoch = parts.next()?.parse().ok()?;
        let "node" = parts.next()? else { return None };
        let node = NodeId(parts.next()?.parse().ok()?);
        let role = Role::parse(parts.next()?)?;
        let identity = Self { realm, epoch, node, role };
        // Only the canonical form counts, so that two spellings never name one node.
        (parts.next().is_none() && identity.to_string() == uri).then_some(identity)
    }

    /// Reads it from a certificate (DER), with the end of the certificate's life.
    pub fn of_certificate(der: &[u8]) -> Result<(Self, Timestamp), IdentityError> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| IdentityError::NotACertificate)?;
        let names = certificate.subject_alternative_name().ok().flatten().ok_or(IdentityError::NotANode)?;
        let mut uris = names.value.general_names.iter().filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        });
        let identity = uris.next().and_then(Self::parse).ok_or(IdentityError::NotANode)?;
        if uris.next().is_some() {
            return Err(IdentityError::NotANode);
        }
        let end = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
        Ok((identity, Timestamp(end.saturating_mul(1000))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_reads_back_and_only_in_its_canonical_form() {
        let realm = RealmId(uuid::Uuid::from_u128(5));
        let identity = Identity { realm, epoch: 1, node: NodeId(3), role: Role::SiteLearner };
        let uri = identity.to_string();
        assert_eq!(Identity::parse(&uri), Some(identity));
        for bad in [
            uri.replace("pq:", "https:"),
            format!("{uri}/more"),
            uri.replace("/3/", "/03/"),
            uri.replace("site-learner", "root"),
            uri.to_uppercase(),
        ] {
            assert_eq!(Identity::parse(&bad), None, "{bad}");
        }
    }
}
