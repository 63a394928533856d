//! A new epoch: what becomes of a state when its cluster is lost, and one node begins anew with it. It is no command,
//! since no cluster is there to agree on it: it is done once to a state at rest, before the first node starts.

use super::Change;
use crate::audit::{Actor, AuditEvent};
use crate::command::NewNode;
use crate::ids::NodeId;
use crate::instance::{KeyWrap, Role};
use crate::state::{CellKey, State};
use crate::time::Timestamp;

/// Who begins the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Founder {
    /// A new node with a backup; it gets an id that nobody had.
    Restored {
        /// The node.
        node: NewNode,
        /// The realm key for it.
        wrap: KeyWrap,
    },
    /// A voter that still has its disk; it keeps its id and its wrap.
    Recovered(NodeId),
}

/// How an epoch begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEpoch {
    /// Its number, higher than any before.
    pub epoch: u32,
    /// Who begins it.
    pub founder: Founder,
    /// When.
    pub at: Timestamp,
    /// The log index that the state stands at.
    pub index: u64,
}

/// The epoch does not begin; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EpochError {
    /// There is no realm in the state.
    #[error("there is no realm in it")]
    NoRealm,
    /// The number is not a higher one.
    #[error("its epoch is {0} already; set this host's clock right")]
    NotHigher(u32),
    /// The node is no voter that belongs to the realm.
    #[error("node {0} is no voter of the realm; take the data directory of one that is")]
    NoVoter(NodeId),
}

impl State {
    /// Begins an epoch with one node: every other one is removed, and join tokens are gone. The audit goes on, and its
    /// first new record says what happened. Answers the founder's id.
    ///
    /// # Errors
    /// See [`EpochError`].
    pub fn begin_epoch(&mut self, new: NewEpoch) -> Result<NodeId, EpochError> {
        let NewEpoch { epoch, founder, at, index } = new;
        let realm = self.realm.as_mut().ok_or(EpochError::NoRealm)?;
        if epoch <= realm.epoch {
            return Err(EpochError::NotHigher(realm.epoch));
        }
        let (node, event) = match &founder {
            Founder::Restored { .. } => {
                let next = NodeId(self.totals.last_node.saturating_add(1));
                (next, AuditEvent::RealmRestored { epoch, index })
            }
            Founder::Recovered(node) => {
                let own = self.instances.get(node);
                if !own.is_some_and(|own| own.is_active() && own.role == Role::Voter) {
                    return Err(EpochError::NoVoter(*node));
                }
                (*node, AuditEvent::RealmRecovered { epoch, index })
            }
        };
        realm.epoch = epoch;
        let actor = Actor::LocalOperator(node);
        let mut change = Change { state: self, touched: vec![CellKey::Realm], at, actor, detail: None };
        change.audit(event, None);
        change.leave_alone(node);
        if let Founder::Restored { node: new, wrap } = founder {
            change.register(new, Role::Voter);
            change.state.wraps.insert(node, wrap);
        }
        Ok(node)
    }
}

impl Change<'_> {
    /// Removes every node but one, and drops what would let others in.
    fn leave_alone(&mut self, founder: NodeId) {
        let others = self.state.instances.values().filter(|instance| !instance.is_removed());
        let others: Vec<NodeId> = others.map(|instance| instance.id).filter(|id| *id != founder).collect();
        for id in others {
            // It was there and not removed a moment ago.
            let _ = self.remove_node(id);
        }
        self.state.join_tokens.clear();
        self.state.replacements.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::verify_chain;
    use crate::blob::{Blob, Sealed};
    use crate::command::{Action, AdmitNode, Command, CreateRealm};
    use crate::config::RealmConfig;
    use crate::ids::{JoinTokenId, KeyedHash, RealmId, RequestId};
    use crate::token::JoinToken;
    use uuid::Uuid;

    fn node(name: &str) -> NewNode {
        NewNode {
            name: name.into(),
            cluster_address: format!("{name}:1"),
            site_url: format!("https://{name}"),
            wrap_key: [0; 32],
        }
    }

    fn wrap() -> KeyWrap {
        KeyWrap { generation: 1, wrapped: Blob::from(&b"wrapped"[..]) }
    }

    fn apply(state: &mut State, number: u128, action: Action) {
        let request = RequestId::Internal(Uuid::from_u128(number));
        let command = Command { request, at: Timestamp(9), actor: Actor::Realm, detail: None, action };
        state.apply(command).outcome.unwrap();
    }

    fn token(number: u128) -> JoinToken {
        let id = JoinTokenId(Uuid::from_u128(number));
        let secret = KeyedHash([0; 32]);
        JoinToken { id, secret, role: Role::Voter, expires_at: Timestamp(100), used_by: None }
    }

    /// Three voters, a token that waits, and one that is to replace node 1.
    fn realm() -> State {
        let mut state = State::default();
        let create = CreateRealm {
            realm: RealmId(Uuid::from_u128(1)),
            authority: String::new(),
            authority_key: Sealed(Blob::from(&b"sealed"[..])),
            first: node("one"),
            wrap: wrap(),
            config: RealmConfig::empty(),
        };
        apply(&mut state, 1, Action::CreateRealm(Box::new(create)));
        for number in 2..4 {
            let token = token(number);
            let admit =
                AdmitNode { token: token.id, secret: token.secret, node: node("more"), wrap: Some(wrap()) };
            apply(&mut state, number, Action::CreateJoinToken(token));
            apply(&mut state, 10 + number, Action::AdmitNode(Box::new(admit)));
        }
        apply(&mut state, 20, Action::CreateJoinToken(token(4)));
        apply(&mut state, 21, Action::CreateReplacement { token: token(5), replaces: NodeId(1) });
        state
    }

    fn begin(state: &mut State, epoch: u32, founder: Founder) -> Result<NodeId, EpochError> {
        state.begin_epoch(NewEpoch { epoch, founder, at: Timestamp(50), index: 77 })
    }

    fn alone(state: &State) -> Vec<NodeId> {
        state.instances().filter(|instance| instance.is_active()).map(|instance| instance.id).collect()
    }

    #[test]
    fn a_restored_realm_has_one_new_node_and_nothing_lets_another_in() {
        let before = realm();
        let mut state = before.clone();
        let founder = Founder::Restored { node: node("new"), wrap: wrap() };
        assert_eq!(begin(&mut state, 7, founder), Ok(NodeId(4)), "no id is used twice");
        assert_eq!(alone(&state), [NodeId(4)]);
        assert_eq!(state.wraps.keys().copied().collect::<Vec<_>>(), [NodeId(4)]);
        assert!(state.join_tokens.is_empty() && state.replacements().next().is_none());
        assert_eq!(state.realm().unwrap().epoch, 7);
        assert_eq!(state.config(), before.config());
        verify_chain(state.audit()).unwrap();
        let last = before.totals().audit_seq;
        let first = state.audit().find(|record| record.seq == last + 1).unwrap();
        assert_eq!(first.event, AuditEvent::RealmRestored { epoch: 7, index: 77 });
    }

    #[test]
    fn a_recovered_realm_has_the_survivor_with_its_id_and_key() {
        let mut state = realm();
        let wrapped = state.wrap(NodeId(2)).cloned();
        assert_eq!(begin(&mut state, 2, Founder::Recovered(NodeId(2))), Ok(NodeId(2)));
        assert_eq!(alone(&state), [NodeId(2)]);
        assert_eq!(state.wrap(NodeId(2)).cloned(), wrapped);
        assert!(state.wrap(NodeId(1)).is_none());
        assert!(state.audit().any(|r| r.event == AuditEvent::RealmRecovered { epoch: 2, index: 77 }));
        verify_chain(state.audit()).unwrap();
    }

    #[test]
    fn an_epoch_only_grows_and_begins_with_a_voter_of_the_realm() {
        assert_eq!(begin(&mut realm(), 1, Founder::Recovered(NodeId(2))), Err(EpochError::NotHigher(1)));
        assert_eq!(
            begin(&mut realm(), 2, Founder::Recovered(NodeId(9))),
            Err(EpochError::NoVoter(NodeId(9)))
        );
        let mut learner = realm();
        apply(&mut learner, 30, Action::SetNodeRole(NodeId(2), Role::SiteLearner));
        assert_eq!(
            begin(&mut learner, 2, Founder::Recovered(NodeId(2))),
            Err(EpochError::NoVoter(NodeId(2)))
        );
        let nothing = begin(&mut State::default(), 2, Founder::Recovered(NodeId(1)));
        assert_eq!(nothing, Err(EpochError::NoRealm));
    }
}
