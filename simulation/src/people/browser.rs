//! A browser without JavaScript: it keeps cookies, follows redirects, and sends each request to some node, as a load
//! balancer does. Requests and answers can be lost on the way.

use super::form::{Form, Page};
use super::sites::Sites;
use crate::ledger::MARK;
use crate::node::SimulatedNode;
use crate::stage::{Act, Stage};
use axum::body::Body;
use axum::response::Response;
use http::{Method, Request, header};
use http_body_util::BodyExt as _;
use passquorum_sites::PeerAddress;
use rand::Rng as _;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

/// A person waits so long for a page.
const PATIENCE: Duration = Duration::from_secs(12);
/// How likely a request, or an answer, is lost while there are faults.
const LOST: f64 = 0.02;

/// A browser.
pub(super) struct Browser {
    stage: Arc<Stage>,
    sites: Arc<Sites>,
    /// Its own choices.
    pub(super) rng: SmallRng,
    /// Its cookies.
    pub(super) cookies: BTreeMap<String, String>,
    address: IpAddr,
    /// Whether every request goes to another node.
    roams: bool,
    at: Option<Arc<SimulatedNode>>,
}

/// What came of a request.
#[derive(Debug)]
pub(super) struct Reply {
    /// The page at the end.
    pub(super) page: Page,
    /// Whether it was reached by a redirect.
    pub(super) redirected: bool,
}

type Whole = (u16, http::HeaderMap, Vec<u8>);

impl Browser {
    /// A browser that has been nowhere.
    #[must_use]
    pub(super) fn new(stage: &Arc<Stage>, sites: &Arc<Sites>) -> Self {
        let mut rng = stage.generator();
        let address = IpAddr::V4(Ipv4Addr::new(10, rng.r#gen(), rng.r#gen(), rng.r#gen()));
        let (stage, sites) = (Arc::clone(stage), Arc::clone(sites));
        Self { stage, sites, roams: rng.r#gen(), rng, cookies: BTreeMap::new(), address, at: None }
    }

    /// Opens a page.
    pub(super) async fn get(&mut self, path: &str) -> Option<Reply> {
        self.follow(Method::GET, path, String::new()).await
    }

    /// Sends a form.
    pub(super) async fn post(&mut self, form: &Form) -> Option<Reply> {
        self.follow(Method::POST, &form.action, form.encoded()).await
    }

    async fn follow(&mut self, method: Method, path: &str, body: String) -> Option<Reply> {
        let (mut method, mut path, mut body) = (method, path.to_owned(), body);
        let mut redirected = false;
        for _ in 0..6 {
            let Some((status, headers, bytes)) = self.send(method.clone(), &path, body.clone()).await else {
                // A page that is only read is asked for again.
                if !redirected {
                    return None;
                }
                sleep(Duration::from_millis(100)).await;
                continue;
            };
            let location = headers.get(header::LOCATION).and_then(|to| to.to_str().ok());
            match location.filter(|_| (300..400).contains(&status)) {
                Some(to) => {
                    (method, path, body, redirected) = (Method::GET, to.to_owned(), String::new(), true);
                }
                None => {
                    let html = String::from_utf8_lossy(&bytes).into_owned();
                    return Some(Reply { page: Page { status, html }, redirected });
                }
            }
        }
        None
    }

    async fn send(&mut self, method: Method, path: &str, body: String) -> Option<Whole> {
        let loses = self.stage.act() == Act::Faults;
        if loses && self.rng.gen_bool(LOST) {
            sleep(Duration::from_millis(500)).await;
            return None;
        }
        let node = self.pick()?;
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, cookies.join("; "))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .extension(PeerAddress(self.address))
            .body(Body::from(body))
            .ok()?;
        let sites = Arc::clone(&self.sites);
        let answer = node
            .ask(move |ports| async move { whole(sites.of(ports.node)?.oneshot(request).await.ok()?).await });
        let lost = loses && self.rng.gen_bool(LOST);
        let whole = timeout(PATIENCE, answer).await.ok().and_then(Result::ok).flatten();
        let Some(whole) = whole.filter(|_| !lost) else {
            self.at = None;
            return None;
        };
        for cookie in whole.1.get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()) {
            if let Some((name, rest)) = cookie.split_once('=') {
                let value = rest.split(';').next().unwrap_or("");
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if contains(&whole.2, MARK.as_bytes()) {
            self.stage.surroundings.watch.breaks(crate::invariant::Broken::new(
                "no-secret-at-rest",
                format!("the page {path} shows a secret that was typed"),
            ));
        }
        Some(whole)
    }

    /// The node for a request: a running one that holds keys.
    fn pick(&mut self) -> Option<Arc<SimulatedNode>> {
        if let Some(node) = self.at.as_ref().filter(|node| node.is_up() && !self.roams) {
            return Some(Arc::clone(node));
        }
        let serves = |node: &Arc<SimulatedNode>| node.is_up() && node.role.holds_keys();
        let nodes: Vec<_> = self.stage.nodes().into_iter().filter(serves).collect();
        self.at = nodes.choose(&mut self.rng).cloned();
        self.at.clone()
    }
}

async fn whole(response: Response) -> Option<Whole> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.ok()?.to_bytes().to_vec();
    Some((parts.status.as_u16(), parts.headers, bytes))
}

/// Whether a text holds another.
fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
