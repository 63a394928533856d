//! Who calls: a bearer token (RFC 6750) looked up in this node's state, or the operator at the node's own socket.
//!
//! The secret part of a token is compared by keyed hash, in constant time. A token that this node does not know may have
//! been made a moment ago elsewhere: it is looked up again in what the realm has committed before it is refused. One that
//! was revoked elsewhere is refused here as soon as that is applied here. A source that sends wrong ones over and over
//! is not heard for a while, except with a right one that this node knows.

use super::monitors::may_watch;
use super::problem::ApiProblem;
use super::{Access, Shared};
use crate::crowd::{Crowd, marked};
use crate::limits::{LocalOperator, source_of};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use passquorum_domain::audit::Actor;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::ApiTokenId;
use passquorum_domain::limit::Limit;
use passquorum_domain::ports::{Consistency, Purpose};
use passquorum_domain::token::ApiScope;
use std::collections::BTreeSet;

const SOURCE_IS_FULL: &str = "too many requests of this network address are being answered at the moment";
const WRONG_TOKENS: &str = "this network address sent too many wrong tokens within a minute";

/// What stands before one route.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) ports: Shared,
    pub(super) crowd: Crowd,
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
    let Ok(entered) = guard.crowd.enter(&request) else {
        return too_many(SOURCE_IS_FULL, Limit::SourceRequests);
    };
    let heard_out = guard.crowd.sent_too_many(&entered, guard.ports.clock.now());
    let local = request.extensions().get::<LocalOperator>().is_some();
    let watches = guard.access == Access::Monitor
        && may_watch(&guard.ports.consensus.local(), source_of(&request, guard.crowd.settings()));
    if watches {
        return next.run(request).await;
    }
    let (response, wrong) = match guard.admit(request.headers(), local, heard_out).await {
        // The route will look at the token in the body, which costs a round to the leader.
        Ok(_) if guard.access == Access::Open && heard_out => {
            return too_many(WRONG_TOKENS, Limit::WrongTokens);
        }
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            let response = next.run(request).await;
            let wrong = response.extensions().get() == Some(&ErrorCode::TokenInvalid);
            (response, wrong)
        }
        Err(problem) if problem.code == ErrorCode::Unauthenticated => {
            if heard_out {
                return too_many(WRONG_TOKENS, Limit::WrongTokens);
            }
            (problem.into_response(), true)
        }
        Err(problem) => (problem.into_response(), false),
    };
    if wrong {
        guard.crowd.count_wrong_token(&entered, guard.ports.clock.now());
    }
    response
}

fn too_many(detail: &str, limit: Limit) -> Response {
    let mut response = ApiProblem::new(ErrorCode::TooManyRequests, detail).into_response();
    let seconds = if limit == Limit::WrongTokens { "60" } else { "1" };
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(seconds));
    marked(response, limit)
}

impl Guard {
    async fn admit(&self, headers: &HeaderMap, local: bool, heard_out: bool) -> Result<Caller, ApiProblem> {
        let needed = match self.access {
            Access::Open => return Ok(Caller { actor: Actor::Anonymous, scopes: BTreeSet::new() }),
            Access::Scope(scope) => scope,
            Access::Monitor => ApiScope::Read,
        };
        if local {
            let actor = Actor::LocalOperator(self.ports.consensus.node());
            return Ok(Caller { actor, scopes: ApiScope::ALL.into() });
        }
        let caller = self.holder(headers, heard_out).await?;
        if caller.scopes.contains(&needed) {
            Ok(caller)
        } else {
            let detail = format!("the token lacks the scope {}", name_of(needed));
            Err(ApiProblem::new(ErrorCode::Forbidden, detail))
        }
    }

    async fn holder(&self, headers: &HeaderMap, heard_out: bool) -> Result<Caller, ApiProblem> {
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
        // Which costs a round to the leader, so that not everybody may have one.
        if state.api_token(id).is_none() && !heard_out {
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
        ApiScope::Backup => "backup",
        ApiScope::Profiles => "profiles",
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
