//! The text of tokens, as an operator pastes them.
//!
//! A join token is `pq1.<id>.<secret>.<pin>`, an API token `pqa1.<id>.<secret>`: the id a UUID without hyphens, the
//! secret 32 random bytes and the pin the SHA-256 of the realm authority's SubjectPublicKeyInfo, both in unpadded
//! base64url. The cluster keeps a keyed hash of the secret (of its text) and never the secret.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use passquorum_domain::ids::{ApiTokenId, JoinTokenId};
use passquorum_domain::ports::Entropy;
use std::fmt;
use zeroize::Zeroizing;

/// The secret part of a token.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSecret(Zeroizing<String>);

impl TokenSecret {
    /// Draws one.
    #[must_use]
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut_slice());
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
    }

    fn parse(text: &str) -> Result<Self, NotAToken> {
        bytes32(text)?;
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The text, for the keyed hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret(..)")
    }
}

/// The text is not a join token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a join token; it looks like pq1.ID.SECRET.PIN and comes from `passquorum token create`")]
pub struct NotAToken;

/// A join token in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinTokenText {
    /// Its public part.
    pub id: JoinTokenId,
    /// Its secret part.
    pub secret: TokenSecret,
    /// SHA-256 of the SubjectPublicKeyInfo of the realm's authority.
    pub pin: [u8; 32],
}

impl JoinTokenText {
    /// Reads the text.
    pub fn parse(text: &str) -> Result<Self, NotAToken> {
        let parts: Vec<&str> = text.trim().split('.').collect();
        let ["pq1", id, secret, pin] = parts.as_slice() else { return Err(NotAToken) };
        let id = JoinTokenId(uuid::Uuid::try_parse(id).map_err(|_| NotAToken)?);
        Ok(Self { id, secret: TokenSecret::parse(secret)?, pin: bytes32(pin)? })
    }

    /// The text, which tells the secret.
    #[must_use]
    pub fn reveal(&self) -> String {
        let pin = URL_SAFE_NO_PAD.encode(self.pin);
        format!("pq1.{}.{}.{pin}", self.id.0.simple(), self.secret.0.as_str())
    }
}

/// The text of an API token, which tells the secret.
#[must_use]
pub fn reveal_api_token(id: ApiTokenId, secret: &TokenSecret) -> String {
    format!("pqa1.{}.{}", id.0.simple(), secret.0.as_str())
}

fn bytes32(text: &str) -> Result<[u8; 32], NotAToken> {
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| NotAToken)?);
    bytes.as_slice().try_into().map_err(|_| NotAToken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SystemEntropy;

    #[test]
    fn a_token_reads_back_and_prints_nothing_of_its_secret() {
        let id = JoinTokenId(uuid::Uuid::from_u128(9));
        let token = JoinTokenText { id, secret: TokenSecret::draw(&SystemEntropy), pin: [3; 32] };
        let text = token.reveal();
        assert_eq!(JoinTokenText::parse(&format!(" {text}\n")), Ok(token.clone()));
        assert!(format!("{token:?}").contains("TokenSecret(..)"));
        for bad in ["", "pq1", "pq1.a.b.c", &text[..text.len() - 1], &text.replace("pq1", "pq2")] {
            assert_eq!(JoinTokenText::parse(bad), Err(NotAToken), "{bad}");
        }
    }
}
