//! Who can open a file: the holder of a key, or whoever knows a passphrase.
//!
//! A passphrase is a recipient whose private key is derived from it by Argon2id (RFC 9106); the public key stands in the
//! file with the salt and the costs. So a file is always sealed to a public key, and a wrong passphrase is told from a
//! damaged file. Guessing costs one Argon2id for each try, as with any file that a passphrase opens.
//!
//! As text: `pqr1.PUBLIC` for a key, `pqp1.PUBLIC.SALT.KIB.PASSES.LANES` for a passphrase, `pqk1.PRIVATE` for a key file;
//! keys and salt in unpadded base64url.

use super::SealedFileError;
use crate::keyring::{WrapKey, WrapPublicKey};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use passquorum_domain::ports::Entropy;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use zeroize::Zeroizing;

/// The second recommended choice of RFC 9106: 64 MiB, three passes, four lanes.
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// What a file may ask for: nothing weaker, and nothing that stalls the host of whoever reads it.
const MEMORY_KIB_ALLOWED: RangeInclusive<u32> = MEMORY_KIB..=1 << 20;
const PASSES_ALLOWED: RangeInclusive<u32> = PASSES..=16;
const LANES_ALLOWED: RangeInclusive<u32> = 1..=16;

/// Characters that a chosen passphrase has at least.
const SHORTEST: usize = 12;
/// Letters and digits that are not taken for one another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Five bits for each: 150 bits.
const GENERATED: usize = 30;

/// Who can open a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recipient {
    public: WrapPublicKey,
    stretch: Option<Stretch>,
}

/// How a passphrase becomes a key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stretch {
    salt: [u8; 16],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// What opens a file.
pub enum Secret {
    /// A passphrase.
    Passphrase(SecretString),
    /// The private key of a recipient.
    Key(WrapKey),
}

/// The text names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotARecipient {
    /// It is something else.
    #[error("this is no recipient; it looks like pqr1.PUBLIC and comes from `passquorum backup keygen`")]
    Malformed,
    /// Its costs are out of bounds.
    #[error(
        "the costs of the passphrase are out of bounds: 65536 to 1048576 KiB, 3 to 16 passes, 1 to 16 lanes"
    )]
    Costs,
}

/// A passphrase that is too easy to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a passphrase needs at least {SHORTEST} characters; several words are best")]
pub struct WeakPassphrase;

impl Recipient {
    /// Whoever has this key.
    #[must_use]
    pub fn of_key(key: &WrapKey) -> Self {
        Self { public: key.public(), stretch: None }
    }

    /// Whoever knows this passphrase. Takes a while.
    ///
    /// # Errors
    /// [`WeakPassphrase`].
    pub fn of_passphrase(
        passphrase: &SecretString,
        entropy: &dyn Entropy,
    ) -> Result<(Self, WrapKey), WeakPassphrase> {
        if passphrase.expose_secret().chars().count() < SHORTEST {
            return Err(WeakPassphrase);
        }
        let mut salt = [0; 16];
        entropy.fill(&mut salt);
        let stretch = Stretch { salt, memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES };
        // Argon2 takes these costs and any passphrase below 4 GiB.
        let key = stretch.key(passphrase).ok_or(WeakPassphrase)?;
        Ok((Self { public: key.public(), stretch: Some(stretch) }, key))
    }

    /// The key to seal to.
    #[must_use]
    pub fn public_key(&self) -> &WrapPublicKey {
        &self.public
    }

    /// Whether a passphrase opens what is sealed to it.
    #[must_use]
    pub fn is_passphrase(&self) -> bool {
        self.stretch.is_some()
    }

    pub(super) fn key(&self, secret: Secret) -> Result<WrapKey, SealedFileError> {
        let (key, wrong) = match (secret, &self.stretch) {
            (Secret::Passphrase(passphrase), Some(stretch)) => {
                let key = stretch.key(&passphrase).ok_or(SealedFileError::WrongPassphrase)?;
                (key, SealedFileError::WrongPassphrase)
            }
            (Secret::Key(key), None) => (key, SealedFileError::WrongKey(self.clone())),
            (Secret::Passphrase(_), None) => return Err(SealedFileError::NeedsKey(self.clone())),
            (Secret::Key(_), Some(_)) => return Err(SealedFileError::NeedsPassphrase),
        };
        if key.public() == self.public { Ok(key) } else { Err(wrong) }
    }
}

impl Stretch {
    fn key(&self, passphrase: &SecretString) -> Option<WrapKey> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()?;
        let mut material = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose_secret().as_bytes(), &self.salt, material.as_mut_slice())
            .ok()?;
        Some(WrapKey::derive(&material))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let public = URL_SAFE_NO_PAD.encode(self.public.to_bytes());
        match &self.stretch {
            None => write!(f, "pqr1.{public}"),
            Some(Stretch { salt, memory_kib, passes, lanes }) => {
                let salt = URL_SAFE_NO_PAD.encode(salt);
                write!(f, "pqp1.{public}.{salt}.{memory_kib}.{passes}.{lanes}")
            }
        }
    }
}

impl From<Recipient> for String {
    fn from(recipient: Recipient) -> Self {
        recipient.to_string()
    }
}

impl TryFrom<String> for Recipient {
    type Error = NotARecipient;

    fn try_from(text: String) -> Result<Self, NotARecipient> {
        text.parse()
    }
}

impl FromStr for Recipient {
    type Err = NotARecipient;

    fn from_str(text: &str) -> Result<Self, NotARecipient> {
        let parts: Vec<&str> = text.split('.').collect();
        let (public, stretch) = match parts.as_slice() {
            ["pqr1", public] => (public, None),
            ["pqp1", public, salt, memory, passes, lanes] => {
                let stretch = Stretch {
                    salt: bytes(salt)?,
                    memory_kib: number(memory, &MEMORY_KIB_ALLOWED)?,
                    passes: number(passes, &PASSES_ALLOWED)?,
                    lanes: number(lanes, &LANES_ALLOWED)?,
                };
                (public, Some(stretch))
            }
            _ => return Err(NotARecipient::Malformed),
        };
        let public = WrapPublicKey::from_bytes(&bytes(public)?).ok_or(NotARecipient::Malformed)?;
        Ok(Self { public, stretch })
    }
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], NotARecipient> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotARecipient::Malformed)?;
    bytes.try_into().map_err(|_| NotARecipient::Malformed)
}

fn number(text: &str, allowed: &RangeInclusive<u32>) -> Result<u32, NotARecipient> {
    let number = text.parse().map_err(|_| NotARecipient::Malformed)?;
    if allowed.contains(&number) { Ok(number) } else { Err(NotARecipient::Costs) }
}

/// The text of a key file, which tells the key.
#[must_use]
pub fn key_text(key: &WrapKey) -> Zeroizing<String> {
    Zeroizing::new(format!("pqk1.{}\n", URL_SAFE_NO_PAD.encode(key.to_bytes().as_slice())))
}

impl Secret {
    /// Reads the text of a key file.
    #[must_use]
    pub fn of_key_text(text: &str) -> Option<Self> {
        let encoded = text.trim().strip_prefix("pqk1.")?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        WrapKey::from_bytes(&bytes).map(Self::Key)
    }
}

/// A passphrase that nobody can guess: six groups of five letters and digits.
#[must_use]
pub fn generate_passphrase(entropy: &dyn Entropy) -> SecretString {
    let mut random = Zeroizing::new([0; GENERATED]);
    entropy.fill(random.as_mut_slice());
    let mut text = Zeroizing::new(String::with_capacity(GENERATED + 5));
    for (place, byte) in random.iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            text.push('-');
        }
        text.extend(ALPHABET.get(usize::from(byte % 32)).copied().map(char::from));
    }
    SecretString::from(text.as_str())
}
