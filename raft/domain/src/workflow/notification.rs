//! What people may choose to be told of by mail.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A sort of notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotificationEvent {
    /// The password was set anew or changed.
    Password,
    /// The account was unlocked or enabled.
    Account,
    /// The security questions were chosen or changed.
    Questions,
    /// Something else was done.
    Other,
    /// Something was tried and failed.
    Failure,
    /// The helpdesk did something.
    Helpdesk,
}

impl NotificationEvent {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 6] =
        [Self::Password, Self::Account, Self::Questions, Self::Other, Self::Failure, Self::Helpdesk];

    /// The name in configurations and forms.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Account => "account",
            Self::Questions => "questions",
            Self::Other => "other",
            Self::Failure => "failure",
            Self::Helpdesk => "helpdesk",
        }
    }
}

/// Settings of *Subscribe to notifications*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscribeToNotifications {
    /// What the user may turn off. Of the rest everyone is told, if the policy tells users at all.
    pub offered: BTreeSet<NotificationEvent>,
}

impl SubscribeToNotifications {
    /// What a realm offers at first: everything but what whoever has taken an account over would turn off first.
    #[must_use]
    pub fn usual() -> Self {
        use NotificationEvent::{Account, Failure, Other};
        Self { offered: [Account, Other, Failure].into() }
    }
}
