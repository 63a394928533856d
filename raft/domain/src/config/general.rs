//! Settings of the realm that belong to no policy and no domain connection.

use crate::address::Network;
use crate::directory::DistinguishedName;
use crate::document;
use crate::feature_level::FeatureLevel;
use crate::ids::ConnectionId;
use crate::lockout::LockoutSettings;
use crate::log_rule::LogRule;
use crate::mail::MailSettings;
use crate::time::Span;
use serde::{Deserialize, Serialize};

/// Settings that belong to no policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneralSettings {
    /// The organisation's name on every page; at most 100 characters.
    pub organisation: String,
    /// How many attempts one network address may make.
    pub source_limit: LockoutSettings,
    /// How long a person may take from the first step to the last.
    pub session: Span,
    /// Where the leader shows the realm to legacy clients; nowhere by default.
    #[serde(default)]
    pub mirror: Option<MirrorSettings>,
    /// Who may ask a node for its status and metrics without a token, besides its own host and the realm's nodes.
    #[serde(default)]
    pub monitors: Vec<Network>,
    /// How much the nodes write into their logs, where that differs from their own settings.
    #[serde(default)]
    pub logging: Vec<LogRule>,
    /// How long the certificates of nodes are valid. Each node renews its own at about two thirds of that.
    #[serde(default = "certificate_life")]
    pub certificate_life: Span,
    /// How the realm sends mail; not at all by default.
    #[serde(default, with = "document::only", skip_serializing_if = "Option::is_none")]
    pub mail: Option<Box<MailSettings>>,
}

fn certificate_life() -> Span {
    Span::hours(24 * 90)
}

/// Where the realm is mirrored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorSettings {
    /// The domain connection. Only the first of its domain controllers is written to, since a fence holds on one only.
    pub connection: ConnectionId,
    /// The object to keep; it is made when it is missing, and what it lies in must be there.
    pub container: DistinguishedName,
}

impl GeneralSettings {
    /// The settings of a new realm.
    pub(super) fn initial() -> Self {
        Self {
            organisation: "passquorum".to_owned(),
            source_limit: LockoutSettings {
                threshold: 100,
                duration: Span::minutes(5),
                reset_after: Span::minutes(5),
            },
            session: Span::minutes(15),
            mirror: None,
            monitors: Vec::new(),
            logging: Vec::new(),
            certificate_life: certificate_life(),
            mail: None,
        }
    }

    /// The feature level from which on they may be had.
    pub(super) fn needs(&self) -> FeatureLevel {
        if self.mail.is_some() { FeatureLevel::THIRD } else { FeatureLevel::FIRST }
    }
}
