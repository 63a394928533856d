//! The kept revisions of the configuration in words, the way back to one of them, and the way to be rid of one.
//!
//! Notes are opened where this node holds the realm key. What changed is told by comparing each revision with the one
//! before, so that nothing of it is stored.

use crate::admin::audit_text;
use crate::ports::Ports;
use crate::sealed_passwords;
use passquorum_domain::config::history::KeptRevision;
use passquorum_domain::config::{
    CannotUndo, ConfigChange, ObjectDifference, Problem, RealmConfig, differences, summary, undone,
};
use passquorum_domain::ids::Revision;
use passquorum_domain::ports::Purpose;
use passquorum_domain::state::State;
use passquorum_domain::time::Timestamp;
use serde::Serialize;
use std::collections::BTreeSet;

/// One revision in words.
#[derive(Serialize)]
pub(crate) struct Entry {
    /// Which.
    pub(crate) revision: Revision,
    /// When it was made, where that is known.
    pub(crate) at: Option<Timestamp>,
    /// Who made it, where that is known.
    pub(crate) who: Option<String>,
    /// What its maker said, and what was noted for the audit.
    pub(crate) note: Option<String>,
    /// What is not as in the revision before; `None` when that one is not kept.
    pub(crate) changes: Option<Vec<ObjectDifference>>,
}

/// The revisions after one, the latest first; at most so many.
pub(crate) fn entries(ports: &Ports, state: &State, after: Option<Revision>, most: usize) -> Vec<Entry> {
    state
        .revisions()
        .rev()
        .filter(|kept| after.is_none_or(|after| kept.config.revision > after))
        .take(most)
        .map(|kept| entry(ports, state, kept))
        .collect()
}

fn entry(ports: &Ports, state: &State, kept: &KeptRevision) -> Entry {
    let revision = kept.config.revision;
    let before = revision.0.checked_sub(1).and_then(|before| state.revision(Revision(before)));
    let origin = kept.origin.as_ref();
    let note = origin.and_then(|origin| origin.detail.as_ref()).map(|sealed| {
        match ports.vault.open(Purpose::AuditDetail, &[], sealed) {
            Ok(clear) => String::from_utf8_lossy(&clear).into_owned(),
            Err(_) => "(sealed)".to_owned(),
        }
    });
    Entry {
        revision,
        at: origin.map(|origin| origin.at),
        who: origin.map(|origin| audit_text::actor(&origin.actor)),
        note,
        changes: before.map(|before| differences(&before.config, &kept.config)),
    }
}

/// Why a revision cannot be brought back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Irrecoverable {
    /// It is not there.
    #[error("revision {wanted} is not kept; {kept}")]
    NotKept {
        /// Which.
        wanted: Revision,
        /// Which are.
        kept: String,
    },
    /// Some of its passwords do not open any more.
    #[error(
        "revision {wanted} holds passwords that this realm cannot open any more, or that would go where they were not entered \
         for, so it was not brought back"
    )]
    Unreadable {
        /// Which.
        wanted: Revision,
        /// Each of them.
        problems: Vec<Problem>,
    },
}

impl Irrecoverable {
    /// What is wrong with the passwords of a revision.
    pub(crate) fn problems(&self) -> &[Problem] {
        match self {
            Self::NotKept { .. } => &[],
            Self::Unreadable { problems, .. } => problems,
        }
    }
}

impl Irreversible {
    /// What is wrong with the passwords that would come back.
    pub(crate) fn problems(&self) -> &[Problem] {
        match self {
            Self::Irrecoverable(error) => error.problems(),
            Self::First | Self::Later { .. } => &[],
        }
    }
}

/// A kept revision.
pub(crate) fn kept(state: &State, wanted: Revision) -> Result<&KeptRevision, Irrecoverable> {
    let number = |kept: Option<&KeptRevision>| kept.map(|kept| kept.config.revision);
    state.revision(wanted).ok_or_else(|| {
        let kept = match (number(state.revisions().next()), number(state.revisions().next_back())) {
            (Some(first), Some(last)) => format!("the kept ones are {first} to {last}"),
            _ => "none is, since nothing was changed since they are kept".to_owned(),
        };
        Irrecoverable::NotKept { wanted, kept }
    })
}

/// The change that brings a kept revision back, as long as its passwords can still be read.
pub(crate) fn way_back(
    ports: &Ports,
    state: &State,
    wanted: Revision,
) -> Result<ConfigChange, Irrecoverable> {
    let config: RealmConfig = (*kept(state, wanted)?.config).clone();
    let change = ConfigChange::Replace(Box::new(config));
    let problems = sealed_passwords::foreign(ports, &change);
    if problems.is_empty() { Ok(change) } else { Err(Irrecoverable::Unreadable { wanted, problems }) }
}

/// Why one change cannot be taken back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Irreversible {
    /// The versions to compare are not there, or hold passwords that do not open.
    #[error(transparent)]
    Irrecoverable(#[from] Irrecoverable),
    /// The first version is no change.
    #[error("there is nothing before revision 0")]
    First,
    /// Something was changed again since.
    #[error("revision {wanted} cannot be taken back: {why}")]
    Later {
        /// Which.
        wanted: Revision,
        /// What.
        why: CannotUndo,
    },
}

/// The change that takes back what one revision changed, and nothing of what came after it.
pub(crate) fn way_around(
    ports: &Ports,
    state: &State,
    wanted: Revision,
) -> Result<ConfigChange, Irreversible> {
    let after = kept(state, wanted)?;
    let before = kept(state, Revision(wanted.0.checked_sub(1).ok_or(Irreversible::First)?))?;
    let present = state.config().unwrap_or(&after.config);
    let config =
        undone(&before.config, &after.config, present).map_err(|why| Irreversible::Later { wanted, why })?;
    let change = ConfigChange::Replace(Box::new(config));
    let mut problems = sealed_passwords::foreign(ports, &change);
    // Fields of two revisions may meet here: a password must not come to a server that it was not entered for.
    problems.extend(sealed_passwords::misdirected(state, &change, &BTreeSet::new()));
    if problems.is_empty() { Ok(change) } else { Err(Irrecoverable::Unreadable { wanted, problems }.into()) }
}

/// What a change does to the present configuration, for the audit: places, no values.
pub(crate) fn effect(present: &RealmConfig, change: &ConfigChange) -> String {
    match present.with(change.clone()) {
        Ok(next) => format!("changes {}", summary(&differences(present, &next))),
        Err(problems) => format!("would not be valid ({} problems)", problems.len()),
    }
}
