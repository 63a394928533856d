//! What must hold after every step and at the end. One property a file; each names where it comes from.

pub mod at_most_once;
pub mod audit_chain;
pub mod audit_complete;
pub mod changes_audited;
pub mod config_linear;
pub mod election_safety;
pub mod guesses_bounded;
pub mod learners_refused;
pub mod lockout_bound;
pub mod membership;
pub mod mirror_fenced;
pub mod no_secret_at_rest;
pub mod one_change_per_ticket;
pub mod reset_of_the_proved;
pub mod single_use_ticket;
pub mod state_match;
pub mod told_the_truth;

/// A property that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{invariant}: {what}")]
pub struct Broken {
    /// Which property.
    pub invariant: &'static str,
    /// What was seen.
    pub what: String,
    /// The operations that show it, as positions in the history of the labels.
    pub shown_by: Vec<usize>,
}

impl Broken {
    /// A property and what was seen.
    #[must_use]
    pub fn new(invariant: &'static str, what: impl Into<String>) -> Self {
        Self { invariant, what: what.into(), shown_by: Vec::new() }
    }
}
