//! The grammar of the command line, and nothing else.

mod backup;
mod directory;
mod drill;
mod keys;
mod legacy;
mod mail;
mod node;
mod policy;
mod profiles;
mod spe;
mod upgrade;

pub use backup::{
    BackupArgs, BackupCommand, ImportArgs, KeygenArgs, OpenArgs, RecoverArgs, RestoreArgs, SealArgs,
    VerifyArgs,
};
pub use directory::{
    AccountArgs, AccountName, CheckArgs, DelegateArgs, DelegationForm, DirectoryCommand, MirrorCommand,
    PointsCommand, PushTo, RemovePointArgs,
};
pub use drill::{DrillArgs, DrillName};
pub use keys::{KeysCommand, RetireArgs};
pub use legacy::LegacyArgs;
pub use mail::{MailCommand, SetMailArgs, TestMailArgs};
pub use node::{MoveArgs, NodeCommand, OneNode, RemoveArgs, ReplaceArgs, SetUrlArgs, TransferArgs};
pub use policy::{ExplainArgs, PolicyArgs, PolicyCommand};
pub use profiles::{ImportProfilesArgs, MigrateArgs, ProfilesCommand, UnregisterArgs, WhoArgs};
pub use spe::{DiagnoseArgs, SpeCommand};
pub use upgrade::UpgradeCommand;

use crate::config::{HostPort, SiteUrl};
use clap::{Args, Parser, Subcommand};
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::time::Span;
use passquorum_domain::token::ApiScope;
use secrecy::SecretString;
use std::path::PathBuf;

/// Self-service password management for Active Directory, as a replicated cluster.
#[derive(Debug, Parser)]
#[command(name = "passquorum", version, about, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 not now (try again), 64 the command line is wrong.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start three nodes and an embedded directory on this host, from nothing, to try everything out.
    Demo(DemoArgs),
    /// Make a new realm with this host as its first node.
    Init(InitArgs),
    /// Make this host a node of a realm, with a token from `token create`.
    Join(JoinArgs),
    /// Run the node in the foreground until SIGTERM or SIGINT.
    Run(Local),
    /// Show the realm's members, leader and term as this node sees them, what is wrong and what to do.
    Status(StatusArgs),
    /// Make tokens for nodes and for the operators' API.
    #[command(subcommand)]
    Token(TokenCommand),
    /// List, promote and remove nodes; move leadership.
    #[command(subcommand)]
    Node(NodeCommand),
    /// Show, rotate and retire the data key that the realm's secrets are sealed under.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Enter and try the mail servers, and show the mails that wait.
    #[command(subcommand)]
    Mail(MailCommand),
    /// Say which program each node runs, and finish a rolling upgrade.
    #[command(subcommand)]
    Upgrade(UpgradeCommand),
    /// Make a token for the node that takes another's place. Once that one votes, the other is removed.
    Replace(ReplaceArgs),
    /// Show, export, compare, change and bring back the realm's configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Enter the domains that users live in.
    #[command(subcommand)]
    Connection(ConnectionCommand),
    /// Change what a domain connection signs in with, look at its rights; show and tidy up what is kept for legacy clients.
    #[command(subcommand)]
    Directory(DirectoryCommand),
    /// Move, remove and bring in many people's profiles at once.
    #[command(subcommand)]
    Profiles(ProfilesCommand),
    /// Say whom the realm serves, with a policy to begin with.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Say who may use the Admin and Helpdesk sites.
    #[command(subcommand)]
    Access(AccessCommand),
    /// Take a backup of the whole realm while it serves, sealed to a passphrase or a key; check one; make a key.
    Backup(BackupArgs),
    /// Make a new cluster from a backup, with this host as its first node.
    Restore(RestoreArgs),
    /// Make a cluster of one from what this stopped node has, after a majority of the voters is lost for good.
    Recover(RecoverArgs),
    /// Break a throw-away cluster on this host under load, and measure how it comes back.
    Drill(DrillArgs),
    /// See what a Secure Password Extension client at the logon screen meets.
    #[command(subcommand)]
    Spe(SpeCommand),
    /// Say what an error code means and what to do.
    Doctor(DoctorArgs),
}

/// Which node of this host is meant.
#[derive(Debug, Clone, Args)]
pub struct Local {
    /// The node's data directory.
    #[arg(long, env = "PASSQUORUM_DIR", default_value = "/var/lib/passquorum")]
    pub dir: PathBuf,
}

/// Which node, and the form of the answer.
#[derive(Debug, Clone, Args)]
pub struct Output {
    /// Which node.
    #[command(flatten)]
    pub local: Local,
    /// Print one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// `status`.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// Which node to ask, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// Look again each second until Ctrl-C; with --json, one line each time.
    #[arg(long)]
    pub watch: bool,
}

/// `demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Where to keep the nodes; a demo that is there already is started again [default: a new temporary directory]
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// The first of the ports: sites on this one and those after it, peers a hundred higher.
    #[arg(long, default_value_t = 8443, value_parser = clap::value_parser!(u16).range(1..=65_400))]
    pub base_port: u16,
    /// How many nodes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=7))]
    pub nodes: u16,
    /// Print one line of JSON once all is ready, and nothing else.
    #[arg(long)]
    pub json: bool,
}

/// What a new node needs to know of itself.
#[derive(Debug, Clone, Args)]
pub struct NewNodeArgs {
    /// The node's data directory; made when it is not there.
    #[command(flatten)]
    pub local: Local,
    /// What to call the node.
    #[arg(long)]
    pub name: String,
    /// Where the other nodes reach it.
    #[arg(long, value_name = "HOST:PORT")]
    pub cluster_address: HostPort,
    /// Where it listens for browsers, operators and probes.
    #[arg(long, value_name = "HOST:PORT")]
    pub site_address: HostPort,
    /// How browsers reach it [default: https://SITE_ADDRESS]
    #[arg(long, value_name = "URL")]
    pub site_url: Option<SiteUrl>,
}

/// `init`.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// The node.
    #[command(flatten)]
    pub node: NewNodeArgs,
    /// An authority of yours for the realm, such as an intermediate one of the company's: its certificate, PEM. It may
    /// sign nothing else, since every voter can use it [default: the realm makes its own]
    #[arg(long, value_name = "FILE", requires = "authority_key")]
    pub authority_cert: Option<PathBuf>,
    /// Its private key: EC P-256, PKCS#8 PEM, mode 0600. The realm keeps it sealed; remove the file afterwards.
    #[arg(long, value_name = "FILE", requires = "authority_cert")]
    pub authority_key: Option<PathBuf>,
}

/// `join`.
#[derive(Debug, Clone, Args)]
pub struct JoinArgs {
    /// The node.
    #[command(flatten)]
    pub node: NewNodeArgs,
    /// The token from `passquorum token create`; `-` reads it from standard input.
    #[arg(long, env = "PASSQUORUM_JOIN_TOKEN", hide_env_values = true)]
    pub token: SecretString,
    /// The site of any voter of the realm; give several to have the next one asked when one does not answer. Their
    /// authority is checked against the token before anything is sent.
    #[arg(long, value_name = "URL", required_unless_present = "discover", conflicts_with = "discover")]
    pub server: Vec<SiteUrl>,
    /// Find the sites by DNS: the SRV records of _passquorum._tcp.DOMAIN.
    #[arg(long, value_name = "DOMAIN")]
    pub discover: Option<String>,
}

/// `token`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token: for one node (`--role`), or for the operators' API (`--api`). It is shown once.
    Create(TokenArgs),
}

/// `token create`.
#[derive(Debug, Clone, Args)]
pub struct TokenArgs {
    /// Which node to ask, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// A token that lets one node join: voter, site-learner or dmz-learner.
    #[arg(long, value_parser = role, required_unless_present = "api", conflicts_with = "api")]
    pub role: Option<Role>,
    /// A bearer token for the operators' API.
    #[arg(long, requires = "name", requires = "scope")]
    pub api: bool,
    /// What to call the API token.
    #[arg(long, requires = "api")]
    pub name: Option<String>,
    /// What the API token may do: read, labels, config, nodes, backup, profiles. Some lead to the others: config names
    /// administrators, nodes lets a node in that gets the realm's keys and makes tokens, backup has those keys too, and
    /// profiles brings in the answers with which a password is reset.
    #[arg(long, value_parser = scope, value_delimiter = ',', requires = "api")]
    pub scope: Vec<ApiScope>,
    /// How long it is valid, such as 30m, 24h or 90d [default: 24h for a node, for ever for the API]
    #[arg(long, value_parser = span)]
    pub life: Option<Span>,
}

/// `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the configuration as JSON, or a past revision of it; secrets in it are sealed.
    Show(ShowArgs),
    /// Write the configuration to a JSON file, or as a tree of files to edit and to keep under version control.
    Export(ExportArgs),
    /// Replace the configuration by a file's: by an export's of this realm if nobody changed it since, or by a portable
    /// one's of any realm.
    Import(ImportArgs),
    /// Say what files of the replaced product (Local.storage, Shared.storage) hold and what of it can be taken over.
    Legacy(LegacyArgs),
    /// Say what a tree of files would change, object by object and field by field.
    #[command(after_help = "Exit codes: 0 nothing would change, 2 something would, 1 it cannot be told.")]
    Plan(TreeArgs),
    /// Put a tree of files in force, if nobody changed the configuration since it was exported.
    Apply(ApplyArgs),
    /// List the revisions that are kept: number, when, who, what changed, comment.
    History(Output),
    /// Make a new revision with the contents of an old one.
    Rollback(RollbackArgs),
}

/// `config show`.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// Which node to ask.
    #[command(flatten)]
    pub local: Local,
    /// A past revision, as `config history` lists them [default: the one in force]
    pub revision: Option<u64>,
}

/// `config export`.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("into").required(true).args(["file", "tree", "portable"])))]
pub struct ExportArgs {
    /// Which node to ask.
    #[command(flatten)]
    pub local: Local,
    /// The JSON file. Its secrets are sealed.
    pub file: Option<PathBuf>,
    /// The folder for a tree of TOML files; a tree that is there is replaced. No secret is in it.
    #[arg(long, value_name = "TREE")]
    pub tree: Option<PathBuf>,
    /// A file for another realm, with the access accounts' passwords in it, sealed to a passphrase or a key.
    #[arg(long, value_name = "FILE")]
    pub portable: Option<PathBuf>,
    /// Who can open a portable file.
    #[command(flatten)]
    pub seal: SealArgs,
}

/// A tree, which node to ask, and the form of the answer.
#[derive(Debug, Clone, Args)]
pub struct TreeArgs {
    /// Which node to ask, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// The folder that `config export --tree` wrote.
    pub tree: PathBuf,
}

/// `config apply`.
#[derive(Debug, Clone, Args)]
pub struct ApplyArgs {
    /// Which tree.
    #[command(flatten)]
    pub tree: TreeArgs,
    /// Why, in one line, for the history and the audit.
    #[arg(long)]
    pub comment: Option<String>,
    /// Apply on top of this revision, which must be the one in force, though the tree was exported at another: what was
    /// changed between the two is undone where the tree differs.
    #[arg(long, value_name = "REVISION")]
    pub force_revision: Option<u64>,
}

/// `config rollback`.
#[derive(Debug, Clone, Args)]
pub struct RollbackArgs {
    /// Which node to ask, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// The revision to go back to, as `config history` lists them.
    pub revision: u64,
    /// Why, in one line, for the history and the audit.
    #[arg(long)]
    pub comment: Option<String>,
}

/// `connection`.
#[derive(Debug, Subcommand)]
pub enum ConnectionCommand {
    /// Add a domain connection, or replace one.
    Set(ConnectionArgs),
}

/// `connection set`. The access account's password is read from standard input, never from the command line.
#[derive(Debug, Clone, Args)]
pub struct ConnectionArgs {
    /// Which node to ask, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// The connection's id, to replace it [default: a new one]
    #[arg(long)]
    pub id: Option<uuid::Uuid>,
    /// The domain's name, as people type it before a backslash.
    #[arg(long)]
    pub alias: String,
    /// A domain controller, `ldaps://HOST[:PORT]`, or all that DNS names, `dns://DOMAIN[/SITE]`; `client`, the one that the
    /// visitor's computer uses; `default`, those that DNS names for the base's own domain. Give the option again for each,
    /// best first.
    #[arg(long = "server", required = true)]
    pub servers: Vec<String>,
    /// Where users are searched, such as DC=corp,DC=example.
    #[arg(long)]
    pub base: String,
    /// A PEM file with the authorities that may sign the controllers' certificates.
    #[arg(long, value_name = "FILE")]
    pub authorities: PathBuf,
    /// The access account: DN, UPN or DOMAIN\name.
    #[arg(long)]
    pub bind_name: String,
    /// Push changes of users at once to the controllers of this AD site. Give the option again for each; '' for none
    /// [default: as it is]
    #[arg(long = "push-site", value_name = "SITE")]
    pub push_sites: Vec<String>,
    /// The user attribute that holds the sealed profile.
    #[arg(long, default_value = "comment")]
    pub profile_attribute: String,
    /// The attribute that held profiles before, as long as not all have been moved (`profiles migrate`); '' once all have
    /// [default: as it is]
    #[arg(long, value_name = "ATTRIBUTE")]
    pub former_profile_attribute: Option<String>,
    /// Take the former attribute away although profiles are still in it: those people have to register again.
    #[arg(long)]
    pub abandon_former_profiles: bool,
}

/// `access`.
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// Replace the groups whose members may use a site.
    Set(AccessArgs),
}

/// `access set`.
#[derive(Debug, Clone, Args)]
pub struct AccessArgs {
    /// Which node to ask.
    #[command(flatten)]
    pub local: Local,
    /// Which site.
    #[arg(long, value_enum)]
    pub site: SiteRole,
    /// The alias of the domain connection.
    #[arg(long)]
    pub alias: String,
    /// The group; may be given again.
    #[arg(long = "group", value_name = "DN", required = true)]
    pub groups: Vec<String>,
}

/// A site that not everyone may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SiteRole {
    /// The Admin site.
    Admin,
    /// The Helpdesk site.
    Helpdesk,
}

/// `doctor`.
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// The code to explain, such as PQ-NO-QUORUM; without it, every code is listed.
    #[arg(long, value_name = "CODE")]
    pub explain: Option<String>,
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "use voter, site-learner or dmz-learner".to_owned())
}

fn scope(text: &str) -> Result<ApiScope, String> {
    let by_name = serde_json::from_value(serde_json::Value::String(text.to_owned()));
    by_name.map_err(|_| "use read, labels, config, nodes or backup".to_owned())
}

fn node_id(text: &str) -> Result<NodeId, String> {
    text.parse().map(NodeId).map_err(|_| "use a node's number, as `passquorum status` shows it".to_owned())
}

pub(crate) fn span(text: &str) -> Result<Span, String> {
    let bad = || "use a number with its unit: 90s, 30m, 24h or 90d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(bad)?;
    let number: u64 = number.parse().map_err(|_| bad())?;
    match unit {
        "s" => Ok(Span::seconds(number)),
        "m" => Ok(Span::minutes(number)),
        "h" => Ok(Span::hours(number)),
        "d" => Ok(Span::hours(number.saturating_mul(24))),
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn spans_need_their_unit() {
        assert_eq!(span("24h"), Ok(Span::hours(24)));
        assert_eq!(span("2d"), Ok(Span::hours(48)));
        for bad in ["", "h", "24", "-1h", "1w", "1é"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
