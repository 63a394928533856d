//! *Authenticate with Q&A*, asked by an operator: the caller's mandatory questions are read out, and the operator types what
//! the caller says. No answer is ever shown, not even whether one of several was right.
//!
//! Invariants: an attempt is committed as counted before an answer is looked at, on the same counter as the person's own; a
//! verification is in the audit before it is of use, holds for one operator, one person and one browser, and no longer than
//! the policy says. It is a sealed cookie, so that every node takes it.

use super::desk::{Desk, Said};
use super::standing::Caller;
use crate::attempt;
use crate::extract::Form;
use crate::page_error::Failure;
use crate::ports::Ports;
use crate::profile_store::Stored;
use crate::session::Cell;
use crate::text;
use crate::view::Problems;
use axum::response::Response;
use http::header;
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::config::ManagementPolicy;
use passquorum_domain::helpdesk::Verification;
use passquorum_domain::ids::{KeyedHash, PolicyId};
use passquorum_domain::ports::Purpose;
use passquorum_domain::qa::{QaProfile, QuestionOrigin};
use passquorum_domain::time::{Span, Timestamp};
use passquorum_domain::workflow::QuestionSort;
use serde::{Deserialize, Serialize};

/// Which questions are drawn changes once a day, and not with the operator, so that nobody gets others by asking again.
const DRAW: Span = Span::hours(24);
/// How long after midnight those of the day before are still taken.
const ROUND_MIDNIGHT: Span = Span::minutes(15);

/// That an operator has verified a caller.
#[derive(Serialize, Deserialize)]
struct Verified {
    operator: KeyedHash,
    person: KeyedHash,
    policy: PolicyId,
    questions: u32,
    at: Timestamp,
}

impl Verified {
    /// Whether it is of use for what the policy asks by now.
    fn suffices(&self, policy: &ManagementPolicy, settings: Verification, now: Timestamp) -> bool {
        self.policy == policy.id
            && self.questions >= settings.questions
            && now < self.at.plus(settings.valid_for)
    }
}

/// What is asked.
pub(super) struct Sheet {
    /// The day that the draw is of; the form brings it back.
    pub(super) day: u64,
    pub(super) texts: Vec<String>,
    places: Vec<usize>,
    profile: QaProfile,
}

/// How it stands with the caller.
pub(super) fn caller(
    desk: &Desk,
    policy: &ManagementPolicy,
    person: KeyedHash,
    stored: Stored,
) -> Result<Caller, Failure> {
    let (ports, visit) = (&desk.app.ports, &desk.visit);
    let Some(settings) = policy.helpdesk.verification else { return Ok(Caller::AsTheOperatorJudges) };
    let held: Option<(Timestamp, Verified)> = Cell::Verified.read(ports, visit.browser, &visit.headers);
    let same = |(_, held): &(Timestamp, Verified)| {
        held.operator == desk.staff.subject
            && held.person == person
            && held.suffices(policy, settings, ports.now())
    };
    if let Some((until, _)) = held.filter(same) {
        return Ok(Caller::Verified(text::utc(until)));
    }
    let day = ports.now().0 / DRAW.0;
    let sheet = match stored.profile() {
        Some(profile) => sheet(ports, policy, settings, person, day, profile)?,
        None => None,
    };
    Ok(sheet.map_or(Caller::CannotBe, Caller::ToVerify))
}

/// The questions of one day; none when the profile has fewer mandatory ones than are to be asked.
fn sheet(
    ports: &Ports,
    policy: &ManagementPolicy,
    settings: Verification,
    person: KeyedHash,
    day: u64,
    profile: QaProfile,
) -> Result<Option<Sheet>, Failure> {
    let mut ranked = Vec::new();
    for (place, entry) in profile.entries.iter().enumerate() {
        let QuestionOrigin::Listed(id) = entry.question.origin else { continue };
        if policy.qa.sort_of(&entry.question.origin) == Some(QuestionSort::Mandatory) {
            let data = format!("passquorum verification {person} {day} {id}");
            ranked.push((ports.vault.keyed_hash(Purpose::Session, data.as_bytes())?, place));
        }
    }
    let wanted = settings.questions as usize;
    if wanted == 0 || ranked.len() < wanted {
        return Ok(None);
    }
    ranked.sort_unstable_by_key(|(rank, _)| *rank);
    let mut places: Vec<usize> = ranked.into_iter().map(|(_, place)| place).take(wanted).collect();
    places.sort_unstable();
    let text = |place: &usize| profile.entries.get(*place).map(|entry| entry.question.text.clone());
    let texts = places.iter().filter_map(text).collect();
    Ok(Some(Sheet { day, texts, places, profile }))
}

/// Takes what the caller said.
pub(super) async fn verify(desk: Desk, form: Form) -> Result<Response, Failure> {
    let user = desk.seen(&form).await?;
    let (ports, policy, person) = (&desk.app.ports, &user.policy, user.subject);
    let (Caller::ToVerify(present), Some(settings)) = (&user.caller, policy.helpdesk.verification) else {
        return Err(Failure::bad_input("There is nothing to verify: find the user anew."));
    };
    // Whoever began before midnight is judged by what was asked.
    let day = form.text("day").and_then(|day| day.parse().ok()).unwrap_or(present.day);
    let is_just_over = ports.now().0 % DRAW.0 < ROUND_MIDNIGHT.0;
    let before = present.day.saturating_sub(u64::from(is_just_over));
    let day = day.clamp(before, present.day);
    let asked = sheet(ports, policy, settings, person, day, present.profile.clone())?;
    let Sheet { places, profile, .. } =
        asked.ok_or_else(|| Failure::internal("a sheet that was there is gone"))?;
    let mut problems = Problems::default();
    let fields = (0..places.len()).map(|place| format!("answer-{place}"));
    let answers: Vec<_> = fields.filter_map(|field| problems.take(&field, form.answer(&field))).collect();
    if !problems.is_empty() {
        return desk.page(user, Said::wrong(problems));
    }
    let (actor, note) = (desk.staff.actor(), desk.note(&user));
    let counted = attempt::count_for(ports, Some(actor.clone()), person, Some(policy.id), &note).await?;
    let right = desk.app.hasher.run(move || profile.verify(&places, &answers)).await??;
    let right = !right.is_empty() && right.iter().all(|right| *right);
    counted.decide(ports, right).await?;
    if !right {
        problems.add("", counted.left_after(text::CALLER_NOT_VERIFIED, policy, &desk.app)?);
        return desk.page(desk.seen_again(&form, user).await, Said::wrong(problems));
    }
    let at = ports.now();
    let until = at.plus(settings.valid_for);
    ports.record(actor, AuditEvent::CallerVerified { until }, Some(person), &note).await?;
    let (operator, questions) = (desk.staff.subject, settings.questions);
    let verified = (until, Verified { operator, person, policy: policy.id, questions, at });
    let cookie = Cell::Verified.keep(ports, desk.visit.browser, until, &verified)?;
    let mut user = desk.seen_again(&form, user).await;
    user.caller = Caller::Verified(text::utc(until));
    let mut response = desk.page(user, Said::good("The caller is verified."))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}
