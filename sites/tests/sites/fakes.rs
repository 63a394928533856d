//! Ports without a cluster or a domain: a consensus of one that applies commands to a real state, a directory in
//! memory, and a vault with a fixed key. Each can be told to fail.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a fake that is wrong must stop the test")]

// Named by path, so that the preview finds them too.
#[path = "fakes/consensus.rs"]
mod consensus;
#[path = "fakes/directory.rs"]
mod directory;
#[path = "fakes/host.rs"]
mod host;
#[path = "fakes/realm.rs"]
mod realm;
#[path = "fakes/verbs.rs"]
mod verbs;

pub(crate) use consensus::{FakeConsensus, Quorum};
pub(crate) use directory::{Controller, FakeDirectory, FakeUser};
pub(crate) use host::{FakeClock, FakeVault};
pub(crate) use realm::{config, policy};

use directory::OneDomain;
use host::{NoVault, RealEntropy};
use passquorum_domain::audit::Actor;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::{Action, Command, CreateRealm, NewNode};
use passquorum_domain::config::ConfigChange;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{ConnectionId, NodeId, PolicyId, RealmId, RequestId};
use passquorum_domain::instance::KeyWrap;
use passquorum_domain::state::State;
use passquorum_domain::time::Timestamp;
use passquorum_domain::workflow::{Activity, WorkflowKind};
use passquorum_sites::gateway::SelfService;
use passquorum_sites::{Hashing, Ports, SiteSettings, Sites};
use realm::user;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use uuid::Uuid;
use verbs::Verbs;

pub(crate) const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(0xc0));
/// Another connection to the same domain, which a configuration may name.
pub(crate) const SECOND: ConnectionId = ConnectionId(Uuid::from_u128(0xc2));
pub(crate) const POLICY: PolicyId = PolicyId(Uuid::from_u128(0xb0));

/// A realm of one node with a few users.
pub(crate) struct World {
    pub(crate) consensus: Arc<FakeConsensus>,
    pub(crate) directory: Arc<FakeDirectory>,
    /// What the other connection shows of it: nobody at first.
    pub(crate) second: Arc<FakeDirectory>,
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
            user(5, "hilda", "Hilda Help", "Hilda-0ld-Secret", &["CN=PQ Helpdesk,DC=example,DC=com"]),
        ];
        Self {
            consensus: Arc::new(FakeConsensus {
                state: Mutex::new(state),
                quorum: Mutex::new(Quorum::Whole),
                behind: Mutex::default(),
            }),
            directory: Arc::new(FakeDirectory::of(users)),
            second: Arc::new(FakeDirectory::of([])),
            clock: Arc::new(FakeClock(AtomicU64::new(at.0))),
            vault: Arc::new(FakeVault(AtomicU64::new(0))),
        }
    }

    /// A realm at the newest feature level, with these steps in *Forgot My Password*.
    pub(crate) fn with_steps(activities: Vec<Activity>) -> Self {
        let world = Self::raised();
        world.set_steps(activities);
        world
    }

    /// Puts these steps into *Forgot My Password*.
    pub(crate) fn set_steps(&self, activities: Vec<Activity>) {
        let mut policy = self.consensus.state().config().unwrap().policies[0].clone();
        let forgot =
            policy.workflows.iter_mut().find(|workflow| workflow.kind == WorkflowKind::ForgotPassword);
        forgot.unwrap().activities = activities;
        self.consensus.configure(ConfigChange::PutPolicy(Box::new(policy)));
    }

    /// A realm at the newest feature level.
    pub(crate) fn raised() -> Self {
        let world = Self::new();
        world.raise();
        world
    }

    /// Raises the realm to the newest feature level.
    pub(crate) fn raise(&self) {
        for from in 1..FeatureLevel::CURRENT.number() {
            let (from, asked) = (FeatureLevel::from(from), vec![NodeId(1)]);
            self.consensus.apply(Action::RaiseLevel { from, to: from.next(), asked }).unwrap();
        }
    }

    pub(crate) fn ports(&self) -> Ports {
        Ports {
            consensus: self.consensus.clone(),
            directories: Arc::new(OneDomain(self.directory.clone(), self.second.clone())),
            vault: self.vault.clone(),
            clock: self.clock.clone(),
            entropy: Arc::new(RealEntropy),
            membership: Arc::new(Verbs),
            admission: Arc::new(Verbs),
            backups: Arc::new(Verbs),
            key_care: Arc::new(Verbs),
            upgrades: Arc::new(Verbs),
        }
    }

    /// The sites of one node of this world; call it twice for two nodes.
    pub(crate) fn node(&self, name: &str) -> axum::Router {
        self.node_for(name, 512)
    }

    /// The sites of one node that answers so many requests of one source at a time.
    pub(crate) fn node_for(&self, name: &str, requests_per_source: usize) -> axum::Router {
        self.sites(name, requests_per_source).router()
    }

    pub(crate) fn sites(&self, name: &str, requests_per_source: usize) -> Sites {
        Sites::new(self.ports(), settings(name, requests_per_source))
    }

    /// The site of a node in the perimeter, whose work is done behind this port.
    pub(crate) fn perimeter(&self, work: Arc<dyn SelfService>) -> axum::Router {
        let ports = Ports { vault: Arc::new(NoVault), ..self.ports() };
        passquorum_sites::perimeter_router(ports, settings("perimeter", 512), work)
    }
}

fn settings(name: &str, requests_per_source: usize) -> SiteSettings {
    let mut settings = SiteSettings::new(name);
    settings.requests_per_source = requests_per_source;
    settings.answer_grid = Duration::ZERO;
    settings.hashing = Hashing::InPlace;
    settings.trusted_proxies = BTreeSet::from([[192, 0, 2, 1].into()]);
    settings
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
