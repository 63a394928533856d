//! Join tokens and API tokens, as the cluster keeps them: a keyed hash of the secret, never the secret.

use crate::feature_level::FeatureLevel;
use crate::ids::{ApiTokenId, JoinTokenId, KeyedHash, NodeId};
use crate::instance::Role;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Lets one node join, once, until it expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinToken {
    /// Public part.
    pub id: JoinTokenId,
    /// Keyed hash of the secret part.
    pub secret: KeyedHash,
    /// The role that the node will have.
    pub role: Role,
    /// Not accepted from then on.
    pub expires_at: Timestamp,
    /// The node that used it.
    pub used_by: Option<NodeId>,
}

/// What an API token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiScope {
    /// Read status and configuration.
    Read,
    /// Read and write labels.
    Labels,
    /// Change the configuration.
    Config,
    /// Add, promote and remove nodes, transfer leadership, create tokens.
    Nodes,
    /// Take backups. A backup holds everything, the realm key too, sealed to whom the caller names: worth every scope.
    Backup,
    /// Read, move, remove and bring in people's profiles. Who brings one in can reset that person's password.
    Profiles,
}

impl ApiScope {
    /// Every scope.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Labels, Self::Config, Self::Nodes, Self::Backup, Self::Profiles];
}

impl ApiToken {
    /// The feature level from which on it may be made.
    #[must_use]
    pub fn needs(&self) -> FeatureLevel {
        if self.scopes.contains(&ApiScope::Profiles) { FeatureLevel::SECOND } else { FeatureLevel::FIRST }
    }
}

/// A bearer token of the operators' API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// Public part.
    pub id: ApiTokenId,
    /// Keyed hash of the secret part.
    pub secret: KeyedHash,
    /// What the operator called it; at most 100 characters.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<ApiScope>,
    /// Not accepted from then on; `None` never expires.
    pub expires_at: Option<Timestamp>,
}
