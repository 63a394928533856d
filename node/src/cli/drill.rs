//! The grammar of `drill`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `drill`.
#[derive(Debug, Clone, Args)]
pub struct DrillArgs {
    /// What to rehearse.
    #[arg(value_enum)]
    pub drill: DrillName,
    /// Where the cluster is made; it must be empty or absent, and is kept with report.json [default: a temporary
    /// directory, kept only when the drill fails]
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Print one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// A drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DrillName {
    /// The leader of three nodes is killed.
    KillLeader,
    /// Two nodes of three are lost with their disks; the third is recovered, and two new ones join.
    LoseQuorum,
    /// Three nodes are lost with their disks; a backup is restored, and two new ones join.
    RestoreBackup,
}

impl DrillName {
    /// The name, as it is typed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KillLeader => "kill-leader",
            Self::LoseQuorum => "lose-quorum",
            Self::RestoreBackup => "restore-backup",
        }
    }
}
