//! Security descriptors in self-relative form (MS-DTYP 2.4.6), as far as it must be known whether a token is granted a right:
//! the discretionary list, with object entries and the flags of inheritance.

use std::collections::BTreeSet;
use uuid::Uuid;

/// Access mask bits (MS-ADTS 5.1.3.2).
pub(crate) const DELETE_CHILD: u32 = 0x2;
pub(crate) const LIST_CHILDREN: u32 = 0x4;
pub(crate) const CONTROL_ACCESS: u32 = 0x100;
const GENERIC_ALL: u32 = 0x1000_0000;

const INHERIT_ONLY: u8 = 0x08;
const DACL_PRESENT: u16 = 0x0004;

/// A security identifier, as it is written in descriptors and tokens.
pub(crate) type Sid = Vec<u8>;

/// A discretionary list; none grants everything to everybody.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Descriptor(Option<Vec<Entry>>);

/// Whether a token is granted a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    Given,
    Withheld,
    /// That hangs on a condition (MS-DTYP 2.4.4.17), which only the controller can judge.
    Conditional,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    allows: bool,
    /// Whether it holds only under a condition.
    is_conditional: bool,
    mask: u32,
    /// The attribute, set of attributes, extended right or class that it is for.
    object: Option<Uuid>,
    /// The class of object that it is for.
    class: Option<Uuid>,
    sid: Sid,
}

impl Descriptor {
    /// Reads one; nothing when it is damaged.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let control = u16_at(bytes, 2)?;
        let offset = usize::try_from(u32_at(bytes, 16)?).ok()?;
        if control & DACL_PRESENT == 0 || offset == 0 {
            return Some(Self(None));
        }
        let acl = bytes.get(offset..)?;
        let acl = acl.get(..usize::from(u16_at(acl, 2)?))?;
        let count = u16_at(acl, 4)?;
        let mut rest = acl.get(8..)?;
        let mut entries = Vec::new();
        for _ in 0..count {
            let size = usize::from(u16_at(rest, 2)?);
            let entry = rest.get(..size).filter(|entry| entry.len() >= 4)?;
            entries.extend(Entry::parse(entry)?);
            rest = rest.get(size..)?;
        }
        Some(Self(Some(entries)))
    }

    /// Whether the token has the one right of `mask` to `object`, on an object of that class. The first entry that speaks of
    /// it decides (MS-ADTS 5.1.3.3.4); one with a condition may, so that what comes after it has to say the same.
    pub(crate) fn grants(&self, token: &BTreeSet<Sid>, mask: u32, object: Uuid, class: Uuid) -> Grant {
        let Some(entries) = &self.0 else { return Grant::Given };
        let speaks = |entry: &&Entry| {
            entry.mask & (mask | GENERIC_ALL) != 0
                && entry.object.is_none_or(|for_object| for_object == object)
                && entry.class.is_none_or(|for_class| for_class == class)
                && token.contains(&entry.sid)
        };
        let (mut may_allow, mut may_deny) = (false, false);
        for entry in entries.iter().filter(speaks) {
            if !entry.is_conditional {
                return match (entry.allows, may_allow, may_deny) {
                    (true, _, false) => Grant::Given,
                    (false, false, _) => Grant::Withheld,
                    (true, _, true) | (false, true, _) => Grant::Conditional,
                };
            }
            if entry.allows { may_allow = true } else { may_deny = true }
        }
        if may_allow { Grant::Conditional } else { Grant::Withheld }
    }
}

impl Entry {
    /// The entry; `Some(None)` when it does not hold for the object itself, or is of a kind that grants nothing
    /// (audit).
    fn parse(bytes: &[u8]) -> Option<Option<Self>> {
        let (kind, flags) = (*bytes.first()?, *bytes.get(1)?);
        let (allows, is_object, is_conditional) = match kind {
            0 => (true, false, false),
            1 => (false, false, false),
            5 => (true, true, false),
            6 => (false, true, false),
            9 => (true, false, true),
            10 => (false, false, true),
            11 => (true, true, true),
            12 => (false, true, true),
            _ => return Some(None),
        };
        let mask = u32_at(bytes, 4)?;
        let mut at = 8;
        let (mut object, mut class) = (None, None);
        if is_object {
            let present = u32_at(bytes, 8)?;
            at = 12;
            for (bit, guid) in [(1, &mut object), (2, &mut class)] {
                if present & bit != 0 {
                    *guid = Some(Uuid::from_bytes_le(bytes.get(at..at + 16)?.try_into().ok()?));
                    at += 16;
                }
            }
        }
        // Revision, number of parts, six bytes of authority, and four for each part (MS-DTYP 2.4.2.2).
        let length = 8 + 4 * usize::from(*bytes.get(at + 1)?);
        let sid = bytes.get(at..at + length)?.to_vec();
        Some((flags & INHERIT_ONLY == 0).then_some(Self { allows, is_conditional, mask, object, class, sid }))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RIGHT: Uuid = Uuid::from_u128(1);
    const USER: Uuid = Uuid::from_u128(2);

    fn sid(last: u8) -> Sid {
        vec![1, 1, 0, 0, 0, 0, 0, 5, last, 0, 0, 0]
    }

    fn entry(kind: u8, flags: u8, mask: u32, object: Option<Uuid>, class: Option<Uuid>, who: u8) -> Vec<u8> {
        let mut body = mask.to_le_bytes().to_vec();
        if [5, 6, 11, 12].contains(&kind) {
            let present = u32::from(object.is_some()) | (u32::from(class.is_some()) << 1);
            body.extend(present.to_le_bytes());
            body.extend(object.iter().chain(&class).flat_map(Uuid::to_bytes_le));
        }
        body.extend(sid(who));
        let size = u16::try_from(body.len() + 4).unwrap().to_le_bytes();
        [vec![kind, flags], size.to_vec(), body].concat()
    }

    fn descriptor(entries: &[Vec<u8>]) -> Vec<u8> {
        let content = entries.concat();
        let size = u16::try_from(content.len() + 8).unwrap().to_le_bytes();
        let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
        let acl = [&[4, 0][..], &size, &count, &[0, 0], &content].concat();
        let head = [&[1, 0, 4, 0x80][..], &[0; 12], &20_u32.to_le_bytes()].concat();
        [head, acl].concat()
    }

    fn grant(entries: &[Vec<u8>]) -> Grant {
        let token = BTreeSet::from([sid(7), sid(11)]);
        Descriptor::parse(&descriptor(entries)).unwrap().grants(&token, CONTROL_ACCESS, RIGHT, USER)
    }

    fn grants(entries: &[Vec<u8>]) -> bool {
        grant(entries) == Grant::Given
    }

    #[test]
    fn an_entry_with_a_condition_cannot_be_judged_unless_what_follows_says_the_same() {
        let of = |kind| entry(kind, 0, CONTROL_ACCESS, None, None, 7);
        let (allow, deny) = (of(0), of(1));
        for (conditional, plain, other) in [(of(9), &allow, &deny), (of(10), &deny, &allow)] {
            assert_eq!(grant(&[conditional.clone(), other.clone()]), Grant::Conditional);
            let same = if plain == &allow { Grant::Given } else { Grant::Withheld };
            assert_eq!(grant(&[conditional.clone(), plain.clone()]), same);
            assert_eq!(grant(&[plain.clone(), conditional]), same, "what comes first decides");
        }
        assert_eq!(grant(&[of(11)]), Grant::Conditional);
        assert_eq!(grant(&[of(12)]), Grant::Withheld);
        assert_eq!(grant(&[of(9), of(10), allow]), Grant::Conditional);
        assert_eq!(grant(&[entry(9, 0, CONTROL_ACCESS, None, None, 8)]), Grant::Withheld, "somebody else");
    }

    #[test]
    fn an_entry_grants_its_right_to_its_owner_on_its_class() {
        let (right, user, other) = (Some(RIGHT), Some(USER), Some(Uuid::from_u128(9)));
        assert!(grants(&[entry(5, 0, CONTROL_ACCESS, right, user, 7)]));
        assert!(grants(&[entry(5, 0x12, CONTROL_ACCESS, right, None, 11)]), "inherited, or for children too");
        assert!(grants(&[entry(0, 0, CONTROL_ACCESS, None, None, 7)]), "every extended right");
        assert!(grants(&[entry(0, 0, GENERIC_ALL, None, None, 7)]));
        for no in [
            entry(5, 0, CONTROL_ACCESS, other, None, 7),
            entry(5, 0, CONTROL_ACCESS, right, other, 7),
            entry(5, INHERIT_ONLY, CONTROL_ACCESS, right, user, 7),
            entry(5, 0, CONTROL_ACCESS, right, user, 8),
            entry(5, 0, DELETE_CHILD, right, user, 7),
            entry(9, 0, CONTROL_ACCESS, None, None, 7),
        ] {
            assert!(!grants(&[no]));
        }
        assert!(!grants(&[]));
    }

    #[test]
    fn the_first_entry_that_speaks_of_it_decides() {
        let allow = entry(5, 0, CONTROL_ACCESS, Some(RIGHT), None, 7);
        let deny = entry(1, 0, CONTROL_ACCESS, None, None, 11);
        assert!(!grants(&[deny.clone(), allow.clone()]));
        assert!(grants(&[allow, deny]));
    }

    #[test]
    fn no_list_at_all_grants_everything() {
        let none = [&[1, 0, 0, 0x80][..], &[0; 16]].concat();
        assert!(
            Descriptor::parse(&none).unwrap().grants(&BTreeSet::new(), CONTROL_ACCESS, RIGHT, USER)
                == Grant::Given
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in any::<Vec<u8>>(), cut in any::<prop::sample::Index>()) {
            Descriptor::parse(&bytes);
            let whole = descriptor(&[entry(5, 0, 1, Some(RIGHT), Some(USER), 7), bytes]);
            let cut = cut.index(whole.len());
            Descriptor::parse(&whole[..cut]);
        }
    }
}
