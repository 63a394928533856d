//! The doors to the realm and to the directories, with a count of how each call ended and how long it took, and a span of
//! a trace for each.

use crate::metrics::{Metrics, OK};
use crate::otlp;
use async_trait::async_trait;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::config::DomainConnection;
use passquorum_domain::directory::{
    ClientController, DistinguishedName, DomainPasswordRules, LoginName, UserRecord, UserRef,
};
use passquorum_domain::ids::{ConnectionId, NodeId, TicketId};
use passquorum_domain::lockout::AttemptVerdict;
use passquorum_domain::outcome::{Effect, Outcome, Rejection};
use passquorum_domain::ports::{
    ClusterStatus, ConnectionPoints, Consensus, Consistency, Container, ContainerError, ControllerCheck,
    Directories, Directory, DirectoryError, Found, Listing, PasswordCheck, ProposeError, PushReport,
    ReadError, ResetOptions, RightsAsked, RightsReport, UserPages,
};
use passquorum_domain::profile::{HeldProfile, ProfileValue};
use passquorum_domain::secret::Password;
use passquorum_domain::state::State;
use passquorum_domain::ticket::TicketResult;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

/// How a call ended, for its trace.
fn tell(span: &Span, result: &'static str) {
    span.record("result", result);
    if result != OK {
        span.record("error", result);
    }
}

/// The realm, observed.
pub(crate) struct ObservedConsensus {
    pub(crate) inner: Arc<dyn Consensus>,
    pub(crate) metrics: Arc<Metrics>,
}

/// What is counted of a command once it ended well.
enum Counted {
    Attempt,
    Decision(bool),
    Ticket(TicketId, TicketResult),
    Nothing,
}

impl Counted {
    fn of(action: &Action) -> Self {
        match action {
            Action::CountAttempt { .. } => Self::Attempt,
            Action::DecideAttempt { right, .. } => Self::Decision(*right),
            Action::CloseTicket { ticket, result } => Self::Ticket(*ticket, result.clone()),
            _ => Self::Nothing,
        }
    }
}

impl ObservedConsensus {
    fn count(&self, counted: Counted, outcome: &Outcome) {
        match (counted, outcome) {
            (
                Counted::Attempt,
                Ok(Effect::Attempt(AttemptVerdict::Locked { .. })) | Err(Rejection::Locked { .. }),
            ) => {
                self.metrics.count_attempt("locked");
            }
            (Counted::Decision(right), Ok(_)) => {
                self.metrics.count_attempt(if right { "right" } else { "wrong" });
            }
            (Counted::Ticket(id, result), Ok(_)) => {
                if let Some(ticket) = self.inner.local().ticket(id) {
                    self.metrics.count_ticket(ticket.kind, &result);
                }
            }
            _ => {}
        }
    }
}

#[async_trait]
impl Consensus for ObservedConsensus {
    async fn propose(&self, command: Command) -> Result<Outcome, ProposeError> {
        let counted = Counted::of(&command.action);
        let began = Instant::now();
        let span = tracing::info_span!(target: otlp::TRACE, "propose", result = Empty, error = Empty);
        let answer = self.inner.propose(command).instrument(span.clone()).await;
        let result = match &answer {
            Ok(Ok(_)) => OK,
            Ok(Err(rejection)) => rejection.code().as_str(),
            Err(error) => error.code().as_str(),
        };
        tell(&span, result);
        self.metrics.count_proposal(result, began.elapsed());
        if let Ok(outcome) = &answer {
            self.count(counted, outcome);
        }
        answer
    }

    async fn read(&self, consistency: Consistency) -> Result<Arc<State>, ReadError> {
        self.inner.read(consistency).await
    }

    fn local(&self) -> Arc<State> {
        self.inner.local()
    }

    fn node(&self) -> NodeId {
        self.inner.node()
    }

    fn status(&self) -> ClusterStatus {
        self.inner.status()
    }
}

/// The realm's directories, observed.
pub(crate) struct ObservedDirectories {
    pub(crate) inner: Arc<dyn Directories>,
    pub(crate) metrics: Arc<Metrics>,
}

#[async_trait]
impl Directories for ObservedDirectories {
    async fn open(&self, connection: ConnectionId) -> Result<Arc<dyn Directory>, DirectoryError> {
        let inner = self.inner.open(connection).await?;
        Ok(Arc::new(ObservedDirectory { inner, metrics: Arc::clone(&self.metrics) }))
    }

    async fn try_out(&self, connection: &DomainConnection) -> Result<(), DirectoryError> {
        self.inner.try_out(connection).await
    }

    async fn points(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<Arc<dyn ConnectionPoints>>, DirectoryError> {
        self.inner.points(connection).await
    }

    async fn mirrored(&self) -> Result<Option<Arc<dyn Container>>, ContainerError> {
        self.inner.mirrored().await
    }
}

struct ObservedDirectory {
    inner: Arc<dyn Directory>,
    metrics: Arc<Metrics>,
}

impl ObservedDirectory {
    async fn count<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, DirectoryError>>,
    ) -> Result<T, DirectoryError> {
        let began = Instant::now();
        let span = tracing::info_span!(
            target: otlp::TRACE,
            "directory",
            kind = "client",
            operation,
            result = Empty,
            error = Empty,
        );
        let answer = call.instrument(span.clone()).await;
        let result = answer.as_ref().map_or_else(|error| error.reason.code().as_str(), |_| OK);
        tell(&span, result);
        self.metrics.count_directory(operation, result, began.elapsed());
        answer
    }
}

#[async_trait]
impl Directory for ObservedDirectory {
    async fn find(&self, name: &LoginName) -> Result<Found, DirectoryError> {
        self.count("find", self.inner.find(name)).await
    }

    async fn find_near(&self, name: &LoginName, near: &ClientController) -> Result<Found, DirectoryError> {
        self.count("find", self.inner.find_near(name, near)).await
    }

    async fn read(&self, user: &UserRef) -> Result<UserRecord, DirectoryError> {
        self.count("read", self.inner.read(user)).await
    }

    async fn member_of(
        &self,
        user: &UserRecord,
        groups: &[DistinguishedName],
    ) -> Result<Vec<DistinguishedName>, DirectoryError> {
        self.count("member-of", self.inner.member_of(user, groups)).await
    }

    async fn check_password(
        &self,
        user: &UserRecord,
        password: &Password,
    ) -> Result<PasswordCheck, DirectoryError> {
        self.count("check-password", self.inner.check_password(user, password)).await
    }

    async fn reset_password(
        &self,
        user: &UserRef,
        new: &Password,
        options: ResetOptions,
    ) -> Result<(), DirectoryError> {
        self.count("reset-password", self.inner.reset_password(user, new, options)).await
    }

    async fn change_password(
        &self,
        user: &UserRef,
        old: &Password,
        new: &Password,
    ) -> Result<(), DirectoryError> {
        self.count("change-password", self.inner.change_password(user, old, new)).await
    }

    async fn unlock(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.count("unlock", self.inner.unlock(user)).await
    }

    async fn enable(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.count("enable", self.inner.enable(user)).await
    }

    async fn set_must_change(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.count("set-must-change", self.inner.set_must_change(user)).await
    }

    async fn list(&self, listing: &Listing) -> Result<Box<dyn UserPages>, DirectoryError> {
        self.count("list", self.inner.list(listing)).await
    }

    async fn password_rules(&self, user: &UserRef) -> Result<DomainPasswordRules, DirectoryError> {
        self.count("password-rules", self.inner.password_rules(user)).await
    }

    async fn read_profile(&self, user: &UserRef) -> Result<HeldProfile, DirectoryError> {
        self.count("read-profile", self.inner.read_profile(user)).await
    }

    async fn write_profile(
        &self,
        user: &UserRef,
        expected: &HeldProfile,
        new: Option<&ProfileValue>,
    ) -> Result<(), DirectoryError> {
        self.count("write-profile", self.inner.write_profile(user, expected, new)).await
    }

    async fn check(&self) -> Result<(), DirectoryError> {
        self.count("check", self.inner.check()).await
    }

    async fn rights(&self, asked: &RightsAsked) -> Result<Option<RightsReport>, DirectoryError> {
        self.count("rights", self.inner.rights(asked)).await
    }

    fn pushes(&self) -> Option<PushReport> {
        self.inner.pushes()
    }

    async fn check_each(&self) -> Vec<ControllerCheck> {
        self.inner.check_each().await
    }
}
