//! The leader's duty to send the mails of the outbox.
//!
//! A mail is sent only by a leader that a quorum confirms, and only under a claim that was committed before any server is
//! asked and has not run out: whoever leads next leaves the mail alone until then. An attempt that is under way when
//! leadership is lost goes on to its end, since its outcome is worth knowing. Servers are asked in order; one that cannot be
//! reached, or says "later", gives way to the next; one that refuses the mail for good has decided. What comes of an attempt
//! is committed; when nothing came of it, the end of the claim is the pause before the next one.
//!
//! So each mail is sent at least once while a server takes it, and again only if the node that sent it could not have that
//! committed before its claim ran out. Nothing is kept here. This module must not know what mails are about.

mod smtp;

pub(crate) use smtp::Smtp;

use crate::keyring::Keyring;
use async_trait::async_trait;
use passquorum_domain::audit::Actor;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::config::RealmConfig;
use passquorum_domain::ids::{MailId, NodeId, RequestId};
use passquorum_domain::mail::{Mail, MailClaim, MailResult, MailServer, MailSettings, QueuedMail};
use passquorum_domain::ports::{
    Clock, Consensus, Entropy, LeaderReads, Leadership, Purpose, Vault as _, fresh_uuid,
};
use passquorum_domain::state::State;
use passquorum_domain::time::{Span, Timestamp};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

/// Attempts at a time.
const AT_A_TIME: usize = 4;
/// How often the outbox is looked at when nothing new comes.
const LOOK: Duration = Duration::from_secs(1);
/// What is left of a claim when an attempt is broken off, so that its outcome can be committed under it.
const MARGIN: Span = Span::seconds(2);
/// How long it is tried to have the outcome committed.
const INSIST: Span = Span::minutes(10);

/// What became of a mail at one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Handed {
    /// It took the mail.
    Taken,
    /// It refused the mail for good, with this code.
    Refused(u16),
    /// It may take it later, or another one now; why.
    NotNow(String),
}

/// A password, once it is opened.
pub(crate) struct Account<'a> {
    pub(crate) user: &'a str,
    pub(crate) password: SecretString,
}

/// Hands one mail to one server.
#[async_trait]
pub(crate) trait Transport: Send + Sync {
    async fn hand(
        &self,
        server: &MailServer,
        account: Option<Account<'_>>,
        settings: &MailSettings,
        mail: &Mail,
    ) -> Handed;
}

/// What the duty is done with.
pub(crate) struct Postman {
    pub(crate) node: NodeId,
    pub(crate) leadership: watch::Receiver<Leadership>,
    pub(crate) states: watch::Receiver<Arc<State>>,
    pub(crate) reads: Arc<dyn LeaderReads>,
    pub(crate) consensus: Arc<dyn Consensus>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) transport: Arc<dyn Transport>,
}

impl Postman {
    /// Runs until the cluster ends.
    pub(crate) async fn run(self) {
        let places = Arc::new(Semaphore::new(AT_A_TIME));
        let this = Arc::new(self);
        let mut states = this.states.clone();
        loop {
            let due = this.due(&states.borrow_and_update());
            if let (Some(term), true) = (this.term(), due.is_some()) {
                Arc::clone(&this).round(term, &places).await;
            }
            tokio::select! {
                biased;
                changed = states.wait_for(|state| this.term().is_some() && this.due(state) != due) => {
                    if changed.is_err() { return }
                }
                () = sleep(LOOK) => {}
            }
        }
    }

    /// The term in which this node leads, if it does and holds the keys.
    fn term(&self) -> Option<u64> {
        self.leadership.borrow().term_of(self.node).filter(|_| self.keyring.holds_key())
    }

    /// The mail that waits longest, if any is due and there is a server.
    fn due(&self, state: &State) -> Option<MailId> {
        state.config().and_then(|config| config.general.mail.as_ref())?;
        let now = self.clock.now();
        let due = state.outbox().filter(|mail| mail.is_due(now));
        due.min_by_key(|mail| (mail.queued_at, mail.id)).map(|mail| mail.id)
    }

    /// Tries each mail that is due, as a quorum confirms it.
    async fn round(self: Arc<Self>, term: u64, places: &Arc<Semaphore>) {
        let read = match self.reads.read_as_leader().await {
            Ok(read) if read.term == term => read,
            _ => return,
        };
        let Some(config) = read.state.config().cloned() else { return };
        let now = self.clock.now();
        let mut due: Vec<QueuedMail> = read.state.outbox().filter(|mail| mail.is_due(now)).cloned().collect();
        due.sort_by_key(|mail| (mail.queued_at, mail.id));
        // No more than can begin at once: the next are taken by what is configured and known then.
        for mail in due.into_iter().take(places.available_permits().max(1)) {
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(places).acquire_owned().await else { return };
            if self.term() != Some(term) {
                return;
            }
            let (this, config) = (Arc::clone(&self), Arc::clone(&config));
            tokio::spawn(async move {
                this.attempt(term, &mail, &config).await;
                drop(place);
            });
        }
    }

    /// One attempt at one mail.
    async fn attempt(&self, term: u64, mail: &QueuedMail, config: &RealmConfig) {
        let (Some(settings), Some(content)) = (&config.general.mail, mail.content()) else { return };
        let id = mail.id;
        let until = self.clock.now().plus(mail.next_pause());
        let ends = self.clock.now().plus(QueuedMail::ATTEMPT).minus(MARGIN);
        if let Err(why) = self.commit(Action::ClaimMail { id, claim: MailClaim { term, until } }).await {
            tracing::debug!(mail = %id, %why, "a mail was not claimed");
            return;
        }
        if self.term() != Some(term) {
            return;
        }
        let opened = self.keyring.open(Purpose::Mail, id.0.as_bytes(), content);
        let written = opened.ok().and_then(|clear| serde_json::from_slice::<Mail>(&clear).ok());
        let Some(written) = written else {
            tracing::error!(mail = %id, "a mail of the outbox does not open; it is left until it expires");
            return;
        };
        match self.hand_to_first(settings, &written, ends).await {
            Some(result) => self.close(id, result).await,
            None => {
                tracing::warn!(mail = %id, attempts = mail.attempts.saturating_add(1), "no mail server took a mail")
            }
        }
    }

    /// Hands a mail to the first server that decides about it.
    async fn hand_to_first(
        &self,
        settings: &MailSettings,
        mail: &Mail,
        ends: Timestamp,
    ) -> Option<MailResult> {
        let mut left = u64::try_from(settings.servers.len()).unwrap_or(u64::MAX);
        for server in &settings.servers {
            let account = match self.account(server) {
                Ok(account) => account,
                Err(why) => {
                    tracing::warn!(server = server.address(), why, "a mail server was passed over");
                    continue;
                }
            };
            // What is left of the time, shared with those that come after.
            let share = Duration::from_millis(ends.since(self.clock.now()).0 / left.max(1));
            left = left.saturating_sub(1);
            let handed = timeout(share, self.transport.hand(server, account, settings, mail)).await;
            match handed.unwrap_or_else(|_| Handed::NotNow("it did not answer in time".to_owned())) {
                Handed::Taken => return Some(MailResult::Sent),
                Handed::Refused(code) => return Some(MailResult::Refused { code }),
                Handed::NotNow(why) => {
                    tracing::warn!(server = server.address(), why, "a mail server did not take a mail now");
                }
            }
        }
        None
    }

    fn account<'a>(&self, server: &'a MailServer) -> Result<Option<Account<'a>>, &'static str> {
        let Some(login) = &server.login else { return Ok(None) };
        let context = MailServer::context(&server.host, &login.user);
        let opened = self.keyring.open(Purpose::MailAccount, &context, &login.password);
        let clear = opened.map_err(|_| "the password of its account does not open")?;
        let text = std::str::from_utf8(&clear).map_err(|_| "the password of its account is no text")?;
        Ok(Some(Account {
            user: &login.user,
            password: SecretString::from(Zeroizing::new(text.to_owned()).as_str()),
        }))
    }

    /// Has the outcome committed. It is tried for long: until it is, the mail would be sent again.
    async fn close(&self, id: MailId, result: MailResult) {
        let give_up = self.clock.now().plus(INSIST);
        loop {
            match self.commit(Action::CloseMail { id, result }).await {
                Ok(()) => {
                    tracing::info!(mail = %id, ?result, "a mail is through");
                    return;
                }
                Err(NotCommitted::Refused(why)) => {
                    tracing::info!(mail = %id, why, "a mail was closed already");
                    return;
                }
                Err(NotCommitted::NotNow(why)) if self.clock.now() >= give_up => {
                    tracing::error!(mail = %id, ?result, why, "what became of a mail could not be recorded");
                    return;
                }
                Err(NotCommitted::NotNow(_)) => sleep(LOOK).await,
            }
        }
    }

    async fn commit(&self, action: Action) -> Result<(), NotCommitted> {
        let at = self.clock.now();
        let request = RequestId::internal(at, fresh_uuid(self.entropy.as_ref()));
        let command = Command { request, at, actor: Actor::Realm, detail: None, action };
        let outcome = self.consensus.propose(command).await;
        let outcome = outcome.map_err(|error| NotCommitted::NotNow(error.to_string()))?;
        outcome.map(drop).map_err(|rejection| NotCommitted::Refused(rejection.to_string()))
    }
}

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
enum NotCommitted {
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    NotNow(String),
}

#[cfg(test)]
mod tests;
