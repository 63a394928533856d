//! Distinct types for the names of things, so that one cannot be passed for another.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

uuid_id! {
    /// A realm: one Raft cluster and its replicated state.
    RealmId;
    /// A domain connection of the realm configuration.
    ConnectionId;
    /// A management policy.
    PolicyId;
    /// A workflow inside a management policy.
    WorkflowId;
    /// A question of a question list.
    QuestionId;
    /// A reset, change or unlock ticket; also its single-use token.
    TicketId;
    /// One counted attempt.
    AttemptId;
    /// A join token.
    JoinTokenId;
    /// An API token.
    ApiTokenId;
    /// A mail in the outbox.
    MailId;
}

/// A Raft node id. Allocated once by the log and never used again after removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Revision of the realm configuration; grows by one with each accepted change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names one proposal, so that a retry of it is recognised and applied once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RequestId {
    /// Made by a node for its own retries within seconds.
    Internal(Uuid),
    /// Derived from a client's `Idempotency-Key`; remembered for a day.
    Client(Uuid),
}

impl RequestId {
    /// A node's own request of a time. The time leads in it, so that requests of one time lie together in the state and
    /// are forgotten together; a state with many of them is changed in one place only.
    #[must_use]
    pub fn internal(at: Timestamp, random: Uuid) -> Self {
        let [_, _, _, _, _, _, tail @ ..] = random.into_bytes();
        Self::Internal(uuid::Builder::from_unix_timestamp_millis(at.0, &tail).into_uuid())
    }
}

/// A keyed hash (HMAC-SHA-256 under a realm key) of something low-entropy: whose key is absent, nothing is learnt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyedHash(pub [u8; 32]);

impl KeyedHash {
    /// Equality in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(&self.0[..], &other.0[..]).into()
    }
}

impl fmt::Display for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyedHash({self})")
    }
}
