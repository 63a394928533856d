//! The realm's keys on this node, and everything that is done with them: the [`Vault`] of the production system.
//!
//! A ring holds the data key of each generation that something is sealed under, one of which seals, and the hash key.
//! It never lies on a disk in clear. It is drawn by `init`, wrapped for each key-holding node by HPKE (RFC 9180: X25519,
//! HKDF-SHA-256, ChaCha20-Poly1305), and unwrapped here when the replicated state brings the wrap. Each purpose has a key
//! of its own, derived by HKDF-SHA-256 (RFC 5869), so that a value sealed for one is noise to every other. This module
//! must not know where wraps come from or what is sealed.
//!
//! The hash key is not rotated: lock counters, tickets and tokens are found by their keyed hashes, and a new hash key
//! would forget all locks and hand out new guesses. Who once held it can recognise users and addresses in a state that
//! is stolen later, but opens nothing.

mod stream;
mod wrap;

pub(crate) use stream::{OpenStream, SealStream};
pub use wrap::{WrapKey, WrapPublicKey};

use arc_swap::ArcSwapOption;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::ids::{KeyedHash, NodeId, RealmId};
use passquorum_domain::instance::KeyWrap;
use passquorum_domain::ports::{Entropy, Purpose, Vault, VaultError};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;
use zeroize::Zeroizing;

/// A sealed value: [`Sealed::header`], the nonce, the ciphertext.
const NONCE: usize = 24;
const HEADER: usize = 5 + NONCE;

type Key = Zeroizing<[u8; 32]>;

/// The keys of a realm, wiped from memory when dropped.
#[derive(Clone)]
struct Ring {
    realm: RealmId,
    hash: Key,
    data: BTreeMap<u32, Key>,
    sealing: u32,
}

/// The realm's keys, once this node has them.
pub struct Keyring {
    entropy: Arc<dyn Entropy>,
    ring: ArcSwapOption<Ring>,
    /// Told of each wrap whose keys are taken.
    arrivals: Notify,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keyring(holds a key: {})", self.holds_key())
    }
}

impl Keyring {
    /// A key ring without a key: a joining node's, or a DMZ learner's for good.
    #[must_use]
    pub fn empty(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy, ring: ArcSwapOption::empty(), arrivals: Notify::new() }
    }

    /// A key ring with fresh keys, the data key of the first generation: `init` only.
    #[must_use]
    pub fn create(entropy: Arc<dyn Entropy>, realm: RealmId) -> Self {
        let data = BTreeMap::from([(1, draw(entropy.as_ref()))]);
        let ring = Ring { realm, hash: draw(entropy.as_ref()), data, sealing: 1 };
        Self { entropy, ring: ArcSwapOption::from_pointee(ring), arrivals: Notify::new() }
    }

    /// Whether the realm's keys are here.
    #[must_use]
    pub fn holds_key(&self) -> bool {
        self.ring.load().is_some()
    }

    /// Takes the keys out of a wrap that was made for this node, and seals under one of them from now on.
    pub fn unwrap_from(
        &self,
        own: &WrapKey,
        realm: RealmId,
        wrap: &KeyWrap,
        sealing: u32,
    ) -> Result<(), VaultError> {
        let ring = Ring::parse(realm, &own.open(realm, wrap)?, sealing).ok_or(VaultError::DoesNotOpen)?;
        self.ring.store(Some(Arc::new(ring)));
        self.arrivals.notify_waiters();
        Ok(())
    }

    /// Wraps the keys for a node's public key.
    pub fn wrap_for(&self, public: &WrapPublicKey) -> Result<KeyWrap, VaultError> {
        self.ring()?.wrap_for(public, self.entropy.as_ref())
    }

    /// Wraps the keys and a new data key for these nodes. The new one is in the wraps only.
    pub fn wraps_with_new_key(
        &self,
        holders: &[(NodeId, WrapPublicKey)],
    ) -> Result<Vec<(NodeId, KeyWrap)>, VaultError> {
        let mut ring = Ring::clone(self.ring()?.as_ref());
        let generation = ring.newest().checked_add(1).ok_or(VaultError::NoKey)?;
        ring.data.insert(generation, draw(self.entropy.as_ref()));
        ring.wraps_for(holders, self.entropy.as_ref())
    }

    /// Wraps the keys for these nodes, all but one.
    pub fn wraps_without(
        &self,
        generation: u32,
        holders: &[(NodeId, WrapPublicKey)],
    ) -> Result<Vec<(NodeId, KeyWrap)>, VaultError> {
        let mut ring = Ring::clone(self.ring()?.as_ref());
        ring.data.remove(&generation);
        ring.wraps_for(holders, self.entropy.as_ref())
    }

    /// The newest generation that is here.
    #[must_use]
    pub fn newest(&self) -> Option<u32> {
        self.ring.load().as_ref().map(|ring| ring.newest())
    }

    /// Waits until another generation than this one is the newest here.
    pub async fn moved_on_from(&self, generation: u32) {
        loop {
            let arrival = self.arrivals.notified();
            if self.newest() != Some(generation) {
                return;
            }
            arrival.await;
        }
    }

    fn ring(&self) -> Result<Arc<Ring>, VaultError> {
        self.ring.load_full().ok_or(VaultError::NoKey)
    }
}

fn draw(entropy: &dyn Entropy) -> Key {
    let mut key = Zeroizing::new([0; 32]);
    entropy.fill(key.as_mut_slice());
    key
}

impl Ring {
    fn newest(&self) -> u32 {
        self.data.last_key_value().map_or(self.sealing, |(generation, _)| *generation)
    }

    /// What is wrapped: the hash key, then each data key behind its generation (4 bytes, big endian), ascending.
    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Room for all of it, so that no copy is left behind by growing.
        let mut bytes = Zeroizing::new(Vec::with_capacity(32 + 36 * self.data.len()));
        bytes.extend_from_slice(self.hash.as_slice());
        for (generation, key) in &self.data {
            bytes.extend_from_slice(&generation.to_be_bytes());
            bytes.extend_from_slice(key.as_slice());
        }
        bytes
    }

    fn parse(realm: RealmId, bytes: &[u8], sealing: u32) -> Option<Self> {
        let (hash, mut rest) = bytes.split_first_chunk::<32>()?;
        let mut data = BTreeMap::new();
        while let Some((generation, after)) = rest.split_first_chunk::<4>() {
            let (key, after) = after.split_first_chunk::<32>()?;
            data.insert(u32::from_be_bytes(*generation), Zeroizing::new(*key));
            rest = after;
        }
        let whole = rest.is_empty() && data.contains_key(&sealing);
        whole.then_some(Self { realm, hash: Zeroizing::new(*hash), data, sealing })
    }

    fn wrap_for(&self, public: &WrapPublicKey, entropy: &dyn Entropy) -> Result<KeyWrap, VaultError> {
        public.seal(self.realm, self.newest(), &self.to_bytes(), entropy)
    }

    fn wraps_for(
        &self,
        holders: &[(NodeId, WrapPublicKey)],
        entropy: &dyn Entropy,
    ) -> Result<Vec<(NodeId, KeyWrap)>, VaultError> {
        holders.iter().map(|(node, public)| Ok((*node, self.wrap_for(public, entropy)?))).collect()
    }

    /// The key of one purpose, derived from another.
    fn subkey(&self, key: &Key, purpose: Purpose) -> Key {
        let mut out = Zeroizing::new([0; 32]);
        let hkdf = Hkdf::<Sha256>::new(Some(self.realm.0.as_bytes()), key.as_slice());
        // HKDF-SHA-256 gives up to 8,160 bytes; 32 cannot fail, and a zero key would open nothing sealed elsewhere.
        let expanded = hkdf.expand(label(purpose), out.as_mut_slice());
        debug_assert!(expanded.is_ok());
        out
    }

    fn cipher(&self, generation: u32, purpose: Purpose) -> Option<XChaCha20Poly1305> {
        let key = self.data.get(&generation)?;
        Some(XChaCha20Poly1305::new(self.subkey(key, purpose).as_slice().into()))
    }
}

/// What goes into the derivation; never to be changed, or everything sealed so far is lost.
fn label(purpose: Purpose) -> &'static [u8] {
    match purpose {
        Purpose::Profile => b"passquorum/1/profile",
        Purpose::ServiceAccount => b"passquorum/1/service-account",
        Purpose::AuthorityKey => b"passquorum/1/authority-key",
        Purpose::Session => b"passquorum/1/session",
        Purpose::AuditDetail => b"passquorum/1/audit-detail",
        Purpose::Subject => b"passquorum/1/subject",
        Purpose::Source => b"passquorum/1/source",
        Purpose::Token => b"passquorum/1/token",
        Purpose::Idempotency => b"passquorum/1/idempotency",
        Purpose::Passcode => b"passquorum/1/passcode",
        Purpose::Mail => b"passquorum/1/mail",
        Purpose::MailAccount => b"passquorum/1/mail-account",
        Purpose::KeptAnswer => b"passquorum/1/kept-answer",
        Purpose::MailCode => b"passquorum/1/mail-code",
    }
}

/// Binds a sealed value to its header and its place.
fn associated(header: &[u8], purpose: Purpose, context: &[u8]) -> Vec<u8> {
    [header, label(purpose), b"\0", context].concat()
}

impl Vault for Keyring {
    fn seal(&self, purpose: Purpose, context: &[u8], clear: &[u8]) -> Result<Sealed, VaultError> {
        let ring = self.ring()?;
        let mut nonce = [0; NONCE];
        self.entropy.fill(&mut nonce);
        let header = Sealed::header(ring.sealing);
        let aad = associated(&header, purpose, context);
        let payload = Payload { msg: clear, aad: &aad };
        let cipher = ring.cipher(ring.sealing, purpose).ok_or(VaultError::NoKey)?;
        // XChaCha20-Poly1305 refuses only messages beyond 256 GiB.
        let sealed = cipher.encrypt(XNonce::from_slice(&nonce), payload);
        let sealed = sealed.map_err(|_| VaultError::DoesNotOpen)?;
        Ok(Sealed(Blob::from([header.as_slice(), &nonce, &sealed].concat())))
    }

    fn open(
        &self,
        purpose: Purpose,
        context: &[u8],
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let ring = self.ring()?;
        let bytes = sealed.0.as_bytes();
        let generation = sealed.generation().ok_or(VaultError::DoesNotOpen)?;
        let cipher = ring.cipher(generation, purpose).ok_or(VaultError::DoesNotOpen)?;
        let (header, rest) = bytes.split_at_checked(HEADER - NONCE).ok_or(VaultError::DoesNotOpen)?;
        let (nonce, ciphertext) = rest.split_at_checked(NONCE).ok_or(VaultError::DoesNotOpen)?;
        let aad = associated(header, purpose, context);
        let payload = Payload { msg: ciphertext, aad: &aad };
        let clear = cipher.decrypt(XNonce::from_slice(nonce), payload);
        clear.map(Zeroizing::new).map_err(|_| VaultError::DoesNotOpen)
    }

    fn keyed_hash(&self, purpose: Purpose, data: &[u8]) -> Result<KeyedHash, VaultError> {
        let ring = self.ring()?;
        let subkey = ring.subkey(&ring.hash, purpose);
        // HMAC takes a key of any length.
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(subkey.as_slice()).map_err(|_| VaultError::NoKey)?;
        mac.update(data);
        Ok(KeyedHash(mac.finalize().into_bytes().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SystemEntropy;

    fn ring() -> Keyring {
        Keyring::create(Arc::new(SystemEntropy), RealmId(uuid::Uuid::from_u128(7)))
    }

    #[test]
    fn what_is_sealed_opens_only_for_its_purpose_and_context() {
        let ring = ring();
        let sealed = ring.seal(Purpose::Profile, b"alice", b"clear text").unwrap();
        assert_eq!(ring.open(Purpose::Profile, b"alice", &sealed).unwrap().as_slice(), b"clear text");
        assert_eq!(ring.open(Purpose::Profile, b"bob", &sealed), Err(VaultError::DoesNotOpen));
        assert_eq!(ring.open(Purpose::Session, b"alice", &sealed), Err(VaultError::DoesNotOpen));
        let another_realm_key = Keyring::create(Arc::new(SystemEntropy), RealmId(uuid::Uuid::from_u128(7)));
        assert_eq!(another_realm_key.open(Purpose::Profile, b"alice", &sealed), Err(VaultError::DoesNotOpen));
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let ring = ring();
        let sealed = ring.seal(Purpose::Session, b"", b"clear").unwrap();
        let bytes = sealed.0.as_bytes();
        assert!(!bytes.windows(5).any(|window| window == b"clear"));
        for at in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1;
            for bad in [changed, bytes[..at].to_vec()] {
                let opened = ring.open(Purpose::Session, b"", &Sealed(Blob::from(bad)));
                assert_eq!(opened, Err(VaultError::DoesNotOpen), "byte {at}");
            }
        }
    }

    #[test]
    fn equal_clear_texts_never_look_equal_and_keyed_hashes_differ_by_purpose() {
        let ring = ring();
        assert_ne!(
            ring.seal(Purpose::Session, b"", b"x").unwrap(),
            ring.seal(Purpose::Session, b"", b"x").unwrap()
        );
        let hash = |purpose| ring.keyed_hash(purpose, b"x").unwrap();
        assert_eq!(hash(Purpose::Token), hash(Purpose::Token));
        assert_ne!(hash(Purpose::Token), hash(Purpose::Subject));
    }

    #[test]
    fn a_wrap_opens_with_the_key_it_was_made_for_and_in_its_realm_only() {
        let ring = ring();
        let (own, other) = (WrapKey::generate(&SystemEntropy), WrapKey::generate(&SystemEntropy));
        let wrap = ring.wrap_for(&own.public()).unwrap();
        let sealed = ring.seal(Purpose::Profile, b"", b"clear").unwrap();
        let joined = Keyring::empty(Arc::new(SystemEntropy));
        assert_eq!(joined.open(Purpose::Profile, b"", &sealed), Err(VaultError::NoKey));
        let realm = RealmId(uuid::Uuid::from_u128(7));
        assert_eq!(joined.unwrap_from(&other, realm, &wrap, 1), Err(VaultError::DoesNotOpen));
        let elsewhere = RealmId(uuid::Uuid::from_u128(8));
        assert_eq!(joined.unwrap_from(&own, elsewhere, &wrap, 1), Err(VaultError::DoesNotOpen));
        joined.unwrap_from(&own, realm, &wrap, 1).unwrap();
        assert_eq!(joined.open(Purpose::Profile, b"", &sealed).unwrap().as_slice(), b"clear");
        assert!(!format!("{joined:?} {own:?}").contains("bytes"));
    }

    #[test]
    fn a_new_key_seals_once_it_is_told_to_and_the_old_one_opens_until_it_is_gone() {
        let ring = ring();
        let realm = RealmId(uuid::Uuid::from_u128(7));
        let own = WrapKey::generate(&SystemEntropy);
        let holders = [(NodeId(1), own.public())];
        let old = ring.seal(Purpose::Profile, b"", b"old").unwrap();
        let hash = ring.keyed_hash(Purpose::Subject, b"alice").unwrap();

        let (_, wrap) = ring.wraps_with_new_key(&holders).unwrap().pop().unwrap();
        assert_eq!(wrap.generation, 2);
        ring.unwrap_from(&own, realm, &wrap, 1).unwrap();
        assert_eq!(ring.seal(Purpose::Profile, b"", b"x").unwrap().generation(), Some(1));
        ring.unwrap_from(&own, realm, &wrap, 2).unwrap();
        let new = ring.seal(Purpose::Profile, b"", b"new").unwrap();
        assert_eq!(new.generation(), Some(2));
        assert_eq!(ring.open(Purpose::Profile, b"", &old).unwrap().as_slice(), b"old");
        assert_eq!(ring.keyed_hash(Purpose::Subject, b"alice").unwrap(), hash);

        let (_, wrap) = ring.wraps_without(1, &holders).unwrap().pop().unwrap();
        assert_eq!(wrap.generation, 2);
        assert_eq!(ring.unwrap_from(&own, realm, &wrap, 1), Err(VaultError::DoesNotOpen));
        ring.unwrap_from(&own, realm, &wrap, 2).unwrap();
        assert_eq!(ring.open(Purpose::Profile, b"", &old), Err(VaultError::DoesNotOpen));
        assert_eq!(ring.open(Purpose::Profile, b"", &new).unwrap().as_slice(), b"new");
    }
}
