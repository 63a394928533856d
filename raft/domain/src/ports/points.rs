//! The connection points port: the service connection points of one domain, on one domain controller.
//!
//! Each is written by compare-and-swap on the fence that was seen in it, as the container is (see [`Container`]).
//!
//! [`Container`]: super::Container

use super::{DirectoryError, DirectoryReason, Fence, Mark};
use crate::ids::NodeId;
use crate::points::{FoundPoint, Point};
use crate::time::Timestamp;
use async_trait::async_trait;

/// Points were not read or not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PointsError {
    /// The directory said no, or nothing.
    #[error("service connection points: {0}{hint}", hint = hint(.0))]
    Directory(#[from] DirectoryError),
    /// A newer leader has written.
    #[error(
        "a service connection point was written under fence {found}, and {own} is lower; nothing was written"
    )]
    Stale {
        /// What is there.
        found: Fence,
        /// What was to be written.
        own: Fence,
    },
    /// A keyword would be longer than the attribute takes.
    #[error(
        "the Self-Service URL of node {node} is too long for a service connection point; give it a shorter one"
    )]
    TooLong {
        /// Whose.
        node: NodeId,
    },
}

fn hint(error: &DirectoryError) -> &'static str {
    match error.reason {
        DirectoryReason::AccessDenied => {
            "; let the access account create and delete serviceConnectionPoint objects below \
             CN=One Identity,CN=System, and make that container if it is missing"
        }
        _ => "",
    }
}

/// The service connection points of one domain.
#[async_trait]
pub trait ConnectionPoints: Send + Sync {
    /// Changes whenever one of them does.
    async fn mark(&self) -> Result<Mark, PointsError>;

    /// All of them, whosever they are.
    async fn list(&self) -> Result<Vec<FoundPoint>, PointsError>;

    /// Writes one, in place of what was seen if it still has the fence that was seen; makes what it lies in when that is
    /// missing.
    async fn publish(
        &self,
        seen: Option<&FoundPoint>,
        point: &Point,
        stamp: Timestamp,
        fence: Fence,
    ) -> Result<(), PointsError>;

    /// Removes one. That it is gone already is no failure.
    async fn remove(&self, point: &FoundPoint) -> Result<(), PointsError>;
}
