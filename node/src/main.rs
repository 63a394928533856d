//! The `passquorum` program: the command line in, an exit code out.

use clap::Parser;
use passquorum_node::cli::Cli;
use passquorum_node::commands::{self, Exit};
use std::process::ExitCode;

/// Entries of the log are large and short-lived: the system's allocator tidies up all its free memory at each of them.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing can be done when even this cannot be printed.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Usage } else { Exit::Done }.code());
        }
    };
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => ExitCode::from(runtime.block_on(commands::dispatch(cli)).code()),
        Err(_) => ExitCode::from(Exit::Failed.code()),
    }
}
