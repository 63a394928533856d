//! The checker: the simulation's binary, which judges a history file. It shares no code with what is judged here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use crate::rig::RigError;
use crate::wait;

/// The word of a report for a history that is right.
pub const LINEARIZABLE: &str = "linearizable";

/// How long the checker may take. A history with many writes of unknown outcome can take it for ever.
const LIMIT: Duration = Duration::from_secs(120);

/// The checker, beside the folder of the running program.
///
/// # Errors
/// [`RigError::Missing`] when it has not been built.
pub fn checker() -> Result<PathBuf, RigError> {
    let own = std::env::current_exe().map_err(RigError::io("the path of this program"))?;
    let built = own.ancestors().skip(1).take(2).map(|dir| dir.join("simulate")).find(|path| path.is_file());
    built.ok_or_else(|| RigError::Missing {
        program: "simulate".to_owned(),
        remedy: "build it first: cargo build --package passquorum-simulation (with --release for release tests)",
    })
}

/// What the checker says of a history: [`LINEARIZABLE`], or what is wrong with it.
///
/// # Errors
/// [`RigError::Missing`] or [`RigError::Io`] when it cannot be started, [`RigError::Elapsed`] when it does not decide.
pub async fn of(history: &Path) -> Result<String, RigError> {
    let mut command = Command::new(checker()?);
    command.arg("check").arg(history).kill_on_drop(true);
    let decided = wait::within("simulate check decides the history", LIMIT, command.output()).await?;
    let output = decided.map_err(RigError::io("simulate check"))?;
    if output.status.success() {
        return Ok(LINEARIZABLE.to_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    Ok(format!("not linearizable: {}", String::from_utf8_lossy(&said).trim()))
}
