//! A workflow that is being composed. It travels in the form: every press sends all of it, and nothing is kept before it is
//! saved.

use super::catalogue::{self, ActivityKind};
use crate::admin::fields::Fields;
use crate::admin::inputs::Input;
use passquorum_domain::config::Problem;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::workflow::{Activity, Workflow, WorkflowProblem};

/// What an administrator pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Press {
    /// Nothing that changes it: the page again.
    Show,
    /// Add an activity: at this place, or as the last.
    Add(ActivityKind, Option<usize>),
    /// Put an activity in another place.
    Move { from: usize, to: usize },
    /// Take an activity out.
    Remove(usize),
    /// Save it.
    Save,
    /// See one of its pages as the user will; the page for the name is 0.
    Preview(usize),
    /// Try it on somebody without changing anything.
    Rehearse,
}

impl Press {
    /// Reads a button's value, such as `add.reset`, `add.reset.0` or `move.2.1`.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split('.');
        let verb = parts.next()?;
        let rest: Vec<&str> = parts.collect();
        let place = |index: usize| rest.get(index).and_then(|part| part.parse().ok());
        Some(match (verb, rest.as_slice()) {
            ("" | "show", []) => Self::Show,
            ("add", [kind]) => Self::Add(ActivityKind::parse(kind)?, None),
            ("add", [kind, _]) => Self::Add(ActivityKind::parse(kind)?, Some(place(1)?)),
            ("move", [_, _]) => Self::Move { from: place(0)?, to: place(1)? },
            ("remove", [_]) => Self::Remove(place(0)?),
            ("save", []) => Self::Save,
            ("preview", [_]) => Self::Preview(place(0)?),
            ("try", []) => Self::Rehearse,
            _ => return None,
        })
    }
}

/// What a press did to the list.
pub(super) struct Done {
    /// The activity that it was about, where it is now.
    pub(super) at: Option<usize>,
    /// In words.
    pub(super) told: String,
}

/// Does to the list what a press says; nothing where there is nothing to do.
pub(super) fn carry_out(activities: &mut Vec<Activity>, press: Press) -> Option<Done> {
    let (last, label) = (activities.len(), |activity: &Activity| ActivityKind::of(activity).label());
    match press {
        Press::Add(kind, place) => {
            let at = place.unwrap_or(last).min(last);
            activities.insert(at, kind.blank());
            let told = format!("Added “{}” in place {} of {}.", kind.label(), at + 1, activities.len());
            Some(Done { at: Some(at), told })
        }
        Press::Move { from, to } if from < last && to < last && from != to => {
            let moved = activities.remove(from);
            let told = format!("Moved “{}” to place {} of {last}.", label(&moved), to + 1);
            activities.insert(to, moved);
            Some(Done { at: Some(to), told })
        }
        Press::Remove(place) if place < last => {
            let told = format!("Removed “{}”.", label(&activities.remove(place)));
            Some(Done { at: None, told })
        }
        _ => None,
    }
}

/// How the inputs of an activity begin.
pub(super) fn prefix(place: usize) -> String {
    format!("a.{place}")
}

/// The inputs about the workflow as a whole that a realm at this level may have.
pub(super) fn about(workflow: &Workflow, level: FeatureLevel) -> Vec<Input> {
    let mut inputs = vec![
        Input::line("name", "Name", "What people see. 1 to 100 characters.", &workflow.name),
        Input::line("description", "Description", "What it does, for people.", &workflow.description),
        Input::check("enabled", "Offered to users", "Otherwise nobody can start it.", workflow.enabled),
    ];
    if level >= FeatureLevel::FOURTH {
        inputs.push(Input::check(
            "hidden",
            "Keep it off the front page",
            "Whoever has its address can start it all the same.",
            workflow.hidden,
        ));
    }
    inputs
}

/// The workflow as it was sent, under the id and kind of `base`.
pub(super) fn read(fields: &mut Fields, base: &Workflow) -> Workflow {
    let mut activities = Vec::new();
    while let Some(kind) = ActivityKind::parse(fields.raw(&format!("{}.kind", prefix(activities.len())))) {
        let at = prefix(activities.len());
        activities.push(catalogue::read(fields, &at, kind));
    }
    Workflow {
        id: base.id,
        kind: base.kind,
        name: fields.text("name"),
        description: fields.text("description"),
        enabled: fields.is_checked("enabled"),
        hidden: fields.is_checked("hidden"),
        activities,
    }
}

/// What is wrong with the list, under the names of what it is about: an activity, or one of its inputs.
pub(super) fn problems(workflow: &Workflow, level: FeatureLevel) -> Vec<Problem> {
    let of = |place: &usize, input: &str| format!("{}{input}", prefix(place.saturating_sub(1)));
    let field = |problem: &WorkflowProblem| match problem {
        WorkflowProblem::Empty | WorkflowProblem::NoAction => String::new(),
        WorkflowProblem::ActsUnauthenticated(place)
        | WorkflowProblem::NeedsPassword(place)
        | WorkflowProblem::SecondAction(place)
        | WorkflowProblem::RestartsNothing(place) => of(place, ""),
        WorkflowProblem::AgreementLength(place) => of(place, ".text"),
        WorkflowProblem::CaptchaBounds(place) => of(place, ".difficulty"),
        WorkflowProblem::NoChoice(place) => of(place, ".place.questions"),
        WorkflowProblem::MailCodeBounds(place) => of(place, ".digits"),
        WorkflowProblem::NothingToTurnOff(place) => of(place, ".offered.password"),
        WorkflowProblem::AsksNothing(place) => of(place, ".ask"),
    };
    let problems = workflow.problems(level);
    problems.iter().map(|problem| Problem { field: field(problem), message: problem.to_string() }).collect()
}

/// The configuration's problems with this workflow under the names of the form's inputs; those of [`problems`] left out.
pub(super) fn located(found: Vec<Problem>, place: usize) -> Vec<Problem> {
    let own = format!(".workflows[{place}].");
    let input = |problem: Problem| {
        let Some((_, path)) = problem.field.split_once(&own) else { return Some(problem) };
        if path == "activities" {
            return None;
        }
        let of_activity = path.strip_prefix("activities[").and_then(|rest| rest.split_once("]."));
        let field = match of_activity {
            None if path.starts_with("activities[") => {
                path.replace("activities[", "a.").trim_end_matches(']').to_owned()
            }
            Some((place, "from")) => format!("a.{place}.from.mandatory"),
            Some((place, input)) => format!("a.{place}.{input}"),
            None => path.to_owned(),
        };
        Some(Problem { field, ..problem })
    };
    found.into_iter().filter_map(input).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(activities: &[Activity]) -> Vec<&'static str> {
        activities.iter().map(|activity| ActivityKind::of(activity).key()).collect()
    }

    #[test]
    fn a_press_says_what_it_does_and_nonsense_is_none() {
        assert_eq!(Press::parse("add.reset.0"), Some(Press::Add(ActivityKind::Reset, Some(0))));
        assert_eq!(Press::parse("move.2.1"), Some(Press::Move { from: 2, to: 1 }));
        assert_eq!(Press::parse(""), Some(Press::Show));
        for nonsense in ["add", "add.nothing", "move.1", "move.1.x", "remove.-1", "save.1", "burn"] {
            assert_eq!(Press::parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn activities_are_added_moved_and_taken_out() {
        let mut list = Vec::new();
        let mut press = |value: &str| {
            let done = carry_out(&mut list, Press::parse(value).unwrap()).map(|done| (done.at, done.told));
            (done, names(&list).join(" "))
        };
        assert_eq!(press("add.reset").1, "reset");
        assert_eq!(press("add.questions.0").1, "questions reset");
        assert_eq!(press("add.unlock.99").1, "questions reset unlock");
        let (done, list) = press("move.2.1");
        assert_eq!(done, Some((Some(1), "Moved “Unlock account” to place 2 of 3.".to_owned())));
        assert_eq!(list, "questions unlock reset");
        assert_eq!(press("move.0.2").1, "unlock reset questions");
        assert_eq!(
            press("remove.1"),
            (Some((None, "Removed “Reset password”.".to_owned())), "unlock questions".to_owned())
        );
        for nothing in ["move.0.2", "move.2.0", "move.1.1", "remove.2", "show"] {
            assert_eq!(press(nothing), (None, "unlock questions".to_owned()), "{nothing}");
        }
    }
}
