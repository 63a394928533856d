//! Password rules of a management policy, checked on the site and before the directory is asked. They only add to
//! what the domain demands; they never loosen it.

use crate::directory::DomainPasswordRules;
use crate::secret::Password;
use serde::{Deserialize, Serialize};

/// One rule with its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PasswordRule {
    /// Bounds on the number of characters.
    Length(LengthRule),
    /// How many kinds of character, and no part of the user's names.
    Complexity(ComplexityRule),
}

/// Bounds on the number of characters (Unicode scalar values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LengthRule {
    /// Fewest; at least 1.
    pub min: u32,
    /// Most; at most 256.
    pub max: u32,
}

/// Kinds of character: upper case, lower case, digit, other (MS-ADTS 3.1.1.3.1.5 without its fifth, caseless, kind).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplexityRule {
    /// How many of the four kinds; 1 to 4.
    pub min_kinds: u8,
    /// Whether the account name (three characters or more) and parts of the display name are refused inside.
    pub forbid_names: bool,
}

/// The names a password must not hold.
#[derive(Debug, Clone, Default)]
pub struct PasswordOwner {
    /// sAMAccountName.
    pub account: String,
    /// displayName.
    pub display_name: String,
}

/// A rule that a password breaks. Its text is for the person who chooses the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Violation {
    /// Too few characters.
    #[error("Use at least {min} characters.")]
    TooShort {
        /// The fewest allowed.
        min: u32,
    },
    /// Too many characters.
    #[error("Use at most {max} characters.")]
    TooLong {
        /// The most allowed.
        max: u32,
    },
    /// Too few kinds of character.
    #[error("Mix at least {min_kinds} of: capital letters, small letters, digits, other characters.")]
    TooFewKinds {
        /// How many kinds are asked for.
        min_kinds: u8,
    },
    /// Holds the account name or part of the display name.
    #[error("Leave out your name and your logon name.")]
    HoldsName,
}

impl PasswordRule {
    /// The violation of this rule, if any.
    #[must_use]
    pub fn check(&self, password: &Password, owner: &PasswordOwner) -> Vec<Violation> {
        match self {
            Self::Length(rule) => rule.check(password),
            Self::Complexity(rule) => rule.check(password, owner),
        }
    }
}

impl LengthRule {
    fn check(self, password: &Password) -> Vec<Violation> {
        let length = u32::try_from(password.expose().chars().count()).unwrap_or(u32::MAX);
        if length < self.min {
            vec![Violation::TooShort { min: self.min }]
        } else if length > self.max {
            vec![Violation::TooLong { max: self.max }]
        } else {
            Vec::new()
        }
    }
}

impl ComplexityRule {
    fn check(self, password: &Password, owner: &PasswordOwner) -> Vec<Violation> {
        let text = password.expose();
        let kinds: [fn(char) -> bool; 4] =
            [char::is_uppercase, char::is_lowercase, |c| c.is_numeric(), |c| !c.is_alphanumeric()];
        let present = kinds.iter().filter(|kind| text.chars().any(kind)).count();
        let mut violations = Vec::new();
        if present < usize::from(self.min_kinds) {
            violations.push(Violation::TooFewKinds { min_kinds: self.min_kinds });
        }
        if self.forbid_names && owner.names().any(|name| text.to_lowercase().contains(&name)) {
            violations.push(Violation::HoldsName);
        }
        violations
    }
}

impl PasswordOwner {
    /// The account name, and the parts of the display name, of three characters or more, in lower case.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        let parts = self.display_name.split(|c: char| !c.is_alphanumeric());
        std::iter::once(self.account.as_str())
            .chain(parts)
            .filter(|name| name.chars().nth(2).is_some())
            .map(str::to_lowercase)
    }
}

/// All rules a new password must meet: the policy's own and, merged by the stricter, the domain's.
#[must_use]
pub fn effective_rules(own: &[PasswordRule], domain: Option<&DomainPasswordRules>) -> Vec<PasswordRule> {
    let mut length = LengthRule { min: 1, max: 256 };
    let mut complexity: Option<ComplexityRule> = None;
    let from_domain = domain.into_iter().flat_map(domain_rules).collect::<Vec<_>>();
    for rule in own.iter().chain(&from_domain) {
        match rule {
            PasswordRule::Length(rule) => {
                length = LengthRule { min: length.min.max(rule.min), max: length.max.min(rule.max) };
            }
            PasswordRule::Complexity(rule) => {
                let merged = complexity.get_or_insert(*rule);
                merged.min_kinds = merged.min_kinds.max(rule.min_kinds);
                merged.forbid_names |= rule.forbid_names;
            }
        }
    }
    std::iter::once(PasswordRule::Length(length)).chain(complexity.map(PasswordRule::Complexity)).collect()
}

fn domain_rules(domain: &DomainPasswordRules) -> Vec<PasswordRule> {
    let mut rules = vec![PasswordRule::Length(LengthRule { min: domain.min_length, max: 256 })];
    if domain.complexity {
        rules.push(PasswordRule::Complexity(ComplexityRule { min_kinds: 3, forbid_names: true }));
    }
    rules
}

/// Every violation of every rule.
#[must_use]
pub fn check_password(rules: &[PasswordRule], password: &Password, owner: &PasswordOwner) -> Vec<Violation> {
    rules.iter().flat_map(|rule| rule.check(password, owner)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::RulesSource;

    fn password(text: &str) -> Password {
        Password::parse(text.into()).unwrap()
    }

    #[test]
    fn the_stricter_of_policy_and_domain_holds() {
        let own = [PasswordRule::Length(LengthRule { min: 12, max: 64 })];
        let domain =
            DomainPasswordRules { source: RulesSource::Domain, min_length: 8, complexity: true, history: 5 };
        let rules = effective_rules(&own, Some(&domain));
        let owner = PasswordOwner { account: "alice".into(), display_name: "Alice Test".into() };
        assert_eq!(
            check_password(&rules, &password("short"), &owner),
            vec![Violation::TooShort { min: 12 }, Violation::TooFewKinds { min_kinds: 3 }]
        );
        assert_eq!(check_password(&rules, &password("My-ALICE-pass1"), &owner), vec![Violation::HoldsName]);
        assert!(check_password(&rules, &password("Correct-Horse-7"), &owner).is_empty());
        assert_eq!(
            check_password(&rules, &password(&"Aa1-".repeat(20)), &owner),
            vec![Violation::TooLong { max: 64 }]
        );
    }

    #[test]
    fn names_shorter_than_three_characters_do_not_count() {
        let owner = PasswordOwner { account: "al".into(), display_name: "A Li".into() };
        assert_eq!(owner.names().count(), 0);
    }
}
