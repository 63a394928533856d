//! The realm's keys on their way to one node: HPKE in base mode (RFC 9180). The info string binds a wrap to its realm, the
//! associated data to its generation. Form: encapsulated key (32 bytes), then ciphertext.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{CryptoRng, RngCore};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal};
use passquorum_domain::blob::Blob;
use passquorum_domain::ids::RealmId;
use passquorum_domain::instance::KeyWrap;
use passquorum_domain::ports::{Entropy, VaultError};
use zeroize::Zeroizing;

type Private = <X25519HkdfSha256 as Kem>::PrivateKey;
type Public = <X25519HkdfSha256 as Kem>::PublicKey;
pub(super) type Encapped = <X25519HkdfSha256 as Kem>::EncappedKey;

/// A node's X25519 private key; its file is `keys/wrap.key`.
pub struct WrapKey(pub(super) Private);

impl std::fmt::Debug for WrapKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WrapKey(..)")
    }
}

/// A node's X25519 public key, as it stands in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrapPublicKey(pub(super) Public);

impl WrapKey {
    /// Draws a key.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut material = Zeroizing::new([0; 32]);
        entropy.fill(material.as_mut_slice());
        Self::derive(&material)
    }

    /// The key that belongs to this secret material.
    #[must_use]
    pub(crate) fn derive(material: &Zeroizing<[u8; 32]>) -> Self {
        Self(X25519HkdfSha256::derive_keypair(material.as_slice()).0)
    }

    /// Reads the 32 bytes of [`WrapKey::to_bytes`] back.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Private::from_bytes(bytes).ok().map(Self)
    }

    /// The key, for its file only.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> WrapPublicKey {
        WrapPublicKey(X25519HkdfSha256::sk_to_pk(&self.0))
    }

    pub(super) fn open(&self, realm: RealmId, wrap: &KeyWrap) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let bytes = wrap.wrapped.as_bytes();
        let (encapped, ciphertext) = bytes.split_at_checked(32).ok_or(VaultError::DoesNotOpen)?;
        let encapped = Encapped::from_bytes(encapped).map_err(|_| VaultError::DoesNotOpen)?;
        let clear = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.0,
            &encapped,
            &info(realm),
            ciphertext,
            &wrap.generation.to_be_bytes(),
        );
        clear.map(Zeroizing::new).map_err(|_| VaultError::DoesNotOpen)
    }
}

impl WrapPublicKey {
    /// Takes a public key from the registry or from a joining node; `None` when it is no point that can be used.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        Public::from_bytes(bytes).ok().map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }

    pub(super) fn seal(
        &self,
        realm: RealmId,
        generation: u32,
        keys: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<KeyWrap, VaultError> {
        let sealed = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256, _>(
            &OpModeS::Base,
            &self.0,
            &info(realm),
            keys,
            &generation.to_be_bytes(),
            &mut Rng(entropy),
        );
        // An all-zero shared secret: the public key is a point of small order.
        let (encapped, ciphertext) = sealed.map_err(|_| VaultError::DoesNotOpen)?;
        let mut wrapped = encapped.to_bytes().to_vec();
        wrapped.extend_from_slice(&ciphertext);
        Ok(KeyWrap { generation, wrapped: Blob::from(wrapped) })
    }
}

fn info(realm: RealmId) -> Vec<u8> {
    [b"passquorum/1/realm-key/".as_slice(), realm.0.as_bytes()].concat()
}

/// The injected randomness in the form that HPKE takes.
pub(super) struct Rng<'a>(pub(super) &'a dyn Entropy);

impl RngCore for Rng<'_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, buffer: &mut [u8]) {
        self.0.fill(buffer);
    }
}

impl CryptoRng for Rng<'_> {}
