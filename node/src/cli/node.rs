//! The grammar of `node` and `replace`.

use super::{Output, node_id, span};
use crate::config::{HostPort, SiteUrl};
use clap::{Args, Subcommand};
use passquorum_domain::ids::NodeId;
use passquorum_domain::time::Span;

/// `node`.
#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// List the nodes.
    List(Output),
    /// Make a learner whose role is voter a voter, once it has caught up.
    Promote(OneNode),
    /// Change the URL under which people and legacy clients are sent to a node's sites.
    SetUrl(SetUrlArgs),
    /// Remove a node for good. Its id is never used again.
    Remove(RemoveArgs),
    /// Have the others reach a node at another address, such as one in the DMZ whose host moved. A node whose
    /// `cluster.address` was changed tells them by itself when it starts.
    Move(MoveArgs),
    /// Move leadership to a voter: the one that is named, or the one that has most of the log.
    TransferLeader(TransferArgs),
    /// Give this host's node a new key and certificate now, while it serves. It does so by itself in time.
    Renew(Output),
}

/// One node.
#[derive(Debug, Clone, Args)]
pub struct OneNode {
    /// Which node to ask, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// The node's id.
    #[arg(value_parser = node_id)]
    pub node: NodeId,
}

/// `node set-url`.
#[derive(Debug, Clone, Args)]
pub struct SetUrlArgs {
    /// Which node.
    #[command(flatten)]
    pub of: OneNode,
    /// Such as https://pw.example.com.
    pub url: SiteUrl,
}

/// `node remove`.
#[derive(Debug, Clone, Args)]
pub struct RemoveArgs {
    /// Which node.
    #[command(flatten)]
    pub of: OneNode,
    /// Remove it although another voter is down and the realm would have none to spare. What would stop the realm is
    /// refused all the same.
    #[arg(long)]
    pub force: bool,
}

/// `node move`.
#[derive(Debug, Clone, Args)]
pub struct MoveArgs {
    /// Which node.
    #[command(flatten)]
    pub of: OneNode,
    /// Where the other nodes reach it from now on.
    #[arg(value_name = "HOST:PORT")]
    pub cluster_address: HostPort,
}

/// `replace`.
#[derive(Debug, Clone, Args)]
pub struct ReplaceArgs {
    /// The node that is to go, such as one whose host is lost.
    #[command(flatten)]
    pub of: OneNode,
    /// How long the token is valid, such as 30m, 24h or 7d.
    #[arg(long, value_parser = span, default_value = "24h")]
    pub life: Span,
}

/// `node transfer-leader`.
#[derive(Debug, Clone, Args)]
pub struct TransferArgs {
    /// Which node to ask, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// The next leader's id.
    #[arg(long, value_parser = node_id)]
    pub to: Option<NodeId>,
}
