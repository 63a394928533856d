//! The tasks of one button: the lock of wrong answers, which is in the log, and what is one change in the directory. Those
//! are done under a ticket, as the person's own are, so that each form is carried out once and its outcome is known.

use super::desk::{Desk, Said};
use super::standing::Standing;
use crate::extract::Form;
use crate::locale::Key;
use crate::notify::{self, Notice};
use crate::page_error::Failure;
use crate::profile_store::{self, Registered, Stored};
use crate::workflow::{Deed, TicketEnd, carry_out};
use axum::response::Response;
use passquorum_domain::command::Action;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::helpdesk::HelpdeskTask;
use passquorum_domain::ids::TicketId;
use passquorum_domain::mail::MailTemplate;
use passquorum_domain::ports::{DirectoryError, Purpose};
use passquorum_domain::profile::RequirementsDigest;
use passquorum_domain::ticket::TicketKind;

const NO_LOCK: Key = Key("no-lock");
/// Longest name of a form that is taken.
const MOST: usize = 64;

/// How a task is known: in the log, to administrators, to the person, and on the page.
pub(super) struct Known {
    pub(super) kind: TicketKind,
    pub(super) task: &'static str,
    pub(super) mail: MailTemplate,
}

/// Lifts the lock of the person whom the operator saw.
pub(super) async fn lift_lock(desk: Desk, form: Form) -> Result<Response, Failure> {
    let user = desk.helped(&form, HelpdeskTask::UnlockProfile).await?;
    if user.locked.is_none() {
        return desk.page(user, Said::good(NO_LOCK));
    }
    let (ports, actor) = (&desk.app.ports, desk.staff.actor());
    let detail = Some(ports.seal_detail(&desk.note(&user))?);
    let notice = match ports.commit_with(actor.clone(), Action::LiftLock(user.subject), detail).await {
        Ok(_) => {
            let whom = (&user.record, user.subject);
            notify::helped(ports, actor, &user.policy, whom, MailTemplate::LockLifted).await;
            Key("lock-lifted")
        }
        Err(failure) if failure.code == ErrorCode::NotFound => NO_LOCK,
        Err(failure) => return Err(failure),
    };
    desk.page(desk.seen_again(&form, user).await, Said::good(notice))
}

/// Does one change in the directory for the person whom the operator saw.
pub(super) async fn act(desk: Desk, form: Form, task: HelpdeskTask) -> Result<Response, Failure> {
    let user = desk.helped(&form, task).await?;
    let who = user.record.user.clone();
    let directory = desk.app.ports.directories.open(who.connection).await?;
    let (end, notice) = match task {
        HelpdeskTask::UnlockAccount => {
            let known = Known {
                kind: TicketKind::Unlock,
                task: "Helpdesk: unlock account",
                mail: MailTemplate::HelpdeskUnlocked,
            };
            let work = async move { directory.unlock(&who).await };
            (under_ticket(&desk, &form, &user, known, work).await?, Key("account-unlocked"))
        }
        HelpdeskTask::EnableAccount => {
            let known = Known {
                kind: TicketKind::Enable,
                task: "Helpdesk: enable account",
                mail: MailTemplate::HelpdeskEnabled,
            };
            let work = async move { directory.enable(&who).await };
            (under_ticket(&desk, &form, &user, known, work).await?, Key("account-enabled"))
        }
        HelpdeskTask::ForceChange => {
            let known = Known {
                kind: TicketKind::MustChange,
                task: "Helpdesk: force password change",
                mail: MailTemplate::MustChangePassword,
            };
            let work = async move { directory.set_must_change(&who).await };
            let end = under_ticket(&desk, &form, &user, known, work).await?;
            (end, Key("change-forced"))
        }
        HelpdeskTask::EnforceUpdate => {
            let known = Known {
                kind: TicketKind::EnforceUpdate,
                task: "Helpdesk: enforce update of profile",
                mail: MailTemplate::MustUpdateProfile,
            };
            let held = directory.read_profile(&who).await?;
            let Stored::Profile(Registered { profile, .. }) =
                profile_store::open(&desk.app.ports, who.guid, &held)
            else {
                return Err(Failure::new(ErrorCode::NoProfile).saying(Key("user-not-registered")));
            };
            let registered = Registered { profile, made_under: Some(RequirementsDigest::OUTDATED) };
            let (ports, level) = (&desk.app.ports, desk.app.ports.consensus.local().level());
            let sealed = profile_store::seal(&*ports.vault, level, who.guid, registered, &held)?;
            let work = async move { directory.write_profile(&who, &held, Some(&sealed)).await };
            let end = under_ticket(&desk, &form, &user, known, work).await?;
            (end, Key("update-enforced"))
        }
        HelpdeskTask::UnlockProfile | HelpdeskTask::AssignPasscode | HelpdeskTask::ResetPassword => {
            return Err(Failure::internal("this task is not one of one button"));
        }
    };
    done(end)?;
    desk.page(desk.seen_again(&form, user).await, Said::good(notice))
}

/// Does `work` for a person under the ticket of the form that was sent.
pub(super) async fn under_ticket(
    desk: &Desk,
    form: &Form,
    user: &Standing,
    known: Known,
    work: impl Future<Output = Result<(), DirectoryError>> + Send + 'static,
) -> Result<TicketEnd, Failure> {
    let (ports, actor) = (&desk.app.ports, desk.staff.actor());
    let Known { kind, task, mail } = known;
    let whom = (&user.record.user, user.subject);
    let deed = Deed {
        actor: actor.clone(),
        subject: user.subject,
        ticket: ticket(desk, form, user)?,
        kind,
        note: desk.note(user),
        notice: Notice::by_helpdesk(&user.config, &user.policy, whom, actor, (task, mail)),
    };
    carry_out(ports, deed, work).await
}

/// The ticket of one form: fixed for the operator, the person and what the form is called.
fn ticket(desk: &Desk, form: &Form, user: &Standing) -> Result<TicketId, Failure> {
    let once = form.text("once").filter(|once| !once.is_empty() && once.len() <= MOST);
    let once = once.ok_or_else(|| Failure::bad_input(Key("form-not-whole")))?;
    let parts = [b"passquorum helpdesk".as_slice(), &desk.staff.subject.0, &user.subject.0, once.as_bytes()];
    let bytes = desk.app.ports.vault.keyed_hash(Purpose::Session, &parts.concat())?.0;
    let (first, _) = bytes.split_at(16);
    let first = first.try_into().map_err(Failure::internal)?;
    Ok(TicketId(uuid::Builder::from_random_bytes(first).into_uuid()))
}

/// What the operator is told where the directory did not do it.
pub(super) fn done(end: TicketEnd) -> Result<(), Failure> {
    match end {
        TicketEnd::Done => Ok(()),
        TicketEnd::Refused(error) => Err(error.into()),
        TicketEnd::Unknown => Err(Failure::new(ErrorCode::UnknownOutcome)),
        TicketEnd::NotOpened(failure) => Err(failure),
    }
}
