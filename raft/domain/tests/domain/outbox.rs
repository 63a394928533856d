//! The outbox: what is taken, who may send, how a mail ends, and what a rotation of keys does with it.

use crate::commands::{START, command, create_realm, user};
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::Action;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::MailId;
use passquorum_domain::mail::{MailClaim, MailResult, MailState, QueuedMail};
use passquorum_domain::outcome::{Outcome, Rejection};
use passquorum_domain::state::State;
use passquorum_domain::time::{Span, Timestamp};
use uuid::Uuid;

struct World {
    state: State,
    requests: u128,
    at: u64,
}

fn id(number: u128) -> MailId {
    MailId(Uuid::from_u128(number))
}

impl World {
    fn new() -> Self {
        let mut world = Self { state: State::default(), requests: 0, at: START };
        world.act(create_realm()).unwrap();
        world
    }

    fn act(&mut self, action: Action) -> Outcome {
        self.requests += 1;
        self.state.apply(command(self.requests, self.at, action)).outcome
    }

    fn queue(&mut self, number: u128, size: usize) -> Outcome {
        let content = Sealed(Blob::from(vec![b'x'; size]));
        let not_after = Timestamp(self.at).plus(Span::hours(24));
        self.act(Action::QueueMail { id: id(number), subject: Some(user(1)), content, not_after })
    }

    fn claim(&mut self, number: u128, seconds: u64) -> Outcome {
        let until = Timestamp(self.at).plus(Span::seconds(seconds));
        self.act(Action::ClaimMail { id: id(number), claim: MailClaim { term: 1, until } })
    }

    fn close(&mut self, number: u128, result: MailResult) -> Outcome {
        self.act(Action::CloseMail { id: id(number), result })
    }

    fn mail(&self, number: u128) -> &QueuedMail {
        self.state.mail(id(number)).unwrap()
    }
}

const NO: Outcome = Err(Rejection::ConditionFailed { current: None });

#[test]
fn one_claim_holds_at_a_time_and_a_mail_is_closed_once() {
    let mut world = World::new();
    world.queue(1, 100).unwrap();
    assert_eq!(world.queue(1, 100), NO, "an id is used once");
    world.claim(1, 20).unwrap();
    assert_eq!(world.claim(1, 20), NO, "another has it");
    world.at += QueuedMail::ATTEMPT.0;
    world.claim(1, 20).unwrap();
    assert_eq!(world.mail(1).attempts, 2);
    world.close(1, MailResult::Sent).unwrap();
    assert_eq!(world.close(1, MailResult::Refused { code: 550 }), NO);
    assert_eq!(world.claim(1, 20), NO);
    assert_eq!(world.mail(1).content(), None, "what it said is gone");
    assert_eq!(world.close(2, MailResult::Sent), Err(Rejection::NotFound));
    let events: Vec<_> = world.state.audit_of(user(1)).map(|record| record.event.clone()).collect();
    let sent = AuditEvent::MailClosed(id(1), MailResult::Sent);
    assert_eq!(events, [sent, AuditEvent::MailQueued(id(1))]);
}

#[test]
fn the_outbox_is_bounded_in_number_and_bytes_and_makes_room() {
    let mut world = World::new();
    assert_eq!(world.queue(0, QueuedMail::LARGEST + 1), Err(Rejection::TooLarge));
    let fit = QueuedMail::MOST_BYTES / QueuedMail::LARGEST;
    for number in 0..fit as u128 {
        world.queue(number, QueuedMail::LARGEST).unwrap();
    }
    assert_eq!(world.queue(9_999, 1), Err(Rejection::OutboxFull));
    world.close(0, MailResult::Sent).unwrap();
    world.queue(9_999, 1).unwrap();
    let mut world = World::new();
    for number in 0..QueuedMail::MOST_WAITING as u128 {
        world.queue(number, 1).unwrap();
    }
    assert_eq!(world.queue(9_999, 1), Err(Rejection::OutboxFull));
    for number in 0..QueuedMail::MOST_WAITING as u128 {
        world.at += 1;
        world.close(number, MailResult::Sent).unwrap();
    }
    assert_eq!(world.state.outbox_count().closed, QueuedMail::MOST_CLOSED);
    assert!(
        world.state.mail(id(0)).is_none() && world.state.mail(id(1_999)).is_some(),
        "the oldest go first"
    );
}

#[test]
fn what_is_not_sent_in_time_expires_but_not_under_a_claim_and_the_truth_replaces_that() {
    let mut world = World::new();
    world.queue(1, 1).unwrap();
    world.at += Span::hours(24).0 - 5_000;
    world.claim(1, 20).unwrap();
    world.at += 10_000;
    assert!(!world.state.sweep_is_due(Timestamp(world.at)), "it may be on its way");
    world.at += 10_000;
    assert!(world.state.sweep_is_due(Timestamp(world.at)));
    world.act(Action::Sweep).unwrap();
    let closed = |world: &World| match &world.mail(1).state {
        MailState::Closed { result, .. } => Some(*result),
        MailState::Waiting { .. } => None,
    };
    assert_eq!(closed(&world), Some(MailResult::Expired));
    world.close(1, MailResult::Sent).unwrap();
    assert_eq!(closed(&world), Some(MailResult::Sent));
    world.at += QueuedMail::KEEP_CLOSED.0 + 1;
    assert!(world.state.sweep_is_due(Timestamp(world.at)));
    world.act(Action::Sweep).unwrap();
    assert!(world.state.mail(id(1)).is_none());
    let endless = Action::QueueMail {
        id: id(2),
        subject: None,
        content: Sealed(Blob::from(&b"x"[..])),
        not_after: Timestamp(u64::MAX),
    };
    world.act(endless).unwrap();
    assert_eq!(world.mail(2).not_after, Timestamp(world.at).plus(QueuedMail::LONGEST));
}

#[test]
fn mail_needs_the_third_level() {
    let claim = MailClaim { term: 1, until: Timestamp(0) };
    assert_eq!(Action::ClaimMail { id: id(1), claim }.needs(), FeatureLevel::THIRD);
    assert_eq!(Action::CloseMail { id: id(1), result: MailResult::Sent }.needs(), FeatureLevel::THIRD);
    let record = Action::Record { event: AuditEvent::MailQueued(id(1)), subject: None };
    assert_eq!(record.needs(), FeatureLevel::THIRD);
}
