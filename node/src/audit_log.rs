//! The audit in the log: each record that this node applies, so that a collector keeps what the state's window has no room for.
//!
//! Names of people are in no line: they are sealed in the record, or keyed hashes. What programs write all day, labels, is logged
//! at `debug`, everything else at `info`, under a target of its own.

use crate::stop::Stop;
use passquorum_domain::audit::{AuditEvent, AuditRecord};
use passquorum_domain::state::State;
use std::fmt::Debug;
use std::sync::Arc;
use tokio::sync::watch;

/// The name under which records are logged.
const TARGET: &str = "audit";

/// Logs what is applied from now on until the word to stop.
pub(crate) async fn follow(mut states: watch::Receiver<Arc<State>>, mut stop: Stop) {
    let mut last = states.borrow_and_update().totals().audit_seq;
    loop {
        let changed = tokio::select! {
            changed = states.changed() => changed.is_ok(),
            () = stop.stopped() => return,
        };
        if !changed {
            stop.stopped().await;
            return;
        }
        let state = states.borrow_and_update().clone();
        last = tell(&state, last);
    }
}

/// Logs the records after one, and says which was the last.
fn tell(state: &State, after: u64) -> u64 {
    let new: Vec<_> = state.audit().rev().take_while(|record| record.seq > after).collect();
    new.into_iter().rev().for_each(line);
    state.totals().audit_seq
}

fn line(record: &AuditRecord) {
    let AuditRecord { seq, at, actor, event, subject, .. } = record;
    let (actor, refused) = (kind(actor), refusal(event));
    let (event, subject) = (kind(event), subject.map(tracing::field::display));
    if matches!(record.event, AuditEvent::LabelWritten(..) | AuditEvent::LabelRemoved(_)) {
        tracing::debug!(target: TARGET, seq, at = at.0, actor, event, refused, subject, "audit");
    } else {
        tracing::info!(target: TARGET, seq, at = at.0, actor, event, refused, subject, "audit");
    }
}

/// The code of a refusal.
fn refusal(event: &AuditEvent) -> Option<&'static str> {
    match event {
        AuditEvent::Refused(rejection) => Some(rejection.code().as_str()),
        _ => None,
    }
}

/// The name of a variant, without what it holds.
fn kind(value: &impl Debug) -> String {
    let mut name = format!("{value:?}");
    name.truncate(name.find(|c: char| !c.is_alphanumeric()).unwrap_or(name.len()));
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::audit::{Actor, Site};
    use passquorum_domain::command::{Action, Command};
    use passquorum_domain::ids::{KeyedHash, RequestId};
    use passquorum_domain::time::Timestamp;
    use uuid::Uuid;

    fn record(state: &mut State, number: u8, actor: Actor, action: Action) {
        let request = RequestId::Internal(Uuid::from_u128(number.into()));
        let command = Command { request, at: Timestamp(1_000), actor, detail: None, action };
        drop(state.apply(command).outcome);
    }

    #[test]
    fn each_new_record_is_one_line_with_the_hash_of_a_person_and_nothing_else_of_anybody() {
        let (mut state, person) = (State::default(), KeyedHash([7; 32]));
        let before = |state: &State| state.totals().audit_seq;
        record(&mut state, 1, Actor::Anonymous, Action::Sweep);
        let seen = before(&state);
        record(&mut state, 2, Actor::User(person), Action::LiftLock(person));
        let event = AuditEvent::SignedIn(Site::Admin);
        record(&mut state, 3, Actor::Realm, Action::Record { event, subject: Some(person) });
        let lines = tempfile::NamedTempFile::new().unwrap();
        let file = Arc::new(lines.reopen().unwrap());
        let subscriber = tracing_subscriber::fmt().with_writer(file).with_ansi(false).finish();
        let last = tracing::subscriber::with_default(subscriber, || tell(&state, seen));
        let text = std::fs::read_to_string(lines.path()).unwrap();
        assert_eq!(last, before(&state));
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("actor=\"User\" event=\"Refused\" refused="), "{text}");
    }

    #[test]
    fn a_variant_is_named_without_what_it_holds() {
        assert_eq!(kind(&Actor::User(KeyedHash([7; 32]))), "User");
        assert_eq!(kind(&AuditEvent::AttemptCounted { remaining: 3 }), "AttemptCounted");
        assert_eq!(kind(&AuditEvent::LockLifted), "LockLifted");
    }
}
