//! The checker itself: small histories with a known verdict, and random ones beside a search by brute force.

use passquorum_simulation::history::{self, Answer, Condition, Op, Operation};
use passquorum_simulation::judge::{Refused, judge};
use passquorum_simulation::linearizable::{self, Verdict};
use passquorum_simulation::model::{Known, Step};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

fn parse(lines: &str) -> Vec<Operation> {
    history::read(lines.as_bytes()).unwrap()
}

fn put(times: &str, value: &str, condition: &str, result: &str) -> String {
    let (invoked, returned) = times.split_once("..").unwrap();
    let op = format!(r#"{{"put":{{"key":"k","value":"{value}","if":{condition}}}}}"#);
    format!(r#"{{"client":1,"invoked":{invoked},"returned":{returned},"op":{op},"result":{result}}}"#)
}

fn get(times: &str, value: &str, revision: &str) -> String {
    let (invoked, returned) = times.split_once("..").unwrap();
    let result = format!(r#"{{"get":{{"value":{value},"revision":{revision}}}}}"#);
    let op = r#"{"get":{"key":"k"}}"#;
    format!(r#"{{"client":2,"invoked":{invoked},"returned":{returned},"op":{op},"result":{result}}}"#)
}

fn delete(times: &str, condition: &str, result: &str) -> String {
    let (invoked, returned) = times.split_once("..").unwrap();
    let op = format!(r#"{{"delete":{{"key":"k","if":{condition}}}}}"#);
    format!(r#"{{"client":3,"invoked":{invoked},"returned":{returned},"op":{op},"result":{result}}}"#)
}

fn ok(revision: u64) -> String {
    format!(r#"{{"put":{{"ok":{{"revision":{revision}}}}}}}"#)
}

const ALWAYS: &str = r#""always""#;
const ABSENT: &str = r#""absent""#;
const DELETED: &str = r#"{"delete":{"ok":null}}"#;
const UNKNOWN: &str = "null";

#[track_caller]
fn accepted(lines: &[String]) {
    let verdict = judge(&parse(&lines.join("\n")));
    assert!(verdict.is_ok(), "{verdict:?}");
}

#[track_caller]
fn refused(lines: &[String]) {
    let verdict = judge(&parse(&lines.join("\n")));
    assert!(verdict.as_ref().is_err_and(Refused::is_verdict), "{verdict:?}");
}

#[test]
fn a_read_sees_what_was_written_before_it_and_not_what_was_overwritten() {
    accepted(&[put("1..2", "a", ALWAYS, &ok(1)), get("3..4", r#""a""#, "1")]);
    refused(&[put("1..2", "a", ALWAYS, &ok(1)), get("3..4", "null", "null")]);
    let both = [put("1..2", "a", ALWAYS, &ok(1)), put("3..4", "b", ALWAYS, &ok(2))];
    refused(&[both.as_slice(), &[get("5..6", r#""a""#, "1")]].concat());
    accepted(&[both.as_slice(), &[get("3..6", r#""a""#, "1")]].concat());
}

#[test]
fn two_reads_do_not_go_back_in_time() {
    let write = put("1..9", "a", ALWAYS, &ok(1));
    refused(&[write.clone(), get("2..3", r#""a""#, "1"), get("4..5", "null", "null")]);
    accepted(&[write, get("2..3", "null", "null"), get("4..5", r#""a""#, "1")]);
}

#[test]
fn of_two_writes_on_one_revision_one_is_refused() {
    let first = put("1..2", "a", ALWAYS, &ok(4));
    let on_four = r#"{"revision":4}"#;
    let won = put("3..6", "b", on_four, &ok(5));
    refused(&[first.clone(), won.clone(), put("3..6", "c", on_four, &ok(6))]);
    let lost = r#"{"put":{"refused":{"revision":5}}}"#;
    accepted(&[first.clone(), won.clone(), put("3..6", "c", on_four, lost)]);
    accepted(&[first.clone(), won, put("3..6", "c", on_four, r#"{"put":{"refused":{}}}"#)]);
    // Refused although the condition held all the time.
    refused(&[first, put("3..6", "c", on_four, r#"{"put":{"refused":{}}}"#)]);
}

#[test]
fn a_refusal_tells_the_revision_that_is_there() {
    let first = put("1..2", "a", ALWAYS, &ok(4));
    accepted(&[first.clone(), put("3..4", "b", ABSENT, r#"{"put":{"refused":{"revision":4}}}"#)]);
    refused(&[first.clone(), put("3..4", "b", ABSENT, r#"{"put":{"refused":{"revision":null}}}"#)]);
    refused(&[first, put("3..4", "b", ABSENT, r#"{"put":{"refused":{"revision":3}}}"#)]);
}

#[test]
fn an_unknown_write_may_take_effect_late_once_or_never() {
    let unknown = put("1..null", "a", ALWAYS, UNKNOWN);
    accepted(&[unknown.clone(), get("5..6", "null", "null")]);
    accepted(&[unknown.clone(), get("5..6", "null", "null"), get("7..8", r#""a""#, "3")]);
    refused(&[unknown.clone(), get("5..6", r#""a""#, "3"), get("7..8", "null", "null")]);
    let other = put("7..8", "b", ALWAYS, &ok(4));
    refused(&[unknown.clone(), get("5..6", r#""a""#, "3"), other, get("9..10", r#""a""#, "5")]);
    // Never before it was asked.
    refused(&[put("5..null", "a", ALWAYS, UNKNOWN), get("1..2", r#""a""#, "1")]);
}

#[test]
fn a_chain_of_unknown_operations_explains_an_answer() {
    let there = put("1..2", "a", ALWAYS, &ok(1));
    let removed = delete("3..null", ALWAYS, UNKNOWN);
    let again = put("3..null", "b", ABSENT, UNKNOWN);
    accepted(&[there.clone(), removed, again.clone(), get("5..6", r#""b""#, "3")]);
    refused(&[there, again, get("5..6", r#""b""#, "3")]);
}

#[test]
fn what_was_removed_does_not_come_back() {
    let first = put("1..2", "a", ALWAYS, &ok(1));
    refused(&[first.clone(), delete("3..4", ALWAYS, DELETED), get("5..6", r#""a""#, "1")]);
    accepted(&[first.clone(), delete("3..4", ALWAYS, DELETED), get("5..6", "null", "null")]);
    refused(&[first, delete("3..4", ALWAYS, r#"{"delete":{"refused":{"revision":null}}}"#)]);
    refused(&[delete("3..4", ALWAYS, DELETED)]);
}

#[test]
fn nothing_done_is_nothing_done() {
    let nothing = put("1..2", "a", ALWAYS, r#""nothing_done""#);
    accepted(&[nothing.clone(), get("3..4", "null", "null")]);
    refused(&[nothing, get("3..4", r#""a""#, "1")]);
}

#[test]
fn revisions_are_given_once_and_grow_over_all_labels() {
    let other =
        |times: &str, revision| put(times, "b", ALWAYS, &ok(revision)).replace(r#""k""#, r#""other""#);
    accepted(&[put("1..2", "a", ALWAYS, &ok(1)), other("3..4", 2)]);
    refused(&[put("1..2", "a", ALWAYS, &ok(1)), other("1..4", 1)]);
    refused(&[put("1..2", "a", ALWAYS, &ok(7)), other("3..4", 2)]);
}

#[test]
fn a_line_that_is_no_operation_is_named() {
    let error = history::read("\n{\"client\":1}\n".as_bytes()).unwrap_err();
    assert!(error.to_string().starts_with("line 2 is not an operation"), "{error}");
    let error = history::read(put("4..3", "a", ALWAYS, &ok(1)).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("returned before"), "{error}");
}

#[test]
fn operations_survive_the_file() {
    let operations =
        parse(&[put("1..2", "a", ABSENT, r#"{"put":{"refused":{"revision":null}}}"#)].join("\n"));
    let text = history::line(&operations[0]);
    assert!(text.ends_with(r#""result":{"put":{"refused":{"revision":null}}}}"#), "{text}");
    assert_eq!(parse(&text), operations);
    let deleted = delete("1..2", ALWAYS, DELETED);
    assert_eq!(history::line(&parse(&deleted)[0]), deleted);
}

/// A small history: the answers are those of a real order, or one of them is bent.
fn random(rng: &mut SmallRng) -> Vec<Operation> {
    let mut history = Vec::new();
    let (mut label, mut revision): (Option<(String, u64)>, u64) = (None, 0);
    let length = rng.gen_range(3..8);
    for point in 0..length {
        let at = point * 10 + 100;
        let (invoked, returned) = (at - rng.gen_range(0..30), at + rng.gen_range(0..30));
        let key = "k".to_owned();
        let condition = match rng.gen_range(0..4) {
            0 => Condition::Absent,
            1 => Condition::Revision(rng.gen_range(0..4)),
            _ => Condition::Always,
        };
        let now = label.as_ref().map(|(_, revision)| *revision);
        let holds = match condition {
            Condition::Always => true,
            Condition::Absent => now.is_none(),
            Condition::Revision(wanted) => now == Some(wanted),
        };
        let told = history::Present { revision: rng.gen_bool(0.7).then_some(now) };
        let (op, result) = match rng.gen_range(0..5) {
            0 | 1 => {
                let value = format!("v{}", rng.gen_range(0..3));
                let result = if holds {
                    revision += 1;
                    label = Some((value.clone(), revision));
                    history::Written::Ok { revision }
                } else {
                    history::Written::Refused(told)
                };
                (Op::Put { key, value, condition }, Answer::Put(result))
            }
            2 => {
                let result = if holds && label.is_some() {
                    revision += 1;
                    label = None;
                    history::Deleted::Ok(())
                } else {
                    history::Deleted::Refused(told)
                };
                (Op::Delete { key, condition }, Answer::Delete(result))
            }
            _ => {
                let (value, revision) = label.clone().unzip();
                (Op::Get { key }, Answer::Get { value, revision })
            }
        };
        let known = rng.gen_bool(0.7);
        let (returned, result) = if known { (Some(returned), Some(result)) } else { (None, None) };
        history.push(Operation { client: 1, invoked, returned, op, result });
    }
    if rng.gen_bool(0.6) {
        let bent = rng.gen_range(0..history.len());
        match &mut history[bent].result {
            Some(Answer::Get { value: Some(value), .. }) => *value = "v1".to_owned(),
            Some(Answer::Get { value, revision }) => {
                (*value, *revision) = (Some("v2".to_owned()), Some(2));
            }
            Some(Answer::Put(history::Written::Ok { revision })) => *revision += 1,
            Some(result @ Answer::Delete(_)) => *result = Answer::Delete(history::Deleted::Ok(())),
            _ => {}
        }
    }
    history
}

/// Every order of every choice of unknown operations.
fn brute(left: &[(&Operation, Step)], label: Known) -> bool {
    if left.iter().all(|(_, step)| step.is_unknown()) {
        return true;
    }
    left.iter().enumerate().any(|(at, (operation, step))| {
        let first_return = left.iter().filter_map(|(other, _)| other.returned).min().unwrap_or(u64::MAX);
        let mut rest = left.to_vec();
        rest.remove(at);
        operation.invoked <= first_return && label.after(*step).is_some_and(|after| brute(&rest, after))
    })
}

#[test]
fn random_histories_are_judged_as_by_brute_force() {
    let (mut yes, mut no) = (0, 0);
    for seed in 0..4_000 {
        let history = random(&mut SmallRng::seed_from_u64(seed));
        let mut number = |value: &str| value.bytes().map(u32::from).sum();
        let steps: Vec<_> = history.iter().filter_map(|o| Some((o, Step::of(o, &mut number)?))).collect();
        let expected = brute(&steps, Known::default());
        *(if expected { &mut yes } else { &mut no }) += 1;
        assert_eq!(linearizable::check(&history).is_ok(), expected, "seed {seed}: {history:#?}");
    }
    assert!(yes > 1_000 && no > 500, "{yes} are linearizable, {no} are not");
}

/// Thousands of operations of many clients on one label, a tenth of unknown outcome.
fn long(operations: u64) -> Vec<Operation> {
    let mut rng = SmallRng::seed_from_u64(5);
    let (mut label, mut revision): (Option<(String, u64)>, u64) = (None, 0);
    let mut history = Vec::new();
    for point in 0..operations {
        let at = point * 10 + 1_000;
        let (invoked, returned) = (at - rng.gen_range(0..150), at + rng.gen_range(0..150));
        let (key, unknown) = ("k".to_owned(), rng.gen_bool(0.1));
        let (op, result) = match rng.gen_range(0..10) {
            0..=4 => {
                let value = format!("v{point}");
                if !unknown || rng.r#gen() {
                    revision += 1;
                    label = Some((value.clone(), revision));
                }
                let written = history::Written::Ok { revision };
                (Op::Put { key, value, condition: Condition::Always }, Answer::Put(written))
            }
            5 if label.is_some() => {
                if !unknown || rng.r#gen() {
                    revision += 1;
                    label = None;
                }
                (Op::Delete { key, condition: Condition::Always }, Answer::Delete(history::Deleted::Ok(())))
            }
            _ => {
                let (value, revision) = label.clone().unzip();
                (Op::Get { key }, Answer::Get { value, revision })
            }
        };
        let (returned, result) = if unknown { (None, None) } else { (Some(returned), Some(result)) };
        history.push(Operation { client: 1, invoked, returned, op, result });
    }
    history
}

#[test]
fn thousands_of_operations_on_one_label_are_decided() {
    let mut history = long(1_500);
    assert_eq!(linearizable::check(&history), Ok(()));
    let stale =
        history.iter().rposition(|o| matches!(o.result, Some(Answer::Get { value: Some(_), .. }))).unwrap();
    history[stale].result = Some(Answer::Get { value: Some("v1".to_owned()), revision: Some(1) });
    assert!(matches!(linearizable::check(&history), Err(Verdict::No { .. })));
}
