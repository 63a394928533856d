//! The realm's authority and its certificates, from keys that are always the same. The keys protect nothing: they exist
//! so that the production handshakes run, with the same certificates in every run of a seed.

use crate::time::TrueTime;
use passquorum_domain::ids::{NodeId, RealmId};
use passquorum_domain::instance::Role;
use passquorum_raft::{PeerIdentity, PeerTls};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
};
use std::sync::Arc;
use uuid::Uuid;

const AUTHORITY_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIGNz30qAVlURo64flyueCHjzGQA2jC1mLqOKg5bL55Zk
-----END PRIVATE KEY-----
";
const NODE_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIHmosbPJ//lTN6e3WFjU4rYp8OtaKsGtLzwmPyd8XlYx
-----END PRIVATE KEY-----
";

/// The simulated realm.
pub const REALM: RealmId = RealmId(Uuid::from_u128(0x7ea1));
const EPOCH: u32 = 1;

/// Certificates could not be made; the message says why.
#[derive(Debug, thiserror::Error)]
#[error("the simulated authority: {0}")]
pub struct AuthorityError(String);

/// Signs certificates for nodes.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub certificate: String,
}

impl Authority {
    /// The one that every run has.
    pub fn new() -> Result<Self, AuthorityError> {
        let key = KeyPair::from_pem(AUTHORITY_KEY).map_err(failed)?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.distinguished_name.push(DnType::CommonName, "simulated realm");
        let certificate = params.self_signed(&key).map_err(failed)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// What a node shows its peers. Made anew for each life of a node, so that nothing of a session outlives a crash.
    pub fn tls(&self, node: NodeId, role: Role) -> Result<PeerTls, AuthorityError> {
        let identity = PeerIdentity { realm: REALM, epoch: EPOCH, node, role };
        let key = KeyPair::from_pem(NODE_KEY).map_err(failed)?;
        let mut params = CertificateParams::new(vec![identity.dns_name()]).map_err(failed)?;
        params.subject_alt_names.push(SanType::URI(identity.uri().try_into().map_err(failed)?));
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?.pem();
        // What the provider draws changes bytes on the wire but neither their number nor their timing, and the code
        // under test never looks at them; so it may be the real one.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = PeerTls::with_provider(
            &certificate,
            NODE_KEY,
            &self.certificate,
            REALM,
            EPOCH,
            provider,
            Arc::new(TrueTime),
        );
        tls.map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> AuthorityError {
    AuthorityError(error.to_string())
}
