//! A document as the values of one attribute. A small one is a single value and stands as it is. A large one is cut, and
//! each piece begins with `pqc1 TERM.INDEX PLACE/COUNT SHA256 `: the fence it was written under, which piece it is, and the
//! hash of the whole. So a reader who gets pieces of two writes, or not all of them, can tell, in whatever order they come.
//!
//! Invariant: [`join`] answers what [`split`] was given, or nothing.

use passquorum_domain::blob::Blob;
use passquorum_domain::ports::Fence;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

const PREFIX: &str = "pqc1";
/// The most bytes of the document in one value.
const PIECE: usize = 32 * 1024;
/// The most pieces: a domain controller answers no more than 1500 values at a time.
const PIECES: usize = 256;

/// The document is larger than [`PIECES`] times [`PIECE`].
#[derive(Debug)]
pub(crate) struct TooLarge;

/// The values for a document.
pub(crate) fn split(document: &Blob, fence: Fence) -> Result<Vec<Vec<u8>>, TooLarge> {
    let bytes = document.as_bytes();
    if bytes.len() <= PIECE {
        return Ok(vec![bytes.to_vec()]);
    }
    let pieces = pieces(bytes);
    if pieces.len() > PIECES {
        return Err(TooLarge);
    }
    let (count, hash) = (pieces.len(), hash(bytes));
    let value = |(place, piece): (usize, &&[u8])| {
        let mut value = format!("{PREFIX} {fence} {}/{count} {hash} ", place + 1).into_bytes();
        value.extend_from_slice(piece);
        value
    };
    Ok(pieces.iter().enumerate().map(value).collect())
}

/// The attribute holds text, so a character stays in one piece.
fn pieces(mut bytes: &[u8]) -> Vec<&[u8]> {
    let is_inside = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let mut end = PIECE.min(bytes.len());
        while end > PIECE - 4 && bytes.get(end).is_some_and(is_inside) {
            end -= 1;
        }
        let (piece, rest) = bytes.split_at(end);
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// The document of such values, if they are all of one write.
pub(crate) fn join(values: &[&[u8]]) -> Option<Blob> {
    let whole = match values {
        [whole] if !whole.starts_with(PREFIX.as_bytes()) => return Some(Blob::from(*whole)),
        values => values,
    };
    let mut places = BTreeMap::new();
    let mut common = None;
    for value in whole {
        let mut parts = value.splitn(5, |byte| *byte == b' ');
        let (prefix, fence, place, hash) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let (place, count) = std::str::from_utf8(place).ok()?.split_once('/')?;
        let (place, count): (usize, usize) = (place.parse().ok()?, count.parse().ok()?);
        let of_all = (prefix, fence, count, hash);
        if prefix != PREFIX.as_bytes() || *common.get_or_insert(of_all) != of_all {
            return None;
        }
        places.insert(place, parts.next()?);
    }
    let (_, _, count, expected) = common?;
    let is_complete = places.len() == count && places.keys().copied().eq(1..=count);
    let document = places.into_values().collect::<Vec<_>>().concat();
    (is_complete && hash(&document).as_bytes() == expected).then(|| Blob::from(document))
}

fn hash(document: &[u8]) -> String {
    Sha256::digest(document).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FENCE: Fence = Fence { term: 3, index: 141 };

    fn joined(values: &[Vec<u8>]) -> Option<Blob> {
        join(&values.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn large(letter: &str) -> Blob {
        Blob::from(letter.repeat(50_000).as_bytes())
    }

    #[test]
    fn a_small_document_is_one_value_as_it_is() {
        let document = Blob::from(&b"{}"[..]);
        assert_eq!(split(&document, FENCE).unwrap(), [b"{}"]);
        assert_eq!(joined(&[b"{}".to_vec()]), Some(document));
    }

    #[test]
    fn pieces_of_two_writes_a_missing_one_and_a_changed_one_are_told() {
        let (one, two) = (split(&large("a"), FENCE).unwrap(), split(&large("b"), FENCE).unwrap());
        let later = split(&large("a"), Fence { term: 3, index: 142 }).unwrap();
        assert_eq!(joined(&one), Some(large("a")));
        let mut changed = one.clone();
        *changed[1].last_mut().unwrap() = b'x';
        let [a, b] = [&one[0], &one[1]].map(Clone::clone);
        let torn: [Vec<Vec<u8>>; 7] = [
            vec![],
            vec![a.clone()],
            vec![b.clone()],
            vec![a.clone(), two[1].clone()],
            vec![a.clone(), later[1].clone()],
            vec![a, b, two[0].clone()],
            changed,
        ];
        for values in torn {
            assert_eq!(joined(&values), None);
        }
    }

    #[test]
    fn what_finds_no_room_is_refused() {
        assert!(split(&Blob::from(vec![b'a'; PIECE * PIECES + 1]), FENCE).is_err());
    }

    proptest! {
        #[test]
        fn any_document_is_read_back_in_any_order_and_stays_text(
            text in "[a-zé€😀]{1,40}", times in 1_usize..8000, turn in any::<usize>()
        ) {
            let document = Blob::from(text.repeat(times).as_bytes());
            let mut values = split(&document, FENCE).unwrap();
            for value in &values {
                prop_assert!(std::str::from_utf8(value).is_ok() && value.len() <= PIECE + 200);
            }
            let turn = turn % values.len();
            values.rotate_left(turn);
            prop_assert_eq!(joined(&values), Some(document));
        }

        #[test]
        fn any_values_are_read_without_a_panic(values in proptest::collection::vec(any::<Vec<u8>>(), 0..4)) {
            joined(&values);
        }
    }
}
