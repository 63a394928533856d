//! One file per verb, and what they share: how a command ends.

mod backup;
mod config;
mod confirm;
mod connection;
mod demo;
mod directory;
mod doctor;
mod drill;
mod explain;
mod first_steps;
mod fleet;
mod init;
mod join;
mod keys;
mod mail;
mod node;
mod open_file;
mod profiles;
mod recover;
mod restore;
mod run;
mod secret_input;
mod spe;
mod status;
mod token;
mod upgrade;

use crate::cli::{Cli, Command, PolicyCommand};
use crate::client::ClientError;
use crate::compose::StartError;
use crate::data_dir::DataDir;
use crate::supervise::Failed;
use passquorum_domain::time::Timestamp;
use std::io::Write;
use std::path::Path;

/// How a command ended, as the exit code says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: failed.
    Failed,
    /// 2: not now; the same command may work later.
    NotNow,
    /// 2: `config plan` found something that would change.
    Differs,
    /// 64 (`EX_USAGE` of sysexits): the command line is wrong.
    Usage,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::NotNow | Self::Differs => 2,
            Self::Usage => 64,
        }
    }
}

/// Why a command did not do what it says.
#[derive(Debug)]
pub struct Failure {
    /// How to end.
    pub exit: Exit,
    /// For the operator.
    pub message: String,
}

impl Failure {
    fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into() }
    }

    fn not_now(message: impl Into<String>) -> Self {
        Self { exit: Exit::NotNow, message: message.into() }
    }
}

impl<E: std::error::Error> From<E> for Failure
where
    E: 'static,
{
    fn from(error: E) -> Self {
        let seen: &dyn std::error::Error = &error;
        let asked = match seen.downcast_ref::<ClientError>() {
            Some(ClientError::Refused(problem)) => problem.is_temporary(),
            Some(ClientError::NoAnswer) => true,
            _ => false,
        };
        let temporary = asked
            || seen.downcast_ref::<StartError>().is_some_and(StartError::is_temporary)
            || seen.downcast_ref::<Failed>().is_some_and(Failed::is_temporary);
        Self { exit: if temporary { Exit::NotNow } else { Exit::Failed }, message: error.to_string() }
    }
}

/// Does what the command line asks, and answers how it ended. Messages for people go to standard error.
pub async fn dispatch(cli: Cli) -> Exit {
    let done = match cli.command {
        Command::Demo(args) => demo::run(args).await,
        Command::Init(args) => init::run(args).await,
        Command::Join(args) => join::run(args).await,
        Command::Run(args) => run::run(&args).await,
        Command::Status(args) => status::run(&args).await,
        Command::Token(command) => token::run(command).await,
        Command::Node(command) => node::run(command).await,
        Command::Keys(command) => keys::run(command).await,
        Command::Mail(command) => mail::run(command).await,
        Command::Upgrade(command) => upgrade::run(command).await,
        Command::Replace(args) => token::replace(&args).await,
        Command::Config(command) => return ended(config::run(command).await),
        Command::Connection(command) => connection::run(command).await,
        Command::Directory(command) => directory::run(command).await,
        Command::Profiles(command) => profiles::run(command).await,
        Command::Policy(PolicyCommand::Add(args)) => first_steps::add_policy(args).await,
        Command::Policy(PolicyCommand::Explain(args)) => explain::run(&args).await,
        Command::Policy(PolicyCommand::Users(output)) => profiles::count_users(&output).await,
        Command::Access(command) => first_steps::set_access(command).await,
        Command::Backup(args) => backup::run(args).await,
        Command::Restore(args) => restore::run(args).await,
        Command::Recover(args) => recover::run(&args).await,
        Command::Drill(args) => drill::run(args).await,
        Command::Spe(command) => return ended(spe::run(command).await),
        Command::Doctor(args) => doctor::run(&args),
    };
    ended(done.map(|()| Exit::Done))
}

fn ended(done: Result<Exit, Failure>) -> Exit {
    match done {
        Ok(exit) => exit,
        Err(failure) => {
            tell(&format!("passquorum: {}", failure.message));
            failure.exit
        }
    }
}

/// A line for people, on standard error.
fn tell(line: &str) {
    // Nobody is left to tell that standard error is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A line of the answer, on standard output.
fn answer(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(Failure::from)
}

/// A day in UTC, such as 2026-11-25.
fn day(at: Timestamp) -> String {
    let seconds = i64::try_from(at.0 / 1000).unwrap_or(i64::MAX);
    time::OffsetDateTime::from_unix_timestamp(seconds)
        .map_or_else(|_| "?".to_owned(), |at| at.date().to_string())
}

/// The data directory, as an absolute path.
fn data_dir(dir: &Path) -> Result<DataDir, Failure> {
    Ok(DataDir::at(&std::path::absolute(dir)?))
}

/// A text that stays on its line and cannot move a terminal's cursor.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { plain.extend(c.escape_default()) } else { plain.push(c) }
    }
    plain
}
