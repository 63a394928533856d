//! A program that answers and ends: run, given its input, and heard to the end, within a deadline. Knows nothing of
//! what it does.
#![allow(clippy::indexing_slicing, reason = "indexing a JSON value by a name gives null, it does not panic")]

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::RigError;
use crate::wait;

/// No command that is run without a limit of its own has more to do.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs a command and gives what it printed. `what` names it in errors, without secrets.
///
/// # Errors
/// [`RigError::Failed`] with what it said, [`RigError::Elapsed`] when it did not end; it is then killed.
pub async fn run(command: Command, what: &str, input: Option<&str>) -> Result<String, RigError> {
    run_within(LIMIT, command, what, input).await
}

/// The same for one that has much to do.
///
/// # Errors
/// As [`run`].
pub async fn run_within(
    limit: Duration,
    mut command: Command,
    what: &str,
    input: Option<&str>,
) -> Result<String, RigError> {
    command.kill_on_drop(true).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(RigError::io(what))?;
    let ended = async {
        if let Some(mut stdin) = child.stdin.take()
            && let Some(input) = input
        {
            stdin.write_all(input.as_bytes()).await.map_err(RigError::io(what))?;
        }
        child.wait_with_output().await.map_err(RigError::io(what))
    };
    let output = wait::within(&format!("{what} ends"), limit, ended).await??;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(RigError::Failed { what: what.to_owned(), output: text(&output.stderr) })
    }
}

/// What passquorum printed, as JSON.
///
/// # Errors
/// [`RigError::Contract`] when it is not JSON.
pub fn parse(text: &str) -> Result<Value, RigError> {
    serde_json::from_str(text)
        .map_err(|error| RigError::Contract { who: "passquorum", answer: format!("{error}: {text}") })
}

/// A text in the object that passquorum printed.
///
/// # Errors
/// [`RigError::Contract`] when there is none; the error does not show the answer, which may hold a secret.
pub fn field(text: &str, field: &str) -> Result<String, RigError> {
    let value = parse(text)?;
    let found = value[field].as_str().map(str::to_owned);
    found.ok_or_else(|| RigError::Contract { who: "passquorum", answer: format!("no {field} in its answer") })
}
