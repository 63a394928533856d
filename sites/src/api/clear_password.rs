//! Passwords that callers send in clear, to be sealed.

use passquorum_domain::secret::{Password, SecretError};
use serde::Deserialize;
use std::fmt;

/// A password in clear. Parsed as it is read, so that no plain copy stays behind.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ClearPassword(pub(super) Password);

impl TryFrom<String> for ClearPassword {
    type Error = SecretError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Password::parse(text).map(Self)
    }
}

impl fmt::Debug for ClearPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClearPassword(..)")
    }
}
