//! The kept revisions of the configuration: which there are, in which form, and what of an older realm.

use crate::commands::{START, command, commands, create_realm};
use passquorum_domain::command::Action;
use passquorum_domain::config::history::{MOST_BYTES, MOST_REVISIONS};
use passquorum_domain::config::{ConfigChange, GeneralSettings, RealmConfig};
use passquorum_domain::ids::Revision;
use passquorum_domain::outcome::{Effect, Rejection};
use passquorum_domain::state::{Cell, CellKey, State};
use proptest::prelude::*;
use std::sync::Arc;

const BINARY: bincode::config::Configuration = bincode::config::standard();

fn rename(base: u64, name: &str) -> Action {
    let general = GeneralSettings { organisation: name.into(), ..RealmConfig::empty().general };
    Action::ChangeConfig { base: Revision(base), change: ConfigChange::SetGeneral(general) }
}

fn realm() -> State {
    let mut state = State::default();
    state.apply(command(1, START, create_realm())).outcome.unwrap();
    state
}

fn numbers(state: &State) -> Vec<u64> {
    state.revisions().map(|kept| kept.config.revision.0).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

proptest! {
    #[test]
    fn the_revision_in_force_is_kept_and_none_is_made_by_a_refusal(commands in commands()) {
        let mut state = State::default();
        for command in commands {
            let before = state.clone();
            let (at, actor) = (command.at, command.actor.clone());
            let applied = state.apply(command);
            // A repetition gets the first answer and changes nothing.
            let changed = applied.touched.contains(&CellKey::Config);
            let newest = state.revisions().next_back().map(|kept| Arc::clone(&kept.config));
            prop_assert_eq!(newest.as_ref(), state.config());
            if let (Ok(Effect::Config(revision)), true) = (applied.outcome, changed) {
                let origin = state.revision(revision).unwrap().origin.clone().unwrap();
                prop_assert_eq!((origin.at, origin.actor), (at, actor));
                prop_assert_eq!(&state.revision(Revision(revision.0 - 1)).unwrap().config, before.config().unwrap());
            } else if before.realm().is_some() {
                prop_assert_eq!(numbers(&state), numbers(&before));
            }
        }
    }
}

#[test]
fn the_oldest_revisions_go_first_when_there_are_too_many() {
    let mut state = realm();
    let most = u64::try_from(MOST_REVISIONS).unwrap();
    for base in 0..most + 20 {
        let applied = state.apply(command(2 + u128::from(base), START, rename(base, "name")));
        applied.outcome.unwrap();
        let gone = (base + 2).checked_sub(most + 1).map(|gone| CellKey::Revision(Revision(gone)));
        assert!(gone.is_none_or(|gone| applied.touched.contains(&gone)), "what goes is named");
    }
    assert_eq!(numbers(&state), (21..=most + 20).collect::<Vec<_>>());
}

#[test]
fn the_oldest_revisions_go_first_when_they_are_too_large_and_the_newest_never() {
    let mut state = realm();
    let large = |base: u64, groups: usize| {
        let group = |n| format!("CN={n:06}{},DC=x", "y".repeat(1900));
        let connection = "00000000-0000-0000-0000-0000000000aa";
        let group = |n| serde_json::json!({ "connection": connection, "group": group(n) });
        let mut config = serde_json::to_value(RealmConfig::empty()).unwrap();
        config["administrators"] = (0..groups).map(group).collect();
        config["connections"] = serde_json::json!([
            { "id": connection, "alias": "A", "endpoint": "Embedded", "profile_attribute": "comment" }
        ]);
        let config: RealmConfig = serde_json::from_value(config).unwrap();
        Action::ChangeConfig { base: Revision(base), change: ConfigChange::Replace(Box::new(config)) }
    };
    for base in 0..4 {
        state.apply(command(2 + u128::from(base), START, large(base, 1300))).outcome.unwrap();
    }
    assert_eq!(numbers(&state), [2, 3, 4], "three times 2.6 MB fit into 8 MiB");
    assert!(state.revisions().map(|kept| kept.size).sum::<u64>() <= MOST_BYTES);
    state.apply(command(9, START, large(4, 5000))).outcome.unwrap();
    assert_eq!(numbers(&state), [5], "one that is too large alone is in force all the same");
}

/// The cells of the configuration and of its first change, byte for byte as they are stored.
#[test]
fn a_kept_revision_has_a_fixed_form() {
    let mut state = realm();
    state.apply(command(2, START + 5, rename(0, "Example"))).outcome.unwrap();
    let form = |revision: u64| {
        let key = CellKey::Revision(Revision(revision));
        let cell = state.cell(&key).unwrap();
        let encode = |value: Vec<u8>| hex(&value);
        (
            encode(bincode::serde::encode_to_vec(&key, BINARY).unwrap()),
            encode(bincode::serde::encode_to_vec(&cell, BINARY).unwrap()),
        )
    };
    assert_eq!(form(0), ("0d00".to_owned(), FIRST.to_owned()));
    assert_eq!(form(1), ("0d01".to_owned(), SECOND.to_owned()));
}

const FIRST: &str = "0d00000000000a7061737371756f72756d64fce0930400fce0930400fca0bb0d00000000fd00587ccf01000000fb170101fd00505c18a30100000000";
const SECOND: &str = "0d0100000000074578616d706c6564fce0930400fce0930400fca0bb0d00000000fd00587ccf01000000fb140101fd05505c18a30100000000";

/// What a realm stored before revisions were kept: its configuration, and nothing of how it came to be.
const OLD_CONFIG: &str = "010400000000034f6c6464fce0930400fce0930400fca0bb0d00000000fd00587ccf01000000";

#[test]
fn a_state_without_revisions_is_read_and_its_first_change_keeps_what_was_before() {
    let decode = |hex: &str| -> Vec<u8> {
        (0..hex.len() / 2).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()).collect()
    };
    let (cell, _): (Cell, usize) = bincode::serde::decode_from_slice(&decode(OLD_CONFIG), BINARY).unwrap();
    let mut state = realm();
    let realm = state.cell(&CellKey::Realm).unwrap();
    state = State::default();
    state.restore_cell(CellKey::Realm, realm).unwrap();
    state.restore_cell(CellKey::Config, cell).unwrap();
    assert_eq!(state.revisions().count(), 0);
    assert_eq!(
        state.apply(command(3, START, rename(7, "New"))).outcome,
        Err(Rejection::StaleRevision { current: Revision(4) })
    );
    assert_eq!(state.revisions().count(), 0, "a refusal keeps nothing");
    state.apply(command(4, START, rename(4, "New"))).outcome.unwrap();
    assert_eq!(numbers(&state), [4, 5]);
    let old = state.revision(Revision(4)).unwrap();
    assert_eq!((old.config.general.organisation.as_str(), &old.origin), ("Old", &None));
}
