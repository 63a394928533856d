//! Ports without a cluster or a domain: a consensus of one that applies commands to a real state, a directory in
//! memory, and a vault with a fixed key. Each can be told to fail.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a fake that is wrong must stop the test")]

use async_trait::async_trait;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hmac::{Hmac, Mac};
use passquorum_domain::audit::Actor;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::{Action, Command, CreateRealm, NewNode};
use passquorum_domain::config::*;
use passquorum_domain::directory::*;
use passquorum_domain::ids::*;
use passquorum_domain::instance::{KeyWrap, Role};
use passquorum_domain::lockout::LockoutSettings;
use passquorum_domain::outcome::Outcome;
use passquorum_domain::policy::{ComplexityRule, LengthRule, PasswordRule};
use passquorum_domain::ports::*;
use passquorum_domain::qa::{QaPolicy, Question, QuestionKind};
use passquorum_domain::scope::{RoleScope, UserScope};
use passquorum_domain::secret::Password;
use passquorum_domain::state::State;
use passquorum_domain::time::{Span, Timestamp};
use passquorum_domain::token::ApiScope;
use passquorum_domain::workflow::Workflow;
use passquorum_sites::{Hashing, Ports, SiteSettings};
use sha2::Sha256;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

pub(crate) const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(0xc0));
pub(crate) const POLICY: PolicyId = PolicyId(Uuid::from_u128(0xb0));

/// How the next proposals fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quorum {
    Whole,
    Lost,
    /// Commands are applied, but the answer does not come.
    Silent,
}

pub(crate) struct FakeConsensus {
    state: Mutex<State>,
    quorum: Mutex<Quorum>,
}

impl FakeConsensus {
    pub(crate) fn set_quorum(&self, quorum: Quorum) {
        *lock(&self.quorum) = quorum;
    }

    pub(crate) fn state(&self) -> State {
        lock(&self.state).clone()
    }

    /// Commits a change of the configuration.
    pub(crate) fn configure(&self, change: ConfigChange) {
        let base = self.state().config().unwrap().revision;
        self.apply(Action::ChangeConfig { base, change }).unwrap();
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
            Quorum::Whole => Ok(lock(&self.state).apply(command).outcome),
            Quorum::Lost => Err(ProposeError::NoQuorum),
            Quorum::Silent => {
                lock(&self.state).apply(command);
                Err(ProposeError::Unknown)
            }
        }
    }

    async fn read(&self, consistency: Consistency) -> Result<Arc<State>, ReadError> {
        let whole = *lock(&self.quorum) != Quorum::Lost;
        if whole || consistency == Consistency::Local { Ok(self.local()) } else { Err(ReadError) }
    }

    fn local(&self) -> Arc<State> {
        Arc::new(self.state())
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
        };
        ClusterStatus {
            node: NodeId(1),
            leader: Some(NodeId(1)),
            term: 3,
            revision: self.state().config().map_or(0, |config| config.revision.0),
            quorum: *lock(&self.quorum) == Quorum::Whole,
            members: vec![
                member(1, MemberRole::Voter, true),
                member(2, MemberRole::Voter, false),
                member(3, MemberRole::Learner, false),
            ],
        }
    }
}

/// How the next changing directory call fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Controller {
    Up,
    /// Cannot be reached.
    Down,
    /// Does what is asked, but its answer is lost.
    Mute,
    /// Refuses the next new password as one of the history.
    Remembers,
}

#[derive(Debug, Clone)]
pub(crate) struct FakeUser {
    pub(crate) record: UserRecord,
    pub(crate) password: String,
    pub(crate) groups: Vec<DistinguishedName>,
    pub(crate) profile: Option<Blob>,
}

pub(crate) struct FakeDirectory {
    users: Mutex<BTreeMap<[u8; 16], FakeUser>>,
    controller: Mutex<Controller>,
    /// Changing calls that reached the controller, in order.
    pub(crate) changes: Mutex<Vec<&'static str>>,
}

impl FakeDirectory {
    pub(crate) fn set_controller(&self, controller: Controller) {
        *lock(&self.controller) = controller;
    }

    pub(crate) fn user(&self, account: &str) -> FakeUser {
        lock(&self.users).values().find(|user| user.record.account == account).cloned().unwrap()
    }

    pub(crate) fn edit(&self, account: &str, edit: impl FnOnce(&mut FakeUser)) {
        edit(lock(&self.users).values_mut().find(|user| user.record.account == account).unwrap());
    }

    fn error(operation: &'static str, reason: DirectoryReason, retry: Retry) -> DirectoryError {
        DirectoryError { dc: "dc1.example.com".into(), operation, reason, ad_code: None, retry }
    }

    fn reach(&self, operation: &'static str) -> Result<(), DirectoryError> {
        match *lock(&self.controller) {
            Controller::Down => Err(Self::error(operation, DirectoryReason::Unreachable, Retry::Safe)),
            _ => Ok(()),
        }
    }

    fn change(
        &self,
        operation: &'static str,
        user: &UserRef,
        edit: impl FnOnce(&mut FakeUser) -> Result<(), DirectoryReason>,
    ) -> Result<(), DirectoryError> {
        self.reach(operation)?;
        let refused = |reason| Self::error(operation, reason, Retry::Pointless);
        let mut users = lock(&self.users);
        let user = users.get_mut(&user.guid.0).ok_or_else(|| refused(DirectoryReason::NotFound))?;
        let mut controller = lock(&self.controller);
        if *controller == Controller::Remembers {
            *controller = Controller::Up;
            return Err(refused(DirectoryReason::PasswordPolicy));
        }
        edit(user).map_err(refused)?;
        lock(&self.changes).push(operation);
        match *controller {
            Controller::Mute => Err(Self::error(operation, DirectoryReason::NoAnswer, Retry::Unknown)),
            _ => Ok(()),
        }
    }

    fn get(&self, operation: &'static str, user: &UserRef) -> Result<FakeUser, DirectoryError> {
        self.reach(operation)?;
        let gone = || Self::error(operation, DirectoryReason::NotFound, Retry::Pointless);
        lock(&self.users).get(&user.guid.0).cloned().ok_or_else(gone)
    }
}

#[async_trait]
impl Directory for FakeDirectory {
    async fn find(&self, name: &LoginName) -> Result<Found, DirectoryError> {
        self.reach("find")?;
        let same = |left: &str, right: &str| left.to_lowercase() == right.to_lowercase();
        let matches = |user: &&FakeUser| match name {
            LoginName::Account { account, .. } => same(account, &user.record.account),
            LoginName::Address(address) => {
                [&user.record.upn, &user.record.mail].into_iter().flatten().any(|own| same(own, address))
            }
        };
        let users = lock(&self.users);
        let mut found = users.values().filter(matches);
        Ok(match (found.next(), found.next()) {
            (None, _) => Found::Nobody,
            (Some(user), None) => Found::One(Box::new(user.record.clone())),
            _ => Found::Several,
        })
    }

    async fn read(&self, user: &UserRef) -> Result<UserRecord, DirectoryError> {
        self.get("read", user).map(|user| user.record)
    }

    async fn member_of(
        &self,
        user: &UserRecord,
        groups: &[DistinguishedName],
    ) -> Result<Vec<DistinguishedName>, DirectoryError> {
        let own = self.get("member of", &user.user)?.groups;
        Ok(groups.iter().filter(|group| own.contains(group)).cloned().collect())
    }

    async fn check_password(
        &self,
        user: &UserRecord,
        password: &Password,
    ) -> Result<PasswordCheck, DirectoryError> {
        let user = self.get("check password", &user.user)?;
        Ok(if user.record.status.locked {
            PasswordCheck::Barred(BarredReason::Locked)
        } else if user.password == password.expose() {
            PasswordCheck::Right
        } else {
            PasswordCheck::Wrong
        })
    }

    async fn reset_password(
        &self,
        user: &UserRef,
        new: &Password,
        options: ResetOptions,
    ) -> Result<(), DirectoryError> {
        self.change("reset password", user, |user| {
            user.password = new.expose().to_owned();
            user.record.status.locked &= !options.unlock;
            user.record.status.must_change_password = options.must_change;
            Ok(())
        })
    }

    async fn change_password(
        &self,
        user: &UserRef,
        old: &Password,
        new: &Password,
    ) -> Result<(), DirectoryError> {
        self.change("change password", user, |user| {
            if user.password != old.expose() {
                return Err(DirectoryReason::WrongPassword);
            }
            user.password = new.expose().to_owned();
            Ok(())
        })
    }

    async fn unlock(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.change("unlock", user, |user| {
            user.record.status.locked = false;
            Ok(())
        })
    }

    async fn set_must_change(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.change("must change", user, |user| {
            user.record.status.must_change_password = true;
            Ok(())
        })
    }

    async fn password_rules(&self, _: &UserRef) -> Result<DomainPasswordRules, DirectoryError> {
        self.reach("password rules")?;
        Ok(DomainPasswordRules { source: RulesSource::Domain, min_length: 10, complexity: true, history: 24 })
    }

    async fn read_profile(&self, user: &UserRef) -> Result<Option<Blob>, DirectoryError> {
        self.get("read profile", user).map(|user| user.profile)
    }

    async fn write_profile(
        &self,
        user: &UserRef,
        expected: Option<&Blob>,
        new: Option<&Blob>,
    ) -> Result<(), DirectoryError> {
        self.change("write profile", user, |user| {
            if user.profile.as_ref() != expected {
                return Err(DirectoryReason::Changed);
            }
            user.profile = new.cloned();
            Ok(())
        })
    }

    async fn check(&self) -> Result<(), DirectoryError> {
        self.reach("check")
    }
}

struct OneDirectory(Arc<FakeDirectory>);

#[async_trait]
impl Directories for OneDirectory {
    async fn open(&self, connection: ConnectionId) -> Result<Arc<dyn Directory>, DirectoryError> {
        if connection == CONNECTION {
            return Ok(self.0.clone());
        }
        Err(FakeDirectory::error("open", DirectoryReason::NotFound, Retry::Pointless))
    }
}

/// A fixed key; nonces count up.
pub(crate) struct FakeVault(AtomicU64);

impl FakeVault {
    fn bound(purpose: Purpose, context: &[u8]) -> Vec<u8> {
        [format!("{purpose:?}|").as_bytes(), context].concat()
    }
}

impl Vault for FakeVault {
    fn seal(&self, purpose: Purpose, context: &[u8], clear: &[u8]) -> Result<Sealed, VaultError> {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let payload = Payload { msg: clear, aad: &Self::bound(purpose, context) };
        let cipher = ChaCha20Poly1305::new(&[7; 32].into());
        let text = cipher.encrypt(Nonce::from_slice(&nonce), payload).unwrap();
        Ok(Sealed(Blob::from([nonce.as_slice(), &text].concat())))
    }

    fn open(
        &self,
        purpose: Purpose,
        context: &[u8],
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (nonce, text) = sealed.0.as_bytes().split_at_checked(12).ok_or(VaultError::DoesNotOpen)?;
        let payload = Payload { msg: text, aad: &Self::bound(purpose, context) };
        let clear = ChaCha20Poly1305::new(&[7; 32].into()).decrypt(Nonce::from_slice(nonce), payload);
        clear.map(Zeroizing::new).map_err(|_| VaultError::DoesNotOpen)
    }

    fn keyed_hash(&self, purpose: Purpose, data: &[u8]) -> Result<KeyedHash, VaultError> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&[9; 32]).unwrap();
        mac.update(&Self::bound(purpose, data));
        Ok(KeyedHash(mac.finalize().into_bytes().into()))
    }
}

/// A clock that stands until it is moved.
pub(crate) struct FakeClock(AtomicU64);

impl FakeClock {
    pub(crate) fn forward(&self, span: Span) {
        self.0.fetch_add(span.0, Ordering::Relaxed);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

struct RealEntropy;

impl Entropy for RealEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(16) {
            chunk.copy_from_slice(&Uuid::new_v4().as_bytes()[..chunk.len()]);
        }
    }
}

/// Membership and admission that refuse everything.
struct Refusing;

#[async_trait]
impl Membership for Refusing {
    async fn promote(&self, node: NodeId) -> Result<(), MembershipError> {
        Err(MembershipError::NoSuchNode(node))
    }

    async fn remove(&self, node: NodeId) -> Result<(), MembershipError> {
        Err(MembershipError::NoSuchNode(node))
    }

    async fn transfer_leader(&self, to: Option<NodeId>) -> Result<NodeId, MembershipError> {
        Err(MembershipError::NoSuchNode(to.unwrap_or(NodeId(0))))
    }
}

#[async_trait]
impl Admission for Refusing {
    async fn admit(&self, _: JoinRequest) -> Result<JoinGrant, AdmissionError> {
        Err(AdmissionError::TokenInvalid)
    }

    async fn create_join_token(&self, _: Actor, _: Role, _: Span) -> Result<String, AdmissionError> {
        Err(AdmissionError::TokenInvalid)
    }

    async fn create_api_token(
        &self,
        _: Actor,
        _: &str,
        _: BTreeSet<ApiScope>,
        _: Option<Span>,
    ) -> Result<String, AdmissionError> {
        Err(AdmissionError::TokenInvalid)
    }
}

/// A realm of one node with a few users.
pub(crate) struct World {
    pub(crate) consensus: Arc<FakeConsensus>,
    pub(crate) directory: Arc<FakeDirectory>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) vault: Arc<FakeVault>,
}

impl World {
    pub(crate) fn new() -> Self {
        let at = Timestamp(1_790_000_000_000);
        let mut state = State::default();
        let create = CreateRealm {
            realm: RealmId(Uuid::from_u128(1)),
            authority: String::new(),
            authority_key: Sealed(Blob::from(&b""[..])),
            first: NewNode {
                name: "node-1".into(),
                cluster_address: "127.0.0.1:1".into(),
                site_url: "https://node-1.example.com".into(),
                wrap_key: [0; 32],
            },
            wrap: KeyWrap { generation: 1, wrapped: Blob::from(&b""[..]) },
            config: config(),
        };
        let request = RequestId::Internal(Uuid::from_u128(1));
        let action = Action::CreateRealm(Box::new(create));
        let command = Command { request, at, actor: Actor::Realm, detail: None, action };
        state.apply(command).outcome.unwrap();
        let users = [
            user(1, "alice", "Alice Ames", "Alice-0ld-Secret", &["CN=Staff,DC=example,DC=com"]),
            user(2, "bob", "Bob Burns", "Bob-0ld-Secret", &["CN=Staff,DC=example,DC=com"]),
            user(3, "olga", "Olga Outside", "Olga-0ld-Secret", &[]),
            user(
                4,
                "root",
                "Rita Root",
                "Rita-0ld-Secret",
                &["CN=Staff,DC=example,DC=com", "CN=PQ Admins,DC=example,DC=com"],
            ),
        ];
        let directory = FakeDirectory {
            users: Mutex::new(users.into_iter().map(|user| (user.record.user.guid.0, user)).collect()),
            controller: Mutex::new(Controller::Up),
            changes: Mutex::new(Vec::new()),
        };
        Self {
            consensus: Arc::new(FakeConsensus {
                state: Mutex::new(state),
                quorum: Mutex::new(Quorum::Whole),
            }),
            directory: Arc::new(directory),
            clock: Arc::new(FakeClock(AtomicU64::new(at.0))),
            vault: Arc::new(FakeVault(AtomicU64::new(0))),
        }
    }

    pub(crate) fn ports(&self) -> Ports {
        Ports {
            consensus: self.consensus.clone(),
            directories: Arc::new(OneDirectory(self.directory.clone())),
            vault: self.vault.clone(),
            clock: self.clock.clone(),
            entropy: Arc::new(RealEntropy),
            membership: Arc::new(Refusing),
            admission: Arc::new(Refusing),
        }
    }

    /// The sites of one node of this world; call it twice for two nodes.
    pub(crate) fn node(&self, name: &str) -> axum::Router {
        let mut settings = SiteSettings::new(name);
        settings.answer_grid = Duration::ZERO;
        settings.hashing = Hashing::InPlace;
        settings.trusted_proxies = BTreeSet::from([[192, 0, 2, 1].into()]);
        passquorum_sites::router(self.ports(), settings)
    }
}

fn dn(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).unwrap()
}

fn user(number: u8, account: &str, display_name: &str, password: &str, groups: &[&str]) -> FakeUser {
    FakeUser {
        record: UserRecord {
            user: UserRef {
                connection: CONNECTION,
                guid: ObjectGuid([number; 16]),
                dc: "dc1.example.com".into(),
            },
            dn: dn(&format!("CN={display_name},OU=Users,DC=example,DC=com")),
            account: account.into(),
            upn: Some(format!("{account}@example.com")),
            display_name: display_name.into(),
            mail: None,
            status: AccountStatus::default(),
        },
        password: password.into(),
        groups: groups.iter().map(|group| dn(group)).collect(),
        profile: None,
    }
}

/// The configuration of the realm.
pub(crate) fn config() -> RealmConfig {
    let mut config = RealmConfig::empty();
    config.general.organisation = "Example Works".into();
    config.connections.push(DomainConnection {
        id: CONNECTION,
        alias: "EXAMPLE".into(),
        endpoint: DirectoryEndpoint::Embedded,
        profile_attribute: "comment".into(),
    });
    config
        .administrators
        .push(RoleScope { connection: CONNECTION, group: dn("CN=PQ Admins,DC=example,DC=com") });
    config.policies.push(policy());
    config
}

pub(crate) fn policy() -> ManagementPolicy {
    let question = |number, kind, text: &str| Question {
        id: QuestionId(Uuid::from_u128(number)),
        kind,
        text: text.into(),
    };
    let mut number = 100_u128;
    ManagementPolicy {
        id: POLICY,
        name: "Everyone".into(),
        scope: vec![UserScope {
            connection: CONNECTION,
            allowed_groups: vec![dn("CN=Staff,DC=example,DC=com")],
            allowed_ous: vec![],
            denied_groups: vec![],
            denied_ous: vec![],
        }],
        qa: QaPolicy {
            questions: vec![
                question(1, QuestionKind::Mandatory, "Which town were you born in?"),
                question(2, QuestionKind::Mandatory, "What was your first school called?"),
                question(3, QuestionKind::Optional, "What was your first pet called?"),
                question(4, QuestionKind::Optional, "Which film did you see first in a cinema?"),
            ],
            optional_to_register: 1,
            user_defined_to_register: 1,
            min_question_length: 10,
            min_answer_length: 3,
            reject_same_answer: true,
            reject_answer_in_question: true,
        },
        lockout: LockoutSettings {
            threshold: 5,
            duration: Span::minutes(15),
            reset_after: Span::minutes(15),
        },
        password_rules: vec![
            PasswordRule::Length(LengthRule { min: 8, max: 64 }),
            PasswordRule::Complexity(ComplexityRule { min_kinds: 2, forbid_names: false }),
        ],
        workflows: Workflow::defaults(|| {
            number += 1;
            WorkflowId(Uuid::from_u128(number))
        }),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
