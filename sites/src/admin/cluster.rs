//! The cluster at a glance, as this node sees it. It needs no quorum: that is when it is needed most.

use super::edit::Desk;
use crate::page_error::Failure;
use crate::view::{Page, render};
use askama::Template;
use axum::response::Response;
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
    answering: String,
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
    site_url: String,
}

/// Entries behind the leader's log at which a member is shown as behind.
const BEHIND: u64 = 100;

fn view(status: ClusterStatus, state: &State) -> View {
    let number = |number: Option<u64>| number.map_or("unknown".to_owned(), |number| number.to_string());
    let named =
        |id| state.instance(id).map_or(format!("node {id}"), |node| format!("{} (node {id})", node.name));
    let rows = status.members.into_iter().map(|member| Row {
        id: member.id.0,
        role: match (member.role, state.instance(member.id).map(|instance| instance.role)) {
            _ if state.instance(member.id).is_some_and(|instance| instance.is_leaving()) => "Leaving",
            (MemberRole::Voter, _) => "Voter",
            (MemberRole::Learner, Some(Role::Voter)) => "Learner, to become a voter",
            (MemberRole::Learner, Some(Role::SiteLearner)) => "Site learner",
            (MemberRole::Learner, Some(Role::DmzLearner)) => "DMZ learner",
            (MemberRole::Learner, None) => "Learner",
        },
        name: member.name,
        leader: member.leader,
        answering: member.id == status.node,
        applied: number(member.applied),
        lag: number(member.lag),
        behind: member.lag.is_some_and(|lag| lag >= BEHIND),
        site_url: member.site_url,
    });
    View {
        quorum: status.quorum,
        leader: status.leader.map_or("none known".to_owned(), named),
        term: status.term,
        revision: status.revision,
        answering: named(status.node),
        rows: rows.collect(),
    }
}

fn present(desk: &Desk) -> View {
    let consensus = &desk.app.ports.consensus;
    view(consensus.status(), &consensus.local())
}

/// The page.
pub(super) async fn page(desk: Desk) -> Result<Response, Failure> {
    render(&ClusterPage { page: desk.page("Cluster")?, part: "/admin/", view: present(&desk) })
}

/// The part of the page that changes, for the script that refreshes it.
pub(super) async fn fragment(desk: Desk) -> Result<Response, Failure> {
    render(&ClusterFragment { view: present(&desk) })
}
