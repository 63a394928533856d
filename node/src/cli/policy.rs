//! `policy`: whom the realm serves, and how.

use super::{Local, Output};
use clap::{Args, Subcommand};

/// `policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Add a policy with the default workflows, questions and rules.
    Add(PolicyArgs),
    /// Count the users that each policy serves, and those of them who have registered.
    Users(Output),
    /// Tell which policy serves a user, and why that one.
    Explain(ExplainArgs),
}

/// `policy explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// Where to ask and how to answer.
    #[command(flatten)]
    pub output: Output,
    /// The user: `DOMAIN\name`, a user principal name, an account name or a mail address.
    pub user: String,
}

/// `policy add`.
#[derive(Debug, Clone, Args)]
pub struct PolicyArgs {
    /// Which node to ask.
    #[command(flatten)]
    pub local: Local,
    /// What to call the policy.
    #[arg(long)]
    pub name: String,
    /// The alias of the domain connection.
    #[arg(long)]
    pub alias: String,
    /// Serve everyone below this OU; may be given again.
    #[arg(long = "ou", value_name = "DN")]
    pub ous: Vec<String>,
    /// Serve the members of this group, nested ones too; may be given again.
    #[arg(long = "group", value_name = "DN")]
    pub groups: Vec<String>,
    /// Let the members of this group help the people of this policy, and nobody else; may be given again.
    #[arg(long = "helpdesk-group", value_name = "DN")]
    pub helpdesk_groups: Vec<String>,
}
