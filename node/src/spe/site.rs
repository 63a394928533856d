//! One URL: the way there, where it leads, whose page it is, and who answers when it is asked again.

use super::connect::{Net, Notes, Problem, Way};
use super::proxy;
use super::report::{Fault, Report, Stage};
use super::settings::ProxySettings;
use super::target::Target;
use bytes::Bytes;
use http::{Response, StatusCode, header};
use std::collections::{BTreeMap, BTreeSet};

/// How often a client follows a redirect.
const HOPS: usize = 5;
/// How often the page is asked for again, at least.
const ROUNDS: usize = 6;
/// However many nodes there are said to be.
const MOST_ROUNDS: usize = 24;
/// What our pages say in their heads.
const OURS: &str = "<meta name=\"application-name\" content=\"passquorum\">";
const NODE: &str = "<meta name=\"passquorum-node\" content=\"";
/// How our page offers the task.
const TASK: &str = "/start/forgot-password\"";
/// The load balancer's own page, when no node answers.
const NO_NODE: &str = "PQ-NO-NODE";

/// Walks to the page. `nodes` are those that are said to serve this URL. Whether a client gets on.
pub(super) async fn walk(
    url: &str,
    settings: Option<&ProxySettings>,
    nodes: &BTreeSet<String>,
    net: &Net,
    report: &mut Report,
) -> bool {
    let Some(target) = Target::parse(url) else {
        report.wrong(Stage::Choice, Some(url), Fault::UrlInvalid, "it is not the URL of a web site");
        return false;
    };
    if !target.is_tls {
        report.doubtful(
            Stage::Choice,
            Some(url),
            Fault::UrlInClear,
            "what is typed there can be read on its way",
        );
    }
    let mut last = None;
    for way in proxy::ways(settings, &target, net, report).await {
        match arrive(&target, &way, net, report).await {
            Ok((page, at)) => return judge(&page, &at, &way, nodes, net, report).await,
            Err(problem) => {
                // A client turns to the next way only when the proxy itself is not there.
                let ends = problem.fault != Fault::ProxyUnreachable;
                let Problem { stage, fault, saw } = problem;
                if ends {
                    report.wrong(stage, Some(url), fault, saw);
                    return false;
                }
                last = Some((stage, fault, saw));
            }
        }
    }
    if let Some((stage, fault, saw)) = last {
        report.wrong(stage, Some(url), fault, saw);
    }
    false
}

/// Follows redirects to a page.
async fn arrive(
    target: &Target,
    way: &Way,
    net: &Net,
    report: &mut Report,
) -> Result<(Response<Bytes>, Target), Problem> {
    let mut at = target.clone();
    for hop in 0..=HOPS {
        let about = at.to_string();
        let mut notes = Notes::new();
        let answer = net.get(&at, way, &mut notes).await;
        // Later hops go the same way.
        if hop == 0 || answer.is_err() {
            for (stage, saw) in notes {
                report.good(stage, Some(&about), saw);
            }
        }
        let answer = answer?;
        if !answer.status().is_redirection() {
            return Ok((answer, at));
        }
        let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let next = location.and_then(|location| at.follow(location));
        let problem = |fault, saw| Problem { stage: Stage::Redirects, fault, saw };
        let Some(next) = next else {
            return Err(problem(Fault::RedirectElsewhere, format!("{} leads nowhere", answer.status())));
        };
        if !at.is_same_host(&next) {
            return Err(problem(Fault::RedirectElsewhere, format!("{} leads to {next}", answer.status())));
        }
        report.good(Stage::Redirects, Some(&about), format!("{} leads to {next}", answer.status()));
        at = next;
    }
    let saw = format!("it leads on more than {HOPS} times");
    Err(Problem { stage: Stage::Redirects, fault: Fault::RedirectLoop, saw })
}

/// What a page is.
enum Kind {
    /// Ours, of the node with this id.
    Ours {
        node: String,
        offers: bool,
    },
    /// Ours, or the load balancer's, and it cannot serve.
    NotNow(Fault, String),
    Stranger(String),
}

fn kind(page: &Response<Bytes>) -> Kind {
    let text = String::from_utf8_lossy(page.body());
    if text.contains(NO_NODE) {
        return Kind::NotNow(
            Fault::NoNodeBehind,
            format!("{}: the load balancer reaches no node", page.status()),
        );
    }
    if !text.contains(OURS) {
        let title = between(&text, "<title>", "</title>").unwrap_or("no title");
        return Kind::Stranger(format!("{} {:?}: not a page of this product", page.status(), title.trim()));
    }
    if page.status() != StatusCode::OK {
        let code = between(&text, "<code>", "</code>").unwrap_or("no code");
        return Kind::NotNow(Fault::SiteNotReady, format!("{} with {code}", page.status()));
    }
    let node = between(&text, NODE, "\"").unwrap_or("?").to_owned();
    Kind::Ours { node, offers: text.contains(TASK) }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

async fn judge(
    page: &Response<Bytes>,
    at: &Target,
    way: &Way,
    nodes: &BTreeSet<String>,
    net: &Net,
    report: &mut Report,
) -> bool {
    let url = at.to_string();
    let about = Some(url.as_str());
    match kind(page) {
        Kind::NotNow(fault, saw) => report.wrong(Stage::Page, about, fault, saw),
        Kind::Stranger(saw) => report.wrong(Stage::Page, about, Fault::Stranger, saw),
        Kind::Ours { offers: false, node } => {
            let saw = format!("the page of node {node}, which does not offer Forgot My Password");
            report.wrong(Stage::Page, about, Fault::TaskMissing, saw);
        }
        Kind::Ours { offers: true, node } => {
            report.good(
                Stage::Page,
                about,
                format!("the page of node {node}, which offers Forgot My Password"),
            );
            ask_again(page, at, way, nodes, net, report).await;
            report.url = Some(url);
            return true;
        }
    }
    false
}

/// Who stands behind the URL: each question on a connection of its own.
async fn ask_again(
    first: &Response<Bytes>,
    at: &Target,
    way: &Way,
    nodes: &BTreeSet<String>,
    net: &Net,
    report: &mut Report,
) {
    let url = at.to_string();
    let about = Some(url.as_str());
    let mut answered: BTreeMap<String, usize> = BTreeMap::new();
    let mut failed = Vec::new();
    let rounds = nodes.len().saturating_mul(2).clamp(ROUNDS, MOST_ROUNDS);
    for _ in 0..rounds {
        match net.get(at, way, &mut Notes::new()).await {
            Ok(page) => match kind(&page) {
                Kind::Ours { node, .. } => {
                    let count = answered.entry(node).or_default();
                    *count = count.saturating_add(1);
                }
                Kind::NotNow(_, saw) | Kind::Stranger(saw) => failed.push(saw),
            },
            Err(problem) => failed.push(problem.saw),
        }
    }
    let who: Vec<_> = answered.iter().map(|(node, count)| format!("node {node} {count} times")).collect();
    let mut saw = format!("asked {rounds} times more: {}", who.join(", "));
    let cookies = first.headers().get_all(header::SET_COOKIE).iter();
    let sticky: Vec<_> = cookies
        .filter_map(|cookie| Some(cookie.to_str().ok()?.split_once('=')?.0))
        .filter(|name| !name.starts_with("__Host-pq-"))
        .collect();
    saw.push_str(match (sticky.is_empty(), answered.len()) {
        (true, 0..=1) => "; one node, or a load balancer that keeps a client on it by address",
        (true, _) => "; not sticky, which is right",
        (false, _) => "; a load balancer's cookie keeps a client on one node, which is not needed",
    });
    if let Some(why) = failed.first() {
        let count = failed.len();
        report.wrong(Stage::Balancer, about, Fault::Uneven, format!("{saw}; and {count} times not: {why}"));
        return;
    }
    let missing: Vec<_> =
        nodes.iter().filter(|node| !answered.contains_key(*node)).map(String::as_str).collect();
    if missing.is_empty() {
        report.good(Stage::Balancer, about, saw);
    } else if answered.len() > 1 || nodes.len() > 1 {
        let saw = format!(
            "{saw}; a service connection point says that node {} serves this URL too",
            missing.join(", ")
        );
        report.wrong(Stage::Balancer, about, Fault::NodeMissing, saw);
    } else {
        let saw = format!("{saw}; the service connection point names node {}", missing.join(", "));
        report.doubtful(Stage::Balancer, about, Fault::NodeMissing, saw);
    }
}
