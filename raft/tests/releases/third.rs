//! What came with the third level, from the rise to it on. The configuration as JSON, since its types gain fields.

use super::commands::{SECRET, START, put, sealed};
use passquorum_domain::audit::{AuditEvent, ProfileTask};
use passquorum_domain::command::Action;
use passquorum_domain::document::Document;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{AttemptId, KeyedHash, MailId, NodeId, Revision, TicketId};
use passquorum_domain::label::LabelCondition;
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::mail::{MailClaim, MailResult};
use passquorum_domain::ticket::{TicketKind, TicketResult};
use passquorum_domain::time::{Span, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

fn id(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

fn edit(base: u64, change: Value) -> Action {
    Action::EditConfig { base: Revision(base), change: Document(serde_json::from_value(change).unwrap()) }
}

/// Every activity, and every setting of them that this level has.
fn workflows() -> Value {
    let workflow = |number, kind: &str, activities: Value| {
        json!({ "id": id(number), "kind": kind, "name": kind, "description": "What it does", "enabled": true,
            "activities": activities })
    };
    let questions = |settings: Value| json!({ "AuthenticateWithQuestions": settings });
    json!([
        workflow(80, "use-passcode", json!([{ "AuthenticateWithPasscode": {} }, { "EditProfile": {} }])),
        workflow(
            81,
            "forgot-password",
            json!([
                { "AcceptAgreement": { "text": "One.\n\nTwo." } },
                { "RestartOnError": {} },
                questions(json!({ "ask": { "These": [id(90)] }, "name_wrong": true })),
                questions(json!({ "ask": { "Random": 2 }, "from": ["mandatory", "own"], "too_few": "refuse" })),
                { "EnableAccount": {} },
                { "ResetPassword": { "unlock": true, "must_change": false } },
                { "UnlockAccount": {} }
            ]),
        ),
        workflow(82, "custom", json!([{ "AuthenticateWithPassword": {} }, { "ChangePassword": {} }])),
    ])
}

fn edits() -> Vec<Action> {
    let lockout = json!({ "threshold": 5, "duration": 60000, "reset_after": 60000 });
    let qa = json!({ "questions": [{ "id": id(90), "kind": "mandatory", "text": "Where?" }], "optional_to_register": 0,
        "user_defined_to_register": 1, "min_question_length": 1, "min_answer_length": 1, "reject_same_answer": true,
        "reject_answer_in_question": true });
    let policy = json!({ "id": id(73), "name": "Three", "scope": [], "password_rules": [], "workflows": workflows(),
        "lockout": lockout, "qa": qa,
        "notices": { "user": false, "administrators": true },
        "helpdesk": { "groups": [{ "connection": id(61), "group": "CN=Desk,DC=corp,DC=example" }],
            "tasks": ["unlock-profile", "reset-password", "force-change", "unlock-account", "enable-account"],
            "must_change": "operator-chooses", "verification": { "questions": 1, "valid_for": 900_000 } } });
    let connection = json!({ "id": id(61), "alias": "PUSH", "profile_attribute": "comment", "endpoint": { "Ldaps": {
        "servers": ["client", "default"], "base": "DC=push,DC=example", "bind_name": "svc",
        "bind_password": sealed(2), "authorities": "-----BEGIN CERTIFICATE-----", "push_sites": ["Berlin"] } } });
    let mail = json!({
        "servers": [{ "host": "mail.example", "port": 587, "security": "tls", "authorities": "-----BEGIN CERTIFICATE-----",
            "login": { "user": "realm", "password": sealed(2) } }],
        "sender": "realm@corp.example", "sender_name": "Passwords", "administrators": ["ops@corp.example"],
        "language": "de",
        "texts": [{ "template": "password-reset", "language": "de", "subject": "Neu", "body": "Ein neues." }] });
    let open_quote = json!({ "id": id(74), "name": "Quote", "password_rules": [], "workflows": [],
        "scope": [{ "connection": id(61), "allowed_groups": ["CN=\"Open,DC=push,DC=example"], "allowed_ous": [],
            "denied_groups": [], "denied_ous": [] }],
        "lockout": lockout, "qa": qa });
    vec![
        edit(1, json!({ "PutConnection": connection })),
        edit(2, json!({ "PutPolicy": policy })),
        edit(3, json!({ "PutPolicy": open_quote })),
        edit(
            3,
            json!({ "SetGeneral": { "organisation": "Corp", "session": 900_000, "mail": mail,
            "source_limit": lockout } }),
        ),
    ]
}

pub(crate) fn actions() -> Vec<Action> {
    let subject = KeyedHash([3; 32]);
    let mail = |number| MailId(Uuid::from_u128(number));
    let claim = |until| MailClaim { term: 1, until: Timestamp(START + until) };
    let queue = |number| Action::QueueMail {
        id: mail(number),
        subject: Some(subject),
        content: sealed(2),
        not_after: Timestamp(START + 600_000),
    };
    let results = [MailResult::Sent, MailResult::Refused { code: 550 }, MailResult::Expired];
    let ticket = |number| TicketId(Uuid::from_u128(number));
    let attempt = AttemptId(Uuid::from_u128(9));
    let target = AttemptTarget::User(subject);
    let mut actions = vec![
        Action::RaiseLevel {
            from: FeatureLevel::SECOND,
            to: FeatureLevel::THIRD,
            asked: [1, 2, 4].map(NodeId).to_vec(),
        },
        Action::CountAttempt { attempt, target, policy: None },
        Action::DecideAttempt { attempt, target, right: true },
        Action::AssignPasscode { subject, secret: SECRET, life: Span::hours(1) },
        Action::SpendPasscode { subject, secret: KeyedHash([8; 32]) },
        Action::SpendPasscode { subject, secret: SECRET },
        Action::AssignPasscode { subject, secret: SECRET, life: Span::minutes(2) },
        queue(1),
        queue(2),
        queue(3),
        queue(4),
        queue(4),
        Action::ClaimMail { id: mail(1), claim: claim(60_000) },
        Action::ClaimMail { id: mail(1), claim: claim(70_000) },
        Action::ClaimMail { id: mail(2), claim: claim(60_000) },
        Action::CloseMail { id: mail(9), result: MailResult::Sent },
        put("kept", LabelCondition::Always),
    ];
    actions.extend((1..).zip(results).map(|(number, result)| Action::CloseMail { id: mail(number), result }));
    actions.extend(edits());
    for (number, kind) in (45..).zip([TicketKind::Enable, TicketKind::MustChange, TicketKind::EnforceUpdate])
    {
        let (ticket, life) = (ticket(number), Span::minutes(1));
        actions.push(Action::OpenTicket { ticket, subject: SECRET, kind, node: NodeId(1), life });
        actions.push(Action::CloseTicket { ticket, result: TicketResult::Done });
    }
    let events = [
        AuditEvent::LevelRaised(FeatureLevel::THIRD),
        AuditEvent::PasscodeAssigned { until: Timestamp(START) },
        AuditEvent::PasscodeSpent,
        AuditEvent::ProfilesTaken { task: ProfileTask::AcceptRewritten, people: vec![subject, SECRET] },
        AuditEvent::ProfileRewritten,
        AuditEvent::MailQueued(mail(1)),
        AuditEvent::CallerVerified { until: Timestamp(START) },
        AuditEvent::ProfilesBegun(ProfileTask::AcceptRewritten),
    ];
    let closed = results.map(|result| AuditEvent::MailClosed(mail(1), result));
    let events = events.into_iter().chain(closed);
    actions.extend(events.map(|event| Action::Record { event, subject: Some(subject) }));
    actions
}
