//! The grammar of `upgrade`.

use super::Output;
use clap::Subcommand;

/// `upgrade`.
#[derive(Debug, Subcommand)]
pub enum UpgradeCommand {
    /// Ask every node which program it runs and which feature level that supports, and say what is missing.
    Status(Output),
    /// Have the realm run at the next feature level, once every node supports it. Programs of the release before cannot
    /// be started on it any more.
    #[command(alias = "finalize")]
    Finalise(Output),
}
