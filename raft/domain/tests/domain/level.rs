//! The feature level: it rises by one, once everyone was asked, and a state that did not rise says nothing of it.

use crate::commands::{START, command, create_realm, node, user, wrap};
use passquorum_domain::apply::{Founder, NewEpoch};
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::command::{Action, AdmitNode};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{JoinTokenId, NodeId};
use passquorum_domain::instance::Role;
use passquorum_domain::outcome::{Effect, Outcome, Rejection};
use passquorum_domain::state::{Cell, CellKey, State};
use passquorum_domain::time::Timestamp;
use passquorum_domain::token::JoinToken;
use uuid::Uuid;

const FIRST: FeatureLevel = FeatureLevel::FIRST;

fn act(state: &mut State, number: u64, action: Action) -> Outcome {
    state.apply(command(number.into(), START + number, action)).outcome
}

/// A realm of two nodes.
fn two() -> State {
    let mut state = State::default();
    let id = JoinTokenId(Uuid::from_u128(1));
    let token =
        JoinToken { id, secret: user(9), role: Role::Voter, expires_at: Timestamp(u64::MAX), used_by: None };
    let admit = AdmitNode { token: id, secret: user(9), node: node(), wrap: Some(wrap()) };
    let actions = [create_realm(), Action::CreateJoinToken(token), Action::AdmitNode(Box::new(admit))];
    for (number, action) in (1..).zip(actions) {
        act(&mut state, number, action).unwrap();
    }
    state
}

fn raise(from: FeatureLevel, to: FeatureLevel, asked: &[u64]) -> Action {
    Action::RaiseLevel { from, to, asked: asked.iter().copied().map(NodeId).collect() }
}

#[test]
fn it_rises_by_one_from_what_it_is_once_every_node_was_asked() {
    let mut state = two();
    let (second, third) = (FIRST.next(), FIRST.next().next());
    let wrong = [
        raise(second, third, &[1, 2]),
        raise(FIRST, third, &[1, 2]),
        raise(FIRST, FIRST, &[1, 2]),
        raise(FIRST, second, &[1]),
    ];
    for (number, action) in (10..).zip(wrong) {
        assert_eq!(
            act(&mut state, number, action),
            Err(Rejection::ConditionFailed { current: Some(1) }),
            "{number}"
        );
        assert_eq!((state.level(), state.cell(&CellKey::Level)), (FIRST, None));
    }
    assert!(!state.cell_keys().any(|key| key == CellKey::Level), "the first level is no cell");
    // A node that is being removed still takes part, and one that was removed does not.
    act(&mut state, 20, Action::BeginRemoval(NodeId(2))).unwrap();
    act(&mut state, 21, raise(FIRST, second, &[1])).unwrap_err();
    act(&mut state, 22, Action::RemoveNode(NodeId(2))).unwrap();
    assert_eq!(act(&mut state, 23, raise(FIRST, second, &[1])), Ok(Effect::Done));
    assert_eq!(state.cell(&CellKey::Level), Some(Cell::Level(second)));
    assert!(state.cell_keys().any(|key| key == CellKey::Level));
    assert_eq!(state.audit().next_back().unwrap().event, AuditEvent::LevelRaised(second));
    // Programs of different releases apply alike: whether one supports a level is not for `apply` to say.
    assert_eq!(act(&mut state, 24, raise(second, third, &[1])), Ok(Effect::Done));
}

#[test]
fn a_new_epoch_goes_on_at_the_level() {
    let mut state = two();
    act(&mut state, 10, raise(FIRST, FIRST.next(), &[1, 2])).unwrap();
    let founder = Founder::Recovered(NodeId(1));
    state.begin_epoch(NewEpoch { epoch: 9, founder, at: Timestamp(START), index: 4 }).unwrap();
    assert_eq!(state.level(), FIRST.next());
}
