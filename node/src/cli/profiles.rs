//! The grammar of `profiles`.

use super::Output;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `profiles`. Each can be broken off and run again; it goes on with what is left.
#[derive(Debug, Subcommand)]
pub enum ProfilesCommand {
    /// Move profiles to the connection's present attribute, and seal them under the present data key.
    Migrate(MigrateArgs),
    /// Take people's profiles away, so that they have to register again.
    Unregister(UnregisterArgs),
    /// Make profiles from answers in a CSV file, as if each person had registered them.
    Import(ImportProfilesArgs),
}

/// `profiles migrate`.
#[derive(Debug, Clone, Args)]
pub struct MigrateArgs {
    /// Which node does the work, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// The alias of the domain connection.
    #[arg(long)]
    pub alias: String,
    /// Also take profiles as they are that another hand put there, as a restore of the directory does. Whoever can write
    /// the attribute may have put an earlier profile of a person back: ask yourself who did.
    #[arg(long)]
    pub accept_rewritten: bool,
    /// Change nothing, say what would be.
    #[arg(long)]
    pub dry_run: bool,
}

/// `profiles unregister`.
#[derive(Debug, Clone, Args)]
pub struct UnregisterArgs {
    /// Which node does the work, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// The alias of the domain connection.
    #[arg(long)]
    pub alias: String,
    /// Whose profiles.
    #[command(flatten)]
    pub who: WhoArgs,
    /// Those too that this realm cannot open; without it they may be another realm's, and stay.
    #[arg(long)]
    pub unreadable: bool,
    /// Change nothing, say what would be.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask first.
    #[arg(long)]
    pub yes: bool,
}

/// Whose profiles.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct WhoArgs {
    /// A person: logon name, UPN or mail address; give the option again for each.
    #[arg(long = "user", value_name = "NAME")]
    pub users: Vec<String>,
    /// The members of this group: direct, nested and primary.
    #[arg(long, value_name = "DN")]
    pub group: Option<String>,
    /// Everyone below this object, such as an OU.
    #[arg(long, value_name = "DN")]
    pub below: Option<String>,
}

/// `profiles import`.
#[derive(Debug, Clone, Args)]
pub struct ImportProfilesArgs {
    /// Which node does the work, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// A CSV file (UTF-8) with the columns user, question and answer, a line for each answer; `-` reads standard input.
    /// A question that is not in the policy's list becomes one of the person's own.
    pub file: PathBuf,
    /// Replace the profiles of those who have one; without it they keep theirs.
    #[arg(long)]
    pub replace: bool,
    /// Change nothing, say what would be.
    #[arg(long)]
    pub dry_run: bool,
}
