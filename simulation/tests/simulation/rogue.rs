//! What shows that a learner which was taken over was served.

use passquorum_domain::audit::{Actor, AuditEvent, Site};
use passquorum_domain::command::{Action, Command};
use passquorum_domain::ids::{NodeId, RequestId};
use passquorum_domain::instance::Role;
use passquorum_domain::state::State;
use passquorum_domain::time::Timestamp;
use passquorum_raft::rogue::Reply;
use passquorum_simulation::invariant::learners_refused::{actor, check, check_state};
use uuid::Uuid;

#[test]
fn an_answer_other_than_a_refusal_is_noticed() {
    let became = |reply| check(NodeId(4), Role::DmzLearner, "Vote", &reply);
    assert_eq!(became(Reply::Refused), Ok(()));
    assert_eq!(became(Reply::Silence), Ok(()));
    let broken = became(Reply::Served("granted".to_owned())).unwrap_err();
    assert_eq!(broken.to_string(), "learners-refused: node 4, a dmz-learner, was served: Vote: granted");
}

#[test]
fn a_record_in_its_name_is_noticed_though_no_answer_came() {
    let record = |number, actor| Command {
        request: RequestId::Internal(Uuid::from_u128(number)),
        at: Timestamp(1_000),
        actor,
        detail: None,
        action: Action::Record { event: AuditEvent::NotServed(Site::SelfService), subject: None },
    };
    let mut state = State::default();
    drop(state.apply(record(1, Actor::Realm)));
    assert_eq!(check_state(&state), Ok(()));
    drop(state.apply(record(2, actor(NodeId(4)))));
    assert!(check_state(&state).unwrap_err().to_string().contains("record 2 of the audit"));
}
