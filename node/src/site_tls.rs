//! The certificates of the HTTPS port, each of which can be replaced while it serves: the node's own after a renewal, and
//! the site's, whose files are read again when they change. A connection keeps the certificate that it began with.
//!
//! The node's own certificate is presented with its authority's, so that a joining node can check the pin in its token;
//! when a site certificate is configured, everyone but joining nodes gets that one.

use crate::authority::validity_of;
use crate::config::SiteCertificate;
use crate::listen::{JOIN_SERVER_NAME, ListenError};
use crate::secret_file;
use arc_swap::ArcSwap;
use passquorum_domain::time::Timestamp;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The certificates of the HTTPS port.
pub struct SiteTls {
    node: ArcSwap<CertifiedKey>,
    site: Option<Site>,
}

struct Site {
    files: SiteCertificate,
    used: ArcSwap<CertifiedKey>,
    /// As the files were when they were read last.
    read: Mutex<Content>,
}

#[derive(PartialEq, Eq)]
struct Content {
    chain: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for SiteTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SiteTls(..)")
    }
}

impl SiteTls {
    /// Takes the node's certificate with its key (PEM), and the files of the site's, if it has one of its own.
    pub fn open(
        chain_pem: &str,
        key_pem: &str,
        site: Option<&SiteCertificate>,
    ) -> Result<Arc<Self>, ListenError> {
        let node =
            ArcSwap::new(certified("the node's certificate", chain_pem.as_bytes(), key_pem.as_bytes())?);
        let site = site
            .map(|files| {
                let content = Content::read(files)?;
                let used = ArcSwap::new(content.certified()?);
                Ok::<_, ListenError>(Site { files: files.clone(), used, read: Mutex::new(content) })
            })
            .transpose()?;
        Ok(Arc::new(Self { node, site }))
    }

    /// The TLS settings of the listener.
    pub fn config(self: &Arc<Self>) -> Result<Arc<rustls::ServerConfig>, ListenError> {
        let bad = |error: rustls::Error| ListenError::Certificate {
            what: "TLS 1.2 and 1.3".to_owned(),
            message: error.to_string(),
        };
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(bad)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as _);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.ticketer = ring::Ticketer::new().map_err(bad)?;
        Ok(Arc::new(config))
    }

    /// Presents a renewed certificate of the node from the next handshake on.
    pub fn put_in_use(&self, node: Arc<CertifiedKey>) {
        self.node.store(node);
    }

    /// Reads the site's files again and presents what is new in them from the next handshake on. Answers whether there
    /// was something new. What cannot be used leaves the certificate as it is, and is an error once.
    pub fn reload(&self) -> Result<bool, ListenError> {
        let Some(site) = &self.site else { return Ok(false) };
        let content = Content::read(&site.files)?;
        let mut read = site.read.lock().unwrap_or_else(PoisonError::into_inner);
        if *read == content {
            return Ok(false);
        }
        let certified = content.certified();
        *read = content;
        site.used.store(certified?);
        Ok(true)
    }

    /// When the certificate that browsers get ends.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        let used = self.site.as_ref().map_or_else(|| self.node.load_full(), |site| site.used.load_full());
        validity_of(used.cert.first()?).map(|valid| valid.until)
    }
}

impl ResolvesServerCert for SiteTls {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let joins = hello.server_name() == Some(JOIN_SERVER_NAME);
        let site = self.site.as_ref().filter(|_| !joins);
        Some(site.map_or_else(|| self.node.load_full(), |site| site.used.load_full()))
    }
}

impl Content {
    fn read(files: &SiteCertificate) -> Result<Self, ListenError> {
        let chain = std::fs::read(&files.certificate)
            .map_err(|source| ListenError::Unreadable { path: files.certificate.clone(), source })?;
        Ok(Self { chain, key: secret_file::read(&files.key)? })
    }

    fn certified(&self) -> Result<Arc<CertifiedKey>, ListenError> {
        certified("the site certificate", &self.chain, &self.key)
    }
}

/// A certificate (PEM, with those above it) and its key, which must belong together.
pub fn certified(what: &str, chain: &[u8], key: &[u8]) -> Result<Arc<CertifiedKey>, ListenError> {
    let bad = |message: String| ListenError::Certificate { what: what.to_owned(), message };
    let chain = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bad(error.to_string()))?;
    if chain.is_empty() {
        return Err(bad("there is no PEM certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| bad(error.to_string()))?;
    let certified = CertifiedKey::from_der(chain, key, &ring::default_provider());
    certified.map(Arc::new).map_err(|error| bad(error.to_string()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::authority::{Authority, NewAuthority, Validity, signing_request};
    use passquorum_domain::ids::{NodeId, RealmId};
    use passquorum_domain::instance::Role;
    use passquorum_raft::PeerIdentity;

    /// A certificate that ends then, and its key.
    fn pair(until: Timestamp) -> (String, String) {
        let realm = RealmId(uuid::Uuid::from_u128(1));
        let new = NewAuthority::create(realm, Timestamp(0)).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let identity = PeerIdentity { realm, epoch: 1, node: NodeId(1), role: Role::Voter };
        let valid = Validity { from: Timestamp(0), until };
        let signer = Authority::open(&new.certificate, &new.key).unwrap();
        let csr = signing_request(&key).unwrap();
        (signer.sign(&csr, &identity, &[], [1; 16], valid).unwrap(), key.serialize_pem())
    }

    /// Some certificate, where it does not matter which.
    pub(crate) fn any() -> Arc<SiteTls> {
        let (chain, key) = pair(Timestamp(0));
        SiteTls::open(&chain, &key, None).unwrap()
    }

    #[test]
    fn changed_files_are_used_once_they_fit_together_and_bad_ones_are_told_once() {
        const MINUTE: u64 = 60_000;
        let folder = tempfile::tempdir().unwrap();
        let files = SiteCertificate {
            certificate: folder.path().join("site.crt"),
            key: folder.path().join("site.key"),
        };
        let write = |(chain, key): &(String, String)| {
            secret_file::write(&files.certificate, chain.as_bytes()).unwrap();
            secret_file::write(&files.key, key.as_bytes()).unwrap();
        };
        write(&pair(Timestamp(MINUTE)));
        let (chain, key) = pair(Timestamp(5 * MINUTE));
        let tls = SiteTls::open(&chain, &key, Some(&files)).unwrap();
        assert_eq!(tls.ends_at(), Some(Timestamp(MINUTE)));
        assert!(!tls.reload().unwrap());

        let next = pair(Timestamp(2 * MINUTE));
        secret_file::write(&files.certificate, next.0.as_bytes()).unwrap();
        assert!(tls.reload().is_err(), "the key is still the old one's");
        assert!(!tls.reload().unwrap());
        assert_eq!(tls.ends_at(), Some(Timestamp(MINUTE)));
        write(&next);
        assert!(tls.reload().unwrap());
        assert_eq!(tls.ends_at(), Some(Timestamp(2 * MINUTE)));
    }
}
