//! The registry of the realm's nodes, and how the realm key is wrapped for those that hold it.

use crate::blob::Blob;
use crate::ids::NodeId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a node is in the realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Votes, may lead, holds keys.
    Voter,
    /// Read-only, holds keys: for remote sites.
    SiteLearner,
    /// Read-only, holds no keys: for the perimeter network.
    DmzLearner,
}

impl Role {
    /// Whether such a node receives a wrap of the realm key.
    #[must_use]
    pub fn holds_keys(self) -> bool {
        matches!(self, Self::Voter | Self::SiteLearner)
    }

    /// The role as it stands in certificates, tokens and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Voter => "voter",
            Self::SiteLearner => "site-learner",
            Self::DmzLearner => "dmz-learner",
        }
    }

    /// Reads [`Role::as_str`] back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Voter, Self::SiteLearner, Self::DmzLearner].into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a node stands in the realm. Raft's membership follows it: whoever leads finishes what is not done yet.
///
/// Data that was stored before a removal was decided first holds `Option<Timestamp>` here, the time of the removal. The
/// first two variants read the same, so the order of the variants is fixed and new ones go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It belongs to the realm, and a voter among them is to vote.
    Active,
    /// It was removed then; its id stays known so that it is never used again.
    Removed(Timestamp),
    /// Its removal was decided then: it is to lose its vote, and then its place. Nothing gives it a vote any more.
    Leaving(Timestamp),
}

/// A node of the realm (the guide's *instance*).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its Raft id.
    pub id: NodeId,
    /// What the operator called it; at most 100 characters.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// `host:port` where peers reach it over mutual TLS.
    pub cluster_address: String,
    /// `https://host:port` where browsers and the API reach it.
    pub site_url: String,
    /// Its X25519 public key, to which the realm key is wrapped (RFC 9180).
    pub wrap_key: [u8; 32],
    /// When it was admitted.
    pub joined_at: Timestamp,
    /// How it stands.
    pub standing: Standing,
}

impl Instance {
    /// Whether it is part of the realm and stays.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.standing == Standing::Active
    }

    /// Whether its removal was decided and is not done yet. Until then it takes part.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        matches!(self.standing, Standing::Leaving(_))
    }

    /// Whether it is no part of the realm any more.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.removed_at().is_some()
    }

    /// When it was removed.
    #[must_use]
    pub fn removed_at(&self) -> Option<Timestamp> {
        match self.standing {
            Standing::Removed(at) => Some(at),
            Standing::Active | Standing::Leaving(_) => None,
        }
    }
}

/// The realm key, sealed to one node's wrap key (HPKE base mode, RFC 9180: encapsulated key, then ciphertext).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyWrap {
    /// Which realm key; grows with rotation.
    pub generation: u32,
    /// Encapsulated key followed by ciphertext.
    pub wrapped: Blob,
}
