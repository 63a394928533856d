//! What the pages of the Self-Service site ask for, and the port behind which it is done: everything that an anonymous
//! visitor may have done, and nothing else.
//!
//! A node that holds the realm key answers by itself ([`Engine`](crate::self_service::engine::Engine)). A node in the
//! perimeter renders the pages and hands what is asked to a voter; it cannot open what the browser carries, and keeps
//! nothing of what a visitor typed.

use crate::extract::{Form, Visit};
use crate::limits::Origin;
use crate::page_error::Failure;
use crate::session::BrowserId;
use crate::view::Problems;
use crate::workflow::{Ending, Progress, Stage, StepView};
use async_trait::async_trait;
use passquorum_domain::ids::{NodeId, WorkflowId};
use passquorum_domain::workflow::{AcceptAgreement, Activity, RestartOnError, WorkflowKind};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use uuid::Uuid;

/// Does what a visitor of the Self-Service site asks.
#[async_trait]
pub trait SelfService: Send + Sync {
    /// Answers one ask.
    async fn ask(&self, visitor: &Visitor, ask: Ask) -> Result<Answer, Failure>;
}

/// Who asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Visitor {
    /// Names the request on error pages and in the logs of both nodes.
    request: Uuid,
    browser: BrowserId,
    source: IpAddr,
    /// The node in the perimeter that says so; it never travels, the certificate of its stream tells it.
    #[serde(skip)]
    by_way_of: Option<NodeId>,
}

impl Visitor {
    pub(crate) fn of(visit: &Visit) -> Self {
        let source = visit.source.address;
        Self { request: visit.request, browser: visit.browser, source, by_way_of: visit.source.by_way_of }
    }

    /// The same visitor, of whom another node tells.
    #[must_use]
    pub fn told_by(self, node: NodeId) -> Self {
        Self { by_way_of: Some(node), ..self }
    }

    /// Names the request.
    #[must_use]
    pub fn request(&self) -> Uuid {
        self.request
    }

    /// The address that the visitor comes from.
    #[must_use]
    pub fn source(&self) -> IpAddr {
        self.source
    }

    pub(crate) fn browser(&self) -> BrowserId {
        self.browser
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin { address: self.source, by_way_of: self.by_way_of }
    }
}

/// What a visitor asks.
#[derive(Serialize, Deserialize)]
pub enum Ask {
    /// The token for the form that takes the user name.
    Enter,
    /// To begin a task: the form with the user name.
    Begin {
        /// Which.
        task: WorkflowKind,
        /// With the user name and the form's token.
        form: Form,
    },
    /// To see the step that a run is at.
    Show {
        /// The run, as the browser carries it.
        run: KeptRun,
    },
    /// To take that step.
    Submit {
        /// The run, as the browser carries it.
        run: KeptRun,
        /// What was filled in.
        form: Form,
    },
    /// The same, where only one task is offered: a step of another one is not taken.
    SubmitOnly {
        /// The only task.
        task: WorkflowKind,
        /// The run, as the browser carries it.
        run: KeptRun,
        /// What was filled in.
        form: Form,
    },
    /// To begin a task of an administrator's own: the form with the user name.
    BeginCustom {
        /// Which.
        workflow: WorkflowId,
        /// With the user name and the form's token.
        form: Form,
    },
}

impl Ask {
    /// Whether asking it twice changes no more than asking it once.
    #[must_use]
    pub fn only_looks(&self) -> bool {
        matches!(self, Self::Enter | Self::Show { .. })
    }
}

/// What is answered.
#[derive(Serialize, Deserialize)]
pub enum Answer {
    /// The token for a form of this browser.
    Entered {
        /// The token.
        csrf: String,
    },
    /// The task has begun.
    Begun(KeptRun),
    /// The step that the run is at.
    Shown(Box<Shown>),
    /// The form was of another step than the one that the run is at.
    Elsewhere,
    /// The step is taken.
    Moved(KeptRun),
    /// Something is wrong with the input. The step again, unless that cannot be shown.
    Again {
        /// The run.
        run: KeptRun,
        /// What is wrong.
        problems: Problems,
        /// The step.
        shown: Result<Box<Shown>, Failure>,
    },
    /// It failed, and the run must be kept all the same.
    Failed {
        /// The run.
        run: KeptRun,
        /// Why.
        failure: Failure,
    },
}

/// A run as the browser carries it: sealed, and of no use to whoever does not hold the realm key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeptRun(pub(crate) String);

/// A run and the step that it is at, for a page.
#[derive(Debug, Serialize, Deserialize)]
pub struct Shown {
    pub(crate) run: Run,
    pub(crate) step: Step,
}

/// What a page tells of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The workflow's name.
    pub(crate) name: String,
    pub(crate) kind: WorkflowKind,
    pub(crate) activities: Vec<Activity>,
    pub(crate) position: usize,
    /// The user name as typed.
    pub(crate) typed: String,
    /// Names the step in its form.
    pub(crate) marker: String,
}

impl Run {
    pub(crate) fn of(progress: &Progress, stage: &Stage) -> Self {
        Self {
            name: progress.name.clone(),
            kind: progress.kind,
            activities: (0..)
                .zip(stage.activities())
                .map(|(place, activity)| {
                    if progress.left_out.contains(&place) {
                        // The pages know how to leave out one that has no page.
                        Activity::RestartOnError(RestartOnError {})
                    } else {
                        in_short(activity)
                    }
                })
                .collect(),
            position: progress.position,
            typed: progress.typed.clone(),
            marker: progress.marker(),
        }
    }
}

/// An activity without what its own page alone shows.
fn in_short(activity: &Activity) -> Activity {
    match activity {
        Activity::AcceptAgreement(_) => Activity::AcceptAgreement(AcceptAgreement { text: String::new() }),
        other => other.clone(),
    }
}

/// Where a run is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Step {
    /// At a step with a form.
    Open {
        view: StepView,
        /// The form's token.
        csrf: String,
    },
    /// At its end.
    Ended(Ending),
}
