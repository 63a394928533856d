//! Many messages in order to one wrap key: an HPKE context (RFC 9180, section 5.2). Each message opens only in its place,
//! and only when all before it were opened.

use super::wrap::{Encapped, Rng, WrapKey, WrapPublicKey};
use hpke::aead::{AeadCtxR, AeadCtxS, ChaCha20Poly1305};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, OpModeR, OpModeS, Serializable, setup_receiver, setup_sender};
use passquorum_domain::ports::{Entropy, VaultError};
use zeroize::Zeroizing;

/// Seals messages.
pub(crate) struct SealStream(AeadCtxS<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>);

/// Opens them again.
pub(crate) struct OpenStream(AeadCtxR<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>);

impl WrapPublicKey {
    /// Begins a stream. Both ends give the same `info`. The key that comes with it goes to the other end in clear.
    pub(crate) fn begin_stream(
        &self,
        info: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<([u8; 32], SealStream), VaultError> {
        let begun = setup_sender::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256, _>(
            &OpModeS::Base,
            &self.0,
            info,
            &mut Rng(entropy),
        );
        // An all-zero shared secret: the public key is a point of small order.
        let (encapped, context) = begun.map_err(|_| VaultError::DoesNotOpen)?;
        Ok((encapped.to_bytes().into(), SealStream(context)))
    }
}

impl WrapKey {
    /// The other end of [`WrapPublicKey::begin_stream`].
    pub(crate) fn open_stream(&self, info: &[u8], encapped: &[u8; 32]) -> Result<OpenStream, VaultError> {
        let encapped = Encapped::from_bytes(encapped).map_err(|_| VaultError::DoesNotOpen)?;
        let context = setup_receiver(&OpModeR::Base, &self.0, &encapped, info);
        context.map(OpenStream).map_err(|_| VaultError::DoesNotOpen)
    }
}

impl SealStream {
    /// Seals the next message.
    pub(crate) fn seal(&mut self, clear: &[u8], associated: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.0.seal(clear, associated).map_err(|_| VaultError::DoesNotOpen)
    }
}

impl OpenStream {
    /// Opens the next message.
    pub(crate) fn open(
        &mut self,
        sealed: &[u8],
        associated: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.0.open(sealed, associated).map(Zeroizing::new).map_err(|_| VaultError::DoesNotOpen)
    }
}
