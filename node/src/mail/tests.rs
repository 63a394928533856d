//! The duty with servers that answer as they are told: who is asked, when again, and what is committed.

use super::*;
use crate::alone::Alone;
use crate::birth::Birth;
use crate::env::{SystemClock, SystemEntropy};
use crate::keys::NewKeys;
use passquorum_domain::command::NewNode;
use passquorum_domain::mail::{Language, MailSecurity, MailState};
use passquorum_domain::ports::{LeaderRead, ReadError};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const ONE: NodeId = NodeId(1);
const TERM: u64 = 3;

struct Watch(AtomicU64);

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

struct Reads(Arc<Alone>);

#[async_trait]
impl LeaderReads for Reads {
    async fn read_as_leader(&self) -> Result<LeaderRead, ReadError> {
        Ok(LeaderRead { term: TERM, index: 1, state: self.0.local() })
    }
}

/// Servers by name, each with what it answers; notes who was asked.
#[derive(Default)]
struct Servers {
    answers: BTreeMap<&'static str, Handed>,
    asked: Mutex<Vec<(String, String)>>,
}

#[async_trait]
impl Transport for Servers {
    async fn hand(
        &self,
        server: &MailServer,
        _: Option<Account<'_>>,
        _: &MailSettings,
        mail: &Mail,
    ) -> Handed {
        self.asked.lock().unwrap().push((server.host.clone(), mail.message_id.clone()));
        self.answers[server.host.as_str()].clone()
    }
}

struct World {
    postman: Arc<Postman>,
    cluster: Arc<Alone>,
    clock: Arc<Watch>,
    servers: Arc<Servers>,
    leads: watch::Sender<Leadership>,
}

impl World {
    async fn with(answers: &[(&'static str, Handed)]) -> Self {
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let keys = NewKeys::generate(&SystemEntropy).unwrap();
        let first = NewNode {
            name: "one".to_owned(),
            cluster_address: "10.0.0.1:7400".to_owned(),
            site_url: "https://one.example".to_owned(),
            wrap_key: keys.wrap.public().to_bytes(),
        };
        let mut config = RealmConfig::empty();
        let server = |host: &str| MailServer {
            host: host.to_owned(),
            port: 25,
            security: MailSecurity::Starttls,
            authorities: String::new(),
            login: None,
        };
        config.general.mail = Some(Box::new(MailSettings {
            servers: answers.iter().map(|(host, _)| server(host)).collect(),
            sender: "realm@corp.example".parse().unwrap(),
            sender_name: "Realm".to_owned(),
            administrators: Vec::new(),
            language: Language::english(),
            texts: Vec::new(),
        }));
        let birth = Birth::prepare(&keys, None, first, config, &SystemClock, &entropy).unwrap();
        let cluster = Arc::new(Alone::default());
        cluster.propose(birth.command).await.unwrap().unwrap();
        let clock = Arc::new(Watch(AtomicU64::new(SystemClock.now().0)));
        let servers = Arc::new(Servers { answers: answers.iter().cloned().collect(), ..Servers::default() });
        let (leads, leadership) = watch::channel(Leadership { leader: Some(ONE), term: TERM });
        let (_, states) = watch::channel(cluster.local());
        let postman = Arc::new(Postman {
            node: ONE,
            leadership,
            states,
            reads: Arc::new(Reads(Arc::clone(&cluster))),
            consensus: Arc::clone(&cluster) as _,
            keyring: Arc::new(birth.keyring),
            clock: Arc::clone(&clock) as _,
            entropy,
            transport: Arc::clone(&servers) as _,
        });
        Self { postman, cluster, clock, servers, leads }
    }

    async fn queue(&self, number: u128) -> MailId {
        let id = MailId(uuid::Uuid::from_u128(number));
        let mail = Mail {
            to: "alice@corp.example".parse().unwrap(),
            message_id: format!("{number}@corp.example"),
            written_at: self.clock.now(),
            language: Language::english(),
            subject: "subject".to_owned(),
            text: "text".to_owned(),
            html: "html".to_owned(),
        };
        let clear = serde_json::to_vec(&mail).unwrap();
        let content = self.postman.keyring.seal(Purpose::Mail, id.0.as_bytes(), &clear).unwrap();
        let not_after = self.clock.now().plus(Span::hours(1));
        self.postman.commit(Action::QueueMail { id, subject: None, content, not_after }).await.unwrap();
        id
    }

    /// One attempt at a mail as the state has it now.
    async fn attempt(&self, id: MailId) {
        let state = self.cluster.local();
        self.postman.attempt(TERM, state.mail(id).unwrap(), state.config().unwrap()).await;
    }

    fn result(&self, id: MailId) -> Option<MailResult> {
        match &self.cluster.local().mail(id).unwrap().state {
            MailState::Closed { result, .. } => Some(*result),
            MailState::Waiting { .. } => None,
        }
    }

    fn asked(&self) -> Vec<String> {
        self.servers.asked.lock().unwrap().iter().map(|(host, _)| host.clone()).collect()
    }
}

fn later() -> Handed {
    Handed::NotNow("later".to_owned())
}

#[tokio::test]
async fn the_first_server_that_takes_a_mail_gets_it_once() {
    let world = World::with(&[("a", later()), ("b", Handed::Taken), ("c", Handed::Taken)]).await;
    let id = world.queue(1).await;
    world.attempt(id).await;
    assert_eq!(world.result(id), Some(MailResult::Sent));
    assert_eq!(world.asked(), ["a", "b"]);
    world.attempt(id).await;
    assert_eq!(world.asked().len(), 2, "a mail that is closed is not sent again");
}

#[tokio::test]
async fn a_refusal_is_final_and_what_the_mail_said_is_gone() {
    let world = World::with(&[("a", Handed::Refused(550)), ("b", Handed::Taken)]).await;
    let id = world.queue(1).await;
    world.attempt(id).await;
    assert_eq!(world.result(id), Some(MailResult::Refused { code: 550 }));
    assert_eq!(world.asked(), ["a"]);
    assert_eq!(world.cluster.local().mail(id).unwrap().content(), None);
}

#[tokio::test]
async fn what_no_server_takes_is_tried_again_after_pauses_that_grow_until_it_expires() {
    let world = World::with(&[("a", later())]).await;
    let id = world.queue(1).await;
    let begun = world.clock.now();
    let mut pauses = Vec::new();
    for _ in 0..3 {
        world.attempt(id).await;
        let due = |at: &u64| world.cluster.local().mail(id).unwrap().is_due(Timestamp(*at));
        let next = (world.clock.now().0..).step_by(1000).find(due).unwrap();
        pauses.push((next - world.clock.now().0) / 1000);
        world.clock.0.store(next, Ordering::Relaxed);
    }
    assert_eq!(pauses, [60, 120, 240]);
    world.clock.0.store(begun.plus(Span::hours(1)).0, Ordering::Relaxed);
    world.attempt(id).await;
    assert_eq!(world.asked().len(), 3, "its time is over");
    assert!(world.cluster.local().sweep_is_due(world.clock.now()));
    world.postman.commit(Action::Sweep).await.unwrap();
    assert_eq!(world.result(id), Some(MailResult::Expired));
}

#[tokio::test]
async fn nobody_else_tries_while_a_claim_holds_and_who_does_not_lead_sends_nothing() {
    let world = World::with(&[("a", Handed::Taken)]).await;
    let id = world.queue(1).await;
    let until = world.clock.now().plus(QueuedMail::ATTEMPT);
    let other = MailClaim { term: TERM - 1, until };
    world.postman.commit(Action::ClaimMail { id, claim: other }).await.unwrap();
    world.attempt(id).await;
    assert_eq!((world.asked().len(), world.result(id)), (0, None), "the leader before may be sending it");
    world.clock.0.store(until.0, Ordering::Relaxed);
    world.leads.send(Leadership { leader: Some(NodeId(2)), term: TERM + 1 }).unwrap();
    world.attempt(id).await;
    assert_eq!((world.asked().len(), world.result(id)), (0, None), "another node leads");
}
