//! Ports in memory: a consensus that applies at once, a vault whose seals can be told apart, and recorders.

use async_trait::async_trait;
use passquorum_domain::audit::Actor;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::{Action, Command, CreateRealm, NewNode};
use passquorum_domain::config::RealmConfig;
use passquorum_domain::ids::*;
use passquorum_domain::instance::{KeyWrap, Role};
use passquorum_domain::outcome::Outcome;
use passquorum_domain::ports::*;
use passquorum_domain::state::State;
use passquorum_domain::time::{Span, Timestamp};
use passquorum_domain::token::ApiScope;
use passquorum_sites::Ports;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use uuid::Uuid;
use zeroize::Zeroizing;

pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000);

#[derive(Default)]
pub(crate) struct FakeConsensus {
    pub(crate) state: Mutex<Arc<State>>,
    pub(crate) failure: Mutex<Option<ProposeError>>,
}

impl FakeConsensus {
    pub(crate) fn apply(&self, action: Action) -> Outcome {
        self.commit(Command {
            request: RequestId::Internal(Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))),
            at: NOW,
            actor: Actor::Realm,
            detail: None,
            action,
        })
    }

    fn commit(&self, command: Command) -> Outcome {
        let mut guard = self.state.lock().unwrap();
        let mut state = State::clone(&guard);
        let outcome = state.apply(command).outcome;
        *guard = Arc::new(state);
        outcome
    }
}

#[async_trait]
impl Consensus for FakeConsensus {
    async fn propose(&self, command: Command) -> Result<Outcome, ProposeError> {
        match self.failure.lock().unwrap().clone() {
            Some(error) => Err(error),
            None => Ok(self.commit(command)),
        }
    }
    async fn read(&self, consistency: Consistency) -> Result<Arc<State>, ReadError> {
        let failed = self.failure.lock().unwrap().is_some();
        if failed && consistency == Consistency::Linearizable { Err(ReadError) } else { Ok(self.local()) }
    }
    fn local(&self) -> Arc<State> {
        Arc::clone(&self.state.lock().unwrap())
    }
    fn node(&self) -> NodeId {
        NodeId(1)
    }
    fn status(&self) -> ClusterStatus {
        ClusterStatus {
            node: NodeId(1),
            leader: Some(NodeId(1)),
            term: 3,
            revision: 0,
            quorum: true,
            members: vec![MemberStatus {
                id: NodeId(1),
                name: "one".into(),
                role: MemberRole::Voter,
                leader: true,
                site_url: "https://one".into(),
                applied: Some(7),
                lag: Some(0),
            }],
        }
    }
}

pub(crate) struct FakeVault;

impl Vault for FakeVault {
    fn seal(&self, purpose: Purpose, context: &[u8], clear: &[u8]) -> Result<Sealed, VaultError> {
        let mut bytes = self.keyed_hash(purpose, context)?.0.to_vec();
        bytes.extend(clear.iter().map(|byte| byte ^ 0x5a));
        Ok(Sealed(Blob::from(bytes)))
    }
    fn open(
        &self,
        purpose: Purpose,
        context: &[u8],
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let rest = sealed.0.as_bytes().strip_prefix(&self.keyed_hash(purpose, context)?.0[..]);
        let clear = rest.ok_or(VaultError::DoesNotOpen)?.iter().map(|byte| byte ^ 0x5a).collect();
        Ok(Zeroizing::new(clear))
    }
    fn keyed_hash(&self, purpose: Purpose, data: &[u8]) -> Result<KeyedHash, VaultError> {
        let mut hash = [0; 32];
        for (part, chunk) in hash.chunks_mut(8).enumerate() {
            let mut hasher = DefaultHasher::new();
            (part, purpose as u8, data).hash(&mut hasher);
            chunk.copy_from_slice(&hasher.finish().to_be_bytes());
        }
        Ok(KeyedHash(hash))
    }
}

pub(crate) struct FakeClock;

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

static NEXT: AtomicU64 = AtomicU64::new(1);

pub(crate) struct FakeEntropy;

impl Entropy for FakeEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        let number = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (position, byte) in buffer.iter_mut().enumerate() {
            *byte = number[position % 8];
        }
    }
}

pub(crate) struct NoDirectories;

#[async_trait]
impl Directories for NoDirectories {
    async fn open(&self, _: ConnectionId) -> Result<Arc<dyn Directory>, DirectoryError> {
        Err(DirectoryError {
            dc: "none".into(),
            operation: "open",
            reason: DirectoryReason::Unreachable,
            ad_code: None,
            retry: Retry::Safe,
        })
    }
}

pub(crate) struct FakeMembership;

#[async_trait]
impl Membership for FakeMembership {
    async fn promote(&self, node: NodeId) -> Result<(), MembershipError> {
        if node == NodeId(2) { Ok(()) } else { Err(MembershipError::NoSuchNode(node)) }
    }
    async fn remove(&self, node: NodeId) -> Result<(), MembershipError> {
        if node == NodeId(2) { Ok(()) } else { Err(MembershipError::QuorumAtRisk("the last voter".into())) }
    }
    async fn transfer_leader(&self, to: Option<NodeId>) -> Result<NodeId, MembershipError> {
        Ok(to.unwrap_or(NodeId(2)))
    }
}

pub(crate) struct FakeAdmission;

#[async_trait]
impl Admission for FakeAdmission {
    async fn admit(&self, request: JoinRequest) -> Result<JoinGrant, AdmissionError> {
        if request.token != "good" {
            return Err(AdmissionError::TokenInvalid);
        }
        Ok(JoinGrant {
            realm: RealmId(Uuid::nil()),
            node: NodeId(2),
            role: Role::Voter,
            certificate: "certificate".into(),
            authority: "authority".into(),
        })
    }
    async fn create_join_token(&self, _: Actor, _: Role, _: Span) -> Result<String, AdmissionError> {
        Ok("pqj1.x".into())
    }
    async fn create_api_token(
        &self,
        _: Actor,
        _: &str,
        _: BTreeSet<ApiScope>,
        _: Option<Span>,
    ) -> Result<String, AdmissionError> {
        Ok("pqa1.x".into())
    }
}

pub(crate) fn ports() -> (Ports, Arc<FakeConsensus>) {
    let consensus = Arc::new(FakeConsensus::default());
    consensus
        .apply(Action::CreateRealm(Box::new(CreateRealm {
            realm: RealmId(Uuid::from_u128(1)),
            authority: String::new(),
            authority_key: Sealed(Blob::from(vec![])),
            first: NewNode {
                name: "one".into(),
                cluster_address: "one:1".into(),
                site_url: "https://one".into(),
                wrap_key: [0; 32],
            },
            wrap: KeyWrap { generation: 1, wrapped: Blob::from(vec![]) },
            config: RealmConfig::empty(),
        })))
        .unwrap();
    let ports = Ports {
        consensus: consensus.clone(),
        directories: Arc::new(NoDirectories),
        vault: Arc::new(FakeVault),
        clock: Arc::new(FakeClock),
        entropy: Arc::new(FakeEntropy),
        membership: Arc::new(FakeMembership),
        admission: Arc::new(FakeAdmission),
    };
    (ports, consensus)
}
