//! How it stands with a caller: what they are to be asked, and whether this operator has verified them already.
//!
//! Invariants: which questions and which characters are drawn changes once a day and not with the operator, so that nobody
//! gets others by asking again; the answers of whoever may use the Admin or the Helpdesk site are shown to nobody.

use super::desk::Desk;
use crate::kept_answers;
use crate::locale::Key;
use crate::page_error::Failure;
use crate::ports::Ports;
use crate::session::Cell;
use crate::text;
use crate::view::Page;
use passquorum_domain::config::ManagementPolicy;
use passquorum_domain::directory::ObjectGuid;
use passquorum_domain::helpdesk::{CallerCheck, Verification};
use passquorum_domain::ids::{KeyedHash, PolicyId};
use passquorum_domain::ports::Purpose;
use passquorum_domain::qa::{QaProfile, QuestionOrigin};
use passquorum_domain::secret::Answer;
use passquorum_domain::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How long a draw holds.
pub(super) const DRAW: Span = Span::hours(24);

/// Whether the caller has to be verified.
pub(super) enum Caller {
    /// The policy leaves that to the operator.
    AsTheOperatorJudges,
    /// Verified by this operator, until then.
    Verified(String),
    /// To be verified with these questions.
    ToVerify(Sheet),
    /// The operator sees these questions with their answers, and says whether the caller knows them.
    Shown(Vec<(String, Zeroizing<String>)>),
    /// To be verified, but there are not enough questions to do it with.
    CannotBe,
}

/// Whom an operator deals with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pair {
    pub(super) operator: KeyedHash,
    pub(super) person: KeyedHash,
    pub(super) policy: PolicyId,
}

/// That an operator has verified a caller.
#[derive(Serialize, Deserialize)]
pub(super) struct Verified {
    pub(super) pair: Pair,
    pub(super) by: Verification,
    pub(super) at: Timestamp,
}

impl Verified {
    /// Whether it is of use for what the policy asks by now.
    fn suffices(&self, settings: Verification, now: Timestamp) -> bool {
        let by = Verification { questions: settings.questions, valid_for: settings.valid_for, ..self.by };
        by == settings && self.by.questions >= settings.questions && now < self.at.plus(settings.valid_for)
    }
}

/// What is asked.
pub(super) struct Sheet {
    /// The day that the draw is of; the form brings it back.
    pub(super) day: u64,
    pub(super) settings: Verification,
    pub(super) asked: Vec<Asked>,
    pub(super) person: Person,
}

/// One question of a sheet.
pub(super) struct Asked {
    pub(super) text: String,
    /// Where in the profile it stands.
    pub(super) place: usize,
    /// The characters that are asked for, counted from 1; none for the whole answer.
    pub(super) characters: Vec<usize>,
    /// The answer, where it is compared or shown as it is.
    pub(super) kept: Option<Answer>,
}

/// Whose answers are asked for.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) subject: KeyedHash,
    pub(super) guid: ObjectGuid,
    pub(super) profile: QaProfile,
}

impl Sheet {
    /// Whether the operator is shown the answers.
    pub(super) fn shows(&self) -> bool {
        self.settings.how == CallerCheck::OperatorSees
    }

    /// Whether characters of the answers are asked for.
    pub(super) fn asks_characters(&self) -> bool {
        matches!(self.settings.how, CallerCheck::Characters(_))
    }
}

impl Asked {
    /// What the field of a form is called: the question, or which characters of its answer.
    pub(super) fn label(&self, page: &Page) -> String {
        let question = page.written(&self.text);
        let numbers: Vec<_> = self.characters.iter().map(ToString::to_string).collect();
        match numbers.split_last() {
            None => question,
            Some((only, [])) => {
                page.say(&Key("verify-one-character").with("number", only).with("question", question))
            }
            Some((last, rest)) => {
                let message = Key("verify-these-characters").with("numbers", rest.join(", "));
                page.say(&message.with("last", last).with("question", question))
            }
        }
    }

    /// The characters that are asked for.
    pub(super) fn expected(&self) -> Option<Zeroizing<String>> {
        let letters = letters(self.kept.as_ref()?);
        let wanted = |place: &usize| place.checked_sub(1).and_then(|place| letters.chars().nth(place));
        Some(self.characters.iter().filter_map(wanted).collect::<String>().into())
    }
}

/// An answer as its characters are counted: as it is compared, without spaces.
pub(super) fn letters(answer: &Answer) -> Zeroizing<String> {
    Zeroizing::new(answer.normalized().chars().filter(|letter| *letter != ' ').collect())
}

/// What a policy asks of a caller. Nobody is shown the answers of staff, who are asked for the whole ones instead: with them
/// an operator could become an administrator.
pub(super) fn settings(policy: &ManagementPolicy, is_staff: bool) -> Option<Verification> {
    let settings = policy.helpdesk.verification?;
    let is_hidden = is_staff && settings.how == CallerCheck::OperatorSees;
    Some(if is_hidden { Verification { how: CallerCheck::OperatorTypes, ..settings } } else { settings })
}

/// How it stands with the caller; `person` is none where no profile is there that counts.
pub(super) fn caller(
    desk: &Desk,
    policy: &ManagementPolicy,
    subject: KeyedHash,
    is_staff: bool,
    person: Option<Person>,
) -> Result<Caller, Failure> {
    let (ports, visit) = (&desk.app.ports, &desk.visit);
    let Some(settings) = settings(policy, is_staff) else { return Ok(Caller::AsTheOperatorJudges) };
    let held: Option<(Timestamp, Verified)> = Cell::Verified.read(ports, visit.browser, &visit.headers);
    let pair = Pair { operator: desk.staff.subject, person: subject, policy: policy.id };
    let same = |(_, held): &(Timestamp, Verified)| held.pair == pair && held.suffices(settings, ports.now());
    if let Some((until, _)) = held.filter(same) {
        return Ok(Caller::Verified(text::utc(until)));
    }
    let day = ports.now().0 / DRAW.0;
    let sheet = match person {
        Some(person) => sheet(ports, policy, settings, day, person)?,
        None => None,
    };
    Ok(sheet.map_or(Caller::CannotBe, Caller::ToVerify))
}

/// The questions of one day; none when the profile has fewer than are to be asked.
pub(super) fn sheet(
    ports: &Ports,
    policy: &ManagementPolicy,
    settings: Verification,
    day: u64,
    person: Person,
) -> Result<Option<Sheet>, Failure> {
    let draw = |what: String| {
        let data = format!("passquorum verification {} {day} {what}", person.subject);
        ports.vault.keyed_hash(Purpose::Session, data.as_bytes())
    };
    let mut ranked = Vec::new();
    for (place, entry) in person.profile.entries.iter().enumerate() {
        let QuestionOrigin::Listed(id) = entry.question.origin else { continue };
        let is_asked =
            policy.qa.kind_of(&entry.question.origin).is_some_and(|kind| settings.from.include(kind));
        let kept =
            settings.how.needs_kept_answers().then(|| kept_answers::open(&*ports.vault, person.guid, entry));
        if !is_asked || matches!(kept, Some(None)) {
            continue;
        }
        let kept = kept.flatten();
        let mut characters = Vec::new();
        if let (CallerCheck::Characters(wanted), Some(kept)) = (settings.how, &kept) {
            let count = letters(kept).chars().count();
            let places = (1..=count).map(|place| Ok((draw(format!("{id} {place}"))?, place)));
            let mut places = places.collect::<Result<Vec<_>, Failure>>()?;
            places.sort_unstable();
            // Never all of them, where there is more than one.
            let most = (wanted as usize).min(count.saturating_sub(1).max(1));
            characters = places.into_iter().map(|(_, place)| place).take(most).collect();
            characters.sort_unstable();
        }
        let text = policy.qa.text_of(&entry.question).to_owned();
        ranked.push((draw(id.to_string())?, Asked { text, place, characters, kept }));
    }
    let wanted = settings.questions as usize;
    if wanted == 0 || ranked.len() < wanted {
        return Ok(None);
    }
    ranked.sort_unstable_by_key(|(rank, _)| *rank);
    let mut asked: Vec<Asked> = ranked.into_iter().map(|(_, asked)| asked).take(wanted).collect();
    asked.sort_unstable_by_key(|asked| asked.place);
    Ok(Some(Sheet { day, settings, asked, person }))
}
