//! A relay of bytes between the voters and a node in the perimeter, which can be cut. Then nothing passes it, and nobody
//! is told so, as behind a firewall that drops what comes.

use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

const PIECE: usize = 16 * 1024;

/// A running relay; it ends when it is dropped.
pub(super) struct Relay {
    /// Where it is reached.
    pub(super) address: SocketAddr,
    open: watch::Sender<bool>,
    _listener: JoinSet<()>,
}

impl Relay {
    /// Begins to pass on what comes, to this address.
    pub(super) async fn begin(to: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (open, gate) = watch::channel(true);
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            let mut streams = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                while streams.try_join_next().is_some() {}
                let gate = gate.clone();
                streams.spawn(async move {
                    // A stream that breaks is the business of its two ends.
                    let _ = pass(near, to, gate).await;
                });
            }
        });
        Ok(Self { address, open, _listener: listening })
    }

    /// Cuts it.
    pub(super) fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets everything pass again, what waited too.
    pub(super) fn mend(&self) {
        self.open.send_replace(true);
    }
}

async fn pass(near: TcpStream, to: SocketAddr, mut gate: watch::Receiver<bool>) -> io::Result<()> {
    opened(&mut gate).await?;
    let far = TcpStream::connect(to).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::try_join!(pump(near_in, far_out, gate.clone()), pump(far_in, near_out, gate))?;
    Ok(())
}

async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut gate: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = from.read(&mut piece).await?;
        opened(&mut gate).await?;
        match piece.get(..length) {
            None | Some([]) => return to.shutdown().await,
            Some(read) => to.write_all(read).await?,
        }
    }
}

async fn opened(gate: &mut watch::Receiver<bool>) -> io::Result<()> {
    gate.wait_for(|open| *open).await.map(drop).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn nothing_passes_a_relay_that_is_cut_and_everything_does_once_it_is_mended() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Relay::begin(listener.local_addr().unwrap()).await.unwrap();
        let mut near = TcpStream::connect(relay.address).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        near.write_all(b"a").await.unwrap();
        assert_eq!(far.read_u8().await.unwrap(), b'a');

        relay.cut();
        near.write_all(b"b").await.unwrap();
        let waited = tokio::time::timeout(Duration::from_millis(200), far.read_u8()).await;
        assert!(waited.is_err(), "something passed: {waited:?}");
        relay.mend();
        assert_eq!(far.read_u8().await.unwrap(), b'b');
        drop(near);
        assert!(far.read_u8().await.is_err(), "an end is passed on");
    }
}
