//! *Authentication methods*: the user chooses a way to prove who they are. What is offered is the same for everyone, so it
//! says nothing about whether the person exists. Every try counts for the person, whichever way it is made.

use crate::extract::Form;
use crate::text;
use crate::view::Problems;
use crate::workflow::{Context, StepView, Verdict, Within};
use passquorum_domain::workflow::{AuthenticationMethod, AuthenticationMethods};

/// The field of the button that leads back to the choice.
const OTHER: &str = "other";

/// The method that was chosen.
pub(super) fn chosen<'m>(
    context: &Context<'_>,
    methods: &'m AuthenticationMethods,
) -> Option<&'m AuthenticationMethod> {
    context.progress.within.method.and_then(|place| methods.offered.get(usize::from(place)))
}

pub(super) fn show(methods: &AuthenticationMethods) -> StepView {
    StepView::Methods { offered: methods.offered.clone() }
}

pub(super) fn run(context: &Context<'_>, methods: &AuthenticationMethods, form: &Form) -> Verdict {
    let place = form.text("method").and_then(|place| place.parse::<u8>().ok());
    match place.filter(|place| usize::from(*place) < methods.offered.len()) {
        Some(place) => Verdict::Stays(Within { method: Some(place), ..context.progress.within }),
        None => {
            let mut problems = Problems::default();
            problems.add("method", text::CHOOSE_METHOD);
            Verdict::Again(problems)
        }
    }
}

/// Where a form leads whose user would rather take another method. A code that is under way stays so.
pub(super) fn back(context: &Context<'_>, form: &Form) -> Option<Verdict> {
    form.text(OTHER).map(|_| Verdict::Stays(Within { method: None, ..context.progress.within }))
}
