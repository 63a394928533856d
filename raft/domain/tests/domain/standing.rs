//! How nodes stand: a removal is decided, then done, and what was stored before there was a decision reads as it did.

use crate::commands::{START, command, create_realm, node, user, wrap};
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::command::{Action, AdmitNode};
use passquorum_domain::ids::{JoinTokenId, NodeId};
use passquorum_domain::instance::{Instance, Role, Standing};
use passquorum_domain::outcome::{Effect, Outcome, Rejection};
use passquorum_domain::state::State;
use passquorum_domain::time::Timestamp;
use passquorum_domain::token::JoinToken;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

struct World {
    state: State,
    requests: u128,
}

impl World {
    fn new() -> Self {
        let mut world = Self { state: State::default(), requests: 0 };
        world.act(create_realm()).unwrap();
        world
    }

    fn act(&mut self, action: Action) -> Outcome {
        self.requests += 1;
        let at = START + u64::try_from(self.requests).unwrap();
        self.state.apply(command(self.requests, at, action)).outcome
    }

    fn token(number: u128, role: Role) -> JoinToken {
        let id = JoinTokenId(Uuid::from_u128(number));
        JoinToken { id, secret: user(9), role, expires_at: Timestamp(u64::MAX), used_by: None }
    }

    fn admit(&mut self, token: u128) -> Outcome {
        let token = JoinTokenId(Uuid::from_u128(token));
        self.act(Action::AdmitNode(Box::new(AdmitNode {
            token,
            secret: user(9),
            node: node(),
            wrap: Some(wrap()),
        })))
    }

    fn standing(&self, node: NodeId) -> Standing {
        self.state.instance(node).unwrap().standing
    }

    fn events(&self) -> Vec<AuditEvent> {
        self.state.audit().map(|record| record.event.clone()).collect()
    }
}

const TWO: NodeId = NodeId(2);

fn two() -> World {
    let mut world = World::new();
    world.act(Action::CreateJoinToken(World::token(1, Role::Voter))).unwrap();
    assert_eq!(world.admit(1), Ok(Effect::Admitted(TWO)));
    world
}

#[test]
fn a_removal_is_decided_once_and_then_done_once() {
    let mut world = two();
    world.act(Action::BeginRemoval(TWO)).unwrap();
    assert!(matches!(world.standing(TWO), Standing::Leaving(_)));
    assert!(world.state.wrap(TWO).is_some(), "it takes part until it is removed");
    assert_eq!(world.act(Action::BeginRemoval(TWO)), Err(Rejection::NotFound));
    assert_eq!(world.act(Action::SetNodeRole(TWO, Role::Voter)), Err(Rejection::NotFound));
    world.act(Action::RemoveNode(TWO)).unwrap();
    assert!(world.state.instance(TWO).unwrap().is_removed() && world.state.wrap(TWO).is_none());
    for action in [Action::BeginRemoval(TWO), Action::RemoveNode(TWO)] {
        assert_eq!(world.act(action), Err(Rejection::NotFound));
    }
    let events = world.events();
    let place = |event| events.iter().position(|found| *found == event).unwrap();
    assert!(place(AuditEvent::NodeLeaving(TWO)) < place(AuditEvent::NodeRemoved(TWO)));
}

#[test]
fn a_node_moves_to_another_address_as_long_as_it_stays() {
    let mut world = two();
    let to = |address: &str| Action::MoveNode(TWO, address.parse().unwrap());
    world.act(to("new.example.com:7400")).unwrap();
    assert_eq!(world.state.instance(TWO).unwrap().cluster_address, "new.example.com:7400");
    assert!(world.events().contains(&AuditEvent::NodeMoved(TWO)));
    world.act(Action::BeginRemoval(TWO)).unwrap();
    assert_eq!(world.act(to("new.example.com:7401")), Err(Rejection::NotFound));
}

#[test]
fn a_replacement_takes_the_role_of_who_goes_and_is_forgotten_with_it() {
    let mut world = two();
    let replace = |token, replaces| Action::CreateReplacement {
        token: World::token(token, Role::DmzLearner),
        replaces: NodeId(replaces),
    };
    assert_eq!(world.act(replace(2, 9)), Err(Rejection::NotFound));
    assert_eq!(world.act(replace(1, 2)), Err(Rejection::TokenInvalid), "the token is there already");
    world.act(replace(2, 2)).unwrap();
    let token = JoinTokenId(Uuid::from_u128(2));
    assert_eq!(world.state.replacements().collect::<Vec<_>>(), [(TWO, token, None)]);
    assert_eq!(world.admit(2), Ok(Effect::Admitted(NodeId(3))));
    assert_eq!(world.state.instance(NodeId(3)).unwrap().role, Role::Voter);
    assert_eq!(world.state.replacements().collect::<Vec<_>>(), [(TWO, token, Some(NodeId(3)))]);
    world.act(Action::BeginRemoval(TWO)).unwrap();
    assert_eq!(world.act(replace(3, 2)), Err(Rejection::NotFound), "it goes already");
    world.act(Action::RemoveNode(TWO)).unwrap();
    assert_eq!(world.state.replacements().count(), 0);
}

/// An instance as it was stored before a removal was decided first.
#[derive(Serialize, Deserialize)]
struct Before {
    id: NodeId,
    name: String,
    role: Role,
    cluster_address: String,
    site_url: String,
    wrap_key: [u8; 32],
    joined_at: Timestamp,
    removed_at: Option<Timestamp>,
}

#[test]
fn an_instance_that_was_stored_before_there_were_standings_reads_and_writes_the_same() {
    let code = bincode::config::standard();
    for (removed_at, standing) in [
        (None, Standing::Active),
        (Some(Timestamp(5_000_000_000)), Standing::Removed(Timestamp(5_000_000_000))),
    ] {
        let before = Before {
            id: TWO,
            name: "two".into(),
            role: Role::Voter,
            cluster_address: "localhost:1".into(),
            site_url: "https://localhost".into(),
            wrap_key: [7; 32],
            joined_at: Timestamp(300),
            removed_at,
        };
        let stored = bincode::serde::encode_to_vec(&before, code).unwrap();
        let (read, _): (Instance, usize) = bincode::serde::decode_from_slice(&stored, code).unwrap();
        assert_eq!((read.id, read.joined_at, read.standing), (TWO, Timestamp(300), standing));
        assert_eq!(bincode::serde::encode_to_vec(&read, code).unwrap(), stored);
    }
}

#[test]
fn the_url_of_a_node_changes_only_from_what_the_editor_saw() {
    let mut world = World::new();
    let one = NodeId(1);
    let seen = world.state.instance(one).unwrap().site_url.clone();
    let set = |node, seen: &str| Action::SetSiteUrl {
        node,
        seen: seen.to_owned(),
        url: "https://pw.example.com".parse().unwrap(),
    };
    assert_eq!(world.act(set(one, "https://other")), Err(Rejection::ConditionFailed { current: None }));
    assert_eq!(world.act(set(NodeId(9), &seen)), Err(Rejection::NotFound));
    assert_eq!(world.act(set(one, &seen)), Ok(Effect::Done));
    assert_eq!(world.state.instance(one).unwrap().site_url, "https://pw.example.com");
    assert_eq!(world.events().last(), Some(&AuditEvent::SiteUrlChanged(one)));
    assert_eq!(world.act(set(one, &seen)), Err(Rejection::ConditionFailed { current: None }));
}
