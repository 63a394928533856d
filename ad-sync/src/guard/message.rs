//! LDAP messages (RFC 4511, 4.1.1) as far as they must be known to be safe: lengths, depth, number of elements, and the
//! shape of each answer that this product asks for. Nothing is allocated, and nothing but the shape is judged.

/// More elements than any answer has; each costs the library some hundred bytes, however short it is.
const MAX_ELEMENTS: usize = 100_000;

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTROLS: u8 = 0xa0;
const REFERRALS: u8 = 0xa3;
const CONSTRUCTED: u8 = 0x20;
/// The value of this one's answer is read by the library (RFC 2696).
const PAGED_RESULTS: &[u8] = b"1.2.840.113556.1.4.319";

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("an answer that ends too early")]
    Truncated,
    #[error("an answer that is too large")]
    TooLarge,
    #[error("an answer that is no LDAP")]
    Shape,
    #[error("an answer with text that is not UTF-8")]
    NotText,
}

/// What a request asks for, and so what its answers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bind,
    Search,
    Modify,
    Add,
    Delete,
    Rename,
    Compare,
    Extended,
}

/// An answer that has the shape of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) id: u32,
    pub(super) kind: Kind,
    /// No further one comes for this request.
    pub(super) is_last: bool,
}

/// How many more bytes the length of a message takes, of which the first two bytes are known.
pub(super) fn length_bytes(head: &[u8]) -> Result<usize, Flaw> {
    match head {
        [SEQUENCE, first] if *first < 0x80 => Ok(0),
        [SEQUENCE, 0x81..=0x84] => Ok(head.get(1).map_or(0, |first| usize::from(first & 0x7f))),
        [SEQUENCE, _] => Err(Flaw::Shape),
        [SEQUENCE] => Err(Flaw::Truncated),
        _ => Err(Flaw::Shape),
    }
}

/// How long the content is, as the head says that goes before it.
pub(super) fn content_length(head: &[u8], most: usize) -> Result<usize, Flaw> {
    let (_, length, _) = header(head)?;
    if length > most { Err(Flaw::TooLarge) } else { Ok(length) }
}

/// The request's id and kind; no kind where no answer comes.
pub(super) fn request(whole: &[u8]) -> Result<(u32, Option<Kind>), Flaw> {
    let mut reader = Reader::of(whole);
    let mut message = reader.constructed(SEQUENCE)?;
    let id = message.number(INTEGER)?;
    let (tag, _) = message.next()?;
    let kind = match tag {
        0x60 => Some(Kind::Bind),
        0x63 => Some(Kind::Search),
        0x66 => Some(Kind::Modify),
        0x68 => Some(Kind::Add),
        0x4a => Some(Kind::Delete),
        0x6c => Some(Kind::Rename),
        0x6e => Some(Kind::Compare),
        0x77 => Some(Kind::Extended),
        _ => None,
    };
    Ok((id, kind))
}

/// Reads an answer through.
pub(super) fn answer(whole: &[u8]) -> Result<Answer, Flaw> {
    let mut reader = Reader::of(whole);
    let mut message = reader.constructed(SEQUENCE)?;
    let id = message.number(INTEGER)?;
    // What has no request needs no closer look: it ends the connection, and Windows writes it against the grammar.
    if id == 0 {
        return Ok(Answer { id, kind: Kind::Extended, is_last: true });
    }
    let (tag, content) = message.next()?;
    let mut inner = message.inside(content);
    let (kind, is_last) = match tag {
        0x64 => (Kind::Search, false),
        0x73 => (Kind::Search, false),
        0x65 => (Kind::Search, true),
        0x61 => (Kind::Bind, true),
        0x67 => (Kind::Modify, true),
        0x69 => (Kind::Add, true),
        0x6b => (Kind::Delete, true),
        0x6d => (Kind::Rename, true),
        0x6f => (Kind::Compare, true),
        0x78 => (Kind::Extended, true),
        _ => return Err(Flaw::Shape),
    };
    match tag {
        0x64 => inner.entry()?,
        0x73 => inner.texts()?,
        _ => inner.result()?,
    }
    let budget = inner.budget;
    message.budget = budget;
    message.controls()?;
    message.end()?;
    reader.end()?;
    Ok(Answer { id, kind, is_last })
}

/// A walk over the elements of one constructed element.
struct Reader<'a> {
    rest: &'a [u8],
    budget: usize,
}

impl<'a> Reader<'a> {
    fn of(whole: &'a [u8]) -> Self {
        Self { rest: whole, budget: MAX_ELEMENTS }
    }

    fn inside(&self, content: &'a [u8]) -> Self {
        Self { rest: content, budget: self.budget }
    }

    fn next(&mut self) -> Result<(u8, &'a [u8]), Flaw> {
        self.budget = self.budget.checked_sub(1).ok_or(Flaw::TooLarge)?;
        let (tag, length, rest) = header(self.rest)?;
        let (content, rest) = rest.split_at_checked(length).ok_or(Flaw::Truncated)?;
        self.rest = rest;
        Ok((tag, content))
    }

    fn expect(&mut self, tag: u8) -> Result<&'a [u8], Flaw> {
        match self.next()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(Flaw::Shape),
        }
    }

    fn constructed(&mut self, tag: u8) -> Result<Self, Flaw> {
        let content = self.expect(tag)?;
        Ok(self.inside(content))
    }

    /// Walks the elements of a constructed element, and goes on behind it with what is left to spend.
    fn each(&mut self, tag: u8, mut step: impl FnMut(&mut Self) -> Result<(), Flaw>) -> Result<(), Flaw> {
        let mut inner = self.constructed(tag)?;
        while !inner.rest.is_empty() {
            step(&mut inner)?;
        }
        self.budget = inner.budget;
        Ok(())
    }

    /// A number of four bytes at most that is not negative.
    fn number(&mut self, tag: u8) -> Result<u32, Flaw> {
        let bytes = self.expect(tag)?;
        match bytes {
            [first, ..] if bytes.len() <= 4 && *first < 0x80 => {
                Ok(bytes.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte)))
            }
            _ => Err(Flaw::Shape),
        }
    }

    fn text(&mut self) -> Result<(), Flaw> {
        std::str::from_utf8(self.expect(OCTET_STRING)?).map(|_| ()).map_err(|_| Flaw::NotText)
    }

    fn texts(&mut self) -> Result<(), Flaw> {
        while !self.rest.is_empty() {
            self.text()?;
        }
        Ok(())
    }

    /// `SearchResultEntry`: the name, and attributes of any bytes.
    fn entry(&mut self) -> Result<(), Flaw> {
        self.text()?;
        self.each(SEQUENCE, |attributes| {
            attributes.each(SEQUENCE, |attribute| {
                attribute.text()?;
                attribute.each(SET, |values| values.expect(OCTET_STRING).map(|_| ()))?;
                attribute.end()
            })
        })?;
        self.end()
    }

    /// `LDAPResult`, and what answers of some kinds have behind it.
    fn result(&mut self) -> Result<(), Flaw> {
        self.number(ENUMERATED)?;
        self.text()?;
        self.text()?;
        while let Some(tag) = self.rest.first().copied() {
            if tag == REFERRALS {
                self.each(REFERRALS, |urls| urls.text())?;
            } else if tag & CONSTRUCTED != 0 {
                return Err(Flaw::Shape);
            } else {
                self.next()?;
            }
        }
        Ok(())
    }

    fn controls(&mut self) -> Result<(), Flaw> {
        if self.rest.is_empty() {
            return Ok(());
        }
        self.each(CONTROLS, |controls| {
            controls.each(SEQUENCE, |control| {
                let oid = control.expect(OCTET_STRING)?;
                std::str::from_utf8(oid).map_err(|_| Flaw::NotText)?;
                if control.rest.first() == Some(&BOOLEAN) && control.next()?.1.len() != 1 {
                    return Err(Flaw::Shape);
                }
                if !control.rest.is_empty() {
                    let value = control.expect(OCTET_STRING)?;
                    if oid == PAGED_RESULTS {
                        let mut page = control.inside(value).constructed(SEQUENCE)?;
                        page.number(INTEGER)?;
                        page.expect(OCTET_STRING)?;
                        page.end()?;
                    }
                } else if oid == PAGED_RESULTS {
                    return Err(Flaw::Shape);
                }
                control.end()
            })
        })
    }

    fn end(&self) -> Result<(), Flaw> {
        if self.rest.is_empty() { Ok(()) } else { Err(Flaw::Shape) }
    }
}

/// Tag, length and what follows. Lengths are definite (RFC 4511, 5.1); long forms may be longer than needed, as those of
/// Windows are.
fn header(bytes: &[u8]) -> Result<(u8, usize, &[u8]), Flaw> {
    let (&tag, rest) = bytes.split_first().ok_or(Flaw::Truncated)?;
    let (&first, rest) = rest.split_first().ok_or(Flaw::Truncated)?;
    if tag & 0x1f == 0x1f {
        return Err(Flaw::Shape);
    }
    if first < 0x80 {
        return Ok((tag, usize::from(first), rest));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return Err(Flaw::Shape);
    }
    let (digits, rest) = rest.split_at_checked(count).ok_or(Flaw::Truncated)?;
    let length = digits.iter().fold(0_usize, |length, digit| (length << 8) | usize::from(*digit));
    Ok((tag, length, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn element(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
        let content = parts.concat();
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [vec![tag, 0x84], length.to_vec(), content].concat()
    }

    fn text(text: &[u8]) -> Vec<u8> {
        element(OCTET_STRING, &[text.to_vec()])
    }

    fn message(operation: Vec<u8>, behind: &[Vec<u8>]) -> Vec<u8> {
        let parts = [&[element(INTEGER, &[vec![7]]), operation][..], behind].concat();
        element(SEQUENCE, &parts)
    }

    fn entry(dn: &[u8], value: &[u8]) -> Vec<u8> {
        let attribute = element(SEQUENCE, &[text(b"objectGUID"), element(SET, &[text(value)])]);
        message(element(0x64, &[text(dn), element(SEQUENCE, &[attribute])]), &[])
    }

    fn done(behind: &[Vec<u8>]) -> Vec<u8> {
        message(element(0x65, &[vec![10, 1, 0], text(b""), text(b"")]), behind)
    }

    #[test]
    fn well_formed_answers_pass_whatever_bytes_a_value_has() {
        let is_last = |whole: &[u8]| answer(whole).map(|answer| (answer.id, answer.kind, answer.is_last));
        assert_eq!(is_last(&entry(b"CN=a", b"\xff\x00")), Ok((7, Kind::Search, false)));
        assert_eq!(is_last(&done(&[])), Ok((7, Kind::Search, true)));
        let page = element(SEQUENCE, &[vec![2, 1, 0], text(b"cookie")]);
        let paged = |value| element(CONTROLS, &[element(SEQUENCE, &[text(PAGED_RESULTS), value])]);
        assert_eq!(is_last(&done(&[paged(text(&page))])), Ok((7, Kind::Search, true)));
        assert_eq!(answer(&done(&[paged(text(b"no page"))])), Err(Flaw::Truncated));
        let referral =
            element(0x65, &[vec![10, 1, 10], text(b""), text(b""), element(REFERRALS, &[text(b"ldap://x")])]);
        assert_eq!(is_last(&message(referral, &[])), Ok((7, Kind::Search, true)));
    }

    #[test]
    fn what_the_library_would_trip_over_is_refused() {
        assert_eq!(answer(&entry(b"CN=\xff", b"")), Err(Flaw::NotText));
        assert_eq!(answer(&message(element(0x79, &[]), &[])), Err(Flaw::Shape));
        assert_eq!(answer(&message(element(0x65, &[]), &[])), Err(Flaw::Truncated));
        assert_eq!(answer(&message(vec![0x65, 0x80, 0, 0], &[])), Err(Flaw::Shape));
        let deep = (0..50_000).fold(Vec::new(), |inner: Vec<u8>, _| {
            if inner.len() < 100_000 { element(SEQUENCE, &[inner]) } else { inner }
        });
        assert_eq!(answer(&message(deep.clone(), &[])), Err(Flaw::Shape));
        assert_eq!(answer(&done(&[deep])), Err(Flaw::Shape));
        let many = vec![vec![OCTET_STRING, 0]; MAX_ELEMENTS];
        let attribute = element(SEQUENCE, &[text(b"member"), element(SET, &many)]);
        let many = element(0x64, &[text(b"CN=a"), element(SEQUENCE, &[attribute])]);
        assert_eq!(answer(&message(many, &[])), Err(Flaw::TooLarge));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in any::<Vec<u8>>(), cut in any::<prop::sample::Index>()) {
            answer(&bytes).ok();
            request(&bytes).ok();
            let whole = entry(b"CN=a", &bytes);
            prop_assert!(answer(&whole).is_ok());
            prop_assert!(answer(&whole[..cut.index(whole.len())]).is_err());
        }
    }
}
