//! The mails that there are, what may stand in each, and how a text with parameters becomes one.
//!
//! Invariants: a value is put in once and as it is, so that one that looks like a parameter stays as it was; no value has a
//! line break; in HTML everything that is not markup of ours is escaped.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in configurations and texts.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

named! {
    /// One of the mails that the realm sends.
    MailTemplate {
        /// To a user whose password was set anew.
        PasswordReset = "password-reset",
        /// To a user who changed the password.
        PasswordChanged = "password-changed",
        /// To a user whose account was unlocked.
        AccountUnlocked = "account-unlocked",
        /// To a user who registered.
        Registered = "registered",
        /// To a user whose security questions were changed.
        ProfileChanged = "profile-changed",
        /// To a user for whom a task of an administrator's own making was done.
        TaskDone = "task-done",
        /// To a user whose task failed.
        TaskFailed = "task-failed",
        /// To a user whose lock the helpdesk lifted.
        LockLifted = "lock-lifted",
        /// To a user whose password the helpdesk set anew.
        HelpdeskReset = "helpdesk-reset",
        /// To a user whose account the helpdesk unlocked.
        HelpdeskUnlocked = "helpdesk-unlocked",
        /// To a user whose account the helpdesk enabled.
        HelpdeskEnabled = "helpdesk-enabled",
        /// To a user whom the helpdesk has change the password.
        MustChangePassword = "must-change-password",
        /// To a user whom the helpdesk has choose security questions anew.
        MustUpdateProfile = "must-update-profile",
        /// To a user whom the helpdesk gave a passcode.
        PasscodeAssigned = "passcode-assigned",
        /// To a user who needs a code to go on.
        OneTimeCode = "one-time-code",
        /// To administrators: a user's task was done.
        AdministratorDone = "administrator-done",
        /// To administrators: a user's task failed.
        AdministratorFailed = "administrator-failed",
        /// To whoever tries the mail servers.
        Test = "test",
    }
}

named! {
    /// What is put into a text.
    Parameter {
        /// The user's name as people write it.
        UserName = "user_name",
        /// The user's account.
        Account = "account",
        /// The name of the task.
        Task = "task",
        /// When it was, in UTC.
        Time = "time",
        /// The organisation.
        Organisation = "organisation",
        /// The address of the site.
        Site = "site",
        /// Why it failed.
        Reason = "reason",
        /// The code.
        Code = "code",
    }
}

impl MailTemplate {
    /// What may stand in it.
    #[must_use]
    pub fn parameters(self) -> &'static [Parameter] {
        use Parameter::{Account, Code, Organisation, Reason, Site, Task, Time, UserName};
        match self {
            Self::PasswordReset
            | Self::PasswordChanged
            | Self::AccountUnlocked
            | Self::Registered
            | Self::ProfileChanged
            | Self::TaskDone
            | Self::LockLifted
            | Self::HelpdeskReset
            | Self::HelpdeskUnlocked
            | Self::HelpdeskEnabled
            | Self::MustChangePassword
            | Self::MustUpdateProfile
            | Self::PasscodeAssigned
            | Self::AdministratorDone => &[UserName, Account, Task, Time, Organisation, Site],
            Self::TaskFailed | Self::AdministratorFailed => {
                &[UserName, Account, Task, Time, Organisation, Site, Reason]
            }
            Self::OneTimeCode => &[UserName, Account, Task, Time, Organisation, Site, Code],
            Self::Test => &[Time, Organisation, Site],
        }
    }
}

/// The values for a text. One that is not given is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters(BTreeMap<Parameter, String>);

/// The most characters of a value.
const LONGEST_VALUE: usize = 200;

impl Parameters {
    /// With one value more. It becomes one line, without control characters, and is cut when it is very long.
    #[must_use]
    pub fn with(mut self, parameter: Parameter, value: &str) -> Self {
        let plain = value.chars().take(LONGEST_VALUE).map(|c| if breaks_lines(c) { ' ' } else { c });
        self.0.insert(parameter, plain.collect());
        self
    }

    /// Something for each, for a preview.
    #[must_use]
    pub fn examples(organisation: &str, site: &str) -> Self {
        Self::default()
            .with(Parameter::UserName, "Alice Example")
            .with(Parameter::Account, "alice")
            .with(Parameter::Task, "Forgot My Password")
            .with(Parameter::Time, "2026-11-25 23:00 UTC")
            .with(Parameter::Organisation, organisation)
            .with(Parameter::Site, site)
            .with(Parameter::Reason, "PQ-DIRECTORY-REFUSED")
            .with(Parameter::Code, "123456")
    }
}

fn breaks_lines(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateProblem {
    /// A parameter that is not known, or not in this mail.
    #[error("there is no {{{found}}} in this mail; it has {known}")]
    Unknown {
        /// What stands there.
        found: String,
        /// What may.
        known: String,
    },
    /// A brace without its other half.
    #[error("a brace has no other half; parameters stand in braces, such as {{time}}")]
    LoneBrace,
}

/// Checks that a text has only parameters that its mail knows.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(template: MailTemplate, text: &str) -> Result<(), TemplateProblem> {
    each_part(text, |part| match part {
        Part::Parameter(name) if !template.parameters().iter().any(|known| known.name() == name) => {
            let known: Vec<_> =
                template.parameters().iter().map(|known| format!("{{{}}}", known.name())).collect();
            Err(TemplateProblem::Unknown { found: name.chars().take(40).collect(), known: known.join(", ") })
        }
        Part::Text(text) if text.contains(['{', '}']) => Err(TemplateProblem::LoneBrace),
        Part::Parameter(_) | Part::Text(_) => Ok(()),
    })
}

enum Part<'a> {
    Text(&'a str),
    Parameter(&'a str),
}

fn each_part<'a, E>(text: &'a str, mut take: impl FnMut(Part<'a>) -> Result<(), E>) -> Result<(), E> {
    let mut rest = text;
    while let Some((before, inner)) = rest.split_once('{') {
        let Some((name, after)) = inner.split_once('}') else { break };
        take(Part::Text(before))?;
        take(Part::Parameter(name))?;
        rest = after;
    }
    take(Part::Text(rest))
}

/// The text with its values.
pub(super) fn filled(text: &str, values: &Parameters) -> String {
    let mut out = String::with_capacity(text.len());
    let done = each_part::<std::convert::Infallible>(text, |part| {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Parameter(name) => {
                let value = values.0.iter().find(|(parameter, _)| parameter.name() == name);
                out.push_str(value.map_or("", |(_, value)| value));
            }
        }
        Ok(())
    });
    match done {
        Ok(()) => out,
    }
}

/// A text as one line.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if breaks_lines(c) { ' ' } else { c }).collect()
}

/// A text as HTML: its paragraphs and lines, everything else escaped.
pub(super) fn as_html(language: &str, text: &str) -> String {
    // Each paragraph runs as its own words do.
    let mut html = format!("<!DOCTYPE html>\n<html lang=\"{}\"><body>\n", escaped(language));
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        let lines: Vec<_> = paragraph.lines().map(escaped).collect();
        // Writing to a string does not fail.
        let _ = writeln!(html, "<p dir=\"auto\">{}</p>", lines.join("<br>\n"));
    }
    html.push_str("</body></html>\n");
    html
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
