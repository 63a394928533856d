//! The grammar of `drill`.

use super::span;
use clap::{Args, ValueEnum};
use passquorum_domain::time::Span;
use std::path::PathBuf;

/// `drill`.
#[derive(Debug, Clone, Args)]
pub struct DrillArgs {
    /// What to rehearse.
    #[arg(value_enum)]
    pub drill: DrillName,
    /// How many voters the throw-away cluster has: 3 or 5.
    #[arg(long, default_value = "3", value_parser = nodes, conflicts_with = "live")]
    pub nodes: u16,
    /// Where the cluster is made; it must be empty or absent, and is kept with report.json [default: a temporary
    /// directory, kept only when the drill fails]. With --live: the data directory of this host's node [default:
    /// /var/lib/passquorum]
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Rehearse on the realm of this host's node, where that is safe: kill-leader, rotate-keys, restore-backup.
    #[arg(long)]
    pub live: bool,
    /// With --live: do not ask for the realm's name.
    #[arg(long, requires = "live")]
    pub yes: bool,
    /// With --live: give up and mend when no write was acknowledged for so long.
    #[arg(long, value_name = "SPAN", default_value = "5s", value_parser = span, requires = "live")]
    pub abort_after: Span,
    /// For rolling-upgrade: the program of the earlier release, which the cluster starts with.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "live")]
    pub earlier: Option<PathBuf>,
    /// Write the report, as JSON, to this file too.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print one line of JSON.
    #[arg(long)]
    pub json: bool,
    /// How the drill starts itself where it may mount a file system that nobody else sees.
    #[arg(long, hide = true)]
    pub own_mounts: bool,
}

/// A drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DrillName {
    /// The leader is killed. With --live leadership is moved away and back, and nothing is killed.
    KillLeader,
    /// All nodes but one are lost with their disks; that one is recovered, and new ones join.
    LoseQuorum,
    /// A node in the perimeter is cut off from the voters, and reached again.
    PartitionDmz,
    /// The leader's disk is full, and has room again.
    FullDisk,
    /// All nodes are lost with their disks; a backup is restored, and new ones join. With --live a backup of the realm is
    /// restored beside it and compared.
    RestoreBackup,
    /// Every certificate is renewed and the realm's data key replaced.
    RotateKeys,
    /// Each node is stopped and started again, with the new program after --earlier.
    RollingUpgrade,
}

impl DrillName {
    /// The name, as it is typed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KillLeader => "kill-leader",
            Self::LoseQuorum => "lose-quorum",
            Self::PartitionDmz => "partition-dmz",
            Self::FullDisk => "full-disk",
            Self::RestoreBackup => "restore-backup",
            Self::RotateKeys => "rotate-keys",
            Self::RollingUpgrade => "rolling-upgrade",
        }
    }
}

fn nodes(text: &str) -> Result<u16, String> {
    match text {
        "3" => Ok(3),
        "5" => Ok(5),
        _ => Err("use 3 or 5".to_owned()),
    }
}
