//! How the realm sends mail, a test of it, and what waits in the outbox. Passwords of accounts come in clear, are sealed on
//! this node before anything is proposed, and are in no answer; neither is what a mail says or to whom it goes.

use super::Shared;
use super::auth::Caller;
use super::clear_password::ClearPassword;
use super::config::{Edit, change_config, no_realm};
use super::problem::ApiProblem;
use super::request::{Body, ReadConsistency, base_revision, commit};
use crate::notify;
use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode};
use passquorum_domain::config::{ConfigChange, GeneralSettings, Problem};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::MailId;
use passquorum_domain::mail::{
    Language, MailAddress, MailLogin, MailResult, MailSecurity, MailServer, MailSettings, MailState,
    OutboxCount,
};
use passquorum_domain::ports::{Consistency, Purpose};
use passquorum_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The settings as an operator writes them. The administrators' own texts stay as they are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSettings {
    servers: Vec<NewServer>,
    sender: MailAddress,
    sender_name: String,
    #[serde(default)]
    administrators: Vec<MailAddress>,
    #[serde(default)]
    language: Language,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewServer {
    host: String,
    #[serde(default = "MailServer::usual_port")]
    port: u16,
    #[serde(default)]
    security: MailSecurity,
    #[serde(default)]
    authorities: String,
    #[serde(default)]
    login: Option<NewLogin>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLogin {
    user: String,
    /// In clear; left out, the one stays that is kept for this account at this host.
    #[serde(default)]
    password: Option<ClearPassword>,
}

/// `PUT /api/v1/mail`.
pub(super) async fn put(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiProblem> {
    let base = base_revision(&headers)?;
    let new: NewSettings = body.secret_json()?;
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    let present = state.config().ok_or_else(no_realm)?;
    let kept = present.general.mail.as_ref();
    let mut servers = Vec::with_capacity(new.servers.len());
    for (index, server) in new.servers.into_iter().enumerate() {
        let login = match server.login {
            None => None,
            Some(NewLogin { user, password: Some(ClearPassword(password)) }) => {
                let context = MailServer::context(&server.host, &user);
                let clear = password.expose().as_bytes();
                let password = ports.vault.seal(Purpose::MailAccount, &context, clear)?;
                Some(MailLogin { user, password })
            }
            Some(NewLogin { user, password: None }) => {
                let kept =
                    kept.and_then(|kept| MailServer::kept_password(&kept.servers, &server.host, &user));
                let password = kept.cloned().ok_or_else(|| no_password(index))?;
                Some(MailLogin { user, password })
            }
        };
        let NewServer { host, port, security, authorities, .. } = server;
        servers.push(MailServer { host, port, security, authorities, login });
    }
    let mail = MailSettings {
        servers,
        sender: new.sender,
        sender_name: new.sender_name,
        administrators: new.administrators,
        language: new.language,
        texts: kept.map(|kept| kept.texts.clone()).unwrap_or_default(),
    };
    let change =
        ConfigChange::SetGeneral(GeneralSettings { mail: Some(Box::new(mail)), ..present.general.clone() });
    change_config(
        &ports,
        caller.actor,
        Edit { base, change, comment: None, entered: BTreeSet::new(), abandon: false },
    )
    .await
}

fn no_password(index: usize) -> ApiProblem {
    ApiProblem::invalid_config(vec![Problem {
        field: format!("servers[{index}].login.password"),
        message: "none is kept for this account at this host yet; give it in clear".to_owned(),
    }])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestRequest {
    to: MailAddress,
}

/// The mail that was queued.
#[derive(Serialize)]
pub(super) struct Queued {
    mail: MailId,
}

/// `POST /api/v1/mail/test`: queues a test mail. Whether it went out shows in the queue.
pub(super) async fn test(
    State(ports): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<(StatusCode, Json<Queued>), ApiProblem> {
    let TestRequest { to } = body.json()?;
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    let config = state.config().ok_or_else(no_realm)?;
    let absent = || ApiProblem::new(ErrorCode::NotFound, "no mail server is configured; set one first");
    let settings = config.general.mail.as_ref().ok_or_else(absent)?;
    let (mail, action) = notify::test(&ports, settings, to)?;
    commit(&ports, caller.actor, action).await?;
    Ok((StatusCode::ACCEPTED, Json(Queued { mail })))
}

/// The outbox.
#[derive(Serialize)]
pub(super) struct Outbox {
    count: OutboxCount,
    mails: Vec<Entry>,
}

/// A mail as everyone may see it who may read the realm's state.
#[derive(Serialize)]
struct Entry {
    id: MailId,
    queued_at: Timestamp,
    not_after: Timestamp,
    attempts: u32,
    #[serde(flatten)]
    standing: Standing,
}

#[derive(Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
enum Standing {
    Waiting { next_attempt: Option<Timestamp> },
    Closed { result: MailResult, at: Timestamp },
}

/// `GET /api/v1/mail/queue`: oldest first.
pub(super) async fn queue(
    State(ports): State<Shared>,
    ReadConsistency(consistency): ReadConsistency,
) -> Result<Json<Outbox>, ApiProblem> {
    let state = ports.consensus.read(consistency).await?;
    let mut mails: Vec<Entry> = state
        .outbox()
        .map(|mail| Entry {
            id: mail.id,
            queued_at: mail.queued_at,
            not_after: mail.not_after,
            attempts: mail.attempts,
            standing: match &mail.state {
                MailState::Waiting { claim, .. } => {
                    Standing::Waiting { next_attempt: claim.map(|claim| claim.until) }
                }
                MailState::Closed { result, at } => Standing::Closed { result: *result, at: *at },
            },
        })
        .collect();
    mails.sort_by_key(|mail| (mail.queued_at, mail.id));
    Ok(Json(Outbox { count: state.outbox_count(), mails }))
}
