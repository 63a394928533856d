//! Every way in which a file can be something else than what was written has an error of its own.

use super::*;
use crate::env::SystemEntropy;
use proptest::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};
use std::io::Write as _;
use std::sync::LazyLock;
use uuid::Uuid;

static KEY: LazyLock<WrapKey> = LazyLock::new(|| WrapKey::generate(&SystemEntropy));

fn header(recipient: Recipient) -> Header {
    Header {
        contents: Contents::Backup,
        program: "0.1.0".to_owned(),
        realm: RealmId(Uuid::from_u128(3)),
        epoch: 1,
        term: 2,
        index: 30,
        at: Timestamp(1_800_000_000_000),
        recipient,
    }
}

fn sealed(recipient: Recipient, clear: &[u8]) -> Vec<u8> {
    let mut file = Sealer::begin(Vec::new(), &header(recipient), &SystemEntropy).unwrap();
    file.write_all(clear).unwrap();
    file.finish().unwrap()
}

fn to_key(clear: &[u8]) -> Vec<u8> {
    sealed(Recipient::of_key(&KEY), clear)
}

fn same(key: &WrapKey) -> WrapKey {
    WrapKey::from_bytes(key.to_bytes().as_slice()).unwrap()
}

fn opened(bytes: &[u8]) -> Result<Vec<u8>, SealedFileError> {
    let file = SealedFile::read(bytes)?;
    let key = file.key(Secret::Key(same(&KEY)))?;
    file.open(&key, Contents::Backup)?.read_all(1 << 24).map(|clear| clear.to_vec())
}

fn clear_bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

#[test]
fn what_was_sealed_comes_back_whatever_its_length() {
    for length in [0, 1, 65_535, 65_536, 65_537, 200_000] {
        let clear = clear_bytes(length);
        let bytes = to_key(&clear);
        assert!(clear.len() < 20 || !bytes.windows(20).any(|window| window == &clear[..20]));
        assert_eq!(opened(&bytes).unwrap(), clear, "{length} bytes");
    }
}

#[test]
fn what_is_read_in_parts_ends_where_it_was_ended() {
    let bytes = to_key(&clear_bytes(70_000));
    let read = |length: usize| {
        let file = SealedFile::read(bytes.as_slice()).unwrap();
        let mut clear = file.open(&KEY, Contents::Backup).unwrap();
        clear.read_exact(&mut vec![0; length])?;
        clear.end()
    };
    read(70_000).unwrap();
    assert!(matches!(read(69_999), Err(SealedFileError::TrailingBytes)));
    assert!(matches!(read(10), Err(SealedFileError::TrailingBytes)));
    assert!(matches!(read(70_001), Err(SealedFileError::Disagrees(_))));
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused_as_cut() {
    let bytes = to_key(&clear_bytes(150_000));
    let whole = SealedFile::read(bytes.as_slice()).unwrap();
    let begin = whole.preamble.len() + 32;
    for length in [begin, begin + 3, begin + 5, begin + 70, begin + 5 + 65_552, bytes.len() - 1] {
        let error = opened(&bytes[..length]).unwrap_err();
        assert!(matches!(error, SealedFileError::Truncated(1..)), "{length}: {error}");
        assert!(error.to_string().contains("PQ-FILE-DAMAGED"));
    }
    for length in 8..begin {
        let error = opened(&bytes[..length]).unwrap_err();
        assert!(matches!(error, SealedFileError::Truncated(0)), "{length}: {error}");
    }
    assert!(matches!(opened(&bytes[..7]).unwrap_err(), SealedFileError::NotSealed));
}

#[test]
fn chunks_keep_their_place_and_their_file() {
    let (one, other) = (to_key(&clear_bytes(150_000)), to_key(&clear_bytes(150_000)));
    let begin = SealedFile::read(one.as_slice()).unwrap().preamble.len() + 32;
    let chunk = 5 + 65_536 + 16;
    let (first, second) = (begin..begin + chunk, begin + chunk..begin + 2 * chunk);
    let put_together =
        [&one[..begin], &one[second.clone()], &one[first.clone()], &one[second.end..]].concat();
    assert!(matches!(opened(&put_together), Err(SealedFileError::Damaged(1))));
    let of_another = [&one[..first.end], &other[second.clone()], &one[second.end..]].concat();
    assert!(matches!(opened(&of_another), Err(SealedFileError::Damaged(2))));
    let left_out = [&one[..first.end], &one[second.end..]].concat();
    assert!(matches!(opened(&left_out), Err(SealedFileError::Damaged(2))));
    let mut ended_early = one[..second.end].to_vec();
    ended_early[second.start] = 1;
    assert!(matches!(opened(&ended_early), Err(SealedFileError::Damaged(2))));
    let longer = [one.as_slice(), b"x"].concat();
    assert!(matches!(opened(&longer), Err(SealedFileError::TrailingBytes)));
}

#[test]
fn another_format_another_file_and_other_contents_are_named() {
    let mut newer = to_key(b"x");
    newer[9] = 2;
    assert!(matches!(opened(&newer), Err(SealedFileError::Format(2))));
    assert!(matches!(opened(b"SQLite format 3"), Err(SealedFileError::NotSealed)));
    let mut huge = to_key(b"x");
    huge[10] = 0xff;
    assert!(matches!(opened(&huge), Err(SealedFileError::HeaderSize(0xff00_0000..))));
    let file = SealedFile::read(newer.as_slice());
    assert!(file.is_err());
    let bytes = to_key(b"x");
    let file = SealedFile::read(bytes.as_slice()).unwrap();
    let wrong = file.open(&KEY, Contents::Configuration).map(drop).unwrap_err();
    assert!(matches!(wrong, SealedFileError::OtherContents { .. }), "{wrong}");
}

#[test]
fn only_the_right_passphrase_or_key_opens_a_file_and_the_error_says_which_is_needed() {
    let passphrase = SecretString::from("correct horse battery staple");
    let (recipient, _) = Recipient::of_passphrase(&passphrase, &SystemEntropy).unwrap();
    let bytes = sealed(recipient, b"clear");
    let key = |secret: Secret| SealedFile::read(bytes.as_slice()).unwrap().key(secret);
    let right = key(Secret::Passphrase(passphrase)).unwrap();
    let file = SealedFile::read(bytes.as_slice()).unwrap();
    let clear = file.open(&right, Contents::Backup).unwrap().read_all(10).unwrap();
    assert_eq!(clear.as_slice(), b"clear");
    let wrong = Secret::Passphrase(SecretString::from("correct horse battery stable"));
    assert!(matches!(key(wrong), Err(SealedFileError::WrongPassphrase)));
    assert!(matches!(key(Secret::Key(same(&KEY))), Err(SealedFileError::NeedsPassphrase)));

    let bytes = to_key(b"clear");
    let key = |secret: Secret| SealedFile::read(bytes.as_slice()).unwrap().key(secret);
    assert!(matches!(key(Secret::Key(WrapKey::generate(&SystemEntropy))), Err(SealedFileError::WrongKey(_))));
    let passphrase = Secret::Passphrase(SecretString::from("correct horse battery staple"));
    assert!(matches!(key(passphrase), Err(SealedFileError::NeedsKey(_))));
}

#[test]
fn recipients_and_keys_read_back_and_costs_are_bounded() {
    let recipient = Recipient::of_key(&KEY);
    assert_eq!(recipient.to_string().parse(), Ok(recipient.clone()));
    let text = key_text(&KEY);
    let Some(Secret::Key(key)) = Secret::of_key_text(&text) else { panic!("no key") };
    assert_eq!(Recipient::of_key(&key), recipient);
    let public = recipient.to_string().replace("pqr1.", "");
    let salt = "AAAAAAAAAAAAAAAAAAAAAA";
    let stretched: Recipient = format!("pqp1.{public}.{salt}.65536.3.4").parse().unwrap();
    assert!(stretched.is_passphrase());
    assert_eq!(stretched.to_string().parse(), Ok(stretched));
    for costs in ["1024.3.4", "4194304.3.4", "65536.1.4", "65536.99.4", "65536.3.0", "65536.3.99"] {
        let parsed = format!("pqp1.{public}.{salt}.{costs}").parse::<Recipient>();
        assert_eq!(parsed, Err(NotARecipient::Costs), "{costs}");
    }
    for bad in ["", "pqr1.", "pqr1.AAAA", &format!("pqr2.{public}"), &format!("pqr1.{public}.x")] {
        assert_eq!(bad.parse::<Recipient>(), Err(NotARecipient::Malformed), "{bad}");
    }
}

#[test]
fn a_generated_passphrase_is_long_and_never_the_same_and_a_chosen_one_not_short() {
    let (one, two) = (generate_passphrase(&SystemEntropy), generate_passphrase(&SystemEntropy));
    assert_eq!(one.expose_secret().len(), 35);
    assert_ne!(one.expose_secret(), two.expose_secret());
    let short = SecretString::from("elevenchars");
    assert!(Recipient::of_passphrase(&short, &SystemEntropy).is_err());
}

proptest! {
    #[test]
    fn a_flipped_bit_is_never_accepted(
        length in 0usize..100_000, at: prop::sample::Index, bit in 0..8_u32
    ) {
        let mut bytes = to_key(&clear_bytes(length));
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(opened(&bytes).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_are_never_a_file(tail: Vec<u8>, magic: bool) {
        let begin = if magic { b"PQSEALED\0\x01".to_vec() } else { Vec::new() };
        prop_assert!(opened(&[begin, tail].concat()).is_err());
    }
}
