//! A clerk drives what the sites do for one user and for the realm: attempts, tickets and edits of the configuration,
//! each through any node, sent again when the outcome is unknown, and now and then although it is known.

use crate::clients;
use crate::domain_run::workload::Workload;
use crate::invariant::Broken;
use crate::invariant::at_most_once;
use crate::invariant::config_linear::ConfigLinear;
use crate::invariant::lockout_bound::LockoutBound;
use crate::invariant::single_use_ticket::SingleUse;
use crate::node::SimulatedNode;
use crate::stage::{Act, Stage};
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Command;
use passquorum_domain::ids::{RequestId, Revision};
use passquorum_domain::instance::Role;
use passquorum_domain::outcome::{Effect, Outcome, Rejection};
use passquorum_domain::ports::{Clock as _, ProposeError};
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Times that a command of unknown outcome is sent at most.
const TRIES: u32 = 4;

/// One clerk. What it sees of its user it sees in order, since nobody else asks about them.
pub struct Clerk {
    stage: Arc<Stage>,
    user: u8,
    rng: SmallRng,
    workload: Workload,
    revision: Revision,
    lockout: LockoutBound,
    tickets: SingleUse,
    edits: ConfigLinear,
}

impl Clerk {
    /// A clerk for a user.
    #[must_use]
    pub fn new(stage: Arc<Stage>, user: u8) -> Self {
        let mut rng = stage.generator();
        let mut workload = Workload::new(SmallRng::seed_from_u64(rng.r#gen()));
        if let Some(policy) = stage.policy() {
            workload = workload.with_policy(policy);
        }
        Self {
            stage,
            user,
            rng,
            workload,
            revision: Revision::default(),
            lockout: LockoutBound::default(),
            tickets: SingleUse::default(),
            edits: ConfigLinear::default(),
        }
    }

    /// Works as long as there are faults.
    pub async fn work(mut self) -> Result<(), Broken> {
        while self.stage.act() == Act::Faults {
            sleep(self.stage.plan.pause.mul_f64(self.rng.gen_range(0.5..4.0))).await;
            let Some(node) = self.pick() else { continue };
            let action = self.workload.about(self.user, self.revision);
            let at = node.clock.now();
            let request = RequestId::internal(at, clients::uuid(&mut self.rng));
            let command = Command { request, at, actor: Actor::Anonymous, detail: None, action };
            let Some(outcome) = self.commit(&command, node).await else {
                self.lockout.observe_unknown(&command);
                continue;
            };
            self.observe(&command, &outcome)?;
            if self.rng.gen_bool(0.2)
                && let Some(node) = self.pick()
                && let Some(again) = self.commit(&command, node).await
            {
                at_most_once::check(0, &outcome, &again)?;
            }
        }
        Ok(())
    }

    fn observe(&mut self, command: &Command, outcome: &Outcome) -> Result<(), Broken> {
        match outcome {
            Ok(Effect::Config(revision)) | Err(Rejection::StaleRevision { current: revision }) => {
                self.revision = *revision;
            }
            _ => {}
        }
        if let (Some(_), Err(Rejection::InvalidConfig(_))) = (command.action.edited_revision(), outcome) {
            return Ok(());
        }
        self.lockout.observe(command, outcome)?;
        self.tickets.observe(command, outcome)?;
        self.edits.observe(command, outcome)
    }

    fn pick(&mut self) -> Option<Arc<SimulatedNode>> {
        let nodes = self.stage.nodes().into_iter();
        let up: Vec<_> = nodes.filter(|node| node.is_up() && node.role != Role::DmzLearner).collect();
        up.choose(&mut self.rng).cloned()
    }

    /// Sends a command until its outcome is known or patience ends.
    async fn commit(&mut self, command: &Command, first: Arc<SimulatedNode>) -> Option<Outcome> {
        let mut node = first;
        let mut in_doubt = false;
        for _ in 0..TRIES {
            match clients::propose(&node, command.clone()).await {
                Some(Ok(Err(Rejection::TooOld))) if in_doubt => return None,
                Some(Ok(outcome)) => return Some(outcome),
                Some(Err(ProposeError::Unknown)) | None => in_doubt = true,
                Some(Err(_)) => {}
            }
            sleep(Duration::from_millis(self.rng.gen_range(0..200))).await;
            node = self.pick().unwrap_or(node);
        }
        None
    }
}
