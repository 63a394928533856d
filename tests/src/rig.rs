//! What the tests run against, one real program per module, and the one error that they all share.

pub mod axe;
pub mod browser;
pub mod cluster;
pub mod command_line;
pub mod etcd;
pub mod haproxy;
pub mod mail;
pub mod process;
pub mod realm;
pub mod samba;
mod script;
pub mod webdriver;

use std::path::PathBuf;

use crate::wait::Elapsed;

/// Why a part of the rig could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RigError {
    /// A program of the rig or the product's binary is not there.
    #[error("{program} is missing: {remedy}")]
    Missing {
        /// The program looked for.
        program: String,
        /// What to run so that it is there.
        remedy: &'static str,
    },
    /// A program could not be started, or a file of the rig could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A program ran and said that it failed.
    #[error("{what} failed: {output}")]
    Failed {
        /// The program and its arguments.
        what: String,
        /// What it printed.
        output: String,
    },
    /// A condition did not come true in time.
    #[error(transparent)]
    Elapsed(#[from] Elapsed),
    /// A program answered with something that its contract does not allow.
    #[error("{who} answered what it should not: {answer}")]
    Contract {
        /// The program.
        who: &'static str,
        /// The answer, or what is wrong with it.
        answer: String,
    },
    /// A request over HTTP failed.
    #[error("HTTP to the rig failed")]
    Http(#[from] reqwest::Error),
    /// WebDriver refused a command.
    #[error("the browser refused {command}: {error}: {message}")]
    Browser {
        /// The command's path.
        command: String,
        /// The error code of the W3C WebDriver recommendation.
        error: String,
        /// ChromeDriver's explanation.
        message: String,
    },
    /// Processes outlived their stop.
    #[error("processes {pids:?} of {dir} are left after the stop")]
    Leftovers {
        /// Their ids.
        pids: Vec<i32>,
        /// The directory that names them.
        dir: PathBuf,
    },
}

impl RigError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        |source| Self::Io { what, source }
    }
}
