//! What the sites and the API need of the node.

use passquorum_domain::ports::{Admission, Clock, Consensus, Directories, Entropy, Membership, Vault};
use std::sync::Arc;

/// The ports.
#[derive(Clone)]
pub struct Ports {
    /// The replicated state.
    pub consensus: Arc<dyn Consensus>,
    /// The directories.
    pub directories: Arc<dyn Directories>,
    /// The realm key.
    pub vault: Arc<dyn Vault>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Node verbs.
    pub membership: Arc<dyn Membership>,
    /// Tokens.
    pub admission: Arc<dyn Admission>,
}

/// The local operator.
#[derive(Debug, Clone, Copy)]
pub struct LocalOperator;
