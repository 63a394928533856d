//! A posted form as typed values. What cannot be read becomes a problem with its field's name, so that all of them are
//! shown at once.

use super::confirm::Step;
use crate::csrf;
use crate::extract::Form;
use passquorum_domain::config::Problem;
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::time::Span;
use std::fmt::Display;
use std::str::FromStr;

/// The fields of one form. Not `Debug`: one of them may be a password.
pub(super) struct Fields {
    form: Form,
    problems: Vec<Problem>,
}

impl Fields {
    /// Takes what was posted.
    pub(super) fn new(form: Form) -> Self {
        Self { form, problems: Vec::new() }
    }

    /// What was typed; empty when the field is not there.
    pub(super) fn raw(&self, name: &str) -> &str {
        self.form.text(name).unwrap_or("")
    }

    /// What was typed, without the space around it.
    pub(super) fn text(&self, name: &str) -> String {
        self.raw(name).trim().to_owned()
    }

    /// Whether a box is ticked.
    pub(super) fn is_checked(&self, name: &str) -> bool {
        self.raw(name) == "on"
    }

    /// All that was sent but what belongs to one page: for a form that sends it again.
    pub(super) fn sent(&self) -> Vec<(String, String)> {
        let sent = self.form.iter().filter(|(name, _)| ![csrf::FIELD, Step::FIELD].contains(name));
        sent.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// What follows the beginning in the names of the ticked boxes that begin so, in the form's order.
    pub(super) fn ticked(&self, beginning: &str) -> Vec<String> {
        let ticked = self.form.iter().filter(|(_, value)| *value == "on");
        ticked.filter_map(|(name, _)| name.strip_prefix(beginning)).map(str::to_owned).collect()
    }

    /// A whole number; the fallback stands in for what cannot be read.
    pub(super) fn number<T: FromStr>(&mut self, name: &str, fallback: T) -> T {
        self.raw(name).trim().parse().unwrap_or_else(|_| {
            self.refuse(name, "use a whole number");
            fallback
        })
    }

    /// A span in whole seconds; one that is still the same keeps its milliseconds.
    pub(super) fn seconds(&mut self, name: &str, present: Span) -> Span {
        let whole = present.0 / 1000;
        let typed = self.number(name, whole);
        if typed == whole { present } else { Span::seconds(typed) }
    }

    /// The lines that are not empty.
    pub(super) fn lines(&self, name: &str) -> Vec<String> {
        self.raw(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// One DN a line.
    pub(super) fn distinguished_names(&mut self, name: &str) -> Vec<DistinguishedName> {
        self.read_lines(name, |line| {
            DistinguishedName::parse(line).map_err(|error| format!("is not a distinguished name: {error}"))
        })
    }

    /// One thing a line.
    pub(super) fn parsed_lines<T: FromStr<Err: Display>>(&mut self, name: &str) -> Vec<T> {
        self.read_lines(name, |line| line.parse().map_err(|error: T::Err| format!("cannot be read: {error}")))
    }

    /// One thing a line, read so.
    pub(super) fn read_lines<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let mut things = Vec::new();
        for (number, line) in (1..).zip(self.lines(name)) {
            match read(&line) {
                Ok(thing) => things.push(thing),
                Err(problem) => self.refuse(name, &format!("entry {number} {problem}")),
            }
        }
        things
    }

    /// Notes a problem.
    pub(super) fn refuse(&mut self, name: &str, message: &str) {
        self.problems.push(Problem { field: name.to_owned(), message: message.to_owned() });
    }

    /// Whether everything could be read so far.
    pub(super) fn is_readable(&self) -> bool {
        self.problems.is_empty()
    }

    /// Every problem so far.
    pub(super) fn take_problems(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unreadable_field_is_named_and_the_rest_is_kept() {
        let posted = b"threshold=five&duration=+60+&groups=CN%3Da,DC%3Dx%0D%0A%0D%0Anonsense%0D%0A&on=on";
        let mut fields = Fields::new(Form::parse(posted).unwrap());
        assert_eq!(fields.number("threshold", 3u32), 3);
        assert_eq!(fields.seconds("duration", Span(0)), Span::seconds(60));
        assert_eq!(fields.distinguished_names("groups").len(), 1);
        assert!(fields.is_checked("on") && !fields.is_checked("off"));
        let named: Vec<_> = fields.take_problems().into_iter().map(|problem| problem.field).collect();
        assert_eq!(named, ["threshold", "groups"]);
    }
}
