//! The progress of one run of a workflow, as the browser carries it (sealed).

use super::step::Ending;
use crate::gateway::KeptRun;
use crate::page_error::Failure;
use crate::ports::Ports;
use crate::session::{BrowserId, Cell};
use passquorum_domain::directory::UserRef;
use passquorum_domain::ids::{KeyedHash, PolicyId, Revision, TicketId, WorkflowId};
use passquorum_domain::mail::Language;
use passquorum_domain::ports::Purpose;
use passquorum_domain::time::Timestamp;
use passquorum_domain::workflow::{Activity, WorkflowKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Whom a run is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Subject {
    /// A user.
    User {
        /// Who.
        user: UserRef,
        /// What the user's counters and tickets are kept under.
        hash: KeyedHash,
    },
    /// A name that is no served user's. Its run looks like any other and never passes.
    Nobody {
        /// What the name's counter is kept under.
        hash: KeyedHash,
    },
}

impl Subject {
    pub(crate) fn hash(&self) -> KeyedHash {
        match self {
            Self::User { hash, .. } | Self::Nobody { hash } => *hash,
        }
    }
}

/// Where the activities stand that a run began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Plan {
    /// Here: up to the second feature level, whose programs know of no other place.
    Carried {
        /// All of them.
        activities: Vec<Activity>,
    },
    /// In a revision of the configuration.
    Kept {
        /// Which.
        revision: Revision,
        /// The workflow in it, of the run's policy.
        workflow: WorkflowId,
    },
}

/// The progress of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Fresh for each run; tickets derive from it.
    pub(crate) run: Uuid,
    /// When the run is over.
    pub(crate) expires: Timestamp,
    /// The policy that serves the user.
    pub(crate) policy: PolicyId,
    /// The workflow's kind.
    pub(crate) kind: WorkflowKind,
    /// The workflow's name when the run began.
    pub(crate) name: String,
    /// Its activities when the run began.
    #[serde(flatten)]
    pub(crate) plan: Plan,
    /// Whom it is about.
    pub(crate) subject: Subject,
    /// The name as typed, shortened, to show whom the page is about.
    pub(crate) typed: String,
    /// The present activity.
    pub(crate) position: usize,
    /// Tickets used up so far.
    pub(crate) tickets: u32,
    /// Set when the run is over.
    pub(crate) ending: Option<Ending>,
    /// What the browser would like to read best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<Language>,
    /// Whether the security questions have to be chosen anew before anything else is done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) update: bool,
    /// Where in the present activity, if that has more than one page.
    #[serde(default, skip_serializing_if = "Within::is_start")]
    pub(crate) within: Within,
    /// The activities that were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) left_out: Vec<usize>,
}

/// Where a run is in an activity that has more than one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Within {
    /// Which of the offered methods was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<u8>,
    /// Whether a code went out by mail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) code_sent: bool,
}

impl Within {
    fn is_start(&self) -> bool {
        *self == Self::default()
    }
}

impl Progress {
    /// What this browser carries, if it is this browser's, whole, and not expired.
    pub(crate) fn read(ports: &Ports, browser: BrowserId, run: &KeptRun) -> Option<Self> {
        Cell::Progress.open(ports, browser, &run.0)
    }

    /// As this browser is to carry it.
    pub(crate) fn keep(&self, ports: &Ports, browser: BrowserId) -> Result<KeptRun, Failure> {
        Cell::Progress.seal(ports, browser, self.expires, self).map(KeptRun)
    }

    /// The progress after a ticket was used up: the next try has another one.
    pub(crate) fn with_next_ticket(mut self) -> Self {
        self.tickets = self.tickets.saturating_add(1);
        self
    }

    /// The ticket that this state of the run may open. The same state always names the same ticket, which the log
    /// opens once.
    pub(crate) fn ticket(&self, ports: &Ports) -> Result<TicketId, Failure> {
        let bytes = self.draw(ports, "ticket", self.tickets)?;
        let (first, _) = bytes.split_at(16);
        let first = first.try_into().map_err(Failure::internal)?;
        Ok(TicketId(uuid::Builder::from_random_bytes(first).into_uuid()))
    }

    /// Bytes that are fixed for this run, a use and a number, and unforeseeable without the realm key.
    pub(crate) fn draw(&self, ports: &Ports, purpose: &str, number: u32) -> Result<[u8; 32], Failure> {
        let data = format!("passquorum run {} {purpose} {number}", self.run);
        Ok(ports.vault.keyed_hash(Purpose::Session, data.as_bytes())?.0)
    }

    /// Names the present step in its form, so that a form of another step or run is not taken for it.
    pub(crate) fn marker(&self) -> String {
        let Within { method, code_sent } = self.within;
        let method = method.map(|place| format!("-{place}")).unwrap_or_default();
        let code = if code_sent { "-code" } else { "" };
        format!("{:.8}-{}{method}{code}", self.run.simple().to_string(), self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::directory::ObjectGuid;
    use passquorum_domain::ids::ConnectionId;
    use passquorum_domain::workflow::{AskedQuestions, QuestionAuthentication};

    #[test]
    fn the_longest_progress_fits_a_cookie_and_is_read_back() {
        let asks = QuestionAuthentication::asking(AskedQuestions::Random(u32::MAX));
        let carried = Plan::Carried { activities: vec![Activity::AuthenticateWithQuestions(asks); 12] };
        let kept = Plan::Kept { revision: Revision(u64::MAX), workflow: WorkflowId(Uuid::max()) };
        for plan in [carried, kept] {
            let progress = longest(plan);
            let json = serde_json::to_vec(&(progress.expires, &progress)).unwrap();
            assert!(json.len() <= crate::session::PADDED, "{} bytes", json.len());
            let (_, read): (Timestamp, Progress) = serde_json::from_slice(&json).unwrap();
            assert_eq!(read, progress);
        }
    }

    fn longest(plan: Plan) -> Progress {
        Progress {
            run: Uuid::max(),
            expires: Timestamp(u64::MAX),
            policy: PolicyId(Uuid::max()),
            kind: WorkflowKind::ManagePasswords,
            name: "\u{1f511}".repeat(100),
            plan,
            subject: Subject::User {
                user: UserRef {
                    connection: ConnectionId(Uuid::max()),
                    guid: ObjectGuid([255; 16]),
                    dc: "x".repeat(253),
                },
                hash: KeyedHash([255; 32]),
            },
            typed: "\u{1f511}".repeat(64),
            position: 12,
            tickets: u32::MAX,
            ending: None,
            language: Some("zho-12345678-1234567".parse().unwrap()),
            update: true,
            within: Within { method: Some(u8::MAX), code_sent: true },
            left_out: (0..12).collect(),
        }
    }
}
