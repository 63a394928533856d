//! The grammar of `keys`.

use super::Output;
use clap::{Args, Subcommand};

/// `keys`.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Show which keys there are and how much each of them still seals in the realm's state.
    Status(Output),
    /// Make a new data key, give it to the nodes that hold keys, and seal everything in the realm's state anew.
    Rotate(Output),
    /// Give up an older data key for good, once nothing in the realm's state needs it.
    Retire(RetireArgs),
}

/// `keys retire`.
#[derive(Debug, Clone, Args)]
pub struct RetireArgs {
    /// Which node to ask, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// The key's generation, as `passquorum keys status` shows it.
    pub generation: u32,
    /// Yes: profiles in the directory that nobody has written since the key was replaced are lost, and their owners have
    /// to register again.
    #[arg(long, required = true)]
    pub lose_old_profiles: bool,
}
