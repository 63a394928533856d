//! The sites of each node, wired to the real ports as the node's composition root does. Requests come in as jobs on the
//! node, and die with it.

use super::keys::RealmKeys;
use super::plant::{CountsLate, Plant};
use super::realm::CONNECTION;
use super::witness::Witness;
use crate::directory::Controller;
use crate::ledger::Ledger;
use crate::node;
use async_trait::async_trait;
use axum::Router;
use passquorum_domain::audit::Actor;
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::{Consensus, KeyCare, KeyCareError, VaultError};
use passquorum_domain::qa::HashCost;
use passquorum_domain::time::Timestamp;
use passquorum_node::admission::RealmAdmission;
use passquorum_node::backup::RealmBackups;
use passquorum_node::certifier::RealmCertifier;
use passquorum_sites::{Hashing, Ports, SiteSettings};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The sites of all nodes.
pub(super) struct Sites {
    /// The directory.
    pub(super) controller: Arc<Controller>,
    /// What was seen.
    pub(super) ledger: Arc<Ledger>,
    /// The realm key.
    pub(super) keys: RealmKeys,
    /// A planted bug.
    pub(super) plant: Option<Plant>,
    routers: Mutex<BTreeMap<NodeId, Router>>,
}

/// Keys and certificates stay as they are in a run.
struct NobodyTendsKeys;

#[async_trait]
impl KeyCare for NobodyTendsKeys {
    async fn renew_certificate(&self, _: Actor) -> Result<Timestamp, KeyCareError> {
        Err(VaultError::NoKey.into())
    }

    async fn rotate(&self, _: Actor) -> Result<u32, KeyCareError> {
        Err(VaultError::NoKey.into())
    }

    async fn retire(&self, _: u32, _: Actor) -> Result<(), KeyCareError> {
        Err(VaultError::NoKey.into())
    }
}

impl Sites {
    /// No site runs yet.
    #[must_use]
    pub(super) fn new(
        controller: Arc<Controller>,
        ledger: Arc<Ledger>,
        keys: RealmKeys,
        plant: Option<Plant>,
    ) -> Self {
        Self { controller, ledger, keys, plant, routers: Mutex::default() }
    }

    /// The sites of a node's present process; to be asked on the node itself.
    #[must_use]
    pub(super) fn of(&self, node: NodeId) -> Option<Router> {
        self.routers.lock().unwrap_or_else(PoisonError::into_inner).get(&node).cloned()
    }

    /// Opens the sites of a process that has just started; none without the realm key.
    pub(super) fn open(&self, ports: &node::Ports) {
        let router = self.build(ports).ok();
        let mut routers = self.routers.lock().unwrap_or_else(PoisonError::into_inner);
        routers.remove(&ports.node);
        routers.extend(router.map(|router| (ports.node, router)));
    }

    fn build(&self, ports: &node::Ports) -> Result<Router, VaultError> {
        let keyring = Arc::new(self.keys.ring(&ports.entropy)?);
        let mut consensus: Arc<dyn Consensus> = Arc::clone(&ports.cluster) as _;
        if self.plant == Some(Plant::CountAfterCheck) {
            consensus = Arc::new(CountsLate { inner: consensus });
        }
        let consensus: Arc<dyn Consensus> =
            Arc::new(Witness { inner: consensus, ledger: Arc::clone(&self.ledger) });
        let certifier = Arc::new(RealmCertifier {
            keyring: Arc::clone(&keyring),
            clock: Arc::clone(&ports.clock),
            entropy: Arc::clone(&ports.entropy),
        });
        let admission = Arc::new(RealmAdmission {
            consensus: Arc::clone(&consensus),
            keyring: Arc::clone(&keyring),
            certifier,
            learners: Arc::clone(&ports.cluster) as _,
            clock: Arc::clone(&ports.clock),
            entropy: Arc::clone(&ports.entropy),
        });
        let backups = Arc::new(RealmBackups::new(
            Arc::clone(&ports.cluster),
            Arc::clone(&keyring),
            Arc::clone(&ports.clock),
            Arc::clone(&ports.entropy),
        ));
        let sites = Ports {
            consensus,
            upgrades: Arc::clone(&ports.cluster) as _,
            directories: Arc::new(self.controller.seen_by(ports.node, CONNECTION)),
            vault: keyring,
            clock: Arc::clone(&ports.clock),
            entropy: Arc::clone(&ports.entropy),
            membership: Arc::clone(&ports.cluster) as _,
            admission,
            backups,
            key_care: Arc::new(NobodyTendsKeys),
        };
        let mut settings = SiteSettings::new(format!("node-{}", ports.node));
        settings.hashing = Hashing::InPlace;
        settings.answer_cost = HashCost::LEAST;
        settings.answer_grid = Duration::from_millis(20);
        Ok(passquorum_sites::Sites::new(sites, settings).router())
    }
}
