//! `[otlp]` of `node.toml`: where the log and traces go besides.

use super::{Reader, from_text, path};
use crate::config::{CollectorUrl, OtlpSettings, Signals};
use toml::Value;

const SECTION: &str = "otlp.";
const WHAT: &str = "use logs, traces or both";

impl Reader {
    pub(super) fn otlp(&mut self) -> Option<OtlpSettings> {
        let is_there = self.values.keys().any(|key| key.starts_with(SECTION));
        let is_plain_http = self
            .values
            .get("otlp.endpoint")
            .and_then(Value::as_str)
            .is_some_and(|url| url.to_ascii_lowercase().starts_with("http:"));
        let named = self.values.contains_key("otlp.send");
        let ca = self.optional("otlp.ca", path);
        if ca.is_some() && is_plain_http {
            self.problem(
                "otlp.ca",
                "no certificate is checked over http; use https in otlp.endpoint".to_owned(),
            );
        }
        let headers = self.optional("otlp.headers", path);
        let listed = self.list("otlp.send", |text| match text {
            "logs" => Ok(Signals { logs: true, traces: false }),
            "traces" => Ok(Signals { logs: false, traces: true }),
            _ => Err(WHAT.to_owned()),
        });
        let both = |one: Signals, other: Signals| Signals {
            logs: one.logs || other.logs,
            traces: one.traces || other.traces,
        };
        let send = match listed.into_iter().reduce(both) {
            Some(send) => send,
            None => {
                if named && !self.problems.iter().any(|problem| problem.key == "otlp.send") {
                    self.problem("otlp.send", WHAT.to_owned());
                }
                Signals::default()
            }
        };
        if !is_there {
            return None;
        }
        let endpoint = self.required("otlp.endpoint", from_text::<CollectorUrl>)?;
        if headers.is_some() && !endpoint.keeps_secrets() {
            self.problem("otlp.headers", "they would go in clear; use https in otlp.endpoint".to_owned());
        }
        Some(OtlpSettings { endpoint, ca, headers, send })
    }
}

/// The section as text.
pub(super) fn render(settings: &OtlpSettings, line: &mut impl FnMut(&str, String)) {
    let text = |text: &str| Value::String(text.to_owned()).to_string();
    line("otlp", String::new());
    line("endpoint", text(settings.endpoint.as_str()));
    for (key, file) in [("ca", &settings.ca), ("headers", &settings.headers)] {
        if let Some(file) = file {
            line(key, text(&file.to_string_lossy()));
        }
    }
    let Signals { logs, traces } = settings.send;
    let named = [("logs", logs), ("traces", traces)].into_iter().filter(|(_, sent)| *sent);
    let named: Vec<_> = named.map(|(name, _)| text(name)).collect();
    line("send", format!("[{}]", named.join(", ")));
}

#[cfg(test)]
pub(super) fn full() -> OtlpSettings {
    OtlpSettings {
        endpoint: "https://collector.example:4318/otlp".parse().unwrap(),
        ca: Some("/ca.pem".into()),
        headers: Some("/headers".into()),
        send: Signals { logs: false, traces: true },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a section means, or the keys of its problems.
    fn read(text: &str) -> Result<Option<OtlpSettings>, Vec<String>> {
        let mut reader = Reader::new(text.parse().unwrap());
        let settings = reader.otlp();
        let problems = reader.finish();
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(problems.into_iter().map(|one| one.key).collect())
        }
    }

    #[test]
    fn nothing_is_sent_unless_a_collector_is_named_and_then_both() {
        assert_eq!(read(""), Ok(None));
        let settings = read("[otlp]\nendpoint = 'http://collector:4318'").unwrap().unwrap();
        assert_eq!(settings.send, Signals { logs: true, traces: true });
        assert_eq!((settings.ca, settings.headers), (None, None));
    }

    #[test]
    fn what_cannot_be_meant_is_a_problem_of_its_key() {
        for (text, keys) in [
            ("send = ['logs']", vec!["otlp.endpoint"]),
            ("endpoint = 'https://user:secret@collector'", vec!["otlp.endpoint"]),
            ("endpoint = 'https://collector'\nsend = []", vec!["otlp.send"]),
            ("endpoint = 'https://collector'\nsend = ['logs', 'metrics']", vec!["otlp.send"]),
            ("endpoint = 'http://collector'\nca = '/ca.pem'", vec!["otlp.ca"]),
            ("endpoint = 'HTTP://collector'\nheaders = '/headers'", vec!["otlp.headers"]),
            ("headers = 'here'\nsend = 'logs'", vec!["otlp.headers", "otlp.send", "otlp.endpoint"]),
        ] {
            let found = read(&format!("[otlp]\n{text}")).unwrap_err();
            assert_eq!(found, keys, "{text}");
        }
    }
}
