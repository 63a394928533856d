//! Certificates of nodes, and the rotation of the realm's data key. Everything is sealed and wrapped before it gets here.

use super::Change;
use crate::audit::AuditEvent;
use crate::blob::Sealed;
use crate::command::NewWraps;
use crate::ids::{NodeId, Revision};
use crate::outcome::{Effect, Outcome, Rejection};
use crate::realm_keys::{NextKey, OlderKey, RealmKeys, with_resealed};
use crate::state::CellKey;
use crate::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Change<'_> {
    pub(super) fn certify_node(&mut self, node: NodeId, until: Timestamp) -> Outcome {
        self.state.instances.get(&node).filter(|instance| instance.is_active()).ok_or(Rejection::NotFound)?;
        self.state.certificates.insert(node, until);
        self.touch(CellKey::Certificate(node));
        self.audit(AuditEvent::NodeCertified(node, until), None);
        Ok(Effect::Done)
    }

    fn keys(&self) -> Result<RealmKeys, Rejection> {
        self.state.keys.clone().ok_or(Rejection::NoRealm)
    }

    fn put_keys(&mut self, keys: RealmKeys) {
        self.state.keys = Some(keys);
        self.touch(CellKey::Keys);
    }

    /// Puts wraps in place of those of every holder that stays, or nothing at all.
    fn put_wraps(&mut self, keys: &RealmKeys, new: NewWraps, generation: u32) -> Result<(), Rejection> {
        let holders: BTreeSet<NodeId> = new.wraps.iter().map(|(node, _)| *node).collect();
        let made_for_now = new.seen == keys.newest()
            && holders.len() == new.wraps.len()
            && holders == self.state.staying_key_holders()
            && new.wraps.iter().all(|(_, wrap)| wrap.generation == generation);
        if !made_for_now {
            return Err(Rejection::KeysChanged);
        }
        for (node, wrap) in new.wraps {
            self.state.wraps.insert(node, wrap);
            self.touch(CellKey::Wrap(node));
        }
        Ok(())
    }

    pub(super) fn begin_rotation(&mut self, new: NewWraps) -> Outcome {
        let keys = self.keys()?;
        if keys.next.is_some() || keys.older.len() >= RealmKeys::MOST_OLDER {
            return Err(Rejection::KeysChanged);
        }
        let generation = keys.newest().checked_add(1).ok_or(Rejection::KeysChanged)?;
        self.put_wraps(&keys, new, generation)?;
        let next = NextKey { generation, since: self.at, held_by: BTreeSet::new() };
        self.put_keys(RealmKeys { next: Some(next), due: false, ..keys });
        self.audit(AuditEvent::KeyRotationBegun(generation), None);
        Ok(Effect::Done)
    }

    pub(super) fn confirm_key(&mut self, node: NodeId, generation: u32) -> Outcome {
        let mut keys = self.keys()?;
        let holds = self.state.wraps.get(&node).is_some_and(|wrap| wrap.generation == generation);
        let next = keys.next.as_mut().filter(|next| holds && next.generation == generation);
        next.ok_or(Rejection::KeysChanged)?.held_by.insert(node);
        self.put_keys(keys);
        self.use_key_that_all_hold();
        Ok(Effect::Done)
    }

    /// Seals under the next key from now on, once every holder that stays has confirmed it.
    pub(super) fn use_key_that_all_hold(&mut self) {
        let next = self.state.keys.as_ref().and_then(|keys| keys.next.as_ref());
        if next.is_some_and(|next| self.state.staying_key_holders().is_subset(&next.held_by)) {
            self.use_next_key();
        }
    }

    /// Seals under the next key from now on.
    pub(super) fn use_next_key(&mut self) {
        let Some(mut keys) = self.state.keys.clone() else { return };
        let Some(next) = keys.next.take() else { return };
        keys.older.push(OlderKey { generation: keys.sealing, until: self.at });
        (keys.sealing, keys.since) = (next.generation, self.at);
        self.put_keys(keys);
        self.audit(AuditEvent::KeyInUse(next.generation), None);
    }

    /// A node has lost its wrap. If it held the newest key, there is to be a newer one.
    pub(super) fn forget_holder(&mut self, node: NodeId) {
        let Some(wrap) = self.state.wraps.remove(&node) else { return };
        self.touch(CellKey::Wrap(node));
        if let Some(keys) = self.state.keys.clone().filter(|keys| wrap.generation == keys.newest()) {
            self.put_keys(RealmKeys { due: true, ..keys });
        }
        self.use_key_that_all_hold();
    }

    pub(super) fn reseal(&mut self, old: &Sealed, new: &Sealed) -> Outcome {
        if new.generation() != Some(self.keys()?.sealing) {
            return Err(Rejection::KeysChanged);
        }
        let mut found = false;
        if let Some(realm) = &mut self.state.realm
            && realm.authority_key == *old
        {
            realm.authority_key = new.clone();
            self.touch(CellKey::Realm);
            found = true;
        }
        let revisions: Vec<Revision> = self.state.revisions.keys().copied().collect();
        for revision in revisions {
            found |= self.reseal_revision(revision, old, new);
        }
        let Some(config) = self.state.config.clone() else { return Err(Rejection::NoRealm) };
        if let Some(resealed) = with_resealed(&config, old, new) {
            // The history and what is in force share one copy.
            let kept = self.state.revisions.get(&config.revision).map(|kept| Arc::clone(&kept.config));
            self.state.config = Some(kept.unwrap_or(resealed));
            self.touch(CellKey::Config);
            found = true;
        }
        found |= self.reseal_mail(old, new);
        if found { Ok(Effect::Done) } else { Err(Rejection::NotFound) }
    }

    fn reseal_revision(&mut self, revision: Revision, old: &Sealed, new: &Sealed) -> bool {
        let Some(kept) = self.state.revisions.get(&revision) else { return false };
        let resealed = with_resealed(&kept.config, old, new);
        let is_note = kept.origin.as_ref().is_some_and(|origin| origin.detail.as_ref() == Some(old));
        if resealed.is_none() && !is_note {
            return false;
        }
        let mut kept = kept.clone();
        kept.config = resealed.unwrap_or(kept.config);
        if let Some(origin) = kept.origin.as_mut().filter(|_| is_note) {
            origin.detail = Some(new.clone());
        }
        self.state.revisions.insert(revision, kept);
        self.touch(CellKey::Revision(revision));
        true
    }

    pub(super) fn retire_key(&mut self, generation: u32, wraps: NewWraps) -> Outcome {
        let mut keys = self.keys()?;
        let place = keys.older.iter().position(|older| older.generation == generation);
        let place = place.ok_or(Rejection::NotFound)?;
        if keys.next.is_some() {
            return Err(Rejection::KeysChanged);
        }
        let older = keys.older.remove(place);
        let uses = self.state.uses_of_keys().get(&generation).copied().unwrap_or_default();
        let values = uses.to_reseal.saturating_add(uses.audit);
        if values > 0 || self.at < older.until.plus(RealmKeys::KEEP) {
            return Err(Rejection::KeyInUse { values });
        }
        self.put_wraps(&keys, wraps, keys.newest())?;
        self.put_keys(keys);
        self.audit(AuditEvent::KeyRetired(generation), None);
        Ok(Effect::Done)
    }
}
