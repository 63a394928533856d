//! The feature level: it rises by one, once everyone was asked, and a state that did not rise says nothing of it.

use crate::commands::{START, command, create_realm, node, user, wrap};
use passquorum_domain::apply::{Founder, NewEpoch};
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::command::{Action, AdmitNode};
use passquorum_domain::config::{ConfigChange, RealmConfig};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{JoinTokenId, NodeId, Revision};
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
fn above_the_first_level_the_configuration_is_a_document_and_every_cell_that_changes_form_is_named() {
    let mut state = two();
    for (number, base) in [(10, 0), (11, 1)] {
        let change = ConfigChange::SetGeneral(RealmConfig::empty().general);
        act(&mut state, number, Action::change_config(Revision(base), change)).unwrap();
    }
    let keys = [CellKey::Config, CellKey::Revision(Revision(0)), CellKey::Revision(Revision(2))];
    let compact = keys.clone().map(|key| state.cell(&key).unwrap());
    assert!(matches!(compact, [Cell::Config(_), Cell::Revision(_), Cell::Revision(_)]), "{compact:?}");
    let before: Vec<_> = state.cell_keys().map(|key| (state.cell(&key), key)).collect();
    let raised = state.apply(command(20, START + 20, raise(FIRST, FIRST.next(), &[1, 2])));
    for (cell, key) in before {
        assert_eq!(state.cell(&key) != cell, raised.touched.contains(&key), "{key:?}");
    }
    let documents = keys.clone().map(|key| state.cell(&key).unwrap());
    assert!(
        matches!(documents, [Cell::ConfigDocument(_), Cell::RevisionDocument(_), Cell::RevisionDocument(_)]),
        "{documents:?}"
    );
    for cells in [compact, documents] {
        let mut other = State::default();
        for (key, cell) in keys.iter().cloned().zip(cells) {
            other.restore_cell(key, cell).unwrap();
        }
        assert_eq!(
            (other.config(), other.revision(Revision(0))),
            (state.config(), state.revision(Revision(0)))
        );
    }
}

#[test]
fn a_new_epoch_goes_on_at_the_level() {
    let mut state = two();
    act(&mut state, 10, raise(FIRST, FIRST.next(), &[1, 2])).unwrap();
    let founder = Founder::Recovered(NodeId(1));
    state.begin_epoch(NewEpoch { epoch: 9, founder, at: Timestamp(START), index: 4 }).unwrap();
    assert_eq!(state.level(), FIRST.next());
}
