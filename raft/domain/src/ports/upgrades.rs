//! The end of an upgrade: who supports what, and the rise of the realm's feature level.

use super::MembershipError;
use crate::audit::Actor;
use crate::feature_level::FeatureLevel;
use crate::ids::NodeId;
use crate::instance::Role;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// What a node's program supports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Support {
    /// It said so.
    Known {
        /// The highest level.
        level: FeatureLevel,
        /// The program's version.
        version: String,
    },
    /// It does not know the question, so it is of a release that knew only the first level.
    KnowsNoLevels,
    /// It was not reached.
    Silent,
}

impl Support {
    /// Whether it is known to support a level.
    #[must_use]
    pub fn reaches(&self, wanted: FeatureLevel) -> bool {
        match self {
            Self::Known { level, .. } => *level >= wanted,
            Self::KnowsNoLevels => wanted <= FeatureLevel::FIRST,
            Self::Silent => false,
        }
    }
}

/// What one node supports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSupport {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// What its program supports.
    pub supports: Support,
}

/// Where an upgrade stands. Serialised, this is `passquorum upgrade status --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeStatus {
    /// The level that the realm runs at.
    pub level: FeatureLevel,
    /// The highest level that the program of the node that answers supports.
    pub supported: FeatureLevel,
    /// Every node that was not removed.
    pub nodes: Vec<NodeSupport>,
}

impl UpgradeStatus {
    /// The level after the realm's; none when the upgrade is finished.
    #[must_use]
    pub fn next(&self) -> Option<FeatureLevel> {
        Some(self.level.next()).filter(|next| *next <= self.supported)
    }

    /// Which nodes keep the realm from the next level, and what to do about each: a line for each.
    #[must_use]
    pub fn obstacles(&self) -> Vec<String> {
        let Some(next) = self.next() else { return Vec::new() };
        let short = self.nodes.iter().filter(|node| !node.supports.reaches(next));
        short
            .map(|NodeSupport { node, name, supports, .. }| match supports {
                Support::Silent => {
                    format!("node {node} ({name}) does not answer; start it with the new program, or remove it")
                }
                Support::KnowsNoLevels => {
                    format!("node {node} ({name}) runs an earlier program; start it with the new one, or remove it")
                }
                Support::Known { level, version } => format!(
                    "node {node} ({name}) runs passquorum {version}, which supports feature level {level} at most; \
                     start it with the new program, or remove it"
                ),
            })
            .collect()
    }
}

/// The verbs on the feature level. May be called on any voter.
#[async_trait]
pub trait Upgrades: Send + Sync {
    /// Asks every node what its program supports.
    async fn upgrade_status(&self) -> Result<UpgradeStatus, MembershipError>;

    /// Has the realm run at the next level, and so on as long as there is one and every node supports it. Answers the level of
    /// now. There is no way back.
    async fn finalise_upgrade(&self, actor: Actor) -> Result<FeatureLevel, MembershipError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u64, supports: Support) -> NodeSupport {
        NodeSupport { node: NodeId(number), name: format!("n{number}"), role: Role::Voter, supports }
    }

    fn known(level: FeatureLevel) -> Support {
        Support::Known { level, version: "1.2.3".into() }
    }

    #[test]
    fn each_node_that_is_not_known_to_support_the_next_level_stands_in_the_way() {
        let nodes = vec![
            node(1, known(FeatureLevel::CURRENT)),
            node(2, Support::KnowsNoLevels),
            node(3, Support::Silent),
            node(4, known(FeatureLevel::FIRST)),
        ];
        let mut status =
            UpgradeStatus { level: FeatureLevel::FIRST, supported: FeatureLevel::CURRENT, nodes };
        let obstacles = status.obstacles();
        let named = |number: u64| obstacles.iter().any(|line| line.starts_with(&format!("node {number} ")));
        assert_eq!([1, 2, 3, 4].map(named), [false, true, true, true], "{obstacles:?}");
        status.nodes.truncate(1);
        assert_eq!(status.obstacles(), Vec::<String>::new());
        assert_eq!(status.next(), Some(FeatureLevel::SECOND));
        status.level = FeatureLevel::CURRENT;
        assert_eq!(status.next(), None, "there is no level above the program's own");
    }
}
