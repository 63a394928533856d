//! A network of its own for each node: a network namespace, held by a sleeping process, with one cable to a bridge in
//! the sandbox, where the clients sit too. Packets between nodes are dropped, lost or held back by rules in the
//! receiver's or sender's namespace; what clients send always arrives, so that they see what a cut-off node answers.
//!
//! `tc netem` is a module that many kernels lack. The rules are `iptables`, which all have, and the time that packets
//! are held back is kept by [`super::delay`].

use std::path::Path;
use std::process::Command as Spawn;
use std::time::Duration;

use tokio::process::Command;

use super::delay;
use crate::rig::RigError;
use crate::rig::command_line;
use crate::rig::process::{Group, Output};
use crate::wait;

const CLIENTS: &str = "10.87.0.254";
const CABLE: &str = "eth0";
const SOON: Duration = Duration::from_secs(10);

/// The networks of all nodes. Places count from 1.
#[derive(Debug)]
pub struct Network {
    holders: Vec<Group>,
    delays: Vec<Group>,
    log: std::path::PathBuf,
}

/// The address of the node at a place.
pub fn address(place: u64) -> String {
    format!("10.87.0.{place}")
}

impl Network {
    /// Lays the network for `nodes` nodes. Only in a sandbox: a namespace with any interface but `lo` is refused.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what `ip` said, [`RigError::Contract`] outside a sandbox.
    pub async fn lay(nodes: u64, dir: &Path) -> Result<Self, RigError> {
        let present = run("ip", &["-brief", "link"]).await?;
        if present.lines().any(|line| !line.starts_with("lo ")) {
            return Err(RigError::Contract { who: "the sandbox", answer: format!("it has: {present}") });
        }
        run("ip", &["link", "set", "lo", "up"]).await?;
        run("ip", &["link", "add", "bridge", "type", "bridge"]).await?;
        run("ip", &["address", "add", &format!("{CLIENTS}/24"), "dev", "bridge"]).await?;
        run("ip", &["link", "set", "bridge", "up"]).await?;
        let mut network = Self { holders: Vec::new(), delays: Vec::new(), log: dir.join("network.log") };
        for place in 1..=nodes {
            network.connect(place).await?;
        }
        Ok(network)
    }

    async fn connect(&mut self, place: u64) -> Result<(), RigError> {
        let mut holder = Spawn::new("unshare");
        holder.args(["--net", "--", "sleep", "infinity"]);
        let holder = Group::start(holder, &self.log, Output::Log)?;
        let (pid, cable) = (holder.pid().to_string(), format!("cable{place}"));
        let own = std::fs::read_link("/proc/self/ns/net").ok();
        wait::until("the network namespace is there", SOON, || async {
            let other = std::fs::read_link(format!("/proc/{pid}/ns/net")).ok()?;
            (Some(other) != own).then_some(())
        })
        .await?;
        self.holders.push(holder);
        let peer = ["link", "add", &cable, "type", "veth", "peer", "name", CABLE, "netns", &pid];
        run("ip", &peer).await?;
        run("ip", &["link", "set", &cable, "master", "bridge", "up"]).await?;
        let address = format!("{}/24", address(place));
        self.inside(place, &["ip", "link", "set", "lo", "up"]).await?;
        self.inside(place, &["ip", "address", "add", &address, "dev", CABLE]).await?;
        self.inside(place, &["ip", "link", "set", CABLE, "up"]).await
    }

    /// The program and arguments that run something in the network of a place.
    ///
    /// # Errors
    /// [`RigError::Contract`] when there is no such place.
    pub fn enter(&self, place: u64) -> Result<Vec<String>, RigError> {
        Ok(vec!["nsenter".to_owned(), format!("--net={}/ns/net", self.holder(place)?)])
    }

    /// Drops what the node at `from` sends to the node at `to`; the other direction stays.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what `iptables` said.
    pub async fn cut(&self, from: u64, to: u64) -> Result<(), RigError> {
        self.inside(to, &["iptables", "-w", "-A", "INPUT", "-s", &address(from), "-j", "DROP"]).await
    }

    /// Cuts every node of one side from every node of the other, both ways.
    ///
    /// # Errors
    /// As [`Network::cut`].
    pub async fn part(&self, one: &[u64], other: &[u64]) -> Result<(), RigError> {
        for left in one {
            for right in other {
                self.cut(*left, *right).await?;
                self.cut(*right, *left).await?;
            }
        }
        Ok(())
    }

    /// Loses this share of the packets between nodes, at random.
    ///
    /// # Errors
    /// As [`Network::cut`].
    pub async fn lose(&self, share: f64) -> Result<(), RigError> {
        let share = share.to_string();
        let by_chance = ["-m", "statistic", "--mode", "random", "--probability", share.as_str()];
        for place in self.places() {
            let mut rule = vec!["iptables", "-w", "-A", "INPUT", "-i", CABLE, "!", "-s", CLIENTS];
            rule.extend(by_chance.iter().chain(&["-j", "DROP"]));
            self.inside(place, &rule).await?;
        }
        Ok(())
    }

    /// Holds every packet between nodes back for this long, give or take `jitter`, so that packets overtake others.
    ///
    /// # Errors
    /// As [`Network::cut`].
    pub async fn slow(&mut self, by: Duration, jitter: Duration) -> Result<(), RigError> {
        for place in self.places() {
            let mut keeper = Spawn::new("nsenter");
            keeper.args(self.enter(place)?.iter().skip(1));
            keeper.arg(std::env::current_exe().map_err(RigError::io("the path of this program"))?);
            keeper.args(["delay", "--by-ms", &by.as_millis().to_string()]);
            keeper.args(["--jitter-ms", &jitter.as_millis().to_string()]);
            self.delays.push(Group::start(keeper, &self.log, Output::Log)?);
            // A queue that nobody reads drops what is put into it.
            let queues = format!("{}/net/netfilter/nfnetlink_queue", self.holder(place)?);
            wait::until("the queue is read", SOON, || async {
                std::fs::read_to_string(&queues).ok().filter(|text| !text.trim().is_empty())
            })
            .await?;
            let (queue, out) = (delay::QUEUE.to_string(), ["iptables", "-w", "-A", "OUTPUT", "-o", CABLE]);
            let to_queue = ["!", "-d", CLIENTS, "-j", "NFQUEUE", "--queue-num", &queue];
            self.inside(place, &[out.as_slice(), &to_queue].concat()).await?;
        }
        Ok(())
    }

    /// Makes the network whole again.
    ///
    /// # Errors
    /// As [`Network::cut`].
    pub async fn heal(&mut self) -> Result<(), RigError> {
        for place in self.places() {
            self.inside(place, &["iptables", "-w", "-F"]).await?;
        }
        self.delays.clear();
        Ok(())
    }

    fn places(&self) -> std::ops::RangeInclusive<u64> {
        1..=self.holders.len() as u64
    }

    fn holder(&self, place: u64) -> Result<String, RigError> {
        let index = usize::try_from(place).ok().and_then(|place| place.checked_sub(1));
        let holder = index.and_then(|index| self.holders.get(index));
        let no_such = || RigError::Contract { who: "the network", answer: format!("no place {place}") };
        Ok(format!("/proc/{}", holder.ok_or_else(no_such)?.pid()))
    }

    async fn inside(&self, place: u64, command: &[&str]) -> Result<(), RigError> {
        let enter = self.enter(place)?;
        let arguments: Vec<&str> =
            enter.iter().skip(1).map(String::as_str).chain(command.iter().copied()).collect();
        run("nsenter", &arguments).await.map(drop)
    }
}

async fn run(program: &str, arguments: &[&str]) -> Result<String, RigError> {
    let mut command = Command::new(program);
    command.args(arguments);
    command_line::run(command, &format!("{program} {}", arguments.join(" ")), None).await
}
