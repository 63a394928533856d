//! *Display user agreement*: a text that must be accepted before the task goes on. It is the same for everyone, so it says
//! nothing about whether the person exists.

use crate::extract::Form;
use crate::text;
use crate::view::Problems;
use crate::workflow::{StepView, Verdict};
use passquorum_domain::workflow::AcceptAgreement;

pub(super) fn show(settings: &AcceptAgreement) -> StepView {
    let text = settings.text.replace("\r\n", "\n");
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    StepView::Agreement { paragraphs: paragraphs.map(str::to_owned).collect() }
}

pub(super) fn run(form: &Form) -> Verdict {
    if form.text("accept").is_some() {
        return Verdict::Passed;
    }
    let mut problems = Problems::default();
    problems.add("accept", text::ACCEPT_FIRST);
    Verdict::Again(problems)
}
