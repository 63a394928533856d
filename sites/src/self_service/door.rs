//! Through which door a visitor came in, told by the first part of the path and by nothing else, so that one browser
//! may use all of them side by side and any node knows.

use passquorum_domain::workflow::WorkflowKind;

/// A door to the Self-Service site. Every page leads on within its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// A browser.
    Browser,
    /// The small window of a logon screen: nothing leads out of it.
    Logon,
    /// The same for an old client, which is offered *Forgot My Password* and nothing else.
    OldLogon,
}

impl Door {
    pub(crate) const ALL: [Self; 3] = [Self::Browser, Self::Logon, Self::OldLogon];

    /// The door that a path belongs to.
    pub(crate) fn of(path: &str) -> Self {
        Self::ALL.into_iter().find(|door| path.starts_with(door.home())).unwrap_or(Self::Browser)
    }

    /// The front page.
    pub(crate) const fn home(self) -> &'static str {
        match self {
            Self::Browser => "/self-service/",
            Self::Logon => "/logon/",
            Self::OldLogon => "/logon-old/",
        }
    }

    /// The front page without its last slash, as people type it.
    pub(crate) const fn typed(self) -> &'static str {
        match self {
            Self::Browser => "/self-service",
            Self::Logon => "/logon",
            Self::OldLogon => "/logon-old",
        }
    }

    /// The present step.
    pub(crate) const fn step(self) -> &'static str {
        match self {
            Self::Browser => "/self-service/step",
            Self::Logon => "/logon/step",
            Self::OldLogon => "/logon-old/step",
        }
    }

    /// Whether its pages are for a small window.
    pub(crate) fn is_small(self) -> bool {
        self != Self::Browser
    }

    /// The task that is offered behind it, where it is only one.
    pub(crate) fn only(self) -> Option<WorkflowKind> {
        (self == Self::OldLogon).then_some(WorkflowKind::ForgotPassword)
    }

    /// Whether a task is offered behind it.
    pub(crate) fn offers(self, task: WorkflowKind) -> bool {
        self.only().is_none_or(|only| only == task)
    }
}
