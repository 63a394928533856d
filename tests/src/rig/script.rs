//! Runs the rig's shell scripts, `ops/rig/NAME VERB DIR`, for the modules that wrap them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::RigError;

/// One script on one directory, with its settings.
#[derive(Debug)]
pub(super) struct Script {
    path: PathBuf,
    dir: PathBuf,
    settings: Vec<(&'static str, String)>,
}

impl Script {
    pub(super) fn new(name: &str, dir: &Path, settings: Vec<(&'static str, String)>) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/rig").join(name);
        Self { path, dir: dir.to_owned(), settings }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Runs `verb`; what the script prints is in the error when it fails.
    pub(super) async fn run(&self, verb: &str) -> Result<(), RigError> {
        let what = self.what(verb);
        let output = tokio::process::Command::from(self.command(verb)).output().await;
        check(output, what)
    }

    /// The same for a drop, which cannot await.
    pub(super) fn run_blocking(&self, verb: &str) -> Result<(), RigError> {
        check(self.command(verb).output(), self.what(verb))
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.path);
        command.arg(verb).arg(&self.dir).stdin(Stdio::null());
        command.envs(self.settings.iter().map(|(name, value)| (*name, value)));
        command
    }

    fn what(&self, verb: &str) -> String {
        format!("{} {verb} {}", self.path.display(), self.dir.display())
    }
}

fn check(output: std::io::Result<Output>, what: String) -> Result<(), RigError> {
    let output = output.map_err(RigError::io(what.clone()))?;
    if output.status.success() {
        return Ok(());
    }
    let printed = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(RigError::Failed { what, output: printed })
}
