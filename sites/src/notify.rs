//! Tells people by mail what was done for them: writes the mails, seals them and puts them into the realm's outbox.
//!
//! Invariants: only about somebody who has proved who they are, or whom the helpdesk served, so that nobody learns from a
//! mail, or from the time it takes to queue one, who has an account; a task never fails because nobody could be told.

use crate::page_error::Failure;
use crate::ports::Ports;
use crate::text;
use passquorum_domain::audit::Actor;
use passquorum_domain::blob::Sealed;
use passquorum_domain::command::Action;
use passquorum_domain::config::{ManagementPolicy, RealmConfig};
use passquorum_domain::directory::{UserRecord, UserRef};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::{KeyedHash, MailId};
use passquorum_domain::mail::{
    Language, Mail, MailAddress, MailSettings, MailTemplate, Notices, Parameter, Parameters, words,
};
use passquorum_domain::mail_code::{CodeMail, MailCodeText};
use passquorum_domain::ports::{DirectoryError, DirectoryReason, Purpose, Retry, fresh_uuid};
use passquorum_domain::ticket::TicketKind;
use passquorum_domain::time::Span;
use passquorum_domain::workflow::{NotificationEvent, WorkflowKind};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// How long a notice is worth sending.
const NOTICE_LIFE: Span = Span::hours(24);
/// How long a test is.
const TEST_LIFE: Span = Span::hours(1);
/// How long a person is made to wait for their mail address to be read.
const LOOK_UP: Duration = Duration::from_secs(3);

/// Somebody is to be told how a task ended.
pub(crate) struct Notice {
    config: Arc<RealmConfig>,
    notices: Notices,
    user: UserRef,
    subject: KeyedHash,
    actor: Actor,
    task: String,
    done: MailTemplate,
    /// What sort of notice it is, when it is done.
    event: NotificationEvent,
    /// What users may turn off.
    optional: BTreeSet<NotificationEvent>,
    /// What the user is told of a failure; nothing where somebody else sees it.
    failed: Option<MailTemplate>,
    language: Option<Language>,
}

/// What is told of a task.
pub(crate) struct Task<'a> {
    pub(crate) policy: &'a ManagementPolicy,
    /// What is done in it.
    pub(crate) action: TicketKind,
    pub(crate) kind: WorkflowKind,
    pub(crate) name: &'a str,
    pub(crate) language: Option<&'a Language>,
}

impl Notice {
    /// A notice about a task that is about to be done; none where nobody is told of it.
    pub(crate) fn of(
        config: &Arc<RealmConfig>,
        user: &UserRef,
        subject: KeyedHash,
        task: &Task<'_>,
    ) -> Option<Self> {
        config.general.mail.as_ref()?;
        let notices = task.policy.notices;
        (notices.user || notices.administrators).then(|| Self {
            config: Arc::clone(config),
            notices,
            event: match task.action {
                TicketKind::Reset | TicketKind::Change => NotificationEvent::Password,
                TicketKind::Unlock | TicketKind::Enable => NotificationEvent::Account,
                TicketKind::WriteProfile => NotificationEvent::Questions,
                TicketKind::MustChange | TicketKind::EnforceUpdate => NotificationEvent::Other,
            },
            optional: task.policy.optional_notifications(),
            user: user.clone(),
            subject,
            actor: Actor::User(subject),
            task: task.name.to_owned(),
            done: match task.action {
                TicketKind::Reset => MailTemplate::PasswordReset,
                TicketKind::Change => MailTemplate::PasswordChanged,
                TicketKind::Unlock => MailTemplate::AccountUnlocked,
                TicketKind::WriteProfile if task.kind == WorkflowKind::Register => MailTemplate::Registered,
                TicketKind::WriteProfile => MailTemplate::ProfileChanged,
                TicketKind::Enable | TicketKind::MustChange | TicketKind::EnforceUpdate => {
                    MailTemplate::TaskDone
                }
            },
            failed: Some(MailTemplate::TaskFailed),
            language: task.language.cloned(),
        })
    }

    /// A notice about what the helpdesk is about to do for somebody; none where nobody is told of it.
    pub(crate) fn by_helpdesk(
        config: &Arc<RealmConfig>,
        policy: &ManagementPolicy,
        (user, subject): (&UserRef, KeyedHash),
        actor: Actor,
        (task, done): (&str, MailTemplate),
    ) -> Option<Self> {
        config.general.mail.as_ref()?;
        let notices = policy.notices;
        (notices.user || notices.administrators).then(|| Self {
            config: Arc::clone(config),
            notices,
            event: NotificationEvent::Helpdesk,
            optional: policy.optional_notifications(),
            user: user.clone(),
            subject,
            actor,
            task: task.to_owned(),
            done,
            failed: None,
            language: None,
        })
    }

    /// Reads whom it is about. Done before the task, so that afterwards only the log has to be asked.
    pub(crate) async fn look_up(self, ports: &Ports) -> Option<Letter> {
        let read = async { ports.directories.open(self.user.connection).await?.read(&self.user).await };
        match timeout(LOOK_UP, read).await {
            Ok(Ok(record)) => Some(Letter { notice: self, record }),
            Ok(Err(error)) => {
                tracing::warn!(%error, "nobody will be told by mail how a task ends: the user cannot be read");
                None
            }
            Err(_) => {
                tracing::warn!("nobody will be told by mail how a task ends: the directory is too slow");
                None
            }
        }
    }
}

/// A notice that needs only its outcome.
pub(crate) struct Letter {
    notice: Notice,
    record: UserRecord,
}

impl Letter {
    /// Queues the mails about how the task ended. Whatever goes wrong is logged and no more.
    pub(crate) async fn tell(self, ports: &Ports, result: &Result<(), DirectoryError>) {
        let Self { notice, record } = &self;
        let (to_user, to_administrators, reason) = match result {
            Ok(()) => (Some(notice.done), MailTemplate::AdministratorDone, None),
            // The person is shown at once what to choose instead.
            Err(error) if error.reason == DirectoryReason::PasswordPolicy => return,
            Err(error) => {
                let code = match error.retry {
                    Retry::Unknown => ErrorCode::UnknownOutcome,
                    Retry::Safe | Retry::Pointless => error.reason.code(),
                };
                (notice.failed, MailTemplate::AdministratorFailed, Some(code))
            }
        };
        let values =
            about(ports, record, &notice.task).with(Parameter::Reason, reason.map_or("", ErrorCode::as_str));
        let Some(settings) = &notice.config.general.mail else { return };
        let actor = || notice.actor.clone();
        let event = if result.is_ok() { notice.event } else { NotificationEvent::Failure };
        if notice.notices.user
            && wants(ports, notice.subject, event, &notice.optional)
            && let Some(to_user) = to_user
            && let Some(to) = address(record)
        {
            let words = (to_user, notice.language.as_ref(), &values);
            queue_or_log(ports, settings, actor(), to, Some(notice.subject), words).await;
        }
        if notice.notices.administrators {
            for to in &settings.administrators {
                let words = (to_administrators, None, &values);
                queue_or_log(ports, settings, actor(), to.clone(), Some(notice.subject), words).await;
            }
        }
    }
}

/// Tells a user what the helpdesk did in the log alone.
pub(crate) async fn helped(
    ports: &Ports,
    actor: Actor,
    policy: &ManagementPolicy,
    (record, subject): (&UserRecord, KeyedHash),
    template: MailTemplate,
) {
    let Some(config) = ports.local_config() else { return };
    let (Some(settings), Some(to)) = (&config.general.mail, address(record)) else { return };
    let wanted = wants(ports, subject, NotificationEvent::Helpdesk, &policy.optional_notifications());
    if policy.notices.user && wanted {
        let values = about(ports, record, "Helpdesk");
        let words = (template, None, &values);
        queue_or_log(ports, settings, actor, to, Some(subject), words).await;
    }
}

/// Whether a person wants to be told of something, or has to be.
fn wants(
    ports: &Ports,
    subject: KeyedHash,
    event: NotificationEvent,
    optional: &BTreeSet<NotificationEvent>,
) -> bool {
    !optional.contains(&event) || !ports.consensus.local().turned_off(subject).contains(&event)
}

/// The mail that brings a code, unless there is no address to send it to.
pub(crate) fn code(
    ports: &Ports,
    settings: &MailSettings,
    record: &UserRecord,
    (task, language): (&str, Option<&Language>),
    code: &MailCodeText,
) -> Result<Option<CodeMail>, Failure> {
    let Some(to) = address(record) else { return Ok(None) };
    let values = about(ports, record, task).with(Parameter::Code, code.expose());
    let words = (MailTemplate::OneTimeCode, language, &values);
    let (id, content) = written(ports, settings, to, words)?;
    Ok(Some(CodeMail { id, content }))
}

/// A mail that shows whether the servers work.
pub(crate) fn test(
    ports: &Ports,
    settings: &MailSettings,
    to: MailAddress,
) -> Result<(MailId, Action), Failure> {
    let values = everywhere(ports);
    compose(ports, settings, to, None, (MailTemplate::Test, None, &values), TEST_LIFE)
}

/// The address of a user, when the directory has one that can be written to.
pub(crate) fn address(record: &UserRecord) -> Option<MailAddress> {
    let mail = record.mail.as_deref()?;
    let address = mail.parse().ok();
    if address.is_none() {
        tracing::warn!(user = %record.user.guid, "the directory's mail attribute of a user holds no mail address");
    }
    address
}

fn everywhere(ports: &Ports) -> Parameters {
    let state = ports.consensus.local();
    let site = state.instance(ports.consensus.node()).map_or("", |node| node.site_url.as_str());
    Parameters::default()
        .with(Parameter::Time, &text::utc(ports.now()))
        .with(Parameter::Organisation, &ports.organisation())
        .with(Parameter::Site, site)
}

fn about(ports: &Ports, record: &UserRecord, task: &str) -> Parameters {
    everywhere(ports)
        .with(Parameter::UserName, &record.display_name)
        .with(Parameter::Account, &record.account)
        .with(Parameter::Task, task)
}

type Words<'a> = (MailTemplate, Option<&'a Language>, &'a Parameters);

async fn queue_or_log(
    ports: &Ports,
    settings: &MailSettings,
    actor: Actor,
    to: MailAddress,
    subject: Option<KeyedHash>,
    words: Words<'_>,
) {
    let queued = async {
        let (id, action) = compose(ports, settings, to, subject, words, NOTICE_LIFE)?;
        ports.commit(actor, action).await.map(|_| id)
    };
    if let Err(failure) = queued.await {
        tracing::warn!(%failure, mail = words.0.name(), "a mail could not be queued");
    }
}

/// Writes and seals a mail, for the outbox.
fn compose(
    ports: &Ports,
    settings: &MailSettings,
    to: MailAddress,
    subject: Option<KeyedHash>,
    words: Words<'_>,
    life: Span,
) -> Result<(MailId, Action), Failure> {
    let (id, content) = written(ports, settings, to, words)?;
    Ok((id, Action::QueueMail { id, subject, content, not_after: ports.now().plus(life) }))
}

fn written(
    ports: &Ports,
    settings: &MailSettings,
    to: MailAddress,
    (template, language, values): Words<'_>,
) -> Result<(MailId, Sealed), Failure> {
    let id = MailId(fresh_uuid(&*ports.entropy));
    let written_at = ports.now();
    let words = words(settings, template, language, values);
    let mail = Mail {
        to,
        message_id: format!("{}@{}", id.0.simple(), settings.sender.domain()),
        written_at,
        language: words.language,
        subject: words.subject,
        text: words.text,
        html: words.html,
    };
    let clear = Zeroizing::new(serde_json::to_vec(&mail).map_err(Failure::internal)?);
    Ok((id, ports.vault.seal(Purpose::Mail, id.0.as_bytes(), &clear)?))
}
