//! Lets nodes into the realm and makes tokens: the [`Admission`] of the production system.
//!
//! A token is used up by a committed command before anything is signed, so it admits one node even when two bring it to
//! two voters at once. A node that never got its grant stays registered and is seen in `node list`; the operator removes
//! it and makes a new token. Nothing of a token's secret is kept or logged.

use crate::authority::{Authority, AuthorityError, host_of, pin_of_pem};
use crate::keyring::{Keyring, WrapPublicKey};
use crate::token::{JoinTokenText, TokenSecret, reveal_api_token};
use async_trait::async_trait;
use passquorum_domain::audit::Actor;
use passquorum_domain::command::{Action, AdmitNode, Command, NewNode};
use passquorum_domain::ids::{ApiTokenId, JoinTokenId, NodeId, RealmId, RequestId};
use passquorum_domain::instance::Role;
use passquorum_domain::outcome::{Effect, Rejection};
use passquorum_domain::ports::{
    Admission, AdmissionError, Clock, Consensus, Consistency, Entropy, JoinGrant, JoinRequest,
    MembershipError, ProposeError, Purpose, Vault, VaultError, fresh_uuid,
};
use passquorum_domain::state::State;
use passquorum_domain::time::Span;
use passquorum_domain::token::{ApiScope, ApiToken, JoinToken};
use passquorum_raft::PeerIdentity;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Takes an admitted node into the Raft membership. May be called on any node.
#[async_trait]
pub trait Learners: Send + Sync {
    /// Adds it as a learner; its log begins to fill.
    async fn add_learner(&self, node: NodeId, cluster_address: &str) -> Result<(), MembershipError>;
}

/// The realm's admission, as far as this node can do it: it needs the realm key.
pub struct RealmAdmission {
    /// Where commands go.
    pub consensus: Arc<dyn Consensus>,
    /// The realm key.
    pub keyring: Arc<Keyring>,
    /// The Raft membership.
    pub learners: Arc<dyn Learners>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl RealmAdmission {
    async fn propose(&self, actor: Actor, action: Action) -> Result<Result<Effect, Rejection>, ProposeError> {
        let request = RequestId::Internal(fresh_uuid(self.entropy.as_ref()));
        let at = self.clock.now();
        self.consensus.propose(Command { request, at, actor, detail: None, action }).await
    }

    async fn state(&self) -> Result<Arc<State>, AdmissionError> {
        let read = self.consensus.read(Consistency::Linearizable).await;
        read.map_err(|_| AdmissionError::Propose(ProposeError::NoQuorum))
    }

    fn authority(&self, state: &State) -> Result<Authority, AdmissionError> {
        let realm = state.realm().ok_or(VaultError::NoKey)?;
        let key = self.keyring.open(
            Purpose::AuthorityKey,
            &authority_key_context(realm.id),
            &realm.authority_key,
        )?;
        Authority::open(&realm.authority, &key).map_err(|_| VaultError::DoesNotOpen.into())
    }

    fn wrap(
        &self,
        role: Role,
        node: &NewNode,
    ) -> Result<Option<passquorum_domain::instance::KeyWrap>, AdmissionError> {
        if !role.holds_keys() {
            return Ok(None);
        }
        let bad = || bad("node.wrap_key", "this is no X25519 public key".to_owned());
        let public = WrapPublicKey::from_bytes(&node.wrap_key).ok_or_else(bad)?;
        match self.keyring.wrap_for(&public) {
            Ok(wrap) => Ok(Some(wrap)),
            Err(VaultError::NoKey) => Err(VaultError::NoKey.into()),
            Err(VaultError::DoesNotOpen) => Err(bad()),
        }
    }
}

fn bad(field: &'static str, message: String) -> AdmissionError {
    AdmissionError::BadRequest { field, message }
}

fn done<T>(outcome: Result<T, Rejection>) -> Result<T, AdmissionError> {
    outcome.map_err(|rejection| match rejection {
        Rejection::TokenInvalid => AdmissionError::TokenInvalid,
        other => bad("request", other.to_string()),
    })
}

fn check(node: &NewNode) -> Result<(), AdmissionError> {
    let name = node.name.trim();
    if name.is_empty() || name.chars().nth(100).is_some() || name.chars().any(char::is_control) {
        return Err(bad("node.name", "use 1 to 100 characters, none of them control characters".to_owned()));
    }
    if let Err(error) = node.cluster_address.parse::<crate::config::HostPort>() {
        return Err(bad("node.cluster_address", error.to_string()));
    }
    if let Err(error) = node.site_url.parse::<crate::config::SiteUrl>() {
        return Err(bad("node.site_url", error.to_string()));
    }
    Ok(())
}

/// The hosts that a node's certificate is good for.
#[must_use]
pub fn hosts_of(node: &NewNode) -> [String; 2] {
    [host_of(&node.cluster_address).to_owned(), host_of(&node.site_url).to_owned()]
}

/// Where the authority's private key is sealed to.
#[must_use]
pub fn authority_key_context(realm: RealmId) -> Vec<u8> {
    realm.0.as_bytes().to_vec()
}

#[async_trait]
impl Admission for RealmAdmission {
    async fn admit(&self, request: JoinRequest) -> Result<JoinGrant, AdmissionError> {
        let token = JoinTokenText::parse(&request.token).map_err(|_| AdmissionError::TokenInvalid)?;
        let secret = self.keyring.keyed_hash(Purpose::Token, token.secret.as_bytes())?;
        let state = self.state().await?;
        let known = state.join_token(token.id).filter(|known| known.secret.matches(&secret));
        let role = known.ok_or(AdmissionError::TokenInvalid)?.role;
        // Only now, so that nothing is told to someone without a token.
        check(&request.node)?;
        let realm = state.realm().ok_or(VaultError::NoKey)?;
        let authority = self.authority(&state)?;
        let wrap = self.wrap(role, &request.node)?;
        let hosts = hosts_of(&request.node);
        let mut serial = [0; 16];
        self.entropy.fill(&mut serial);
        let sign = |node| {
            let identity = PeerIdentity { realm: realm.id, epoch: realm.epoch, node, role };
            let signed = authority.sign(&request.csr, &identity, &hosts, serial, self.clock.now());
            signed.map_err(|error| match error {
                AuthorityError::BadRequest(_) => bad("csr", error.to_string()),
                other => bad("node", other.to_string()),
            })
        };
        // A trial first, so that a bad request does not use the token up.
        sign(NodeId(0))?;
        let address = request.node.cluster_address.clone();
        let admit = AdmitNode { token: token.id, secret, node: request.node.clone(), wrap };
        let outcome = self.propose(Actor::JoinToken(token.id), Action::AdmitNode(Box::new(admit))).await?;
        let Effect::Admitted(node) = done(outcome)? else {
            return Err(bad("request", "the cluster answered something else".to_owned()));
        };
        let certificate = sign(node)?;
        if let Err(error) = self.learners.add_learner(node, &address).await {
            // The leader brings the membership in line with the registry by itself.
            tracing::warn!(%node, %error, "an admitted node is not a member yet");
        }
        tracing::info!(%node, %role, name = %request.node.name, "admitted a node");
        Ok(JoinGrant { realm: realm.id, node, role, certificate, authority: realm.authority.clone() })
    }

    async fn create_join_token(
        &self,
        actor: Actor,
        role: Role,
        life: Span,
    ) -> Result<String, AdmissionError> {
        let state = self.state().await?;
        let realm = state.realm().ok_or(VaultError::NoKey)?;
        let pin = pin_of_pem(&realm.authority).map_err(|_| VaultError::DoesNotOpen)?;
        let entropy = self.entropy.as_ref();
        let text =
            JoinTokenText { id: JoinTokenId(fresh_uuid(entropy)), secret: TokenSecret::draw(entropy), pin };
        let token = JoinToken {
            id: text.id,
            secret: self.keyring.keyed_hash(Purpose::Token, text.secret.as_bytes())?,
            role,
            expires_at: self.clock.now().plus(life),
            used_by: None,
        };
        done(self.propose(actor, Action::CreateJoinToken(token)).await?)?;
        Ok(text.reveal())
    }

    async fn create_api_token(
        &self,
        actor: Actor,
        name: &str,
        scopes: BTreeSet<ApiScope>,
        life: Option<Span>,
    ) -> Result<String, AdmissionError> {
        let id = ApiTokenId(fresh_uuid(self.entropy.as_ref()));
        let secret = TokenSecret::draw(self.entropy.as_ref());
        let token = ApiToken {
            id,
            secret: self.keyring.keyed_hash(Purpose::Token, secret.as_bytes())?,
            name: name.to_owned(),
            scopes,
            expires_at: life.map(|life| self.clock.now().plus(life)),
        };
        done(self.propose(actor, Action::CreateApiToken(token)).await?)?;
        Ok(reveal_api_token(id, &secret))
    }
}
