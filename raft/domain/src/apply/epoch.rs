//! A new epoch: what becomes of a state when its cluster is lost, and one node begins anew with it. It is no command,
//! since no cluster is there to agree on it: it is done once to a state at rest, before the first node starts.

use super::Change;
use crate::audit::{Actor, AuditEvent};
use crate::command::NewNode;
use crate::ids::NodeId;
use crate::instance::{KeyWrap, Role};
use crate::outcome::Rejection;
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
        /// What becomes of the tokens of the operators' API.
        api_tokens: ApiTokens,
    },
    /// A voter that still has its disk; it keeps its id and its wrap.
    Recovered(NodeId),
}

/// What becomes of API tokens in a restored realm. A backup holds those too that were revoked after it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiTokens {
    /// They are revoked.
    Revoke,
    /// They are valid.
    Keep,
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
        if let Founder::Restored { node: new, wrap, api_tokens } = founder {
            change.register(new, Role::Voter);
            change.state.wraps.insert(node, wrap);
            if api_tokens == ApiTokens::Revoke {
                change.revoke_api_tokens();
            }
        }
        Ok(node)
    }

    /// Notes the certificate that the founder of an epoch was given, before the epoch's first node starts.
    ///
    /// # Errors
    /// When it is no node of the realm.
    pub fn certify_founder(
        &mut self,
        node: NodeId,
        until: Timestamp,
        at: Timestamp,
    ) -> Result<(), Rejection> {
        let actor = Actor::LocalOperator(node);
        let mut change = Change { state: self, touched: Vec::new(), at, actor, detail: None };
        change.certify_node(node, until).map(drop)
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
        // One that was spent since then must not be good a second time.
        self.state.passcodes.clear();
        self.state.mail_codes.clear();
    }

    fn revoke_api_tokens(&mut self) {
        let tokens: Vec<_> = self.state.api_tokens.keys().copied().collect();
        for token in tokens {
            // It was there a moment ago.
            let _ = self.revoke_api_token(token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::verify_chain;
    use crate::blob::{Blob, Sealed};
    use crate::command::{Action, AdmitNode, Command, CreateRealm};
    use crate::config::RealmConfig;
    use crate::ids::{ApiTokenId, JoinTokenId, KeyedHash, RealmId, RequestId};
    use crate::time::Span;
    use crate::token::{ApiToken, JoinToken};
    use std::collections::BTreeSet;
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

    fn restored(api_tokens: ApiTokens) -> Founder {
        Founder::Restored { node: node("new"), wrap: wrap(), api_tokens }
    }

    /// Three voters, an API token, a join token that waits, and one that is to replace node 1.
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
        let api = ApiToken {
            id: ApiTokenId(Uuid::from_u128(6)),
            secret: KeyedHash([0; 32]),
            name: "old".to_owned(),
            scopes: BTreeSet::new(),
            expires_at: None,
        };
        apply(&mut state, 22, Action::CreateApiToken(api));
        let (subject, life) = (KeyedHash([7; 32]), Span::hours(1));
        apply(&mut state, 23, Action::AssignPasscode { subject, secret: KeyedHash([8; 32]), life });
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
        let founder = restored(ApiTokens::Keep);
        assert_eq!(begin(&mut state, 7, founder), Ok(NodeId(4)), "no id is used twice");
        assert_eq!(alone(&state), [NodeId(4)]);
        assert_eq!(state.wraps.keys().copied().collect::<Vec<_>>(), [NodeId(4)]);
        assert!(state.join_tokens.is_empty() && state.replacements().next().is_none());
        assert!(state.passcodes.is_empty(), "what was spent since the backup is not good again");
        assert_eq!(state.realm().unwrap().epoch, 7);
        assert_eq!(state.config(), before.config());
        verify_chain(state.audit()).unwrap();
        let last = before.totals().audit_seq;
        let first = state.audit().find(|record| record.seq == last + 1).unwrap();
        assert_eq!(first.event, AuditEvent::RealmRestored { epoch: 7, index: 77 });
    }

    #[test]
    fn the_api_tokens_of_a_backup_are_revoked_one_by_one_or_kept() {
        let token = realm().api_tokens().next().unwrap().id;
        let mut kept = realm();
        begin(&mut kept, 7, restored(ApiTokens::Keep)).unwrap();
        assert!(kept.api_token(token).is_some());
        let mut revoked = realm();
        begin(&mut revoked, 7, restored(ApiTokens::Revoke)).unwrap();
        assert_eq!(revoked.api_tokens().count(), 0);
        assert!(revoked.audit().any(|record| record.event == AuditEvent::ApiTokenRevoked(token)));
        verify_chain(revoked.audit()).unwrap();
    }

    #[test]
    fn the_end_of_a_founders_certificate_is_that_of_its_new_one() {
        for founder in [restored(ApiTokens::Keep), Founder::Recovered(NodeId(2))] {
            let mut state = realm();
            apply(&mut state, 30, Action::CertifyNode { node: NodeId(2), until: Timestamp(20) });
            let node = begin(&mut state, 7, founder).unwrap();
            state.certify_founder(node, Timestamp(90), Timestamp(50)).unwrap();
            assert_eq!(state.certificate_end(node), Some(Timestamp(90)));
            assert!(state.audit().any(|r| r.event == AuditEvent::NodeCertified(node, Timestamp(90))));
            verify_chain(state.audit()).unwrap();
        }
        let refused = realm().certify_founder(NodeId(9), Timestamp(90), Timestamp(50));
        assert_eq!(refused, Err(Rejection::NotFound));
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
