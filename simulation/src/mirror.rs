//! The production mirror loop on each simulated node, and an administrator who gives it something to do: now and then
//! each node changes the configuration while there are faults.

use crate::container::{Controller, SimulatedContainer};
use crate::node::{Guest, Ports};
use async_trait::async_trait;
use futures::future::BoxFuture;
use passquorum_ad_sync::mirror::{Containers, Mirror, MirrorStatus, Timing};
use passquorum_domain::audit::Actor;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::config::{ConfigChange, GeneralSettings};
use passquorum_domain::ids::RequestId;
use passquorum_domain::ports::{
    Consensus as _, Container, ContainerError, LeaderRead, LeaderReads, ReadError, fresh_uuid,
};
use passquorum_domain::state::State;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// Short pauses, so that much happens in a run.
const TIMING: Timing = Timing {
    retry_min: Duration::from_millis(100),
    retry_max: Duration::from_secs(2),
    poll: Duration::from_secs(2),
    recheck: Duration::from_secs(5),
};

/// The loops of all nodes.
pub struct Mirrors {
    /// The one domain controller.
    pub controller: Arc<Controller>,
}

struct OneContainer(Arc<dyn Container>);

impl Containers for OneContainer {
    fn container(&self, _: &State) -> Result<Option<Arc<dyn Container>>, ContainerError> {
        Ok(Some(Arc::clone(&self.0)))
    }
}

/// The leader's reads, with each that was answered noted.
struct NotedReads {
    ports: Ports,
    controller: Arc<Controller>,
}

#[async_trait]
impl LeaderReads for NotedReads {
    async fn read_as_leader(&self) -> Result<LeaderRead, ReadError> {
        let read = self.ports.cluster.read_as_leader().await?;
        self.controller.observe(self.ports.node, read.index, &read.state);
        Ok(read)
    }
}

impl Guest for Mirrors {
    fn run(&self, ports: Ports) -> BoxFuture<'static, ()> {
        let controller = Arc::clone(&self.controller);
        Box::pin(async move {
            let mirror = mirror(&ports, &controller);
            tokio::join!(mirror.run(), observe(&ports, &controller), administer(&ports, &controller));
        })
    }
}

fn mirror(ports: &Ports, controller: &Arc<Controller>) -> Mirror {
    let container = SimulatedContainer { node: ports.node, controller: Arc::clone(controller) };
    Mirror {
        node: ports.node,
        leadership: ports.cluster.leadership(),
        states: ports.cluster.states(),
        reads: Arc::new(NotedReads { ports: ports.clone(), controller: Arc::clone(controller) }),
        containers: Arc::new(OneContainer(Arc::new(container))),
        timing: TIMING,
        clock: Arc::clone(&ports.clock),
        status: watch::Sender::new(MirrorStatus::Waiting),
        points: watch::Sender::new(MirrorStatus::Waiting),
    }
}

/// Tells what this node has applied, for the documents to be judged by.
async fn observe(ports: &Ports, controller: &Controller) {
    let (mut states, mut leadership) = (ports.cluster.states(), ports.cluster.leadership());
    loop {
        states.borrow_and_update();
        let belief = *leadership.borrow_and_update();
        controller.believe(belief);
        let progress = ports.cluster.progress();
        if let Some(applied) = progress.applied {
            controller.observe(ports.node, applied.index, &progress.state);
        }
        let gone = tokio::select! {
            biased;
            changed = leadership.changed() => changed.is_err(),
            changed = states.changed() => changed.is_err(),
        };
        if gone {
            return;
        }
    }
}

async fn administer(ports: &Ports, controller: &Controller) {
    let mut draw = [0; 2];
    while !controller.is_calm() {
        ports.entropy.fill(&mut draw);
        sleep(Duration::from_millis(200 + u64::from(u16::from_le_bytes(draw)) / 16)).await;
        let state = ports.cluster.local();
        let Some(config) = state.config() else { continue };
        let organisation = format!("Organisation {}", draw[0]);
        let general = GeneralSettings { organisation, ..config.general.clone() };
        let at = ports.clock.now();
        let command = Command {
            request: RequestId::internal(at, fresh_uuid(ports.entropy.as_ref())),
            at,
            actor: Actor::Realm,
            detail: None,
            action: Action::change_config(config.revision, ConfigChange::SetGeneral(general)),
        };
        // Whether it is taken is of no matter here.
        ports.cluster.propose(command).await.ok();
    }
}
