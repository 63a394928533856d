//! The cluster: one Raft group whose log drives the domain's state.
//!
//! ```text
//!   propose / read / verbs (any node)
//!        │
//!     Cluster ── forward, read_index, membership, transfer ──┐
//!        │                                                   │ peer protocol: mutual TLS 1.3,
//!     openraft ── raft_network, snapshot_stream, election ───┤ bounded frames, one table of
//!        │                                                   │ who may send what
//!     storage (log, vote, state, snapshots)             other members
//! ```
//! Guarantees:
//! - An outcome is answered only after its command was committed by a quorum and applied.
//! - "Nothing was changed" ([`NoQuorum`](passquorum_domain::ports::ProposeError::NoQuorum)) is said only when that is
//!   certain; else the answer is "unknown". A repetition under the same request id changes nothing twice.
//! - A linearizable read sees everything that was acknowledged before it began.
//! - A node in the perimeter opens no stream: voters lend it theirs, and it asks them only for what visitors need.
//! - A node that was removed, or is of another realm or epoch, is refused at the handshake and at each request.
//!
//! This crate holds no rule of the domain, and knows no LDAP, HTTP or command line. No openraft type is part of what
//! other crates need to name but the type configuration in [`types`].

mod announce;
mod cluster;
mod duties;
mod election;
mod error;
mod forward;
mod founding;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod integrity;
mod leadership;
mod lender;
mod member;
mod membership;
pub mod net;
#[cfg(feature = "planted")]
pub mod planted;
#[cfg(not(feature = "planted"))]
mod planted;
mod proposals;
mod raft_network;
mod read_index;
mod refuse;
mod renewal;
#[cfg(feature = "planted")]
pub mod rogue;
mod service;
mod snapshot_stream;
mod state_machine;
mod status;
mod transfer;
mod transport;
mod tuning;
pub mod types;
mod upgrade;
mod vigil;
mod wire;

pub use cluster::{Applied, Cluster, ClusterSettings, Phase, Progress};
pub use error::{StartError, coded, storage_code};
pub use founding::{Reached, Survivor, found, survey};
pub use gateway::{Gateway, GatewayError, Repeat};
pub use integrity::evidence::{Evidence, EvidenceReport};
pub use passquorum_domain::ports::Leadership;
pub use refuse::refuse;
pub use renewal::{Certified, Certifier};
pub use state_machine::Replica;
pub use transport::identity::{IdentityError, PeerIdentity};
pub use transport::request::MAX_STEP;
pub use transport::tls::{PeerTls, Renewed, TlsError};
pub use tuning::{Tuning, TuningError};

/// The storage that a member is started on.
pub type Store = passquorum_storage::Store<types::TypeConfig, Replica>;
