//! The mark that a rehearsal sets in the realm it rehearses on, so that there is one at a time, whichever node it was
//! begun on. It is a label; one that was left behind counts for an hour.

use super::failed;
use crate::cli::DrillName;
use crate::client::{Client, ClientError};
use crate::commands::Failure;
use crate::env::SystemClock;
use http::{Method, StatusCode, header};
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::Clock as _;
use passquorum_domain::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

const PATH: &str = "/api/v1/labels/drill";
/// No rehearsal takes longer.
const LIFE: Span = Span::hours(1);

/// Who rehearses what.
#[derive(Serialize, Deserialize)]
struct Mark {
    drill: String,
    node: NodeId,
    until: Timestamp,
}

/// Held while a rehearsal goes on.
pub(super) struct Claim {
    client: Client,
}

impl Claim {
    /// Sets the mark, unless another rehearsal has.
    pub(super) async fn take(client: &Client, drill: DrillName, node: NodeId) -> Result<Self, Failure> {
        let now = SystemClock.now();
        let mark = Mark { drill: drill.as_str().to_owned(), node, until: now.plus(LIFE) };
        let mark = serde_json::to_vec(&mark)?;
        for _ in 0..2 {
            let absent = [(header::IF_NONE_MATCH, "*")];
            match client.send(Method::PUT, PATH, &absent, mark.clone()).await {
                Ok(_) => return Ok(Self { client: client.clone() }),
                Err(ClientError::Refused(problem)) if problem.status == StatusCode::PRECONDITION_FAILED => {
                    clear_if_left_behind(client, now).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::not_now("another drill has just been begun on this realm"))
    }

    /// Takes the mark away.
    pub(super) async fn release(self) -> Result<(), Failure> {
        self.client.send(Method::DELETE, PATH, &[], Vec::new()).await?;
        Ok(())
    }
}

async fn clear_if_left_behind(client: &Client, now: Timestamp) -> Result<(), Failure> {
    let found = client.send(Method::GET, PATH, &[], Vec::new()).await?;
    let mark: Mark = serde_json::from_slice(found.body()).map_err(|_| {
        failed("the label \"drill\" is in use for something else; remove it first".to_owned())
    })?;
    if mark.until > now {
        let Mark { drill, node, .. } = mark;
        let (drill, left) = (crate::commands::plain(&drill), mark.until.0.saturating_sub(now.0) / 60_000);
        return Err(Failure::not_now(format!(
            "drill {drill} was begun on node {node} and has not ended; one that was cut off counts for {left} min more"
        )));
    }
    let revision = found.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default();
    client.send(Method::DELETE, PATH, &[(header::IF_MATCH, revision)], Vec::new()).await?;
    Ok(())
}
