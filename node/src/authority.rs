//! The realm's certificate authority: made once by `init`, kept in the replicated state with its private key sealed.
//!
//! It signs only keys whose owner proved possession (PKCS#10), and decides alone what a certificate says: nothing of a
//! request but its public key is used. A node certificate serves both ends of peer connections and the sites.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use passquorum_domain::time::{Span, Timestamp};
use passquorum_raft::PeerIdentity;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PublicKeyData as _, SanType, SerialNumber,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

/// How long the authority's own certificate is valid.
const AUTHORITY_LIFE: Span = Span::hours(24 * 365 * 20);
/// An authority that is brought along has to last at least so long.
const LEAST_LEFT: Span = Span::hours(24 * 30);
/// Certificates are valid from a little earlier, for hosts whose clocks are behind.
const CLOCK_SKEW: Span = Span::hours(1);

impl Validity {
    /// For so long.
    #[must_use]
    pub fn lasting(from: Timestamp, life: Span) -> Self {
        Self { from, until: from.plus(life) }
    }
}

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The signing request does not parse, or its signature is wrong.
    #[error(
        "the certificate signing request is not valid PKCS#10 in PEM, or is not signed by its own key: {0}"
    )]
    BadRequest(rcgen::Error),
    /// A name for the certificate cannot be in one.
    #[error("{0} cannot stand in a certificate; use host:port with an ASCII host name or an IP address")]
    BadName(String),
    /// The authority itself failed.
    #[error("the realm authority cannot sign: {0}")]
    Signing(#[from] rcgen::Error),
    /// The authority's own certificate in the state does not parse.
    #[error("the realm authority's certificate does not parse")]
    Damaged,
    /// A certificate or key that was brought along cannot be a realm's authority.
    #[error("this cannot be the realm's authority: {0}")]
    Unfit(String),
}

/// A new authority, as `init` makes it.
pub struct NewAuthority {
    /// Its certificate.
    pub certificate: String,
    /// Its private key (PKCS#8 DER), to be sealed at once.
    pub key: Zeroizing<Vec<u8>>,
}

impl NewAuthority {
    /// Makes the authority of a realm.
    pub fn create(realm: passquorum_domain::ids::RealmId, now: Timestamp) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let valid = Validity::lasting(now, AUTHORITY_LIFE);
        let mut params = params(&format!("passquorum realm {realm}"), valid);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { certificate, key: Zeroizing::new(key.serialize_der()) })
    }

    /// Takes an authority that was made elsewhere, such as an intermediate one of a company's: its certificate and its
    /// private key (PKCS#8), both PEM. Whoever trusts the one above it trusts the sites of the realm.
    pub fn bring(certificate: &str, key: &str, now: Timestamp) -> Result<Self, AuthorityError> {
        let unfit = |why: &str| AuthorityError::Unfit(why.to_owned());
        let der = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|_| unfit("the certificate is not PEM"))?;
        let (_, parsed) =
            X509Certificate::from_der(&der).map_err(|_| unfit("the certificate cannot be read"))?;
        let signs =
            parsed.key_usage().is_ok_and(|usage| usage.is_some_and(|usage| usage.value.key_cert_sign()));
        if !parsed.is_ca() || !signs {
            return Err(unfit("the certificate is not one of an authority (CA:TRUE and keyCertSign)"));
        }
        // The parser's error could quote the key, so it is not passed on.
        let pair = KeyPair::from_pem_and_sign_algo(key, &PKCS_ECDSA_P256_SHA256)
            .map_err(|_| unfit("the key is no EC key on P-256 in PKCS#8 PEM (BEGIN PRIVATE KEY)"))?;
        if parsed.public_key().raw != pair.subject_public_key_info().as_slice() {
            return Err(unfit("the key is not the one of the certificate"));
        }
        let valid = validity_of(&der).ok_or_else(|| unfit("its dates cannot be read"))?;
        if now < valid.from || valid.until < now.plus(LEAST_LEFT) {
            return Err(unfit("the certificate is not valid for the next 30 days"));
        }
        // Only this one: those above it are known to who trusts them.
        let certificate = pem_of(&der);
        Ok(Self { certificate, key: Zeroizing::new(pair.serialize_der()) })
    }
}

/// The authority, opened for signing.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    until: Timestamp,
}

/// From when until when a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// From.
    pub from: Timestamp,
    /// Until.
    pub until: Timestamp,
}

impl Authority {
    /// Takes the certificate (PEM) and the private key (PKCS#8 DER).
    pub fn open(certificate: &str, key: &[u8]) -> Result<Self, AuthorityError> {
        let key = PrivatePkcs8KeyDer::from(key);
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256)?;
        let der =
            CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| AuthorityError::Damaged)?;
        let until = validity_of(&der).ok_or(AuthorityError::Damaged)?.until;
        Ok(Self { issuer: Issuer::from_ca_cert_pem(certificate, key)?, until })
    }

    /// When a certificate ends that is signed now to live so long: no later than the authority's own.
    #[must_use]
    pub fn end_of(&self, now: Timestamp, life: Span) -> Timestamp {
        // Certificates count in whole seconds.
        Timestamp(now.plus(life).min(self.until).0 / 1000 * 1000)
    }

    /// Signs a certificate for the key of a signing request (PEM), for the node and the hosts of its addresses.
    pub fn sign(
        &self,
        csr: &str,
        identity: &PeerIdentity,
        hosts: &[String],
        serial: [u8; 16],
        valid: Validity,
    ) -> Result<String, AuthorityError> {
        let mut request =
            CertificateSigningRequestParams::from_pem(csr).map_err(AuthorityError::BadRequest)?;
        let mut params = params(&format!("passquorum node {}", identity.node), valid);
        params.subject_alt_names = vec![uri(identity)?, dns(&identity.dns_name())?];
        for host in hosts {
            let name = match host.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => dns(host)?,
            };
            if !params.subject_alt_names.contains(&name) {
                params.subject_alt_names.push(name);
            }
        }
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.use_authority_key_identifier_extension = true;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        request.params = params;
        let certificate: Certificate = request.signed_by(&self.issuer)?;
        Ok(certificate.pem())
    }
}

/// SHA-256 of the SubjectPublicKeyInfo of a certificate: what a join token pins.
pub fn pin_of(certificate: &CertificateDer<'_>) -> Result<[u8; 32], AuthorityError> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| AuthorityError::Damaged)?;
    Ok(Sha256::digest(parsed.public_key().raw).into())
}

/// [`pin_of`] a PEM certificate.
pub fn pin_of_pem(certificate: &str) -> Result<[u8; 32], AuthorityError> {
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| AuthorityError::Damaged)?;
    pin_of(&der)
}

/// From when until when a certificate is valid.
#[must_use]
pub fn validity_of(certificate: &CertificateDer<'_>) -> Option<Validity> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let time = |seconds: i64| Some(Timestamp(u64::try_from(seconds).ok()?.saturating_mul(1000)));
    let validity = parsed.validity();
    Some(Validity {
        from: time(validity.not_before.timestamp())?,
        until: time(validity.not_after.timestamp())?,
    })
}

/// The host part of `host:port` or of `https://host:port/…`; an IPv6 address stands in brackets.
#[must_use]
pub fn host_of(address: &str) -> &str {
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = address.split('/').next().unwrap_or(address);
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

fn pem_of(certificate: &CertificateDer<'_>) -> String {
    let text = STANDARD.encode(certificate);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn params(name: &str, valid: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date(valid.from.minus(CLOCK_SKEW));
    params.not_after = date(valid.until);
    params
}

fn date(at: Timestamp) -> OffsetDateTime {
    let seconds = i64::try_from(at.0 / 1000).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn uri(identity: &PeerIdentity) -> Result<SanType, AuthorityError> {
    let text = identity.uri();
    text.clone().try_into().map(SanType::URI).map_err(|_| AuthorityError::BadName(text))
}

fn dns(name: &str) -> Result<SanType, AuthorityError> {
    let fits = !name.is_empty()
        && name.len() <= 253
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    let bad = || AuthorityError::BadName(name.to_owned());
    if !fits {
        return Err(bad());
    }
    name.to_owned().try_into().map(SanType::DnsName).map_err(|_| bad())
}

/// A signing request for a node's own key; its subject says nothing, since the authority decides the names.
pub fn signing_request(key: &KeyPair) -> Result<String, AuthorityError> {
    Ok(CertificateParams::default().serialize_request(key)?.pem()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::ids::{NodeId, RealmId};
    use passquorum_domain::instance::Role;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const VALID: Validity = Validity { from: NOW, until: Timestamp(NOW.0 + 90 * 86_400_000) };

    fn realm() -> RealmId {
        RealmId(uuid::Uuid::from_u128(1))
    }

    fn identity() -> PeerIdentity {
        PeerIdentity { realm: realm(), epoch: 1, node: NodeId(4), role: Role::Voter }
    }

    #[test]
    fn a_signed_certificate_names_the_node_and_the_authority_is_pinned_by_its_key() {
        let new = NewAuthority::create(realm(), NOW).unwrap();
        let authority = Authority::open(&new.certificate, &new.key).unwrap();
        let csr = signing_request(&KeyPair::generate().unwrap()).unwrap();
        let hosts = ["127.0.0.1".to_owned(), "node.example.com".to_owned()];
        let pem = authority.sign(&csr, &identity(), &hosts, [5; 16], VALID).unwrap();
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        assert_eq!(PeerIdentity::of_certificate(&der).unwrap(), identity());
        assert_eq!(validity_of(&der).unwrap().until, VALID.until);
        let (_, parsed) = X509Certificate::from_der(&der).unwrap();
        let authority_der = CertificateDer::from_pem_slice(new.certificate.as_bytes()).unwrap();
        let (_, issuer) = X509Certificate::from_der(&authority_der).unwrap();
        parsed.verify_signature(Some(issuer.public_key())).unwrap();
        assert!(!parsed.is_ca());
        assert_eq!(pin_of_pem(&new.certificate).unwrap(), pin_of(&authority_der).unwrap());
        assert_ne!(pin_of(&authority_der).unwrap(), pin_of(&der).unwrap());
    }

    #[test]
    fn a_request_that_its_key_did_not_sign_and_hosts_that_are_no_names_are_refused() {
        let new = NewAuthority::create(realm(), NOW).unwrap();
        let authority = Authority::open(&new.certificate, &new.key).unwrap();
        let csr = signing_request(&KeyPair::generate().unwrap()).unwrap();
        let bad_host = authority.sign(&csr, &identity(), &["a b".to_owned()], [5; 16], VALID);
        assert!(matches!(bad_host, Err(AuthorityError::BadName(_))));
        for bad in ["", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"] {
            let refused = authority.sign(bad, &identity(), &[], [5; 16], VALID);
            assert!(matches!(refused, Err(AuthorityError::BadRequest(_))));
        }
    }

    #[test]
    fn hosts_are_cut_out_of_addresses_and_urls() {
        for (address, host) in [
            ("127.0.0.1:80", "127.0.0.1"),
            ("https://a.example:8443/x", "a.example"),
            ("[::1]:80", "::1"),
            ("https://[::1]", "::1"),
            ("plain", "plain"),
        ] {
            assert_eq!(host_of(address), host);
        }
    }

    /// A company's root and an intermediate authority below it, with its key: PEM.
    fn company(usages: Vec<KeyUsagePurpose>) -> (String, String, String) {
        let (root_key, key) =
            (KeyPair::generate().unwrap(), KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap());
        let valid = Validity::lasting(NOW, Span::hours(24 * 365));
        let mut root = params("Example Root", valid);
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root_pem = root.self_signed(&root_key).unwrap().pem();
        let mut below = params("Example Passwords", valid);
        below.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        below.key_usages = usages;
        let certificate = below.signed_by(&key, &Issuer::new(root, root_key)).unwrap().pem();
        (root_pem, certificate, key.serialize_pem())
    }

    #[test]
    fn who_trusts_a_companys_root_trusts_the_nodes_of_a_realm_below_it() {
        let (root, certificate, key) = company(vec![KeyUsagePurpose::KeyCertSign]);
        // A file may name the root too.
        let brought = NewAuthority::bring(&format!("{certificate}{root}"), &key, NOW).unwrap();
        let authority = Authority::open(&brought.certificate, &brought.key).unwrap();
        let end = authority.end_of(NOW, Span::hours(24 * 3650));
        assert!(end < NOW.plus(Span::hours(24 * 366)), "no certificate outlives its authority");
        let csr = signing_request(&KeyPair::generate().unwrap()).unwrap();
        let hosts = ["pw.example.com".to_owned()];
        let node = authority.sign(&csr, &identity(), &hosts, [5; 16], VALID).unwrap();
        let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let now = rustls::pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_millis(NOW.0));
        // Browsers trust the root and are shown both; peers trust the realm's authority alone.
        for anchor in [&root, &brought.certificate] {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(der(anchor)).unwrap();
            let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
            let verifier =
                rustls::client::WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
                    .build()
                    .unwrap();
            let name = "pw.example.com".try_into().unwrap();
            use rustls::client::danger::ServerCertVerifier as _;
            let above = [der(&brought.certificate)];
            verifier.verify_server_cert(&der(&node), &above, &name, &[], now).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_an_authority_is_named() {
        let (root, certificate, key) = company(vec![KeyUsagePurpose::KeyCertSign]);
        let (_, no_authority, its_key) = company(vec![KeyUsagePurpose::DigitalSignature]);
        let late = NOW.plus(Span::hours(24 * 340));
        for (certificate, key, now, why) in [
            ("no PEM", key.as_str(), NOW, "not PEM"),
            (&*no_authority, &*its_key, NOW, "keyCertSign"),
            (&*certificate, &*its_key, NOW, "not the one of the certificate"),
            (&*certificate, &*root, NOW, "P-256"),
            (&*certificate, &*key, late, "30 days"),
        ] {
            let refused = NewAuthority::bring(certificate, key, now).map(|_| ()).unwrap_err().to_string();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
