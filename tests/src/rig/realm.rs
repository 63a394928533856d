//! A realm of three node processes over a real domain, made as an operator makes it: `init`, `join` with tokens,
//! `connection set`, and a configuration that is exported, completed and imported.
#![allow(clippy::indexing_slicing, reason = "indexing a JSON value by a name gives null, it does not panic")]

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use super::RigError;
use super::cluster::{self, Cluster, NodeInfo};
use super::command_line;
use super::samba::{self, Samba};
use crate::{ports, wait};

const VOTES: Duration = Duration::from_secs(60);
const ALIAS: &str = "CORP";
/// The place of a node in the perimeter.
const PERIMETER: u64 = 4;

/// The questions of the realm's policy: all are mandatory.
pub const QUESTIONS: [&str; 2] =
    ["In which street was your first school?", "What was your first pet called?"];
/// Wrong answers that lock a profile.
pub const THRESHOLD: u32 = 5;

/// A running realm.
#[derive(Debug)]
pub struct Realm {
    /// Its node processes.
    pub cluster: Cluster,
    /// A bearer token of the operators' API with every scope.
    pub api_token: String,
    dir: PathBuf,
    first_port: u16,
    last_token: String,
}

impl Realm {
    /// Makes a realm of three nodes in `dir` that serves the people of `domain`.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what a command of the product said.
    pub async fn start(dir: &Path, domain: &Samba) -> Result<Self, RigError> {
        let first_port = ports::block(2 * PERIMETER as u16)
            .ok_or_else(|| RigError::Contract { who: "the machine", answer: "no free ports".to_owned() })?;
        let nodes: Vec<NodeInfo> = (1..=3).map(|id| info(dir, id, first_port)).collect::<Result<_, _>>()?;
        init(dir, first_port).await?;
        let mut cluster = Cluster::start(dir, vec![node(&nodes, 0)?]).await?;
        let mut last_token = String::new();
        for place in 2..=3 {
            last_token = join_token(dir, "voter").await?;
            join(dir, place, first_port, &last_token).await?;
            cluster.add(node(&nodes, place as usize - 1)?).await?;
        }
        connect(dir, domain).await?;
        let api_token = api_token(dir).await?;
        let realm = Self { cluster, api_token, dir: dir.to_owned(), first_port, last_token };
        wait::until("all nodes vote, and know it", VOTES, || realm.all_vote()).await?;
        Ok(realm)
    }

    /// Whether each node says that all do. A node that was added votes only once it has kept up for a while.
    async fn all_vote(&self) -> Option<()> {
        for id in 1..=3 {
            let status = self.status(id).await.ok()?;
            let voters =
                status["members"].as_array()?.iter().filter(|member| member["role"] == "voter").count();
            if voters < 3 {
                return None;
            }
        }
        Some(())
    }

    /// The certificate of the realm's authority, a PEM file.
    pub fn authority(&self) -> PathBuf {
        self.keys(1).join("authority.crt")
    }

    /// Where the node at a place keeps its keys and certificate.
    pub fn keys(&self, place: u64) -> PathBuf {
        node_dir(&self.dir, place).join("keys")
    }

    /// Where the node at a place listens for its peers.
    pub fn peer_address(&self, place: u64) -> String {
        format!("127.0.0.1:{}", site_port(place, self.first_port) + 1)
    }

    /// Throws the disk of the stopped node at a place away, and lets a new node join there. Gives its id.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what a command of the product said.
    pub async fn rejoin_wiped(&mut self, place: u64) -> Result<u64, RigError> {
        let token = join_token(&self.dir, "voter").await?;
        self.rejoin_wiped_with(place, token).await
    }

    /// The same, with a token that is there already.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what a command of the product said.
    pub async fn rejoin_wiped_with(&mut self, place: u64, token: String) -> Result<u64, RigError> {
        self.destroy(place)?;
        self.rejoin_with(place, token).await
    }

    /// Throws the disk of the stopped node at a place away.
    ///
    /// # Errors
    /// The file system's.
    pub fn destroy(&self, place: u64) -> Result<(), RigError> {
        let data = node_dir(&self.dir, place);
        std::fs::remove_dir_all(&data).map_err(RigError::io(data.display().to_string()))
    }

    /// Makes the first node of a new cluster from a backup, at a place whose disk is gone, and a new API token there, since
    /// those of the backup are revoked.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what a command of the product said.
    pub async fn restore(&mut self, place: u64, file: &str, passphrase_file: &str) -> Result<(), RigError> {
        let mut arguments = vec!["restore", file, "--passphrase-file", passphrase_file];
        let own = own(place, self.first_port);
        arguments.extend(own.iter().map(String::as_str));
        passquorum(&self.dir, place, &arguments, None).await?;
        settle(&self.dir, place)?;
        self.cluster.restart(place).await?;
        self.api_token = api_token(&self.dir).await?;
        Ok(())
    }

    /// Lets a new node join at a place whose disk is gone. Gives its id.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what a command of the product said.
    pub async fn rejoin(&mut self, place: u64) -> Result<u64, RigError> {
        let token = join_token(&self.dir, "voter").await?;
        self.rejoin_with(place, token).await
    }

    async fn rejoin_with(&mut self, place: u64, token: String) -> Result<u64, RigError> {
        self.last_token = token;
        join(&self.dir, place, self.first_port, &self.last_token).await?;
        self.cluster.restart(place).await?;
        let status = self.status(place).await?;
        let id = status["node"].as_u64();
        id.ok_or_else(|| RigError::Contract { who: "passquorum status", answer: status.to_string() })
    }

    /// Lets a node into the perimeter, and waits until it is ready. Gives its id.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what a command of the product said.
    pub async fn join_perimeter(&mut self) -> Result<u64, RigError> {
        let token = join_token(&self.dir, "dmz-learner").await?;
        join(&self.dir, PERIMETER, self.first_port, &token).await?;
        self.cluster.add(info(&self.dir, PERIMETER, self.first_port)?).await?;
        Ok(PERIMETER)
    }

    /// Tries to join once more with a token that was used.
    ///
    /// # Errors
    /// [`RigError::Failed`] with the refusal.
    pub async fn join_again_with_the_last_token(&self) -> Result<(), RigError> {
        join(&self.dir, 9, self.first_port, &self.last_token).await
    }

    /// Runs a command of the product against one node of this host, and gives what it printed.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what it said.
    pub async fn passquorum(&self, id: u64, arguments: &[&str]) -> Result<String, RigError> {
        passquorum(&self.dir, id, arguments, None).await
    }

    /// The same for one that has much to do.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what it said, [`RigError::Elapsed`] when it did not end; it is then killed.
    pub async fn passquorum_within(
        &self,
        limit: Duration,
        id: u64,
        arguments: &[&str],
    ) -> Result<String, RigError> {
        let (command, what) = command(&self.dir, id, arguments)?;
        command_line::run_within(limit, command, &what, None).await
    }

    /// The same as [`Realm::passquorum`], with something on its standard input.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what it said.
    pub async fn passquorum_told(
        &self,
        id: u64,
        arguments: &[&str],
        input: &str,
    ) -> Result<String, RigError> {
        passquorum(&self.dir, id, arguments, Some(input)).await
    }

    /// The realm as one node sees it: `status --json`.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what it said.
    pub async fn status(&self, id: u64) -> Result<Value, RigError> {
        command_line::parse(&self.passquorum(id, &["status", "--json"]).await?)
    }

    /// The leader that one node knows.
    pub async fn leader(&self, id: u64) -> Option<u64> {
        self.status(id).await.ok()?["leader"].as_u64()
    }
}

/// Writes a file that only its owner may read.
///
/// # Errors
/// The file system's.
pub fn write_secret(path: &Path, text: &str) -> Result<(), RigError> {
    let failed = RigError::io(path.display().to_string());
    let made = std::fs::File::options().write(true).create_new(true).mode(0o600).open(path);
    made.and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)
}

fn node(nodes: &[NodeInfo], index: usize) -> Result<NodeInfo, RigError> {
    nodes
        .get(index)
        .cloned()
        .ok_or_else(|| RigError::Contract { who: "the rig", answer: "no such node".to_owned() })
}

fn info(dir: &Path, id: u64, first_port: u16) -> Result<NodeInfo, RigError> {
    let url = format!("https://127.0.0.1:{}", site_port(id, first_port));
    let program = cluster::binary()?.display().to_string();
    let data = node_dir(dir, id).display().to_string();
    Ok(NodeInfo {
        id,
        pid: 0,
        self_service: format!("{url}/self-service/"),
        admin: format!("{url}/admin/"),
        helpdesk: format!("{url}/helpdesk/"),
        api: format!("{url}/api/v1"),
        health: url,
        restart: vec![program, "run".to_owned(), "--dir".to_owned(), data],
    })
}

fn site_port(id: u64, first_port: u16) -> u16 {
    first_port + 2 * (id as u16 - 1)
}

fn node_dir(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("node-{id}"))
}

fn own(id: u64, first_port: u16) -> Vec<String> {
    let site = site_port(id, first_port);
    let (name, site, peers) =
        (format!("node-{id}"), format!("127.0.0.1:{site}"), format!("127.0.0.1:{}", site + 1));
    ["--name", &name, "--site-address", &site, "--cluster-address", &peers].map(str::to_owned).into()
}

async fn api_token(dir: &Path) -> Result<String, RigError> {
    let arguments = [
        "token",
        "create",
        "--api",
        "--name",
        "tests",
        "--scope",
        "read,labels,config,nodes,backup",
        "--json",
    ];
    command_line::field(&passquorum(dir, 1, &arguments, None).await?, "token")
}

async fn join_token(dir: &Path, role: &str) -> Result<String, RigError> {
    let created = passquorum(dir, 1, &["token", "create", "--role", role, "--json"], None).await?;
    command_line::field(&created, "token")
}

async fn join(dir: &Path, place: u64, first_port: u16, token: &str) -> Result<(), RigError> {
    let server = format!("https://127.0.0.1:{}", site_port(1, first_port));
    let mut arguments: Vec<String> = ["join", "--token", "-", "--server", &server].map(str::to_owned).into();
    arguments.extend(own(place, first_port));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    passquorum(dir, place, &arguments, Some(token)).await?;
    settle(dir, place)
}

async fn init(dir: &Path, first_port: u16) -> Result<(), RigError> {
    let mut arguments = vec!["init".to_owned()];
    arguments.extend(own(1, first_port));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    passquorum(dir, 1, &arguments, None).await?;
    settle(dir, 1)
}

/// The load balancer of the tests runs on loopback, and its `X-Forwarded-For` is to be believed. The log tells as much
/// as it can, since the tests look for secrets in it.
fn settle(dir: &Path, id: u64) -> Result<(), RigError> {
    let file = node_dir(dir, id).join("node.toml");
    let what = file.display().to_string();
    let text = std::fs::read_to_string(&file).map_err(RigError::io(&what))?;
    let trusting = text.replace("trusted_proxies = []", "trusted_proxies = [\"127.0.0.1\"]");
    let telling = trusting.replace("filter = \"info,openraft=error\"", "filter = \"trace,openraft=error\"");
    if trusting == text || telling == trusting {
        return Err(RigError::Contract {
            who: "node.toml",
            answer: "not the settings of a new node".to_owned(),
        });
    }
    std::fs::write(&file, telling).map_err(RigError::io(&what))
}

/// Enters the domain, then a policy for everyone in `OU=People`, then the groups that may administer and help.
async fn connect(dir: &Path, domain: &Samba) -> Result<(), RigError> {
    let (url, authority) = (domain.url(), domain.authority().display().to_string());
    let bind_name = format!("{}@{}", samba::SERVICE_ACCOUNT, samba::DOMAIN);
    let arguments = [
        "connection",
        "set",
        "--alias",
        ALIAS,
        "--server",
        &url,
        "--base",
        samba::BASE,
        "--authorities",
        &authority,
        "--bind-name",
        &bind_name,
        "--json",
    ];
    passquorum(dir, 1, &arguments, Some(samba::SERVICE_PASSWORD)).await?;
    let file = dir.join("config.json");
    let path = file.display().to_string();
    passquorum(dir, 1, &["config", "export", &path], None).await?;
    let text = std::fs::read_to_string(&file).map_err(RigError::io(&path))?;
    let completed = complete(command_line::parse(&text)?)?;
    std::fs::write(&file, completed.to_string()).map_err(RigError::io(&path))?;
    passquorum(dir, 1, &["config", "import", &path], None).await?;
    for (site, group) in [("admin", "SSPR-Admins"), ("helpdesk", "SSPR-Helpdesk")] {
        let group = format!("CN={group},OU=Svc,{}", samba::BASE);
        passquorum(dir, 1, &["access", "set", "--site", site, "--alias", ALIAS, "--group", &group], None)
            .await?;
    }
    Ok(())
}

fn complete(mut config: Value) -> Result<Value, RigError> {
    let connection = config["connections"][0]["id"].clone();
    if connection.is_null() {
        return Err(RigError::Contract { who: "config export", answer: "it has no connection".to_owned() });
    }
    let id = || uuid::Uuid::new_v4().to_string();
    let questions: Vec<Value> =
        QUESTIONS.iter().map(|text| json!({ "id": id(), "kind": "mandatory", "text": text })).collect();
    let workflow = |kind: &str, name: &str, activities: Value| json!({ "id": id(), "kind": kind, "name": name, "description": "", "enabled": true, "activities": activities });
    let by_password = json!({ "AuthenticateWithPassword": {} });
    let by_questions = json!({ "AuthenticateWithQuestions": { "ask": "All" } });
    let reset = json!({ "ResetPassword": { "unlock": true, "must_change": false } });
    config["policies"] = json!([{
        "id": id(),
        "name": "Everyone",
        "scope": [{
            "connection": connection,
            "allowed_groups": [],
            "allowed_ous": [format!("OU=People,{}", samba::BASE)],
            "denied_groups": [],
            "denied_ous": [],
        }],
        "qa": {
            "questions": questions,
            "optional_to_register": 0,
            "user_defined_to_register": 0,
            "min_question_length": 10,
            "min_answer_length": 3,
            "reject_same_answer": true,
            "reject_answer_in_question": true,
        },
        "lockout": { "threshold": THRESHOLD, "duration": 900_000, "reset_after": 900_000 },
        "password_rules": [
            { "Length": { "min": 10, "max": 128 } },
            { "Complexity": { "min_kinds": 3, "forbid_names": true } },
        ],
        "workflows": [
            workflow("forgot-password", "Forgot My Password", json!([by_questions, reset])),
            workflow("unlock-account", "Unlock My Account", json!([by_questions, { "UnlockAccount": {} }])),
            workflow("manage-passwords", "Manage My Passwords", json!([by_password, { "ChangePassword": {} }])),
            workflow("register", "Register", json!([by_password, { "EditProfile": {} }])),
            workflow("manage-profile", "Manage My Profile", json!([by_password, { "EditProfile": {} }])),
        ],
    }]);
    Ok(config)
}

async fn passquorum(
    dir: &Path,
    id: u64,
    arguments: &[&str],
    input: Option<&str>,
) -> Result<String, RigError> {
    let (command, what) = command(dir, id, arguments)?;
    command_line::run(command, &what, input).await
}

/// A command against one node, and what it is called.
fn command(dir: &Path, id: u64, arguments: &[&str]) -> Result<(Command, String), RigError> {
    let mut command = Command::new(cluster::binary()?);
    command.args(arguments).env("PASSQUORUM_DIR", node_dir(dir, id));
    Ok((command, format!("passquorum {}", arguments.join(" "))))
}
