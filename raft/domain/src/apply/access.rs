//! Join tokens and API tokens.

use super::Change;
use crate::audit::AuditEvent;
use crate::ids::{ApiTokenId, NodeId};
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

    pub(super) fn create_replacement(&mut self, token: JoinToken, replaces: NodeId) -> Outcome {
        let instance = self.state.instances.get(&replaces).filter(|instance| instance.is_active());
        let role = instance.ok_or(Rejection::NotFound)?.role;
        let id = token.id;
        self.create_join_token(JoinToken { role, ..token })?;
        self.state.replacements.insert(id, replaces);
        self.touch(CellKey::Replacement(id));
        self.audit(AuditEvent::ReplacementTokenCreated(id, replaces), None);
        Ok(Effect::Done)
    }

    /// A node that was removed needs no replacement any more; tokens for one let a node in all the same.
    pub(super) fn forget_replacements_of(&mut self, node: NodeId) {
        let of_node = self.state.replacements.iter().filter(|(_, replaces)| **replaces == node);
        for token in of_node.map(|(token, _)| *token).collect::<Vec<_>>() {
            self.state.replacements.remove(&token);
            self.touch(CellKey::Replacement(token));
        }
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
