//! The answer's half of the paged results control (RFC 2696): `SEQUENCE { INTEGER size, OCTET STRING cookie }` in BER.
//!
//! The library's own parser ends the program at what a broken controller may send.

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// The cookie; none when this is no such value.
pub(crate) fn cookie(value: &[u8]) -> Option<&[u8]> {
    let (inner, rest) = element(value, SEQUENCE)?;
    let (_, inner) = element(inner, INTEGER)?;
    let (cookie, end) = element(inner, OCTET_STRING)?;
    (rest.is_empty() && end.is_empty()).then_some(cookie)
}

/// The contents of an element with this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(&[tag])?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let fits = (1..=size_of::<u32>()).contains(&digits.len());
        (fits.then(|| digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)))?, rest)
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_cookie_is_found_in_short_and_long_forms() {
        assert_eq!(cookie(&[0x30, 5, 2, 1, 0, 4, 0]), Some(&[][..]));
        assert_eq!(cookie(&[0x30, 7, 2, 1, 0, 4, 2, 8, 9]), Some(&[8, 9][..]));
        assert_eq!(cookie(&[0x30, 0x84, 0, 0, 0, 9, 2, 1, 0, 4, 0x82, 0, 2, 8, 9]), Some(&[8, 9][..]));
    }

    #[test]
    fn what_is_cut_or_goes_on_is_no_cookie() {
        let whole = [0x30, 7, 2, 1, 0, 4, 2, 8, 9];
        for length in 0..whole.len() {
            assert_eq!(cookie(&whole[..length]), None);
        }
        assert_eq!(cookie(&[&whole[..], &[0]].concat()), None);
        assert_eq!(cookie(&[0x30, 0x88, 255, 255, 255, 255, 255, 255, 255, 255]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in any::<Vec<u8>>()) {
            cookie(&bytes);
        }
    }
}
