//! How much each part of each node writes into its log: rules of the replicated configuration, so that they hold at run
//! time, for one node or for all.
//!
//! A rule is written `[NODE:][COMPONENT=]LEVEL`: `debug`, `raft=trace`, `3:sites=debug`. Of the rules that fit a
//! component of a node the last one counts; where none fits, the node's own settings hold.

use crate::ids::NodeId;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How much is written; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What may fail next.
    Warn,
    /// What an operator wants to know.
    Info,
    /// What helps to find a fault.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// Every level.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The level as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// A part of a node that writes a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// The node itself: start, stop, listeners, keys.
    Node,
    /// Consensus and the connections between nodes.
    Raft,
    /// The library under it.
    Openraft,
    /// The disk.
    Storage,
    /// Domain controllers and the mirror.
    Directory,
    /// Sites, API and workflows.
    Sites,
}

impl Component {
    /// Every component.
    pub const ALL: [Self; 6] =
        [Self::Node, Self::Raft, Self::Openraft, Self::Storage, Self::Directory, Self::Sites];

    /// The component as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Raft => "raft",
            Self::Openraft => "openraft",
            Self::Storage => "storage",
            Self::Directory => "directory",
            Self::Sites => "sites",
        }
    }
}

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LogRule {
    /// The node, or every node.
    pub node: Option<NodeId>,
    /// The component, or each of ours; the library under consensus must be named.
    pub component: Option<Component>,
    /// How much.
    pub level: LogLevel,
}

impl LogRule {
    fn fits(&self, node: NodeId, component: Component) -> bool {
        let component_fits = self.component.map_or(component != Component::Openraft, |own| own == component);
        self.node.is_none_or(|own| own == node) && component_fits
    }
}

/// What the rules say of a component of a node.
#[must_use]
pub fn level_of(rules: &[LogRule], node: NodeId, component: Component) -> Option<LogLevel> {
    rules.iter().rev().find(|rule| rule.fits(node, component)).map(|rule| rule.level)
}

/// A text is no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "use [NODE:][COMPONENT=]LEVEL, such as debug, raft=trace or 3:sites=debug; components are node, raft, openraft, \
     storage, directory and sites, levels error, warn, info, debug and trace"
)]
pub struct NotALogRule;

impl fmt::Display for LogRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(node) = self.node {
            write!(f, "{node}:")?;
        }
        if let Some(component) = self.component {
            write!(f, "{}=", component.as_str())?;
        }
        f.write_str(self.level.as_str())
    }
}

impl FromStr for LogRule {
    type Err = NotALogRule;

    fn from_str(text: &str) -> Result<Self, NotALogRule> {
        let (node, rest) = match text.split_once(':') {
            Some((node, rest)) => (Some(NodeId(node.parse().map_err(|_| NotALogRule)?)), rest),
            None => (None, text),
        };
        let (component, level) = match rest.split_once('=') {
            Some((name, level)) => {
                let component = Component::ALL.into_iter().find(|component| component.as_str() == name);
                (Some(component.ok_or(NotALogRule)?), level)
            }
            None => (None, rest),
        };
        let level = LogLevel::ALL.into_iter().find(|known| known.as_str() == level).ok_or(NotALogRule)?;
        Ok(Self { node, component, level })
    }
}

impl From<LogRule> for String {
    fn from(rule: LogRule) -> Self {
        rule.to_string()
    }
}

impl TryFrom<String> for LogRule {
    type Error = NotALogRule;

    fn try_from(text: String) -> Result<Self, NotALogRule> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> Vec<LogRule> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_rule_reads_back_as_it_is_written() {
        for text in ["debug", "raft=trace", "3:sites=debug", "12:error", "openraft=info"] {
            assert_eq!(text.parse::<LogRule>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "loud",
            "raft",
            "raft=",
            "=debug",
            "x:debug",
            ":debug",
            "raft=debug=info",
            "1:2:debug",
            "Debug",
        ] {
            assert_eq!(bad.parse::<LogRule>(), Err(NotALogRule), "{bad}");
        }
    }

    #[test]
    fn the_last_rule_that_fits_counts() {
        let rules = rules(&["warn", "raft=debug", "2:trace", "2:raft=info"]);
        let of = |node, component| level_of(&rules, NodeId(node), component);
        assert_eq!(of(1, Component::Sites), Some(LogLevel::Warn));
        assert_eq!(of(1, Component::Raft), Some(LogLevel::Debug));
        assert_eq!(of(2, Component::Sites), Some(LogLevel::Trace));
        assert_eq!(of(2, Component::Raft), Some(LogLevel::Info));
        assert_eq!(of(2, Component::Openraft), None, "the library is as loud as it is told by name");
        assert_eq!(level_of(&[], NodeId(1), Component::Node), None);
    }
}
