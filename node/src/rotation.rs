//! The rotation of the realm's data key, as far as a node does it: it takes the keys out of its wrap and confirms them;
//! and while it leads it begins what is due, and seals anew what older keys still seal, one small command at a time.
//!
//! Nothing of the progress is kept here: what is left to do shows in the replicated state, so that the next leader goes
//! on where this one ends. Every command is a compare-and-set, so that two that believe to lead do no harm. See
//! `passquorum_domain::realm_keys` for the steps.

use crate::keyring::{Keyring, WrapKey, WrapPublicKey};
use crate::stop::Stop;
use passquorum_domain::audit::Actor;
use passquorum_domain::blob::Sealed;
use passquorum_domain::command::{Action, Command, NewWraps};
use passquorum_domain::ids::{NodeId, RealmId, RequestId};
use passquorum_domain::instance::KeyWrap;
use passquorum_domain::outcome::Rejection;
use passquorum_domain::ports::{
    Clock, Consensus, Consistency, Entropy, KeyCareError, Leadership, ProposeError, ReadError, Vault as _,
    VaultError, fresh_uuid,
};
use passquorum_domain::realm_keys::SealedValue;
use passquorum_domain::state::State;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// Pause before something that was not committed is tried again, and between two looks at what is to be done.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes the realm's keys out of this node's wrap whenever the state brings one.
pub struct KeyArrival {
    /// The realm.
    pub realm: RealmId,
    /// What the wraps are opened with.
    pub own: WrapKey,
    /// Where the keys go.
    pub keyring: Arc<Keyring>,
}

impl KeyArrival {
    /// Follows the state until the word to stop.
    pub async fn run(self, keys: Arc<RealmKeyCare>, mut states: watch::Receiver<Arc<State>>, mut stop: Stop) {
        let mut seen = None;
        loop {
            let state = Arc::clone(&states.borrow_and_update());
            let brought = self.brought(&state, keys.node());
            if brought != seen {
                self.take(brought.as_ref());
                seen = brought;
            }
            let unconfirmed = self.unconfirmed(&state, keys.node());
            let confirmed = async {
                let Some(generation) = unconfirmed else { return std::future::pending().await };
                let action = Action::ConfirmKey { node: keys.node(), generation };
                if let Err(error) = keys.commit(Actor::Realm, action).await {
                    tracing::warn!(%error, generation, "a new data key is here and not confirmed yet");
                }
                sleep(PAUSE).await;
            };
            tokio::select! {
                biased;
                () = stop.stopped() => return,
                () = confirmed => {}
                changed = states.changed(), if unconfirmed.is_none() => if changed.is_err() { break },
            }
        }
        stop.stopped().await;
    }

    /// This node's wrap, and the generation to seal under.
    fn brought(&self, state: &State, node: NodeId) -> Option<(KeyWrap, u32)> {
        Some((state.wrap(node)?.clone(), state.keys()?.sealing))
    }

    fn take(&self, brought: Option<&(KeyWrap, u32)>) {
        let Some((wrap, sealing)) = brought else { return };
        match self.keyring.unwrap_from(&self.own, self.realm, wrap, *sealing) {
            Ok(()) => tracing::info!(sealing, newest = wrap.generation, "the realm's keys are here"),
            Err(error) => {
                tracing::error!(%error, "the wrap of the realm's keys does not open with this node's key")
            }
        }
    }

    /// The key that this node holds and has not confirmed.
    fn unconfirmed(&self, state: &State, node: NodeId) -> Option<u32> {
        let next = state.keys()?.next.as_ref()?;
        let holds =
            state.wrap(node)?.generation == next.generation && self.keyring.newest() == Some(next.generation);
        (holds && !next.held_by.contains(&node)).then_some(next.generation)
    }
}

/// The verbs on the realm's keys.
pub struct RealmKeyCare {
    /// Where commands go.
    pub consensus: Arc<dyn Consensus>,
    /// The realm's keys.
    pub keyring: Arc<Keyring>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// A step of a rotation was not made.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The state is not known.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It was not committed.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// The realm refused it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The keys are not here.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl From<StepError> for KeyCareError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Read(ReadError::NoQuorum) => ProposeError::NoQuorum.into(),
            StepError::Read(ReadError::Busy) => ProposeError::Busy.into(),
            StepError::Propose(error) => error.into(),
            StepError::Rejected(error) => error.into(),
            StepError::Vault(error) => error.into(),
        }
    }
}

impl RealmKeyCare {
    fn node(&self) -> NodeId {
        self.consensus.node()
    }

    async fn commit(&self, actor: Actor, action: Action) -> Result<(), StepError> {
        let at = self.clock.now();
        let request = RequestId::internal(at, fresh_uuid(self.entropy.as_ref()));
        let outcome = self.consensus.propose(Command { request, at, actor, detail: None, action }).await?;
        Ok(outcome.map(drop)?)
    }

    /// Makes a new data key and gives it to every key-holding node that stays; answers its generation.
    pub async fn rotate(&self, actor: Actor) -> Result<u32, StepError> {
        let state = self.consensus.read(Consistency::Linearizable).await?;
        let wraps = self.keyring.wraps_with_new_key(&holders(&state)?)?;
        let generation = wraps.first().map(|(_, wrap)| wrap.generation).ok_or(VaultError::NoKey)?;
        self.commit(actor, Action::BeginRotation(new_wraps(&state, wraps)?)).await?;
        Ok(generation)
    }

    /// Takes an older data key out of the wraps.
    pub async fn retire(&self, generation: u32, actor: Actor) -> Result<(), StepError> {
        let state = self.consensus.read(Consistency::Linearizable).await?;
        let wraps = self.keyring.wraps_without(generation, &holders(&state)?)?;
        let wraps = new_wraps(&state, wraps)?;
        self.commit(actor, Action::RetireKey { generation, wraps }).await
    }

    /// Does what is to be done about the keys whenever this node leads, until the word to stop.
    pub async fn run(self: Arc<Self>, leadership: watch::Receiver<Leadership>, mut stop: Stop) {
        loop {
            tokio::select! {
                biased;
                () = stop.stopped() => return,
                () = sleep(PAUSE) => {}
            }
            let leads = || leadership.borrow().leader == Some(self.node());
            while leads() && !stop.is_stopped() {
                match self.step().await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(%error, "a step of the rotation of the realm's keys was not made yet");
                        break;
                    }
                }
            }
        }
    }

    /// One step, if there is one to make.
    async fn step(&self) -> Result<bool, StepError> {
        if !self.keyring.holds_key() || next_step(&self.consensus.local()) == Step::Nothing {
            return Ok(false);
        }
        // What was committed just before may not be applied here yet.
        let state = self.consensus.read(Consistency::Linearizable).await?;
        match next_step(&state) {
            Step::Nothing => Ok(false),
            Step::Rotate => {
                let generation = self.rotate(Actor::Realm).await?;
                tracing::info!(
                    generation,
                    "a node that held the realm's keys has left: there is a new data key"
                );
                Ok(true)
            }
            Step::Reseal(value, sealing) => self.reseal(&value, sealing).await,
        }
    }

    async fn reseal(&self, value: &SealedValue<'_>, sealing: u32) -> Result<bool, StepError> {
        let new = self.seal_anew(value)?;
        if new.generation() != Some(sealing) {
            // The key to seal under is on its way to the key ring.
            return Ok(false);
        }
        match self.commit(Actor::Realm, Action::Reseal { old: value.sealed.clone(), new }).await {
            // Somebody has changed it meanwhile.
            Ok(()) | Err(StepError::Rejected(Rejection::NotFound)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn seal_anew(&self, value: &SealedValue<'_>) -> Result<Sealed, VaultError> {
        let clear = self.keyring.open(value.purpose, &value.context, value.sealed)?;
        self.keyring.seal(value.purpose, &value.context, &clear)
    }
}

/// What is to be done about the keys.
#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    Nothing,
    /// A new key is due.
    Rotate,
    /// A value is sealed under an older key than the one that seals now.
    Reseal(SealedValue<'a>, u32),
}

fn next_step(state: &State) -> Step<'_> {
    let Some(keys) = state.keys().filter(|keys| keys.next.is_none()) else { return Step::Nothing };
    if keys.due {
        return Step::Rotate;
    }
    let is_stale = |value: &SealedValue<'_>| value.sealed.generation().is_some_and(|of| of < keys.sealing);
    state.sealed_values().find(is_stale).map_or(Step::Nothing, |value| Step::Reseal(value, keys.sealing))
}

fn holders(state: &State) -> Result<Vec<(NodeId, WrapPublicKey)>, VaultError> {
    let holders = state.staying_key_holders().into_iter();
    let public = |node| {
        let bytes = state.instance(node).map(|instance| &instance.wrap_key);
        // It was a usable point when the node was admitted.
        let public = bytes.and_then(WrapPublicKey::from_bytes).ok_or(VaultError::DoesNotOpen)?;
        Ok((node, public))
    };
    holders.map(public).collect()
}

fn new_wraps(state: &State, wraps: Vec<(NodeId, KeyWrap)>) -> Result<NewWraps, VaultError> {
    Ok(NewWraps { seen: state.keys().ok_or(VaultError::NoKey)?.newest(), wraps })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alone::Alone;
    use crate::birth::Birth;
    use crate::env::{SystemClock, SystemEntropy};
    use crate::keys::NewKeys;
    use passquorum_domain::command::NewNode;
    use passquorum_domain::config::{
        ConfigChange, DirectoryEndpoint, DomainConnection, LdapsSettings, RealmConfig,
    };
    use passquorum_domain::directory::DistinguishedName;
    use passquorum_domain::ids::ConnectionId;
    use passquorum_domain::ports::Purpose;
    use passquorum_domain::realm_keys::RealmKeys;
    use passquorum_domain::state::{Cell, CellKey};
    use passquorum_domain::time::Timestamp;
    use std::collections::BTreeSet;

    const ONE: NodeId = NodeId(1);

    struct World {
        care: RealmKeyCare,
        arrival: KeyArrival,
        cluster: Arc<Alone>,
    }

    impl World {
        /// A realm of one node with so many domain connections, each entered in a revision of its own.
        async fn with_passwords(count: u128) -> Self {
            let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
            let keys = NewKeys::generate(&SystemEntropy).unwrap();
            let first = NewNode {
                name: "one".to_owned(),
                cluster_address: "10.0.0.1:7400".to_owned(),
                site_url: "https://one.example".to_owned(),
                wrap_key: keys.wrap.public().to_bytes(),
            };
            let birth =
                Birth::prepare(&keys, None, first, RealmConfig::empty(), &SystemClock, &entropy).unwrap();
            let cluster = Arc::new(Alone::default());
            cluster.propose(birth.command).await.unwrap().unwrap();
            let realm = cluster.local().realm().unwrap().id;
            let world = Self::on(cluster, Arc::new(birth.keyring), realm, keys.wrap);
            for number in 1..=count {
                world.enter(number).await;
            }
            world
        }

        fn on(cluster: Arc<Alone>, keyring: Arc<Keyring>, realm: RealmId, own: WrapKey) -> Self {
            let care = RealmKeyCare {
                consensus: Arc::clone(&cluster) as _,
                keyring: Arc::clone(&keyring),
                clock: Arc::new(SystemClock),
                entropy: Arc::new(SystemEntropy),
            };
            Self { care, arrival: KeyArrival { realm, own, keyring }, cluster }
        }

        /// The same node after a crash: all that it knows is what the state says.
        fn restarted(self) -> Self {
            let keyring = Arc::new(Keyring::empty(Arc::new(SystemEntropy)));
            let world = Self::on(self.cluster, keyring, self.arrival.realm, self.arrival.own);
            world.follow();
            world
        }

        async fn enter(&self, number: u128) {
            let id = ConnectionId(uuid::Uuid::from_u128(number));
            let password = password(number);
            let sealed =
                self.care.keyring.seal(Purpose::ServiceAccount, id.0.as_bytes(), password.as_bytes());
            let ldaps = LdapsSettings {
                servers: vec!["ldaps://dc".to_owned()],
                base: DistinguishedName::parse("DC=x").unwrap(),
                authorities: "-----BEGIN CERTIFICATE-----".to_owned(),
                bind_name: "service".to_owned(),
                bind_password: sealed.unwrap(),
                push_sites: Vec::new(),
            };
            let connection = DomainConnection {
                id,
                alias: format!("DOMAIN{number}"),
                endpoint: DirectoryEndpoint::Ldaps(ldaps),
                profile_attribute: "comment".to_owned(),
                former_profile_attribute: None,
            };
            let base = self.cluster.local().config().unwrap().revision;
            let change = ConfigChange::PutConnection(Box::new(connection));
            self.care.commit(Actor::Realm, Action::change_config(base, change)).await.unwrap();
        }

        /// Does once what the key ring's task does whenever the state has changed.
        fn follow(&self) -> Option<u32> {
            let state = self.cluster.local();
            self.arrival.take(self.arrival.brought(&state, ONE).as_ref());
            self.arrival.unconfirmed(&state, ONE)
        }

        async fn confirm(&self) {
            let generation = self.follow().expect("there is a key to confirm");
            self.care.commit(Actor::Realm, Action::ConfirmKey { node: ONE, generation }).await.unwrap();
            assert_eq!(self.follow(), None);
        }

        fn generations(&self) -> BTreeSet<Option<u32>> {
            self.cluster.local().sealed_values().map(|value| value.sealed.generation()).collect()
        }

        fn everything_opens(&self) {
            let state = self.cluster.local();
            for value in state.sealed_values() {
                let clear = self.care.keyring.open(value.purpose, &value.context, value.sealed).unwrap();
                if value.purpose == Purpose::ServiceAccount {
                    let number = u128::from_be_bytes(value.context.as_slice().try_into().unwrap());
                    assert_eq!(clear.as_slice(), password(number).as_bytes());
                }
            }
        }
    }

    fn password(number: u128) -> String {
        format!("secret {number}")
    }

    #[tokio::test]
    async fn a_rotation_that_is_broken_off_anywhere_is_finished_by_whoever_comes_next() {
        let mut world = World::with_passwords(3).await;
        assert_eq!(world.care.rotate(Actor::Realm).await.unwrap(), 2);
        assert!(!world.care.step().await.unwrap(), "nothing is sealed under a key that is on its way");
        world = world.restarted();
        world.confirm().await;
        let mut steps = 0;
        while world.care.step().await.unwrap() {
            steps += 1;
            world.everything_opens();
            world = world.restarted();
        }
        assert_eq!(steps, 4, "the authority's key and three passwords, each of them once");
        assert_eq!(world.generations(), BTreeSet::from([Some(2)]));
        world.everything_opens();
        let state = world.cluster.local();
        assert_eq!(state.uses_of_keys().keys().copied().collect::<Vec<_>>(), [2]);
    }

    #[tokio::test]
    async fn a_password_that_is_entered_while_the_realm_is_sealed_anew_stays_as_it_was_entered() {
        let world = World::with_passwords(2).await;
        world.care.rotate(Actor::Realm).await.unwrap();
        world.enter(3).await;
        world.confirm().await;
        assert!(world.care.step().await.unwrap());
        world.enter(4).await;
        while world.care.step().await.unwrap() {}
        assert_eq!(world.generations(), BTreeSet::from([Some(2)]));
        world.everything_opens();
    }

    #[test]
    fn a_new_key_comes_before_anything_is_sealed_anew() {
        let mut state = State::default();
        assert_eq!(next_step(&state), Step::Nothing);
        let due = RealmKeys { due: true, ..RealmKeys::first(1, Timestamp(0)) };
        state.restore_cell(CellKey::Keys, Cell::Keys(due)).unwrap();
        assert_eq!(next_step(&state), Step::Rotate);
    }
}
