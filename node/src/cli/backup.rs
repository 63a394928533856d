//! The grammar of sealed files: taking, checking and restoring backups, recovery, and portable configurations.

use super::{Local, NewNodeArgs, Output};
use crate::sealed_file::Recipient;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `backup`.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct BackupArgs {
    /// What else than to take one.
    #[command(subcommand)]
    pub command: Option<BackupCommand>,
    /// Which node to ask, and the form of the answer.
    #[command(flatten)]
    pub output: Output,
    /// The file; one that is there already is left alone.
    #[arg(required = true)]
    pub file: Option<PathBuf>,
    /// Who can open it.
    #[command(flatten)]
    pub seal: SealArgs,
}

/// `backup` and a word.
#[derive(Debug, Clone, Subcommand)]
pub enum BackupCommand {
    /// Read a backup to its end, and say what is in it. Nothing is restored.
    Verify(VerifyArgs),
    /// Make a key for backups: its file stays with whoever restores, its public half is given to --recipient.
    Keygen(KeygenArgs),
}

/// Whom a file is sealed to: without an option, to a new passphrase that is printed once.
#[derive(Debug, Clone, Args)]
pub struct SealArgs {
    /// Seal it to the key of `backup keygen`, as that printed it: pqr1.…
    #[arg(long, conflicts_with = "passphrase_file")]
    pub recipient: Option<Recipient>,
    /// Seal it to a passphrase of your own: the first line of this file; `-` reads it from standard input or asks for it.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl SealArgs {
    /// Whether anything was chosen.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.recipient.is_some() || self.passphrase_file.is_some()
    }
}

/// What opens a file: without an option, a passphrase from standard input, which a terminal asks for.
#[derive(Debug, Clone, Args)]
pub struct OpenArgs {
    /// The key file that `backup keygen` wrote.
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    pub key: Option<PathBuf>,
    /// The passphrase: the first line of this file; `-` reads it from standard input or asks for it.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl OpenArgs {
    /// Whether anything was chosen.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.key.is_some() || self.passphrase_file.is_some()
    }
}

/// `backup verify`.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// The backup.
    pub file: PathBuf,
    /// What opens it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// Print one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// `backup keygen`.
#[derive(Debug, Clone, Args)]
pub struct KeygenArgs {
    /// Where the private key is written, for its owner alone; a file that is there already is left alone.
    pub file: PathBuf,
}

/// `restore`.
#[derive(Debug, Clone, Args)]
pub struct RestoreArgs {
    /// The backup.
    pub file: PathBuf,
    /// Keep the API tokens of the backup valid, those too that were revoked after it was made. Without it all are revoked.
    #[arg(long)]
    pub keep_api_tokens: bool,
    /// What opens it.
    #[command(flatten)]
    pub open: OpenArgs,
    /// The node.
    #[command(flatten)]
    pub node: NewNodeArgs,
}

/// `recover`.
#[derive(Debug, Clone, Args)]
pub struct RecoverArgs {
    /// Which node, and the form of the answer. It must be stopped.
    #[command(flatten)]
    pub output: Output,
    /// The data directory of another survivor, or a copy of it, to make sure that none has more; may be given again.
    #[arg(long, value_name = "DIR")]
    pub compare: Vec<PathBuf>,
    /// Do it without asking: whatever only the lost nodes had is lost, and other survivors are shut out for good.
    #[arg(long)]
    pub yes_i_accept_data_loss: bool,
}

/// `config import`.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("from").required(true).args(["file", "portable"])))]
pub struct ImportArgs {
    /// Which node to ask.
    #[command(flatten)]
    pub local: Local,
    /// A JSON file of `config export`.
    pub file: Option<PathBuf>,
    /// A file of `config export --portable`.
    #[arg(long, value_name = "FILE")]
    pub portable: Option<PathBuf>,
    /// What opens a portable file.
    #[command(flatten)]
    pub open: OpenArgs,
}
