//! The words of the directory: object identities, names that people log on with, and what a user record tells.

use crate::ids::ConnectionId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// `objectGUID`: what a profile, a counter and a ticket are bound to, never a name or DN (MS-ADTS 3.1.1.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectGuid(pub [u8; 16]);

impl fmt::Display for ObjectGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes_le(self.0).fmt(f)
    }
}

/// Why a name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was typed.
    #[error("it is empty")]
    Empty,
    /// Longer than any name of its kind.
    #[error("it is longer than {max} characters")]
    TooLong {
        /// The most characters that are taken.
        max: usize,
    },
    /// A character that such a name cannot have.
    #[error("it holds a character that such a name cannot have")]
    BadCharacter,
}

/// A distinguished name, kept as the directory gave it or as an administrator typed it (RFC 4514).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DistinguishedName(String);

impl DistinguishedName {
    /// Takes a DN: not empty, at most 2,048 characters, `attribute=value` parts, no control characters.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.chars().nth(2048).is_some() {
            return Err(NameError::TooLong { max: 2048 });
        }
        if text.chars().any(char::is_control) || !text.contains('=') {
            return Err(NameError::BadCharacter);
        }
        Ok(Self(text.to_owned()))
    }

    /// The DN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this DN is `ancestor` or lies below it, part by part and however both are written, as [`Self::is_same`] compares.
    #[must_use]
    pub fn is_within(&self, ancestor: &Self) -> bool {
        normal(&self.0).ends_with(&normal(&ancestor.0))
    }

    /// The DNS name of the domain that its last `DC=` parts name (RFC 2247); `None` when it has none.
    #[must_use]
    pub fn dns_domain(&self) -> Option<String> {
        let mut labels: Vec<_> = self.0.rsplit(',').map_while(domain_label).collect();
        labels.reverse();
        (!labels.is_empty()).then(|| labels.join(".").to_lowercase())
    }

    /// Whether both name the same object however they are written: case, blanks around the parts and within values, and
    /// escapes make no difference (RFC 4514, RFC 4518), nor do the semicolons and quotes of old (RFC 2253, 4).
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        normal(&self.0) == normal(&other.0)
    }

    /// Whether a quote is opened and not closed: it swallows all parts that follow, so that nobody is at or below such a name.
    #[must_use]
    pub fn has_open_quote(&self) -> bool {
        let (mut escaped, mut quoted) = (false, false);
        for c in self.0.chars() {
            quoted ^= c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
        }
        quoted
    }
}

fn domain_label(part: &str) -> Option<&str> {
    let (kind, label) = part.trim().split_once('=')?;
    let is_label =
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (kind.eq_ignore_ascii_case("dc") && is_label).then_some(label)
}

/// The name of an AD site: one DNS label (MS-ADTS 6.1.1.2.2.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AdSite(String);

impl AdSite {
    /// Takes a name of 1 to 63 letters, digits, `-` and `_`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let is_label =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        match text.len() {
            0 => Err(NameError::Empty),
            64.. => Err(NameError::TooLong { max: 63 }),
            _ if is_label(text) => Ok(Self(text.to_owned())),
            _ => Err(NameError::BadCharacter),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AdSite {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<AdSite> for String {
    fn from(site: AdSite) -> Self {
        site.0
    }
}

impl fmt::Display for AdSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The domain controller that a visitor's computer says it uses. Whoever asks for a page may write anything there, so that it
/// is only ever compared with controllers that are known otherwise, and nothing is connected to or looked up by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientController(String);

impl ClientController {
    /// Takes a host's name as Windows tells it, `dc1.corp.example` or `\\\\DC1`; nothing when it is no such name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.trim().trim_start_matches('\\').trim_end_matches('.');
        let is_name = (1..=253).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        is_name.then(|| Self(name.to_lowercase()))
    }

    /// The name, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a host is meant: by its whole name, or by the first label of it alone.
    #[must_use]
    pub fn is(&self, host: &str) -> bool {
        let first_label = || host.split('.').next() == Some(self.0.as_str());
        // Of an address the first part is no name.
        host == self.0 || (host.parse::<std::net::IpAddr>().is_err() && first_label())
    }
}

/// The parts of a DN, each a sorted list of types and values. It has one at least, since a DN has an equals sign.
fn normal(dn: &str) -> Vec<Vec<(String, String)>> {
    let part = |rdn: &str| {
        let pair = |pair: &str| {
            let (kind, value) = pair.split_once('=').unwrap_or((pair, ""));
            (kind.trim().to_lowercase(), plain_value(value))
        };
        let mut pairs: Vec<_> = unescaped(rdn, &['+']).into_iter().map(pair).collect();
        pairs.sort();
        pairs
    };
    unescaped(dn, &[',', ';']).into_iter().filter(|rdn| !rdn.trim().is_empty()).map(part).collect()
}

/// Splits at each of the separators that no backslash stands before, outside of quotes.
fn unescaped<'a>(text: &'a str, separators: &[char]) -> Vec<&'a str> {
    let (mut parts, mut start, mut escaped, mut quoted) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        quoted ^= c == '"' && !escaped;
        if separators.contains(&c) && !escaped && !quoted {
            parts.extend(text.get(start..at));
            start = at + c.len_utf8();
        }
        escaped = c == '\\' && !escaped;
    }
    parts.extend(text.get(start..));
    parts
}

/// A value without its escapes and quotes, its case and its blanks but one between words.
fn plain_value(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let pair = after.first_chunk::<2>().and_then(|pair| std::str::from_utf8(pair).ok());
        let hex = pair.filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, code, after.split_first()) {
            (b'\\', Some(code), _) => {
                bytes.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'\\', None, Some((&next, after))) => {
                bytes.push(next);
                rest = after;
            }
            (b'"', ..) => rest = after,
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl TryFrom<String> for DistinguishedName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<DistinguishedName> for String {
    fn from(dn: DistinguishedName) -> Self {
        dn.0
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a person typed to say who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginName {
    /// `alice` or `CORP\alice`: a sAMAccountName, with the domain's alias when it was given.
    Account {
        /// NetBIOS name or alias of the domain, when typed.
        domain: Option<String>,
        /// sAMAccountName.
        account: String,
    },
    /// `alice@example.com`: a userPrincipalName or a mail address.
    Address(String),
}

impl LoginName {
    /// The most characters that are taken (a UPN may have 1,024; none in use is near that).
    pub const MAX: usize = 320;

    /// Tells the kind of name from its form.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.chars().nth(Self::MAX).is_some() {
            return Err(NameError::TooLong { max: Self::MAX });
        }
        if text.chars().any(char::is_control) {
            return Err(NameError::BadCharacter);
        }
        if let Some((domain, account)) = text.split_once('\\') {
            return if domain.is_empty() || account.is_empty() || account.contains('\\') {
                Err(NameError::BadCharacter)
            } else {
                Ok(Self::Account { domain: Some(domain.to_owned()), account: account.to_owned() })
            };
        }
        if text.contains('@') {
            return Ok(Self::Address(text.to_owned()));
        }
        Ok(Self::Account { domain: None, account: text.to_owned() })
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account { domain: Some(domain), account } => write!(f, "{domain}\\{account}"),
            Self::Account { domain: None, account } => f.write_str(account),
            Self::Address(address) => f.write_str(address),
        }
    }
}

/// A user object that was found: enough to act on it again, bound to its `objectGUID`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRef {
    /// The connection it was found through.
    pub connection: ConnectionId,
    /// Its identity.
    pub guid: ObjectGuid,
    /// The domain controller that answered, so that later steps stay on it when they can.
    pub dc: String,
}

/// A user in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    /// Its identity and where it was read.
    pub user: UserRef,
    /// Its DN at the time; it may move.
    pub dn: DistinguishedName,
    /// sAMAccountName.
    pub account: String,
}

/// What is known of a user's account when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// Its identity and where it was read.
    pub user: UserRef,
    /// Its DN at the time; it may move.
    pub dn: DistinguishedName,
    /// sAMAccountName.
    pub account: String,
    /// userPrincipalName, when set.
    pub upn: Option<String>,
    /// displayName, or the account name.
    pub display_name: String,
    /// mail, when set.
    pub mail: Option<String>,
    /// What stands in the way of a logon.
    pub status: AccountStatus,
}

/// The conditions of an account that matter to self-service. Several may hold at once, as in `userAccountControl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AccountStatus {
    /// Locked out by the domain's lockout policy.
    pub locked: bool,
    /// Disabled by an administrator.
    pub disabled: bool,
    /// The account itself has expired.
    pub expired: bool,
    /// The password must be changed at next logon, or has expired.
    pub must_change_password: bool,
}

/// The rules that the domain, or a fine-grained password settings object (PSO), sets for one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainPasswordRules {
    /// Where they come from.
    pub source: RulesSource,
    /// Fewest characters.
    pub min_length: u32,
    /// Three of the character classes, and no part of the user's names (MS-ADTS 3.1.1.3.1.5).
    pub complexity: bool,
    /// How many earlier passwords may not come back.
    pub history: u32,
}

/// Which object set the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RulesSource {
    /// The domain's default policy.
    Domain,
    /// The PSO that applies to the user (`msDS-ResultantPSO`).
    Pso(DistinguishedName),
    /// A PSO applies, but the access account may not read it: the domain controller's verdict is the only one.
    UnreadablePso(DistinguishedName),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_names_are_told_by_their_form() {
        let account = |domain: Option<&str>, name: &str| LoginName::Account {
            domain: domain.map(str::to_owned),
            account: name.to_owned(),
        };
        assert_eq!(LoginName::parse(" alice ").unwrap(), account(None, "alice"));
        assert_eq!(LoginName::parse("CORP\\alice").unwrap(), account(Some("CORP"), "alice"));
        assert_eq!(LoginName::parse("a@b.c").unwrap(), LoginName::Address("a@b.c".into()));
        assert_eq!(LoginName::parse("\\alice").unwrap_err(), NameError::BadCharacter);
        assert_eq!(LoginName::parse(&"x".repeat(400)).unwrap_err(), NameError::TooLong { max: 320 });
    }

    #[test]
    fn the_domain_of_a_dn_is_what_its_last_parts_name() {
        let domain = |text| DistinguishedName::parse(text).unwrap().dns_domain();
        assert_eq!(domain("OU=People,DC=Corp, dc=example").as_deref(), Some("corp.example"));
        assert_eq!(domain("DC=x,OU=People,DC=corp").as_deref(), Some("corp"));
        assert_eq!(domain("DC=a/b,DC=corp").as_deref(), Some("corp"));
        assert_eq!(domain("OU=People,O=corp"), None);
    }

    #[test]
    fn a_controller_is_named_as_windows_does_and_by_nothing_else() {
        let named = |text: &str| ClientController::parse(text).map(|named| named.as_str().to_owned());
        assert_eq!(named("\\\\DC1").as_deref(), Some("dc1"));
        assert_eq!(named("DC1.corp.example.").as_deref(), Some("dc1.corp.example"));
        for bad in ["", ".", "a b", "a/b", "ldaps://a", "a:636", "a\r\nb", "[::1]", &"x".repeat(254)] {
            assert_eq!(named(bad), None, "{bad}");
        }
        let is = |text: &str, host| ClientController::parse(text).unwrap().is(host);
        assert!(is("DC1", "dc1.corp.example") && is("dc1.corp.example", "dc1.corp.example"));
        assert!(!is("dc1.evil.example", "dc1.corp.example") && !is("dc", "dc1") && !is("127", "127.0.0.1"));
    }

    #[test]
    fn containment_ends_at_a_whole_part_of_the_dn() {
        let dn = |text| DistinguishedName::parse(text).unwrap();
        assert!(dn("CN=a,OU=People,DC=x").is_within(&dn("ou=people,dc=x")));
        assert!(!dn("CN=a,OU=NotPeople,DC=x").is_within(&dn("People,DC=x=")));
        assert!(!dn("CN=a\\,OU=People,DC=x").is_within(&dn("OU=People,DC=x")));
        for typed in [
            "OU=People, DC=x",
            "ou = people ,dc=x,",
            "OU=People;DC=x",
            "OU=\"People\",DC=x",
            "OU=P\\65ople,DC=x",
        ] {
            assert!(dn("CN=a,OU=People,DC=x").is_within(&dn(typed)), "{typed}");
        }
        assert!(dn("CN=a,OU=\"b,c\",DC=x").is_within(&dn("OU=b\\,c,DC=x")));
        assert!(!dn("CN=a,OU=\"b,OU=c\",DC=x").is_within(&dn("OU=c,DC=x")));
    }

    #[test]
    fn a_quote_that_is_not_closed_is_told_from_one_that_belongs_to_a_value() {
        let dn = |text| DistinguishedName::parse(text).unwrap();
        for open in ["OU=\"Admins,DC=x", "OU=Admins\",DC=x", "OU=\"a\\\",DC=x", "OU=\\\\\"a,DC=x"] {
            assert!(dn(open).has_open_quote(), "{open}");
        }
        assert!(!dn("CN=a,OU=Admins,DC=x").is_within(&dn("OU=\"Admins,DC=x")), "it denies nobody");
        for whole in ["OU=Admins,DC=x", "OU=\"Admins, all\",DC=x", "OU=5\\\" tools,DC=x", "OU=5\\22,DC=x"] {
            assert!(!dn(whole).has_open_quote(), "{whole}");
        }
    }

    #[test]
    fn a_name_is_the_same_however_it_is_written() {
        let dn = |text| DistinguishedName::parse(text).unwrap();
        let one = dn("CN=Großer  Tag\\, 1+SN=b,OU=A\\+B,DC=x");
        for same in [
            "cn=großer tag\\2C 1+sn=B,ou=a\\2bb,dc=X",
            " CN = Gro\\C3\\9fer Tag\\,\\ 1 + SN=b , OU=A\\+B , DC=x",
            "SN=b+CN=Großer Tag\\, 1,OU=A\\+B,DC=x",
        ] {
            assert!(one.is_same(&dn(same)), "{same}");
        }
        for other in [
            "CN=Großer Tag,1+SN=b,OU=A\\+B,DC=x",
            "CN=GroßerTag\\, 1+SN=b,OU=A\\+B,DC=x",
            "CN=Großer Tag\\, 1+SN=b,OU=A+B,DC=x",
            "CN=Großer Tag\\, 1+SN=b,DC=x",
        ] {
            assert!(!one.is_same(&dn(other)), "{other}");
        }
        assert!(dn("CN=a\\").is_same(&dn("cn=A\\")), "a backslash at the end stays one");
    }
}
