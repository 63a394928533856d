//! The helpdesk of a policy as a section of its form, and back.

use super::fields::Fields;
use super::general::{read_roles, role_inputs};
use super::inputs::{Input, Section};
use passquorum_domain::config::RealmConfig;
use passquorum_domain::helpdesk::{
    CallerCheck, CallerQuestions, HelpdeskPolicy, HelpdeskTask, MustChange, Verification,
};

const GROUPS: &str = "helpdesk.groups";
const CHOOSES: &str = "helpdesk.must_change";
const VERIFIES: &str = "helpdesk.verification";
const QUESTIONS: &str = "helpdesk.verification.questions";
const VALID_FOR: &str = "helpdesk.verification.valid_for";
const FROM: &str = "helpdesk.verification.from";
const HOW: &str = "helpdesk.verification.how";
const CHARACTERS: &str = "helpdesk.verification.characters";
/// What the form proposes.
const USUAL_CHARACTERS: u32 = 3;
const FROM_OPTIONS: [(&str, &str); 3] =
    [("mandatory", "Mandatory ones"), ("helpdesk", "Helpdesk ones"), ("both", "Both")];
const HOW_OPTIONS: [(&str, &str); 3] = [
    ("types", "The operator types the answer"),
    ("characters", "The operator types some characters of the answer"),
    ("sees", "The operator sees the answer and compares"),
];

fn from_key(from: CallerQuestions) -> &'static str {
    match from {
        CallerQuestions::Mandatory => "mandatory",
        CallerQuestions::Helpdesk => "helpdesk",
        CallerQuestions::Both => "both",
    }
}

fn how_key(how: CallerCheck) -> &'static str {
    match how {
        CallerCheck::OperatorTypes => "types",
        CallerCheck::Characters(_) => "characters",
        CallerCheck::OperatorSees => "sees",
    }
}

fn label(task: HelpdeskTask) -> (&'static str, &'static str) {
    match task {
        HelpdeskTask::UnlockProfile => ("Unlock profile", "Lifts the lock that wrong answers set."),
        HelpdeskTask::AssignPasscode => (
            "Assign passcode",
            "With it the user chooses new security questions, and so comes to a new password.",
        ),
        HelpdeskTask::EnforceUpdate => (
            "Enforce update of profile",
            "The user chooses the questions anew when a forgotten password is reset.",
        ),
        HelpdeskTask::ResetPassword => ("Reset password", "Whoever sets a password can log on with it."),
        HelpdeskTask::ForceChange => ("Force change at next logon", "Keeps out who cannot change it there."),
        HelpdeskTask::UnlockAccount => ("Unlock account", "Lifts the domain's own guard against guesses."),
        HelpdeskTask::EnableAccount => {
            ("Enable account", "Also an account that somebody disabled on purpose.")
        }
    }
}

fn field(task: HelpdeskTask) -> String {
    format!("helpdesk.tasks.{task:?}")
}

/// The section with a policy's values.
pub(super) fn section(helpdesk: &HelpdeskPolicy, config: &RealmConfig) -> Section {
    let mut inputs = role_inputs(GROUPS, config, &helpdesk.groups);
    inputs.extend(HelpdeskTask::ALL.into_iter().map(|task| {
        let (name, hint) = label(task);
        Input::check(field(task), name, hint, helpdesk.tasks.contains(&task))
    }));
    let verification = helpdesk.verification.unwrap_or(Verification::PROPOSED);
    inputs.extend([
        Input::check(
            CHOOSES,
            "Operators choose whether a password that they set must be changed",
            "Otherwise it must be changed at the next logon.",
            helpdesk.must_change == MustChange::OperatorChooses,
        ),
        Input::check(
            VERIFIES,
            "Verify the caller before anything is done",
            "The operator reads questions out, and what the caller says is held against the profile. Who has not registered cannot be helped then.",
            helpdesk.verification.is_some(),
        ),
        Input::choice(FROM, "Questions for the caller", "", from_key(verification.from), &FROM_OPTIONS),
        Input::choice(
            HOW,
            "How the answers are compared",
            "The last two need answers that are kept: those to helpdesk questions are, those to mandatory ones where the section Security questions says so. What operators see, they could use.",
            how_key(verification.how),
            &HOW_OPTIONS,
        ),
        Input::number(
            CHARACTERS,
            "Characters of each answer",
            "1 to 8, at places that are drawn, where some characters are typed.",
            match verification.how {
                CallerCheck::Characters(count) => count,
                CallerCheck::OperatorTypes | CallerCheck::OperatorSees => USUAL_CHARACTERS,
            },
        ),
        Input::number(QUESTIONS, "Questions to ask the caller", "", verification.questions),
        Input::number(VALID_FOR, "A verification holds for (seconds)", "At most an hour.", verification.valid_for.0 / 1000),
    ]);
    let note = "Members of these groups help the people whom this policy serves, and nobody else; the realm's operators help everybody.";
    Section::new("Helpdesk", note, inputs)
}

/// Reads [`section`] back.
pub(super) fn read(fields: &mut Fields, present: &HelpdeskPolicy, config: &RealmConfig) -> HelpdeskPolicy {
    let before = present.verification.unwrap_or(Verification::PROPOSED);
    let characters = fields.number(CHARACTERS, USUAL_CHARACTERS);
    let verification = Verification {
        questions: fields.number(QUESTIONS, before.questions),
        valid_for: fields.seconds(VALID_FOR, before.valid_for),
        from: match fields.raw(FROM) {
            "helpdesk" => CallerQuestions::Helpdesk,
            "both" => CallerQuestions::Both,
            _ => CallerQuestions::Mandatory,
        },
        how: match fields.raw(HOW) {
            "characters" => CallerCheck::Characters(characters),
            "sees" => CallerCheck::OperatorSees,
            _ => CallerCheck::OperatorTypes,
        },
    };
    HelpdeskPolicy {
        groups: read_roles(fields, GROUPS, config),
        tasks: HelpdeskTask::ALL.into_iter().filter(|task| fields.is_checked(&field(*task))).collect(),
        must_change: if fields.is_checked(CHOOSES) {
            MustChange::OperatorChooses
        } else {
            MustChange::Always
        },
        verification: fields.is_checked(VERIFIES).then_some(verification),
    }
}
