//! Who is told by mail, in which words, and that nobody's task fails for it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what a test reads must be there")]

use crate::browser::*;
use crate::fakes::*;
use passquorum_domain::command::Action;
use passquorum_domain::config::{ConfigChange, GeneralSettings};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::MailId;
use passquorum_domain::mail::{Language, Mail, MailSecurity, MailServer, MailSettings, Notices, QueuedMail};
use passquorum_domain::ports::{Clock, Purpose, Vault};
use passquorum_domain::time::Span;

pub(crate) fn with_mail(world: &World, notices: Notices) {
    if world.consensus.state().level() < FeatureLevel::CURRENT {
        world.raise();
    }
    let server = MailServer {
        host: "mail.example".into(),
        port: 25,
        security: MailSecurity::Starttls,
        authorities: String::new(),
        login: None,
    };
    let mail = MailSettings {
        servers: vec![server],
        sender: "realm@corp.example".parse().unwrap(),
        sender_name: "Realm".into(),
        administrators: vec!["admin@corp.example".parse().unwrap()],
        language: Language::english(),
        texts: Vec::new(),
    };
    let config = world.consensus.state().config().unwrap().clone();
    let general = GeneralSettings { mail: Some(Box::new(mail)), ..config.general.clone() };
    world.consensus.configure(ConfigChange::SetGeneral(general));
    let policy = passquorum_domain::config::ManagementPolicy { notices, ..config.policies[0].clone() };
    world.consensus.configure(ConfigChange::PutPolicy(Box::new(policy)));
    world.directory.edit("alice", |user| user.record.mail = Some("alice@corp.example".into()));
}

/// The mails that wait, as they will be sent.
pub(crate) fn letters(world: &World) -> Vec<Mail> {
    let state = world.consensus.state();
    let open = |mail: &QueuedMail| {
        let sealed = mail.content().unwrap();
        let clear = world.vault.open(Purpose::Mail, mail.id.0.as_bytes(), sealed).unwrap();
        serde_json::from_slice(&clear).unwrap()
    };
    state.outbox().map(open).collect()
}

/// To whom they go, in which language, about what.
pub(crate) fn mails(world: &World) -> Vec<(String, String, String)> {
    let about = |mail: Mail| (mail.to.to_string(), mail.language.to_string(), mail.subject);
    let mut mails: Vec<_> = letters(world).into_iter().map(about).collect();
    mails.sort();
    mails
}

#[tokio::test]
async fn the_user_is_told_and_the_administrators_where_a_policy_says_so() {
    let world = World::new();
    with_mail(&world, Notices { user: true, administrators: true });
    let page = register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    assert_eq!(page.heading(), "Your security questions are saved", "{}", page.html);
    let told = mails(&world);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].0 == "admin@corp.example" && told[0].2.contains("done for"), "{told:?}");
    assert_eq!((told[1].0.as_str(), told[1].1.as_str()), ("alice@corp.example", "en"));
    assert_eq!(told[1].2, "You are registered for self-service");
}

#[tokio::test]
async fn nobody_is_told_where_a_policy_does_not_or_no_address_is_known() {
    for (notices, address) in [
        (Notices { user: false, administrators: false }, Some("alice@corp.example")),
        (Notices::default(), None),
        (Notices::default(), Some("alice@corp.example\r\nBcc: x@y.z")),
    ] {
        let world = World::new();
        with_mail(&world, notices);
        world.directory.edit("alice", |user| user.record.mail = address.map(str::to_owned));
        let page = register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
        assert_eq!(page.heading(), "Your security questions are saved", "{}", page.html);
        assert_eq!(mails(&world), [], "{notices:?} {address:?}");
    }
}

#[tokio::test]
async fn a_full_outbox_fails_nobodys_task() {
    let world = World::new();
    with_mail(&world, Notices::default());
    for number in 0..QueuedMail::MOST_WAITING as u128 {
        let id = MailId(uuid::Uuid::from_u128(number));
        let content = world.vault.seal(Purpose::Mail, id.0.as_bytes(), b"{}").unwrap();
        let not_after = world.clock.now().plus(Span::hours(1));
        world.consensus.apply(Action::QueueMail { id, subject: None, content, not_after }).unwrap();
    }
    let page = register(&world.node("n1"), "alice", "Alice-0ld-Secret").await;
    assert_eq!(page.heading(), "Your security questions are saved", "{}", page.html);
    assert_eq!(world.consensus.state().outbox_count().waiting, QueuedMail::MOST_WAITING);
}
