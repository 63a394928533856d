//! What a node keeps in `keys/` under its data directory: its own private keys, its certificate and the authority's.
//!
//! `node.key` (TLS) and `wrap.key` (X25519) have mode 0600 and never leave the host. The realm key is not here.

use crate::authority::{AuthorityError, expiry_of, signing_request};
use crate::keyring::WrapKey;
use crate::secret_file::{self, SecretFileError};
use passquorum_domain::ports::Entropy;
use passquorum_domain::time::Timestamp;
use passquorum_raft::{IdentityError, PeerIdentity};
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::path::{Path, PathBuf};
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

/// Keys that were just drawn, before there is a certificate.
pub struct NewKeys {
    tls: KeyPair,
    /// The X25519 key.
    pub wrap: WrapKey,
}

/// The keys of a node that belongs to a realm.
pub struct NodeKeys {
    /// Who the certificate says we are.
    pub identity: PeerIdentity,
    /// When the certificate ends.
    pub expires_at: Timestamp,
    /// The node's certificate, then the authority's: PEM.
    pub chain: String,
    /// The authority's certificate: PEM.
    pub authority: String,
    /// The TLS private key: PEM.
    pub tls_key: Zeroizing<String>,
    /// The X25519 key.
    pub wrap: WrapKey,
}

impl NewKeys {
    /// Draws both keys.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, KeysError> {
        let tls = KeyPair::generate().map_err(AuthorityError::from)?;
        Ok(Self { tls, wrap: WrapKey::generate(entropy) })
    }

    /// The signing request for the TLS key.
    pub fn signing_request(&self) -> Result<String, KeysError> {
        Ok(signing_request(&self.tls)?)
    }

    /// Writes everything into `keys/` and gives it back as the node will read it.
    pub fn save(self, folder: &Path, certificate: &str, authority: &str) -> Result<NodeKeys, KeysError> {
        std::fs::create_dir_all(folder).map_err(SecretFileError::io(folder))?;
        let tls_key = Zeroizing::new(self.tls.serialize_pem());
        secret_file::write(&folder.join("node.key"), tls_key.as_bytes())?;
        secret_file::write(&folder.join("wrap.key"), self.wrap.to_bytes().as_slice())?;
        secret_file::write(&folder.join("authority.crt"), authority.as_bytes())?;
        // Last, since it is what says that the node belongs to a realm.
        secret_file::write(&folder.join("node.crt"), certificate.as_bytes())?;
        NodeKeys::load(folder)
    }
}

impl NodeKeys {
    /// Reads `keys/`; refuses private keys that others may read.
    pub fn load(folder: &Path) -> Result<Self, KeysError> {
        let text = |name: &str| {
            let path = folder.join(name);
            let bytes = secret_file::read(&path)?;
            let text = std::str::from_utf8(&bytes).map_err(|_| KeysError::Damaged(path))?;
            Ok::<_, KeysError>(Zeroizing::new(text.to_owned()))
        };
        let wrap_path = folder.join("wrap.key");
        let wrap =
            WrapKey::from_bytes(&secret_file::read(&wrap_path)?).ok_or(KeysError::Damaged(wrap_path))?;
        let (certificate, authority) = (text("node.crt")?, text("authority.crt")?);
        let path = folder.join("node.crt");
        let der = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|_| KeysError::Damaged(path.clone()))?;
        let expires_at = expiry_of(&der).ok_or_else(|| KeysError::Damaged(path.clone()))?;
        let identity =
            PeerIdentity::of_certificate(&der).map_err(|source| KeysError::Certificate { path, source })?;
        Ok(Self {
            identity,
            expires_at,
            chain: format!("{}\n{}", certificate.trim_end(), authority.as_str()),
            authority: authority.as_str().to_owned(),
            tls_key: text("node.key")?,
            wrap,
        })
    }
}
