//! The simulated network behind the peer transport's door.

use async_trait::async_trait;
use passquorum_raft::net::{BoxStream, Listener, Net};
use std::io;
use std::net::{IpAddr, SocketAddr};
use turmoil::net::{TcpListener, TcpStream};

/// Streams between simulated hosts.
#[derive(Debug, Clone, Copy)]
pub struct SimulatedNet;

#[async_trait]
impl Net for SimulatedNet {
    async fn dial(&self, address: &str) -> io::Result<BoxStream> {
        Ok(Box::new(TcpStream::connect(address).await?))
    }

    async fn listen(&self, address: &str) -> io::Result<Box<dyn Listener>> {
        Ok(Box::new(Door(TcpListener::bind(address).await?)))
    }
}

struct Door(TcpListener);

#[async_trait]
impl Listener for Door {
    async fn accept(&mut self) -> io::Result<(BoxStream, IpAddr)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((Box::new(stream), peer.ip()))
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}
