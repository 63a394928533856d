//! Mail: three nodes, a real SMTP server that fails in all the ways, and a person who is told in their own language.

use crate::TURN;
use passquorum_tests::https::{self, Trust};
use passquorum_tests::rig::cluster::Cluster;
use passquorum_tests::rig::mail::{Answer, MailServer, header};
use passquorum_tests::{ports, wait};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);
/// Longer than the pauses between some attempts.
const LATE: Duration = Duration::from_secs(180);

struct World {
    cluster: Cluster,
    server: MailServer,
    token: String,
    client: Client,
    _dirs: [tempfile::TempDir; 2],
}

impl World {
    async fn start() -> Self {
        let dir = |name| tempfile::Builder::new().prefix(name).tempdir().unwrap();
        let (dir, own) = (dir("passquorum-mail-"), dir("passquorum-sink-"));
        let port = ports::block(1).unwrap();
        let server = MailServer::start(own.path(), port).await.unwrap();
        let cluster = Cluster::demo(dir.path(), ports::block(103).unwrap()).await.unwrap();
        let token = cluster.demo_line().unwrap().api_token.clone();
        let world =
            Self { cluster, server, token, client: https::client(Trust::Anyone).unwrap(), _dirs: [dir, own] };
        world.set_servers().await;
        world
    }

    /// The first server is not there, so that the second one gets everything.
    async fn set_servers(&self) {
        let authorities = std::fs::read_to_string(self.server.authority()).unwrap();
        let nobody = ports::block(1).unwrap();
        let server = |port: u16| json!({ "host": "127.0.0.1", "port": port, "authorities": authorities });
        let port: u16 = self.server.address().rsplit(':').next().unwrap().parse().unwrap();
        let body = json!({
            "servers": [server(nobody), server(port)],
            "sender": "realm@corp.example",
            "sender_name": "Realm",
        });
        let seen = self.get(1, "/config").await.unwrap()["revision"].as_u64().unwrap();
        let url = format!("{}/mail", self.cluster.node(1).unwrap().api);
        let request = self.client.put(url).bearer_auth(&self.token).json(&body);
        let answer = request.header("if-match", format!("\"{seen}\"")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
    }

    async fn get(&self, node: u64, path: &str) -> Option<Value> {
        let url = format!("{}{path}", self.cluster.node(node).ok()?.api);
        let answer = self.client.get(url).bearer_auth(&self.token).send().await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }

    async fn leader(&self, ask: u64) -> u64 {
        let known = || async { self.get(ask, "/status").await?["leader"].as_u64() };
        wait::until("a leader is known", SOON, known).await.unwrap()
    }

    async fn queue(&self, node: u64, to: &str) -> String {
        let url = format!("{}/mail/test", self.cluster.node(node).unwrap().api);
        let queued = || async {
            let request = self.client.post(&url).bearer_auth(&self.token).json(&json!({ "to": to }));
            let answer = request.send().await.ok()?.error_for_status().ok()?;
            answer.json::<Value>().await.ok()?["mail"].as_str().map(str::to_owned)
        };
        wait::until("a mail is queued", SOON, queued).await.unwrap()
    }

    /// The mail as the outbox shows it.
    async fn entry(&self, node: u64, id: &str) -> Option<Value> {
        let outbox = self.get(node, "/mail/queue").await?;
        outbox["mails"].as_array()?.iter().find(|mail| mail["id"] == id).cloned()
    }

    async fn becomes(&self, node: u64, id: &str, result: Value) -> Value {
        let what = format!("mail {id} ends as {result}");
        let ended = || async { self.entry(node, id).await.filter(|mail| mail["result"] == result) };
        wait::until(&what, LATE, ended).await.unwrap()
    }

    /// How often each mail came, by its `Message-ID`.
    fn came(&self) -> BTreeMap<String, usize> {
        let mut came = BTreeMap::new();
        for mail in self.server.mails().unwrap() {
            *came.entry(header(&mail, "Message-ID").unwrap().to_owned()).or_default() += 1;
        }
        came
    }
}

fn message_id(mail: &str) -> String {
    format!("<{}@corp.example>", mail.replace('-', ""))
}

#[tokio::test]
async fn each_mail_arrives_whatever_fails_on_the_way_and_doubles_have_one_message_id() {
    let _turn = TURN.lock().await;
    let mut world = World::start().await;

    // Grey: the first try is refused for now, a later one is taken.
    world.server.answer(Answer::Later).unwrap();
    let grey = world.queue(1, "grey@corp.example").await;
    let refused = || async { (world.server.refused() > 0).then_some(()) };
    wait::until("the mail was refused for now", SOON, refused).await.unwrap();
    world.server.answer(Answer::Take).unwrap();
    let sent = world.becomes(1, &grey, json!("sent")).await;
    assert!(sent["attempts"].as_u64().unwrap() >= 2, "{sent}");

    // Refused for good: it is not tried again.
    world.server.answer(Answer::Never).unwrap();
    let refused = world.queue(2, "nobody@corp.example").await;
    let refused = world.becomes(2, &refused, json!({ "refused": { "code": 550 } })).await;
    assert_eq!(refused["attempts"], 1);

    // The server is away while mails come, and the leader that had tried them dies.
    world.server.answer(Answer::Take).unwrap();
    world.server.stop().await.unwrap();
    let leader = world.leader(1).await;
    let other = (1..=3).find(|id| *id != leader).unwrap();
    let mut waiting = Vec::new();
    for number in 0..5 {
        waiting.push(world.queue(other, &format!("w{number}@corp.example")).await);
    }
    let tried =
        || async { world.entry(other, &waiting[4]).await.filter(|mail| mail["attempts"].as_u64() > Some(0)) };
    wait::until("the last mail was tried", SOON, tried).await.unwrap();
    world.cluster.kill9(leader).await.unwrap();
    world.server.resume().await.unwrap();
    for id in &waiting {
        world.becomes(other, id, json!("sent")).await;
    }

    // The server takes a mail and its word that it did is lost: the mail comes again, under the same id.
    world.server.answer(Answer::Lose).unwrap();
    let twice = world.queue(other, "twice@corp.example").await;
    let came = || async { world.came().contains_key(&message_id(&twice)).then_some(()) };
    wait::until("the mail came", SOON, came).await.unwrap();
    world.server.answer(Answer::Take).unwrap();
    world.becomes(other, &twice, json!("sent")).await;

    let mut expected: BTreeMap<String, usize> = waiting.iter().map(|id| (message_id(id), 1)).collect();
    expected.insert(message_id(&grey), 1);
    expected.insert(message_id(&twice), 2);
    assert_eq!(world.came(), expected);
    world.cluster.restart(leader).await.unwrap();
    world.cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_person_whose_browser_asks_for_german_is_told_in_german_that_the_password_was_reset() {
    let _turn = TURN.lock().await;
    let world = World::start().await;
    let alice =
        world.cluster.demo_line().unwrap().accounts.iter().find(|one| one.user == "alice").unwrap().clone();
    let base = world.cluster.node(2).unwrap().health.clone();
    let browser = https::client(Trust::Anyone).unwrap();
    let german = "de-AT,de;q=0.9,en;q=0.5";
    let get = |path: String| browser.get(path).header("accept-language", german).send();
    let hidden = |page: &str, name: &str| {
        let after = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
        after.split('"').next().unwrap().to_owned()
    };
    let start = format!("{base}/self-service/start/forgot-password");
    let page = get(start.clone()).await.unwrap().text().await.unwrap();
    let form = [("name", "alice".to_owned()), ("csrf", hidden(&page, "csrf"))];
    browser.post(&start).header("accept-language", german).form(&form).send().await.unwrap();
    // What a page shows is not what the mail goes by: who began in German is told in German.
    let read = |path: String| browser.get(path).send();
    let step = format!("{base}/self-service/step");
    let page = read(step.clone()).await.unwrap().text().await.unwrap();
    // The questions in the order in which the page asks them.
    let answers = alice.answers.as_object().unwrap();
    let mut asked: Vec<(usize, &str)> = answers
        .iter()
        .map(|(question, answer)| (page.find(question.as_str()).unwrap(), answer.as_str().unwrap()))
        .collect();
    asked.sort_unstable();
    let mut form =
        vec![("csrf".to_owned(), hidden(&page, "csrf")), ("step".to_owned(), hidden(&page, "step"))];
    form.extend(
        (0..)
            .zip(asked)
            .map(|(place, (_, answer)): (usize, _)| (format!("answer-{place}"), answer.to_owned())),
    );
    browser.post(&step).form(&form).send().await.unwrap();
    let page = get(step.clone()).await.unwrap().text().await.unwrap();
    let new = "Demo-Passphrase-77";
    let form = [
        ("csrf", hidden(&page, "csrf")),
        ("step", hidden(&page, "step")),
        ("new", new.to_owned()),
        ("confirm", new.to_owned()),
    ];
    browser.post(&step).form(&form).send().await.unwrap();
    let page = read(step).await.unwrap().text().await.unwrap();
    assert!(page.contains("Your password is changed"), "{page}");

    let mail = || async { world.server.mails().unwrap().into_iter().next() };
    let mail = wait::until("the mail came", SOON, mail).await.unwrap();
    assert_eq!(header(&mail, "Content-Language"), Some("de"));
    assert!(header(&mail, "X-Rig-To").unwrap().starts_with("alice"), "{mail}");
    assert_eq!(header(&mail, "Auto-Submitted"), Some("auto-generated"));
    assert!(mail.contains("Guten Tag"), "{mail}");
    world.cluster.stop().await.unwrap();
}
