//! TOML as people like to read it: one item of a list on each line, so that a changed line is a changed thing; small
//! tables in one line; texts of many lines as they are.

use std::fmt::Write;
use toml::{Table, Value};

/// A file with a comment at its head.
pub(super) fn file(comment: &str, table: &Table) -> String {
    let mut text = String::new();
    for line in comment.lines() {
        text.push_str("# ");
        text.push_str(line);
        text.push('\n');
    }
    if !comment.is_empty() {
        text.push('\n');
    }
    section(&mut text, table, "");
    text
}

/// The keys of a table, then the tables in it, each under its own heading.
fn section(text: &mut String, table: &Table, path: &str) {
    for (key, value) in table {
        if !needs_heading(value) {
            line(text, key, value);
        }
    }
    for (key, value) in table {
        let path = if path.is_empty() { name(key) } else { format!("{path}.{}", name(key)) };
        match value {
            Value::Table(inner) => {
                if inner.is_empty() || inner.values().any(|value| !needs_heading(value)) {
                    heading(text, &format!("[{path}]"));
                }
                section(text, inner, &path);
            }
            Value::Array(items) if needs_heading(value) => {
                for item in items.iter().filter_map(Value::as_table) {
                    heading(text, &format!("[[{path}]]"));
                    section(text, item, &path);
                }
            }
            _ => {}
        }
    }
}

fn heading(text: &mut String, heading: &str) {
    if !text.is_empty() && !text.ends_with("\n\n") {
        text.push('\n');
    }
    text.push_str(heading);
    text.push('\n');
}

/// Tables, and lists of tables that hold lists themselves.
fn needs_heading(value: &Value) -> bool {
    match value {
        Value::Table(_) => true,
        Value::Array(items) => {
            let holds_list = |item: &Value| item.as_table().is_some_and(|t| t.values().any(Value::is_array));
            items.iter().any(holds_list)
        }
        _ => false,
    }
}

fn line(text: &mut String, key: &str, value: &Value) {
    let key = name(key);
    // Writing to a text cannot fail.
    let _ = match value {
        Value::Array(items) if items.is_empty() => writeln!(text, "{key} = []"),
        Value::Array(items) => {
            let lines: String = items.iter().map(|item| format!("    {},\n", inline(item))).collect();
            writeln!(text, "{key} = [\n{lines}]")
        }
        Value::String(long) if is_plain_block(long) => writeln!(text, "{key} = '''\n{long}'''"),
        value => writeln!(text, "{key} = {}", inline(value)),
    };
}

/// Whether a text has lines, and can stand as it is between three quotes.
fn is_plain_block(text: &str) -> bool {
    let plain = |c: char| c == '\n' || c == '\t' || !c.is_control();
    text.contains('\n') && !text.contains('\'') && text.chars().all(plain)
}

fn inline(value: &Value) -> String {
    match value {
        Value::Table(table) if table.is_empty() => "{}".to_owned(),
        Value::Table(table) => {
            let members: Vec<_> =
                table.iter().map(|(key, value)| format!("{} = {}", name(key), inline(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::String(text) => quoted(text),
        value => value.to_string(),
    }
}

/// A basic string, on one line.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn name(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_bare { key.to_owned() } else { quoted(key) }
}
