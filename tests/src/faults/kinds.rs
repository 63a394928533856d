//! Every fault: one file each, which does harm for the length that it is given and undoes it.

mod damage;
mod deaf_leader;
mod flipped_log;
mod full_disk;
mod kill_all;
mod kill_follower;
mod kill_leader;
mod kill_majority;
mod lossy_network;
mod mute_leader;
mod old_disk;
mod partition_leader;
mod partition_minority;
mod partition_pair;
mod pause_leader;
mod slow_network;
mod truncated_log;
mod wrong_clock;

use std::fmt;
use std::pin::Pin;

use super::world::World;
use crate::rig::RigError;

type Strike<'a> = Pin<Box<dyn Future<Output = Result<(), RigError>> + Send + 'a>>;

/// A fault.
pub struct Kind {
    /// Its name on the command line and in reports.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// Whether each node has a small disk of its own.
    pub small_disks: bool,
    /// Does it.
    pub strike: for<'a> fn(&'a mut World) -> Strike<'a>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! kind {
    ($name:literal, $module:ident, $what:literal) => {
        Kind {
            name: $name,
            what: $what,
            small_disks: false,
            strike: |world| Box::pin($module::strike(world)),
        }
    };
}

/// Every fault there is.
pub const KINDS: &[Kind] = &[
    kind!("kill-leader", kill_leader, "SIGKILL the leader and start it again, over and over"),
    kind!("kill-follower", kill_follower, "SIGKILL a follower, and start it again at the end"),
    kind!("kill-all", kill_all, "SIGKILL all nodes at once, and start them again"),
    kind!("kill-majority", kill_majority, "SIGKILL a majority, and start it again at the end"),
    kind!("pause-leader", pause_leader, "SIGSTOP the leader past its election, and wake it"),
    kind!("partition-leader", partition_leader, "cut the leader off from all nodes, both ways"),
    kind!("partition-minority", partition_minority, "cut as many followers off as may be lost"),
    kind!("partition-pair", partition_pair, "cut the leader off from one follower only"),
    kind!("deaf-leader", deaf_leader, "drop all that nodes send to the leader; it is heard"),
    kind!("mute-leader", mute_leader, "drop all that the leader sends to nodes; it hears"),
    kind!("slow-network", slow_network, "hold packets between nodes back for 20 to 60 ms"),
    kind!("lossy-network", lossy_network, "lose a tenth of the packets between nodes"),
    Kind { small_disks: true, ..kind!("full-disk", full_disk, "fill the leader's disk, free it again") },
    kind!("truncated-log", truncated_log, "cut the end off a stopped node's Raft log on disk"),
    kind!("flipped-log", flipped_log, "flip a bit of a stopped node's Raft log on disk"),
    kind!("old-disk", old_disk, "start a node on an old copy of its disk"),
    kind!("wrong-clock", wrong_clock, "start the leader again with a clock ten minutes ahead"),
];

/// The fault of a name.
pub fn named(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
