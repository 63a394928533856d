//! Which domain controllers there are, and in what order they are asked: as configured, with those that DNS names in
//! the place of the entry that stands for them; who did not answer when last seen comes last, until it answers.
//!
//! Invariants: one controller is in the list once, and stays the same [`Controller`] as long as it is listed, so that its
//! connections and what is known of it are kept. What a visitor's computer says chooses among controllers that the
//! configuration or the domain's DNS names, and never adds one.

use super::{CONNECTIONS, lock};
use crate::address::{Address, Server};
use crate::connection::Connection;
use crate::names::Names;
use passquorum_domain::directory::ClientController;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How long what DNS said is taken as it is. A change of the domain's controllers is rare.
const LOCATED: Duration = Duration::from_secs(300);
/// How long after an answer that named nobody the next request asks again.
const NOBODY: Duration = Duration::from_secs(2);
/// Controllers that visitors' computers use and nobody lists: so many are kept in touch with, since anyone may name them.
const MOST_VISITED: usize = 16;

/// One domain controller.
pub(crate) struct Controller {
    pub(super) address: Address,
    /// As a user's record remembers it.
    pub(crate) name: String,
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

/// Whom a request is to be put to first, of those that answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Prefer<'a> {
    /// Whoever is listed first.
    Nobody,
    /// The one with this name, as a user's record remembers it.
    This(&'a str),
    /// Whoever is listed first, and the one that the visitor's computer uses where the list says so.
    Client(&'a ClientController),
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
    /// Each with the place of its server entry.
    listed: Vec<(usize, Arc<Controller>)>,
    /// Those of visitors' computers that are not listed.
    visited: Vec<Arc<Controller>>,
    /// What each server entry stood for when it was last known: whoever may be a visitor's, for that one.
    located: Vec<Located>,
    at: Option<Instant>,
    tried: Option<Instant>,
}

enum Located {
    Listed(Vec<Address>),
    Eligible(Vec<Address>),
}

impl Roster {
    pub(super) fn new(servers: Vec<Server>, names: Arc<Names>) -> Self {
        let located = servers
            .iter()
            .map(|server| match server {
                Server::At(address) => Located::Listed(vec![address.clone()]),
                Server::Of { .. }
                | Server::Default { .. }
                | Server::InSite { .. }
                | Server::PrimaryOf { .. } => Located::Listed(Vec::new()),
                Server::Client { .. } => Located::Eligible(Vec::new()),
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
        lock(&self.known).listed.iter().map(|(_, controller)| Arc::clone(controller)).collect()
    }

    /// The same, and those that were turned to for a visitor.
    pub(super) async fn all(&self) -> Vec<Arc<Controller>> {
        let mut all = self.controllers().await;
        all.extend(lock(&self.known).visited.iter().cloned());
        all
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
            is_old || known.listed.iter().all(|(_, controller)| controller.is_unreachable())
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
                Server::Of { domain, site } => self.names.controllers(domain, site.as_ref()).await,
                Server::Default { domain } => self.names.controllers(domain, self.names.site()).await,
                Server::InSite { domain, site } => self.names.of_site(domain, site).await,
                Server::PrimaryOf { domain } => self.names.primary(domain).await,
                Server::Client { domain } => self.names.every_controller(domain).await,
            };
            match found {
                Ok(addresses) => {
                    any = true;
                    match lock(&self.known).located.get_mut(place) {
                        Some(Located::Listed(known) | Located::Eligible(known)) => *known = addresses,
                        None => {}
                    }
                }
                Err(error) => tracing::warn!(%error, "the domain's controllers cannot be looked up"),
            }
        }
        let mut known = lock(&self.known);
        known.list();
        known.tried = Some(Instant::now());
        if any || !known.listed.is_empty() {
            known.at = Some(Instant::now());
        }
    }

    /// In the order to be asked: who is unreachable last, the preferred one where it is to stand.
    pub(super) async fn in_order(&self, prefer: Prefer<'_>) -> Vec<Arc<Controller>> {
        self.controllers().await;
        let mut known = lock(&self.known);
        let mut order = known.listed.clone();
        let preferred = match prefer {
            Prefer::Nobody => None,
            Prefer::This(name) => known.find(|address| address.to_string() == name).map(|found| (0, found)),
            Prefer::Client(client) => known
                .place_of_clients()
                .and_then(|place| Some((place, known.find(|address| client.is(address.host()))?))),
        };
        drop(known);
        if let Some((place, preferred)) = preferred
            && !order.iter().any(|(other, listed)| *other < place && Arc::ptr_eq(listed, &preferred))
        {
            order.retain(|(_, listed)| !Arc::ptr_eq(listed, &preferred));
            let at = order.partition_point(|(other, _)| *other < place);
            order.insert(at, (place, preferred));
        }
        let mut order: Vec<_> = order.into_iter().map(|(_, controller)| controller).collect();
        order.sort_by_cached_key(|controller| controller.is_unreachable());
        order
    }
}

impl Known {
    fn list(&mut self) {
        let mut listed: Vec<(usize, Arc<Controller>)> = Vec::new();
        for (place, located) in self.located.iter().enumerate() {
            let Located::Listed(addresses) = located else { continue };
            for address in addresses {
                if listed.iter().any(|(_, controller)| controller.address.is_at(address)) {
                    continue;
                }
                let mut present = self.listed.iter().map(|(_, controller)| controller).chain(&self.visited);
                let present = present.find(|controller| controller.address == *address);
                listed.push((place, present.map_or_else(|| Controller::new(address.clone()), Arc::clone)));
            }
        }
        let mut visited = std::mem::take(&mut self.visited);
        visited.retain(|controller| {
            let is_listed = listed.iter().any(|(_, listed)| listed.address.is_at(&controller.address));
            !is_listed && self.eligible().any(|address| *address == controller.address)
        });
        (self.listed, self.visited) = (listed, visited);
    }

    fn place_of_clients(&self) -> Option<usize> {
        self.located.iter().position(|located| matches!(located, Located::Eligible(_)))
    }

    fn eligible(&self) -> impl Iterator<Item = &Address> {
        let eligible = self.located.iter().filter_map(|located| match located {
            Located::Eligible(addresses) => Some(addresses),
            Located::Listed(_) => None,
        });
        eligible.flatten()
    }

    /// A controller that is listed, or else may be a visitor's.
    fn find(&mut self, is_it: impl Fn(&Address) -> bool) -> Option<Arc<Controller>> {
        let mut present = self.listed.iter().map(|(_, controller)| controller).chain(&self.visited);
        if let Some(present) = present.find(|controller| is_it(&controller.address)) {
            return Some(Arc::clone(present));
        }
        let address = self.eligible().find(|address| is_it(address))?.clone();
        let controller = Controller::new(address);
        if self.visited.len() >= MOST_VISITED {
            self.visited.remove(0);
        }
        self.visited.push(Arc::clone(&controller));
        Some(controller)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::tests::{Records, name_server, srv};
    use passquorum_domain::directory::{AdSite, DistinguishedName};

    fn roster(servers: &[&str], names: Names) -> Roster {
        let base = DistinguishedName::parse("OU=People,DC=corp,DC=example").unwrap();
        let server = |text: &&str| Server::of_connection(text, &base).unwrap();
        Roster::new(servers.iter().map(server).collect(), Arc::new(names))
    }

    async fn order(roster: &Roster, prefer: Prefer<'_>) -> Vec<String> {
        roster.in_order(prefer).await.iter().map(|controller| controller.name.clone()).collect()
    }

    const ALL: &str = "_ldap._tcp.dc._msdcs.corp.example.";

    fn computer(uses: &str) -> ClientController {
        ClientController::parse(uses).unwrap()
    }

    #[tokio::test]
    async fn the_preferred_controller_comes_first_and_who_does_not_answer_last_until_it_does() {
        let roster = roster(&["ldaps://a", "ldaps://b", "ldaps://c", "ldaps://a"], Names::of_servers(&[]));
        assert_eq!(order(&roster, Prefer::Nobody).await, ["a", "b", "c"]);
        assert_eq!(order(&roster, Prefer::This("b")).await, ["b", "a", "c"]);
        assert_eq!(order(&roster, Prefer::This("elsewhere")).await, ["a", "b", "c"]);
        let second = Arc::clone(&roster.controllers().await[1]);
        second.was_unreachable();
        assert_eq!(order(&roster, Prefer::This("b")).await, ["a", "c", "b"]);
        second.was_reached();
        assert_eq!(order(&roster, Prefer::This("b")).await, ["b", "a", "c"]);
    }

    #[tokio::test]
    async fn what_dns_names_takes_the_place_of_its_entry_and_follows_dns() {
        let records = Records::default();
        records
            .lock()
            .unwrap()
            .insert(ALL, vec![srv(0, 9, "dc1.corp.example."), srv(0, 1, "dc2.corp.example.")]);
        let names = name_server(Arc::clone(&records)).await;
        let roster = roster(&["ldaps://dc2.corp.example", "dns://corp.example", "ldaps://far"], names);
        assert_eq!(order(&roster, Prefer::Nobody).await, ["dc2.corp.example", "dc1.corp.example", "far"]);
        let first = Arc::clone(&roster.controllers().await[0]);

        records.lock().unwrap().insert(ALL, vec![srv(0, 1, "dc3.corp.example.")]);
        roster.refresh().await;
        assert_eq!(
            order(&roster, Prefer::Nobody).await,
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
        assert_eq!(order(&roster, Prefer::Nobody).await, ["dc3.corp.example", "dc2.corp.example", "far"]);

        records.lock().unwrap().clear();
        listed[1].was_unreachable();
        roster.refresh().await;
        assert_eq!(roster.controllers().await.len(), 3, "silence of DNS takes nobody away");
    }

    #[tokio::test]
    async fn those_of_a_site_are_these_and_no_others() {
        let records = Records::default();
        let in_bonn = "_ldap._tcp.bonn._sites.dc._msdcs.corp.example.";
        records.lock().unwrap().extend([
            (ALL, vec![srv(0, 9, "dc1.corp.example."), srv(0, 1, "dc2.corp.example.")]),
            (in_bonn, vec![srv(0, 1, "dc2.corp.example.")]),
        ]);
        let site =
            |name| Server::InSite { domain: "corp.example".to_owned(), site: AdSite::parse(name).unwrap() };
        let names = Arc::new(name_server(records).await);
        let roster = Roster::new(vec![site("Bonn"), site("Berlin")], names);
        assert_eq!(order(&roster, Prefer::Nobody).await, ["dc2.corp.example"]);
    }

    #[tokio::test]
    async fn dns_is_asked_again_by_the_next_request_as_long_as_it_named_nobody() {
        let records = Records::default();
        let names = name_server(Arc::clone(&records)).await;
        let roster = roster(&["dns://corp.example"], names);
        assert!(order(&roster, Prefer::Nobody).await.is_empty());
        records.lock().unwrap().insert(ALL, vec![srv(0, 0, "dc1.corp.example.")]);
        assert!(order(&roster, Prefer::Nobody).await.is_empty(), "who comes right after does not ask again");
        lock(&roster.known).tried = Instant::now().checked_sub(NOBODY);
        assert_eq!(order(&roster, Prefer::Nobody).await, ["dc1.corp.example"]);
    }
    #[tokio::test]
    async fn the_default_are_those_of_the_own_domain_and_of_this_hosts_site_first() {
        let records = Records::default();
        records.lock().unwrap().extend([
            (ALL, vec![srv(0, 9, "dc1.corp.example."), srv(0, 1, "dc2.corp.example.")]),
            ("_ldap._tcp.bonn._sites.dc._msdcs.corp.example.", vec![srv(0, 1, "dc2.corp.example.")]),
        ]);
        let names = || name_server(Arc::clone(&records));
        assert_eq!(
            order(&roster(&["ldaps://far", "default"], names().await), Prefer::Nobody).await,
            ["far", "dc1.corp.example", "dc2.corp.example"]
        );
        let in_bonn = names().await.in_site(Some(AdSite::parse("Bonn").unwrap()));
        assert_eq!(
            order(&roster(&["default"], in_bonn), Prefer::Nobody).await,
            ["dc2.corp.example", "dc1.corp.example"]
        );
    }

    #[tokio::test]
    async fn the_controller_of_the_visitors_computer_stands_where_its_entry_does_if_it_is_known() {
        let records = Records::default();
        records
            .lock()
            .unwrap()
            .insert(ALL, vec![srv(0, 9, "dc1.corp.example."), srv(0, 1, "dc2.corp.example.")]);
        let names = name_server(Arc::clone(&records)).await;
        let roster = roster(&["ldaps://near", "client", "ldaps://far"], names);
        let first = computer("\\\\DC2");
        assert_eq!(order(&roster, Prefer::Nobody).await, ["near", "far"]);
        assert_eq!(order(&roster, Prefer::Client(&first)).await, ["near", "dc2.corp.example", "far"]);
        assert_eq!(order(&roster, Prefer::Client(&computer("far"))).await, ["near", "far"]);
        assert_eq!(order(&roster, Prefer::Client(&computer("near"))).await, ["near", "far"]);
        assert_eq!(order(&roster, Prefer::Nobody).await, ["near", "far"], "no other visitor's");
        // Later steps of the run, here or on another node that was never told of the computer.
        assert_eq!(
            order(&roster, Prefer::This("dc1.corp.example")).await,
            ["dc1.corp.example", "near", "far"]
        );
        let visited = Arc::clone(&roster.in_order(Prefer::Client(&first)).await[1]);
        visited.was_unreachable();
        assert_eq!(order(&roster, Prefer::Client(&first)).await, ["near", "far", "dc2.corp.example"]);
        assert!(roster.all().await.iter().any(|one| Arc::ptr_eq(one, &visited)), "it is tried again");
    }

    #[tokio::test]
    async fn so_many_controllers_as_visitors_may_name_are_not_all_kept_in_touch_with() {
        let targets: Vec<_> =
            (0..MOST_VISITED + 4).map(|number| format!("dc{number}.corp.example.")).collect();
        let records = Records::default();
        records.lock().unwrap().insert(ALL, targets.iter().map(|target| srv(0, 1, target)).collect());
        let names = name_server(Arc::clone(&records)).await;
        let roster = roster(&["client", "ldaps://near"], names);
        for target in &targets {
            let name = target.trim_end_matches('.');
            assert_eq!(order(&roster, Prefer::Client(&computer(name))).await, [name, "near"]);
        }
        assert_eq!(lock(&roster.known).visited.len(), MOST_VISITED);
    }

    #[tokio::test]
    async fn a_name_that_is_no_controllers_or_was_not_asked_for_counts_for_nothing() {
        let records = Records::default();
        records.lock().unwrap().insert(ALL, vec![srv(0, 9, "dc1.corp.example.")]);
        let names = name_server(Arc::clone(&records)).await;
        let asked = roster(&["client", "default"], names);
        let not_asked = roster(&["ldaps://dc1.corp.example", "ldaps://dc2"], Names::of_servers(&[]));
        for name in ["evil.example", "dc1.evil.example", "127.0.0.1", "dc1.corp.example.evil.example", "dc"] {
            assert_eq!(order(&asked, Prefer::Client(&computer(name))).await, ["dc1.corp.example"], "{name}");
            assert!(lock(&asked.known).visited.is_empty(), "{name}");
        }
        assert_eq!(order(&not_asked, Prefer::Client(&computer("dc2"))).await, ["dc1.corp.example", "dc2"]);
    }
}
