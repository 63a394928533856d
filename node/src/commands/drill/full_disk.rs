//! The leader's disk fills up. It is a file system of its own, small and in memory, in a mount namespace that nobody else
//! sees and that is gone with the last process in it, so that no disk of the host is filled. Only root may mount, and
//! whoever may make a user namespace.

use super::scene::Scene;
use super::{STEP, failed};
use crate::commands::{Exit, Failure};
use passquorum_domain::error_code::ErrorCode;
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::time::Instant;

const SIZE: &str = "size=64m,mode=700";
/// The node on the small disk.
const PLACE: u64 = 1;
const BLOCK: usize = 4096;

/// Becomes the same drill in a mount namespace of its own. Comes back only when that cannot be.
pub(super) fn start_with_own_mounts() -> Failure {
    let root = rustix::process::geteuid().is_root();
    let user: &[&str] = if root { &[] } else { &["--user", "--map-root-user"] };
    let allowed = Command::new("unshare").args(user).args(["--mount", "true"]).output();
    if !allowed.is_ok_and(|ran| ran.status.success()) {
        return Failure::usage(
            "full-disk needs a small file system of its own, and this user may make none; run it as root, or where \
             user namespaces are allowed and util-linux is installed",
        );
    }
    let mut arguments = std::env::args_os();
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error.into(),
    };
    arguments.next();
    let error = Command::new("unshare")
        .args(user)
        .arg("--mount")
        .arg(program)
        .args(arguments)
        .arg("--own-mounts")
        .exec();
    Failure { exit: Exit::Failed, message: format!("unshare: {error}") }
}

/// The small disk below a node.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(at)?;
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "passquorum-drill"]).arg(at).output()?;
        if !mount.status.success() {
            return Err(failed(format!("mount: {}", String::from_utf8_lossy(&mount.stderr).trim())));
        }
        Ok(Self(at.to_owned()))
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Writes until there is no room.
    fn fill(&self) -> io::Result<()> {
        let mut file = File::create(self.ballast())?;
        let full = loop {
            if let Err(error) = file.write_all(&[0; BLOCK]) {
                break error;
            }
        };
        if full.kind() == ErrorKind::StorageFull { Ok(()) } else { Err(full) }
    }

    fn make_room(&self) -> io::Result<()> {
        std::fs::remove_file(self.ballast())
    }
}

/// Takes the small disk of a cluster away again, once its nodes are stopped.
pub(super) fn take_away(dir: &Path) {
    // What cannot be taken away goes with this process.
    let _ = Command::new("umount").arg("--lazy").arg(dir.join(format!("node-{PLACE}"))).output();
}

pub(super) async fn fill(scene: &mut Scene) -> Result<(), Failure> {
    let disk = SmallDisk::mount(scene.node(PLACE)?.config.data.path())?;
    scene.begin().await?;
    scene.put_under_load().await?;
    if scene.leader().await? != PLACE {
        scene.passquorum(PLACE, &["node", "transfer-leader", "--to", &PLACE.to_string()]).await?;
    }
    scene.more_load().await?;
    scene.journal.note(format!("node {PLACE} leads, and its disk is full"));
    disk.fill()?;
    let full = Instant::now();
    let node = scene.node(PLACE)?;
    if !scene.fleet.ends(&node, STEP).await {
        return Err(failed(format!("node {PLACE} goes on with a full disk")));
    }
    scene.journal.measure_time("ended_after_ms", full.elapsed());
    let (code, said) = (ErrorCode::DiskFailed.to_string(), node.last_words());
    if said.contains(&code) {
        scene.journal.note(format!("it has ended, and says why: {code}"));
    } else {
        scene.journal.fault(format!("node {PLACE} ended without {code}: {said}"));
    }
    scene.serves_again().await?;
    scene.journal.note("a write is acknowledged again");
    scene.more_load().await?;
    disk.make_room()?;
    scene.journal.note("there is room again");
    scene.start(PLACE).await?;
    scene.catches_up(PLACE, PLACE + 1).await?;
    scene.journal.note(format!("node {PLACE} is started again and has everything"));
    Ok(())
}
