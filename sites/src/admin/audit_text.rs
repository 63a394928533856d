//! Audit records in words.

use passquorum_domain::audit::{Actor, AuditEvent, ProfileTask, Site};
use passquorum_domain::mail::MailResult;
use passquorum_domain::ticket::{TicketKind, TicketResult};

/// Who.
pub(crate) fn actor(actor: &Actor) -> String {
    match actor {
        Actor::Realm => "the realm".to_owned(),
        Actor::LocalOperator(node) => format!("operator on node {node}"),
        Actor::ApiToken(id) => format!("API token {id}"),
        Actor::JoinToken(id) => format!("join token {id}"),
        Actor::Anonymous => "not signed in".to_owned(),
        Actor::User(subject) => format!("user {subject}"),
        Actor::Helpdesk(subject) => format!("helpdesk {subject}"),
        Actor::Administrator(subject) => format!("administrator {subject}"),
    }
}

/// What.
pub(crate) fn event(event: &AuditEvent) -> String {
    match event {
        AuditEvent::RealmCreated => "Realm created".to_owned(),
        AuditEvent::JoinTokenCreated(_, role) => format!("Join token created for a {role}"),
        AuditEvent::NodeAdmitted(node, role) => format!("Node {node} admitted as {role}"),
        AuditEvent::NodeMoved(node) => format!("Peers reach node {node} at another address"),
        AuditEvent::NodeRoleChanged(node, role) => format!("Node {node} became {role}"),
        AuditEvent::ReplacementTokenCreated(_, node) => {
            format!("Join token created for who replaces node {node}")
        }
        AuditEvent::SiteUrlChanged(node) => format!("Site URL of node {node} changed"),
        AuditEvent::NodeLeaving(node) => format!("Removal of node {node} decided"),
        AuditEvent::NodeRemoved(node) => format!("Node {node} removed"),
        AuditEvent::ApiTokenCreated(id) => format!("API token {id} created"),
        AuditEvent::ApiTokenRevoked(id) => format!("API token {id} revoked"),
        AuditEvent::ConfigChanged(revision) => format!("Configuration changed to revision {revision}"),
        AuditEvent::LabelWritten(key, revision) => format!("Label {key} written, revision {revision}"),
        AuditEvent::LabelRemoved(key) => format!("Label {key} removed"),
        AuditEvent::AttemptCounted { remaining } => format!("Attempt counted, {remaining} left"),
        AuditEvent::AttemptSucceeded => "Attempt was right".to_owned(),
        AuditEvent::AttemptFailed => "Attempt was wrong".to_owned(),
        AuditEvent::LockLifted => "Lock lifted".to_owned(),
        AuditEvent::TicketOpened(_, kind) => format!("{} begun", ticket(*kind)),
        AuditEvent::TicketClosed(_, TicketResult::Done) => "Directory change done".to_owned(),
        AuditEvent::TicketClosed(_, TicketResult::Failed { code }) => {
            format!("Directory change failed ({code})")
        }
        AuditEvent::TicketClosed(_, TicketResult::Unknown) => {
            "Directory change ended without an answer: outcome unknown".to_owned()
        }
        AuditEvent::SignedIn(on) => format!("Signed in to {}", site(*on)),
        AuditEvent::SignInRefused(on) => format!("Sign-in to {} refused", site(*on)),
        AuditEvent::NotServed(on) => format!("Not served on {}", site(*on)),
        AuditEvent::ConfigRefused(..) => "Configuration change refused".to_owned(),
        AuditEvent::WorkflowRehearsed(_) => "Workflow tried without changing anything".to_owned(),
        AuditEvent::Refused(rejection) => format!("Refused: {rejection}"),
        AuditEvent::LeadershipTransferred(node) => format!("Leadership moved to node {node}"),
        AuditEvent::BackupBegun => "Backup begun".to_owned(),
        AuditEvent::ConfigExported => "Configuration exported with its passwords, sealed".to_owned(),
        AuditEvent::RealmRestored { epoch, index } => {
            format!("Realm restored from a backup at log index {index}; epoch {epoch} begins")
        }
        AuditEvent::RealmRecovered { epoch, index } => {
            format!("Realm recovered from one node at log index {index}; epoch {epoch} begins")
        }
        AuditEvent::NodeCertified(node, _) => format!("Node {node} got a new certificate"),
        AuditEvent::KeyRotationBegun(generation) => {
            format!("Data key {generation} made and given to the nodes")
        }
        AuditEvent::KeyInUse(generation) => format!("Data key {generation} in use"),
        AuditEvent::LevelRaised(level) => format!("The realm runs at feature level {level}"),
        AuditEvent::DrillBegun { drill } => format!("Drill {drill} begun"),
        AuditEvent::DrillEnded { drill, ok: true } => format!("Drill {drill} ended well"),
        AuditEvent::DrillEnded { drill, ok: false } => format!("Drill {drill} failed"),
        AuditEvent::ProfilesBegun(task) => format!("Task over many profiles begun: {}", task_name(*task)),
        AuditEvent::ProfilesEnded { task, changed, failed } => {
            format!("Task over many profiles ended: {}, {changed} changed, {failed} failed", task_name(*task))
        }
        AuditEvent::ProfileTaken(task) => format!("Profile to be changed by a task: {}", task_name(*task)),
        AuditEvent::ProfileRewritten => {
            "Security questions not taken: not the ones written last, another hand put them there".to_owned()
        }
        AuditEvent::ProfilesTaken { task, people } => {
            format!("Profiles of {} people to be changed by a task: {}", people.len(), task_name(*task))
        }
        AuditEvent::PointRemoved => "Service connection point removed".to_owned(),
        AuditEvent::MirrorRebuilt => "Storage container removed, to be rebuilt".to_owned(),
        AuditEvent::PasscodeAssigned { until } => {
            format!("Passcode assigned, good until {}", crate::text::utc(*until))
        }
        AuditEvent::PasscodeSpent => "Passcode used".to_owned(),
        AuditEvent::MailQueued(_) => "Mail queued".to_owned(),
        AuditEvent::MailClosed(_, MailResult::Sent) => "Mail sent".to_owned(),
        AuditEvent::MailClosed(_, MailResult::Refused { code }) => {
            format!("Mail refused by the mail server with {code}")
        }
        AuditEvent::MailClosed(_, MailResult::Expired) => "Mail not sent in time".to_owned(),
        AuditEvent::CallerVerified { until } => {
            format!("Caller verified, until {}", crate::text::utc(*until))
        }
        AuditEvent::AnswersShown { answers } => format!("{answers} answers shown to the operator"),
        AuditEvent::MailCodeSent { until } => {
            format!("Code sent by mail, good until {}", crate::text::utc(*until))
        }
        AuditEvent::MailCodeSpent => "Code that came by mail used".to_owned(),
        AuditEvent::NotificationsChosen => "Notifications chosen".to_owned(),
        AuditEvent::KeyRetired(generation) => format!("Data key {generation} retired"),
    }
}

fn task_name(task: ProfileTask) -> &'static str {
    match task {
        ProfileTask::Migrate => "move and seal anew",
        ProfileTask::Unregister => "remove",
        ProfileTask::Import => "bring in",
        ProfileTask::AcceptRewritten => "move and seal anew, with those that another hand put there",
    }
}

fn ticket(kind: TicketKind) -> &'static str {
    match kind {
        TicketKind::Reset => "Password reset",
        TicketKind::Change => "Password change",
        TicketKind::Unlock => "Account unlock",
        TicketKind::WriteProfile => "Profile write",
        TicketKind::Enable => "Account enabling",
        TicketKind::MustChange => "Forced password change",
        TicketKind::EnforceUpdate => "Enforced update of the profile",
    }
}

fn site(site: Site) -> &'static str {
    match site {
        Site::SelfService => "Self-Service",
        Site::Helpdesk => "Helpdesk",
        Site::Admin => "Administration",
    }
}
