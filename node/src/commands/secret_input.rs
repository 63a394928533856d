//! Secrets that the operator gives: from a file, from standard input, or typed at the terminal, which does not show them.
//! Never from the command line, which other users of the host can read.

use super::{Failure, tell};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret as _, SecretString};
use std::io::{BufRead as _, IsTerminal as _, Stdin};
use std::path::Path;
use zeroize::Zeroizing;

/// One line from standard input; a terminal asks for it.
pub(super) fn line(question: &str) -> Result<SecretString, Failure> {
    let input = std::io::stdin();
    let hidden = input.is_terminal().then(|| {
        tell(question);
        Hidden::begin(&input)
    });
    let mut line = Zeroizing::new(String::new());
    input.lock().read_line(&mut line)?;
    drop(hidden);
    Ok(SecretString::from(line.trim_end_matches(['\r', '\n'])))
}

/// The first line of a file; `-` is standard input.
pub(super) fn from(file: &Path, question: &str) -> Result<SecretString, Failure> {
    if file == Path::new("-") {
        return line(question);
    }
    let content = crate::secret_file::read(file)?;
    let text = std::str::from_utf8(&content)
        .map_err(|_| Failure::usage(format!("{} is not text", file.display())))?;
    Ok(SecretString::from(text.lines().next().unwrap_or_default()))
}

/// A passphrase that is chosen now: at a terminal it is typed twice.
pub(super) fn choose(file: &Path) -> Result<SecretString, Failure> {
    let first = from(file, "Choose a passphrase, then Enter (it is not shown):")?;
    if file == Path::new("-") && std::io::stdin().is_terminal() {
        let again = line("The same once more:")?;
        if first.expose_secret() != again.expose_secret() {
            return Err(Failure::usage("the two passphrases differ"));
        }
    }
    Ok(first)
}

/// The terminal shows nothing of what is typed until this is dropped.
struct Hidden<'a> {
    terminal: &'a Stdin,
    before: Option<Termios>,
}

impl<'a> Hidden<'a> {
    fn begin(terminal: &'a Stdin) -> Self {
        let before = tcgetattr(terminal).ok();
        if let Some(before) = &before {
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO);
            // A terminal that cannot do that shows what is typed.
            let _ = tcsetattr(terminal, OptionalActions::Flush, &quiet);
        }
        Self { terminal, before }
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(self.terminal, OptionalActions::Now, before);
        }
    }
}
