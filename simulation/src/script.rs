//! What happens on stage, act by act: the realm is made, clients work while there are faults, and then everything has to
//! come together again.

use crate::authority::REALM;
use crate::churn;
use crate::clerk::Clerk;
use crate::clients::{self, Client};
use crate::domain_run::workload;
use crate::invariant::{Broken, audit_complete, learners_refused, membership};
use crate::node::SimulatedNode;
use crate::rogue;
use crate::stage::{Act, Stage};
use crate::trace::What;
use passquorum_domain::audit::Actor;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::{Action, AdmitNode, Command, CreateRealm, NewNode};
use passquorum_domain::ids::{JoinTokenId, KeyedHash, NodeId, RequestId};
use passquorum_domain::instance::{KeyWrap, Role};
use passquorum_domain::mirror::Projection;
use passquorum_domain::outcome::{Effect, Outcome};
use passquorum_domain::ports::Clock as _;
use passquorum_domain::state::State;
use passquorum_domain::time::Timestamp;
use passquorum_domain::token::JoinToken;
use passquorum_raft::Progress;
use rand::Rng as _;
use rand::rngs::SmallRng;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// The realm is made within this.
const BIRTH: Duration = Duration::from_secs(60);
/// After the last fault everything has come together within this.
const HEALING: Duration = Duration::from_secs(60);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(50);

/// Plays all acts.
pub async fn play(stage: Arc<Stage>) -> Result<(), Broken> {
    let mut rng = stage.generator();
    birth(&stage, &mut rng).await?;
    enter(&stage, Act::Faults, "faults");
    let mut tasks = JoinSet::new();
    for client in 0..stage.plan.clients {
        tasks.spawn(Client::new(Arc::clone(&stage), client).work());
    }
    for guest in &stage.surroundings.guests {
        tasks.spawn(guest.perform(Arc::clone(&stage)));
    }
    let mut clerks = JoinSet::new();
    for user in 0..stage.plan.clerks {
        clerks.spawn(Clerk::new(Arc::clone(&stage), user).work());
    }
    if stage.plan.churn {
        tasks.spawn(churn::work(Arc::clone(&stage)));
    }
    if stage.plan.rogues {
        tasks.spawn(rogue::work(Arc::clone(&stage)));
    }
    sleep(stage.plan.faults_for).await;
    enter(&stage, Act::Healing, "healing");
    stage.surroundings.controller.calm();
    tasks.join_all().await;
    clerks.join_all().await.into_iter().collect::<Result<(), Broken>>()?;
    let state = heal(&stage).await?;
    mirrored(&stage).await?;
    stage.surroundings.guests.iter().try_for_each(|guest| guest.judge(&stage, &state))
}

fn enter(stage: &Stage, act: Act, name: &'static str) {
    stage.enter(act);
    stage.surroundings.trace.record(What::Phase(name));
}

async fn birth(stage: &Arc<Stage>, rng: &mut SmallRng) -> Result<(), Broken> {
    let deadline = Instant::now() + BIRTH;
    let late = |what: &str| Broken::new("liveness", format!("{what} within {BIRTH:?} and without a fault"));
    let host = stage.next_host();
    let address = SimulatedNode::address_of(&host);
    let first = stage.bring_on(NodeId(1), Role::Voter, host);
    until(deadline, || first.is_up().then_some(())).await.ok_or_else(|| late("no process came up"))?;
    let own = address.clone();
    let made = first.ask(move |ports| async move { ports.cluster.initialize(&own).await });
    if !matches!(made.await, Ok(Ok(()))) {
        return Err(late("the first node did not become leader"));
    }
    let config = workload::config(rng);
    stage.set_policy(config.policies.first().map(|policy| policy.id));
    let create = Action::CreateRealm(Box::new(CreateRealm {
        realm: REALM,
        authority: stage.surroundings.authority.certificate.clone(),
        authority_key: Sealed(Blob::from(vec![1])),
        first: new_node(&first.host),
        wrap: wrap(),
        config,
    }));
    let created = commit(&first, rng, create, deadline).await;
    if !matches!(created, Some(Ok(_))) {
        return Err(late("the realm was not made"));
    }
    let mut roles = vec![Role::Voter; stage.plan.voters - 1];
    roles.extend(stage.plan.learners.0.then_some(Role::SiteLearner));
    roles.extend(stage.plan.learners.1.then_some(Role::DmzLearner));
    for role in roles {
        admit(stage, &first, rng, role, None, deadline)
            .await
            .ok_or_else(|| late("a node was not admitted"))?;
    }
    let voters = stage.plan.voters;
    let all = stage.nodes().len();
    loop {
        let progress = progress_of(&first).await;
        if progress.is_some_and(|now| now.voters.len() == voters && now.members.len() == all) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(late("the nodes did not all become members"));
        }
        sleep(LOOK).await;
    }
}

/// Lets a node in through another, maybe in the place of a third with the same role, and starts it.
pub async fn admit(
    stage: &Stage,
    through: &SimulatedNode,
    rng: &mut SmallRng,
    role: Role,
    replaces: Option<NodeId>,
    deadline: Instant,
) -> Option<Arc<SimulatedNode>> {
    let (id, secret) = (JoinTokenId(clients::uuid(rng)), KeyedHash([rng.r#gen(); 32]));
    let token = JoinToken { id, secret, role, expires_at: Timestamp(u64::MAX), used_by: None };
    let create = match replaces {
        Some(replaces) => Action::CreateReplacement { token, replaces },
        None => Action::CreateJoinToken(token),
    };
    commit(through, rng, create, deadline).await?.ok()?;
    let host = stage.next_host();
    let wrap = role.holds_keys().then(wrap);
    let admit = AdmitNode { token: id, secret, node: new_node(&host), wrap };
    match commit(through, rng, Action::AdmitNode(Box::new(admit)), deadline).await? {
        Ok(Effect::Admitted(id)) => Some(stage.bring_on(id, role, host)),
        _ => None,
    }
}

/// Commits under one request id, as often as it takes.
async fn commit(
    node: &SimulatedNode,
    rng: &mut SmallRng,
    action: Action,
    deadline: Instant,
) -> Option<Outcome> {
    let at = node.clock.now();
    let request = RequestId::internal(at, clients::uuid(rng));
    let command = Command { request, at, actor: Actor::Realm, detail: None, action };
    while Instant::now() < deadline {
        if let Some(Ok(outcome)) = clients::propose(node, command.clone()).await {
            return Some(outcome);
        }
        sleep(LOOK).await;
    }
    None
}

fn new_node(host: &str) -> NewNode {
    NewNode {
        name: host.to_owned(),
        cluster_address: SimulatedNode::address_of(host),
        site_url: format!("https://{host}"),
        wrap_key: [0; 32],
    }
}

fn wrap() -> KeyWrap {
    KeyWrap { generation: 1, wrapped: Blob::from(vec![2]) }
}

async fn progress_of(node: &SimulatedNode) -> Option<Progress> {
    node.ask(|ports| async move { ports.cluster.progress() }).await.ok()
}

/// Without faults, every node serves a write and a read, and in the end all have the same state.
async fn heal(stage: &Arc<Stage>) -> Result<Arc<State>, Broken> {
    let deadline = Instant::now() + HEALING;
    let late =
        |what: String| Broken::new("liveness", format!("{what} within {HEALING:?} after the last fault"));
    let mut client = Client::new(Arc::clone(stage), stage.plan.clients);
    for node in stage.nodes() {
        let id = node.id;
        while is_member(stage, id, deadline).await {
            if node.is_up() && (node.role == Role::DmzLearner || client.write_one(&node).await) {
                client.read_all(&node).await;
                break;
            }
            if Instant::now() > deadline {
                let what = if node.is_up() { "served no write" } else { "is not up" };
                return Err(late(format!("node {id} {what}")));
            }
            sleep(LOOK).await;
        }
    }
    loop {
        let mut last: Vec<Progress> = Vec::new();
        for node in stage.nodes() {
            last.extend(progress_of(&node).await);
        }
        // What was decided before may be carried out only now.
        for removed in last.iter().flat_map(|seen| seen.state.instances()).filter(|node| node.is_removed()) {
            stage.take_off(removed.id);
        }
        let together = last.windows(2).all(|pair| matches!(pair, [a, b] if a.applied == b.applied));
        if together && last.len() == stage.nodes().len() {
            let same = last.windows(2).all(|pair| matches!(pair, [a, b] if a.state == b.state));
            let differ = || Broken::new("state-match", "the states at the end differ");
            if !same {
                return Err(differ());
            }
            let Some(last) = last.pop() else { continue };
            // Whoever is meant to vote does so in the end.
            let votes =
                |node: &Arc<SimulatedNode>| node.role != Role::Voter || last.voters.contains(&node.id);
            if stage.nodes().iter().all(votes) && membership::is_settled(&last) {
                audit_complete::check(&last.state, &stage.history())?;
                learners_refused::check_state(&last.state)?;
                stage.set_last(Arc::clone(&last.state));
                return Ok(last.state);
            }
        }
        if Instant::now() > deadline {
            return Err(late("the nodes did not come together".to_owned()));
        }
        sleep(LOOK).await;
    }
}

/// The container shows the realm as it is, and each document before showed it as it was.
async fn mirrored(stage: &Stage) -> Result<(), Broken> {
    let deadline = Instant::now() + HEALING;
    while !is_mirrored(stage).await {
        if Instant::now() > deadline {
            let what = format!("the container did not show the leader's state within {HEALING:?}");
            return Err(Broken::new("liveness", what));
        }
        sleep(LOOK).await;
    }
    stage.surroundings.controller.judge()
}

/// Whether the directory's container shows the state of the node that leads, under a fence of its term.
async fn is_mirrored(stage: &Stage) -> bool {
    let Some(held) = stage.surroundings.controller.settled() else { return false };
    for node in stage.nodes() {
        let asked =
            node.ask(|ports| async move { (ports.cluster.progress(), *ports.cluster.leadership().borrow()) });
        let Ok((progress, belief)) = asked.await else { continue };
        let shown = Projection::of(&progress.state, node.id).map(|projection| projection.to_document());
        if belief.term_of(node.id) == Some(held.fence.term) && shown == Some(held.document.clone()) {
            return true;
        }
    }
    false
}

/// Whether the realm counts a node among its own, as any voter reads it. One that it does not is taken off stage: its
/// removal was carried out although nobody was told.
async fn is_member(stage: &Stage, id: NodeId, deadline: Instant) -> bool {
    while Instant::now() < deadline {
        for node in stage.nodes() {
            if let Some(Ok(state)) = clients::linearizable(&node).await {
                let instance = state.instance(id);
                if !instance.is_some_and(|instance| instance.is_leaving()) {
                    let stays = instance.is_some_and(|instance| instance.is_active());
                    if !stays {
                        stage.take_off(id);
                    }
                    return stays;
                }
                // Whoever leads has yet to finish its removal.
                break;
            }
        }
        sleep(LOOK).await;
    }
    true
}

async fn until<T>(deadline: Instant, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() > deadline {
            return None;
        }
        sleep(LOOK).await;
    }
}
