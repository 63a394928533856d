//! The two systems: where they are, and what the bytes of a write and of a linearizable read are for each.

use crate::Failure;
use crate::connection::Connection;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use std::sync::Arc;

/// Bytes of each written value.
const VALUE_BYTES: usize = 256;
/// Keys that each client writes in turn.
const KEYS_PER_CLIENT: u64 = 100;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum System {
    Passquorum,
    Etcd,
}

/// A system under load. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Target {
    system: System,
    endpoints: Arc<[Uri]>,
    authorization: String,
    tls: Arc<rustls::ClientConfig>,
}

impl Target {
    /// `endpoints` stand in a list with commas; `authority` is a PEM file.
    pub(crate) fn new(
        system: System,
        endpoints: &str,
        token: Option<String>,
        authority: &str,
    ) -> Result<Self, Failure> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(authority)? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            system,
            endpoints: endpoints.split(',').map(str::parse).collect::<Result<_, _>>()?,
            authorization: token
                .map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n")),
            tls: Arc::new(tls),
        })
    }

    /// How many endpoints there are.
    pub(crate) fn endpoints(&self) -> usize {
        self.endpoints.len()
    }

    /// A new connection; clients take the endpoints in turn.
    pub(crate) async fn connect(&self, client: usize) -> Result<Connection, Failure> {
        let uri = self.endpoints.get(client % self.endpoints.len()).ok_or("there is no endpoint")?;
        let host = uri.host().ok_or("an endpoint needs a host")?.to_owned();
        let address = (host.clone(), uri.port_u16().unwrap_or(443));
        Connection::open(address, ServerName::try_from(host)?, Arc::clone(&self.tls)).await
    }

    /// A client's write of this number.
    pub(crate) fn write(&self, client: usize, number: u64) -> Vec<u8> {
        let key = key(client, number % KEYS_PER_CLIENT);
        let mut value = vec![b'.'; VALUE_BYTES];
        for (slot, byte) in value.iter_mut().zip(format!("{client}/{number}").bytes()) {
            *slot = byte;
        }
        match self.system {
            System::Passquorum => self.request("PUT", &format!("/api/v1/labels/{key}"), &value),
            System::Etcd => {
                let (key, value) = (STANDARD.encode(key), STANDARD.encode(value));
                self.request(
                    "POST",
                    "/v3/kv/put",
                    format!(r#"{{"key":"{key}","value":"{value}"}}"#).as_bytes(),
                )
            }
        }
    }

    /// A linearizable read of what the client wrote first.
    pub(crate) fn read(&self, client: usize) -> Vec<u8> {
        let key = key(client, 0);
        match self.system {
            System::Passquorum => self.request("GET", &format!("/api/v1/labels/{key}"), b""),
            System::Etcd => {
                let body = format!(r#"{{"key":"{}"}}"#, STANDARD.encode(key));
                self.request("POST", "/v3/kv/range", body.as_bytes())
            }
        }
    }

    fn request(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        let (authorization, length) = (&self.authorization, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{authorization}content-length: {length}\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    }
}

fn key(client: usize, number: u64) -> String {
    format!("bench-{client}-{number}")
}
