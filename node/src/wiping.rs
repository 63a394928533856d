//! Memory that is overwritten when it is freed. What a visitor types passes through buffers of the TLS and HTTP libraries,
//! which free them as they are; on a node in the perimeter nothing of it may stay.
//!
//! The allocator takes that setting from the environment at the start of a process only, so the process starts itself
//! again with it. It costs a write of each freed byte.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Where the allocator looks for settings beside those that are built in.
const SETTINGS: &str = "_RJEM_MALLOC_CONF";
const OVERWRITES: &str = "junk:free";

/// Goes on in a process whose freed memory is overwritten: this one, if it does that already, else the same program with
/// the same arguments under the same process id.
///
/// # Errors
/// The program cannot be started again.
pub(crate) fn ensure() -> io::Result<()> {
    let settings = std::env::var_os(SETTINGS).unwrap_or_default();
    match with_overwriting(settings) {
        None => Ok(()),
        Some(settings) => {
            let program = std::env::current_exe()?;
            Err(Command::new(program).args(std::env::args_os().skip(1)).env(SETTINGS, settings).exec())
        }
    }
}

/// The settings with overwriting added; none when it is in them already.
fn with_overwriting(settings: OsString) -> Option<OsString> {
    let text = settings.to_string_lossy();
    if text.split(',').next_back() == Some(OVERWRITES) {
        return None;
    }
    Some(if text.is_empty() { OVERWRITES.into() } else { format!("{text},{OVERWRITES}").into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_added_once_and_has_the_last_word() {
        assert_eq!(with_overwriting("".into()), Some("junk:free".into()));
        assert_eq!(with_overwriting("narenas:1".into()), Some("narenas:1,junk:free".into()));
        assert_eq!(
            with_overwriting("junk:free,junk:false".into()),
            Some("junk:free,junk:false,junk:free".into())
        );
        assert_eq!(with_overwriting("narenas:1,junk:free".into()), None);
    }
}
