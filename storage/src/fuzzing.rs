//! Fuzz target for the envelope. Built for tests and under `cfg(fuzzing)` only; a finding is a panic.

#![expect(clippy::expect_used, reason = "a finding is a panic")]

use crate::codec::{Kind, OVERHEAD, decode, encode, open};
use std::collections::BTreeMap;

const KIND: Kind = Kind::new(900, 1);

type Value = (u8, bool, Option<i64>, String, Vec<u8>, BTreeMap<String, Vec<Option<char>>>);

/// Any bytes as an envelope; and bytes in a right envelope, one of which is then changed.
pub fn envelopes(data: &[u8]) {
    if let Ok((kind, payload)) = open(data) {
        assert_eq!(data.len(), payload.len() + OVERHEAD);
        drop(decode::<Value>(kind, data));
    }
    let Some(([place, flip], content)) = data.split_first_chunk::<2>() else { return };
    let envelope = encode(KIND, content).expect("a small value is encoded");
    let back: Vec<u8> = decode(KIND, &envelope).expect("what was encoded is decoded");
    assert_eq!(back, content);
    drop(decode::<Value>(KIND, &envelope));

    let mut changed = envelope;
    let place = usize::from(*place) % changed.len();
    if let Some(byte) = changed.get_mut(place).filter(|_| *flip != 0) {
        *byte ^= flip;
        assert!(open(&changed).is_err(), "a changed byte is not noticed");
    }
}

#[cfg(test)]
#[path = "../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_of_envelopes_passes() {
        let map = BTreeMap::from([("key".to_owned(), vec![Some('x'), None])]);
        let value: Value = (7, true, Some(-3), "text".to_owned(), vec![1, 2], map);
        let seeds = vec![
            ("value", encode(KIND, &value).unwrap()),
            ("bytes", encode(KIND, &[9_u8; 20]).unwrap()),
            ("flip", vec![20, 1, 2, 3, 4]),
        ];
        replay::replay("envelopes", envelopes, seeds);
    }
}
