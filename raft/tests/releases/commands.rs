//! Every command and every audit event of a feature level, some of them refused, and always the same.

use passquorum_domain::audit::{Actor, AuditEvent, ProfileTask, Site};
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::{Action, AdmitNode, Command, CreateRealm, NewNode, NewWraps};
use passquorum_domain::config::{
    ConfigChange, DirectoryEndpoint, DomainConnection, LdapsSettings, RealmConfig,
};
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::document::Document;
use passquorum_domain::drill::DrillName;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{
    ApiTokenId, AttemptId, ConnectionId, JoinTokenId, KeyedHash, NodeId, PolicyId, RealmId, RequestId,
    Revision, TicketId,
};
use passquorum_domain::instance::{KeyWrap, Role};
use passquorum_domain::label::{LabelCondition, LabelKey};
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::outcome::Rejection;
use passquorum_domain::ticket::{TicketKind, TicketResult};
use passquorum_domain::time::{Span, Timestamp};
use passquorum_domain::token::{ApiScope, ApiToken, JoinToken};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

pub(crate) const START: u64 = 1_800_000_000_000;
pub(crate) const SECRET: KeyedHash = KeyedHash([9; 32]);

fn node(name: &str) -> NewNode {
    NewNode {
        name: name.into(),
        cluster_address: format!("{name}:1"),
        site_url: format!("https://{name}"),
        wrap_key: [1; 32],
    }
}

fn wrap(generation: u32) -> KeyWrap {
    KeyWrap { generation, wrapped: Blob::from(&b"wrapped"[..]) }
}

fn wraps(seen: u32, generation: u32, nodes: &[u64]) -> NewWraps {
    NewWraps { seen, wraps: nodes.iter().map(|node| (NodeId(*node), wrap(generation))).collect() }
}

pub(crate) fn sealed(generation: u32) -> Sealed {
    Sealed(Blob::from([&Sealed::header(generation)[..], b"sealed"].concat()))
}

fn token(number: u128, role: Role) -> JoinToken {
    let id = JoinTokenId(Uuid::from_u128(number));
    JoinToken { id, secret: SECRET, role, expires_at: Timestamp(START + 100_000), used_by: None }
}

fn admit(number: u128, name: &str, wrap: Option<KeyWrap>) -> Action {
    let token = JoinTokenId(Uuid::from_u128(number));
    Action::AdmitNode(Box::new(AdmitNode { token, secret: SECRET, node: node(name), wrap }))
}

fn label(name: &str) -> LabelKey {
    LabelKey::parse(name).unwrap()
}

pub(crate) fn put(name: &str, condition: LabelCondition) -> Action {
    Action::PutLabel { key: label(name), value: Blob::from(name.as_bytes()), condition }
}

/// Every event of the first level; the ones that commands write too are among them, since each of them can be recorded.
fn events() -> Vec<AuditEvent> {
    let ticket = TicketId(Uuid::from_u128(40));
    let api = ApiTokenId(Uuid::from_u128(50));
    let mut events = vec![
        AuditEvent::RealmCreated,
        AuditEvent::JoinTokenCreated(JoinTokenId(Uuid::from_u128(1)), Role::Voter),
        AuditEvent::NodeAdmitted(NodeId(2), Role::SiteLearner),
        AuditEvent::NodeRoleChanged(NodeId(2), Role::DmzLearner),
        AuditEvent::NodeRemoved(NodeId(2)),
        AuditEvent::ApiTokenCreated(api),
        AuditEvent::ApiTokenRevoked(api),
        AuditEvent::ConfigChanged(Revision(3)),
        AuditEvent::LabelWritten(label("a"), 4),
        AuditEvent::LabelRemoved(label("a")),
        AuditEvent::AttemptCounted { remaining: 5 },
        AuditEvent::AttemptSucceeded,
        AuditEvent::AttemptFailed,
        AuditEvent::LockLifted,
        AuditEvent::ConfigRefused(Some(PolicyId(Uuid::nil())), Some(ConnectionId(Uuid::nil()))),
        AuditEvent::LeadershipTransferred(NodeId(1)),
        AuditEvent::NodeLeaving(NodeId(2)),
        AuditEvent::ReplacementTokenCreated(JoinTokenId(Uuid::nil()), NodeId(2)),
        AuditEvent::NodeMoved(NodeId(2)),
        AuditEvent::SiteUrlChanged(NodeId(2)),
        AuditEvent::BackupBegun,
        AuditEvent::ConfigExported,
        AuditEvent::RealmRestored { epoch: 6, index: 7 },
        AuditEvent::RealmRecovered { epoch: 8, index: 9 },
        AuditEvent::NodeCertified(NodeId(1), Timestamp(START)),
        AuditEvent::KeyRotationBegun(2),
        AuditEvent::KeyInUse(2),
        AuditEvent::KeyRetired(1),
    ];
    for site in [Site::SelfService, Site::Helpdesk, Site::Admin] {
        events.extend([
            AuditEvent::SignedIn(site),
            AuditEvent::SignInRefused(site),
            AuditEvent::NotServed(site),
        ]);
    }
    for kind in [TicketKind::Reset, TicketKind::Change, TicketKind::Unlock, TicketKind::WriteProfile] {
        events.push(AuditEvent::TicketOpened(ticket, kind));
    }
    for result in
        [TicketResult::Done, TicketResult::Failed { code: "PQ-INTERNAL".into() }, TicketResult::Unknown]
    {
        events.push(AuditEvent::TicketClosed(ticket, result));
    }
    let rejections = [
        Rejection::NoRealm,
        Rejection::RealmExists,
        Rejection::StaleRevision { current: Revision(1) },
        Rejection::InvalidConfig(Vec::new()),
        Rejection::TokenInvalid,
        Rejection::Locked { until: Timestamp(START) },
        Rejection::TicketUsed,
        Rejection::ConditionFailed { current: Some(1) },
        Rejection::NotFound,
        Rejection::TooLarge,
        Rejection::TooOld,
        Rejection::KeysChanged,
        Rejection::KeyInUse { values: 1 },
    ];
    events.extend(rejections.map(AuditEvent::Refused));
    events
}

/// One action of each kind of the first level at least, in an order in which most of them are taken.
fn actions() -> Vec<Action> {
    let subject = KeyedHash([3; 32]);
    let attempt = |number| AttemptId(Uuid::from_u128(number));
    let ticket = |number| TicketId(Uuid::from_u128(number));
    let api = ApiToken {
        id: ApiTokenId(Uuid::from_u128(50)),
        secret: SECRET,
        name: "api".into(),
        scopes: BTreeSet::from([
            ApiScope::Read,
            ApiScope::Labels,
            ApiScope::Config,
            ApiScope::Nodes,
            ApiScope::Backup,
        ]),
        expires_at: Some(Timestamp(START + 5)),
    };
    let (api_id, kept_id) = (api.id, ApiTokenId(Uuid::from_u128(51)));
    let open = |number| Action::OpenTicket {
        ticket: ticket(number),
        subject,
        kind: TicketKind::Reset,
        node: NodeId(1),
        life: Span::minutes(1),
    };
    let general = ConfigChange::SetGeneral(RealmConfig::empty().general);
    let mut actions = vec![
        Action::CreateRealm(Box::new(CreateRealm {
            realm: RealmId(Uuid::from_u128(1)),
            authority: "PEM".into(),
            authority_key: sealed(1),
            first: node("one"),
            wrap: wrap(1),
            config: RealmConfig::empty(),
        })),
        Action::CreateJoinToken(token(1, Role::Voter)),
        Action::CreateJoinToken(token(2, Role::SiteLearner)),
        Action::CreateJoinToken(token(3, Role::DmzLearner)),
        admit(1, "two", Some(wrap(1))),
        admit(2, "three", Some(wrap(1))),
        admit(3, "four", None),
        admit(3, "five", None),
        Action::SetNodeRole(NodeId(2), Role::Voter),
        Action::CreateReplacement { token: token(8, Role::SiteLearner), replaces: NodeId(3) },
        Action::MoveNode(NodeId(2), "host:7400".parse().unwrap()),
        Action::SetSiteUrl {
            node: NodeId(2),
            seen: "https://two".into(),
            url: "https://other.example".parse().unwrap(),
        },
        Action::CertifyNode { node: NodeId(2), until: Timestamp(START + 90_000_000) },
        Action::BeginRotation(wraps(1, 2, &[1, 2, 3])),
        Action::ConfirmKey { node: NodeId(1), generation: 2 },
        Action::ConfirmKey { node: NodeId(2), generation: 2 },
        Action::BeginRemoval(NodeId(3)),
        Action::RemoveNode(NodeId(3)),
        Action::Reseal { old: sealed(1), new: sealed(2) },
        Action::RetireKey { generation: 1, wraps: wraps(2, 2, &[1, 2]) },
        Action::CreateApiToken(api.clone()),
        Action::CreateApiToken(ApiToken { id: kept_id, expires_at: None, ..api }),
        Action::RevokeApiToken(api_id),
        Action::ChangeConfig { base: Revision(0), change: general.clone() },
        Action::ChangeConfig { base: Revision(0), change: general },
        Action::CountAttempt { attempt: attempt(1), target: AttemptTarget::Source(subject), policy: None },
        Action::CountAttempt { attempt: attempt(2), target: AttemptTarget::User(subject), policy: None },
        Action::DecideAttempt { attempt: attempt(1), target: AttemptTarget::Source(subject), right: true },
        Action::DecideAttempt { attempt: attempt(2), target: AttemptTarget::User(subject), right: false },
        Action::LiftLock(subject),
        open(40),
        open(41),
        Action::CloseTicket {
            ticket: ticket(40),
            result: TicketResult::Failed { code: "PQ-INTERNAL".into() },
        },
        open(42),
        Action::CloseTicket { ticket: ticket(42), result: TicketResult::Done },
        open(43),
        Action::CloseTicket { ticket: ticket(43), result: TicketResult::Unknown },
        open(44),
        put("kept", LabelCondition::Absent),
        put("kept", LabelCondition::Absent),
        put("kept", LabelCondition::Revision(1)),
        put("removed", LabelCondition::Always),
        Action::RemoveLabel { key: label("removed"), condition: LabelCondition::Always },
        Action::RemoveLabel { key: label("removed"), condition: LabelCondition::Always },
        Action::Sweep,
    ];
    actions.extend(events().into_iter().map(|event| Action::Record { event, subject: Some(subject) }));
    actions
}

/// Edits that a later level allows and that programs of these levels refuse, in words that the state remembers. As JSON,
/// since the types have gained fields.
fn refused_here(base: u64) -> Vec<Action> {
    let id = |number: u128| Uuid::from_u128(number).to_string();
    let unlock = || json!({ "UnlockAccount": {} });
    let workflow = json!({ "id": id(70), "kind": "unlock-account", "name": "Unlock", "description": "", "enabled": true,
        "activities": [{ "AuthenticateWithQuestions": { "ask": "All" } }, unlock(), unlock()] });
    let policy = json!({ "id": id(71), "name": "Two", "scope": [], "password_rules": [], "workflows": [workflow],
        "lockout": { "threshold": 5, "duration": 60000, "reset_after": 60000 },
        "qa": { "questions": [], "optional_to_register": 0, "user_defined_to_register": 1, "min_question_length": 1,
            "min_answer_length": 1, "reject_same_answer": true, "reject_answer_in_question": true } });
    let connection = json!({ "id": id(72), "alias": "LATER", "profile_attribute": "comment", "endpoint": { "Ldaps": {
        "servers": ["client", "default"], "base": "DC=corp,DC=example", "bind_name": "svc", "bind_password": "c2VhbGVk",
        "authorities": "-----BEGIN CERTIFICATE-----" } } });
    let edits = [json!({ "PutPolicy": policy }), json!({ "PutConnection": connection })];
    edits
        .map(|edit| Action::ChangeConfig {
            base: Revision(base),
            change: serde_json::from_value(edit).unwrap(),
        })
        .to_vec()
}

/// What came with the second level, from the rise to it on.
fn actions_of_the_second() -> Vec<Action> {
    let drill = || DrillName::try_from("kill-leader".to_owned()).unwrap();
    let events = [
        AuditEvent::LevelRaised(FeatureLevel::SECOND),
        AuditEvent::DrillBegun { drill: drill() },
        AuditEvent::DrillEnded { drill: drill(), ok: true },
        AuditEvent::ProfilesBegun(ProfileTask::Migrate),
        AuditEvent::ProfilesEnded { task: ProfileTask::Unregister, changed: 7, failed: 300 },
        AuditEvent::ProfileTaken(ProfileTask::Import),
        AuditEvent::PointRemoved,
        AuditEvent::MirrorRebuilt,
    ];
    let connection = DomainConnection {
        id: ConnectionId(Uuid::from_u128(60)),
        alias: "CORP".into(),
        endpoint: DirectoryEndpoint::Ldaps(LdapsSettings {
            servers: vec!["ldaps://dc1.corp.example".into(), "dns://corp.example/Berlin".into()],
            base: DistinguishedName::parse("DC=corp,DC=example").unwrap(),
            authorities: "PEM".into(),
            bind_name: "svc".into(),
            bind_password: sealed(2),
            push_sites: Vec::new(),
        }),
        profile_attribute: "comment".into(),
        former_profile_attribute: Some("info".into()),
    };
    let change = ConfigChange::PutConnection(Box::new(connection));
    let scopes = BTreeSet::from(ApiScope::ALL);
    let id = ApiTokenId(Uuid::from_u128(52));
    let mut actions = vec![
        Action::RaiseLevel {
            from: FeatureLevel::FIRST,
            to: FeatureLevel::SECOND,
            asked: [1, 2, 4].map(NodeId).to_vec(),
        },
        Action::EditConfig { base: Revision(1), change: Document(change.clone()) },
        Action::EditConfig { base: Revision(0), change: Document(change) },
        Action::CreateApiToken(ApiToken { id, secret: SECRET, name: "all".into(), scopes, expires_at: None }),
        Action::SetSiteUrl {
            node: NodeId(1),
            seen: "https://one".into(),
            url: "https://first.example".parse().unwrap(),
        },
        put("kept", LabelCondition::Always),
    ];
    actions.extend(refused_here(2));
    let subject = Some(KeyedHash([3; 32]));
    actions.extend(events.map(|event| Action::Record { event, subject }));
    actions
}

/// The commands, by actors of every kind, some with a note, by nodes and by clients.
pub(crate) fn all(level: FeatureLevel) -> Vec<Command> {
    let hash = KeyedHash([5; 32]);
    let actors = [
        Actor::Realm,
        Actor::LocalOperator(NodeId(1)),
        Actor::ApiToken(ApiTokenId(Uuid::from_u128(50))),
        Actor::JoinToken(JoinTokenId(Uuid::from_u128(1))),
        Actor::Anonymous,
        Actor::User(hash),
        Actor::Helpdesk(hash),
        Actor::Administrator(hash),
    ];
    let command = |((number, action), actor): ((u64, Action), &Actor)| {
        let id = Uuid::from_u128(number.into());
        Command {
            request: if number % 3 == 2 { RequestId::Client(id) } else { RequestId::Internal(id) },
            at: Timestamp(START + number * 10),
            actor: actor.clone(),
            detail: (number % 4 == 1).then(|| sealed(1)),
            action,
        }
    };
    let mut actions = actions();
    actions.extend(refused_here(1));
    if level >= FeatureLevel::SECOND {
        actions.extend(actions_of_the_second());
    }
    if level >= FeatureLevel::THIRD {
        actions.extend(crate::third::actions());
    }
    (0..).zip(actions).zip(actors.iter().cycle()).map(command).collect()
}
