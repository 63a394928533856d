//! *Authenticate with Q&A*, asked by an operator: questions are read out, and what the caller says is held against the profile.
//! The operator types the whole answer, or some of its characters; or is shown the answers and says whether the caller knows
//! them. Where answers are typed none is ever shown, not even whether one of several was right.
//!
//! Invariants: an attempt is committed as counted before an answer is looked at or shown, on the same counter as the person's
//! own; that answers are shown is in the audit before they are; a verification is in the audit before it is of use, holds
//! for one operator, one person and one browser, and no longer than the policy says. It is a sealed cookie, so that every
//! node takes it.

use super::caller::{self, Caller, DRAW, Pair, Sheet, Verified, letters};
use super::desk::{Desk, Said};
use super::standing::Standing;
use crate::attempt::{self, Counted};
use crate::extract::Form;
use crate::locale::Key;
use crate::page_error::Failure;
use crate::session::Cell;
use crate::text;
use crate::view::Problems;
use axum::response::Response;
use http::header;
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::helpdesk::{CallerCheck, Verification};
use passquorum_domain::secret::Answer;
use passquorum_domain::time::{Span, Timestamp};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// How long after midnight the questions of the day before are still taken.
const ROUND_MIDNIGHT: Span = Span::minutes(15);
/// How long an operator may take to compare answers that were shown.
const COMPARING: Span = Span::minutes(10);

/// Takes what the caller said.
pub(super) async fn verify(desk: Desk, form: Form) -> Result<Response, Failure> {
    let user = desk.seen(&form).await?;
    let Caller::ToVerify(present) = &user.caller else { return Err(nothing_to_verify()) };
    let settings = present.settings;
    if settings.how == CallerCheck::OperatorSees {
        return judge(desk, form, user, settings).await;
    }
    let ports = &desk.app.ports;
    let Sheet { asked, person, .. } = begun(&desk, &user, present, &form)?;
    let mut problems = Problems::default();
    let fields = (0..asked.len()).map(|place| format!("answer-{place}"));
    let answers: Vec<_> = fields.filter_map(|field| problems.take(&field, form.answer(&field))).collect();
    if !problems.is_empty() {
        return desk.page(user, Said::wrong(problems));
    }
    let counted = count(&desk, &user).await?;
    let right = match settings.how {
        CallerCheck::Characters(_) => {
            let expected: Vec<_> = asked.iter().map(caller::Asked::expected).collect();
            expected
                .iter()
                .zip(&answers)
                .map(|(expected, given)| is_right(expected.as_ref(), given))
                .collect()
        }
        CallerCheck::OperatorTypes | CallerCheck::OperatorSees => {
            let places: Vec<_> = asked.iter().map(|asked| asked.place).collect();
            desk.app.hasher.run(move || person.profile.verify(&places, &answers)).await??
        }
    };
    let right = !right.is_empty() && right.iter().all(|right| *right);
    counted.decide(ports, right).await?;
    if right { verified(desk, form, user, settings).await } else { refused(desk, form, user, &counted).await }
}

fn is_right(expected: Option<&Zeroizing<String>>, given: &Answer) -> bool {
    expected.is_some_and(|expected| bool::from(expected.as_bytes().ct_eq(letters(given).as_bytes())))
}

/// Shows the answers.
pub(super) async fn show_answers(desk: Desk, form: Form) -> Result<Response, Failure> {
    let mut user = desk.seen(&form).await?;
    let Caller::ToVerify(present) = &user.caller else { return Err(nothing_to_verify()) };
    if !present.shows() {
        return Err(nothing_to_verify());
    }
    let present_settings = present.settings;
    let Sheet { asked, .. } = begun(&desk, &user, present, &form)?;
    let ports = &desk.app.ports;
    let counted = count(&desk, &user).await?;
    let answers = u32::try_from(asked.len()).unwrap_or(u32::MAX);
    let event = AuditEvent::AnswersShown { answers };
    ports.record(desk.staff.actor(), event, Some(user.subject), &desk.note(&user)).await?;
    let until = ports.now().plus(COMPARING);
    let cookie = Cell::Shown.keep(
        ports,
        desk.visit.browser,
        until,
        &(pair(&desk, &user), present_settings, counted),
    )?;
    let shown = asked.into_iter().filter_map(|asked| {
        let answer = asked.kept?.expose().to_owned();
        Some((asked.text, Zeroizing::new(answer)))
    });
    user.caller = Caller::Shown(shown.collect());
    let mut response = desk.page(user, Said::default())?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Takes what the operator says of a caller whose answers they were shown.
async fn judge(desk: Desk, form: Form, user: Standing, settings: Verification) -> Result<Response, Failure> {
    let (ports, visit) = (&desk.app.ports, &desk.visit);
    let held: Option<(Pair, Verification, Counted)> = Cell::Shown.read(ports, visit.browser, &visit.headers);
    let same = |(of, by, _): &(Pair, Verification, Counted)| *of == pair(&desk, &user) && *by == settings;
    let Some((.., counted)) = held.filter(same) else {
        return Err(nothing_to_verify());
    };
    let knows = match form.text("knows") {
        Some("yes") => true,
        Some("no") => false,
        _ => return Err(nothing_to_verify()),
    };
    match counted.settle(ports, knows).await {
        // Said before: who was refused is not verified by going back.
        Err(failure) if failure.code == ErrorCode::NotFound => Err(nothing_to_verify()),
        Err(failure) => Err(failure),
        Ok(()) if knows => verified(desk, form, user, settings).await,
        Ok(()) => refused(desk, form, user, &counted).await,
    }
}

fn nothing_to_verify() -> Failure {
    Failure::bad_input(Key("verify-nothing"))
}

fn pair(desk: &Desk, user: &Standing) -> Pair {
    Pair { operator: desk.staff.subject, person: user.subject, policy: user.policy.id }
}

/// The sheet that the form is of: whoever began before midnight is judged by what was asked.
fn begun(desk: &Desk, user: &Standing, present: &Sheet, form: &Form) -> Result<Sheet, Failure> {
    let ports = &desk.app.ports;
    let day = form.text("day").and_then(|day| day.parse().ok()).unwrap_or(present.day);
    let is_just_over = ports.now().0 % DRAW.0 < ROUND_MIDNIGHT.0;
    let before = present.day.saturating_sub(u64::from(is_just_over));
    let day = day.clamp(before, present.day);
    let sheet = caller::sheet(ports, &user.policy, present.settings, day, present.person.clone())?;
    sheet.ok_or_else(|| Failure::internal("a sheet that was there is gone"))
}

async fn count(desk: &Desk, user: &Standing) -> Result<Counted, Failure> {
    let (actor, note) = (Some(desk.staff.actor()), desk.note(user));
    attempt::count_for(&desk.app.ports, actor, user.subject, Some(user.policy.id), &note).await
}

async fn refused(desk: Desk, form: Form, user: Standing, counted: &Counted) -> Result<Response, Failure> {
    let mut problems = Problems::default();
    problems.add("", counted.left_after(text::CALLER_NOT_VERIFIED, &user.policy, &desk.app)?);
    desk.page(desk.seen_again(&form, user).await, Said::wrong(problems))
}

async fn verified(desk: Desk, form: Form, user: Standing, by: Verification) -> Result<Response, Failure> {
    let ports = &desk.app.ports;
    let at = ports.now();
    let until = at.plus(by.valid_for);
    let event = AuditEvent::CallerVerified { until };
    ports.record(desk.staff.actor(), event, Some(user.subject), &desk.note(&user)).await?;
    let held: (Timestamp, Verified) = (until, Verified { pair: pair(&desk, &user), by, at });
    let cookie = Cell::Verified.keep(ports, desk.visit.browser, until, &held)?;
    let mut user = desk.seen_again(&form, user).await;
    user.caller = Caller::Verified(text::utc(until));
    let mut response = desk.page(user, Said::good(Key("caller-verified")))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}
