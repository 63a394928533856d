//! Fuzz targets for tokens, sealed values and files, certificates and settings. Built for tests and under `cfg(fuzzing)` only; each
//! function takes any bytes, and a finding is a panic.

#![expect(clippy::expect_used, reason = "a finding is a panic")]

use crate::authority::{Authority, NewAuthority, Validity, host_of, pin_of, pin_of_pem, validity_of};
use crate::backup::Backup;
use crate::config::{HostPort, SiteUrl, file};
use crate::data_dir::DataDir;
use crate::former_config::Plan;
use crate::keyring::{Keyring, WrapKey, WrapPublicKey};
use crate::sealed_file::{Contents, Header, Recipient, SealedFile, Sealer};
use crate::token::JoinTokenText;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::ids::{NodeId, RealmId};
use passquorum_domain::instance::{KeyWrap, Role};
use passquorum_domain::ports::{Entropy, Purpose, Vault};
use passquorum_domain::time::{Span, Timestamp};
use passquorum_raft::PeerIdentity;
use rustls_pki_types::CertificateDer;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use uuid::Uuid;

const REALM: RealmId = RealmId(Uuid::from_u128(7));

/// Always the same bytes, so that an input always does the same.
struct Fixed;

impl Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(5);
    }
}

/// The text of a token, and of the addresses that a joining node brings.
pub fn tokens(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(token) = JoinTokenText::parse(text) {
        assert_eq!(JoinTokenText::parse(&token.reveal()), Ok(token));
    }
    if let Ok(address) = text.parse::<HostPort>() {
        assert!(!host_of(address.as_str()).is_empty());
    }
    if let Ok(url) = text.parse::<SiteUrl>() {
        assert!(!host_of(url.as_str()).is_empty());
        url.authority().parse::<HostPort>().expect("a URL's authority is a host and a port");
    }
    let _ = host_of(text);
}

/// Bytes as a sealed value, as a wrap of the realm key and as a public key; and as a clear text, which comes back only
/// for its purpose and context and only whole.
pub fn sealed_values(data: &[u8]) {
    let ring = Keyring::create(Arc::new(Fixed), REALM);
    assert!(ring.open(Purpose::Session, b"x", &Sealed(Blob::from(data))).is_err());
    let own = WrapKey::generate(&Fixed);
    let wrap = KeyWrap { generation: 1, wrapped: Blob::from(data) };
    assert!(Keyring::empty(Arc::new(Fixed)).unwrap_from(&own, REALM, &wrap, 1).is_err());
    if let Some(public) = data.first_chunk().and_then(WrapPublicKey::from_bytes) {
        drop(ring.wrap_for(&public));
    }
    let sealed = ring.seal(Purpose::Profile, data, data).expect("the ring holds a key");
    assert_eq!(ring.open(Purpose::Profile, data, &sealed).expect("it opens").as_slice(), data);
    assert!(ring.open(Purpose::Session, data, &sealed).is_err());
    let mut changed = sealed.0.as_bytes().to_vec();
    let place = data.first().map_or(0, |first| usize::from(*first) % changed.len());
    if let Some(byte) = changed.get_mut(place) {
        *byte ^= 1;
    }
    assert!(ring.open(Purpose::Profile, data, &Sealed(Blob::from(changed))).is_err());
}

fn header(recipient: Recipient) -> Header {
    let program = "0.1.0".to_owned();
    let at = Timestamp(1_800_000_000_000);
    Header { contents: Contents::Backup, program, realm: REALM, epoch: 1, term: 2, index: 30, at, recipient }
}

fn sealed_file(key: &WrapKey, clear: &[u8]) -> Vec<u8> {
    let begun = Sealer::begin(Vec::new(), &header(Recipient::of_key(key)), &Fixed);
    let mut file = begun.expect("memory takes everything");
    file.write_all(clear).and_then(|()| file.finish()).expect("memory takes everything")
}

/// Bytes as a sealed file and as what is in a backup; and as a clear text, which comes back only from the file as it is.
pub fn sealed_files(data: &[u8]) {
    let key = WrapKey::generate(&Fixed);
    let read = |bytes: &[u8]| {
        let file = SealedFile::read(bytes)?;
        file.open(&key, Contents::Backup)?.read_all(data.len())
    };
    drop(read(data));
    let mut file = sealed_file(&key, data);
    assert_eq!(read(&file).expect("it is whole").as_slice(), data);
    drop(SealedFile::read(file.as_slice()).and_then(|file| Backup::read(file, &key)).map(drop));
    let place = data.first().map_or(0, |first| usize::from(*first) % file.len());
    if let Some(byte) = file.get_mut(place) {
        *byte ^= 1;
    }
    assert!(read(&file).is_err());
}

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    let new = NewAuthority::create(REALM, Timestamp(1_800_000_000_000)).expect("an authority is made");
    Authority::open(&new.certificate, &new.key).expect("its own parts open it")
});

/// A certificate in DER or PEM, and a signing request.
pub fn certificates(data: &[u8]) {
    let der = CertificateDer::from(data);
    drop(pin_of(&der));
    let _ = validity_of(&der);
    let Ok(text) = std::str::from_utf8(data) else { return };
    drop(pin_of_pem(text));
    let identity = PeerIdentity { realm: REALM, epoch: 1, node: NodeId(4), role: Role::Voter };
    let valid = Validity::lasting(Timestamp(1_800_000_000_000), Span::hours(1));
    let hosts = [text.chars().take(300).collect::<String>()];
    for hosts in [&hosts[..], &[]] {
        drop(AUTHORITY.sign(text, &identity, hosts, [5; 16], valid));
    }
}

/// The settings file. What can be read can be written and read again.
pub fn node_settings(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let directory = DataDir::at(Path::new("data"));
    let Ok(settings) = file::from_toml(&directory, text) else { return };
    let again = file::from_toml(&directory, &file::render(&settings)).expect("written settings can be read");
    assert_eq!(format!("{again:?}"), format!("{settings:?}"));
}

/// A file of the replaced product: each of its elements is in one list, and nothing is kept of what is not known.
pub fn former_config(data: &[u8]) {
    let Ok(plan) = Plan::of(&[("file".to_owned(), data.to_vec())]) else { return };
    let inventory = &plan.inventory;
    assert!(inventory.unknown.iter().all(|item| item.value.is_none()));
    let lists = [&inventory.taken, &inventory.by_hand, &inventory.unknown];
    let paths: BTreeSet<_> = lists.into_iter().flatten().map(|item| (&item.path, &item.note)).collect();
    assert_eq!(paths.len(), inventory.count());
    drop(plan.config("-----BEGIN CERTIFICATE-----"));
}

#[cfg(test)]
#[path = "../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;
    use super::*;
    use crate::token::TokenSecret;
    use passquorum_domain::ids::JoinTokenId;
    use passquorum_domain::state::State;

    #[test]
    fn every_input_of_tokens_passes() {
        let token = JoinTokenText {
            id: JoinTokenId(Uuid::from_u128(9)),
            secret: TokenSecret::draw(&Fixed),
            pin: [3; 32],
        };
        let seeds = vec![
            ("join", token.reveal().into_bytes()),
            ("address", b"[::1]:7400".to_vec()),
            ("url", b"https://pw.example.com:8443/".to_vec()),
        ];
        replay("tokens", tokens, seeds);
    }

    #[test]
    fn every_input_of_sealed_values_passes() {
        let other = Keyring::create(Arc::new(Fixed), RealmId(Uuid::from_u128(8)));
        let sealed = other.seal(Purpose::Session, b"x", b"clear").unwrap();
        let wrap = other.wrap_for(&WrapKey::generate(&Fixed).public()).unwrap();
        let seeds = vec![
            ("sealed", sealed.0.as_bytes().to_vec()),
            ("wrap", wrap.wrapped.as_bytes().to_vec()),
            ("zero", vec![0; 32]),
        ];
        replay("sealed_values", sealed_values, seeds);
    }

    #[test]
    fn every_input_of_sealed_files_passes() {
        let key = WrapKey::generate(&Fixed);
        let header = header(Recipient::of_key(&key));
        let begun = Sealer::begin(Vec::new(), &header, &Fixed).unwrap();
        let wrap = KeyWrap { generation: 1, wrapped: Blob::from(&b"wrapped"[..]) };
        let whole = crate::backup::write(begun, &State::default(), wrap).unwrap();
        let opened = SealedFile::read(whole.as_slice()).unwrap().open(&key, Contents::Backup).unwrap();
        let records = opened.read_all(1 << 20).unwrap().to_vec();
        replay(
            "sealed_files",
            sealed_files,
            vec![("whole", whole), ("records", records), ("empty", Vec::new())],
        );
    }

    #[test]
    fn every_input_of_certificates_passes() {
        replay("certificates", certificates, Vec::new());
    }

    #[test]
    fn every_input_of_node_settings_passes() {
        let text = "name = \"one\"\n[cluster]\naddress = \"10.0.0.1:7400\"\n[site]\naddress = \"0.0.0.0:8443\"\n\
                    url = \"https://pw.example.com\"\ntrusted_proxies = [\"192.0.2.1\"]\n[log]\nformat = \"json\"\n";
        assert!(file::from_toml(&DataDir::at(Path::new("data")), text).is_ok());
        replay("node_settings", node_settings, vec![("small", text.as_bytes().to_vec())]);
    }

    #[test]
    fn every_input_of_former_config_passes() {
        let local =
            "<?xml version=\"1.0\"?><settings><setting name=\"role\" value=\"Secondary\" /></settings>";
        let shared = "<s><domain><domainName>corp.example</domainName><alias>CORP</alias></domain><profileAttribute>info\
                      </profileAttribute></s>";
        let seeds = vec![("local", local.as_bytes().to_vec()), ("shared", shared.as_bytes().to_vec())];
        replay("former_config", former_config, seeds);
    }
}
