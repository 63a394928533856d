//! Operators at work: nodes join, are promoted and removed, and leadership is handed over, all while there are faults.

use crate::node::SimulatedNode;
use crate::script;
use crate::stage::{Act, Stage};
use passquorum_domain::audit::Actor;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::ports::{Membership as _, MembershipError, Removal};
use rand::Rng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// An operator waits so long for a verb.
const PATIENCE: Duration = Duration::from_secs(20);
/// Nodes at a time at most.
const MOST: usize = 7;

/// Works as long as there are faults.
pub async fn work(stage: Arc<Stage>) {
    let mut rng = stage.generator();
    while stage.act() == Act::Faults {
        sleep(stage.plan.churn_every.mul_f64(rng.gen_range(0.2..1.8))).await;
        let voters: Vec<_> = stage.nodes().into_iter().filter(|node| node.role == Role::Voter).collect();
        let Some(through) =
            voters.iter().filter(|node| node.is_up()).collect::<Vec<_>>().choose(&mut rng).copied()
        else {
            continue;
        };
        match rng.gen_range(0..6) {
            0 if stage.nodes().len() < MOST => {
                let roles = [Role::Voter, Role::Voter, Role::SiteLearner, Role::DmzLearner];
                let role = roles.choose(&mut rng).copied().unwrap_or(Role::Voter);
                let deadline = Instant::now() + Duration::from_secs(10);
                let replaces = voters.choose(&mut rng).filter(|_| rng.gen_bool(0.4));
                let replaces = replaces.filter(|_| role == Role::Voter).map(|node| node.id);
                script::admit(&stage, through, &mut rng, role, replaces, deadline).await;
            }
            1 => remove(&stage, through, voters.len(), &mut rng).await,
            _ => {
                let to = voters.choose(&mut rng).map(|node| node.id).filter(|_| rng.r#gen());
                let handed = through
                    .ask(move |ports| async move { ports.cluster.transfer_leader(to, Actor::Realm).await });
                // Refused or done: both are fine.
                drop(timeout(PATIENCE, handed).await);
            }
        }
    }
}

async fn remove(stage: &Stage, through: &SimulatedNode, voters: usize, rng: &mut SmallRng) {
    let nodes = stage.nodes();
    let removable: Vec<NodeId> =
        nodes.iter().filter(|node| voters > 3 || node.role != Role::Voter).map(|node| node.id).collect();
    let Some(node) = removable.choose(rng).copied() else { return };
    let removal = if rng.r#gen() { Removal::Careful } else { Removal::Forced };
    let removed =
        through.ask(move |ports| async move { ports.cluster.remove(node, removal, Actor::Realm).await });
    if let Ok(Ok(Ok(()) | Err(MembershipError::NoSuchNode(_)))) = timeout(PATIENCE, removed).await {
        stage.take_off(node);
    }
}
