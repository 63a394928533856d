//! Commands drawn from small pools of names, so that they meet one another.

use passquorum_domain::audit::{Actor, AuditEvent, Site};
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::{Action, AdmitNode, Command, CreateRealm, NewNode, NewWraps};
use passquorum_domain::config::{ConfigChange, RealmConfig};
use passquorum_domain::ids::{
    AttemptId, JoinTokenId, KeyedHash, MailId, NodeId, RealmId, RequestId, Revision, TicketId,
};
use passquorum_domain::instance::{KeyWrap, Role};
use passquorum_domain::label::{LabelCondition, LabelKey};
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::mail::{MailClaim, MailResult};
use passquorum_domain::mail_code::NewMailCode;
use passquorum_domain::ticket::{TicketKind, TicketResult};
use passquorum_domain::time::{Span, Timestamp};
use passquorum_domain::token::JoinToken;
use passquorum_domain::workflow::NotificationEvent;
use proptest::prelude::*;
use uuid::Uuid;

pub(crate) const START: u64 = 1_800_000_000_000;

pub(crate) fn user(n: u8) -> KeyedHash {
    KeyedHash([n; 32])
}

pub(crate) fn command(request: u128, at: u64, action: Action) -> Command {
    Command {
        request: RequestId::Internal(Uuid::from_u128(request)),
        at: Timestamp(at),
        actor: Actor::Realm,
        detail: None,
        action,
    }
}

pub(crate) fn node() -> NewNode {
    NewNode {
        name: "node".into(),
        cluster_address: "host:1".into(),
        site_url: "https://host".into(),
        wrap_key: [1; 32],
    }
}

pub(crate) fn wrap() -> KeyWrap {
    KeyWrap { generation: 1, wrapped: Blob::from(&b"wrapped"[..]) }
}

pub(crate) fn create_realm() -> Action {
    Action::CreateRealm(Box::new(CreateRealm {
        realm: RealmId(Uuid::from_u128(1)),
        authority: "PEM".into(),
        authority_key: Sealed(Blob::from(&b"sealed"[..])),
        first: node(),
        wrap: wrap(),
        config: RealmConfig::empty(),
    }))
}

pub(crate) fn open_ticket(ticket: u128, subject: u8) -> Action {
    Action::OpenTicket {
        ticket: TicketId(Uuid::from_u128(ticket)),
        subject: user(subject),
        kind: TicketKind::Reset,
        node: NodeId(1),
        life: Span::minutes(1),
    }
}

pub(crate) fn close_ticket(ticket: u128, result: TicketResult) -> Action {
    Action::CloseTicket { ticket: TicketId(Uuid::from_u128(ticket)), result }
}

pub(crate) fn count(attempt: u128, source: u8) -> Action {
    Action::CountAttempt {
        attempt: AttemptId(Uuid::from_u128(attempt)),
        target: AttemptTarget::Source(user(source)),
        policy: None,
    }
}

pub(crate) fn spend_passcode(subject: u8, secret: u8) -> Action {
    Action::SpendPasscode { subject: user(subject), secret: user(secret) }
}

fn result() -> impl Strategy<Value = TicketResult> {
    prop_oneof![
        Just(TicketResult::Done),
        Just(TicketResult::Unknown),
        Just(TicketResult::Failed { code: "PQ-INTERNAL".into() }),
    ]
}

fn condition() -> impl Strategy<Value = LabelCondition> {
    prop_oneof![
        Just(LabelCondition::Always),
        Just(LabelCondition::Absent),
        (0_u64..6).prop_map(LabelCondition::Revision),
    ]
}

fn label_key() -> impl Strategy<Value = LabelKey> {
    (0_u8..3).prop_map(|n| LabelKey::parse(&format!("label-{n}")).unwrap())
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Voter), Just(Role::SiteLearner), Just(Role::DmzLearner)]
}

fn action() -> impl Strategy<Value = Action> {
    let token = (0_u128..3, role()).prop_map(|(id, role)| {
        Action::CreateJoinToken(JoinToken {
            id: JoinTokenId(Uuid::from_u128(id)),
            secret: user(9),
            role,
            expires_at: Timestamp(START + 100_000),
            used_by: None,
        })
    });
    let replacement = (0_u128..3, 1_u64..5).prop_map(|(id, replaces)| Action::CreateReplacement {
        token: JoinToken {
            id: JoinTokenId(Uuid::from_u128(id)),
            secret: user(9),
            role: Role::DmzLearner,
            expires_at: Timestamp(START + 100_000),
            used_by: None,
        },
        replaces: NodeId(replaces),
    });
    let admit = (0_u128..3, any::<bool>(), 8_u8..10).prop_map(|(token, keys, secret)| {
        Action::AdmitNode(Box::new(AdmitNode {
            token: JoinTokenId(Uuid::from_u128(token)),
            secret: user(secret),
            node: node(),
            wrap: keys.then(wrap),
        }))
    });
    let decide =
        (0_u128..8, 0_u8..2, any::<bool>()).prop_map(|(attempt, source, right)| Action::DecideAttempt {
            attempt: AttemptId(Uuid::from_u128(attempt)),
            target: AttemptTarget::Source(user(source)),
            right,
        });
    let rename = (0_u64..4, "[a-z]{0,4}").prop_map(|(base, organisation)| {
        let general = RealmConfig::empty().general;
        let general = passquorum_domain::config::GeneralSettings { organisation, ..general };
        Action::ChangeConfig { base: Revision(base), change: ConfigChange::SetGeneral(general) }
    });
    let put = (label_key(), prop::collection::vec(any::<u8>(), 0..8), condition())
        .prop_map(|(key, value, condition)| Action::PutLabel { key, value: Blob::from(value), condition });
    let mail = (0_u128..4, 0_u8..4, 0_u64..60_000).prop_map(|(number, what, time)| {
        let id = MailId(Uuid::from_u128(number));
        let until = Timestamp(START + time);
        match what {
            0 => Action::QueueMail {
                id,
                subject: Some(user(1)),
                content: Sealed(Blob::from(&b"sealed"[..])),
                not_after: until,
            },
            1 => Action::ClaimMail { id, claim: MailClaim { term: 1, until } },
            2 => Action::CloseMail { id, result: MailResult::Sent },
            _ => Action::CloseMail { id, result: MailResult::Expired },
        }
    });
    prop_oneof![
        Just(create_realm()),
        token,
        replacement,
        admit,
        (1_u64..5, role()).prop_map(|(id, role)| Action::SetNodeRole(NodeId(id), role)),
        (1_u64..5, "[a-z]{1,3}:[1-9]").prop_map(|(id, to)| Action::MoveNode(NodeId(id), to.parse().unwrap())),
        (1_u64..5).prop_map(|id| Action::BeginRemoval(NodeId(id))),
        (1_u64..5).prop_map(|id| Action::RemoveNode(NodeId(id))),
        (0_u128..8, 0_u8..2).prop_map(|(attempt, source)| count(attempt, source)),
        decide,
        (0_u128..6, 0_u8..3).prop_map(|(ticket, subject)| open_ticket(ticket, subject)),
        (0_u128..6, result()).prop_map(|(ticket, result)| close_ticket(ticket, result)),
        (0_u8..3, 0_u8..3, 0_u64..200_000_000).prop_map(|(subject, secret, life)| Action::AssignPasscode {
            subject: user(subject),
            secret: user(secret),
            life: Span(life),
        }),
        (0_u8..3, 0_u8..3).prop_map(|(subject, secret)| spend_passcode(subject, secret)),
        (0_u8..3, 0_u8..3, 0_u64..4_000_000).prop_map(|(subject, secret, life)| {
            let (subject, secret) = (user(subject), user(secret));
            Action::SendMailCode(Box::new(NewMailCode { subject, secret, life: Span(life), mail: None }))
        }),
        (0_u8..3, 0_u8..3).prop_map(|(subject, secret)| Action::SpendMailCode {
            subject: user(subject),
            secret: user(secret),
        }),
        (0_u8..3, prop::collection::btree_set(prop::sample::select(NotificationEvent::ALL.to_vec()), 0..3))
            .prop_map(|(subject, events)| Action::TurnOffNotifications { subject: user(subject), events }),
        Just(Action::Sweep),
        mail,
        rename,
        put,
        (label_key(), condition()).prop_map(|(key, condition)| Action::RemoveLabel { key, condition }),
        (1_u32..4, prop::collection::vec(1_u64..4, 1..3)).prop_map(|(seen, nodes)| {
            let wrap = KeyWrap { generation: seen + 1, ..wrap() };
            let wraps = nodes.into_iter().map(|node| (NodeId(node), wrap.clone())).collect();
            Action::BeginRotation(NewWraps { seen, wraps })
        }),
        (1_u64..4, 1_u32..4)
            .prop_map(|(node, generation)| Action::ConfirmKey { node: NodeId(node), generation }),
        (1_u64..4, any::<u64>())
            .prop_map(|(node, until)| Action::CertifyNode { node: NodeId(node), until: Timestamp(until) }),
        Just(Action::Record { event: AuditEvent::NotServed(Site::SelfService), subject: None }),
        (1_u32..3, prop::collection::vec(1_u64..4, 1..4)).prop_map(|(from, asked)| Action::RaiseLevel {
            from: from.into(),
            to: (from + 1).into(),
            asked: asked.into_iter().map(NodeId).collect(),
        }),
    ]
}

/// Sequences that begin with a realm; request ids repeat now and then, and time moves on unevenly.
pub(crate) fn commands() -> impl Strategy<Value = Vec<Command>> {
    prop::collection::vec((action(), 0_u128..40, 0_u64..40_000), 1..80).prop_map(|drawn| {
        let mut at = START;
        let mut commands = vec![command(1_000, at, create_realm())];
        for (action, request, pause) in drawn {
            at += pause;
            commands.push(command(request, at, action));
        }
        commands
    })
}
