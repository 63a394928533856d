//! Learners that somebody took over: with what the node holds they ask voters for what only voters may ask, and the node
//! itself through its own interface. Nothing of it may be done, and the run has to stay as clean as without them.

use crate::clients;
use crate::invariant::learners_refused;
use crate::node::SimulatedNode;
use crate::stage::{Act, Stage};
use crate::trace::What;
use passquorum_domain::blob::Blob;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::ids::{JoinTokenId, KeyedHash, NodeId, RequestId};
use passquorum_domain::instance::Role;
use passquorum_domain::label::LabelCondition;
use passquorum_domain::ports::{Clock as _, Membership as _, MembershipError, ProposeError, Removal};
use passquorum_domain::time::Timestamp;
use passquorum_domain::token::JoinToken;
use passquorum_raft::rogue::{Demand, Reply};
use rand::Rng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Between two demands, on average.
const PAUSE: Duration = Duration::from_millis(700);
/// An answer is waited for this long, by whoever waits at the node's own interface too.
const PATIENCE: Duration = Duration::from_secs(20);
/// A node that there is not.
const ACCOMPLICE: NodeId = NodeId(999);

/// Works as long as there are faults.
pub async fn work(stage: Arc<Stage>) {
    let mut rng = stage.generator();
    while stage.act() == Act::Faults {
        sleep(PAUSE.mul_f64(rng.gen_range(0.2..1.8))).await;
        let (voters, learners): (Vec<_>, Vec<_>) =
            stage.nodes().into_iter().filter(|node| node.is_up()).partition(|node| node.role == Role::Voter);
        let (Some(rogue), Some(asked)) = (learners.choose(&mut rng), voters.choose(&mut rng)) else {
            continue;
        };
        let (what, reply) = if rng.gen_bool(0.15) {
            at_its_own_door(rogue, asked.id, &mut rng).await
        } else {
            let demand = draw(rogue, asked.id, &mut rng);
            let (what, of) = (name(&demand), asked.id);
            let asking = rogue.ask(move |ports| async move { ports.cluster.demand(of, demand).await });
            (what, timeout(PATIENCE, asking).await.ok().and_then(Result::ok))
        };
        let reply = reply.unwrap_or(Reply::Silence);
        stage.surroundings.trace.record(What::Demanded(rogue.id, asked.id, format!("{what}: {reply:?}")));
        if let Err(broken) = learners_refused::check(rogue.id, rogue.role, &what, &reply) {
            stage.surroundings.watch.breaks(broken);
        }
    }
}

/// What operators do, on a node where they must not.
async fn at_its_own_door(
    rogue: &SimulatedNode,
    other: NodeId,
    rng: &mut SmallRng,
) -> (String, Option<Reply>) {
    let (own, removes) = (rogue.id, rng.r#gen());
    let actor = learners_refused::actor(own);
    let asking = rogue.ask(move |ports| async move {
        let done = if removes {
            ports.cluster.remove(other, Removal::Forced, actor).await
        } else {
            ports.cluster.promote(own, actor).await
        };
        match done {
            Err(MembershipError::Propose(ProposeError::Forbidden { .. })) => Reply::Refused,
            Err(MembershipError::Propose(_)) => Reply::Silence,
            done => Reply::Served(format!("{done:?}")),
        }
    });
    let what = if removes { "remove, at its own door" } else { "promote, at its own door" };
    (what.to_owned(), timeout(PATIENCE, asking).await.ok().and_then(Result::ok))
}

fn draw(rogue: &SimulatedNode, other: NodeId, rng: &mut SmallRng) -> Demand {
    match rng.gen_range(0..14) {
        0 | 1 => Demand::Vote,
        2 => Demand::Follow,
        3 => Demand::Snapshot,
        4 => Demand::Canvass,
        5 => Demand::Elect,
        6 => Demand::Leave,
        7 => Demand::Join(ACCOMPLICE, SimulatedNode::address_of(&rogue.host)),
        8 => Demand::Promote(rogue.id),
        9 => Demand::Remove(other),
        10 => Demand::Lead(rogue.id),
        _ => Demand::Propose(Box::new(forbidden(rogue, other, rng))),
    }
}

/// A command that the node's role may not put into the log.
fn forbidden(rogue: &SimulatedNode, other: NodeId, rng: &mut SmallRng) -> Command {
    let most = if rogue.role == Role::DmzLearner { 5 } else { 4 };
    let action = match rng.gen_range(0..most) {
        0 => Action::SetNodeRole(rogue.id, Role::Voter),
        1 => Action::RemoveNode(other),
        2 => Action::Sweep,
        3 => Action::CreateJoinToken(JoinToken {
            id: JoinTokenId(clients::uuid(rng)),
            secret: KeyedHash([7; 32]),
            role: Role::Voter,
            expires_at: Timestamp(u64::MAX),
            used_by: None,
        }),
        _ => Action::PutLabel {
            key: clients::label_key("label-0"),
            value: Blob::from(b"taken over".as_slice()),
            condition: LabelCondition::Always,
        },
    };
    let (request, at) = (RequestId::Internal(clients::uuid(rng)), rogue.clock.now());
    Command { request, at, actor: learners_refused::actor(rogue.id), detail: None, action }
}

/// What is demanded, in a word.
fn name(demand: &Demand) -> String {
    match demand {
        Demand::Propose(command) => format!("propose {:?}", command.action),
        demand => format!("{demand:?}"),
    }
}
