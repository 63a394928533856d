//! Every page that links lead to, and those of the tasks, looked at by axe-core: on a desktop and on a phone, light and
//! dark. A page that is wider than the phone is a fault too (WCAG 2.2, 1.4.10).

use crate::TURN;
use crate::journey::{screenshots, start_task};
use passquorum_tests::ports;
use passquorum_tests::rig::axe;
use passquorum_tests::rig::browser::{Browser, Colours, Scripts, Viewport};
use passquorum_tests::rig::cluster::{Account, Cluster};
use std::collections::{BTreeMap, BTreeSet};

const LINKS: &str = "return [...document.querySelectorAll('a[href]')]
    .filter((link) => link.origin === location.origin && !link.hasAttribute('download') && !link.hreflang)
    .map((link) => link.pathname + link.search)";
/// What makes a page wider than the window: nothing, or the elements that reach beyond it, outside boxes that scroll.
const OVERHANG: &str = "const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return '';
    return `${scrollWidth - clientWidth} pixels: ` + [...document.body.querySelectorAll('*')]
        .filter((one) => Math.max(one.getBoundingClientRect().right, one.scrollWidth) > clientWidth && !one.closest('.scroll'))
        .map((one) => one.outerHTML.slice(0, 80)).join(' | ')";

/// How pages are looked at.
const LOOKS: [(Viewport, Colours); 3] = [
    (Viewport::Desktop, Colours::Light),
    (Viewport::Desktop, Colours::Dark),
    (Viewport::Phone, Colours::Light),
];

struct Inspector {
    browser: Browser,
    site: String,
    /// What is wrong, and the first page where it is.
    found: BTreeMap<String, String>,
    pages: usize,
}

impl Inspector {
    /// Looks at the page that is open.
    async fn look(&mut self, name: &str) {
        self.pages += 1;
        for (viewport, colours) in LOOKS {
            self.browser.resize(viewport).await.unwrap();
            self.browser.prefer(colours).await.unwrap();
            let mut wrong = axe::violations(&self.browser).await.unwrap();
            let overhang = self.browser.execute(OVERHANG).await.unwrap();
            if overhang != "" {
                wrong.push(format!("wider than the window: {overhang}"));
            }
            for wrong in wrong {
                self.found.entry(wrong).or_insert_with(|| format!("{name}, {viewport:?}, {colours:?}"));
            }
        }
        self.browser.resize(Viewport::Desktop).await.unwrap();
        self.browser.prefer(Colours::Light).await.unwrap();
    }

    /// Looks at every page that links lead to from this one, each kind once.
    async fn walk(&mut self, start: &str) {
        let (mut seen, mut pending) = (BTreeSet::new(), vec![start.to_owned()]);
        while let Some(path) = pending.pop() {
            if !seen.insert(kind(&path)) {
                continue;
            }
            self.browser.open(&format!("{}{path}", self.site)).await.unwrap();
            if self.browser.execute("return document.contentType").await.unwrap() != "text/html" {
                continue;
            }
            self.look(&path).await;
            let links = self.browser.execute(LINKS).await.unwrap();
            let links = links.as_array().unwrap().iter().map(|link| link.as_str().unwrap().to_owned());
            pending.extend(links.filter(|link| link.starts_with(start)));
        }
    }

    async fn sign_in(&mut self, site: &str, account: &Account) {
        self.browser.open(&format!("{}{site}", self.site)).await.unwrap();
        self.look(&format!("{site} before the sign-in")).await;
        self.browser.fill("User name", &account.user).await.unwrap();
        self.browser.fill("Password", "not-the-password-1").await.unwrap();
        self.browser.submit().await.unwrap();
        self.look(&format!("{site} after a wrong password")).await;
        self.browser.open(&format!("{}{site}", self.site)).await.unwrap();
        self.browser.fill("User name", &account.user).await.unwrap();
        self.browser.fill("Password", &account.password).await.unwrap();
        self.browser.submit().await.unwrap();
    }

    /// The Helpdesk site: nobody of that name, and a person.
    async fn help(&mut self, person: &str) {
        self.look("helpdesk, find").await;
        for (name, page) in [("no-such-person", "helpdesk, nobody"), (person, "helpdesk, a person")] {
            self.browser.open(&format!("{}/helpdesk/", self.site)).await.unwrap();
            self.browser.fill("User name", name).await.unwrap();
            self.browser.submit().await.unwrap();
            self.look(page).await;
        }
        self.browser.wait_for_text("Security questions").await.unwrap();
    }

    /// The pages of a forgotten password, with a wrong answer on the way.
    async fn forget(&mut self, alice: &Account) {
        start_task(&self.browser, &self.site, "forgot-password", &alice.user).await;
        let answers = alice.answers.as_object().unwrap().clone();
        for given in [Some("wrong"), None] {
            self.browser.wait_for_text("Answer your security questions").await.unwrap();
            self.look("forgot-password, questions").await;
            for (question, answer) in &answers {
                self.browser.fill(question, given.unwrap_or(answer.as_str().unwrap())).await.unwrap();
            }
            self.browser.submit().await.unwrap();
        }
        self.browser.wait_for_text("Choose a new password").await.unwrap();
        self.look("forgot-password, new password").await;
        self.browser.fill("New password", "short").await.unwrap();
        self.browser.fill("New password again", "other").await.unwrap();
        self.look("forgot-password, a password against the rules").await;
        crate::journey::choose_password(&self.browser, "Access-Passphrase-77").await;
        self.browser.submit().await.unwrap();
        self.browser.wait_for_text("Your password is changed").await.unwrap();
        self.look("forgot-password, done").await;
    }

    async fn register(&mut self, person: &Account) {
        start_task(&self.browser, &self.site, "register", &person.user).await;
        self.browser.wait_for_text("Enter your password").await.unwrap();
        self.look("register, password").await;
        self.browser.fill("Password", &person.password).await.unwrap();
        self.browser.submit().await.unwrap();
        self.browser.wait_for_text("Choose your security questions").await.unwrap();
        self.look("register, questions").await;
        self.browser.submit().await.unwrap();
        self.look("register, nothing given").await;
    }
}

/// A path without what is one thing's own, so that of a hundred records one is looked at.
fn kind(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let own = |part: &&str| part.len() >= 32 || part.parse::<u64>().is_ok();
    let parts: Vec<&str> = path.split('/').map(|part| if own(&part) { "*" } else { part }).collect();
    let names: Vec<&str> = query.split('&').map(|pair| pair.split('=').next().unwrap_or(pair)).collect();
    format!("{}?{}", parts.join("/"), names.join("&"))
}

#[tokio::test]
async fn no_page_has_a_fault_that_axe_finds_and_none_is_wider_than_a_phone() {
    let _turn = TURN.lock().await;
    let dir = tempfile::Builder::new().prefix("passquorum-access-").tempdir().unwrap();
    let cluster = Cluster::demo(dir.path(), ports::block(103).unwrap()).await.unwrap();
    let accounts = cluster.demo_line().unwrap().accounts.clone();
    let person = |name: &str| accounts.iter().find(|account| account.user == name).unwrap().clone();
    let browser = Browser::start(&screenshots(), Viewport::Desktop, Scripts::Allowed).await.unwrap();
    let site = cluster.node(2).unwrap().health.clone();
    let mut inspector = Inspector { browser, site, found: BTreeMap::new(), pages: 0 };

    inspector.walk("/self-service/").await;
    inspector.forget(&person("alice")).await;
    inspector.register(&person("bob")).await;
    inspector.sign_in("/helpdesk/", &person("hugo")).await;
    inspector.help("alice").await;
    inspector.sign_in("/admin/", &person("ada")).await;
    inspector.walk("/admin/").await;

    let Inspector { browser, found, pages, .. } = inspector;
    assert!(pages >= 37, "only {pages} pages were found");
    let told: Vec<String> = found.iter().map(|(wrong, page)| format!("{page}: {wrong}")).collect();
    assert!(told.is_empty(), "{} faults:\n{}", told.len(), told.join("\n"));
    browser.stop().await.unwrap();
    cluster.stop().await.unwrap();
}

#[test]
fn of_pages_that_differ_by_a_number_or_an_id_one_is_looked_at() {
    assert_eq!(kind("/admin/policies/5f0c7a52-0a53-4b54-8a4e-8a3d5d0f8f01/edit"), "/admin/policies/*/edit?");
    assert_eq!(kind("/admin/history/12?from=3&to=4"), "/admin/history/*?from&to");
}
