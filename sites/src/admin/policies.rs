//! A form for each management policy.

use super::confirm;
use super::edit::{Desk, Edit, Editor, Notice, Verdict, saved};
use super::fields::Fields;
use super::policy_form::{blank, located, read, sections};
use crate::extract::Form;
use crate::page_error::Failure;
use axum::extract::Path;
use axum::response::Response;
use passquorum_domain::config::{ConfigChange, ManagementPolicy, RealmConfig};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::PolicyId;
use passquorum_domain::ports::fresh_uuid;

pub(super) const PART: &str = "/admin/policies";

pub(super) fn editor(policy: &ManagementPolicy, config: &RealmConfig) -> Editor {
    let path = format!("{PART}/{}", policy.id);
    let mut editor = Editor {
        title: "New policy".to_owned(),
        part: PART,
        sections: sections(policy, config),
        related: Vec::new(),
        buttons: Vec::new(),
        action: path.clone(),
    };
    if let Some(present) = config.policy(policy.id) {
        editor.title = format!("Policy {}", present.name);
        editor.related.push((format!("{path}/questions"), "Edit the question list".to_owned()));
        editor.related.push((format!("{path}/workflows"), "Design the workflows".to_owned()));
        editor.buttons.push((format!("{path}/remove"), "Remove this policy", true));
    }
    editor
}

/// The policy with this id, or one to begin with under it.
fn present_or_blank(desk: &Desk, config: &RealmConfig, id: PolicyId) -> ManagementPolicy {
    let fresh = || fresh_uuid(&*desk.app.ports.entropy);
    let level = desk.app.ports.consensus.local().level();
    config.policy(id).cloned().unwrap_or_else(|| blank(id, level, fresh))
}

pub(super) fn parse(id: &str) -> Result<PolicyId, Failure> {
    id.parse().map_err(|_| Failure::new(ErrorCode::NotFound))
}

/// A form for a new one.
pub(super) async fn new(desk: Desk) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let id = PolicyId(fresh_uuid(&*desk.app.ports.entropy));
    editor(&present_or_blank(&desk, &config, id), &config).show(&desk, config.revision, Notice::None)
}

/// The form of one.
pub(super) async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let policy = config.policy(parse(&id)?).ok_or_else(|| Failure::new(ErrorCode::NotFound))?;
    editor(policy, &config).show(&desk, config.revision, Notice::after(desk.saved))
}

/// Saves one, new or not.
pub(super) async fn save(desk: Desk, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let id = parse(&id)?;
    let config = desk.config().await?;
    let present = present_or_blank(&desk, &config, id);
    let mut fields = Fields::new(form);
    let policy = read(&mut fields, &present, &config);
    let edit = Edit::new(&mut fields, ConfigChange::PutPolicy(Box::new(policy.clone())))?;
    editor(&present, &config).save(&desk, &fields, edit, |problems| located(problems, &policy)).await
}

/// Removes one.
pub(super) async fn remove(desk: Desk, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let config = desk.config().await?;
    let policy = config.policy(parse(&id)?).ok_or_else(|| Failure::new(ErrorCode::NotFound))?;
    let mut fields = Fields::new(form);
    let edit = Edit::new(&mut fields, ConfigChange::RemovePolicy(policy.id))?;
    let note = format!("Removed policy {}", policy.name);
    match desk.propose(&edit, &note).await? {
        Verdict::Saved(revision) => Ok(saved(PART, revision)),
        Verdict::Back => editor(policy, &config).show(&desk, config.revision, Notice::None),
        Verdict::Unconfirmed(differences) => {
            let action = format!("{PART}/{}/remove", policy.id);
            confirm::page(&desk, (PART, &action), &note, (edit.base, differences), fields.sent())
        }
        // A policy is in nobody's way, so that its removal is refused only when it is based on an older revision.
        Verdict::Invalid(_) | Verdict::Stale(_) => {
            let why = "The configuration changed meanwhile; nothing was removed.".to_owned();
            editor(policy, &config).refuse(&desk, config.revision, why)
        }
    }
}
