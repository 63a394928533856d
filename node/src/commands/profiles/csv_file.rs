//! Answers in a CSV file (RFC 4180), a line for each: user, question, answer. Answers are held in memory that is wiped.

use crate::commands::Failure;
use csv::StringRecord;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

/// People in one request.
const BATCH: usize = 100;
/// The columns, in any order.
const COLUMNS: [&str; 3] = ["user", "question", "answer"];

/// The people of a file with their answers, in batches, in the order in which each is first named.
pub(super) fn read(file: &Path) -> Result<Vec<Vec<Value>>, Failure> {
    if file == Path::new("-") {
        return parse(stdin().lock(), "standard input");
    }
    let named = |error| Failure::usage(format!("{}: {error}", file.display()));
    let opened = File::open(file).map_err(named)?;
    parse(opened, &file.display().to_string())
}

fn parse(source: impl Read, name: &str) -> Result<Vec<Vec<Value>>, Failure> {
    let wrong = |message: String| Failure::usage(format!("{name}: {message}"));
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(source);
    let headers = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
    let columns = COLUMNS.map(|column| headers.iter().position(|header| header.eq_ignore_ascii_case(column)));
    let [Some(user), Some(question), Some(answer)] = columns else {
        return Err(wrong(format!("the first line must name the columns {}", COLUMNS.join(", "))));
    };
    if headers.len() > COLUMNS.len() {
        return Err(wrong(format!("there are other columns than {}", COLUMNS.join(", "))));
    }
    let mut places = BTreeMap::new();
    let mut people: Vec<(String, Vec<Value>)> = Vec::new();
    let mut record = StringRecord::new();
    // An error tells the line, and nothing of what is in it.
    while reader.read_record(&mut record).map_err(|error| wrong(error.to_string()))? {
        let line = record.position().map_or(0, csv::Position::line);
        let field = |place: usize| record.get(place).map(str::trim).filter(|text| !text.is_empty());
        let (Some(user), Some(question), Some(answer)) = (field(user), field(question), field(answer)) else {
            return Err(wrong(format!("line {line}: a user, a question or an answer is empty")));
        };
        let place = *places.entry(user.to_lowercase()).or_insert_with(|| {
            people.push((user.to_owned(), Vec::new()));
            people.len() - 1
        });
        if let Some((_, answers)) = people.get_mut(place) {
            answers.push(json!({ "question": question, "answer": answer }));
        }
    }
    let people: Vec<Value> =
        people.into_iter().map(|(user, answers)| json!({ "user": user, "answers": answers })).collect();
    Ok(people.chunks(BATCH).map(<[Value]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_one_person_come_together_in_any_order_of_columns() {
        let text = "Question, user ,answer\nFirst pet?,alice,\"Rex, the dog\"\nFirst school?,bob,North\nOwn one?,ALICE,x\n";
        let batches = parse(text.as_bytes(), "f").unwrap();
        assert_eq!(
            batches,
            [[
                json!({ "user": "alice", "answers": [
                    { "question": "First pet?", "answer": "Rex, the dog" },
                    { "question": "Own one?", "answer": "x" },
                ] }),
                json!({ "user": "bob", "answers": [{ "question": "First school?", "answer": "North" }] }),
            ]]
        );
        let many: String = (0..250).map(|n| format!("q,u{n},a\n")).collect();
        let batches = parse(format!("question,user,answer\n{many}").as_bytes(), "f").unwrap();
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_without_the_answer() {
        for (text, told) in [
            ("", "the first line must name the columns user, question, answer"),
            ("user,answer\n", "the first line must name"),
            ("user,question,answer,mail\n", "there are other columns"),
            ("user,question,answer\nalice,q,a\nalice,,secret\n", "line 3: a user, a question"),
            ("user,question,answer\nalice,q,secret,more\n", "line: 2"),
        ] {
            let failure = parse(text.as_bytes(), "file.csv").unwrap_err();
            assert!(
                failure.message.starts_with("file.csv: ") && failure.message.contains(told),
                "{failure:?}"
            );
            assert!(!failure.message.contains("secret"), "{failure:?}");
        }
    }
}
