//! A node does for a peer only what the peer's role allows (DESIGN 6): a learner that asks for what only voters may ask is
//! refused before its message is read, and nothing is ever done in its name.

use super::Broken;
use passquorum_domain::audit::Actor;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::state::State;
use passquorum_raft::rogue::Reply;

const NAME: &str = "learners-refused";

/// In whose name a learner that was taken over acts; nobody else in the simulation acts in such a name.
#[must_use]
pub fn actor(node: NodeId) -> Actor {
    Actor::LocalOperator(node)
}

/// Checks what became of a demand.
pub fn check(node: NodeId, role: Role, what: &str, reply: &Reply) -> Result<(), Broken> {
    match reply {
        Reply::Refused | Reply::Silence => Ok(()),
        Reply::Served(answer) => {
            Err(Broken::new(NAME, format!("node {node}, a {role}, was served: {what}: {answer}")))
        }
    }
}

/// Checks that the state holds no trace of what was asked for, also where no answer came.
pub fn check_state(state: &State) -> Result<(), Broken> {
    let done = state.audit().find(|record| matches!(record.actor, Actor::LocalOperator(_)));
    done.map_or(Ok(()), |record| {
        let what = format!("record {} of the audit is a learner's doing: {:?}", record.seq, record.event);
        Err(Broken::new(NAME, what))
    })
}
