//! The domain connections: a list, a form for each, and a try whether its controllers can be reached.

use super::confirm;
use super::connection_form::{located, read, sections, under};
use super::edit::{Desk, Edit, Editor, Notice, Verdict, saved};
use super::fields::Fields;
use super::inputs::{Input, Section};
use crate::extract::Form;
use crate::former_profiles;
use crate::page_error::Failure;
use crate::sealed_passwords;
use crate::view::{Page, render};
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use passquorum_domain::config::{
    ConfigChange, ConnectionUse, DirectoryEndpoint, DomainConnection, ManagementPolicy, Problem, RealmConfig,
};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::{ConnectionId, PolicyId};
use passquorum_domain::ports::{CheckOutcome, ControllerCheck, DirectoryError, PushReport, fresh_uuid};
use std::collections::BTreeSet;

const PART: &str = "/admin/connections";

#[derive(Template)]
#[template(path = "admin/connections.html")]
struct ListPage {
    page: Page,
    part: &'static str,
    notice: Notice,
    rows: Vec<Row>,
}

struct Row {
    id: ConnectionId,
    alias: String,
    servers: String,
    attribute: String,
}

impl From<&DomainConnection> for Row {
    fn from(connection: &DomainConnection) -> Self {
        Self {
            id: connection.id,
            alias: connection.alias.clone(),
            servers: match &connection.endpoint {
                DirectoryEndpoint::Ldaps(ldaps) => ldaps.servers.join(", "),
                DirectoryEndpoint::Embedded => "embedded directory".to_owned(),
            },
            attribute: connection.profile_attribute.clone(),
        }
    }
}

/// The list.
pub(super) async fn list(desk: Desk) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let rows = config.connections.iter().map(Row::from).collect();
    let notice = Notice::after(desk.saved);
    render(&ListPage { page: desk.page("Domains")?, part: PART, notice, rows })
}

/// Links to where a connection is used.
fn uses(config: &RealmConfig, id: ConnectionId) -> Vec<(String, String)> {
    let link = |used: ConnectionUse<'_>| match used {
        ConnectionUse::Policy(id, name) => {
            (format!("/admin/policies/{id}"), format!("The policy {name} serves its users"))
        }
        ConnectionUse::Administrators => general("A group of it may use the Admin site"),
        ConnectionUse::Helpdesk => general("A group of it may use the Helpdesk site"),
        ConnectionUse::Mirror => general("The realm is mirrored there"),
    };
    config.uses_of(id).into_iter().map(link).collect()
}

/// The policies that serve its users.
fn served(config: &RealmConfig, id: ConnectionId) -> Vec<(PolicyId, &str)> {
    let serves = |policy: &&ManagementPolicy| policy.scope.iter().any(|scope| scope.connection == id);
    config.policies.iter().filter(serves).map(|policy| (policy.id, policy.name.as_str())).collect()
}

/// Where several use it, whom a change is for.
fn for_one(config: &RealmConfig, id: ConnectionId) -> Option<Section> {
    let policies = served(config, id);
    if config.uses_of(id).len() < 2 || policies.is_empty() {
        return None;
    }
    let inputs = policies
        .into_iter()
        .map(|(id, name)| Input::check(only(id), &format!("Only for the policy {name}"), "", false));
    let note = "Left empty, the change is for all who use this connection. For the policies that are ticked a copy of it with \
                the values above is made, under another alias, and this one stays as it is for the others.";
    Some(Section::new("For whom", note, inputs.collect()))
}

fn only(policy: PolicyId) -> String {
    format!("only.{policy}")
}

/// The change that a form asks for: of the connection, or of a copy that these policies are given. And what that copy's people
/// would leave behind.
async fn change(
    desk: &Desk,
    config: &RealmConfig,
    connection: DomainConnection,
    copied_for: &[PolicyId],
) -> Result<(ConfigChange, Vec<Problem>), Failure> {
    let original = config.connection(connection.id).filter(|_| !copied_for.is_empty());
    let Some(original) = original else {
        return Ok((ConfigChange::PutConnection(Box::new(connection)), Vec::new()));
    };
    let ports = &desk.app.ports;
    let copy = under(ports, connection, ConnectionId(fresh_uuid(&*ports.entropy)))?;
    let left = former_profiles::left_between(ports, original, config.connections.len(), &copy).await;
    let mut next = config.clone();
    let policies = next.policies.iter_mut().filter(|policy| copied_for.contains(&policy.id));
    let scopes = policies.flat_map(|policy| &mut policy.scope);
    scopes.filter(|scope| scope.connection == original.id).for_each(|scope| scope.connection = copy.id);
    next.connections.push(copy);
    Ok((ConfigChange::Replace(Box::new(next)), left))
}

fn general(label: &str) -> (String, String) {
    ("/admin/general".to_owned(), label.to_owned())
}

pub(super) fn editor(config: &RealmConfig, id: ConnectionId) -> Editor {
    let present = config.connection(id);
    let path = format!("{PART}/{id}");
    let mut sections = sections(present);
    sections.extend(for_one(config, id));
    Editor {
        title: present.map_or("New domain".to_owned(), |connection| format!("Domain {}", connection.alias)),
        part: PART,
        sections,
        related: uses(config, id),
        buttons: present
            .map(|_| {
                vec![
                    (format!("{path}/test"), "Test the saved connection", false),
                    (format!("{path}/remove"), "Remove this domain", true),
                ]
            })
            .unwrap_or_default(),
        action: path,
    }
}

/// A form for a new one.
pub(super) async fn new(desk: Desk) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let id = ConnectionId(fresh_uuid(&*desk.app.ports.entropy));
    editor(&config, id).show(&desk, config.revision, Notice::None)
}

/// The form of one.
pub(super) async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Failure> {
    show_with(&desk, &id, Notice::after(desk.saved)).await
}

async fn show_with(desk: &Desk, id: &str, notice: Notice) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let id = parse(id)?;
    config.connection(id).ok_or_else(|| Failure::new(ErrorCode::NotFound))?;
    editor(&config, id).show(desk, config.revision, notice)
}

fn parse(id: &str) -> Result<ConnectionId, Failure> {
    id.parse().map_err(|_| Failure::new(ErrorCode::NotFound))
}

/// Saves one, new or not.
pub(super) async fn save(desk: Desk, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let id = parse(&id)?;
    let config = desk.config().await?;
    let present = config.connection(id);
    let mut fields = confirm::opened(&desk, form);
    let connection = read(&desk.app.ports, &mut fields, id, present)?;
    let ticked = served(&config, id).into_iter().map(|(policy, _)| policy);
    let ticked: Vec<_> = ticked.filter(|policy| fields.is_checked(&only(*policy))).collect();
    if present.is_some() && fields.raw("bind_password").is_empty() {
        refuse_misdirected(&desk, &mut fields, &connection).await?;
    }
    // What could not be read is refused anyway.
    let copied_for = if fields.is_readable() { ticked.as_slice() } else { &[] };
    let (change, left) = change(&desk, &config, connection, copied_for).await?;
    let mut edit = Edit::new(&mut fields, change)?;
    edit.problems.extend(left);
    editor(&config, id).save(&desk, &fields, edit, located).await
}

/// Notes beside each input that would have the kept password sent elsewhere that it has to be entered again. So it is too where
/// the connection is only copied, with its password sealed anew.
async fn refuse_misdirected(
    desk: &Desk,
    fields: &mut Fields,
    connection: &DomainConnection,
) -> Result<(), Failure> {
    let state = desk.app.ports.current().await?;
    let change = ConfigChange::PutConnection(Box::new(connection.clone()));
    for Problem { field, message } in sealed_passwords::misdirected(&state, &change, &BTreeSet::new()) {
        fields.refuse(field.rsplit('.').next().unwrap_or(&field), &message);
    }
    Ok(())
}

/// Tries whether each controller of the saved connection can be reached and accepts the access account.
pub(super) async fn test(desk: Desk, Path(id): Path<String>, _: Form) -> Result<Response, Failure> {
    let (checks, pushes) = match desk.app.ports.directories.open(parse(&id)?).await {
        Ok(directory) => (directory.check_each().await, directory.pushes()),
        Err(error) => {
            (vec![ControllerCheck { dc: error.dc.clone(), outcome: CheckOutcome::Fails(error) }], None)
        }
    };
    show_with(&desk, &id, verdict(&checks, pushes.as_ref())).await
}

/// What became of the changes that this node pushed to other sites.
fn told_of_pushes(pushes: &PushReport) -> String {
    let failure = |(dc, last): &(String, Result<(), DirectoryError>)| match last {
        Ok(()) => None,
        Err(error) => Some(format!("The last change was not pushed to {dc}: {}.", told_of(error))),
    };
    let mut told: Vec<_> = pushes.last.iter().filter_map(failure).collect();
    let reached = pushes.last.len() - told.len();
    told.insert(0, format!("This node has pushed changes to {reached} domain controllers of other sites."));
    if pushes.left_out > 0 {
        told.push(format!("{} changes were too many at a time and left to replication.", pushes.left_out));
    }
    told.join(" ")
}

fn told_of(error: &DirectoryError) -> String {
    let code = error.ad_code.map(|code| format!(" (code {code:#x})")).unwrap_or_default();
    format!("{}{code}", error.reason)
}

fn verdict(checks: &[ControllerCheck], pushes: Option<&PushReport>) -> Notice {
    if checks.is_empty() {
        return Notice::Bad("DNS names no domain controller of this domain.".to_owned());
    }
    let told = checks.iter().map(|ControllerCheck { dc, outcome }| match outcome {
        CheckOutcome::Serves => format!("{dc}: reached, and accepts the access account."),
        CheckOutcome::NotAsked => format!("{dc}: not asked."),
        CheckOutcome::Fails(error) => {
            format!("{dc}: {}. {}", told_of(error), error.reason.code().remedy())
        }
    });
    let told = told.chain(pushes.map(told_of_pushes)).collect::<Vec<_>>().join(" ");
    let are_pushed = pushes.is_none_or(|pushes| pushes.last.iter().all(|(_, last)| last.is_ok()));
    if are_pushed && checks.iter().all(|check| check.outcome == CheckOutcome::Serves) {
        Notice::Good(told)
    } else {
        Notice::Bad(told)
    }
}

/// Removes one.
pub(super) async fn remove(desk: Desk, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let id = parse(&id)?;
    let config = desk.config().await?;
    let present = config.connection(id).ok_or_else(|| Failure::new(ErrorCode::NotFound))?;
    let mut fields = Fields::new(form);
    let edit = Edit::new(&mut fields, ConfigChange::RemoveConnection(id))?;
    let note = format!("Removed domain {}", present.alias);
    match desk.propose(&edit, &note).await? {
        Verdict::Saved(revision) => Ok(saved(PART, revision)),
        Verdict::Back => editor(&config, id).show(&desk, config.revision, Notice::None),
        Verdict::Unconfirmed(differences) => {
            let action = format!("{PART}/{id}/remove");
            confirm::page(&desk, (PART, &action), &note, (edit.base, differences), fields.sent())
        }
        Verdict::Invalid(problems) => {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            let why = format!("It is still in use, so it was not removed. {}.", problems.join("; "));
            editor(&config, id).refuse(&desk, config.revision, why)
        }
        Verdict::Stale(now) => {
            let why = "The configuration changed meanwhile; nothing was removed.".to_owned();
            editor(&now, id).refuse(&desk, now.revision, why)
        }
    }
}
