//! Processes of the rig: started as leaders of a process group of their own, signalled by id, and looked up in
//! `/proc` to prove that none is left. Knows nothing of what they are.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::RigError;
use crate::wait;

/// How long a process may take to end before it counts as left over.
const END: Duration = Duration::from_secs(20);

/// A child process and the group that it leads; all of the group is killed when dropped.
#[derive(Debug)]
pub struct Group {
    child: Child,
    name: String,
}

impl Group {
    /// Starts `command` with no standard input and its errors, and its output unless that is already set,
    /// appended to `log`.
    ///
    /// # Errors
    /// [`RigError::Io`] when the log cannot be written or the program not started.
    pub fn start(mut command: Command, log: &Path, output: Output) -> Result<Self, RigError> {
        let name = command.get_program().to_string_lossy().into_owned();
        let open = || File::options().create(true).append(true).open(log);
        let file = open().map_err(RigError::io(log.display().to_string()))?;
        command.stdin(Stdio::null()).process_group(0);
        command.stderr(file.try_clone().map_err(RigError::io(log.display().to_string()))?);
        match output {
            Output::Log => command.stdout(file),
            Output::Piped => command.stdout(Stdio::piped()),
        };
        let child = command.spawn().map_err(RigError::io(format!("starting {name}")))?;
        Ok(Self { child, name })
    }

    /// The id of the leader.
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// The leader's standard output, once, when it was started with [`Output::Piped`].
    pub fn take_output(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Whether the leader still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks the leader to end (SIGTERM), and kills the group when it does not within 20 seconds.
    ///
    /// # Errors
    /// [`RigError::Elapsed`] when it had to be killed.
    pub async fn stop(mut self) -> Result<(), RigError> {
        signal(self.pid(), Signal::TERM);
        let what = format!("{} ends on SIGTERM", self.name);
        wait::until(&what, END, || {
            let ended = !self.is_running();
            async move { ended.then_some(()) }
        })
        .await?;
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.pid()) {
            // Fails only when the whole group has ended, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// Where the standard output of a group goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// To the log, with the errors.
    Log,
    /// To [`Group::take_output`].
    Piped,
}

/// Sends a signal to one process; one that has ended already is no error.
pub fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        // ESRCH: it has ended, which the caller waits for or checks.
        let _ = kill_process(pid, signal);
    }
}

/// Whether a process exists and is no zombie.
pub fn is_alive(pid: i32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The state follows the name, which is in brackets and may hold anything.
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// The living processes, this one not counted, that have `path` or something under it in an argument.
pub fn naming(path: &Path) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let path = path.to_string_lossy();
    let names_it = |pid: &i32| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|arguments| String::from_utf8_lossy(&arguments).contains(path.as_ref()))
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != std::process::id().cast_signed() && names_it(pid) && is_alive(*pid))
        .collect()
}

/// Waits until no process names `dir` in its arguments.
///
/// # Errors
/// [`RigError::Leftovers`] with those that still do after 20 seconds.
pub async fn none_left(dir: &Path) -> Result<(), RigError> {
    let gone =
        wait::until("no process is left", END, || async { naming(dir).is_empty().then_some(()) }).await;
    gone.map_err(|_| RigError::Leftovers { pids: naming(dir), dir: dir.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(dir: &Path) -> Group {
        let mut command = Command::new("sh");
        command.arg("-c").arg("sleep 600 & wait").arg(dir);
        Group::start(command, &dir.join("log"), Output::Log).unwrap()
    }

    #[tokio::test]
    async fn a_stopped_group_is_gone_and_so_is_a_dropped_one() {
        let dir = tempfile::tempdir().unwrap();
        let (stopped, dropped) = (sleeper(dir.path()), sleeper(dir.path()));
        let pids = [stopped.pid(), dropped.pid()];
        assert!(pids.iter().all(|pid| is_alive(*pid)));
        stopped.stop().await.unwrap();
        drop(dropped);
        assert!(!pids.iter().any(|pid| is_alive(*pid)));
        none_left(dir.path()).await.unwrap();
    }

    #[tokio::test]
    async fn a_process_that_names_a_directory_is_found_by_it() {
        let dir = tempfile::tempdir().unwrap();
        let group = sleeper(dir.path());
        let found = wait::until("the process has its arguments", END, || async {
            naming(dir.path()).contains(&group.pid()).then_some(())
        });
        found.await.unwrap();
    }
}
