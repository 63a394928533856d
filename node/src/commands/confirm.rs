//! What is asked before something is done that cannot be taken back: the realm's name.

use super::{Failure, plain, tell};
use std::io::IsTerminal as _;

/// Goes on when the realm's name is typed at a terminal. `flag` is what answers for a script.
pub(super) fn by_name(name: &str, flag: &str) -> Result<(), Failure> {
    let refused = || {
        Failure::usage(format!(
            "nothing was changed; confirm with {flag}, or by typing the realm's name at a terminal"
        ))
    };
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(refused());
    }
    tell(&format!("Type the realm's name ({}) to go on:", plain(name)));
    let mut typed = String::new();
    input.read_line(&mut typed)?;
    if typed.trim() == name.trim() && !name.trim().is_empty() { Ok(()) } else { Err(refused()) }
}
