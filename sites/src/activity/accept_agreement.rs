//! *Display user agreement*: a text that must be accepted before the task goes on. As long as nobody has proved who they
//! are it is the same for everyone but for the name that was typed, so it says nothing about whether the person exists.

use super::Sample;
use crate::extract::Form;
use crate::page_error::Failure;
use crate::text;
use crate::view::Problems;
use crate::workflow::{Context, StepView, Verdict};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::workflow::{AcceptAgreement, AgreementParameter};

pub(super) async fn show(context: &Context<'_>, settings: &AcceptAgreement) -> Result<StepView, Failure> {
    let text = if context.app.ports.consensus.local().level() < FeatureLevel::FOURTH {
        settings.text.clone()
    } else {
        filled(context, settings).await?
    };
    Ok(view(&text))
}

fn view(text: &str) -> StepView {
    let text = text.replace("\r\n", "\n");
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    StepView::Agreement { paragraphs: paragraphs.map(str::to_owned).collect() }
}

/// The text as somebody reads it.
pub(super) fn example(settings: &AcceptAgreement, sample: &Sample<'_>) -> StepView {
    view(&settings.filled(|parameter| match parameter {
        AgreementParameter::AccountName => "jdoe".to_owned(),
        AgreementParameter::DisplayName => "Jane Doe".to_owned(),
        AgreementParameter::WorkflowName => sample.workflow.to_owned(),
        AgreementParameter::OrganisationName => sample.organisation.to_owned(),
    }))
}

async fn filled(context: &Context<'_>, settings: &AcceptAgreement) -> Result<String, Failure> {
    let record = match context.user().filter(|_| context.has_proved()) {
        Some(user) => Some(context.directory(user).await?.read(user).await?),
        None => None,
    };
    let typed = &context.progress.typed;
    Ok(settings.filled(|parameter| match (parameter, &record) {
        (AgreementParameter::AccountName, Some(record)) => record.account.clone(),
        (AgreementParameter::DisplayName, Some(record)) => record.display_name.clone(),
        (AgreementParameter::AccountName | AgreementParameter::DisplayName, None) => typed.clone(),
        (AgreementParameter::WorkflowName, _) => context.progress.name.clone(),
        (AgreementParameter::OrganisationName, _) => context.config().general.organisation.clone(),
    }))
}

pub(super) fn run(form: &Form) -> Verdict {
    if form.text("accept").is_some() {
        return Verdict::Passed;
    }
    let mut problems = Problems::default();
    problems.add("accept", text::ACCEPT_FIRST);
    Verdict::Again(problems)
}
