//! A TCP relay in front of a domain controller. The way back can be cut, so that requests arrive and answers do not;
//! the way forth can be held, so that requests arrive later.

use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Relay {
    address: SocketAddr,
    way_back: watch::Sender<bool>,
    way_forth: watch::Sender<bool>,
    held: watch::Receiver<bool>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Relay {
    /// Listens on a free port of `on` and passes on to `to`.
    pub(crate) async fn start(on: Ipv4Addr, to: SocketAddr) -> Self {
        let listener = TcpListener::bind((on, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (way_back, back) = watch::channel(true);
        let (way_forth, forth) = watch::channel(true);
        let (holding, held) = watch::channel(false);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, to, forth.clone(), holding.clone(), back.clone()));
            }
        });
        Self { address, way_back, way_forth, held, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// From now on the first answer of each connection is swallowed and the connection is closed.
    pub(crate) fn swallow_answers(&self) {
        self.way_back.send_replace(false);
    }

    /// From now on requests wait here.
    pub(crate) fn hold_requests(&self) {
        self.way_forth.send_replace(false);
    }

    /// Waits until one does.
    pub(crate) async fn a_request_is_held(&self) {
        self.held.clone().wait_for(|held| *held).await.unwrap();
    }

    /// Passes on what waits.
    pub(crate) fn let_requests_go(&self) {
        self.way_forth.send_replace(true);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass_on(
    client: TcpStream,
    to: SocketAddr,
    mut forth: watch::Receiver<bool>,
    holding: watch::Sender<bool>,
    back: watch::Receiver<bool>,
) {
    let Ok(server) = TcpStream::connect(to).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async {
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            holding.send_replace(!*forth.borrow());
            if forth.wait_for(|open| *open).await.is_err()
                || to_server.write_all(&buffer[..length]).await.is_err()
            {
                break;
            }
        }
    };
    let answers = async {
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            if !*back.borrow() || to_client.write_all(&buffer[..length]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = requests => {}
        () = answers => {}
    }
}
