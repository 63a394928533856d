//! *Display CAPTCHA*, with nobody else's help: the browser finds a number that takes work to find, or its user answers a
//! question, and not too quickly.
//!
//! A challenge is a time and a keyed hash of it, the run and the step. So nothing is kept of it, any node can judge it, and it
//! is of use in this run and at this step only, where whoever passed gets no further by passing again.

use crate::extract::Form;
use crate::limits;
use crate::page_error::Failure;
use crate::text;
use crate::view::Problems;
use crate::workflow::{Context, StepView, Verdict};
use passquorum_domain::time::{Span, Timestamp};
use passquorum_domain::workflow::Captcha;
use std::fmt::Write as _;
use subtle::ConstantTimeEq as _;

struct Challenge {
    made_at: Timestamp,
    text: String,
    terms: (u8, u8),
}

impl Challenge {
    fn made_at(context: &Context<'_>, made_at: Timestamp) -> Result<Self, Failure> {
        let place = u32::try_from(context.progress.position).unwrap_or(u32::MAX);
        let drawn = context.progress.draw(&context.app.ports, &format!("captcha {}", made_at.0), place)?;
        let [first, second, proof @ ..] = drawn;
        let mut text = format!("{}.", made_at.0);
        for byte in proof.iter().take(12) {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self { made_at, text, terms: (2 + first % 18, 2 + second % 18) })
    }

    /// The one that a form carries, if it is one of ours for this step.
    fn of(context: &Context<'_>, form: &Form) -> Result<Option<Self>, Failure> {
        let given = form.text("challenge").unwrap_or("");
        let Some(made_at) = given.split('.').next().and_then(|at| at.parse().ok()) else { return Ok(None) };
        let ours = Self::made_at(context, Timestamp(made_at))?;
        let same: bool = ours.text.as_bytes().ct_eq(given.as_bytes()).into();
        Ok(same.then_some(ours))
    }

    /// How long an answer is too early yet.
    fn left(&self, context: &Context<'_>, settings: Captcha) -> Option<Span> {
        let waited = context.app.ports.now().since(self.made_at);
        settings.pause.0.checked_sub(waited.0).filter(|left| *left > 0).map(Span)
    }

    fn is_answered(&self, typed: &str) -> bool {
        let (one, other) = self.terms;
        typed.trim().parse() == Ok(u16::from(one) + u16::from(other))
    }
}

/// The same question as long as it cannot be answered yet, else another one.
pub(super) fn show(
    context: &Context<'_>,
    settings: Captcha,
    form: Option<&Form>,
) -> Result<StepView, Failure> {
    let kept = match form {
        Some(form) => Challenge::of(context, form)?.filter(|kept| kept.left(context, settings).is_some()),
        None => None,
    };
    let challenge = match kept {
        Some(kept) => kept,
        None => Challenge::made_at(context, context.app.ports.now())?,
    };
    Ok(view(settings, challenge.text, challenge.terms))
}

fn view(settings: Captcha, challenge: String, terms: (u8, u8)) -> StepView {
    let pause = u32::try_from(settings.pause.0.div_ceil(1000)).unwrap_or(u32::MAX);
    StepView::Captcha { challenge, bits: settings.difficulty, terms, pause }
}

/// A check that nobody has to pass.
pub(super) fn example(settings: Captcha) -> StepView {
    view(settings, "example".to_owned(), (3, 4))
}

pub(super) async fn run(context: &Context<'_>, settings: Captcha, form: &Form) -> Result<Verdict, Failure> {
    let mut problems = Problems::default();
    let Some(challenge) = Challenge::of(context, form)? else {
        problems.add("", text::CHECK_OVER);
        return Ok(Verdict::Again(problems));
    };
    let given = |field| form.text(field).map(str::trim).filter(|given| !given.is_empty());
    let work = given("work").and_then(|number| number.parse().ok());
    if work.is_some_and(|number| settings.is_solved(&challenge.text, number)) {
        return Ok(Verdict::Passed);
    }
    let Some(sum) = given("sum") else {
        problems.add("sum", text::CHECK_NOT_DONE);
        return Ok(Verdict::Again(problems));
    };
    if let Some(left) = challenge.left(context, settings) {
        problems.add("sum", text::too_early(left));
        return Ok(Verdict::Again(problems));
    }
    if challenge.is_answered(sum) {
        return Ok(Verdict::Passed);
    }
    limits::count_source(&context.app.ports, context.origin).await?;
    problems.add("sum", text::CHECK_WRONG);
    Ok(Verdict::Again(problems))
}
