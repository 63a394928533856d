//! `config legacy`.

use clap::Args;
use std::path::PathBuf;

/// `config legacy`. It asks no node.
#[derive(Debug, Clone, Args)]
pub struct LegacyArgs {
    /// The files: `Local.storage` and `Shared.storage` of the old server, or whatever it exported as XML.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write what can be taken over as a tree for `config apply` into this folder.
    #[arg(long, value_name = "TREE", requires = "authorities")]
    pub write: Option<PathBuf>,
    /// A PEM file with the authorities that may sign the domain controllers' certificates; the old files do not name them.
    #[arg(long, value_name = "FILE")]
    pub authorities: Option<PathBuf>,
    /// Print one line of JSON.
    #[arg(long)]
    pub json: bool,
}
