//! A node that joins a demonstration realm as an operator lets it join, in a role of its own.

use crate::program::{command, run};
use crate::realm::Realm;
use reqwest::{Certificate, Client};
use serde_json::Value;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);

/// The running node; its process is killed when this is dropped.
pub(crate) struct Joined {
    pub(crate) dir: PathBuf,
    pub(crate) url: String,
    process: Child,
    client: Client,
}

impl Joined {
    /// Joins with a token of a role, with these changes to its settings, and waits until it is ready.
    pub(crate) async fn start(
        realm: &Realm,
        folder: &Path,
        role: &str,
        settle: impl FnOnce(String) -> String,
    ) -> Self {
        let created = run(&["token", "create", "--role", role, "--dir", &realm.data_dir(1)]);
        assert_eq!(created.code, 0, "{}", created.err);
        let dir = folder.join(role);
        let [site, peers] = free_ports();
        let (at, cluster) = (format!("127.0.0.1:{site}"), format!("127.0.0.1:{peers}"));
        let joined = run(&[
            "join",
            "--dir",
            dir.to_str().unwrap(),
            "--name",
            role,
            "--cluster-address",
            &cluster,
            "--site-address",
            &at,
            "--token",
            created.out.trim(),
            "--server",
            realm.node(2)["health"].as_str().unwrap(),
        ]);
        assert_eq!(joined.code, 0, "{}", joined.err);
        let settings = dir.join("node.toml");
        let text = std::fs::read_to_string(&settings).unwrap();
        std::fs::write(&settings, settle(text)).unwrap();
        let authority = std::fs::read(dir.join("keys/authority.crt")).unwrap();
        let process = command()
            .args(["run", "--dir"])
            .arg(&dir)
            .stderr(File::create(dir.with_extension("log")).unwrap())
            .spawn()
            .unwrap();
        let joined = Self {
            dir,
            url: format!("https://{at}"),
            process,
            client: Client::builder()
                .add_root_certificate(Certificate::from_pem(&authority).unwrap())
                .timeout(Duration::from_secs(20))
                .build()
                .unwrap(),
        };
        joined.until_ready(true).await;
        joined
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn data_dir(&self) -> &str {
        self.dir.to_str().unwrap()
    }

    /// What a path answers to a stranger.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Waits until the node's own status is so.
    pub(crate) async fn until(&self, is_so: impl Fn(&Value) -> bool) {
        let end = Instant::now() + DEADLINE;
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        loop {
            pace.tick().await;
            let ran = run(&["status", "--json", "--dir", self.data_dir()]);
            let status = serde_json::from_str(&ran.out).unwrap();
            if is_so(&status) {
                return;
            }
            assert!(Instant::now() < end, "its status is still {status}");
        }
    }

    /// Waits until the node says that it is ready, or that it is not; answers what it says.
    pub(crate) async fn until_ready(&self, wanted: bool) -> String {
        self.until_it_says(|status, _| (status == 200) == wanted).await
    }

    /// Waits for a word of `/ready`.
    pub(crate) async fn until_it_says(&self, is_it: impl Fn(u16, &str) -> bool) -> String {
        let end = Instant::now() + DEADLINE;
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        loop {
            pace.tick().await;
            let answer = self.client.get(format!("{}/ready", self.url)).send().await;
            if let Ok(answer) = answer {
                let status = answer.status().as_u16();
                let text = answer.text().await.unwrap();
                if is_it(status, &text) {
                    return text;
                }
                assert!(Instant::now() < end, "it still says {status} {text}");
            }
            assert!(Instant::now() < end, "node {} does not answer", self.url);
        }
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
