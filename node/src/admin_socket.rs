//! The local socket: the same router as on the network, for whoever may open the node's data directory.
//!
//! The socket has mode 0600, and its requests carry [`LocalOperator`], which the API takes as every scope.

use crate::http_connection;
use crate::stop::Stop;
use axum::Router;
use passquorum_sites::LocalOperator;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;

/// The socket could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the local socket {path} cannot be made: {source} (its path may have at most about 100 characters)")]
pub struct SocketError {
    path: PathBuf,
    source: io::Error,
}

/// Makes the socket. The caller holds the data directory's lock, so what is left of an earlier process is removed.
pub(crate) fn bind(path: &Path) -> Result<UnixListener, SocketError> {
    let bound = (|| {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    })();
    bound.map_err(|source| SocketError { path: path.to_owned(), source })
}

/// Serves until the word to stop.
pub(crate) async fn serve(listener: UnixListener, router: Router, mut stop: Stop) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.stopped() => break,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(http_connection::serve(
                    stream,
                    router.clone(),
                    LocalOperator,
                    stop.clone(),
                ));
            }
            Err(error) => {
                tracing::warn!(%error, "a local connection could not be taken");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}
