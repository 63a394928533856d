//! Distinguished names: whoever is below an object is below it however the object's name is typed, and nobody else is.

use passquorum_domain::directory::DistinguishedName;
use proptest::collection::vec;
use proptest::prelude::*;

/// One part: its type, and its value as it is meant.
type Part = (String, String);

fn part() -> impl Strategy<Value = Part> {
    let kind = prop_oneof![Just("CN"), Just("OU"), Just("DC")];
    let word = "[a-zA-Zäß0-9,+;\"\\\\<>#=]{1,5}";
    (kind, vec(word, 1..3)).prop_map(|(kind, words)| (kind.to_owned(), words.join(" ")))
}

/// How somebody types each part: cases, blanks before and after, and which way each special character is escaped.
fn way() -> impl Strategy<Value = (bool, usize, Vec<bool>)> {
    (any::<bool>(), 0_usize..3, vec(any::<bool>(), 16))
}

fn typed(parts: &[Part], (upper, blanks, hex): &(bool, usize, Vec<bool>)) -> DistinguishedName {
    let blanks = " ".repeat(*blanks);
    let value = |value: &str| {
        let escaped = value.chars().zip(hex.iter().cycle()).map(|(c, hex)| match c {
            ',' | '+' | ';' | '"' | '\\' | '<' | '>' | '#' | '=' if *hex => format!("\\{:02x}", u32::from(c)),
            ',' | '+' | ';' | '"' | '\\' | '<' | '>' | '#' | '=' => format!("\\{c}"),
            ' ' => format!(" {blanks}"),
            c if *upper && c.is_ascii() => c.to_ascii_uppercase().to_string(),
            c => c.to_string(),
        });
        escaped.collect::<String>()
    };
    let kind = |kind: &str| if *upper { kind.to_owned() } else { kind.to_lowercase() };
    let text: Vec<_> = parts
        .iter()
        .map(|(own, of)| format!("{blanks}{}{blanks}={blanks}{}{blanks}", kind(own), value(of)))
        .collect();
    DistinguishedName::parse(&text.join(",")).unwrap()
}

fn meant(parts: &[Part]) -> Vec<(String, String)> {
    parts.iter().map(|(kind, value)| (kind.to_lowercase(), value.to_lowercase())).collect()
}

proptest! {
    #[test]
    fn who_is_below_an_object_is_so_however_both_are_typed(
        above in vec(part(), 1..4),
        below in vec(part(), 0..3),
        one in way(),
        other in way(),
    ) {
        let whole: Vec<_> = below.iter().chain(&above).cloned().collect();
        let (object, inner) = (typed(&above, &one), typed(&whole, &other));
        prop_assert!(inner.is_within(&object), "{inner} is not within {object}");
        prop_assert_eq!(object.is_within(&inner), below.is_empty());
        prop_assert_eq!(object.is_same(&inner), below.is_empty());
    }

    #[test]
    fn nobody_is_below_what_the_end_of_their_name_does_not_say(
        one in vec(part(), 1..4),
        other in vec(part(), 1..4),
        ways in (way(), way()),
    ) {
        let is_within = meant(&one).ends_with(&meant(&other));
        prop_assert_eq!(typed(&one, &ways.0).is_within(&typed(&other, &ways.1)), is_within);
    }
}
