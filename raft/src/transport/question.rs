//! One question on a stream of its own, for what a peer of an earlier release may not know: such a peer closes the stream,
//! and nothing else must be under way on it.

use super::client::{Connected, Peers};
use super::frame::{self, Tag};
use super::request::{MAX_ANSWER, Request};
use passquorum_domain::ids::NodeId;
use std::io;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The peer welcomed the stream, and closed it when it was asked.
    Closed,
    /// It was not reached, was too slow, or said that it cannot answer now.
    Silent,
}

impl Peers {
    /// Asks a peer something without a payload, for as long as `within`.
    pub(crate) async fn ask_alone(
        &self,
        peer: NodeId,
        address: &str,
        request: Request,
        within: Duration,
    ) -> Result<Vec<u8>, Unanswered> {
        let asked = async {
            let stream = self.open(peer, address).await.map_err(|_| Unanswered::Silent)?;
            match ask(stream, request).await {
                Ok(Some(answer)) => Ok(answer),
                Ok(None) => Err(Unanswered::Silent),
                Err(error) if has_closed(&error) => Err(Unanswered::Closed),
                Err(_) => Err(Unanswered::Silent),
            }
        };
        timeout(within, asked).await.unwrap_or(Err(Unanswered::Silent))
    }
}

/// The answer; none when the peer refuses.
async fn ask(stream: Connected, request: Request) -> io::Result<Option<Vec<u8>>> {
    let Connected { mut reader, mut writer, .. } = stream;
    let mut bytes = Vec::new();
    frame::put(&mut bytes, 1, Tag::Request(request), &[]);
    writer.write_all(&bytes).await?;
    writer.flush().await?;
    let head = frame::read_head(&mut reader).await?;
    let payload = frame::read_payload(&mut reader, head, MAX_ANSWER).await?;
    Ok((head.tag == Tag::Answer).then_some(payload))
}

fn has_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}
