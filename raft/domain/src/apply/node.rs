//! The realm's birth, and its nodes coming and going.

use super::Change;
use crate::address::{HostPort, SiteUrl};
use crate::audit::AuditEvent;
use crate::command::{AdmitNode, CreateRealm, NewNode};
use crate::ids::NodeId;
use crate::instance::{Instance, Role, Standing};
use crate::outcome::{Effect, Outcome, Rejection};
use crate::realm_keys::RealmKeys;
use crate::state::{CellKey, Realm};

impl Change<'_> {
    pub(super) fn create_realm(&mut self, new: CreateRealm) -> Outcome {
        if self.state.realm.is_some() {
            return Err(Rejection::RealmExists);
        }
        let problems = new.config.problems_at(self.state.level);
        if !problems.is_empty() {
            return Err(super::invalid(problems));
        }
        self.state.realm = Some(Realm {
            id: new.realm,
            epoch: 1,
            authority: new.authority,
            authority_key: new.authority_key,
            created_at: self.at,
        });
        self.touch(CellKey::Realm);
        self.state.keys = Some(RealmKeys::first(new.wrap.generation, self.at));
        self.touch(CellKey::Keys);
        self.put_in_force(new.config);
        self.audit(AuditEvent::RealmCreated, None);
        let id = self.register(new.first, Role::Voter);
        self.state.wraps.insert(id, new.wrap);
        self.touch(CellKey::Wrap(id));
        Ok(Effect::Admitted(id))
    }

    pub(super) fn admit_node(&mut self, admit: AdmitNode) -> Outcome {
        let token = self.state.join_tokens.get(&admit.token).ok_or(Rejection::TokenInvalid)?;
        let fresh =
            token.used_by.is_none() && self.at < token.expires_at && token.secret.matches(&admit.secret);
        if !fresh || token.role.holds_keys() != admit.wrap.is_some() {
            return Err(Rejection::TokenInvalid);
        }
        let newest = self.state.keys.as_ref().map(RealmKeys::newest);
        if admit.wrap.as_ref().is_some_and(|wrap| Some(wrap.generation) != newest) {
            return Err(Rejection::KeysChanged);
        }
        let role = token.role;
        let id = self.register(admit.node, role);
        if let Some(token) = self.state.join_tokens.get_mut(&admit.token) {
            token.used_by = Some(id);
        }
        self.touch(CellKey::JoinToken(admit.token));
        if let Some(wrap) = admit.wrap {
            self.state.wraps.insert(id, wrap);
            self.touch(CellKey::Wrap(id));
        }
        Ok(Effect::Admitted(id))
    }

    pub(super) fn register(&mut self, node: NewNode, role: Role) -> NodeId {
        let id = NodeId(self.state.totals.last_node.saturating_add(1));
        self.state.totals.last_node = id.0;
        let instance = Instance {
            id,
            name: node.name,
            role,
            cluster_address: node.cluster_address,
            site_url: node.site_url,
            wrap_key: node.wrap_key,
            joined_at: self.at,
            standing: Standing::Active,
        };
        self.state.instances.insert(id, instance);
        self.touch(CellKey::Instance(id));
        self.audit(AuditEvent::NodeAdmitted(id, role), None);
        id
    }

    pub(super) fn set_node_role(&mut self, id: NodeId, role: Role) -> Outcome {
        let instance = self.state.instances.get_mut(&id).filter(|instance| instance.is_active());
        instance.ok_or(Rejection::NotFound)?.role = role;
        self.touch(CellKey::Instance(id));
        self.audit(AuditEvent::NodeRoleChanged(id, role), None);
        Ok(Effect::Done)
    }

    pub(super) fn move_node(&mut self, id: NodeId, cluster_address: HostPort) -> Outcome {
        let instance = self.state.instances.get_mut(&id).filter(|instance| instance.is_active());
        instance.ok_or(Rejection::NotFound)?.cluster_address = cluster_address.into();
        self.touch(CellKey::Instance(id));
        self.audit(AuditEvent::NodeMoved(id), None);
        Ok(Effect::Done)
    }

    pub(super) fn set_site_url(&mut self, id: NodeId, seen: &str, url: SiteUrl) -> Outcome {
        let instance = self.state.instances.get_mut(&id).filter(|instance| instance.is_active());
        let instance = instance.ok_or(Rejection::NotFound)?;
        if instance.site_url != seen {
            return Err(Rejection::ConditionFailed { current: None });
        }
        instance.site_url = url.into();
        self.touch(CellKey::Instance(id));
        self.audit(AuditEvent::SiteUrlChanged(id), None);
        Ok(Effect::Done)
    }

    pub(super) fn begin_removal(&mut self, id: NodeId) -> Outcome {
        let at = self.at;
        let instance = self.state.instances.get_mut(&id).filter(|instance| instance.is_active());
        instance.ok_or(Rejection::NotFound)?.standing = Standing::Leaving(at);
        self.touch(CellKey::Instance(id));
        self.audit(AuditEvent::NodeLeaving(id), None);
        Ok(Effect::Done)
    }

    pub(super) fn remove_node(&mut self, id: NodeId) -> Outcome {
        let at = self.at;
        let instance = self.state.instances.get_mut(&id).filter(|instance| !instance.is_removed());
        instance.ok_or(Rejection::NotFound)?.standing = Standing::Removed(at);
        self.touch(CellKey::Instance(id));
        self.forget_holder(id);
        if self.state.certificates.remove(&id).is_some() {
            self.touch(CellKey::Certificate(id));
        }
        self.forget_replacements_of(id);
        self.audit(AuditEvent::NodeRemoved(id), None);
        Ok(Effect::Done)
    }
}
