//! What the realm keeps in the directory for legacy clients, as operators see it: the service connection points of each
//! domain, whosever they are, and the container that the realm is mirrored in. The API and the Admin site show the same.
//!
//! Invariant: what this realm keeps by itself is never removed here, and nothing is removed before its audit record was
//! committed.

use crate::ports::Ports;
use passquorum_domain::config::DomainConnection;
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::mirror::{Projection, SectionSize, advice};
use passquorum_domain::points::{FoundPoint, ListedPoint, Verdict};
use passquorum_domain::ports::{
    ConnectionPoints, Container, ContainerError, DirectoryError, Fence, PointsError,
};
use passquorum_domain::state::State;
use serde::Serialize;
use std::sync::Arc;

/// Something of it was not read or not removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LegacyError {
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Points(#[from] PointsError),
    #[error(transparent)]
    Container(#[from] ContainerError),
    #[error(
        "no domain of the realm has a service connection point of that name below CN=One Identity,CN=System"
    )]
    NoSuchPoint,
    #[error("this realm keeps that service connection point and would make it again")]
    Kept,
    #[error("the realm is not mirrored; name a container in the general settings")]
    NotMirrored,
}

impl LegacyError {
    /// The stable code.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Directory(error) | Self::Points(PointsError::Directory(error)) => error.reason.code(),
            Self::Points(_) => ErrorCode::ConditionFailed,
            Self::Container(error) => match error {
                ContainerError::Unreachable(error)
                | ContainerError::Denied(error)
                | ContainerError::Foreign(error)
                | ContainerError::Unknown(error)
                | ContainerError::Refused(error) => error.reason.code(),
                ContainerError::Stale { .. } | ContainerError::Changed => ErrorCode::ConditionFailed,
            },
            Self::NoSuchPoint | Self::NotMirrored => ErrorCode::NotFound,
            Self::Kept => ErrorCode::ConditionFailed,
        }
    }
}

/// A domain whose points were not read.
#[derive(Debug, Serialize)]
pub(crate) struct Unread {
    /// The alias of its connection.
    pub(crate) domain: String,
    /// Why.
    pub(crate) error: String,
}

/// The points of every domain.
#[derive(Debug, Serialize)]
pub(crate) struct Listing {
    pub(crate) points: Vec<ListedPoint>,
    pub(crate) unread: Vec<Unread>,
}

/// Points that were found in one domain.
struct Domain {
    points: Arc<dyn ConnectionPoints>,
    found: Vec<FoundPoint>,
}

async fn look(
    ports: &Ports,
    state: &State,
    connection: &DomainConnection,
) -> Result<Option<Domain>, LegacyError> {
    let Some(points) = ports.directories.points(connection.id).await? else { return Ok(None) };
    let mut found = points.list().await?;
    // The container may lie among them and is of the same class.
    let mirror = state.config().and_then(|config| config.general.mirror.as_ref());
    found.retain(|found| mirror.is_none_or(|mirror| !mirror.container.is_same(&found.dn)));
    Ok(Some(Domain { points, found }))
}

fn connections(state: &State) -> &[DomainConnection] {
    state.config().map_or(&[], |config| config.connections.as_slice())
}

/// Lists the points of every domain; one that does not answer hides no other.
pub(crate) async fn points(ports: &Ports, state: &State) -> Listing {
    let mut listing = Listing { points: Vec::new(), unread: Vec::new() };
    for connection in connections(state) {
        match look(ports, state, connection).await {
            Ok(Some(domain)) => listing.points.extend(
                domain
                    .found
                    .iter()
                    .map(|found| ListedPoint::of(&connection.alias, found, state, ports.now())),
            ),
            Ok(None) => {}
            Err(error) => {
                listing.unread.push(Unread { domain: connection.alias.clone(), error: error.to_string() });
            }
        }
    }
    listing
}

fn is_mirrored_in(state: &State, connection: ConnectionId) -> bool {
    let mirror = state.config().and_then(|config| config.general.mirror.as_ref());
    mirror.is_some_and(|mirror| mirror.connection == connection)
}

/// A point that may be removed.
pub(crate) struct Removal {
    points: Arc<dyn ConnectionPoints>,
    found: FoundPoint,
}

impl Removal {
    /// Finds what is to be removed.
    pub(crate) async fn find(
        ports: &Ports,
        state: &State,
        dn: &DistinguishedName,
    ) -> Result<Self, LegacyError> {
        let mut unread = None;
        for connection in connections(state) {
            let domain = match look(ports, state, connection).await {
                Ok(domain) => domain,
                Err(error) => {
                    unread = Some(error);
                    continue;
                }
            };
            let Some(Domain { points, found }) = domain else { continue };
            let Some(found) = found.into_iter().find(|found| found.dn.is_same(dn)) else { continue };
            return match ListedPoint::of(&connection.alias, &found, state, ports.now()).verdict {
                // In a domain that the realm is not mirrored in any more nobody keeps them.
                Verdict::Kept | Verdict::Stale if is_mirrored_in(state, connection.id) => {
                    Err(LegacyError::Kept)
                }
                _ => Ok(Self { points, found }),
            };
        }
        Err(unread.unwrap_or(LegacyError::NoSuchPoint))
    }

    /// What the audit record says.
    pub(crate) fn note(&self) -> String {
        format!("{} ({})", self.found.dn, self.found.urls().join(", "))
    }

    /// Removes it.
    pub(crate) async fn carry_out(self) -> Result<(), LegacyError> {
        Ok(self.points.remove(&self.found).await?)
    }
}

/// The container that the realm is mirrored in.
#[derive(Debug, Serialize)]
pub(crate) struct MirrorReport {
    /// The alias of its domain; nothing when the realm is not mirrored.
    pub(crate) domain: Option<String>,
    /// Its DN.
    pub(crate) container: Option<DistinguishedName>,
    /// The fence that it was written under.
    pub(crate) fence: Option<Fence>,
    /// Whether it shows the realm as this node knows it.
    #[serde(rename = "true")]
    pub(crate) is_true: bool,
    /// Why it was not read.
    pub(crate) error: Option<String>,
    /// How large each part of what it should show is.
    pub(crate) sections: Vec<SectionSize>,
    /// What to do about that.
    pub(crate) advice: Option<String>,
}

/// Reads the container and compares.
pub(crate) async fn mirror(ports: &Ports, state: &State) -> MirrorReport {
    let setting =
        state.config().and_then(|config| config.general.mirror.as_ref().map(|mirror| (config, mirror)));
    let domain = setting.map(|(config, mirror)| {
        config.connection(mirror.connection).map(|connection| connection.alias.clone()).unwrap_or_default()
    });
    let leader = ports.consensus.status().leader;
    let projection = leader.and_then(|leader| Projection::of(state, leader));
    let (held, error) = match read_container(ports).await {
        Ok(held) => (held, None),
        Err(LegacyError::NotMirrored) => (None, None),
        Err(error) => (None, Some(error.to_string())),
    };
    let sections = projection.as_ref().map(Projection::sizes).unwrap_or_default();
    let wanted = projection.map(|projection| projection.to_document());
    MirrorReport {
        domain,
        container: setting.map(|(_, mirror)| mirror.container.clone()),
        fence: held.as_ref().map(|held| held.fence),
        is_true: held.is_some_and(|held| Some(held.document) == wanted),
        error,
        advice: advice(&sections),
        sections,
    }
}

async fn read_container(ports: &Ports) -> Result<Option<passquorum_domain::ports::Held>, LegacyError> {
    Ok(container(ports).await?.read().await?)
}

/// The container, for its removal: the leader makes it anew within seconds.
pub(crate) async fn container(ports: &Ports) -> Result<Arc<dyn Container>, LegacyError> {
    ports.directories.mirrored().await?.ok_or(LegacyError::NotMirrored)
}
