//! The chain: settings, domain controllers, service connection points, the choice of a URL, and each URL in turn until one
//! leads to the page.

use super::choice;
use super::connect::Net;
use super::report::{Fault, Report, Stage};
use super::settings::Settings;
use super::site;
use super::target::Target;
use passquorum_ad_sync::Names;
use passquorum_ad_sync::client_view::{self, Looker, OpenError, Opened, Point};
use passquorum_domain::points::FRESH_FOR;
use passquorum_domain::time::{Span, Timestamp};
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

/// What a walk begins with.
pub struct Start {
    /// What group policy says.
    pub settings: Settings,
    /// The domain to look into, if any.
    pub domain: Option<Domain>,
    /// The authorities that the client's machine trusts, PEM.
    pub authorities: String,
    /// Points that are older are not taken [default: a day]
    pub max_age: Option<Span>,
    /// Now.
    pub now: Timestamp,
}

/// A domain, and who looks into it.
pub struct Domain {
    /// Its controllers, as for a domain connection.
    pub servers: Vec<String>,
    /// Name servers other than the host's own.
    pub name_servers: Vec<SocketAddr>,
    /// The account: DN, UPN or DOMAIN\name.
    pub account: String,
    /// Its password.
    pub password: SecretString,
}

/// The authorities are of no use.
#[derive(Debug, thiserror::Error)]
#[error("the authorities cannot be used: {0}")]
pub struct AuthoritiesError(String);

/// Walks the chain.
///
/// # Errors
/// When there is no authority to believe; everything else is in the report.
pub async fn walk(start: Start) -> Result<Report, AuthoritiesError> {
    let Start { settings, domain, authorities, max_age, now } = start;
    let net = Net::new(&authorities).map_err(AuthoritiesError)?;
    let mut report = Report::default();
    report.good(Stage::Settings, None, told(&settings));
    let points = match &domain {
        Some(domain) => look(domain, &authorities, &mut report).await?,
        None => {
            report.skipped(Stage::Points, "no domain controller was named, so none was asked");
            None
        }
    };
    let taken = match &points {
        Some(points) => {
            let max_age = max_age.unwrap_or(FRESH_FOR);
            choice::choose(points, settings.affinity.as_deref(), now, max_age, &mut report)
        }
        None => Vec::new(),
    };
    let urls = urls(&settings, &taken, &mut report);
    for (url, left) in urls.iter().zip((0..settings.attempts).rev()) {
        let nodes = nodes_of(url, &taken);
        if site::walk(url, settings.proxy.as_ref(), &nodes, &net, &mut report).await {
            break;
        }
        if left == 0 {
            report.skipped(Stage::Choice, "the client has used up its attempts");
        }
    }
    Ok(report)
}

fn told(settings: &Settings) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    format!(
        "override URL {}, URL {}, realm affinity {}, {} attempts, {}",
        text(&settings.override_url),
        text(&settings.url),
        text(&settings.affinity),
        settings.attempts,
        if settings.proxy.is_some() { "a proxy" } else { "no proxy" }
    )
}

/// The points of the domain; `None` when they cannot be looked at.
async fn look(
    domain: &Domain,
    authorities: &str,
    report: &mut Report,
) -> Result<Option<Vec<Point>>, AuthoritiesError> {
    let names = match domain.name_servers.as_slice() {
        [] => Names::of_host(),
        servers => Names::of_servers(servers),
    };
    let names = Arc::new(names);
    let looker = Looker::new(Arc::clone(&names), authorities, &domain.account, domain.password.clone())
        .map_err(|error| AuthoritiesError(error.to_string()))?;
    let Some(opened) = sign_in(domain, &names, &looker, report).await else { return Ok(None) };
    match opened.registration(&domain.account).await {
        Ok(registration) => report.good(Stage::Registration, Some(&domain.account), registration.to_string()),
        Err(error) => report.skipped(Stage::Registration, error.to_string()),
    }
    match opened.points().await {
        Ok(points) => {
            let saw = format!("{} below {},{}", points.len(), client_view::CONTAINER, opened.domain());
            report.good(Stage::Points, None, saw);
            Ok(Some(points))
        }
        Err(client_view::ReadError::NoContainer(container)) => {
            report.good(Stage::Points, Some(&container), "it is not there, or this account may not see it");
            Ok(Some(Vec::new()))
        }
        Err(error) => {
            report.wrong(Stage::Points, None, Fault::PointsUnreadable, error.to_string());
            Ok(None)
        }
    }
}

async fn sign_in(domain: &Domain, names: &Names, looker: &Looker, report: &mut Report) -> Option<Opened> {
    for server in &domain.servers {
        let controllers = match client_view::controllers(names, server).await {
            Ok(controllers) => controllers,
            Err(error) => {
                report.wrong(Stage::Controllers, Some(server), Fault::ControllersUnknown, error.to_string());
                continue;
            }
        };
        let named: Vec<_> = controllers.iter().map(client_view::Controller::name).collect();
        report.good(Stage::Controllers, Some(server), named.join(", "));
        for controller in controllers {
            let name = controller.name();
            match controller.open(looker).await {
                Ok(opened) => {
                    report.good(Stage::SignIn, Some(&name), format!("the domain is {}", opened.domain()));
                    return Some(opened);
                }
                Err(error) => {
                    let fault = match error {
                        OpenError::Unreachable(_) => Fault::ControllerUnreachable,
                        OpenError::Untrusted(_) => Fault::ControllerUntrusted,
                        OpenError::BindRefused(_) => Fault::SignInRefused,
                    };
                    report.wrong(Stage::SignIn, Some(&name), fault, error.to_string());
                    // Another controller refuses it too, and each refusal counts towards the account's lockout.
                    if fault == Fault::SignInRefused {
                        return None;
                    }
                }
            }
        }
    }
    None
}

/// The URLs that a client tries, in its order: the override alone; else those of the points; else the one of group policy.
fn urls(settings: &Settings, taken: &[&Point], report: &mut Report) -> Vec<String> {
    if let Some(url) = &settings.override_url {
        report.good(
            Stage::Choice,
            Some(url),
            "the override URL of group policy goes before every service connection point",
        );
        return vec![url.clone()];
    }
    let mut urls: Vec<String> = Vec::new();
    for url in taken.iter().flat_map(|point| &point.urls) {
        if !urls.contains(url) {
            urls.push(url.clone());
        }
    }
    if !urls.is_empty() {
        return urls;
    }
    if let Some(url) = &settings.url {
        let saw = "the URL of group policy, since no service connection point can be taken";
        report.good(Stage::Choice, Some(url), saw);
        return vec![url.clone()];
    }
    let saw = "neither a service connection point nor group policy gives a URL";
    report.wrong(Stage::Choice, None, Fault::NoUrl, saw);
    Vec::new()
}

/// The nodes of this product that are said to serve a URL.
fn nodes_of(url: &str, taken: &[&Point]) -> BTreeSet<String> {
    let place = |url: &str| Target::parse(url).map(|target| target.authority());
    let same =
        |point: &&&Point| point.urls.iter().any(|own| place(own).is_some() && place(own) == place(url));
    taken.iter().filter(same).filter_map(|point| point.node.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_goes_before_the_points_and_the_points_before_the_url() {
        let point = |url: &str, node: &str| Point {
            urls: vec![url.to_owned()],
            node: Some(node.to_owned()),
            ..Point::default()
        };
        let (a, b) = (point("https://lb/PMUser/", "1"), point("https://LB:443/PMUser/", "2"));
        let mut report = Report::default();
        let mut settings = Settings { url: Some("https://gpo/".to_owned()), ..Settings::default() };
        assert_eq!(urls(&settings, &[&a, &a], &mut report), ["https://lb/PMUser/"]);
        assert_eq!(urls(&settings, &[], &mut report), ["https://gpo/"]);
        settings.override_url = Some("https://over/".to_owned());
        assert_eq!(urls(&settings, &[&a], &mut report), ["https://over/"]);
        assert!(urls(&Settings::default(), &[], &mut report).is_empty());
        assert_eq!(report.steps.last().unwrap().fault, Some(Fault::NoUrl));
        assert_eq!(nodes_of("https://lb/", &[&a, &b]).len(), 2);
    }
}
