//! One kept HTTPS connection that carries one request at a time: ready bytes out, one answer in. Much lighter than a
//! whole HTTP client, so that the load and not its source takes the machine.

use crate::Failure;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const MAX_ANSWER: usize = 64 * 1024;
const MAX_HEADERS: usize = 32;

pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    answer: Vec<u8>,
}

/// Where the body of an answer lies, and how the answer says so.
struct Head {
    success: bool,
    length: usize,
    body: Body,
}

enum Body {
    Sized(usize),
    Chunked,
}

impl Connection {
    pub(crate) async fn open(
        address: (String, u16),
        name: ServerName<'static>,
        tls: Arc<rustls::ClientConfig>,
    ) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let stream = TlsConnector::from(tls).connect(name, stream).await?;
        Ok(Self { stream, answer: Vec::with_capacity(4096) })
    }

    /// Sends a request and waits for the whole answer. After an error the connection is of no use.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<(), Failure> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err("the server closed the connection".into());
            }
            let Some(head) = head(&self.answer)? else { continue };
            let body = self.answer.get(head.length..).unwrap_or_default();
            let whole = match head.body {
                Body::Sized(length) => body.len() >= length,
                // No trailers are asked for, so the last chunk ends the answer.
                Body::Chunked => body.ends_with(b"\r\n0\r\n\r\n"),
            };
            if whole && head.success {
                return Ok(());
            } else if whole {
                return Err(String::from_utf8_lossy(&self.answer).into());
            } else if body.len() > MAX_ANSWER {
                return Err("the answer is too long".into());
            }
        }
    }
}

/// The head of an answer, once all of it is there.
fn head(answer: &[u8]) -> Result<Option<Head>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(answer)? else { return Ok(None) };
    let success = response.code.is_some_and(|code| (200..300).contains(&code));
    let mut body = Body::Chunked;
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            body = Body::Sized(std::str::from_utf8(header.value)?.parse()?);
        }
    }
    Ok(Some(Head { success, length, body }))
}
