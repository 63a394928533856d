//! What a node keeps in `keys/` under its data directory: its own private keys, its certificate and the authority's.
//!
//! `node.key` holds the TLS key and the certificate for it, in one file, so that a renewal replaces both at once. It and
//! `wrap.key` (X25519) have mode 0600 and never leave the host. The realm key is not here.

use crate::authority::{AuthorityError, Validity, signing_request, validity_of};
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
pub struct Credential {
    path: PathBuf,
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
    pub tls: Credential,
    /// The authority's certificate: PEM.
    pub authority: String,
    /// The X25519 key.
    pub wrap: WrapKey,
}

/// The file with the TLS key and its certificate; it says that the node belongs to a realm.
#[must_use]
pub fn credential_path(folder: &Path) -> PathBuf {
    folder.join("node.key")
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
    pub fn certified(self, certificate: &str, folder: &Path) -> Result<Credential, KeysError> {
        let key = Zeroizing::new(self.0.serialize_pem());
        let both = Zeroizing::new(format!("{}\n{}\n", key.trim_end(), certificate.trim_end()));
        Credential::parse(&both, credential_path(folder))
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
    pub fn save(self, folder: &Path, certificate: &str, authority: &str) -> Result<NodeKeys, KeysError> {
        std::fs::create_dir_all(folder).map_err(SecretFileError::io(folder))?;
        secret_file::write(&folder.join("wrap.key"), self.wrap.to_bytes().as_slice())?;
        secret_file::write(&folder.join("authority.crt"), authority.as_bytes())?;
        // Last, since it is what says that the node belongs to a realm.
        self.tls.certified(certificate, folder)?.save()?;
        NodeKeys::load(folder)
    }
}

impl Credential {
    fn load(folder: &Path) -> Result<Self, KeysError> {
        let path = credential_path(folder);
        Self::parse(&read_text(&path)?, path)
    }

    /// Puts it in place of what the node had. A crash leaves the old pair or the new one.
    pub fn save(&self) -> Result<(), KeysError> {
        let both = Zeroizing::new(format!("{}{}", self.key.as_str(), self.certificate));
        Ok(secret_file::write(&self.path, both.as_bytes())?)
    }

    /// The certificate, then the authority's: PEM.
    #[must_use]
    pub fn chain(&self, authority: &str) -> String {
        format!("{}\n{authority}", self.certificate.trim_end())
    }

    fn parse(both: &str, path: PathBuf) -> Result<Self, KeysError> {
        let damaged = || KeysError::Damaged(path.clone());
        let begin = both.find("-----BEGIN CERTIFICATE-----").ok_or_else(damaged)?;
        let (key, certificate) = both.split_at(begin);
        let pair = KeyPair::from_pem(key).map_err(|_| damaged())?;
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| damaged())?;
        if !is_for(&der, &pair) {
            return Err(damaged());
        }
        let identity = PeerIdentity::of_certificate(&der)
            .map_err(|source| KeysError::Certificate { path: path.clone(), source })?;
        let valid = validity_of(&der).ok_or_else(damaged)?;
        Ok(Self {
            path,
            identity,
            valid,
            certificate: certificate.to_owned(),
            key: Zeroizing::new(key.to_owned()),
        })
    }
}

/// Whether a certificate is for a key.
fn is_for(certificate: &CertificateDer<'_>, key: &KeyPair) -> bool {
    X509Certificate::from_der(certificate)
        .is_ok_and(|(_, parsed)| parsed.public_key().raw == key.subject_public_key_info().as_slice())
}

fn read_text(path: &Path) -> Result<Zeroizing<String>, KeysError> {
    let bytes = secret_file::read(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| KeysError::Damaged(path.to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

impl NodeKeys {
    /// Reads `keys/`; refuses private keys that others may read.
    pub fn load(folder: &Path) -> Result<Self, KeysError> {
        let wrap_path = folder.join("wrap.key");
        let wrap =
            WrapKey::from_bytes(&secret_file::read(&wrap_path)?).ok_or(KeysError::Damaged(wrap_path))?;
        let authority = read_text(&folder.join("authority.crt"))?.to_string();
        Ok(Self { tls: Credential::load(folder)?, authority, wrap })
    }
}
