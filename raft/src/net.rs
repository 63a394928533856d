//! Streams between hosts, as a door: tokio's here, a simulated network elsewhere.

use async_trait::async_trait;
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// A byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// Any byte stream.
pub type BoxStream = Box<dyn Stream>;

/// Opens and takes streams.
#[async_trait]
pub trait Net: Send + Sync {
    /// Connects to `host:port`. The caller sets the deadline.
    async fn dial(&self, address: &str) -> io::Result<BoxStream>;

    /// Listens on `host:port`.
    async fn listen(&self, address: &str) -> io::Result<Box<dyn Listener>>;
}

/// Takes streams.
#[async_trait]
pub trait Listener: Send {
    /// The next stream, and where it comes from.
    async fn accept(&mut self) -> io::Result<(BoxStream, IpAddr)>;

    /// Where it listens.
    fn local_address(&self) -> io::Result<SocketAddr>;
}

/// TCP by tokio, without delay for small writes.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpNet;

#[async_trait]
impl Net for TcpNet {
    async fn dial(&self, address: &str) -> io::Result<BoxStream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }

    async fn listen(&self, address: &str) -> io::Result<Box<dyn Listener>> {
        Ok(Box::new(TcpListener::bind(address).await?))
    }
}

#[async_trait]
impl Listener for TcpListener {
    async fn accept(&mut self) -> io::Result<(BoxStream, IpAddr)> {
        let (stream, peer) = TcpListener::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok((Box::new(stream), peer.ip()))
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }
}
