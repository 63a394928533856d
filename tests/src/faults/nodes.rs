//! The realm of a run: node processes at places in the network, made with `init` and `join` as an operator makes them,
//! harmed and replaced. A place keeps its address and directory when another node takes it.
#![allow(clippy::indexing_slicing, reason = "indexing a JSON value by a name gives null, it does not panic")]

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::api::{Api, PORT};
use super::network::{self, Network};
use crate::rig::RigError;
use crate::rig::cluster::{self, Cluster, NodeInfo};
use crate::rig::command_line;

/// A running realm.
#[derive(Debug)]
pub struct Nodes {
    /// Its processes, by place.
    pub cluster: Cluster,
    /// Its network.
    pub network: Network,
    dir: PathBuf,
    count: u64,
}

impl Nodes {
    /// Makes a realm of `count` voters in `dir`, with a network. Gives the client of its API too.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what a command of the product said.
    pub async fn start(dir: &Path, network: Network, count: u64) -> Result<(Self, Api), RigError> {
        let cluster = Cluster::start(dir, Vec::new()).await?;
        let mut nodes = Self { cluster, network, dir: dir.to_owned(), count };
        nodes.command(1, &with_own(&["init"], 1), None).await?;
        nodes.cluster.add(nodes.info(1)?).await?;
        for place in 2..=count {
            nodes.join(place, 1).await?;
            nodes.cluster.add(nodes.info(place)?).await?;
        }
        let scopes = "read,labels,config,nodes";
        let create = ["token", "create", "--api", "--name", "faults", "--scope", scopes, "--json"];
        let token = command_line::field(&nodes.command(1, &create, None).await?, "token")?;
        let api = Api::new(&nodes.data(1).join("keys").join("authority.crt"), token)?;
        Ok((nodes, api))
    }

    /// Every place.
    pub fn places(&self) -> Vec<u64> {
        (1..=self.count).collect()
    }

    /// The directory of the node at a place.
    pub fn data(&self, place: u64) -> PathBuf {
        data(&self.dir, place)
    }

    /// What the node at a place has written to its log from `from` bytes on.
    pub fn log(&self, place: u64, from: usize) -> String {
        let text = std::fs::read(self.dir.join(format!("node-{place}.log"))).unwrap_or_default();
        String::from_utf8_lossy(text.get(from..).unwrap_or_default()).into_owned()
    }

    /// Removes the node at a place from the realm by a command at another place, throws its disk away, and starts a new
    /// node there under a new id. The old one must have ended.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what a command of the product said.
    pub async fn replace(&mut self, place: u64, by: u64) -> Result<(), RigError> {
        let status = command_line::parse(&self.command(by, &["status", "--json"], None).await?)?;
        let members = status["members"].as_array().cloned().unwrap_or_default();
        let old = members.iter().find(|member| member["name"] == name(place).as_str());
        let old = old.and_then(|member| member["id"].as_u64()).unwrap_or_default().to_string();
        self.command(by, &["node", "remove", &old], None).await?;
        let data = self.data(place);
        std::fs::remove_dir_all(&data).map_err(RigError::io(data.display().to_string()))?;
        self.join(place, by).await?;
        self.cluster.launch(place)
    }

    async fn join(&self, place: u64, by: u64) -> Result<(), RigError> {
        let create = ["token", "create", "--role", "voter", "--json"];
        let token = command_line::field(&self.command(by, &create, None).await?, "token")?;
        let server = format!("https://{}:{PORT}", network::address(by));
        let join = with_own(&["join", "--token", "-", "--server", &server], place);
        self.command(place, &join, Some(&token)).await.map(drop)
    }

    /// Runs a command of the product in the network of a place, for the node there.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what it said.
    pub async fn command<T: AsRef<str>>(
        &self,
        place: u64,
        arguments: &[T],
        input: Option<&str>,
    ) -> Result<String, RigError> {
        let arguments: Vec<&str> = arguments.iter().map(T::as_ref).collect();
        let mut command = Command::new("env");
        command.args(self.network.enter(place)?).arg(cluster::binary()?).args(&arguments);
        command.env("PASSQUORUM_DIR", self.data(place));
        command_line::run(command, &format!("passquorum {}", arguments.join(" ")), input).await
    }

    fn info(&self, place: u64) -> Result<NodeInfo, RigError> {
        let url = format!("https://{}:{PORT}", network::address(place));
        let mut restart = self.network.enter(place)?;
        restart.push(cluster::binary()?.display().to_string());
        restart.extend(["run", "--dir"].map(str::to_owned));
        restart.push(self.data(place).display().to_string());
        Ok(NodeInfo {
            id: place,
            pid: 0,
            self_service: format!("{url}/self-service/"),
            admin: format!("{url}/admin/"),
            helpdesk: format!("{url}/helpdesk/"),
            api: format!("{url}/api/v1"),
            health: url,
            restart,
        })
    }
}

/// The directory of the node at a place of a run in `dir`.
pub fn data(dir: &Path, place: u64) -> PathBuf {
    dir.join(name(place))
}

/// The name of the node at a place.
pub fn name(place: u64) -> String {
    format!("node-{place}")
}

/// A command of the product with the name and addresses of the node at a place.
fn with_own(command: &[&str], place: u64) -> Vec<String> {
    let at = |port: u16| format!("{}:{port}", network::address(place));
    let (sites, peers) = (at(PORT), at(PORT + 1));
    let own = ["--name", &name(place), "--site-address", &sites, "--cluster-address", &peers];
    command.iter().chain(&own).map(|word| (*word).to_owned()).collect()
}
