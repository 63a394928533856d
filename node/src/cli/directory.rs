//! The grammar of `directory`.

use super::Output;
use clap::{Args, Subcommand};

/// `directory`.
#[derive(Debug, Subcommand)]
pub enum DirectoryCommand {
    /// Change the access account, or its password, once a domain controller takes it. Nothing is interrupted.
    SetAccount(AccountArgs),
}

/// `directory set-account`. The password is read from standard input, never from the command line.
#[derive(Debug, Clone, Args)]
pub struct AccountArgs {
    /// Which node to ask, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// The alias of the domain connection.
    #[arg(long)]
    pub alias: String,
    /// The access account: DN, UPN or DOMAIN\name [default: the present one]
    #[arg(long)]
    pub bind_name: Option<String>,
}
