//! Lets nodes into the realm and makes tokens: the [`Admission`] of the production system.
//!
//! A token is used up by a committed command before anything is signed, so it admits one node even when two bring it to
//! two voters at once. A node that never got its grant stays registered and is seen in `node list`; the operator removes
//! it and makes a new token. Nothing of a token's secret is kept or logged.

use crate::authority::{AuthorityError, pin_of_pem};
use crate::certifier::{CertifyError, Holder, RealmCertifier};
use crate::keyring::{Keyring, WrapPublicKey};
use crate::token::{JoinTokenText, TokenSecret, reveal_api_token};
use async_trait::async_trait;
use passquorum_domain::audit::Actor;
use passquorum_domain::command::{Action, AdmitNode, Command, NewNode};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{ApiTokenId, JoinTokenId, KeyedHash, NodeId, RequestId};
use passquorum_domain::instance::Role;
use passquorum_domain::outcome::{Effect, Rejection};
use passquorum_domain::ports::{
    Admission, AdmissionError, Clock, Consensus, Consistency, Entropy, JoinGrant, JoinRequest,
    MembershipError, ProposeError, Purpose, ReadError, Vault, VaultError, fresh_uuid,
};
use passquorum_domain::state::State;
use passquorum_domain::time::Span;
use passquorum_domain::token::{ApiScope, ApiToken, JoinToken};
use passquorum_raft::Certified;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long the keys of a rotation that the realm has begun are waited for on this node.
const ARRIVAL: Duration = Duration::from_secs(5);

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
    /// Signs certificates.
    pub certifier: Arc<RealmCertifier>,
    /// The Raft membership.
    pub learners: Arc<dyn Learners>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl RealmAdmission {
    async fn propose(&self, actor: Actor, action: Action) -> Result<Result<Effect, Rejection>, ProposeError> {
        let at = self.clock.now();
        let request = RequestId::internal(at, fresh_uuid(self.entropy.as_ref()));
        self.consensus.propose(Command { request, at, actor, detail: None, action }).await
    }

    async fn state(&self) -> Result<Arc<State>, AdmissionError> {
        let read = self.consensus.read(Consistency::Linearizable).await;
        read.map_err(|error| match error {
            ReadError::NoQuorum => ProposeError::NoQuorum.into(),
            ReadError::Busy => ProposeError::Busy.into(),
        })
    }

    /// A join token: as its holder has it, and as the realm keeps it.
    fn fresh_token(
        &self,
        state: &State,
        role: Role,
        life: Span,
    ) -> Result<(JoinTokenText, JoinToken), AdmissionError> {
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
        Ok((text, token))
    }

    /// Commits that a node is let in, and answers its id. While the keys are being rotated this node may be a moment behind
    /// the realm; then it waits for the new ones, since the token is still good.
    async fn register(
        &self,
        token: JoinTokenId,
        secret: KeyedHash,
        role: Role,
        node: &NewNode,
    ) -> Result<NodeId, AdmissionError> {
        loop {
            let wrap = self.wrap(role, node)?;
            let generation = wrap.as_ref().map(|wrap| wrap.generation);
            let admit = AdmitNode { token, secret, node: node.clone(), wrap };
            match (
                self.propose(Actor::JoinToken(token), Action::AdmitNode(Box::new(admit))).await?,
                generation,
            ) {
                (Ok(Effect::Admitted(node)), _) => return Ok(node),
                (Err(Rejection::KeysChanged), Some(generation)) => {
                    let moved_on = timeout(ARRIVAL, self.keyring.moved_on_from(generation)).await;
                    moved_on.map_err(|_| ProposeError::Busy)?;
                }
                (outcome, _) => {
                    done(outcome)?;
                    return Err(bad("request", "the cluster answered something else".to_owned()));
                }
            }
        }
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

#[async_trait]
impl Admission for RealmAdmission {
    async fn admit(&self, request: JoinRequest, supports: FeatureLevel) -> Result<JoinGrant, AdmissionError> {
        let token = JoinTokenText::parse(&request.token).map_err(|_| AdmissionError::TokenInvalid)?;
        let secret = self.keyring.keyed_hash(Purpose::Token, token.secret.as_bytes())?;
        let state = self.state().await?;
        let known = state.join_token(token.id).filter(|known| known.secret.matches(&secret));
        let role = known.ok_or(AdmissionError::TokenInvalid)?.role;
        // Only now, so that nothing is told to someone without a token.
        let level = state.level();
        if supports < level {
            return Err(AdmissionError::ProgramTooOld { level, supports });
        }
        check(&request.node)?;
        let realm = state.realm().ok_or(VaultError::NoKey)?;
        self.wrap(role, &request.node)?;
        let NewNode { cluster_address, site_url, .. } = &request.node;
        let sign = |node| {
            let signed =
                self.certifier.sign(&state, &Holder { node, role, cluster_address, site_url }, &request.csr);
            signed.map_err(|error| match error {
                CertifyError::Vault(error) => error.into(),
                CertifyError::Authority(AuthorityError::BadRequest(_)) => bad("csr", error.to_string()),
                CertifyError::Authority(_) => bad("node", error.to_string()),
            })
        };
        // A trial first, so that a bad request does not use the token up.
        sign(NodeId(0))?;
        let address = request.node.cluster_address.clone();
        let node = self.register(token.id, secret, role, &request.node).await?;
        let Certified { certificate, until } = sign(node)?;
        let certify = Action::CertifyNode { node, until };
        done(self.propose(Actor::JoinToken(token.id), certify).await?)?;
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
        let (text, token) = self.fresh_token(&state, role, life)?;
        done(self.propose(actor, Action::CreateJoinToken(token)).await?)?;
        Ok(text.reveal())
    }

    async fn create_replacement_token(
        &self,
        actor: Actor,
        replaces: NodeId,
        life: Span,
    ) -> Result<String, AdmissionError> {
        let state = self.state().await?;
        let instance = state.instance(replaces).filter(|instance| instance.is_active());
        let role = instance.ok_or(MembershipError::NoSuchNode(replaces))?.role;
        let (text, token) = self.fresh_token(&state, role, life)?;
        match self.propose(actor, Action::CreateReplacement { token, replaces }).await? {
            Err(Rejection::NotFound) => Err(MembershipError::NoSuchNode(replaces).into()),
            outcome => done(outcome).map(|_| text.reveal()),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alone::Alone;
    use crate::birth::Birth;
    use crate::env::SystemEntropy;
    use crate::keyring::WrapKey;
    use crate::keys::NewKeys;
    use crate::rotation::RealmKeyCare;
    use passquorum_domain::config::RealmConfig;
    use passquorum_domain::time::Timestamp;
    use passquorum_raft::PeerIdentity;
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject as _;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct NoMember;

    #[async_trait]
    impl Learners for NoMember {
        async fn add_learner(&self, _: NodeId, _: &str) -> Result<(), MembershipError> {
            Err(MembershipError::Propose(ProposeError::NoQuorum))
        }
    }

    struct SetClock(AtomicU64);

    impl Clock for SetClock {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed))
        }
    }

    struct World {
        admission: RealmAdmission,
        cluster: Arc<Alone>,
        clock: Arc<SetClock>,
        /// What the first node's wraps open with.
        own: WrapKey,
    }

    fn node(wrap: &WrapKey) -> NewNode {
        NewNode {
            name: "two".to_owned(),
            cluster_address: "10.0.0.2:7400".to_owned(),
            site_url: "https://two.example:8443".to_owned(),
            wrap_key: wrap.public().to_bytes(),
        }
    }

    async fn world() -> World {
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let clock = Arc::new(SetClock(AtomicU64::new(1_800_000_000_000)));
        let keys = NewKeys::generate(&SystemEntropy).unwrap();
        let first = node(&keys.wrap);
        let birth =
            Birth::prepare(&keys, None, first, RealmConfig::empty(), clock.as_ref(), &entropy).unwrap();
        let cluster = Arc::new(Alone::default());
        assert_eq!(cluster.propose(birth.command).await, Ok(Ok(Effect::Admitted(NodeId(1)))));
        let keyring = Arc::new(birth.keyring);
        let certifier = RealmCertifier {
            keyring: Arc::clone(&keyring),
            clock: Arc::clone(&clock) as _,
            entropy: Arc::clone(&entropy),
        };
        let admission = RealmAdmission {
            consensus: Arc::clone(&cluster) as _,
            keyring,
            certifier: Arc::new(certifier),
            learners: Arc::new(NoMember),
            clock: Arc::clone(&clock) as _,
            entropy,
        };
        World { admission, cluster, clock, own: keys.wrap }
    }

    fn request(token: &str) -> (JoinRequest, NewKeys) {
        let keys = NewKeys::generate(&SystemEntropy).unwrap();
        let csr = keys.signing_request().unwrap();
        (JoinRequest { token: token.to_owned(), node: node(&keys.wrap), csr }, keys)
    }

    async fn token(world: &World, role: Role) -> String {
        let actor = Actor::LocalOperator(NodeId(1));
        world.admission.create_join_token(actor, role, Span::hours(1)).await.unwrap()
    }

    #[tokio::test]
    async fn a_replacement_has_the_role_of_the_node_whose_place_it_takes() {
        let world = world().await;
        let actor = || Actor::LocalOperator(NodeId(1));
        let life = Span::hours(1);
        let token = world.admission.create_replacement_token(actor(), NodeId(1), life).await.unwrap();
        let grant = world.admission.admit(request(&token).0, FeatureLevel::CURRENT).await.unwrap();
        assert_eq!((grant.node, grant.role), (NodeId(2), Role::Voter));
        let replacements: Vec<_> = world.cluster.local().replacements().collect();
        let id = JoinTokenText::parse(&token).unwrap().id;
        assert_eq!(replacements, [(NodeId(1), id, Some(NodeId(2)))]);
        let nobody = world.admission.create_replacement_token(actor(), NodeId(9), life).await;
        assert_eq!(nobody, Err(MembershipError::NoSuchNode(NodeId(9)).into()));
    }

    #[tokio::test]
    async fn a_token_admits_one_node_which_can_then_open_what_the_realm_seals() {
        let world = world().await;
        let token = token(&world, Role::Voter).await;
        let (request, keys) = request(&token);
        let grant = world.admission.admit(request.clone(), FeatureLevel::CURRENT).await.unwrap();
        assert_eq!((grant.node, grant.role), (NodeId(2), Role::Voter));
        let certificate = CertificateDer::from_pem_slice(grant.certificate.as_bytes()).unwrap();
        let identity = PeerIdentity::of_certificate(&certificate).unwrap();
        assert_eq!((identity.realm, identity.node, identity.role), (grant.realm, NodeId(2), Role::Voter));
        let state = world.cluster.local();
        let until = crate::authority::validity_of(&certificate).unwrap().until;
        assert_eq!(state.certificate_end(NodeId(2)), Some(until));
        let joined = Keyring::empty(Arc::new(SystemEntropy));
        joined.unwrap_from(&keys.wrap, grant.realm, state.wrap(NodeId(2)).unwrap(), 1).unwrap();
        let sealed = world.admission.keyring.seal(Purpose::Profile, b"", b"clear").unwrap();
        assert_eq!(joined.open(Purpose::Profile, b"", &sealed).unwrap().as_slice(), b"clear");
        assert_eq!(
            world.admission.admit(request, FeatureLevel::CURRENT).await.unwrap_err(),
            AdmissionError::TokenInvalid
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_comes_in_the_middle_of_a_rotation_waits_for_the_new_keys() {
        let world = world().await;
        let token = token(&world, Role::Voter).await;
        let care = RealmKeyCare {
            consensus: Arc::clone(&world.cluster) as _,
            keyring: Arc::clone(&world.admission.keyring),
            clock: Arc::clone(&world.clock) as _,
            entropy: Arc::new(SystemEntropy),
        };
        assert_eq!(care.rotate(Actor::Realm).await.unwrap(), 2);
        let (request, _) = request(&token);
        let behind = world.admission.admit(request.clone(), FeatureLevel::CURRENT).await;
        assert_eq!(behind.unwrap_err(), ProposeError::Busy.into(), "its keys do not come");

        let state = world.cluster.local();
        let (realm, wrap) = (state.realm().unwrap().id, state.wrap(NodeId(1)).unwrap());
        let keyring = &world.admission.keyring;
        let arrival = async { keyring.unwrap_from(&world.own, realm, wrap, 1) };
        let (admitted, arrived) =
            tokio::join!(world.admission.admit(request, FeatureLevel::CURRENT), arrival);
        arrived.unwrap();
        let grant = admitted.unwrap();
        assert_eq!(world.cluster.local().wrap(grant.node).unwrap().generation, 2);
    }

    #[tokio::test]
    async fn a_dmz_learner_gets_no_key() {
        let world = world().await;
        let token = token(&world, Role::DmzLearner).await;
        let grant = world.admission.admit(request(&token).0, FeatureLevel::CURRENT).await.unwrap();
        assert_eq!(world.cluster.local().wrap(grant.node), None);
    }

    #[tokio::test]
    async fn expired_foreign_and_malformed_tokens_are_refused_alike() {
        let world = world().await;
        let good = token(&world, Role::Voter).await;
        let mut other_secret = JoinTokenText::parse(&good).unwrap();
        other_secret.secret = TokenSecret::draw(&SystemEntropy);
        let mut unknown = JoinTokenText::parse(&good).unwrap();
        unknown.id = JoinTokenId(uuid::Uuid::from_u128(1));
        for bad in ["", "pq1.x", &other_secret.reveal(), &unknown.reveal()] {
            assert_eq!(
                world.admission.admit(request(bad).0, FeatureLevel::CURRENT).await.unwrap_err(),
                AdmissionError::TokenInvalid
            );
        }
        world.clock.0.fetch_add(Span::hours(1).0, Ordering::Relaxed);
        assert_eq!(
            world.admission.admit(request(&good).0, FeatureLevel::CURRENT).await.unwrap_err(),
            AdmissionError::TokenInvalid
        );
    }

    #[tokio::test]
    async fn a_program_that_is_too_old_for_the_realm_is_refused_and_its_token_stays_good() {
        let world = world().await;
        let token = token(&world, Role::SiteLearner).await;
        let (from, asked) = (FeatureLevel::FIRST, vec![NodeId(1)]);
        let raise = Action::RaiseLevel { from, to: FeatureLevel::SECOND, asked };
        world.admission.propose(Actor::Realm, raise).await.unwrap().unwrap();
        let refused = world.admission.admit(request(&token).0, FeatureLevel::FIRST).await.unwrap_err();
        assert_eq!(refused.code().as_str(), "PQ-PROGRAM-TOO-OLD");
        let stranger = world.admission.admit(request("x").0, FeatureLevel::FIRST).await.unwrap_err();
        assert_eq!(stranger, AdmissionError::TokenInvalid, "nothing is told without a token");
        world.admission.admit(request(&token).0, FeatureLevel::CURRENT).await.unwrap();
    }

    #[tokio::test]
    async fn a_bad_request_is_named_and_does_not_use_the_token_up() {
        let world = world().await;
        let token = token(&world, Role::Voter).await;
        type Change = fn(&mut JoinRequest);
        let changes: [(&str, Change); 5] = [
            ("csr", |request| request.csr = "no PEM".to_owned()),
            ("node.name", |request| request.node.name = String::new()),
            ("node.cluster_address", |request| request.node.cluster_address = "x".to_owned()),
            ("node.site_url", |request| request.node.site_url = "http://x".to_owned()),
            ("node.wrap_key", |request| request.node.wrap_key = [0; 32]),
        ];
        for (field, change) in changes {
            let (mut request, _) = request(&token);
            change(&mut request);
            let error = world.admission.admit(request, FeatureLevel::CURRENT).await.unwrap_err();
            assert!(
                matches!(&error, AdmissionError::BadRequest { field: named, .. } if *named == field),
                "{error}"
            );
        }
        world.admission.admit(request(&token).0, FeatureLevel::CURRENT).await.unwrap();
    }
}
