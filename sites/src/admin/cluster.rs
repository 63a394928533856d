//! The cluster at a glance, as this node sees it: a picture of who leads and who lags, what is wrong and what to do, and
//! the numbers. It needs no quorum: that is when it is needed most.

use super::edit::Desk;
use super::picture::Picture;
use crate::page_error::Failure;
use crate::view::{Page, render};
use askama::Template;
use axum::response::Response;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::findings::{BEHIND, Finding, Severity, findings};
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Role;
use passquorum_domain::ports::{ClusterStatus, MemberRole};
use passquorum_domain::state::State;

#[derive(Template)]
#[template(path = "admin/cluster.html")]
struct ClusterPage {
    page: Page,
    part: &'static str,
    view: View,
}

#[derive(Template)]
#[template(path = "admin/cluster_view.html")]
struct ClusterFragment {
    view: View,
}

struct View {
    quorum: bool,
    leader: String,
    term: u64,
    revision: u64,
    level: FeatureLevel,
    answering: String,
    picture: Picture,
    /// Each with its look and its word for how bad it is.
    findings: Vec<(&'static str, &'static str, Finding)>,
    rows: Vec<Row>,
}

struct Row {
    id: u64,
    name: String,
    role: &'static str,
    leader: bool,
    answering: bool,
    applied: String,
    lag: String,
    behind: bool,
    answers: &'static str,
    site_url: String,
}

/// What a member is called, by what it does now and what it is to be.
fn role_in_words(state: &State, id: NodeId, now: MemberRole) -> &'static str {
    let instance = state.instance(id);
    match (now, instance.map(|instance| instance.role)) {
        _ if instance.is_some_and(|instance| instance.is_leaving()) => "Leaving",
        (MemberRole::Voter, _) => "Voter",
        (MemberRole::Learner, Some(Role::Voter)) => "Learner, to become a voter",
        (MemberRole::Learner, Some(Role::SiteLearner)) => "Site learner",
        (MemberRole::Learner, Some(Role::DmzLearner)) => "DMZ learner",
        (MemberRole::Learner, None) => "Learner",
    }
}

fn view(status: &ClusterStatus, state: &State) -> View {
    let number = |number: Option<u64>| number.map_or("unknown".to_owned(), |number| number.to_string());
    let named =
        |id| state.instance(id).map_or(format!("node {id}"), |node| format!("{} (node {id})", node.name));
    let rows = status.members.iter().map(|member| Row {
        id: member.id.0,
        role: role_in_words(state, member.id, member.role),
        name: member.name.clone(),
        leader: member.leader,
        answering: member.id == status.node,
        applied: number(member.applied),
        lag: number(member.lag),
        behind: member.lag.is_some_and(|lag| lag >= BEHIND),
        answers: match member.answers {
            Some(true) => "Yes",
            Some(false) => "No",
            None => "Not asked",
        },
        site_url: member.site_url.clone(),
    });
    let role_of = |id| {
        let member = status.members.iter().find(|member| member.id == id);
        role_in_words(state, id, member.map_or(MemberRole::Learner, |member| member.role))
    };
    View {
        quorum: status.quorum,
        leader: status.leader.map_or("none known".to_owned(), named),
        term: status.term,
        revision: status.revision,
        level: status.level,
        answering: named(status.node),
        picture: Picture::of(status, role_of),
        findings: findings(status).into_iter().map(in_words).collect(),
        rows: rows.collect(),
    }
}

fn in_words(finding: Finding) -> (&'static str, &'static str, Finding) {
    let (look, word) = match finding.severity {
        Severity::Bad => ("bad", "Wrong"),
        Severity::Warning => ("warn", "Warning"),
        Severity::Note => ("", "Note"),
    };
    (look, word, finding)
}

fn present(desk: &Desk) -> View {
    let consensus = &desk.app.ports.consensus;
    view(&consensus.status(), &consensus.local())
}

/// The page.
pub(super) async fn page(desk: Desk) -> Result<Response, Failure> {
    render(&ClusterPage { page: desk.page("Cluster")?, part: "/admin/", view: present(&desk) })
}

/// The part of the page that changes, for the script that refreshes it.
pub(super) async fn fragment(desk: Desk) -> Result<Response, Failure> {
    render(&ClusterFragment { view: present(&desk) })
}
