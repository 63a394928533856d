//! Doing one thing in the directory under a ticket: intent committed, the call, outcome committed.

use super::{Context, Ending, Verdict};
use crate::notify::Notice;
use crate::page_error::Failure;
use crate::ports::Ports;
use crate::text;
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Action;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::{KeyedHash, TicketId};
use passquorum_domain::ports::{DirectoryError, Retry};
use passquorum_domain::ticket::{TicketKind, TicketResult};
use passquorum_domain::time::Span;

/// Longer than any directory call may take, so that the sweep does not call a ticket unknown that is still at work.
const TICKET_LIFE: Span = Span::minutes(2);

/// How the directory call ended.
pub(crate) enum TicketEnd {
    /// The domain controller said yes.
    Done,
    /// It said no, or was not asked.
    Refused(DirectoryError),
    /// It was sent and no answer came.
    Unknown,
    /// The ticket may have been opened, but this could not be confirmed; the directory was not asked.
    NotOpened(Failure),
}

impl TicketEnd {
    /// The verdict where the directory's refusal leaves the person nothing to mend.
    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Self::Done => Verdict::Acted,
            Self::Unknown => Verdict::Finished(Ending::Unknown),
            Self::Refused(error) => Verdict::Failed(error.into()),
            Self::NotOpened(failure) => Verdict::Failed(failure),
        }
    }
}

/// One change in the directory, as the log is to know it.
pub(crate) struct Deed {
    /// Who does it.
    pub(crate) actor: Actor,
    /// For whom.
    pub(crate) subject: KeyedHash,
    /// What it is done under.
    pub(crate) ticket: TicketId,
    /// What it is.
    pub(crate) kind: TicketKind,
    /// More for the audit.
    pub(crate) note: String,
    /// Who is told.
    pub(crate) notice: Option<Notice>,
}

/// Does `work` under the run's ticket.
pub(crate) async fn under_ticket(
    context: &Context<'_>,
    kind: TicketKind,
    work: impl Future<Output = Result<(), DirectoryError>> + Send + 'static,
) -> Result<TicketEnd, Failure> {
    let (ports, subject) = (&context.app.ports, context.subject());
    let deed = Deed {
        actor: Actor::User(subject),
        subject,
        ticket: context.progress.ticket(ports)?,
        kind,
        note: context.note(),
        notice: context.notice(kind),
    };
    carry_out(ports, deed, work).await
}

/// Opens a ticket, does `work`, and closes it. Once the ticket is open the work goes on even if the browser goes away, so
/// that its outcome is recorded.
pub(crate) async fn carry_out(
    ports: &Ports,
    deed: Deed,
    work: impl Future<Output = Result<(), DirectoryError>> + Send + 'static,
) -> Result<TicketEnd, Failure> {
    let Deed { actor, subject, ticket, kind, note, notice } = deed;
    let ports = ports.clone();
    let letter = match notice {
        Some(notice) => notice.look_up(&ports).await,
        None => None,
    };
    let open = Action::OpenTicket { ticket, subject, kind, node: ports.consensus.node(), life: TICKET_LIFE };
    let detail = Some(ports.seal_detail(&note)?);
    match ports.commit_with(actor.clone(), open, detail).await {
        Err(failure) if failure.code == ErrorCode::UnknownOutcome => {
            return Ok(TicketEnd::NotOpened(failure.saying(text::TICKET_UNSURE)));
        }
        other => other?,
    };
    let task = tokio::spawn(async move {
        let result = work.await;
        close(&ports, actor, ticket, &result).await;
        if let Some(letter) = letter {
            // Nobody waits for that: whoever asked is told what the domain controller said.
            let told = result.clone();
            tokio::spawn(async move { letter.tell(&ports, &told).await });
        }
        result
    });
    Ok(match task.await {
        Ok(Ok(())) => TicketEnd::Done,
        Ok(Err(error)) if error.retry == Retry::Unknown => TicketEnd::Unknown,
        Ok(Err(error)) => TicketEnd::Refused(error),
        Err(error) => {
            tracing::error!(%ticket, %error, "the work under a ticket broke off");
            TicketEnd::Unknown
        }
    })
}

/// Reports the outcome. If that cannot be committed, the leader's sweep will call the ticket unknown; what the person
/// is told is what the domain controller said.
async fn close(ports: &Ports, actor: Actor, ticket: TicketId, result: &Result<(), DirectoryError>) {
    let result = match result {
        Ok(()) => TicketResult::Done,
        Err(error) => {
            tracing::warn!(%ticket, %error, "the directory did not do what a ticket allowed");
            match error.retry {
                Retry::Unknown => TicketResult::Unknown,
                Retry::Safe | Retry::Pointless => {
                    TicketResult::Failed { code: error.reason.code().as_str().to_owned() }
                }
            }
        }
    };
    if let Err(failure) = ports.commit(actor, Action::CloseTicket { ticket, result }).await {
        tracing::warn!(%ticket, %failure, "a ticket's outcome could not be recorded");
    }
}
