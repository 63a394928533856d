//! A mail address as servers take it, without a name and without anything that would need quoting.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A mail address, such as `alice@corp.example`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MailAddress(String);

/// A text is no mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a mail address; use one such as alice@corp.example, without a name around it")]
pub struct NotAnAddress;

impl MailAddress {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }

    /// As much of it as its owner knows it by, and others learn little from: `a***@c***.example`.
    #[must_use]
    pub fn masked(&self) -> String {
        Self::mask(self.0.chars().next().unwrap_or('*'), self.domain())
    }

    /// The same of an address that begins so, in a domain.
    #[must_use]
    pub fn mask(first: char, domain: &str) -> String {
        let ending = domain.rsplit_once('.').map(|(_, ending)| format!(".{ending}")).unwrap_or_default();
        let domain = domain.chars().next().unwrap_or('*');
        format!("{first}***@{domain}***{ending}").to_lowercase()
    }
}

impl FromStr for MailAddress {
    type Err = NotAnAddress;
    /// Takes the forms that need no quoting (RFC 5321 4.1.2, `Dot-string "@" Domain`).
    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let text = text.trim();
        let (local, domain) = text.split_once('@').ok_or(NotAnAddress)?;
        let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        let local_fits =
            local.len() <= 64 && local.split('.').all(|part| !part.is_empty() && part.chars().all(atom));
        let label = |part: &str| {
            (1..=63).contains(&part.len())
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        let fits = local_fits && domain.len() <= 253 && text.len() <= 254 && domain.split('.').all(label);
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAnAddress) }
    }
}

impl TryFrom<String> for MailAddress {
    type Error = NotAnAddress;
    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        text.parse()
    }
}

impl From<MailAddress> for String {
    fn from(address: MailAddress) -> Self {
        address.0
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_plain_addresses_are_taken() {
        for good in ["alice@corp.example", " o'neil+x@mail-1.corp.example ", "root@localhost"] {
            assert!(good.parse::<MailAddress>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "alice",
            "@corp",
            "a@",
            "a@b@c",
            "Alice <a@b.c>",
            "a b@c.d",
            "a@b c",
            "a@-b.c",
            "a@b..c",
            ".a@b.c",
            "\"a\"@b.c",
            "a@[10.0.0.1]",
            "a@b.c\r\nBcc: x@y.z",
            "ä@b.c",
            "a@b.c,d@e.f",
        ] {
            assert!(bad.parse::<MailAddress>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_address_has_a_second_line_or_a_second_recipient(text in any::<String>()) {
            if let Ok(address) = text.parse::<MailAddress>() {
                prop_assert!(address.as_str().chars().all(|c| c.is_ascii_graphic() && !"<>,;:\"()[]\\".contains(c)));
                prop_assert_eq!(address.as_str().matches('@').count(), 1);
            }
        }
    }

    #[test]
    fn a_mask_leaves_two_letters_and_the_ending() {
        let masked = |text: &str| text.parse::<MailAddress>().unwrap().masked();
        assert_eq!(masked("Alice.Ames@corp.example.com"), "a***@c***.com");
        assert_eq!(masked("x@localhost"), "x***@l***");
    }
}
