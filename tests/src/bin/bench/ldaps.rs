//! The raw peer of a reset: one kept LDAPS connection, a bind and the same modification that a node sends, in bytes
//! (RFC 4511), so that nothing but the domain controller takes time.

use crate::Failure;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const ENUMERATED: u8 = 0x0A;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const BIND_REQUEST: u8 = 0x60;
const MODIFY_REQUEST: u8 = 0x66;
const SIMPLE: u8 = 0x80;
const REPLACE: u8 = 2;

/// A domain controller, and who asks it.
#[derive(Clone)]
pub(crate) struct Controller {
    pub(crate) host: String,
    pub(crate) authority: String,
    pub(crate) user: String,
    pub(crate) password: String,
}

pub(crate) struct Ldaps {
    stream: TlsStream<TcpStream>,
}

impl Controller {
    /// A connection that is signed in.
    pub(crate) async fn connect(&self) -> Result<Ldaps, Failure> {
        let mut ldaps = self.open().await?;
        match ldaps.bind(&self.user, &self.password).await? {
            0 => Ok(ldaps),
            code => Err(format!("the bind of {} ended with {code}", self.user).into()),
        }
    }

    /// A connection that nobody has signed in on.
    pub(crate) async fn open(&self) -> Result<Ldaps, Failure> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.authority)?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect((self.host.as_str(), 636)).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(self.host.clone())?;
        Ok(Ldaps { stream: TlsConnector::from(Arc::new(tls)).connect(name, stream).await? })
    }
}

impl Ldaps {
    /// Signs in, and gives the result code.
    pub(crate) async fn bind(&mut self, user: &str, password: &str) -> Result<u8, Failure> {
        let version = element(INTEGER, &[3]);
        let request = [version, element(OCTETS, user.as_bytes()), element(SIMPLE, password.as_bytes())];
        self.exchange(&element(BIND_REQUEST, &request.concat())).await
    }

    /// Sets a password and ends a lockout, in one modification.
    pub(crate) async fn reset(&mut self, dn: &str, password: &str) -> Result<(), Failure> {
        let quoted: Vec<u8> = format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
        self.replace(dn, &[("unicodePwd", &quoted), ("lockoutTime", b"0")]).await
    }

    /// Replaces attributes, each by one value.
    pub(crate) async fn replace(&mut self, dn: &str, attributes: &[(&str, &[u8])]) -> Result<(), Failure> {
        let change = |(name, value): &(&str, &[u8])| {
            let values = element(SET, &element(OCTETS, value));
            let attribute = element(SEQUENCE, &[element(OCTETS, name.as_bytes()), values].concat());
            element(SEQUENCE, &[element(ENUMERATED, &[REPLACE]), attribute].concat())
        };
        let changes: Vec<u8> = attributes.iter().flat_map(change).collect();
        let request = [element(OCTETS, dn.as_bytes()), element(SEQUENCE, &changes)].concat();
        match self.exchange(&element(MODIFY_REQUEST, &request)).await? {
            0 => Ok(()),
            code => Err(format!("the modification of {dn} ended with {code}").into()),
        }
    }

    /// Sends an operation and gives the result code of its answer.
    async fn exchange(&mut self, operation: &[u8]) -> Result<u8, Failure> {
        let message = element(SEQUENCE, &[element(INTEGER, &[1]), operation.to_vec()].concat());
        self.stream.write_all(&message).await?;
        self.stream.flush().await?;
        let mut answer = Vec::new();
        loop {
            if self.stream.read_buf(&mut answer).await? == 0 {
                return Err("the controller closed the connection".into());
            }
            if let Some((_, message, _)) = first(&answer) {
                let code =
                    first(message).and_then(|(_, _, rest)| first(rest)).and_then(|(_, body, _)| first(body));
                return code
                    .and_then(|(_, value, _)| value.last().copied())
                    .ok_or_else(|| "no result".into());
            }
        }
    }
}

/// An element of BER with its length in the definite form.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_be_bytes();
    let header = match content.len() {
        0..128 => vec![tag, content.len() as u8],
        _ => [[tag, 0x84].as_slice(), &length].concat(),
    };
    [header.as_slice(), content].concat()
}

/// The first element's tag and content, and what follows it, once all of it is there.
fn first(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, short], rest) = bytes.split_first_chunk()?;
    let (length, rest) = if short < 0x80 {
        (usize::from(short), rest)
    } else {
        let (length, rest) = rest.split_at_checked(usize::from(short & 0x7F))?;
        (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_read_as_it_was_written() {
        for length in [0, 1, 127, 128, 70_000] {
            let content = vec![7; length];
            let bytes = [element(SEQUENCE, &content), vec![1]].concat();
            assert_eq!(first(&bytes), Some((SEQUENCE, content.as_slice(), [1].as_slice())));
            assert_eq!(first(&bytes[..bytes.len() - 2]), None);
        }
    }
}
