//! Runs the built program and reads what it said.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passquorum"));
    command
        .env_remove("PASSQUORUM_DIR")
        .env_remove("PASSQUORUM_JOIN_TOKEN")
        .env_remove("CREDENTIALS_DIRECTORY")
        .stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Ran {
    ran(command().args(arguments).output().unwrap())
}

/// The same, with something on its standard input.
pub(crate) fn run_with_input(arguments: &[&str], input: &str) -> Ran {
    let mut command = command();
    let piped = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    ran(child.wait_with_output().unwrap())
}

fn ran(Output { status, stdout, stderr }: Output) -> Ran {
    Ran {
        code: status.code().unwrap(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}
