//! Join tokens and API tokens.

use super::Change;
use crate::audit::AuditEvent;
use crate::ids::ApiTokenId;
use crate::outcome::{Effect, Outcome, Rejection};
use crate::state::CellKey;
use crate::token::{ApiToken, JoinToken};

impl Change<'_> {
    pub(super) fn create_join_token(&mut self, token: JoinToken) -> Outcome {
        let (id, role) = (token.id, token.role);
        if self.state.join_tokens.contains_key(&id) {
            return Err(Rejection::TokenInvalid);
        }
        self.state.join_tokens.insert(id, token);
        self.touch(CellKey::JoinToken(id));
        self.audit(AuditEvent::JoinTokenCreated(id, role), None);
        Ok(Effect::Done)
    }

    pub(super) fn create_api_token(&mut self, token: ApiToken) -> Outcome {
        let id = token.id;
        if self.state.api_tokens.contains_key(&id) {
            return Err(Rejection::TokenInvalid);
        }
        self.state.api_tokens.insert(id, token);
        self.touch(CellKey::ApiToken(id));
        self.audit(AuditEvent::ApiTokenCreated(id), None);
        Ok(Effect::Done)
    }

    pub(super) fn revoke_api_token(&mut self, id: ApiTokenId) -> Outcome {
        self.state.api_tokens.remove(&id).ok_or(Rejection::NotFound)?;
        self.touch(CellKey::ApiToken(id));
        self.audit(AuditEvent::ApiTokenRevoked(id), None);
        Ok(Effect::Done)
    }
}
