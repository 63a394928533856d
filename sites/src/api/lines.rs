//! Answers that come line by line (newline-delimited JSON) from a task that takes its time. The last line says `"done": true`, or
//! has a `problem`; an answer without either has broken off. Who stops listening stops the task.

use super::problem::ApiProblem;
use crate::profile_tasks::Stopped;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use tokio::sync::{mpsc, oneshot};

/// Lines that wait for a slow listener.
const WAITING: usize = 4;

/// Runs a task whose words are the answer.
pub(super) fn lines<T, F, Fut>(task: F) -> Response
where
    T: Serialize + Send + 'static,
    F: FnOnce(mpsc::Sender<T>) -> Fut,
    Fut: Future<Output = Result<(), Stopped>> + Send + 'static,
{
    let (line, told) = mpsc::channel(WAITING);
    let work = task(line);
    let (failed, failure) = oneshot::channel();
    tokio::spawn(async move {
        if let Err(Stopped::Failed(why)) = work.await {
            // Nobody is left to tell that nobody listens.
            let _ = failed.send(ApiProblem::from(why));
        }
    });
    let body = stream::unfold((told, Some(failure)), |(mut told, mut failure)| async move {
        let line = match told.recv().await {
            Some(line) => json!(line),
            None => problem(&failure.take()?.await.ok()?),
        };
        Some((Ok::<_, Infallible>(Bytes::from(format!("{line}\n"))), (told, failure)))
    });
    let mut response = Response::new(axum::body::Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn problem(ApiProblem { code, detail, .. }: &ApiProblem) -> Value {
    json!({ "problem": { "code": code.as_str(), "detail": detail, "remedy": code.remedy() } })
}
