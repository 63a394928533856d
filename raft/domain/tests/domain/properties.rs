//! What holds for every sequence of commands.

use crate::commands::{
    START, close_ticket, command, commands, count, create_realm, open_ticket, spend_passcode, user,
};
use passquorum_domain::audit::{Actor, verify_chain};
use passquorum_domain::command::{Action, Command};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{AttemptId, KeyedHash, NodeId, RequestId, TicketId};
use passquorum_domain::lockout::{AttemptTarget, AttemptVerdict, LockoutSettings};
use passquorum_domain::mail_code::{MailCode, NewMailCode};
use passquorum_domain::outcome::{Effect, Rejection};
use passquorum_domain::state::{Cell, CellKey, State};
use passquorum_domain::ticket::{Ticket, TicketResult, TicketState};
use passquorum_domain::time::{Span, Timestamp};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

type Bytes = BTreeMap<Vec<u8>, Vec<u8>>;

fn bytes<T: serde::Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, bincode::config::standard()).unwrap()
}

fn cells(state: &State) -> Bytes {
    state.cell_keys().map(|key| (bytes(&key), bytes(&state.cell(&key).unwrap()))).collect()
}

/// What storage would hold: the cells that were named as touched, and nothing else.
fn stored(commands: &[Command]) -> (State, Bytes) {
    let mut state = State::default();
    let mut disk = cells(&state);
    for command in commands {
        for key in state.apply(command.clone()).touched {
            match state.cell(&key) {
                Some(cell) => drop(disk.insert(bytes(&key), bytes(&cell))),
                None => drop(disk.remove(&bytes(&key))),
            }
        }
    }
    (state, disk)
}

fn restored(disk: &Bytes) -> State {
    let decode = bincode::config::standard();
    let mut state = State::default();
    for (key, cell) in disk {
        let (key, _): (CellKey, usize) = bincode::serde::decode_from_slice(key, decode).unwrap();
        let (cell, _): (Cell, usize) = bincode::serde::decode_from_slice(cell, decode).unwrap();
        state.restore_cell(key, cell).unwrap();
    }
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_same_commands_give_the_same_bytes_and_every_change_is_named(commands in commands()) {
        let (one, disk_one) = stored(&commands);
        let (_, disk_two) = stored(&commands);
        prop_assert_eq!(&disk_one, &disk_two);
        prop_assert_eq!(&disk_one, &cells(&one), "a change without a touched cell would be lost on disk");
    }

    #[test]
    fn a_state_comes_back_from_its_cells_and_goes_on_as_if_it_had_never_left(
        commands in commands(),
        cut in any::<prop::sample::Index>(),
    ) {
        let (before, after) = commands.split_at(cut.index(commands.len()));
        let (mut lasting, disk) = stored(before);
        let mut back = restored(&disk);
        prop_assert_eq!(&back, &lasting);
        for command in after {
            let (one, two) = (lasting.apply(command.clone()), back.apply(command.clone()));
            prop_assert_eq!(one.outcome, two.outcome);
        }
        prop_assert_eq!(cells(&back), cells(&lasting));
    }

    #[test]
    fn a_repetition_changes_nothing_and_gets_the_first_answer(commands in commands()) {
        let mut state = State::default();
        for command in &commands {
            let first = state.apply(command.clone()).outcome;
            let before = state.clone();
            let again = state.apply(command.clone());
            prop_assert_eq!(again.outcome, first);
            prop_assert!(again.touched.is_empty());
            prop_assert_eq!(&state, &before);
        }
    }

    #[test]
    fn the_audit_is_an_unbroken_chain_and_its_numbers_only_grow(commands in commands()) {
        let mut state = State::default();
        let mut last = 0;
        for command in commands {
            state.apply(command);
            prop_assert!(state.totals().audit_seq >= last);
            last = state.totals().audit_seq;
        }
        prop_assert_eq!(verify_chain(state.audit()), Ok(()));
        prop_assert_eq!(state.audit().next_back().map(|record| record.seq), Some(last));
    }

    #[test]
    fn node_ids_and_label_revisions_are_never_given_out_twice(commands in commands()) {
        let mut state = State::default();
        let mut nodes = BTreeSet::new();
        let mut revisions = BTreeSet::new();
        for command in commands {
            let known = state.totals().clone();
            match state.apply(command).outcome {
                Ok(Effect::Admitted(id)) if state.totals().last_node > known.last_node => {
                    prop_assert!(nodes.insert(id));
                }
                Ok(Effect::Label(revision)) if state.totals().label_revision > known.label_revision => {
                    prop_assert!(revisions.insert(revision));
                }
                _ => {}
            }
        }
    }

    #[test]
    fn one_user_has_one_live_ticket_and_a_definite_end_is_final(commands in commands()) {
        let mut state = State::default();
        for command in commands {
            let at = command.at;
            let ended: Vec<Ticket> = state.tickets().filter(|ticket| is_definite(ticket)).cloned().collect();
            state.apply(command);
            for ticket in ended {
                prop_assert!(state.ticket(ticket.id).is_none_or(|now| *now == ticket));
            }
            let live: Vec<_> = state.tickets().filter(|ticket| ticket.is_live(at)).collect();
            let subjects: BTreeSet<_> = live.iter().map(|ticket| ticket.subject).collect();
            prop_assert_eq!(live.len(), subjects.len());
        }
    }

    #[test]
    fn a_sweep_is_due_exactly_when_it_changes_something(commands in commands(), later in 0_u64..200_000_000) {
        let (mut state, _) = stored(&commands);
        let at = state.totals().latest.plus(Span(later));
        let due = state.sweep_is_due(at);
        let (tickets, counters, keys) = (swept(&state), counters(&state), state.keys().cloned());
        let passcodes = passcodes(&state);
        let codes = |state: &State| (0..3).map(|n| state.mail_code(user(n)).cloned()).collect::<Vec<_>>();
        let sent = codes(&state);
        let mails = |state: &State| state.outbox().cloned().collect::<Vec<_>>();
        let outbox = mails(&state);
        let sweep = Action::Sweep;
        state.apply(command(99_999, at.0, sweep)).outcome.unwrap();
        let swept = tickets != swept(&state)
            || counters != self::counters(&state)
            || passcodes != self::passcodes(&state)
            || sent != codes(&state)
            || outbox != mails(&state);
        prop_assert_eq!(due, swept || keys.as_ref() != state.keys());
    }

    #[test]
    fn a_passcode_is_spent_once_by_whom_it_was_given_to_and_never_past_its_end(commands in commands()) {
        let mut state = State::default();
        let mut given = BTreeMap::new();
        for command in commands {
            let (at, action) = (command.at, command.action.clone());
            let applied = state.apply(command);
            if applied.outcome.is_err() || applied.touched.is_empty() {
                continue;
            }
            match action {
                Action::AssignPasscode { subject, secret, life } => drop(given.insert(subject, (secret, at.plus(life)))),
                Action::SpendPasscode { subject, secret } => {
                    let last = given.remove(&subject);
                    prop_assert!(last.is_some_and(|(given, until)| given == secret && at < until), "{:?}", last);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_code_by_mail_is_spent_once_by_whom_it_was_sent_to_and_never_past_its_end(commands in commands()) {
        let mut state = State::default();
        let mut sent = BTreeMap::new();
        for command in commands {
            let (at, action) = (command.at, command.action.clone());
            let applied = state.apply(command);
            if applied.outcome.is_err() || applied.touched.is_empty() {
                continue;
            }
            match action {
                Action::SendMailCode(new) => {
                    sent.insert(new.subject, (new.secret, at.plus(new.life.min(MailCode::MOST_LIFE))));
                }
                Action::SpendMailCode { subject, secret } => {
                    let last = sent.remove(&subject);
                    prop_assert!(last.is_some_and(|(sent, until)| sent == secret && at < until), "{:?}", last);
                }
                _ => {}
            }
        }
    }
}

#[test]
fn wrong_tries_use_a_code_up_whatever_clears_the_persons_counter() {
    let (subject, right) = (user(1), KeyedHash([7; 32]));
    let spend = |secret| Action::SpendMailCode { subject, secret };
    let mut state = State::default();
    let mut number = 0;
    let mut act = |state: &mut State, action| {
        number += 1;
        state.apply(command(number, START, action)).outcome
    };
    act(&mut state, create_realm()).unwrap();
    let new = NewMailCode { subject, secret: right, life: Span::minutes(10), mail: None };
    act(&mut state, Action::SendMailCode(Box::new(new))).unwrap();
    for _ in 0..MailCode::MOST_WRONG {
        assert_eq!(act(&mut state, spend(KeyedHash([8; 32]))), Err(Rejection::TokenInvalid));
    }
    assert_eq!(act(&mut state, spend(right)), Err(Rejection::TokenInvalid));
}

fn is_definite(ticket: &Ticket) -> bool {
    matches!(&ticket.state, TicketState::Closed { result, .. } if *result != TicketResult::Unknown)
}

fn swept(state: &State) -> Vec<Ticket> {
    state.tickets().cloned().collect()
}

fn passcodes(state: &State) -> usize {
    (0..3).filter(|n| state.passcode(user(*n), Timestamp(0)).is_some()).count()
}

fn counters(state: &State) -> Vec<bool> {
    (0..3).map(|n| state.counter(AttemptTarget::Source(user(n))).is_some()).collect()
}

fn realm() -> State {
    let mut state = State::default();
    state.apply(command(1, START, create_realm())).outcome.unwrap();
    state
}

#[test]
fn a_ticket_is_opened_once_and_a_true_answer_replaces_unknown() {
    let mut state = realm();
    assert_eq!(state.apply(command(2, START, open_ticket(7, 1))).outcome, Ok(Effect::Done));
    assert_eq!(state.apply(command(3, START, open_ticket(7, 1))).outcome, Err(Rejection::TicketUsed));
    assert_eq!(state.apply(command(4, START, open_ticket(8, 1))).outcome, Err(Rejection::TicketUsed));
    let overdue = START + 60_000;
    state.apply(command(5, overdue, Action::Sweep)).outcome.unwrap();
    let id = TicketId(Uuid::from_u128(7));
    let unknown = TicketState::Closed { result: TicketResult::Unknown, at: Timestamp(overdue) };
    assert_eq!(state.ticket(id).unwrap().state, unknown);
    assert_eq!(
        state.apply(command(6, overdue, close_ticket(7, TicketResult::Done))).outcome,
        Ok(Effect::Done)
    );
    assert_eq!(
        state.apply(command(7, overdue, close_ticket(7, TicketResult::Unknown))).outcome,
        Err(Rejection::TicketUsed)
    );
    assert_eq!(state.apply(command(8, overdue, open_ticket(7, 1))).outcome, Err(Rejection::TicketUsed));
}

#[test]
fn a_passcode_is_good_for_a_week_at_most_and_a_later_one_replaces_it() {
    let mut state = realm();
    let give = |secret, life| Action::AssignPasscode { subject: user(1), secret: user(secret), life };
    state.apply(command(2, START, give(1, Span::hours(9_999)))).outcome.unwrap();
    let week = START + 7 * 24 * 3_600_000;
    assert_eq!(state.passcode(user(1), Timestamp(START)).unwrap().until, Timestamp(week));
    state.apply(command(3, START, give(2, Span::hours(1)))).outcome.unwrap();
    let mut spent =
        |request, secret| state.apply(command(request, START, spend_passcode(1, secret))).outcome.is_ok();
    assert_eq!([spent(4, 1), spent(5, 2), spent(6, 2)], [false, true, false]);
}

#[test]
fn a_source_is_locked_after_its_limit_and_only_for_a_while() {
    let mut state = realm();
    let limit = state.config().unwrap().general.source_limit;
    for n in 0..u128::from(limit.threshold) {
        assert!(state.apply(command(10 + n, START, count(n, 1))).outcome.is_ok());
    }
    let until = Timestamp(START).plus(limit.duration);
    let refused = state.apply(command(5_000, START + 1, count(5_000, 1))).outcome;
    assert_eq!(refused, Err(Rejection::Locked { until }));
    assert!(state.apply(command(5_001, until.0, count(5_001, 1))).outcome.is_ok());
}

#[test]
fn from_the_fourth_level_on_a_stranger_adds_nothing_to_the_audit_once_locked() {
    let mut state = realm();
    for n in 0..u128::from(state.config().unwrap().general.source_limit.threshold) {
        let guess = Command { actor: Actor::Anonymous, ..command(10 + n, START, count(n, 1)) };
        assert!(state.apply(guess).outcome.is_ok());
    }
    for from in 1..=FeatureLevel::FOURTH.number() {
        let level = FeatureLevel::from(from);
        assert_eq!(state.level(), level);
        let mut adds = |number: u128, actor| {
            let before = state.totals().audit_seq;
            let guess = command(u128::from(from) * 1_000 + number, START, count(number, 1));
            let refused = state.apply(Command { actor, ..guess }).outcome;
            assert!(matches!(refused, Err(Rejection::Locked { .. })));
            state.totals().audit_seq - before
        };
        assert_eq!(adds(800, Actor::Anonymous), u64::from(level < FeatureLevel::FOURTH), "{level}");
        assert_eq!(adds(801, Actor::Helpdesk(user(9))), 1, "an operator can be asked");
        if level < FeatureLevel::FOURTH {
            let raise = Action::RaiseLevel { from: level, to: level.next(), asked: vec![NodeId(1)] };
            state.apply(command(u128::from(from) * 1_000 + 900, START, raise)).outcome.unwrap();
        }
    }
}

#[test]
fn without_a_policy_a_person_locks_by_the_default_from_the_fourth_level_on() {
    let mut state = realm();
    let limit = state.config().unwrap().general.source_limit.threshold;
    for from in 1..=FeatureLevel::FOURTH.number() {
        let level = FeatureLevel::from(from);
        let base = u128::from(from) * 1_000;
        let target = AttemptTarget::User(user(u8::try_from(from).unwrap()));
        let mut left = |number: u128| {
            let attempt = AttemptId(Uuid::from_u128(base + number));
            let action = Action::CountAttempt { attempt, target, policy: None };
            state.apply(command(base + number, START, action)).outcome
        };
        let most = if level < FeatureLevel::FOURTH { limit } else { LockoutSettings::DEFAULT.threshold };
        let counted = |remaining| Ok(Effect::Attempt(AttemptVerdict::Counted { remaining }));
        assert_eq!(left(1), counted(most - 1), "{level}");
        if level < FeatureLevel::FOURTH {
            let raise = Action::RaiseLevel { from: level, to: level.next(), asked: vec![NodeId(1)] };
            state.apply(command(base + 900, START, raise)).outcome.unwrap();
        }
    }
}

#[test]
fn a_request_older_than_memory_is_refused_and_not_done_again() {
    let mut state = realm();
    let old = command(2, START, open_ticket(1, 1));
    state.apply(old.clone()).outcome.unwrap();
    for n in 0..10_u128 {
        let later = START + 200_000 + u64::try_from(n).unwrap();
        state.apply(command(100 + n, later, open_ticket(100 + n, 50))).outcome.ok();
    }
    assert_eq!(state.apply(old).outcome, Err(Rejection::TooOld));
}

#[test]
fn an_idempotency_key_is_remembered_for_a_day_and_holds_up_no_other_forgetting() {
    let mut state = realm();
    let client = |n: u128, at| {
        let action = Action::Sweep;
        Command { request: RequestId::Client(Uuid::from_u128(n)), ..command(0, at, action) }
    };
    for n in 0..5 {
        state.apply(client(n, START)).outcome.unwrap();
    }
    state.apply(command(2, START + 1, open_ticket(1, 1))).outcome.unwrap();
    let minutes_later = START + 200_000;
    state.apply(command(3, minutes_later, open_ticket(2, 2))).outcome.unwrap();
    state.apply(command(4, minutes_later, open_ticket(3, 3))).outcome.unwrap();
    let is_kept = |state: &State, request| state.cell(&CellKey::Request(request)).is_some();
    assert!(
        !is_kept(&state, RequestId::Internal(Uuid::from_u128(2))),
        "forgotten behind five keys that are not"
    );
    assert!((0..5).all(|n| is_kept(&state, RequestId::Client(Uuid::from_u128(n)))));

    let a_day_later = START + 24 * 3_600_000 + 1;
    for n in 0..4 {
        state.apply(command(100 + n, a_day_later, open_ticket(100 + n, 9))).outcome.ok();
    }
    assert!((0..5).all(|n| !is_kept(&state, RequestId::Client(Uuid::from_u128(n)))));
}
