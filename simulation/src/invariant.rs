//! What must hold after every step and at the end. One property a file; each names where it comes from.

pub mod at_most_once;
pub mod audit_chain;
pub mod cells_are_the_state;
pub mod lockout_bound;
pub mod single_use_ticket;

/// A property that does not hold.
#[derive(Debug, thiserror::Error)]
#[error("{invariant}: {what}")]
pub struct Broken {
    /// Which property.
    pub invariant: &'static str,
    /// What was seen.
    pub what: String,
}
