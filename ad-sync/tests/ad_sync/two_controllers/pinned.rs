//! What is asked of one controller only: the container and the service connection points. While that one is away nothing
//! is written, on no other one either, since a stopped leader could find its own fence there.

use crate::domain_controller::{BASE, SERVICE_PASSWORD};
use crate::people::{CONNECTION, dn};
use passquorum_ad_sync::{Names, container, points};
use passquorum_domain::blob::Blob;
use passquorum_domain::config::LdapsSettings;
use passquorum_domain::ids::{NodeId, RealmId};
use passquorum_domain::points::{FoundPoint, Owner, Point};
use passquorum_domain::ports::{
    ConnectionPoints, Container, ContainerError, DirectoryError, Fence, PointsError,
};
use passquorum_domain::time::Timestamp;
use std::sync::Arc;

const REALM: RealmId = RealmId(uuid::Uuid::from_u128(1));
const NOW: Timestamp = Timestamp(1_795_647_600_000);
const BEFORE: Fence = Fence { term: 1, index: 1 };
const AFTER: Fence = Fence { term: 2, index: 1 };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    ReadContainer,
    LookAtContainer,
    WriteContainer,
    RemoveContainer,
    ListPoints,
    LookAtPoints,
    MakePoint,
    ReplacePoint,
    RemovePoint,
}

impl Duty {
    pub(super) const ALL: [Self; 9] = [
        Self::ReadContainer,
        Self::LookAtContainer,
        Self::WriteContainer,
        Self::RemoveContainer,
        Self::ListPoints,
        Self::LookAtPoints,
        Self::MakePoint,
        Self::ReplacePoint,
        Self::RemovePoint,
    ];

    pub(super) fn changes(self) -> bool {
        !matches!(self, Self::ReadContainer | Self::LookAtContainer | Self::ListPoints | Self::LookAtPoints)
    }

    /// As for a call of the `Directory` port.
    pub(super) fn decisive_request(self) -> usize {
        if self == Self::RemoveContainer { 2 } else { 1 }
    }

    /// Its own container and point, so that all duties can be under way at the same time.
    fn number(self) -> u64 {
        20 + self as u64
    }

    fn point(self) -> Point {
        let node = self.number();
        Point { realm: REALM, node: NodeId(node), url: format!("https://n{node}.example:8443/PMUser/") }
    }
}

/// A leader that has come to one of its duties.
pub(super) struct Leader {
    duty: Duty,
    container: Arc<dyn Container>,
    points: Arc<dyn ConnectionPoints>,
    seen: Option<FoundPoint>,
}

impl Leader {
    pub(super) fn new(duty: Duty, settings: &LdapsSettings, names: &Arc<Names>) -> Self {
        let name = dn(&format!("CN=Container {},OU=Svc,{BASE}", duty.number()));
        let (to_container, to_points) = (Arc::clone(names), Arc::clone(names));
        let container =
            container::open(REALM, CONNECTION, settings, to_container, SERVICE_PASSWORD.into(), &name);
        let points = points::open(REALM, CONNECTION, settings, to_points, SERVICE_PASSWORD.into());
        Self { duty, container: container.unwrap(), points: points.unwrap(), seen: None }
    }

    /// All before the duty: what is to be replaced or removed is there, and connections are open.
    pub(super) async fn so_far(mut self) -> Self {
        if self.container.read().await.unwrap().is_none() {
            self.container.swap(None, BEFORE, &Blob::from(&b"before"[..])).await.unwrap();
        }
        self.seen = self.point().await;
        if self.seen.is_none() && self.duty != Duty::MakePoint {
            self.points.publish(None, &self.duty.point(), NOW, BEFORE).await.unwrap();
            self.seen = self.point().await;
        }
        self
    }

    async fn point(&self) -> Option<FoundPoint> {
        let mut found = self.points.list().await.unwrap();
        found.retain(|found| found.owner(REALM) == Owner::Node { node: NodeId(self.duty.number()) });
        found.pop()
    }

    pub(super) async fn go_on(&self) -> Result<(), DirectoryError> {
        let Self { duty, container, points, seen } = self;
        let of_container = |error| match error {
            ContainerError::Unreachable(error) | ContainerError::Unknown(error) => error,
            other => panic!("{duty:?}: {other}"),
        };
        let of_points = |error| match error {
            PointsError::Directory(error) => error,
            other => panic!("{duty:?}: {other}"),
        };
        match duty {
            Duty::ReadContainer => container.read().await.map(drop).map_err(of_container),
            Duty::LookAtContainer => container.mark().await.map(drop).map_err(of_container),
            Duty::WriteContainer => {
                let document = Blob::from(&b"after"[..]);
                container.swap(Some(BEFORE), AFTER, &document).await.map_err(of_container)
            }
            Duty::RemoveContainer => container.remove().await.map_err(of_container),
            Duty::ListPoints => points.list().await.map(drop).map_err(of_points),
            Duty::LookAtPoints => points.mark().await.map(drop).map_err(of_points),
            Duty::MakePoint | Duty::ReplacePoint => {
                points.publish(seen.as_ref(), &duty.point(), NOW, AFTER).await.map_err(of_points)
            }
            Duty::RemovePoint => points.remove(seen.as_ref().unwrap()).await.map_err(of_points),
        }
    }

    /// Whether the controller has what this duty was to bring about.
    pub(super) async fn is_done(&self) -> bool {
        match self.duty {
            Duty::WriteContainer => self.container.read().await.unwrap().unwrap().fence == AFTER,
            Duty::RemoveContainer => self.container.read().await.unwrap().is_none(),
            Duty::MakePoint | Duty::ReplacePoint => {
                self.point().await.is_some_and(|point| point.fence == Some(AFTER))
            }
            Duty::RemovePoint => self.point().await.is_none(),
            _ => true,
        }
    }
}
