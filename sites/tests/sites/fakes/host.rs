//! What a node has of its own: a vault with a fixed key, a clock that stands, and randomness.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a fake that is wrong must stop the test")]

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hmac::{Hmac, Mac};
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::ids::KeyedHash;
use passquorum_domain::ports::*;
use passquorum_domain::time::{Span, Timestamp};
use sha2::Sha256;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;
use zeroize::Zeroizing;

/// A fixed key, the first generation; nonces count up.
pub(crate) struct FakeVault(pub(super) AtomicU64);

impl FakeVault {
    fn bound(purpose: Purpose, context: &[u8]) -> Vec<u8> {
        [format!("{purpose:?}|").as_bytes(), context].concat()
    }
}

impl Vault for FakeVault {
    fn seal(&self, purpose: Purpose, context: &[u8], clear: &[u8]) -> Result<Sealed, VaultError> {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let payload = Payload { msg: clear, aad: &Self::bound(purpose, context) };
        let cipher = ChaCha20Poly1305::new(&[7; 32].into());
        let text = cipher.encrypt(Nonce::from_slice(&nonce), payload).unwrap();
        Ok(Sealed(Blob::from([&Sealed::header(1), nonce.as_slice(), &text].concat())))
    }

    fn open(
        &self,
        purpose: Purpose,
        context: &[u8],
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let body = sealed.0.as_bytes().strip_prefix(&Sealed::header(1)).ok_or(VaultError::DoesNotOpen)?;
        let (nonce, text) = body.split_at_checked(12).ok_or(VaultError::DoesNotOpen)?;
        let payload = Payload { msg: text, aad: &Self::bound(purpose, context) };
        let clear = ChaCha20Poly1305::new(&[7; 32].into()).decrypt(Nonce::from_slice(nonce), payload);
        clear.map(Zeroizing::new).map_err(|_| VaultError::DoesNotOpen)
    }

    fn keyed_hash(&self, purpose: Purpose, data: &[u8]) -> Result<KeyedHash, VaultError> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&[9; 32]).unwrap();
        mac.update(&Self::bound(purpose, data));
        Ok(KeyedHash(mac.finalize().into_bytes().into()))
    }
}

/// The vault of a node that holds no key.
pub(super) struct NoVault;

impl Vault for NoVault {
    fn seal(&self, _: Purpose, _: &[u8], _: &[u8]) -> Result<Sealed, VaultError> {
        Err(VaultError::NoKey)
    }

    fn open(&self, _: Purpose, _: &[u8], _: &Sealed) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        Err(VaultError::NoKey)
    }

    fn keyed_hash(&self, _: Purpose, _: &[u8]) -> Result<KeyedHash, VaultError> {
        Err(VaultError::NoKey)
    }
}

/// A clock that stands until it is moved.
pub(crate) struct FakeClock(pub(super) AtomicU64);

impl FakeClock {
    pub(crate) fn forward(&self, span: Span) {
        self.0.fetch_add(span.0, Ordering::Relaxed);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

pub(super) struct RealEntropy;

impl Entropy for RealEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(16) {
            chunk.copy_from_slice(&Uuid::new_v4().as_bytes()[..chunk.len()]);
        }
    }
}
