//! The realm key on this node, and everything that is done with it: the [`Vault`] of the production system.
//!
//! The realm key never lies on a disk in clear. It is drawn once by `init`, wrapped for each key-holding node by HPKE
//! (RFC 9180: X25519, HKDF-SHA-256, ChaCha20-Poly1305), and unwrapped here when the replicated state brings the wrap.
//! Each purpose has a key of its own, derived by HKDF-SHA-256 (RFC 5869), so that a value sealed for one is noise to
//! every other. This module must not know where wraps come from or what is sealed.

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
use passquorum_domain::ids::{KeyedHash, RealmId};
use passquorum_domain::instance::KeyWrap;
use passquorum_domain::ports::{Entropy, Purpose, Vault, VaultError};
use sha2::Sha256;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Form of a sealed value: this byte, the key's generation (4 bytes, big endian), the nonce, the ciphertext.
const FORMAT: u8 = 1;
const NONCE: usize = 24;
const HEADER: usize = 1 + 4 + NONCE;

/// A realm key, wiped from memory when dropped.
struct RealmKey {
    realm: RealmId,
    generation: u32,
    bytes: Zeroizing<[u8; 32]>,
}

/// The realm key, once this node has it.
pub struct Keyring {
    entropy: Arc<dyn Entropy>,
    key: ArcSwapOption<RealmKey>,
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
        Self { entropy, key: ArcSwapOption::empty() }
    }

    /// A key ring with a fresh realm key of the first generation: `init` only.
    #[must_use]
    pub fn create(entropy: Arc<dyn Entropy>, realm: RealmId) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut_slice());
        let key = RealmKey { realm, generation: 1, bytes };
        Self { entropy, key: ArcSwapOption::from_pointee(key) }
    }

    /// Whether the realm key is here.
    #[must_use]
    pub fn holds_key(&self) -> bool {
        self.key.load().is_some()
    }

    /// Takes the realm key out of a wrap that was made for this node. The same generation again changes nothing.
    pub fn unwrap_from(&self, own: &WrapKey, realm: RealmId, wrap: &KeyWrap) -> Result<(), VaultError> {
        if self.key.load().as_ref().is_some_and(|key| key.generation == wrap.generation) {
            return Ok(());
        }
        let bytes = own.open(realm, wrap)?;
        self.key.store(Some(Arc::new(RealmKey { realm, generation: wrap.generation, bytes })));
        Ok(())
    }

    /// Wraps the realm key for a node's public key.
    pub fn wrap_for(&self, public: &WrapPublicKey) -> Result<KeyWrap, VaultError> {
        let key = self.key()?;
        public.seal(key.realm, key.generation, &key.bytes, self.entropy.as_ref())
    }

    fn key(&self) -> Result<Arc<RealmKey>, VaultError> {
        self.key.load_full().ok_or(VaultError::NoKey)
    }
}

impl RealmKey {
    /// The key of one purpose.
    fn subkey(&self, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        let hkdf = Hkdf::<Sha256>::new(Some(self.realm.0.as_bytes()), self.bytes.as_slice());
        // HKDF-SHA-256 gives up to 8,160 bytes; 32 cannot fail, and a zero key would open nothing sealed elsewhere.
        let expanded = hkdf.expand(label(purpose), out.as_mut_slice());
        debug_assert!(expanded.is_ok());
        out
    }

    fn cipher(&self, purpose: Purpose) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.subkey(purpose).as_slice().into())
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
    }
}

/// Binds a sealed value to its header and its place.
fn associated(header: &[u8], purpose: Purpose, context: &[u8]) -> Vec<u8> {
    [header, label(purpose), b"\0", context].concat()
}

impl Vault for Keyring {
    fn seal(&self, purpose: Purpose, context: &[u8], clear: &[u8]) -> Result<Sealed, VaultError> {
        let key = self.key()?;
        let mut nonce = [0; NONCE];
        self.entropy.fill(&mut nonce);
        let mut out = Vec::with_capacity(HEADER + clear.len() + 16);
        out.push(FORMAT);
        out.extend_from_slice(&key.generation.to_be_bytes());
        let aad = associated(&out, purpose, context);
        out.extend_from_slice(&nonce);
        let payload = Payload { msg: clear, aad: &aad };
        let sealed = key.cipher(purpose).encrypt(XNonce::from_slice(&nonce), payload);
        // XChaCha20-Poly1305 refuses only messages beyond 256 GiB.
        out.extend_from_slice(&sealed.map_err(|_| VaultError::DoesNotOpen)?);
        Ok(Sealed(Blob::from(out)))
    }

    fn open(
        &self,
        purpose: Purpose,
        context: &[u8],
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let key = self.key()?;
        let bytes = sealed.0.as_bytes();
        let (header, rest) = bytes.split_at_checked(HEADER - NONCE).ok_or(VaultError::DoesNotOpen)?;
        let (nonce, ciphertext) = rest.split_at_checked(NONCE).ok_or(VaultError::DoesNotOpen)?;
        let known = [[FORMAT].as_slice(), &key.generation.to_be_bytes()].concat();
        if header != known {
            return Err(VaultError::DoesNotOpen);
        }
        let aad = associated(header, purpose, context);
        let payload = Payload { msg: ciphertext, aad: &aad };
        let clear = key.cipher(purpose).decrypt(XNonce::from_slice(nonce), payload);
        clear.map(Zeroizing::new).map_err(|_| VaultError::DoesNotOpen)
    }

    fn keyed_hash(&self, purpose: Purpose, data: &[u8]) -> Result<KeyedHash, VaultError> {
        let subkey = self.key()?.subkey(purpose);
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
        assert_eq!(joined.unwrap_from(&other, realm, &wrap), Err(VaultError::DoesNotOpen));
        let elsewhere = RealmId(uuid::Uuid::from_u128(8));
        assert_eq!(joined.unwrap_from(&own, elsewhere, &wrap), Err(VaultError::DoesNotOpen));
        joined.unwrap_from(&own, realm, &wrap).unwrap();
        assert_eq!(joined.open(Purpose::Profile, b"", &sealed).unwrap().as_slice(), b"clear");
        assert!(!format!("{joined:?} {own:?}").contains("bytes"));
    }
}
