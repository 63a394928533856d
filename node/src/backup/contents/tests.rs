//! A state goes into a backup and comes back the same; what does not agree with itself does not.

use super::*;
use crate::birth::Birth;
use crate::env::{SystemClock, SystemEntropy};
use crate::keyring::Keyring;
use crate::keys::NewKeys;
use crate::sealed_file::Recipient;
use passquorum_domain::audit::Actor;
use passquorum_domain::blob::Blob;
use passquorum_domain::command::{Action, Command, NewNode};
use passquorum_domain::config::RealmConfig;
use passquorum_domain::ids::RequestId;
use passquorum_domain::label::{LabelCondition, LabelKey};
use passquorum_domain::ports::{Entropy, Purpose, Vault as _};
use passquorum_domain::time::Timestamp;
use std::sync::Arc;
use uuid::Uuid;

struct World {
    state: State,
    keyring: Keyring,
    key: WrapKey,
}

/// A realm with labels, and the key of a backup's recipient.
fn world() -> World {
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let keys = NewKeys::generate(&SystemEntropy).unwrap();
    let first = NewNode {
        name: "one".to_owned(),
        cluster_address: "127.0.0.1:1".to_owned(),
        site_url: "https://127.0.0.1:2".to_owned(),
        wrap_key: keys.wrap.public().to_bytes(),
    };
    let birth = Birth::prepare(&keys, None, first, RealmConfig::empty(), &SystemClock, &entropy).unwrap();
    let mut state = State::default();
    state.apply(birth.command).outcome.unwrap();
    for number in 0..300_u32 {
        let key = LabelKey::parse(&format!("label-{number}")).unwrap();
        let value = Blob::from(vec![7; 500]);
        let action = Action::PutLabel { key, value, condition: LabelCondition::Always };
        let request = RequestId::Internal(Uuid::from_u128(u128::from(number)));
        let command =
            Command { request, at: Timestamp(u64::MAX / 2), actor: Actor::Realm, detail: None, action };
        state.apply(command).outcome.unwrap();
    }
    World { state, keyring: birth.keyring, key: WrapKey::generate(&SystemEntropy) }
}

impl World {
    fn begin(&self) -> Sealer<Vec<u8>> {
        let realm = self.state.realm().unwrap();
        let header = Header {
            contents: Contents::Backup,
            program: "0.1.0".to_owned(),
            realm: realm.id,
            epoch: realm.epoch,
            term: 2,
            index: 30,
            at: Timestamp(5),
            recipient: Recipient::of_key(&self.key),
        };
        Sealer::begin(Vec::new(), &header, &SystemEntropy).unwrap()
    }

    fn realm_key(&self) -> KeyWrap {
        self.keyring.wrap_for(&self.key.public()).unwrap()
    }

    fn read(&self, bytes: &[u8]) -> Result<Backup, SealedFileError> {
        Backup::read(SealedFile::read(bytes)?, &self.key)
    }
}

#[test]
fn a_backup_gives_the_state_and_the_realm_key_back() {
    let world = world();
    let bytes = write(world.begin(), &world.state, world.realm_key()).unwrap();
    let backup = world.read(&bytes).unwrap();
    assert_eq!(backup.state, world.state);
    assert_eq!(backup.manifest.sections["labels"].records, 300);
    assert_eq!(backup.manifest.sections["audit records"].records, world.state.audit().count() as u64);
    let restored = Keyring::empty(Arc::new(SystemEntropy));
    restored.unwrap_from(&world.key, backup.header.realm, &backup.key, 1).unwrap();
    let sealed = world.keyring.seal(Purpose::Profile, b"", b"clear").unwrap();
    assert_eq!(restored.open(Purpose::Profile, b"", &sealed).unwrap().as_slice(), b"clear");
}

#[test]
fn a_record_that_is_missing_or_there_twice_is_noticed_by_the_manifest() {
    let world = world();
    let (state, key) = (&world.state, world.realm_key());
    let manifest = world.read(&write(world.begin(), state, key.clone()).unwrap()).unwrap().manifest;
    let with = |key: Option<KeyWrap>, cells: Vec<CellKey>, manifest: &Manifest| {
        let mut file = world.begin();
        if let Some(key) = key {
            put(&mut file, &Record::RealmKey(key)).unwrap();
        }
        for key in cells {
            let cell = Box::new(state.cell(&key).unwrap());
            put(&mut file, &Record::Cell(key, cell)).unwrap();
        }
        put(&mut file, &Record::Manifest(manifest.clone())).unwrap();
        world.read(&file.finish().unwrap()).map(drop)
    };
    let all: Vec<CellKey> = state.cell_keys().collect();
    with(Some(key.clone()), all.clone(), &manifest).unwrap();
    let disagrees = |result: Result<(), SealedFileError>, what: &str| match result {
        Err(SealedFileError::Disagrees(text)) => assert!(text.contains(what), "{text}"),
        other => panic!("{other:?}"),
    };
    let without_last = all[..all.len() - 1].to_vec();
    disagrees(with(Some(key.clone()), without_last, &manifest), "manifest");
    let mut twice = all.clone();
    twice.push(all[0].clone());
    disagrees(with(Some(key.clone()), twice, &manifest), "realm");
    disagrees(with(None, all.clone(), &manifest), "realm key");
    let mut listed_otherwise = manifest;
    listed_otherwise.sections.get_mut("labels").unwrap().sha256[0] ^= 1;
    disagrees(with(Some(key), all, &listed_otherwise), "labels");
}

#[test]
fn a_record_of_another_release_is_named_and_what_ends_in_a_record_is_refused() {
    let world = world();
    let mut file = world.begin();
    let newer = codec::encode(Kind::new(RECORD.id, 2), &1_u8).unwrap();
    file.write_all(&u32::try_from(newer.len()).unwrap().to_be_bytes()).unwrap();
    file.write_all(&newer).unwrap();
    let error = world.read(&file.finish().unwrap()).map(drop).unwrap_err();
    assert!(error.to_string().contains("another release"), "{error}");

    let mut file = world.begin();
    file.write_all(&100_u32.to_be_bytes()).unwrap();
    let error = world.read(&file.finish().unwrap()).map(drop).unwrap_err();
    assert!(matches!(error, SealedFileError::Disagrees(_)), "{error}");

    let mut file = world.begin();
    file.write_all(&u32::MAX.to_be_bytes()).unwrap();
    let error = world.read(&file.finish().unwrap()).map(drop).unwrap_err();
    assert!(matches!(error, SealedFileError::Unreadable(_)), "{error}");
}

#[test]
fn a_backup_of_a_level_above_this_programs_is_refused_by_its_level() {
    let mut world = world();
    let mut at = |level| {
        world.state.restore_cell(CellKey::Level, Cell::Level(level)).unwrap();
        world.read(&write(world.begin(), &world.state, world.realm_key()).unwrap()).map(drop)
    };
    at(FeatureLevel::CURRENT).unwrap();
    let refused = at(FeatureLevel::CURRENT.next()).unwrap_err().to_string();
    assert!(refused.starts_with("PQ-PROGRAM-TOO-OLD"), "{refused}");
}
