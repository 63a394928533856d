//! A cluster of one that applies commands to a real state, and can be told to lose its quorum or its voice.

#![expect(clippy::unwrap_used, reason = "a fake that is wrong must stop the test")]

use super::{CONNECTION, lock};
use async_trait::async_trait;
use passquorum_domain::audit::Actor;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::config::{ConfigChange, MirrorSettings};
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::ids::{NodeId, RequestId};
use passquorum_domain::outcome::Outcome;
use passquorum_domain::ports::*;
use passquorum_domain::state::State;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// How the next proposals fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quorum {
    Whole,
    Lost,
    /// Commands are applied, but the answer does not come.
    Silent,
    /// This node may not propose.
    Forbidden,
    /// Too much waits already.
    Flooded,
}

pub(crate) struct FakeConsensus {
    pub(super) state: Mutex<State>,
    pub(super) quorum: Mutex<Quorum>,
    /// What this node knows while it is behind.
    pub(super) behind: Mutex<Option<State>>,
}

impl FakeConsensus {
    pub(crate) fn set_quorum(&self, quorum: Quorum) {
        *lock(&self.quorum) = quorum;
    }

    /// From now on this node learns nothing more by itself.
    pub(crate) fn fall_behind(&self) {
        *lock(&self.behind) = Some(self.state());
    }

    pub(crate) fn state(&self) -> State {
        lock(&self.state).clone()
    }

    /// Commits a change of the configuration.
    /// Has the realm mirrored in its one domain, or nowhere.
    pub(crate) fn mirror(&self, wanted: bool) {
        let mut general = self.state().config().unwrap().general.clone();
        let container = DistinguishedName::parse("CN=_QPMStorageContainer,DC=example,DC=com").unwrap();
        general.mirror = wanted.then_some(MirrorSettings { connection: CONNECTION, container });
        self.configure(ConfigChange::SetGeneral(general));
    }

    pub(crate) fn configure(&self, change: ConfigChange) {
        let base = self.state().config().unwrap().revision;
        self.apply(Action::change_config(base, change)).unwrap();
    }

    pub(crate) fn apply(&self, action: Action) -> Outcome {
        let request = RequestId::Internal(Uuid::new_v4());
        let at = self.state().totals().latest;
        let command = Command { request, at, actor: Actor::Realm, detail: None, action };
        lock(&self.state).apply(command).outcome
    }
}

#[async_trait]
impl Consensus for FakeConsensus {
    async fn propose(&self, command: Command) -> Result<Outcome, ProposeError> {
        match *lock(&self.quorum) {
            Quorum::Whole => {
                let (needs, level) = (command.action.needs(), self.state().level());
                if needs > level {
                    return Err(ProposeError::LevelTooLow { needs, level });
                }
                Ok(lock(&self.state).apply(command).outcome)
            }
            Quorum::Lost => Err(ProposeError::NoQuorum),
            Quorum::Forbidden => Err(ProposeError::Forbidden { voters: vec!["https://n1".into()] }),
            Quorum::Flooded => Err(ProposeError::Busy),
            Quorum::Silent => {
                lock(&self.state).apply(command);
                Err(ProposeError::Unknown)
            }
        }
    }

    async fn read(&self, consistency: Consistency) -> Result<Arc<State>, ReadError> {
        let quorum = *lock(&self.quorum);
        match consistency {
            Consistency::Local => Ok(self.local()),
            Consistency::Linearizable if quorum == Quorum::Lost => Err(ReadError::NoQuorum),
            Consistency::Linearizable if quorum == Quorum::Flooded => Err(ReadError::Busy),
            Consistency::Linearizable => Ok(Arc::new(self.state())),
        }
    }

    fn local(&self) -> Arc<State> {
        Arc::new(lock(&self.behind).clone().unwrap_or_else(|| self.state()))
    }

    fn node(&self) -> NodeId {
        NodeId(1)
    }

    fn status(&self) -> ClusterStatus {
        let member = |id: u64, role, leader| MemberStatus {
            id: NodeId(id),
            name: format!("node-{id}"),
            role,
            leader,
            site_url: format!("https://node-{id}.example.com"),
            applied: Some(40 + id),
            lag: Some(0),
            answers: Some(true),
        };
        ClusterStatus {
            node: NodeId(1),
            leader: Some(NodeId(1)),
            term: 3,
            revision: self.state().config().map_or(0, |config| config.revision.0),
            quorum: *lock(&self.quorum) == Quorum::Whole,
            checked: None,
            clock_ahead_ms: None,
            clock_fit: true,
            takes_part: true,
            level: self.state().level(),
            log: LogPositions::default(),
            members: vec![
                member(1, MemberRole::Voter, true),
                member(2, MemberRole::Voter, false),
                member(3, MemberRole::Learner, false),
            ],
        }
    }
}
