//! One HTTP/1.1 connection, on the serving and on the asking side, over any byte stream.
//!
//! Served connections have a time for the head of each request, for each whole request and for a peer that takes nothing
//! of the answer, and end politely when the node stops.

use crate::stop::Stop;
use crate::write_deadline::WriteDeadline;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use passquorum_sites::guard_headers;
use std::convert::Infallible;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

/// Also the longest that a kept connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(30);
const REQUEST_TIME: Duration = Duration::from_secs(60);
/// A peer that takes no byte of an answer for this long is left.
const TAKE_TIME: Duration = Duration::from_secs(30);
const FAREWELL_TIME: Duration = Duration::from_secs(5);
const HEAD_SIZE: usize = 64 * 1024;
const ANSWER_SIZE: usize = 16 * 1024 * 1024;

/// Serves requests until the peer leaves or the node stops. `caller` is put into each request's extensions.
pub(crate) async fn serve<S, C>(stream: S, router: Router, caller: C, mut stop: Stop)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    C: Clone + Send + Sync + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(caller.clone());
        let answer = router.clone().oneshot(request);
        async move {
            let timely = tokio::time::timeout(REQUEST_TIME, answer).await;
            let mut response = match timely {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => too_slow(),
            };
            guard_headers(response.headers_mut());
            Ok::<_, Infallible>(response)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_SIZE)
        .serve_connection(TokioIo::new(WriteDeadline::new(stream, TAKE_TIME)), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.stopped() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(FAREWELL_TIME, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn too_slow() -> Response<Body> {
    let mut response = Response::new(Body::from("the request took too long\n"));
    *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
    let headers = response.headers_mut();
    headers.insert(http::header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// No answer came.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The connection broke, or what came is not HTTP.
    #[error("the connection failed: {0}")]
    Http(#[from] hyper::Error),
    /// The answer is too large, or broke off.
    #[error("the answer could not be read: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
}

/// Sends one request over a fresh stream and reads the whole answer. The caller sets the deadline.
pub(crate) async fn ask<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, AskError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    begin(stream, request).await?.whole().await
}

/// Sends one request over a fresh stream and reads the head of the answer. The caller sets the deadline.
pub(crate) async fn begin<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, AskError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = Driver(tokio::spawn(connection));
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Answer { head, body, _driver: driver })
}

/// An answer whose body has yet to come.
pub(crate) struct Answer {
    head: http::response::Parts,
    body: Incoming,
    _driver: Driver,
}

/// The task behind a connection, which ends with it.
struct Driver(JoinHandle<Result<(), hyper::Error>>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Answer {
    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The next piece of the body; `None` at its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, AskError> {
        loop {
            match self.body.frame().await.transpose()? {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(piece) = frame.into_data() {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }

    /// The answer with its whole body.
    pub(crate) async fn whole(self) -> Result<Response<Bytes>, AskError> {
        let body = Limited::new(self.body, ANSWER_SIZE).collect().await.map_err(AskError::Body)?;
        Ok(Response::from_parts(self.head, body.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop;
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::Instant;

    /// What a connection answers to these bytes and no more until it ends, and how long it takes, on a clock that runs
    /// only while all wait.
    async fn answer_to(bytes: &str) -> (String, Duration) {
        answer_of(Router::new(), bytes).await
    }

    /// The same, of a node that has other routes besides.
    async fn answer_of(others: Router, bytes: &str) -> (String, Duration) {
        let (mut client, server) = tokio::io::duplex(1024);
        let (_stopper, stop) = stop::channel();
        let router = others.route("/", post(|body: Bytes| async move { body }));
        let begun = Instant::now();
        let served = tokio::spawn(serve(server, router, (), stop));
        client.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let answered = tokio::time::timeout(REQUEST_TIME * 10, client.read_to_string(&mut answer)).await;
        answered.expect("the connection is never ended").unwrap();
        served.await.unwrap();
        (answer, begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_ends_the_connection() {
        for head in ["", "POST / HTTP/1.1\r\nHost: x\r\nX: a"] {
            let (_, took) = answer_to(head).await;
            assert_eq!(took.as_secs(), HEAD_TIME.as_secs(), "{head}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_told_so_and_ends_the_connection() {
        let (answer, took) = answer_to("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf").await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert_eq!(took.as_secs(), REQUEST_TIME.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn every_answer_has_the_guarding_headers_and_keeps_its_own() {
        let headers = [("content-security-policy", "script-src 'self'"), ("cache-control", "max-age=300")];
        let own = Router::new().route("/own", get(move || async move { headers }));
        for (request, expected) in [
            (
                "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
                ["default-src 'none'; frame-ancestors 'none'", "no-store"],
            ),
            (
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
                ["default-src 'none'; frame-ancestors 'none'", "no-store"],
            ),
            ("GET /own HTTP/1.1\r\nHost: x\r\n\r\n", ["script-src 'self'", "max-age=300"]),
        ] {
            let (answer, _) = answer_of(own.clone(), request).await;
            let [policy, caching] = expected;
            for line in [
                &format!("content-security-policy: {policy}"),
                &format!("cache-control: {caching}"),
                "x-content-type-options: nosniff",
                "strict-transport-security: max-age=31536000",
                "x-frame-options: DENY",
                "referrer-policy: no-referrer",
            ] {
                assert_eq!(answer.lines().filter(|given| *given == line).count(), 1, "{line} in {answer}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_kept_connection_that_asks_nothing_more_is_ended() {
        let (answer, took) = answer_to("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hi"), "{answer}");
        assert_eq!(took.as_secs(), HEAD_TIME.as_secs());
    }
}
