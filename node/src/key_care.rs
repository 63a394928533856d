//! What operators ask of a node's certificate and of the realm's keys: the [`KeyCare`] of the production system.

use crate::renewal::Renewal;
use crate::rotation::RealmKeyCare;
use async_trait::async_trait;
use passquorum_domain::audit::Actor;
use passquorum_domain::ports::{Entropy, KeyCare, KeyCareError};
use passquorum_domain::time::Timestamp;
use std::sync::Arc;

/// The verbs, each where it belongs.
pub struct NodeKeyCare {
    /// This node's certificate.
    pub renewal: Arc<Renewal>,
    /// The realm's keys.
    pub keys: Arc<RealmKeyCare>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

#[async_trait]
impl KeyCare for NodeKeyCare {
    async fn renew_certificate(&self, actor: Actor) -> Result<Timestamp, KeyCareError> {
        Ok(self.renewal.renew(self.entropy.as_ref(), actor).await?)
    }

    async fn rotate(&self, actor: Actor) -> Result<u32, KeyCareError> {
        Ok(self.keys.rotate(actor).await?)
    }

    async fn retire(&self, generation: u32, actor: Actor) -> Result<(), KeyCareError> {
        Ok(self.keys.retire(generation, actor).await?)
    }
}
