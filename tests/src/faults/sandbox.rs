//! The sandbox of a run: this program again, as the first process of new network, mount and process namespaces. When it
//! ends, or the program outside ends, the kernel kills every process in it, and with the last one go the networks and
//! mounts. So there is nothing to undo. Only files stay, under a directory that bears the id of the process outside.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::rig::RigError;
use crate::rig::process;
use crate::wait;

const PREFIX: &str = "passquorum-faults-";
const EVIDENCE: &str = "passquorum-evidence";

/// The files of a run, removed when dropped.
#[derive(Debug)]
pub struct Files(PathBuf);

impl Files {
    /// Makes a directory for this run, and removes those of runs that died.
    ///
    /// # Errors
    /// [`RigError::Io`] when it cannot be made.
    pub fn make() -> Result<Self, RigError> {
        remove_dead(&std::env::temp_dir(), process::is_alive);
        let dir = std::env::temp_dir().join(format!("{PREFIX}{}", std::process::id()));
        std::fs::create_dir_all(&dir).map_err(RigError::io(dir.display().to_string()))?;
        Ok(Self(dir))
    }

    /// Where they are.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Copies the history and the logs where they stay, and says where that is.
    ///
    /// # Errors
    /// [`RigError::Io`] when they cannot be copied.
    pub fn keep(&self, name: &str) -> Result<PathBuf, RigError> {
        let kept = std::env::temp_dir().join(EVIDENCE).join(name);
        let what = kept.display().to_string();
        std::fs::create_dir_all(&kept).map_err(RigError::io(&what))?;
        for entry in std::fs::read_dir(&self.0).map_err(RigError::io(&what))?.filter_map(Result::ok) {
            if entry.path().is_file() {
                std::fs::copy(entry.path(), kept.join(entry.file_name())).map_err(RigError::io(&what))?;
            }
        }
        Ok(kept)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // What cannot be removed now, the next run removes.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn remove_dead(dir: &Path, is_alive: impl Fn(i32) -> bool) {
    let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    for entry in entries {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
        if owner.is_some_and(|pid: i32| !is_alive(pid)) {
            // Another run may be removing it too.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Runs this program with `arguments` in a sandbox to its end, or until this process is told to stop, or its time is
/// over: then all that is in it is killed.
///
/// # Errors
/// [`RigError::Io`] when the sandbox cannot be made: it takes root, and `setpriv` and `unshare` of util-linux.
/// [`RigError::Elapsed`] when it did not end within the limit, which names what was run.
pub async fn run(arguments: &[String], limit: Duration) -> Result<Option<ExitStatus>, RigError> {
    let own = std::env::current_exe().map_err(RigError::io("the path of this program"))?;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--mount-proc", "--fork"]);
    command.arg("--kill-child=KILL").arg("--").arg(own).args(arguments).kill_on_drop(true);
    let mut child = command.spawn().map_err(RigError::io("setpriv and unshare"))?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(RigError::io("the signals"))?;
    let mut terminated = signal(SignalKind::terminate()).map_err(RigError::io("the signals"))?;
    let what = format!("the trial ends: {}", arguments.join(" "));
    let ended = tokio::select! {
        ended = wait::within(&what, limit, child.wait()) => ended.map(Some),
        _ = interrupted.recv() => Ok(None),
        _ = terminated.recv() => Ok(None),
    };
    match ended {
        Ok(Some(status)) => status.map(Some).map_err(RigError::io("the sandbox")),
        cut_off => {
            child.kill().await.map_err(RigError::io("ending the sandbox"))?;
            cut_off.map(|_| None).map_err(RigError::from)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_files_of_dead_runs_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["passquorum-faults-11", "passquorum-faults-12", "passquorum-faults-x", "other-11"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        remove_dead(dir.path(), |pid| pid == 12);
        let there = |name: &str| dir.path().join(name).exists();
        assert!(!there("passquorum-faults-11"));
        assert!(there("passquorum-faults-12") && there("passquorum-faults-x") && there("other-11"));
    }
}
