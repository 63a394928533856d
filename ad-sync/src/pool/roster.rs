//! Which domain controllers there are, and in what order they are asked: as configured, with those that DNS names in
//! the place of the entry that stands for them; who did not answer when last seen comes last, until it answers.
//!
//! Invariant: one controller is in the list once, and stays the same [`Controller`] as long as it is listed, so that its
//! connections and what is known of it are kept.

use super::{CONNECTIONS, lock};
use crate::address::{Address, Server};
use crate::connection::Connection;
use crate::names::Names;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How long what DNS said is taken as it is. A change of the domain's controllers is rare.
const LOCATED: Duration = Duration::from_secs(300);
/// How long after an answer that named nobody the next request asks again.
const NOBODY: Duration = Duration::from_secs(2);

/// One domain controller.
pub(crate) struct Controller {
    pub(super) address: Address,
    /// As a user's record remembers it.
    pub(super) name: String,
    pub(super) permits: Semaphore,
    pub(super) state: Mutex<ControllerState>,
}

#[derive(Default)]
pub(super) struct ControllerState {
    pub(super) idle: Vec<(Instant, Connection)>,
    pub(super) unreachable_since: Option<Instant>,
}

impl Controller {
    fn new(address: Address) -> Arc<Self> {
        let name = address.to_string();
        Arc::new(Self { address, name, permits: Semaphore::new(CONNECTIONS), state: Mutex::default() })
    }

    pub(super) fn is_unreachable(&self) -> bool {
        lock(&self.state).unreachable_since.is_some()
    }

    pub(super) fn was_unreachable(&self) {
        let mut state = lock(&self.state);
        state.idle.clear();
        state.unreachable_since.get_or_insert_with(Instant::now);
    }

    pub(super) fn was_reached(&self) {
        lock(&self.state).unreachable_since = None;
    }
}

/// The list.
pub(super) struct Roster {
    servers: Vec<Server>,
    names: Arc<Names>,
    known: Mutex<Known>,
    /// Held while DNS is asked, so that it is asked once.
    locating: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    controllers: Vec<Arc<Controller>>,
    /// What each server entry stood for when it was last known.
    located: Vec<Vec<Address>>,
    at: Option<Instant>,
    tried: Option<Instant>,
}

impl Roster {
    pub(super) fn new(servers: Vec<Server>, names: Arc<Names>) -> Self {
        let located = servers
            .iter()
            .map(|server| match server {
                Server::At(address) => vec![address.clone()],
                Server::Of { .. } | Server::PrimaryOf { .. } => Vec::new(),
            })
            .collect();
        let mut known = Known { located, ..Known::default() };
        known.list();
        if servers.iter().all(|server| matches!(server, Server::At(_))) {
            known.at = Some(Instant::now());
        }
        Self { servers, names, known: Mutex::new(known), locating: tokio::sync::Mutex::default() }
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// The controllers; DNS is asked first as long as it named nobody, once for all who wait.
    pub(super) async fn controllers(&self) -> Vec<Arc<Controller>> {
        if self.is_unknown() {
            let _turn = self.locating.lock().await;
            if self.is_unknown() {
                self.locate().await;
            }
        }
        lock(&self.known).controllers.clone()
    }

    fn is_unknown(&self) -> bool {
        let known = lock(&self.known);
        known.at.is_none() && known.tried.is_none_or(|tried| tried.elapsed() >= NOBODY)
    }

    /// Asks DNS again when it is time to, or when no controller is reached.
    pub(super) async fn refresh(&self) {
        let is_due = {
            let known = lock(&self.known);
            let is_old = known.at.is_none_or(|at| at.elapsed() >= LOCATED);
            is_old || known.controllers.iter().all(|controller| controller.is_unreachable())
        };
        if is_due {
            let _turn = self.locating.lock().await;
            self.locate().await;
        }
    }

    /// What DNS does not say now stays as it was known before.
    async fn locate(&self) {
        let mut any = false;
        for (place, server) in self.servers.iter().enumerate() {
            let found = match server {
                Server::At(_) => continue,
                Server::Of { domain, site } => self.names.controllers(domain, site.as_deref()).await,
                Server::PrimaryOf { domain } => self.names.primary(domain).await,
            };
            match found {
                Ok(addresses) => {
                    any = true;
                    if let Some(located) = lock(&self.known).located.get_mut(place) {
                        *located = addresses;
                    }
                }
                Err(error) => tracing::warn!(%error, "the domain's controllers cannot be looked up"),
            }
        }
        let mut known = lock(&self.known);
        known.list();
        known.tried = Some(Instant::now());
        if any || !known.controllers.is_empty() {
            known.at = Some(Instant::now());
        }
    }

    /// In the order to be asked: who is unreachable last, the preferred one before the others.
    pub(super) async fn in_order(&self, preferred: Option<&str>) -> Vec<Arc<Controller>> {
        let mut order = self.controllers().await;
        order.sort_by_cached_key(|controller| {
            (controller.is_unreachable(), preferred != Some(controller.name.as_str()))
        });
        order
    }
}

impl Known {
    fn list(&mut self) {
        let mut listed: Vec<Arc<Controller>> = Vec::new();
        for address in self.located.iter().flatten() {
            if listed.iter().any(|controller| controller.address.is_at(address)) {
                continue;
            }
            let present = self.controllers.iter().find(|controller| controller.address == *address);
            listed.push(present.map_or_else(|| Controller::new(address.clone()), Arc::clone));
        }
        self.controllers = listed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::tests::{Records, name_server, srv};

    fn roster(servers: &[&str], names: Names) -> Roster {
        Roster::new(servers.iter().map(|server| Server::parse(server).unwrap()).collect(), Arc::new(names))
    }

    async fn order(roster: &Roster, preferred: Option<&str>) -> Vec<String> {
        roster.in_order(preferred).await.iter().map(|controller| controller.name.clone()).collect()
    }

    #[tokio::test]
    async fn the_preferred_controller_comes_first_and_who_does_not_answer_last_until_it_does() {
        let roster = roster(&["ldaps://a", "ldaps://b", "ldaps://c", "ldaps://a"], Names::of_servers(&[]));
        assert_eq!(order(&roster, None).await, ["a", "b", "c"]);
        assert_eq!(order(&roster, Some("b")).await, ["b", "a", "c"]);
        assert_eq!(order(&roster, Some("elsewhere")).await, ["a", "b", "c"]);
        let second = Arc::clone(&roster.controllers().await[1]);
        second.was_unreachable();
        assert_eq!(order(&roster, Some("b")).await, ["a", "c", "b"]);
        second.was_reached();
        assert_eq!(order(&roster, Some("b")).await, ["b", "a", "c"]);
    }

    #[tokio::test]
    async fn what_dns_names_takes_the_place_of_its_entry_and_follows_dns() {
        const ALL: &str = "_ldap._tcp.dc._msdcs.corp.example.";
        let records = Records::default();
        records
            .lock()
            .unwrap()
            .insert(ALL, vec![srv(0, 9, "dc1.corp.example."), srv(0, 1, "dc2.corp.example.")]);
        let names = name_server(Arc::clone(&records)).await;
        let roster = roster(&["ldaps://dc2.corp.example", "dns://corp.example", "ldaps://far"], names);
        assert_eq!(order(&roster, None).await, ["dc2.corp.example", "dc1.corp.example", "far"]);
        let first = Arc::clone(&roster.controllers().await[0]);

        records.lock().unwrap().insert(ALL, vec![srv(0, 1, "dc3.corp.example.")]);
        roster.refresh().await;
        assert_eq!(
            order(&roster, None).await,
            ["dc2.corp.example", "dc1.corp.example", "far"],
            "not yet due"
        );
        for controller in roster.controllers().await {
            controller.was_unreachable();
        }
        roster.refresh().await;
        let listed = roster.controllers().await;
        assert_eq!(listed[1].name, "dc3.corp.example");
        assert!(Arc::ptr_eq(&listed[0], &first), "who stays is the same");
        assert_eq!(order(&roster, None).await, ["dc3.corp.example", "dc2.corp.example", "far"]);

        records.lock().unwrap().clear();
        listed[1].was_unreachable();
        roster.refresh().await;
        assert_eq!(roster.controllers().await.len(), 3, "silence of DNS takes nobody away");
    }

    #[tokio::test]
    async fn dns_is_asked_again_by_the_next_request_as_long_as_it_named_nobody() {
        let records = Records::default();
        let names = name_server(Arc::clone(&records)).await;
        let roster = roster(&["dns://corp.example"], names);
        assert!(order(&roster, None).await.is_empty());
        records
            .lock()
            .unwrap()
            .insert("_ldap._tcp.dc._msdcs.corp.example.", vec![srv(0, 0, "dc1.corp.example.")]);
        assert!(order(&roster, None).await.is_empty(), "who comes right after does not ask again");
        lock(&roster.known).tried = Instant::now().checked_sub(NOBODY);
        assert_eq!(order(&roster, None).await, ["dc1.corp.example"]);
    }
}
