//! The way of a legacy client from the domain's service connection points through a load balancer to the page, with each
//! fault of the guide's troubleshooting chapter planted, and found by `spe diagnose`.

use crate::World;
use passquorum_tests::rig::cluster;
use passquorum_tests::rig::haproxy::HaProxy;
use passquorum_tests::rig::realm::write_secret;
use passquorum_tests::rig::samba::{BASE, DOMAIN, seeded_password};
use passquorum_tests::{ports, wait};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::{Child, Command};

const LONG: Duration = Duration::from_secs(60);
const REALM: &str = "6f0c7a52-0d6c-4b52-9a43-0a57b7f8d001";
const ELSEWHERE: &str = "https://no-such-host.invalid/PMUser/";

/// What a walk found.
#[derive(Debug)]
pub(crate) struct Found {
    code: i32,
    pub(crate) report: Value,
}

impl Found {
    fn faults(&self, verdict: &str) -> Vec<&str> {
        let steps = self.report["steps"].as_array().unwrap().iter();
        steps.filter(|step| step["verdict"] == verdict).filter_map(|step| step["fault"].as_str()).collect()
    }

    fn expect(&self, code: i32, wrong: &[&str], doubtful: &[&str]) {
        let seen = (self.code, self.faults("wrong"), self.faults("doubtful"));
        assert_eq!(seen, (code, wrong.to_vec(), doubtful.to_vec()), "{:#}", self.report);
    }
}

/// A client's machine: an account of the domain, and the authorities that it trusts.
pub(crate) struct Machine {
    pub(crate) server: String,
    pub(crate) account: &'static str,
    pub(crate) password: PathBuf,
    pub(crate) authorities: PathBuf,
}

impl Machine {
    pub(crate) async fn diagnose(&self, more: &[&str]) -> Found {
        let mut command = Command::new(cluster::binary().unwrap());
        command.args(["spe", "diagnose", "--json", "--server", &self.server]);
        command
            .args(["--bind-name", &format!("{}@{DOMAIN}", self.account), "--password-file"])
            .arg(&self.password);
        command.arg("--authorities").arg(&self.authorities).args(more);
        let output = command.output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let report: Result<Value, _> = serde_json::from_str(&text);
        assert!(report.is_ok(), "{text} {}", String::from_utf8_lossy(&output.stderr));
        let report = report.unwrap();
        Found { code: output.status.code().unwrap(), report }
    }
}

fn container() -> String {
    format!("CN=One Identity,CN=System,{BASE}")
}

/// An instant so many minutes ago, as `CONFIGURATION.TIME_STAMP` has it.
async fn minutes_ago(minutes: u32) -> String {
    let ago = format!("{minutes} minutes ago");
    let output = Command::new("date").args(["-u", "-d", &ago, "+%Y-%m-%dT%H:%M:%SZ"]).output().await.unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl World {
    /// Publishes a point; of another product when no node is named.
    async fn publish(&self, name: &str, url: &str, minutes: u32, node: Option<u64>) {
        let mut ldif = format!(
            "dn: CN={name},{}\nchangetype: add\nobjectClass: serviceConnectionPoint\n\
             keywords: CONFIGURATION.SERVER_URLS={url}\nkeywords: CONFIGURATION.TIME_STAMP={}\n\
             keywords: VERSION.ProductVersion=5.9.7\n",
            container(),
            minutes_ago(minutes).await
        );
        if let Some(node) = node {
            ldif.push_str(&format!("keywords: passquorum.realm={REALM}\nkeywords: passquorum.node={node}\n"));
        }
        self.domain.modify(&ldif).await.unwrap();
    }

    async fn withdraw(&self, name: &str) {
        self.domain.modify(&format!("dn: CN={name},{}\nchangetype: delete\n", container())).await.unwrap();
    }
}

/// A real proxy; it ends when dropped.
async fn proxy(folder: &Path, port: u16, wants: &str) -> Child {
    let file = folder.join(format!("tinyproxy-{port}.conf"));
    let text =
        format!("Port {port}\nListen 127.0.0.1\nTimeout 30\nMaxClients 20\nAllow 127.0.0.1\n{wants}\n");
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new("tinyproxy");
    let child = command.arg("-d").arg("-c").arg(&file).kill_on_drop(true).spawn();
    let child = child.expect("tinyproxy: install it with ops/rig/install.sh");
    wait::until("the proxy listens", LONG, || async {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok().map(drop)
    })
    .await
    .unwrap();
    child
}

#[tokio::test]
async fn each_fault_between_the_domain_and_the_page_is_found_and_named() {
    let mut world = World::start().await;
    world.leader(1).await;
    let folder = world.dir.path().to_owned();
    let nodes = [1, 2, 3].map(|id| (id, world.base(id).trim_start_matches("https://").to_owned()));
    let port = ports::block(4).unwrap();
    let balancer =
        HaProxy::start(&folder.join("haproxy"), port, &nodes, &world.realm.authority()).await.unwrap();
    let url = format!("{}/PMUser/", balancer.url());
    let machine = Machine {
        server: world.domain.url(),
        account: "hugo",
        password: folder.join("password"),
        authorities: folder.join("trusted.pem"),
    };
    write_secret(&machine.password, &seeded_password("hugo")).unwrap();
    let mut trusted = std::fs::read(world.domain.authority()).unwrap();
    trusted.extend(balancer.authority().unwrap());
    std::fs::write(&machine.authorities, trusted).unwrap();

    // No point, with and without a URL of group policy.
    machine.diagnose(&[]).await.expect(1, &["no-point", "no-url"], &[]);
    let found = machine.diagnose(&["--url", &url]).await;
    found.expect(1, &["no-point"], &[]);
    assert!(found.report["url"].as_str().unwrap().ends_with("/logon-old/"), "{:#}", found.report);

    // A stale one alone, then beside those of three nodes, which any account may read and which are in order.
    world.publish("gone", ELSEWHERE, 60 * 24 * 30, Some(9)).await;
    machine.diagnose(&[]).await.expect(1, &["all-points-unfit", "no-url"], &["point-stale"]);
    for id in 1..=3_u64 {
        world.publish(&format!("node-{id}"), &url, 30, Some(id)).await;
    }
    let found = machine.diagnose(&[]).await;
    found.expect(0, &[], &["point-stale"]);
    world.withdraw("gone").await;
    machine.diagnose(&[]).await.expect(0, &[], &[]);

    // A wrong URL in the newest, which the client tries first and passes over.
    world.publish("wrong", ELSEWHERE, 1, Some(1)).await;
    let found = machine.diagnose(&[]).await;
    found.expect(1, &["name-unresolved"], &[]);
    assert!(found.report["url"].is_string(), "the next point's URL is right: {:#}", found.report);
    machine.diagnose(&["--attempts", "1"]).await.expect(1, &["name-unresolved"], &[]);
    machine.diagnose(&["--override-url", &url]).await.expect(0, &[], &[]);
    world.withdraw("wrong").await;

    // Another product's, newer than ours.
    world.publish("theirs", ELSEWHERE, 1, None).await;
    machine.diagnose(&[]).await.expect(1, &["foreign-point-newer", "name-unresolved"], &[]);
    machine.diagnose(&["--affinity", REALM]).await.expect(0, &[], &[]);
    let other = "00000000-0000-0000-0000-000000000001";
    machine.diagnose(&["--affinity", other]).await.expect(1, &["realm-unknown", "no-url"], &[]);
    world.withdraw("theirs").await;

    // Authorities that the machine does not trust: the balancer's, then the controller's.
    let narrow = Machine {
        authorities: world.domain.authority(),
        server: machine.server.clone(),
        account: machine.account,
        password: machine.password.clone(),
    };
    narrow.diagnose(&["--attempts", "1"]).await.expect(1, &["certificate-unknown-authority"], &[]);
    let narrow = Machine { authorities: world.realm.authority(), ..narrow };
    narrow.diagnose(&[]).await.expect(1, &["controller-untrusted", "no-url"], &[]);
    write_secret(&folder.join("wrong-password"), "not it").unwrap();
    let stranger = Machine {
        password: folder.join("wrong-password"),
        authorities: machine.authorities.clone(),
        ..narrow
    };
    stranger.diagnose(&[]).await.expect(1, &["sign-in-refused", "no-url"], &[]);

    // A proxy that lets anyone through, and one that wants a password.
    let anyone = proxy(&folder, port + 2, "").await;
    let through = |port: u16| format!("http://127.0.0.1:{port}");
    machine.diagnose(&["--proxy", &through(port + 2)]).await.expect(0, &[], &[]);
    drop(anyone);
    let guarded = proxy(&folder, port + 3, "BasicAuth user password").await;
    let found = machine.diagnose(&["--proxy", &through(port + 3)]).await;
    found.expect(1, &["proxy-authentication"], &[]);
    drop(guarded);

    // A node that is not there behind the balancer, though its point is.
    world.realm.cluster.kill9(3).await.unwrap();
    wait::until("the missing node is noticed", LONG, || async {
        let found = machine.diagnose(&[]).await;
        (found.code == 1 && found.faults("wrong") == ["node-missing"]).then_some(())
    })
    .await
    .unwrap();
    for id in 1..=2 {
        world.realm.cluster.kill9(id).await.unwrap();
    }
    wait::until("nobody answers behind the balancer", LONG, || async {
        let found = machine.diagnose(&[]).await;
        (found.code == 2 && found.faults("wrong") == ["no-node-behind"]).then_some(())
    })
    .await
    .unwrap();
    balancer.stop().await.unwrap();
    world.domain.interrupt().await.unwrap();
    machine.diagnose(&[]).await.expect(1, &["controller-unreachable", "no-url"], &[]);
    world.stop().await;
}
