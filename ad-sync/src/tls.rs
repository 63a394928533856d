//! The TLS client configuration of a domain connection: its own authorities, and no others, sign a controller's
//! certificate. The machine's trust store is not looked at.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// Why the authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthoritiesError {
    /// The text is not PEM, or a certificate in it is damaged.
    #[error("the authorities are not a list of PEM certificates")]
    NotCertificates,
    /// No certificate at all.
    #[error("there is no certificate among the authorities")]
    Empty,
    /// The cryptography library refused its own defaults.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

pub(crate) fn client_config(authorities: &str) -> Result<Arc<ClientConfig>, AuthoritiesError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
        let certificate = certificate.map_err(|_| AuthoritiesError::NotCertificates)?;
        roots.add(certificate).map_err(|_| AuthoritiesError::NotCertificates)?;
    }
    if roots.is_empty() {
        return Err(AuthoritiesError::Empty);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(AuthoritiesError::Setup)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Whether a failed connection failed because the certificate was not accepted.
pub(crate) fn is_untrusted(error: &std::io::Error) -> bool {
    let rustls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(rustls, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_must_be_pem_certificates() {
        assert!(matches!(client_config(""), Err(AuthoritiesError::Empty)));
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(client_config(damaged), Err(AuthoritiesError::NotCertificates)));
        let key = rcgen::generate_simple_self_signed(["dc".to_owned()]).unwrap();
        assert!(client_config(&key.cert.pem()).is_ok());
    }
}
