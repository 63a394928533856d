//! The command line's side of the local socket: requests to the node's own API, and what its refusals mean.

use crate::data_dir::DataDir;
use crate::http_connection::{Answer, AskError, begin};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::UnixStream;

const DEADLINE: Duration = Duration::from_secs(60);

/// A refusal (`application/problem+json`, RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    #[serde(default)]
    pub code: String,
    /// What was wrong.
    #[serde(default)]
    pub detail: String,
    /// What to do.
    #[serde(default)]
    pub remedy: String,
    /// Each field that is wrong.
    #[serde(default)]
    pub problems: Vec<passquorum_domain::config::Problem>,
}

impl Problem {
    /// Reads a refusal; whatever it is, there is something to show.
    #[must_use]
    pub fn read(status: StatusCode, body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_else(|_| Self {
            status: status.as_u16(),
            code: String::new(),
            detail: format!("the node answered {status}"),
            remedy: String::new(),
            problems: Vec::new(),
        })
    }

    /// Whether nothing is wrong with the request, so that it can be tried again or looked after.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self.status, 408 | 429 | 502..=504)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code.as_str() {
            "" => f.write_str(&self.detail)?,
            code => write!(f, "{code}: {}", self.detail)?,
        }
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        if !self.remedy.is_empty() {
            write!(f, "\n{}", self.remedy)?;
        }
        Ok(())
    }
}

/// A request to the node was not answered as hoped.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing listens.
    #[error("no node answers at {socket} ({source}); start it with: passquorum run --dir {dir}")]
    NotRunning {
        /// The socket.
        socket: PathBuf,
        /// The data directory.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The node refused.
    #[error("{0}")]
    Refused(Problem),
    /// The connection broke.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// No answer in time.
    #[error("the node did not answer within {} seconds", DEADLINE.as_secs())]
    NoAnswer,
    /// The request or the answer cannot be put into words.
    #[error("the node and this program do not understand each other: {0}")]
    Mismatch(String),
}

/// Talks to the node of one data directory.
#[derive(Debug, Clone)]
pub struct Client {
    data: DataDir,
}

impl Client {
    /// Nothing is sent yet.
    #[must_use]
    pub fn of(data: DataDir) -> Self {
        Self { data }
    }

    /// Sends a request without a body.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        json(&self.send(Method::GET, path, &[], Vec::new()).await?)
    }

    /// Sends a request with a JSON body.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, ClientError> {
        json(&self.send(Method::POST, path, &[], body.to_string().into_bytes()).await?)
    }

    /// Sends any request; a refusal is an error.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(http::HeaderName, &str)],
        body: Vec<u8>,
    ) -> Result<Response<Bytes>, ClientError> {
        let answer = timely(self.begin(method, path, headers, body)).await?;
        let answer = timely(async { Ok(answer.whole().await?) }).await?;
        if answer.status().is_success() {
            Ok(answer)
        } else {
            Err(ClientError::Refused(Problem::read(answer.status(), answer.body())))
        }
    }

    /// Sends a request with a JSON body, whose answer may be of any length; a refusal is an error.
    pub async fn stream(&self, path: &str, body: &serde_json::Value) -> Result<Download, ClientError> {
        self.download(Method::POST, path, body.to_string().into_bytes()).await
    }

    /// The same without a body.
    pub async fn stream_get(&self, path: &str) -> Result<Download, ClientError> {
        self.download(Method::GET, path, Vec::new()).await
    }

    async fn download(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Download, ClientError> {
        let answer = timely(self.begin(method, path, &[], body)).await?;
        if answer.status().is_success() {
            return Ok(Download(answer));
        }
        let answer = timely(async { Ok(answer.whole().await?) }).await?;
        Err(ClientError::Refused(Problem::read(answer.status(), answer.body())))
    }

    async fn begin(
        &self,
        method: Method,
        path: &str,
        headers: &[(http::HeaderName, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, ClientError> {
        let socket = self.data.socket();
        let stream = UnixStream::connect(&socket).await;
        let stream = stream.map_err(|source| ClientError::NotRunning {
            socket,
            dir: self.data.path().to_owned(),
            source,
        })?;
        let mut request = Request::builder().method(method).uri(path).header(http::header::HOST, "localhost");
        if !body.is_empty() {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| ClientError::Mismatch(error.to_string()))?;
        Ok(begin(stream, request).await?)
    }
}

/// A body that comes piece by piece.
pub struct Download(Answer);

impl Download {
    /// The next piece; `None` at the end. A body that breaks off is an error.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, ClientError> {
        timely(async { Ok(self.0.piece().await?) }).await
    }
}

async fn timely<T>(asked: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
    tokio::time::timeout(DEADLINE, asked).await.map_err(|_| ClientError::NoAnswer)?
}

fn json<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<T, ClientError> {
    serde_json::from_slice(answer.body()).map_err(|error| ClientError::Mismatch(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_with_its_code_fields_and_remedy() {
        let body =
            br#"{"type":"urn:x","title":"t","status":422,"detail":"2 fields","code":"PQ-INVALID-CONFIG",
            "remedy":"Mend it.","problems":[{"field":"a.b","message":"use 1"}]}"#;
        let problem = Problem::read(StatusCode::UNPROCESSABLE_ENTITY, body);
        assert_eq!(problem.to_string(), "PQ-INVALID-CONFIG: 2 fields\n  a.b: use 1\nMend it.");
        assert!(!problem.is_temporary());
        let other = Problem::read(StatusCode::SERVICE_UNAVAILABLE, b"<html>");
        assert!(other.is_temporary());
        assert_eq!(other.to_string(), "the node answered 503 Service Unavailable");
    }
}
