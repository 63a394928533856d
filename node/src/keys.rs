//! What a node keeps in `keys/` under its data directory: its own private keys, its certificate and the authority's.
//!
//! `node.key` holds the TLS key and the certificate for it, in one file, so that a renewal replaces both at once. It and
//! `wrap.key` (X25519) have mode 0600, are sealed if the host gives a secret for that, and never leave the host. The
//! realm's keys are not here.

use crate::authority::{AuthorityError, Validity, signing_request, validity_of};
use crate::key_protection::{KeyProtection, ProtectionError, Read};
use crate::keyring::WrapKey;
use crate::secret_file::{self, SecretFileError};
use passquorum_domain::ports::Entropy;
use passquorum_raft::{IdentityError, PeerIdentity};
use rcgen::{KeyPair, PublicKeyData as _};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::path::{Path, PathBuf};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

/// The keys of a node could not be read, written or understood.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// A private key's file.
    #[error(transparent)]
    Protection(#[from] ProtectionError),
    /// The certificate says nothing of a node.
    #[error("{path}: {source}; let the node join anew")]
    Certificate {
        /// Which.
        path: PathBuf,
        /// Why.
        source: IdentityError,
    },
    /// A file holds something else than its name says.
    #[error("{0} is damaged; let the node join anew")]
    Damaged(PathBuf),
    /// A key or request could not be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// A TLS key that was just drawn, before there is a certificate for it.
pub struct NewTlsKey(KeyPair);

/// Keys that were just drawn, before there is a certificate.
pub struct NewKeys {
    tls: NewTlsKey,
    /// The X25519 key.
    pub wrap: WrapKey,
}

/// A TLS key and the certificate for it.
pub struct TlsPair {
    /// Who the certificate says we are.
    pub identity: PeerIdentity,
    /// From when until when it is valid.
    pub valid: Validity,
    /// The certificate: PEM.
    pub certificate: String,
    /// The private key: PEM.
    pub key: Zeroizing<String>,
}

/// The keys of a node that belongs to a realm.
pub struct NodeKeys {
    /// The TLS key and its certificate.
    pub tls: TlsPair,
    /// The authority's certificate: PEM.
    pub authority: String,
    /// The X25519 key.
    pub wrap: WrapKey,
}

/// Where a node's keys lie, and what protects the private ones.
#[derive(Clone)]
pub struct KeyFolder {
    /// The folder.
    pub path: PathBuf,
    /// How private keys are kept in it.
    pub protection: KeyProtection,
}

impl KeyFolder {
    /// The file with the TLS key and its certificate; it says that the node belongs to a realm.
    #[must_use]
    pub fn tls_pair(&self) -> PathBuf {
        self.path.join("node.key")
    }

    fn wrap_key(&self) -> PathBuf {
        self.path.join("wrap.key")
    }

    fn authority(&self) -> PathBuf {
        self.path.join("authority.crt")
    }

    /// Reads a private key's file, and keeps it as the protection wants it from now on.
    fn read(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>, KeysError> {
        let Read { content, is_as_wanted } = self.protection.read(path)?;
        if !is_as_wanted {
            self.protection.write(path, &content)?;
            tracing::info!(path = %path.display(), "a private key is sealed with the host's secret from now on");
        }
        Ok(content)
    }
}

impl NewTlsKey {
    /// Draws a key.
    pub fn generate() -> Result<Self, KeysError> {
        Ok(Self(KeyPair::generate().map_err(AuthorityError::from)?))
    }

    /// The signing request for it.
    pub fn signing_request(&self) -> Result<String, KeysError> {
        Ok(signing_request(&self.0)?)
    }

    /// The key with its certificate, which is to be kept in a folder.
    pub fn certified(self, certificate: &str, folder: &KeyFolder) -> Result<TlsPair, KeysError> {
        let key = Zeroizing::new(self.0.serialize_pem());
        let both = Zeroizing::new(format!("{}\n{}\n", key.trim_end(), certificate.trim_end()));
        TlsPair::parse(&both, &folder.tls_pair())
    }
}

impl NewKeys {
    /// Draws both keys.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, KeysError> {
        Ok(Self { tls: NewTlsKey::generate()?, wrap: WrapKey::generate(entropy) })
    }

    /// The signing request for the TLS key.
    pub fn signing_request(&self) -> Result<String, KeysError> {
        self.tls.signing_request()
    }

    /// Writes everything into `keys/` and gives it back as the node will read it.
    pub fn save(self, folder: &KeyFolder, certificate: &str, authority: &str) -> Result<NodeKeys, KeysError> {
        std::fs::create_dir_all(&folder.path).map_err(SecretFileError::io(&folder.path))?;
        folder.protection.write(&folder.wrap_key(), self.wrap.to_bytes().as_slice())?;
        secret_file::write(&folder.authority(), authority.as_bytes())?;
        // Last, since it is what says that the node belongs to a realm.
        self.tls.certified(certificate, folder)?.save(folder)?;
        NodeKeys::load(folder)
    }
}

impl TlsPair {
    /// Puts it in place of what the node had. A crash leaves the old pair or the new one.
    pub fn save(&self, folder: &KeyFolder) -> Result<(), KeysError> {
        let both = Zeroizing::new(format!("{}{}", self.key.as_str(), self.certificate));
        Ok(folder.protection.write(&folder.tls_pair(), both.as_bytes())?)
    }

    /// The certificate, then the authority's: PEM.
    #[must_use]
    pub fn chain(&self, authority: &str) -> String {
        format!("{}\n{authority}", self.certificate.trim_end())
    }

    fn parse(both: &str, path: &Path) -> Result<Self, KeysError> {
        let damaged = || KeysError::Damaged(path.to_owned());
        let begin = both.find("-----BEGIN CERTIFICATE-----").ok_or_else(damaged)?;
        let (key, certificate) = both.split_at(begin);
        let pair = KeyPair::from_pem(key).map_err(|_| damaged())?;
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| damaged())?;
        if !is_for(&der, &pair) {
            return Err(damaged());
        }
        let identity = PeerIdentity::of_certificate(&der)
            .map_err(|source| KeysError::Certificate { path: path.to_owned(), source })?;
        let valid = validity_of(&der).ok_or_else(damaged)?;
        Ok(Self { identity, valid, certificate: certificate.to_owned(), key: Zeroizing::new(key.to_owned()) })
    }
}

/// Whether a certificate is for a key.
fn is_for(certificate: &CertificateDer<'_>, key: &KeyPair) -> bool {
    X509Certificate::from_der(certificate)
        .is_ok_and(|(_, parsed)| parsed.public_key().raw == key.subject_public_key_info().as_slice())
}

/// Whether an authority has signed a certificate; both PEM.
fn is_signed_by(certificate: &str, authority: &str) -> bool {
    let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).ok();
    let Some((certificate, authority)) = der(certificate).zip(der(authority)) else { return false };
    match (X509Certificate::from_der(&certificate), X509Certificate::from_der(&authority)) {
        (Ok((_, certificate)), Ok((_, authority))) => {
            certificate.verify_signature(Some(authority.public_key())).is_ok()
        }
        _ => false,
    }
}

fn text(bytes: &[u8], path: &Path) -> Result<Zeroizing<String>, KeysError> {
    let text = std::str::from_utf8(bytes).map_err(|_| KeysError::Damaged(path.to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

impl NodeKeys {
    /// Reads `keys/`; refuses private keys that others may read.
    pub fn load(folder: &KeyFolder) -> Result<Self, KeysError> {
        let wrap_path = folder.wrap_key();
        let wrap = WrapKey::from_bytes(&folder.read(&wrap_path)?).ok_or(KeysError::Damaged(wrap_path))?;
        let authority_path = folder.authority();
        let authority = text(&secret_file::read(&authority_path)?, &authority_path)?.to_string();
        let tls_path = folder.tls_pair();
        let tls = TlsPair::parse(&text(&folder.read(&tls_path)?, &tls_path)?, &tls_path)?;
        if !is_signed_by(&tls.certificate, &authority) {
            return Err(KeysError::Damaged(tls_path));
        }
        Ok(Self { tls, authority, wrap })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::{Authority, NewAuthority};
    use crate::env::SystemEntropy;
    use crate::key_protection::CREDENTIAL;
    use passquorum_domain::ids::{NodeId, RealmId};
    use passquorum_domain::instance::Role;
    use passquorum_domain::time::{Span, Timestamp};
    use std::sync::Arc;

    #[test]
    fn keys_are_sealed_at_the_first_start_with_a_credential_and_read_with_it_only() {
        let host = tempfile::tempdir().unwrap();
        let realm = RealmId(uuid::Uuid::from_u128(1));
        let new = NewAuthority::create(realm, Timestamp(0)).unwrap();
        let keys = NewKeys::generate(&SystemEntropy).unwrap();
        let identity = PeerIdentity { realm, epoch: 1, node: NodeId(1), role: Role::Voter };
        let valid = Validity::lasting(Timestamp(0), Span::hours(1));
        let signer = Authority::open(&new.certificate, &new.key).unwrap();
        let csr = keys.signing_request().unwrap();
        let certificate = signer.sign(&csr, &identity, &[], [1; 16], valid).unwrap();
        let plain = KeyFolder {
            path: host.path().join("keys"),
            protection: KeyProtection::by_mode_only(Arc::new(SystemEntropy)),
        };
        let saved = keys.save(&plain, &certificate, &new.certificate).unwrap();

        std::fs::write(host.path().join(CREDENTIAL), [7; 32]).unwrap();
        let protection =
            KeyProtection::of_host(Some(host.path().as_os_str()), Arc::new(SystemEntropy)).unwrap();
        let sealed = KeyFolder { protection, ..plain.clone() };
        for _ in 0..2 {
            let loaded = NodeKeys::load(&sealed).unwrap();
            assert_eq!(loaded.tls.key, saved.tls.key);
            assert_eq!(loaded.wrap.to_bytes(), saved.wrap.to_bytes());
            for path in [sealed.tls_pair(), sealed.wrap_key()] {
                let stored = std::fs::read(path).unwrap();
                assert!(!stored.windows(7).any(|window| window == b"PRIVATE"));
                assert!(!stored.windows(32).any(|window| window == saved.wrap.to_bytes().as_slice()));
            }
        }
        assert!(matches!(
            NodeKeys::load(&plain),
            Err(KeysError::Protection(ProtectionError::NoCredential(_)))
        ));
    }
}
