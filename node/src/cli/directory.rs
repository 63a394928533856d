//! The grammar of `directory`.

use super::{Local, Output};
use clap::{Args, Subcommand};

/// `directory`.
#[derive(Debug, Subcommand)]
pub enum DirectoryCommand {
    /// Change the access account, or its password, once a domain controller takes it. Nothing is interrupted.
    SetAccount(AccountArgs),
    /// Show and tidy up the service connection points by which legacy clients find the sites.
    #[command(subcommand)]
    Points(PointsCommand),
    /// Show the container that the realm is mirrored in, or have it made anew.
    #[command(subcommand)]
    Mirror(MirrorCommand),
}

/// `directory points`.
#[derive(Debug, Subcommand)]
pub enum PointsCommand {
    /// List those of every domain, whosever they are: sites, age, and what to make of each.
    List(Output),
    /// Remove one that this realm does not keep, such as the replaced product's.
    Remove(RemovePointArgs),
}

/// `directory points remove`.
#[derive(Debug, Clone, Args)]
pub struct RemovePointArgs {
    /// Which node to ask.
    #[command(flatten)]
    pub local: Local,
    /// Its distinguished name, as `directory points list` shows it.
    pub dn: String,
    /// Do not ask for the organisation's name.
    #[arg(long)]
    pub yes: bool,
}

/// `directory mirror`.
#[derive(Debug, Subcommand)]
pub enum MirrorCommand {
    /// Say where it is, whether it is true, and how large each part of it is.
    Show(Output),
    /// Remove it; the leader makes it anew within seconds.
    Rebuild(Local),
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
