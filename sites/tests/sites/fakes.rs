//! Ports in memory: a consensus that applies at once, a vault whose seals can be told apart, and recorders.

use async_trait::async_trait;
use passquorum_domain::audit::Actor;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::{Action, Command, CreateRealm, NewNode};
use passquorum_domain::config::{DirectoryEndpoint, DomainConnection, RealmConfig};
use passquorum_domain::directory::{
    AccountStatus, DistinguishedName, DomainPasswordRules, LoginName, ObjectGuid, RulesSource, UserRecord,
    UserRef,
};
use passquorum_domain::ids::*;
use passquorum_domain::instance::{KeyWrap, Role};
use passquorum_domain::outcome::Outcome;
use passquorum_domain::ports::*;
use passquorum_domain::scope::RoleScope;
use passquorum_domain::secret::Password;
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

pub(crate) const DOMAIN: ConnectionId = ConnectionId(Uuid::from_u128(0xd0));
pub(crate) const ADMINS: &str = "CN=Admins,DC=example";
pub(crate) const HELPDESK: &str = "CN=Helpdesk,DC=example";

/// Users whose password is their account name with `-password` behind it.
#[derive(Default)]
pub(crate) struct FakeDirectory {
    pub(crate) users: Mutex<Vec<FakeUser>>,
    pub(crate) down: Mutex<bool>,
}

#[derive(Clone)]
pub(crate) struct FakeUser {
    pub(crate) record: UserRecord,
    pub(crate) groups: Vec<&'static str>,
    pub(crate) profile: Option<Blob>,
}

impl FakeDirectory {
    pub(crate) fn add(&self, account: &str, groups: &[&'static str]) -> ObjectGuid {
        let mut users = self.users.lock().unwrap();
        let guid = ObjectGuid([u8::try_from(users.len() + 1).unwrap(); 16]);
        let record = UserRecord {
            user: UserRef { connection: DOMAIN, guid, dc: "dc1".into() },
            dn: DistinguishedName::parse(&format!("CN={account},OU=People,DC=example")).unwrap(),
            account: account.into(),
            upn: None,
            display_name: format!("Name of {account}"),
            mail: None,
            status: AccountStatus::default(),
        };
        users.push(FakeUser { record, groups: groups.to_vec(), profile: None });
        guid
    }

    fn with<T>(&self, guid: ObjectGuid, act: impl FnOnce(&mut FakeUser) -> T) -> Result<T, DirectoryError> {
        self.reach()?;
        let mut users = self.users.lock().unwrap();
        let user = users.iter_mut().find(|user| user.record.user.guid == guid);
        user.map(act).ok_or_else(|| failed(DirectoryReason::NotFound))
    }

    fn reach(&self) -> Result<(), DirectoryError> {
        if *self.down.lock().unwrap() { Err(failed(DirectoryReason::Unreachable)) } else { Ok(()) }
    }
}

fn failed(reason: DirectoryReason) -> DirectoryError {
    DirectoryError { dc: "dc1".into(), operation: "test", reason, ad_code: None, retry: Retry::Safe }
}

#[async_trait]
impl Directory for FakeDirectory {
    async fn find(&self, name: &LoginName) -> Result<Found, DirectoryError> {
        self.reach()?;
        let (LoginName::Account { account: wanted, .. } | LoginName::Address(wanted)) = name;
        let users = self.users.lock().unwrap();
        let found = users.iter().find(|user| user.record.account == *wanted);
        Ok(found.map_or(Found::Nobody, |user| Found::One(Box::new(user.record.clone()))))
    }
    async fn read(&self, user: &UserRef) -> Result<UserRecord, DirectoryError> {
        self.with(user.guid, |user| user.record.clone())
    }
    async fn member_of(
        &self,
        user: &UserRecord,
        groups: &[DistinguishedName],
    ) -> Result<Vec<DistinguishedName>, DirectoryError> {
        self.with(user.user.guid, |user| {
            groups.iter().filter(|group| user.groups.contains(&group.as_str())).cloned().collect()
        })
    }
    async fn check_password(
        &self,
        user: &UserRecord,
        password: &Password,
    ) -> Result<PasswordCheck, DirectoryError> {
        let right = password.expose() == format!("{}-password", user.account);
        self.reach()?;
        Ok(if right { PasswordCheck::Right } else { PasswordCheck::Wrong })
    }
    async fn reset_password(&self, _: &UserRef, _: &Password, _: ResetOptions) -> Result<(), DirectoryError> {
        Err(failed(DirectoryReason::Refused))
    }
    async fn change_password(&self, _: &UserRef, _: &Password, _: &Password) -> Result<(), DirectoryError> {
        Err(failed(DirectoryReason::Refused))
    }
    async fn unlock(&self, _: &UserRef) -> Result<(), DirectoryError> {
        Err(failed(DirectoryReason::Refused))
    }
    async fn set_must_change(&self, _: &UserRef) -> Result<(), DirectoryError> {
        Err(failed(DirectoryReason::Refused))
    }
    async fn password_rules(&self, _: &UserRef) -> Result<DomainPasswordRules, DirectoryError> {
        Ok(DomainPasswordRules { source: RulesSource::Domain, min_length: 7, complexity: true, history: 24 })
    }
    async fn read_profile(&self, user: &UserRef) -> Result<Option<Blob>, DirectoryError> {
        self.with(user.guid, |user| user.profile.clone())
    }
    async fn write_profile(
        &self,
        user: &UserRef,
        _: Option<&Blob>,
        new: Option<&Blob>,
    ) -> Result<(), DirectoryError> {
        self.with(user.guid, |user| user.profile = new.cloned())
    }
    async fn check(&self) -> Result<(), DirectoryError> {
        self.reach()
    }
}

pub(crate) struct OneDirectory(pub(crate) Arc<FakeDirectory>);

#[async_trait]
impl Directories for OneDirectory {
    async fn open(&self, connection: ConnectionId) -> Result<Arc<dyn Directory>, DirectoryError> {
        if connection == DOMAIN { Ok(self.0.clone()) } else { Err(failed(DirectoryReason::Unreachable)) }
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

/// A realm with an embedded domain, and the ports of a node in it.
pub(crate) struct Realm {
    pub(crate) consensus: Arc<FakeConsensus>,
    pub(crate) directory: Arc<FakeDirectory>,
    pub(crate) ports: Ports,
}

impl Realm {
    pub(crate) fn new() -> Self {
        let consensus = Arc::new(FakeConsensus::default());
        let directory = Arc::new(FakeDirectory::default());
        let role =
            |group: &str| RoleScope { connection: DOMAIN, group: DistinguishedName::parse(group).unwrap() };
        let mut config = RealmConfig::empty();
        config.connections.push(DomainConnection {
            id: DOMAIN,
            alias: "EXAMPLE".into(),
            endpoint: DirectoryEndpoint::Embedded,
            profile_attribute: "comment".into(),
        });
        config.administrators.push(role(ADMINS));
        config.helpdesk.push(role(HELPDESK));
        let realm = CreateRealm {
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
            config,
        };
        consensus.apply(Action::CreateRealm(Box::new(realm))).unwrap();
        let ports = Ports {
            consensus: consensus.clone(),
            directories: Arc::new(OneDirectory(directory.clone())),
            vault: Arc::new(FakeVault),
            clock: Arc::new(FakeClock),
            entropy: Arc::new(FakeEntropy),
            membership: Arc::new(FakeMembership),
            admission: Arc::new(FakeAdmission),
        };
        Self { consensus, directory, ports }
    }
}
