//! Passwords that are made for a person: drawn from random bytes, easy to read out, and right by the person's rules.

use crate::policy::{PasswordOwner, PasswordRule, check_password};
use crate::secret::Password;
use zeroize::Zeroizing;

/// Random bytes that one is made of.
pub const RANDOM: usize = 512;

/// Groups of four characters that one has where the rules leave the choice: about 71 bits.
const USUAL_GROUPS: usize = 4;

const CAPITAL: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const SMALL: &[u8] = b"abcdefghijkmnpqrstuvwxyz";
const DIGIT: &[u8] = b"23456789";
const ANY: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";

/// Each group has a capital letter, a small one and a digit, and none of those that look alike; hyphens stand between the
/// groups. So it has every kind of character.
const GROUP: [&[u8]; 4] = [CAPITAL, SMALL, DIGIT, ANY];

/// One made of these bytes. None when they make one that the rules refuse, such as with a name in it, or when no password
/// of this form can meet them.
#[must_use]
pub fn made_of(random: &[u8; RANDOM], rules: &[PasswordRule], owner: &PasswordOwner) -> Option<Password> {
    let (mut least, mut most) = (0, u32::MAX);
    for rule in rules {
        if let PasswordRule::Length(length) = rule {
            (least, most) = (least.max(length.min), most.min(length.max));
        }
    }
    let groups_of = |characters: u32| (characters as usize).saturating_add(1);
    let groups = USUAL_GROUPS.max(groups_of(least).div_ceil(5)).min(groups_of(most) / 5);
    let mut text = Zeroizing::new(String::with_capacity(groups.saturating_mul(5)));
    let mut draws =
        random.chunks_exact(2).map(|two| two.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)));
    for group in 0..groups {
        if group > 0 {
            text.push('-');
        }
        for alphabet in GROUP {
            let letter = alphabet.get(draws.next()?.checked_rem(alphabet.len())?)?;
            text.push(char::from(*letter));
        }
    }
    let password = Password::parse(text.as_str().to_owned()).ok()?;
    check_password(rules, &password, owner).is_empty().then_some(password)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{ComplexityRule, LengthRule};
    use proptest::prelude::*;

    fn rules(min: u32, max: u32) -> [PasswordRule; 2] {
        let complexity = ComplexityRule { min_kinds: 4, forbid_names: true };
        [PasswordRule::Length(LengthRule { min, max }), PasswordRule::Complexity(complexity)]
    }

    fn bytes() -> impl Strategy<Value = [u8; RANDOM]> {
        proptest::collection::vec(any::<u8>(), RANDOM).prop_map(|bytes| bytes.try_into().unwrap())
    }

    #[test]
    fn a_name_in_it_and_rules_that_no_such_password_meets_give_none() {
        let made = |owner: &str, rules: &[PasswordRule]| {
            let owner = PasswordOwner { account: owner.into(), display_name: String::new() };
            made_of(&[0; RANDOM], rules, &owner).map(|password| password.expose().to_owned())
        };
        assert_eq!(made("alice", &rules(8, 64)).as_deref(), Some("Aa2A-Aa2A-Aa2A-Aa2A"));
        assert_eq!(made("aa2a", &rules(8, 64)), None);
        assert_eq!(made("alice", &rules(1, 3)), None);
    }

    proptest! {
        #[test]
        fn it_meets_the_rules_and_is_as_long_as_they_ask(bytes in bytes(), min in 1_u32..=240, more in 9_u32..16) {
            let rules = rules(min, min + more);
            let made = made_of(&bytes, &rules, &PasswordOwner::default()).unwrap();
            prop_assert!(check_password(&rules, &made, &PasswordOwner::default()).is_empty());
            prop_assert!(!made.expose().contains(['0', 'O', '1', 'l', 'I', 'o']));
        }
    }
}
