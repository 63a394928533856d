//! Drills on the living realm leave their beginning and end in the audit.

use super::Shared;
use super::auth::Caller;
use super::problem::ApiProblem;
use super::request::{Body, commit_noted};
use axum::Extension;
use axum::extract::State;
use http::StatusCode;
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::command::Action;
use passquorum_domain::drill::DrillName;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "event", rename_all = "kebab-case")]
enum Drill {
    Begun { drill: DrillName },
    Ended { drill: DrillName, ok: bool },
}

/// `POST /api/v1/drills`, with `{"event": "begun", "drill": "kill-leader"}` or
/// `{"event": "ended", "drill": "kill-leader", "ok": true}`.
pub(super) async fn record(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<StatusCode, ApiProblem> {
    let event = match body.json()? {
        Drill::Begun { drill } => AuditEvent::DrillBegun { drill },
        Drill::Ended { drill, ok } => AuditEvent::DrillEnded { drill, ok },
    };
    tracing::info!(actor = ?caller.actor, ?event, "a drill");
    commit_noted(&ports, caller.actor, Action::Record { event, subject: None }, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
