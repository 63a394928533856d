//! What is asked before something is done that cannot be taken back: the name of what it is done to.

use super::{Failure, plain, tell};
use std::io::IsTerminal as _;

/// Goes on when the name is typed at a terminal; `what` says whose it is. `flag` is what answers for a script.
pub(super) fn by_name(what: &str, name: &str, flag: &str) -> Result<(), Failure> {
    let refused = || {
        Failure::usage(format!("nothing was changed; confirm with {flag}, or by typing {what} at a terminal"))
    };
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(refused());
    }
    tell(&format!("Type {what} ({}) to go on:", plain(name)));
    let mut typed = String::new();
    input.read_line(&mut typed)?;
    if typed.trim() == name.trim() && !name.trim().is_empty() { Ok(()) } else { Err(refused()) }
}
