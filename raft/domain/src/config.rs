//! The realm configuration: what an administrator edits, revision by revision.
//!
//! A configuration is changed only by [`RealmConfig::with`], which answers with every problem at once. Secrets in it
//! are sealed before they get here.

mod checker;
mod destination;
mod difference;
mod general;
pub mod history;
mod mail;
mod sharing;
mod undo;

pub use difference::{FieldDifference, ObjectChange, ObjectDifference, differences, summary};
pub use general::{GeneralSettings, MirrorSettings};
pub use sharing::ConnectionUse;
pub use undo::{CannotUndo, undone};

use self::checker::Checker;
use crate::blob::Sealed;
use crate::directory::{AdSite, DistinguishedName};
use crate::document;
use crate::feature_level::FeatureLevel;
use crate::helpdesk::HelpdeskPolicy;
use crate::ids::{ConnectionId, PolicyId, Revision, WorkflowId};
use crate::lockout::LockoutSettings;
use crate::mail::Notices;
use crate::policy::PasswordRule;
use crate::qa::QaPolicy;
use crate::scope::{RoleScope, UserScope};
use crate::time::Span;
use crate::workflow::{Activity, NotificationEvent, Workflow, WorkflowKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Everything that is configured for the whole realm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealmConfig {
    /// Grows with each accepted change.
    pub revision: Revision,
    /// The domains that users live in.
    pub connections: Vec<DomainConnection>,
    /// The management policies, in order: the first whose scope holds a user serves that user.
    pub policies: Vec<ManagementPolicy>,
    /// Who may use the Admin site.
    pub administrators: Vec<RoleScope>,
    /// Who may use the Helpdesk site.
    pub helpdesk: Vec<RoleScope>,
    /// The rest.
    pub general: GeneralSettings,
}

/// A connection to one domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainConnection {
    /// Its id.
    pub id: ConnectionId,
    /// The name people see and may type before a backslash; at most 100 characters.
    pub alias: String,
    /// How it is reached.
    pub endpoint: DirectoryEndpoint,
    /// The user attribute that holds the sealed Q&A profile.
    pub profile_attribute: String,
    /// The one that held it before: a profile that is not in the new one yet is found there, until all have been moved.
    #[serde(default, with = "document::only", skip_serializing_if = "Option::is_none")]
    pub former_profile_attribute: Option<String>,
}

/// How a domain is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DirectoryEndpoint {
    /// Domain controllers over LDAPS.
    Ldaps(LdapsSettings),
    /// The embedded demonstration directory of this host.
    Embedded,
}

/// Domain controllers over LDAPS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LdapsSettings {
    /// In order of preference: `ldaps://host` or `ldaps://host:port`; from the second feature level on also `dns://domain` or
    /// `dns://domain/site`, for the controllers that DNS names; from the third on also [`CLIENT_CONTROLLER`] and
    /// [`DEFAULT_CONTROLLER`].
    pub servers: Vec<String>,
    /// Where users are searched.
    pub base: DistinguishedName,
    /// PEM certificates of the authorities that may sign the controllers' certificates.
    pub authorities: String,
    /// The access account: DN, UPN or `DOMAIN\name`.
    pub bind_name: String,
    /// Its password, sealed under [`crate::ports::Purpose::ServiceAccount`] with the connection id as context.
    pub bind_password: Sealed,
    /// The AD sites to whose controllers a change of a user is pushed at once.
    #[serde(default, with = "document::only", skip_serializing_if = "Vec::is_empty")]
    pub push_sites: Vec<AdSite>,
}

/// Who is served, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagementPolicy {
    /// Its id.
    pub id: PolicyId,
    /// Its name; at most 100 characters.
    pub name: String,
    /// Whom it serves.
    pub scope: Vec<UserScope>,
    /// Questions and what a profile needs.
    pub qa: QaPolicy,
    /// When wrong answers lock.
    pub lockout: LockoutSettings,
    /// Password rules beside the domain's.
    pub password_rules: Vec<PasswordRule>,
    /// What users can do.
    pub workflows: Vec<Workflow>,
    /// Who is told by mail how these ended.
    #[serde(default, with = "document::only", skip_serializing_if = "Notices::is_usual")]
    pub notices: Notices,
    /// Who helps these people, and with what.
    #[serde(default, with = "document::only", skip_serializing_if = "HelpdeskPolicy::is_usual")]
    pub helpdesk: HelpdeskPolicy,
}

impl ManagementPolicy {
    /// Whether it offers a task in which a passcode proves who somebody is.
    #[must_use]
    pub fn takes_passcodes(&self) -> bool {
        self.workflows
            .iter()
            .filter(|workflow| workflow.enabled)
            .flat_map(|workflow| &workflow.activities)
            .any(|activity| matches!(activity, Activity::AuthenticateWithPasscode(_)))
    }

    /// What its people may turn off of what they are told by mail, in any workflow that they can start.
    #[must_use]
    pub fn optional_notifications(&self) -> BTreeSet<NotificationEvent> {
        let activities = self
            .workflows
            .iter()
            .filter(|workflow| workflow.enabled)
            .flat_map(|workflow| &workflow.activities);
        let offered = activities.filter_map(|activity| match activity {
            Activity::SubscribeToNotifications(settings) => Some(&settings.offered),
            _ => None,
        });
        offered.flatten().copied().collect()
    }

    /// The workflow of an administrator's own with this id, when it is enabled.
    #[must_use]
    pub fn custom(&self, id: WorkflowId) -> Option<&Workflow> {
        let is_it = |workflow: &&Workflow| workflow.id == id && workflow.kind == WorkflowKind::Custom;
        self.workflows.iter().find(is_it).filter(|workflow| workflow.enabled)
    }

    /// The workflow of one kind, when it is enabled.
    #[must_use]
    pub fn workflow(&self, kind: WorkflowKind) -> Option<&Workflow> {
        self.workflows.iter().find(|workflow| workflow.kind == kind && workflow.enabled)
    }
}

impl ManagementPolicy {
    /// The feature level from which on it may be had.
    fn needs(&self) -> FeatureLevel {
        let notices = if self.notices.is_usual() { FeatureLevel::FIRST } else { FeatureLevel::THIRD };
        let workflows = self.workflows.iter().map(Workflow::needs).max().unwrap_or_default();
        workflows.max(notices).max(self.helpdesk.needs()).max(self.qa.needs())
    }
}

/// How an entry of [`LdapsSettings::servers`] begins that stands for controllers which DNS names.
const BY_DNS: &str = "dns://";
/// The entry that stands for the controller which the visitor's computer uses, if it is one of the domain.
pub const CLIENT_CONTROLLER: &str = "client";
/// The entry that stands for those which DNS names for the connection's own domain, the ones of the node's site first.
pub const DEFAULT_CONTROLLER: &str = "default";

/// Whether an entry stands for controllers of the connection's own domain.
fn is_of_own_domain(server: &str) -> bool {
    [CLIENT_CONTROLLER, DEFAULT_CONTROLLER].contains(&server)
}

impl LdapsSettings {
    fn needs(&self) -> FeatureLevel {
        if !self.push_sites.is_empty() || self.servers.iter().any(|server| is_of_own_domain(server)) {
            FeatureLevel::THIRD
        } else if self.servers.iter().any(|server| server.starts_with(BY_DNS)) {
            FeatureLevel::SECOND
        } else {
            FeatureLevel::FIRST
        }
    }
}

impl DomainConnection {
    /// The feature level from which on it may be configured so.
    fn needs(&self) -> FeatureLevel {
        let of_endpoint = match &self.endpoint {
            DirectoryEndpoint::Ldaps(ldaps) => ldaps.needs(),
            DirectoryEndpoint::Embedded => FeatureLevel::FIRST,
        };
        let of_attribute = match self.former_profile_attribute {
            Some(_) => FeatureLevel::SECOND,
            None => FeatureLevel::FIRST,
        };
        of_endpoint.max(of_attribute)
    }
}

impl ConfigChange {
    /// The feature level from which on it may be proposed.
    #[must_use]
    pub fn needs(&self) -> FeatureLevel {
        match self {
            Self::PutConnection(connection) => connection.needs(),
            Self::PutPolicy(policy) => policy.needs(),
            Self::SetGeneral(general) => general.needs(),
            Self::Replace(config) => config.needs(),
            Self::RemoveConnection(_)
            | Self::RemovePolicy(_)
            | Self::SetAdministrators(_)
            | Self::SetHelpdesk(_) => FeatureLevel::FIRST,
        }
    }
}

/// A change to the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConfigChange {
    /// Adds a connection, or replaces the one with its id.
    PutConnection(Box<DomainConnection>),
    /// Removes a connection.
    RemoveConnection(ConnectionId),
    /// Adds a policy, or replaces the one with its id.
    PutPolicy(Box<ManagementPolicy>),
    /// Removes a policy.
    RemovePolicy(PolicyId),
    /// Replaces the administrators' groups.
    SetAdministrators(Vec<RoleScope>),
    /// Replaces the helpdesk's groups.
    SetHelpdesk(Vec<RoleScope>),
    /// Replaces the general settings.
    SetGeneral(GeneralSettings),
    /// Replaces everything but the revision: an import.
    Replace(Box<RealmConfig>),
}

/// One thing that is wrong with a configuration, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Problem {
    /// Where, as a path such as `policies[0].lockout.threshold`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl RealmConfig {
    /// The configuration of a new realm.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            revision: Revision(0),
            connections: Vec::new(),
            policies: Vec::new(),
            administrators: Vec::new(),
            helpdesk: Vec::new(),
            general: GeneralSettings::initial(),
        }
    }

    /// The feature level from which on it may be had.
    #[must_use]
    pub fn needs(&self) -> FeatureLevel {
        let connections = self.connections.iter().map(DomainConnection::needs);
        let policies = self.policies.iter().map(ManagementPolicy::needs);
        connections.chain(policies).max().unwrap_or_default().max(self.general.needs())
    }

    /// The connection with this id.
    #[must_use]
    pub fn connection(&self, id: ConnectionId) -> Option<&DomainConnection> {
        self.connections.iter().find(|connection| connection.id == id)
    }

    /// The policy with this id.
    #[must_use]
    pub fn policy(&self, id: PolicyId) -> Option<&ManagementPolicy> {
        self.policies.iter().find(|policy| policy.id == id)
    }

    /// The configuration after a change, one revision on; or everything that is wrong with it by the rules of the newest
    /// feature level.
    pub fn with(&self, change: ConfigChange) -> Result<Self, Vec<Problem>> {
        self.with_at(FeatureLevel::CURRENT, change)
    }

    /// The same by the rules of a level: what a program of the release before refuses there is refused, in the same words.
    pub(crate) fn with_at(&self, level: FeatureLevel, change: ConfigChange) -> Result<Self, Vec<Problem>> {
        let mut next = self.clone();
        match change {
            ConfigChange::PutConnection(connection) => {
                put(&mut next.connections, *connection, |left, right| left.id == right.id);
            }
            ConfigChange::RemoveConnection(id) => {
                remove(&mut next.connections, "connections", |connection| connection.id == id)?;
            }
            ConfigChange::PutPolicy(policy) => {
                put(&mut next.policies, *policy, |left, right| left.id == right.id);
            }
            ConfigChange::RemovePolicy(id) => {
                remove(&mut next.policies, "policies", |policy| policy.id == id)?;
            }
            ConfigChange::SetAdministrators(groups) => next.administrators = groups,
            ConfigChange::SetHelpdesk(groups) => next.helpdesk = groups,
            ConfigChange::SetGeneral(general) => next.general = general,
            ConfigChange::Replace(config) => next = *config,
        }
        next.revision = self.revision.next();
        let problems = next.problems_at(level);
        if problems.is_empty() { Ok(next) } else { Err(problems) }
    }

    /// Everything that is wrong by the rules of the newest feature level.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        self.problems_at(FeatureLevel::CURRENT)
    }

    /// Everything that is wrong by the rules of a level.
    pub(crate) fn problems_at(&self, level: FeatureLevel) -> Vec<Problem> {
        let known = self.connections.iter().map(|connection| connection.id).collect();
        let mut check =
            Checker { level, known, sends_mail: self.general.mail.is_some(), problems: Vec::new() };
        check.text("general.organisation", &self.general.organisation, 1..=100);
        check.lockout("general.source_limit", &self.general.source_limit);
        check.span("general.session", self.general.session, Span::minutes(1), Span::hours(8));
        check.span(
            "general.certificate_life",
            self.general.certificate_life,
            Span::hours(1),
            Span::hours(24 * 398),
        );
        if let Some(mirror) = &self.general.mirror {
            check.mirror("general.mirror", mirror);
        }
        if let Some(mail) = &self.general.mail {
            check.mail("general.mail", mail);
        }
        check.at_most_100("general.monitors", self.general.monitors.len());
        check.at_most_100("general.logging", self.general.logging.len());
        let (mut aliases, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for (index, connection) in self.connections.iter().enumerate() {
            let at = format!("connections[{index}]");
            check.connection(&at, connection);
            if !aliases.insert(connection.alias.to_lowercase()) {
                check.add(format!("{at}.alias"), "another connection has this alias; share that one instead");
            }
            if !ids.insert(connection.id) {
                check.add(format!("{at}.id"), "another connection has this id; a new one needs a new UUID");
            }
        }
        let (mut names, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for (index, policy) in self.policies.iter().enumerate() {
            let at = format!("policies[{index}]");
            check.policy(&at, policy);
            if !names.insert(policy.name.to_lowercase()) {
                check.add(format!("{at}.name"), "another policy has this name");
            }
            if !ids.insert(policy.id) {
                check.add(format!("{at}.id"), "another policy has this id; a new one needs a new UUID");
            }
        }
        for (name, scopes) in [("administrators", &self.administrators), ("helpdesk", &self.helpdesk)] {
            for (index, scope) in scopes.iter().enumerate() {
                check.connection_id(format!("{name}[{index}].connection"), scope.connection);
            }
        }
        check.problems
    }
}

fn put<T>(items: &mut Vec<T>, item: T, same: impl Fn(&T, &T) -> bool) {
    match items.iter_mut().find(|present| same(present, &item)) {
        Some(present) => *present = item,
        None => items.push(item),
    }
}

fn remove<T>(items: &mut Vec<T>, field: &str, which: impl Fn(&T) -> bool) -> Result<(), Vec<Problem>> {
    let before = items.len();
    items.retain(|item| !which(item));
    if items.len() == before {
        let message = "there is none with this id; it may have been removed already".to_owned();
        return Err(vec![Problem { field: field.to_owned(), message }]);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
