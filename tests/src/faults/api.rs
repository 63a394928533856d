//! The operators' API as the clients of the faults use it. It sorts what came back into an answer, the certainty that
//! nothing was done, or neither; it never repeats a request by itself.
#![allow(clippy::indexing_slicing, reason = "indexing a JSON value by a name gives null, it does not panic")]

use std::path::Path;
use std::time::Duration;

use reqwest::header::{ETAG, HeaderMap, IF_MATCH, IF_NONE_MATCH};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use super::history::{Answer, Condition, Deleted, Op, Present, Written};
use super::network;
use crate::https::{self, Trust};
use crate::rig::RigError;

/// How long a client waits for one answer before it asks elsewhere.
const TRY: Duration = Duration::from_secs(2);
/// The port of a node's sites and API.
pub const PORT: u16 = 8443;

/// What one request came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// An answer.
    Answer(Answer),
    /// For certain nothing.
    NothingDone,
    /// Anything.
    Unknown,
}

/// A client that may ask every node.
#[derive(Debug, Clone)]
pub struct Api {
    client: reqwest::Client,
    token: String,
}

impl Api {
    /// A client with a bearer token, which trusts nodes with a certificate of the authority.
    ///
    /// # Errors
    /// [`RigError::Io`] when the authority cannot be read.
    pub fn new(authority: &Path, token: String) -> Result<Self, RigError> {
        let pem = std::fs::read(authority).map_err(RigError::io(authority.display().to_string()))?;
        Ok(Self { client: https::client(Trust::Authority(&pem))?, token })
    }

    /// Sends one operation on a label. Repetitions of one request have the same `key`.
    pub async fn label(&self, place: u64, op: &Op, key: &str) -> Told {
        let path = format!("labels/{}", op.key());
        let request = match op {
            Op::Get { .. } => self.request(place, Method::GET, &path),
            Op::Put { value, condition, .. } => {
                conditional(self.request(place, Method::PUT, &path), *condition).body(value.clone())
            }
            Op::Delete { condition, .. } => {
                conditional(self.request(place, Method::DELETE, &path), *condition)
            }
        };
        match request.header("idempotency-key", key).send().await {
            Ok(response) => told(op, response).await,
            // No connection came about, so that no request was sent.
            Err(error) if error.is_connect() => Told::NothingDone,
            Err(_) => Told::Unknown,
        }
    }

    /// A JSON document of one node.
    ///
    /// # Errors
    /// [`RigError::Http`] when it does not answer, or refuses.
    pub async fn document(&self, place: u64, path: &str) -> Result<Value, RigError> {
        let response = self.request(place, Method::GET, path).send().await?.error_for_status()?;
        Ok(response.json().await?)
    }

    /// Posts a JSON document; gives the status and the answer.
    ///
    /// # Errors
    /// [`RigError::Http`] when the node does not answer.
    pub async fn post(&self, place: u64, path: &str, body: &Value) -> Result<(StatusCode, Value), RigError> {
        let response = self.request(place, Method::POST, path).json(body).send().await?;
        let status = response.status();
        Ok((status, response.json().await?))
    }

    /// The status that one node gives, when it answers.
    pub async fn status(&self, place: u64) -> Option<Value> {
        self.document(place, "status").await.ok()
    }

    /// Whether a node says that it is ready.
    pub async fn is_ready(&self, place: u64) -> bool {
        let url = format!("https://{}:{PORT}/ready", network::address(place));
        let answer = self.client.get(url).timeout(TRY).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    fn request(&self, place: u64, method: Method, path: &str) -> RequestBuilder {
        let url = format!("https://{}:{PORT}/api/v1/{path}", network::address(place));
        self.client.request(method, url).bearer_auth(&self.token).timeout(TRY)
    }
}

fn conditional(request: RequestBuilder, condition: Condition) -> RequestBuilder {
    match condition {
        Condition::Always => request,
        Condition::Absent => request.header(IF_NONE_MATCH, "*"),
        Condition::Revision(revision) => request.header(IF_MATCH, format!("\"{revision}\"")),
    }
}

async fn told(op: &Op, response: Response) -> Told {
    let (status, tag) = (response.status(), revision(response.headers()));
    let Ok(text) = response.text().await else { return Told::Unknown };
    let answer = match (op, status, tag) {
        (Op::Get { .. }, StatusCode::OK, Some(revision)) => {
            Some(Answer::Get { value: Some(text), revision: Some(revision) })
        }
        (Op::Get { .. }, StatusCode::NOT_FOUND, _) => Some(Answer::Get { value: None, revision: None }),
        (Op::Put { .. }, StatusCode::OK, Some(revision)) => Some(Answer::Put(Written::Ok { revision })),
        (Op::Delete { .. }, StatusCode::OK, _) => Some(Answer::Delete(Deleted::Ok(()))),
        (Op::Put { .. }, StatusCode::PRECONDITION_FAILED, _) => {
            Some(Answer::Put(Written::Refused(present(&text))))
        }
        (Op::Delete { .. }, StatusCode::PRECONDITION_FAILED | StatusCode::NOT_FOUND, _) => {
            Some(Answer::Delete(Deleted::Refused(present(&text))))
        }
        _ => None,
    };
    match (answer, status) {
        (Some(answer), _) => Told::Answer(answer),
        (None, StatusCode::SERVICE_UNAVAILABLE) => Told::NothingDone,
        _ => Told::Unknown,
    }
}

fn revision(headers: &HeaderMap) -> Option<u64> {
    headers.get(ETAG)?.to_str().ok()?.trim_matches('"').parse().ok()
}

/// A refusal names the revision that is there, and leaves it out when there is no label.
fn present(problem: &str) -> Present {
    let problem: Value = serde_json::from_str(problem).unwrap_or_default();
    Present { revision: problem["current"].as_u64() }
}
