//! The joining side of admission: TLS to a voter, checked against the pin in the token before anything secret is sent.
//!
//! The server must present its chain with the realm authority's certificate in it. The authority's key must be the one
//! that the token pins, the server's certificate must be signed by it, and must name a voter of the realm: a site
//! learner's or DMZ learner's host may not collect tokens.

use crate::authority::pin_of;
use crate::config::SiteUrl;
use crate::http_connection::{AskError, ask};
use crate::listen::JOIN_SERVER_NAME;
use crate::token::JoinTokenText;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::instance::Role;
use passquorum_domain::ports::{JoinGrant, JoinRequest, SUPPORTED_LEVEL};
use passquorum_raft::PeerIdentity;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

const DEADLINE: Duration = Duration::from_secs(30);

/// The node was not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinError {
    /// No connection.
    #[error("{server} cannot be reached: {source}")]
    Unreachable {
        /// Which.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// The server is not a voter of the token's realm. Nothing was sent.
    #[error(
        "{server} did not prove that it is a voter of the realm that made the token; nothing was sent: {source}"
    )]
    Untrusted {
        /// Which.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// It was sent, but no answer came.
    #[error(
        "no answer came from {0} in time; see `passquorum node list` there whether the node was admitted"
    )]
    NoAnswer(String),
    /// The connection broke.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The server refused.
    #[error("{0}")]
    Refused(crate::client::Problem),
    /// The answer makes no sense.
    #[error("the answer of {0} cannot be understood")]
    BadAnswer(String),
}

/// Brings the token to a voter and takes what it grants.
pub(crate) async fn join(
    server: &SiteUrl,
    token: &JoinTokenText,
    request: &JoinRequest,
) -> Result<JoinGrant, JoinError> {
    let name = server.authority();
    let work = async {
        let unreachable = |source| JoinError::Unreachable { server: name.clone(), source };
        let tcp = TcpStream::connect(&name).await.map_err(unreachable)?;
        tcp.set_nodelay(true).map_err(unreachable)?;
        let untrusted = |source| JoinError::Untrusted { server: name.clone(), source };
        let connector = TlsConnector::from(pinned(token.pin).map_err(|e| untrusted(io::Error::other(e)))?);
        let sni = ServerName::try_from(JOIN_SERVER_NAME).map_err(|e| untrusted(io::Error::other(e)))?;
        let stream = connector.connect(sni, tcp).await.map_err(untrusted)?;
        let bad_answer = || JoinError::BadAnswer(name.clone());
        let body = Zeroizing::new(serde_json::to_vec(request).map_err(|_| bad_answer())?);
        let request = Request::post("/api/v1/join")
            .header(http::header::HOST, &name)
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(SUPPORTED_LEVEL, FeatureLevel::CURRENT.number())
            .body(Full::new(Bytes::copy_from_slice(&body)))
            .map_err(|_| bad_answer())?;
        let answer = ask(stream, request).await?;
        if answer.status().is_success() {
            serde_json::from_slice(answer.body()).map_err(|_| bad_answer())
        } else {
            Err(JoinError::Refused(crate::client::Problem::read(answer.status(), answer.body())))
        }
    };
    tokio::time::timeout(DEADLINE, work).await.unwrap_or_else(|_| Err(JoinError::NoAnswer(name.clone())))
}

fn pinned(pin: [u8; 32]) -> Result<Arc<rustls::ClientConfig>, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(PinnedAuthority { pin, provider: Arc::clone(&provider) });
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[derive(Debug)]
struct PinnedAuthority {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedAuthority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let refused = |error| rustls::Error::InvalidCertificate(error);
        let authority = intermediates
            .iter()
            .find(|certificate| pin_of(certificate).is_ok_and(|pin| pin == self.pin))
            .ok_or_else(|| refused(CertificateError::UnknownIssuer))?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], now, algorithms)?;
        match PeerIdentity::of_certificate(end_entity) {
            Ok(identity) if identity.role == Role::Voter => Ok(ServerCertVerified::assertion()),
            _ => Err(refused(CertificateError::InvalidPurpose)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::{Authority, NewAuthority, Validity, pin_of_pem, signing_request};
    use passquorum_domain::ids::{NodeId, RealmId};
    use passquorum_domain::time::{Span, Timestamp};
    use rustls_pki_types::pem::PemObject as _;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn der(pem: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    fn chain(role: Role) -> (CertificateDer<'static>, String) {
        let realm = RealmId(uuid::Uuid::from_u128(1));
        let new = NewAuthority::create(realm, NOW).unwrap();
        let authority = Authority::open(&new.certificate, &new.key).unwrap();
        let csr = signing_request(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let identity = PeerIdentity { realm, epoch: 1, node: NodeId(1), role };
        (
            der(&authority
                .sign(&csr, &identity, &[], [1; 16], Validity::lasting(NOW, Span::hours(24)))
                .unwrap()),
            new.certificate,
        )
    }

    fn verify(pin: [u8; 32], end: &CertificateDer<'_>, rest: &[CertificateDer<'_>]) -> bool {
        let verifier = PinnedAuthority { pin, provider: Arc::new(ring::default_provider()) };
        let name = ServerName::try_from(JOIN_SERVER_NAME).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_millis(NOW.0));
        verifier.verify_server_cert(end, rest, &name, &[], now).is_ok()
    }

    #[test]
    fn only_a_voter_under_the_pinned_authority_is_trusted_with_a_token() {
        let (voter, authority) = chain(Role::Voter);
        let pin = pin_of_pem(&authority).unwrap();
        let rest = [der(&authority)];
        assert!(verify(pin, &voter, &rest));
        assert!(!verify([0; 32], &voter, &rest), "another pin");
        assert!(!verify(pin, &voter, &[]), "the authority is not presented");
        let (stranger, other) = chain(Role::Voter);
        assert!(!verify(pin, &stranger, &[der(&other)]), "another realm");
        assert!(!verify(pin, &stranger, &[der(&authority)]), "not signed by the authority it presents");
        let (dmz, authority) = chain(Role::DmzLearner);
        assert!(!verify(pin_of_pem(&authority).unwrap(), &dmz, &[der(&authority)]), "not a voter");
    }
}
