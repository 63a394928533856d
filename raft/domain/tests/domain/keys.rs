//! The rotation of the data key, step by step, and what each step refuses.

use crate::commands::{START, command, create_realm, node, user};
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::{Action, AdmitNode, NewWraps};
use passquorum_domain::config::{ConfigChange, DirectoryEndpoint, DomainConnection, LdapsSettings};
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::ids::{ConnectionId, JoinTokenId, MailId, NodeId};
use passquorum_domain::instance::{KeyWrap, Role};
use passquorum_domain::mail::MailResult;
use passquorum_domain::outcome::{Effect, Outcome, Rejection};
use passquorum_domain::realm_keys::{RealmKeys, Uses};
use passquorum_domain::state::State;
use passquorum_domain::time::Timestamp;
use passquorum_domain::token::JoinToken;
use uuid::Uuid;

const ONE: NodeId = NodeId(1);
const TWO: NodeId = NodeId(2);
const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(5));

struct World {
    state: State,
    requests: u128,
    at: u64,
}

impl World {
    /// A realm of two voters.
    fn new() -> Self {
        let mut world = Self { state: State::default(), requests: 0, at: START };
        world.act(create_realm()).unwrap();
        assert_eq!(world.admit(1, Role::Voter, Some(1)), Ok(Effect::Admitted(TWO)));
        world
    }

    fn act(&mut self, action: Action) -> Outcome {
        self.act_with(action, None)
    }

    fn act_with(&mut self, action: Action, detail: Option<Sealed>) -> Outcome {
        self.requests += 1;
        self.at += 1;
        let mut command = command(self.requests, self.at, action);
        command.detail = detail;
        self.state.apply(command).outcome
    }

    /// Lets a node in with a wrap of a generation.
    fn admit(&mut self, token: u128, role: Role, generation: Option<u32>) -> Outcome {
        let id = JoinTokenId(Uuid::from_u128(token));
        let join = JoinToken { id, secret: user(9), role, expires_at: Timestamp(u64::MAX), used_by: None };
        drop(self.act(Action::CreateJoinToken(join)));
        let wrap = generation.map(wrap);
        self.act(Action::AdmitNode(Box::new(AdmitNode { token: id, secret: user(9), node: node(), wrap })))
    }

    fn keys(&self) -> &RealmKeys {
        self.state.keys().unwrap()
    }

    fn rotate(&mut self) {
        let newest = self.keys().newest();
        self.act(begin(newest, &[ONE, TWO])).unwrap();
        for node in [ONE, TWO] {
            self.act(Action::ConfirmKey { node, generation: newest + 1 }).unwrap();
        }
    }

    fn put_connection(&mut self, password: Sealed) -> Outcome {
        let ldaps = LdapsSettings {
            servers: vec!["ldaps://dc".into()],
            base: DistinguishedName::parse("DC=x").unwrap(),
            authorities: "-----BEGIN CERTIFICATE-----".into(),
            bind_name: "service".into(),
            bind_password: password,
            push_sites: Vec::new(),
        };
        let connection = DomainConnection {
            id: CONNECTION,
            alias: "EXAMPLE".into(),
            endpoint: DirectoryEndpoint::Ldaps(ldaps),
            profile_attribute: "comment".into(),
            former_profile_attribute: None,
        };
        let base = self.state.config().unwrap().revision;
        self.act(Action::ChangeConfig { base, change: ConfigChange::PutConnection(Box::new(connection)) })
    }

    /// The sealed passwords of every revision, the one in force last.
    fn passwords(&self) -> Vec<Sealed> {
        let configs = self.state.revisions().map(|kept| &kept.config).chain(self.state.config());
        let connections = configs.flat_map(|config| &config.connections);
        let passwords = connections.filter_map(|connection| match &connection.endpoint {
            DirectoryEndpoint::Ldaps(ldaps) => Some(ldaps.bind_password.clone()),
            DirectoryEndpoint::Embedded => None,
        });
        passwords.collect()
    }

    fn count(&self, event: &AuditEvent) -> usize {
        self.state.audit().filter(|record| record.event == *event).count()
    }
}

fn wrap(generation: u32) -> KeyWrap {
    KeyWrap { generation, wrapped: Blob::from(&b"wrapped"[..]) }
}

fn wraps(seen: u32, nodes: &[NodeId], generation: u32) -> NewWraps {
    NewWraps { seen, wraps: nodes.iter().map(|node| (*node, wrap(generation))).collect() }
}

fn begin(seen: u32, nodes: &[NodeId]) -> Action {
    Action::BeginRotation(wraps(seen, nodes, seen + 1))
}

/// A sealed value, told from others by its last byte.
fn sealed(generation: u32, what: u8) -> Sealed {
    Sealed(Blob::from([Sealed::header(generation).as_slice(), &[what]].concat()))
}

#[test]
fn a_new_key_seals_only_once_every_holder_has_confirmed_it() {
    let mut world = World::new();
    world.act(begin(1, &[ONE, TWO])).unwrap();
    assert_eq!((world.keys().sealing, world.keys().newest()), (1, 2));
    assert_eq!(world.state.wrap(TWO).unwrap().generation, 2);
    world.act(Action::ConfirmKey { node: ONE, generation: 2 }).unwrap();
    assert_eq!(world.keys().sealing, 1);
    world.act(Action::ConfirmKey { node: TWO, generation: 2 }).unwrap();
    assert_eq!((world.keys().sealing, &world.keys().next), (2, &None));
    assert_eq!(world.keys().older.iter().map(|older| older.generation).collect::<Vec<_>>(), [1]);
    let late = world.act(Action::ConfirmKey { node: TWO, generation: 2 });
    assert_eq!(late, Err(Rejection::KeysChanged));
    assert_eq!(world.count(&AuditEvent::KeyRotationBegun(2)), 1);
    assert_eq!(world.count(&AuditEvent::KeyInUse(2)), 1);
}

#[test]
fn wraps_for_others_than_the_holders_that_stay_change_nothing() {
    let mut world = World::new();
    let before = world.state.wrap(ONE).cloned();
    for wrong in [
        begin(1, &[ONE]),
        begin(1, &[ONE, TWO, NodeId(3)]),
        begin(1, &[ONE, TWO, TWO]),
        begin(2, &[ONE, TWO]),
        Action::BeginRotation(wraps(1, &[ONE, TWO], 3)),
    ] {
        assert_eq!(world.act(wrong.clone()), Err(Rejection::KeysChanged), "{wrong:?}");
    }
    assert_eq!(world.state.wrap(ONE).cloned(), before);
    world.act(begin(1, &[ONE, TWO])).unwrap();
    assert_eq!(world.act(begin(2, &[ONE, TWO])), Err(Rejection::KeysChanged), "one at a time");
}

#[test]
fn a_node_that_leaves_gets_no_new_key_and_its_removal_calls_for_one() {
    let mut world = World::new();
    world.act(Action::BeginRemoval(TWO)).unwrap();
    world.act(begin(1, &[ONE])).unwrap();
    assert_eq!(world.state.wrap(TWO).unwrap().generation, 1);
    world.act(Action::ConfirmKey { node: ONE, generation: 2 }).unwrap();
    assert_eq!(world.keys().sealing, 2, "who leaves is not waited for");
    world.act(Action::RemoveNode(TWO)).unwrap();
    assert!(!world.keys().due, "it never had the newest key");
    assert_eq!(world.state.wrap(TWO), None);

    assert_eq!(world.admit(2, Role::Voter, Some(2)), Ok(Effect::Admitted(NodeId(3))));
    world.act(Action::RemoveNode(NodeId(3))).unwrap();
    assert!(world.keys().due);
    world.act(begin(2, &[ONE])).unwrap();
    assert!(!world.keys().due);
}

#[test]
fn a_rotation_goes_on_when_the_last_who_had_not_confirmed_is_removed() {
    let mut world = World::new();
    world.act(begin(1, &[ONE, TWO])).unwrap();
    world.act(Action::ConfirmKey { node: ONE, generation: 2 }).unwrap();
    world.act(Action::RemoveNode(TWO)).unwrap();
    assert_eq!(world.keys().sealing, 2);
    assert!(world.keys().due, "the one that was removed had the key in its wrap");
}

#[test]
fn a_holder_that_stays_silent_is_not_waited_for_forever() {
    let mut world = World::new();
    world.act(begin(1, &[ONE, TWO])).unwrap();
    assert!(!world.state.sweep_is_due(Timestamp(world.at)));
    world.act(Action::Sweep).unwrap();
    assert_eq!(world.keys().sealing, 1);
    world.at += RealmKeys::PATIENCE.0;
    assert!(world.state.sweep_is_due(Timestamp(world.at)));
    world.act(Action::Sweep).unwrap();
    assert_eq!(world.keys().sealing, 2);
    assert!(!world.state.sweep_is_due(Timestamp(world.at)));
}

#[test]
fn a_node_comes_in_with_the_keys_of_now_or_keeps_its_token() {
    let mut world = World::new();
    world.act(begin(1, &[ONE, TWO])).unwrap();
    assert_eq!(world.admit(2, Role::Voter, Some(1)), Err(Rejection::KeysChanged));
    assert_eq!(world.admit(2, Role::Voter, Some(2)), Ok(Effect::Admitted(NodeId(3))));
    for node in [ONE, TWO] {
        world.act(Action::ConfirmKey { node, generation: 2 }).unwrap();
    }
    assert_eq!(world.keys().sealing, 1, "the newcomer is waited for too");
}

#[test]
fn a_value_is_replaced_wherever_it_stands_or_not_at_all() {
    let mut world = World::new();
    world.put_connection(sealed(1, 7)).unwrap();
    world.put_connection(sealed(1, 8)).unwrap();
    world.put_connection(sealed(1, 7)).unwrap();
    assert_eq!(
        world.act(Action::Reseal { old: sealed(1, 7), new: sealed(2, 7) }),
        Err(Rejection::KeysChanged),
        "nothing is sealed under a key that not everyone has"
    );
    world.rotate();
    let revision = world.state.config().unwrap().revision;
    world.act(Action::Reseal { old: sealed(1, 7), new: sealed(2, 7) }).unwrap();
    assert_eq!(world.passwords(), [sealed(2, 7), sealed(1, 8), sealed(2, 7), sealed(2, 7)]);
    assert_eq!(world.state.config().unwrap().revision, revision, "it is the same configuration");
    let again = world.act(Action::Reseal { old: sealed(1, 7), new: sealed(2, 9) });
    assert_eq!(again, Err(Rejection::NotFound));
    assert_eq!(world.state.uses_of_keys()[&1], Uses { to_reseal: 1, audit: 0 });
}

#[test]
fn an_older_key_is_given_up_only_when_nothing_in_the_state_needs_it() {
    let mut world = World::new();
    world.put_connection(sealed(1, 7)).unwrap();
    world.rotate();
    let retire = |generation| Action::RetireKey { generation, wraps: wraps(2, &[ONE, TWO], 2) };
    assert_eq!(world.act(retire(2)), Err(Rejection::NotFound), "the key in use");
    assert_eq!(world.act(retire(1)), Err(Rejection::KeyInUse { values: 1 }));
    world.act(Action::Reseal { old: sealed(1, 7), new: sealed(2, 7) }).unwrap();
    assert_eq!(world.act(retire(1)), Err(Rejection::KeyInUse { values: 0 }), "sessions may need it");
    world.at += RealmKeys::KEEP.0;
    world.act(retire(1)).unwrap();
    assert_eq!(world.keys().older, []);
    assert_eq!(world.count(&AuditEvent::KeyRetired(1)), 1);
    assert!(matches!(world.put_connection(sealed(1, 7)), Err(Rejection::InvalidConfig(_))));
    world.put_connection(sealed(2, 7)).unwrap();
}

#[test]
fn a_mail_that_waits_holds_its_key_until_it_is_sealed_anew_or_closed() {
    let mut world = World::new();
    let id = |number| MailId(Uuid::from_u128(number));
    let queue = |number, content| Action::QueueMail {
        id: id(number),
        subject: None,
        content,
        not_after: Timestamp(u64::MAX),
    };
    world.act(queue(1, sealed(1, 5))).unwrap();
    world.act(queue(2, sealed(1, 6))).unwrap();
    assert_eq!(world.act(queue(3, sealed(2, 7))), Err(Rejection::KeysChanged));
    world.rotate();
    let retire = || Action::RetireKey { generation: 1, wraps: wraps(2, &[ONE, TWO], 2) };
    assert_eq!(world.act(retire()), Err(Rejection::KeyInUse { values: 2 }));
    world.act(Action::Reseal { old: sealed(1, 5), new: sealed(2, 5) }).unwrap();
    assert_eq!(world.state.mail(id(1)).unwrap().content(), Some(&sealed(2, 5)));
    world.act(Action::CloseMail { id: id(2), result: MailResult::Sent }).unwrap();
    world.at += RealmKeys::KEEP.0;
    world.act(retire()).unwrap();
    assert_eq!(world.act(queue(4, sealed(1, 8))), Err(Rejection::KeysChanged), "no key opens it");
}

#[test]
fn details_of_the_audit_keep_their_key() {
    let mut world = World::new();
    let record = Action::Record { event: AuditEvent::LockLifted, subject: None };
    world.act_with(record, Some(sealed(1, 3))).unwrap();
    world.rotate();
    assert_eq!(world.state.uses_of_keys()[&1], Uses { to_reseal: 0, audit: 1 });
    let resealed = world.act(Action::Reseal { old: sealed(1, 3), new: sealed(2, 3) });
    assert_eq!(resealed, Err(Rejection::NotFound));
    world.at += RealmKeys::KEEP.0;
    let retire = Action::RetireKey { generation: 1, wraps: wraps(2, &[ONE, TWO], 2) };
    assert_eq!(world.act(retire), Err(Rejection::KeyInUse { values: 1 }));
    passquorum_domain::audit::verify_chain(world.state.audit()).unwrap();
}

#[test]
fn notes_of_the_history_are_sealed_anew() {
    let mut world = World::new();
    let base = world.state.config().unwrap().revision;
    let general = world.state.config().unwrap().general.clone();
    let change = Action::ChangeConfig { base, change: ConfigChange::SetGeneral(general) };
    world.act_with(change, Some(sealed(1, 4))).unwrap();
    world.rotate();
    world.act(Action::Reseal { old: sealed(1, 4), new: sealed(2, 4) }).unwrap();
    let newest = world.state.revisions().next_back().unwrap();
    assert_eq!(newest.origin.as_ref().unwrap().detail, Some(sealed(2, 4)));
    assert_eq!(world.state.uses_of_keys()[&1], Uses { to_reseal: 0, audit: 1 });
}

#[test]
fn only_a_node_that_stays_is_certified() {
    let mut world = World::new();
    let certify = |node| Action::CertifyNode { node, until: Timestamp(9) };
    world.act(certify(TWO)).unwrap();
    assert_eq!(world.state.certificate_end(TWO), Some(Timestamp(9)));
    world.act(Action::BeginRemoval(TWO)).unwrap();
    assert_eq!(world.act(certify(TWO)), Err(Rejection::NotFound));
    world.act(Action::RemoveNode(TWO)).unwrap();
    assert_eq!(world.state.certificate_end(TWO), None);
    assert_eq!(world.act(certify(NodeId(9))), Err(Rejection::NotFound));
}
