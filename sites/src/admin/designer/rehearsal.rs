//! The dry run: a draft tried on somebody by name. It tells whom the name means, which policy serves them, what each step
//! would show and what would be done; the directory is read, nothing is changed and nothing is counted but the audit record.

use super::Subject;
use super::catalogue::ActivityKind;
use super::settings;
use crate::admin::edit::Desk;
use crate::admin::fields::Fields;
use crate::admin::inputs::Input;
use crate::admin::policies::PART;
use crate::page_error::Failure;
use crate::people::{self, Person};
use crate::text;
use crate::view::{Page, render};
use crate::workflow::{StepView, Trial, Tried, rehearse};
use askama::Template;
use axum::response::Response;
use passquorum_domain::audit::AuditEvent;
use passquorum_domain::config::{ManagementPolicy, RealmConfig};
use passquorum_domain::directory::{LoginName, UserRecord};
use passquorum_domain::ids::KeyedHash;
use passquorum_domain::lockout::AttemptTarget;
use passquorum_domain::outcome::Rejection;
use passquorum_domain::workflow::{Activity, ResetPassword, Workflow};
use std::sync::Arc;

/// The field with the name of the person.
pub(super) const TESTER: &str = "tester";

/// The input for it.
pub(super) fn tester() -> Input {
    Input::line(TESTER, "Test user", "As people type it, such as jdoe or CORP\\jdoe.", "")
}

#[derive(Template)]
#[template(path = "admin/rehearsal.html")]
struct RehearsalPage {
    page: Page,
    part: &'static str,
    path: String,
    carried: Vec<(String, String)>,
    typed: String,
    found: Found,
}

/// Who the name is.
enum Found {
    /// Nobody, or several.
    NotOne(&'static str),
    /// This person.
    One(Box<Told>),
}

/// What is told of a person.
struct Told {
    dn: String,
    domain: String,
    /// What was found out before the first step: in words, and whether it stands in the way.
    facts: Vec<(String, bool)>,
    steps: Vec<Step>,
    mails: Vec<String>,
}

/// One step in words.
struct Step {
    label: &'static str,
    reached: bool,
    left_out: bool,
    shows: Vec<String>,
    would: Option<String>,
    obstacle: Option<String>,
}

/// Tries a draft under a configuration that has it.
pub(super) async fn page(
    desk: &Desk,
    subject: &Subject,
    draft: &Workflow,
    fields: &Fields,
    (config, name): (RealmConfig, LoginName),
) -> Result<Response, Failure> {
    let typed = fields.text(TESTER);
    let found = found(desk, subject, draft, Arc::new(config), &name).await?;
    let page = RehearsalPage {
        page: desk.page(format!("Dry run of {}", draft.name))?,
        part: PART,
        path: subject.path(),
        carried: super::carried(fields),
        typed,
        found,
    };
    render(&page)
}

async fn found(
    desk: &Desk,
    subject: &Subject,
    draft: &Workflow,
    config: Arc<RealmConfig>,
    name: &LoginName,
) -> Result<Found, Failure> {
    let ports = &desk.app.ports;
    let person = people::find(ports, &config, name).await?;
    let hash = match &person {
        Person::One(ways) => Some(people::subject(ports, ways.guid())?),
        Person::Nobody | Person::Several => None,
    };
    // Before anything that only they and their administrator are to know is read.
    let note = format!("{} of {} on {name}, by {}", draft.name, subject.policy.name, desk.staff.display_name);
    let event = AuditEvent::WorkflowRehearsed(subject.policy.id);
    ports.record(desk.staff.actor(), event, hash, &note).await?;
    let (ways, hash) = match (person, hash) {
        (Person::One(ways), Some(hash)) => (ways, hash),
        (Person::Several, _) => {
            return Ok(Found::NotOne(
                "More than one user has this name. Users would be led on without ever passing.",
            ));
        }
        _ => {
            return Ok(Found::NotOne(
                "No user of a domain has this name. Users would be led on without ever passing.",
            ));
        }
    };
    let served = people::serving(&config, &ways).await?;
    let (serving, way) = served.map_or((None, &ways.first), |(policy, way)| (Some(policy), way));
    let record = &way.record;
    let connection = config.connection(record.user.connection).ok_or(Rejection::NotFound)?;
    let facts = facts(desk, subject, draft, serving, (record, hash)).await?;
    let begins = facts.iter().all(|(_, stops)| !stops);
    let steps = match serving.filter(|serving| serving.id == subject.policy.id) {
        None => Vec::new(),
        Some(serving) => {
            let trial = Trial {
                config: Arc::clone(&config),
                policy: serving.id,
                workflow: draft,
                user: &record.user,
                subject: hash,
                typed: name.to_string(),
                origin: desk.visit.source,
                begins,
            };
            rehearse(&desk.app, trial).await?
        }
    };
    Ok(Found::One(Box::new(Told {
        dn: record.dn.to_string(),
        domain: connection.alias.clone(),
        facts,
        mails: mails(&config, &subject.policy, record, &steps),
        steps: steps.into_iter().map(|tried| step(tried, record)).collect(),
    })))
}

/// What is known before the first step.
async fn facts(
    desk: &Desk,
    subject: &Subject,
    draft: &Workflow,
    serving: Option<&ManagementPolicy>,
    (record, hash): (&UserRecord, KeyedHash),
) -> Result<Vec<(String, bool)>, Failure> {
    let ports = &desk.app.ports;
    let mut facts = vec![match serving {
        None => ("No policy serves them: they would be led on without ever passing.".to_owned(), true),
        Some(policy) if policy.id != subject.policy.id => {
            (format!("The policy {} serves them and not this one.", policy.name), true)
        }
        Some(policy) => (format!("The policy {} serves them.", policy.name), false),
    }];
    if !draft.enabled {
        facts.push(("The workflow is not offered to users, as it is now.".to_owned(), false));
    }
    let now = ports.now();
    if let Some(until) = ports.current().await?.locked_until(AttemptTarget::User(hash), now) {
        facts.push((format!("They are locked out of self-service until {}.", text::utc(until)), true));
    }
    let status = &record.status;
    for (holds, words) in [
        (status.locked, "The domain has locked the account."),
        (status.disabled, "The account is disabled."),
        (status.expired, "The account has expired."),
        (status.must_change_password, "The password must be changed at the next logon, or has expired."),
    ] {
        if holds {
            facts.push((words.to_owned(), false));
        }
    }
    Ok(facts)
}

fn step(tried: Tried, record: &UserRecord) -> Step {
    Step {
        label: ActivityKind::of(&tried.activity).label(),
        reached: tried.reached,
        left_out: tried.left_out,
        shows: tried.view.and_then(Result::ok).map(shown).unwrap_or_default(),
        would: deed(&tried.activity, record).filter(|_| !tried.left_out),
        obstacle: tried.obstacle,
    }
}

/// What a step shows, in short; never an answer.
fn shown(view: StepView) -> Vec<String> {
    let one = |text: &str| vec![text.to_owned()];
    match view {
        StepView::Questions { texts } => texts,
        StepView::Password => one("Enter your password"),
        StepView::Passcode => one("Enter your passcode"),
        StepView::Profile { slots, .. } => vec![format!("Choose your security questions ({})", slots.len())],
        StepView::NewPassword { ask_current: true, .. } => one("Choose a new password, with the current one"),
        StepView::NewPassword { ask_current: false, .. } => one("Choose a new password"),
        StepView::Unlock => one("Unlock your account"),
        StepView::Enable => one("Enable your account"),
        StepView::Agreement { paragraphs } => paragraphs,
        StepView::Captcha { .. } => one("A short check"),
        StepView::Methods { offered } => {
            offered.iter().map(|method| settings::method_label(method).to_owned()).collect()
        }
        StepView::Chosen(view) => shown(*view),
        StepView::MailCode { to, .. } => vec![format!("Get a code by mail, to {to}")],
        StepView::Notifications { offered, .. } => {
            vec![format!("Choose what you are told of ({} sorts)", offered.len())]
        }
    }
}

/// What an activity would do in the directory or the realm.
fn deed(activity: &Activity, record: &UserRecord) -> Option<String> {
    let no_change = |does: &str, needed: bool, why: &str| {
        Some(if needed { does.to_owned() } else { format!("{does} {why}") })
    };
    match activity {
        Activity::ResetPassword(ResetPassword { unlock, must_change }) => {
            let unlocks = if *unlock { ", unlock the account" } else { "" };
            let then = if *must_change { ", and demand another change at the next logon" } else { "" };
            Some(format!("Would set the new password{unlocks}{then}."))
        }
        Activity::ChangePassword(_) => Some("Would change the password.".to_owned()),
        Activity::UnlockAccount(_) => {
            no_change("Would unlock the account.", record.status.locked, "It is not locked now.")
        }
        Activity::EnableAccount(_) => {
            no_change("Would enable the account.", record.status.disabled, "It is not disabled now.")
        }
        Activity::EditProfile(_) => Some("Would write the new Q&A profile.".to_owned()),
        Activity::SubscribeToNotifications(_) => Some("Would keep what they want to be told of.".to_owned()),
        Activity::AuthenticateWithPasscode(_) => Some("Would spend the passcode.".to_owned()),
        Activity::AuthenticateWithMailCode(_) => {
            record.mail.as_ref().map(|address| format!("Would send a code to {address}."))
        }
        Activity::RestartOnError(_) => {
            Some("Would lead back to the first step if what follows fails.".to_owned())
        }
        Activity::AuthenticateWithPassword(_)
        | Activity::AuthenticateWithQuestions(_)
        | Activity::AcceptAgreement(_)
        | Activity::Captcha(_)
        | Activity::AuthenticationMethods(_) => None,
    }
}

/// Who would be told by mail of what is done.
fn mails(
    config: &RealmConfig,
    policy: &ManagementPolicy,
    record: &UserRecord,
    steps: &[Tried],
) -> Vec<String> {
    if !steps.iter().any(|tried| tried.reached && !tried.left_out && tried.activity.acts()) {
        return vec!["None: nothing would be done.".to_owned()];
    }
    let Some(settings) = &config.general.mail else {
        return vec!["None: there is no mail server.".to_owned()];
    };
    let mut mails = Vec::new();
    if policy.notices.user {
        if !policy.optional_notifications().is_empty() {
            mails.push("What the user has turned off is left out.".to_owned());
        }
        mails.push(match &record.mail {
            Some(address) => format!("To the user at {address}."),
            None => "None to the user: there is no address in the directory.".to_owned(),
        });
    }
    if policy.notices.administrators {
        mails.extend(
            settings
                .administrators
                .iter()
                .map(|address| format!("To the administrators at {}.", address.as_str())),
        );
    }
    if mails.is_empty() {
        mails.push("None: the policy tells nobody.".to_owned());
    }
    mails
}
