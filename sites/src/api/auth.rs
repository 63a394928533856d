//! Who calls: a bearer token (RFC 6750) looked up in this node's state, or the operator at the node's own socket.
//!
//! The secret part of a token is compared by keyed hash, in constant time. A token that this node does not know may have
//! been made a moment ago elsewhere: it is looked up again in what the realm has committed before it is refused. One that
//! was revoked elsewhere is refused here as soon as that is applied here.

use super::problem::ApiProblem;
use super::{Access, Shared};
use crate::limits::LocalOperator;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use passquorum_domain::audit::Actor;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::ApiTokenId;
use passquorum_domain::ports::{Consistency, Purpose};
use passquorum_domain::token::ApiScope;
use std::collections::BTreeSet;

/// What stands before one route.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) ports: Shared,
    pub(super) access: Access,
}

/// Who was let through, for the handler.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// Who, for the audit.
    pub(super) actor: Actor,
    /// What the caller may do at all, and so may give on.
    pub(super) scopes: BTreeSet<ApiScope>,
}

/// Lets a request through to its route, or refuses it.
pub(super) async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let local = request.extensions().get::<LocalOperator>().is_some();
    match guard.admit(request.headers(), local).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

impl Guard {
    async fn admit(&self, headers: &HeaderMap, local: bool) -> Result<Caller, ApiProblem> {
        let needed = match self.access {
            Access::Open => return Ok(Caller { actor: Actor::Anonymous, scopes: BTreeSet::new() }),
            Access::Scope(scope) => scope,
        };
        if local {
            let actor = Actor::LocalOperator(self.ports.consensus.node());
            return Ok(Caller { actor, scopes: ApiScope::ALL.into() });
        }
        let caller = self.holder(headers).await?;
        if caller.scopes.contains(&needed) {
            Ok(caller)
        } else {
            let detail = format!("the token lacks the scope {}", name_of(needed));
            Err(ApiProblem::new(ErrorCode::Forbidden, detail))
        }
    }

    async fn holder(&self, headers: &HeaderMap) -> Result<Caller, ApiProblem> {
        let refused = |detail: &str| ApiProblem::new(ErrorCode::Unauthenticated, detail);
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Err(refused("send the header Authorization: Bearer with an API token"));
        };
        let (id, secret) = header
            .to_str()
            .ok()
            .and_then(bearer)
            .ok_or_else(|| refused("the Authorization header holds no API token (pqa1.…)"))?;
        let unknown = || refused("the API token is unknown, expired or revoked");
        let hash = self.ports.vault.keyed_hash(Purpose::Token, secret.as_bytes())?;
        let mut state = self.ports.consensus.local();
        if state.api_token(id).is_none() {
            state = self.ports.consensus.read(Consistency::Linearizable).await?;
        }
        let token = state.api_token(id).filter(|token| token.secret.matches(&hash)).ok_or_else(unknown)?;
        if token.expires_at.is_some_and(|expires_at| expires_at <= self.ports.clock.now()) {
            return Err(unknown());
        }
        Ok(Caller { actor: Actor::ApiToken(id), scopes: token.scopes.clone() })
    }
}

/// Takes `Bearer pqa1.<id>.<secret>` apart.
pub(super) fn bearer(header: &str) -> Option<(ApiTokenId, &str)> {
    let (scheme, token) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (id, secret) = token.trim().strip_prefix("pqa1.")?.split_once('.')?;
    Some((id.parse().ok()?, secret)).filter(|(_, secret)| !secret.is_empty())
}

/// The scope as it stands in JSON.
fn name_of(scope: ApiScope) -> &'static str {
    match scope {
        ApiScope::Read => "read",
        ApiScope::Labels => "labels",
        ApiScope::Config => "config",
        ApiScope::Nodes => "nodes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_header_is_taken_apart_only_when_it_is_whole() {
        let id = "0190a3c4-0000-4000-8000-000000000001";
        assert!(bearer(&format!("Bearer pqa1.{id}.s3cret")).is_some_and(|(_, secret)| secret == "s3cret"));
        assert!(bearer(&format!("bearer pqa1.{id}.s")).is_some());
        for broken in ["", "Bearer", "Basic pqa1.x.y", "Bearer pqa1.x.y", &format!("Bearer pqa1.{id}.")] {
            assert_eq!(bearer(broken), None, "{broken}");
        }
    }

    #[test]
    fn scopes_are_named_as_in_json() {
        for scope in ApiScope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), name_of(scope));
        }
    }
}
