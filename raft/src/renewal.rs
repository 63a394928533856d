//! New certificates for nodes that have one. The node asks over its authenticated stream, the leader decides: whom the
//! certificate names comes from the sender's present certificate and the registry, never from the request. What signs
//! stands behind [`Certifier`], since it needs the realm's key.
//!
//! A certificate is recorded in the log before it is handed out, so that a node that was removed gets none.

use crate::member::{Lead, Member};
use crate::raft_network::PeerError;
use crate::transport::client::CallError;
use crate::transport::request::Request;
use crate::wire::{Renew, Renewed};
use passquorum_domain::command::Action;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::Instance;
use passquorum_domain::ports::{MembershipError, ProposeError};
use passquorum_domain::state::State;
use passquorum_domain::time::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// A renewal takes this long at most.
const WITHIN: Duration = Duration::from_secs(15);

/// A certificate that was just signed.
pub struct Certified {
    /// PEM.
    pub certificate: String,
    /// When it ends.
    pub until: Timestamp,
}

/// Signs certificates for nodes of the realm.
pub trait Certifier: Send + Sync {
    /// Signs one for the key of a signing request (PKCS#10, PEM), with the name, role and hosts of a node.
    ///
    /// # Errors
    /// Why not, for the operator.
    fn certify(&self, state: &State, node: &Instance, csr: &str) -> Result<Certified, String>;
}

impl Member {
    /// Has this node certified anew wherever the leader is.
    pub(crate) async fn renew(&self, renew: Renew) -> Result<String, MembershipError> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let answer = match self.lead() {
                Lead::Here => Ok(self.renew_here(self.node, &renew).await),
                Lead::Nowhere => Ok(Renewed::NotLeader),
                Lead::At { node, address } => {
                    let within = deadline.saturating_duration_since(Instant::now());
                    self.peer(node, address).ask(Request::Renew, &renew, within).await
                }
            };
            match answer {
                Ok(Renewed::Certified(certificate)) => return Ok(certificate),
                Ok(Renewed::Failed(error)) => return Err(error),
                Err(PeerError::Call(CallError::Busy)) => return Err(ProposeError::Busy.into()),
                // Asking twice does no harm: a certificate that got lost is one that nobody has the key to use.
                Ok(Renewed::NotLeader) | Err(_) => {}
            }
            if !self.wait_to_retry(deadline).await {
                return Err(ProposeError::NoQuorum.into());
            }
        }
    }

    /// Certifies a node as the leader.
    pub(crate) async fn renew_here(&self, node: NodeId, renew: &Renew) -> Renewed {
        if !self.leads() {
            return Renewed::NotLeader;
        }
        match self.certify(node, renew).await {
            Ok(certificate) => Renewed::Certified(certificate),
            Err(error) => Renewed::Failed(error),
        }
    }

    async fn certify(&self, node: NodeId, renew: &Renew) -> Result<String, MembershipError> {
        let state = self.read_linearizable().await.map_err(|_| ProposeError::NoQuorum)?;
        let instance = state.instance(node).filter(|instance| instance.is_active());
        let instance = instance.ok_or(MembershipError::NoSuchNode(node))?;
        let certifier = self.certifier.get();
        let certifier = certifier.ok_or_else(|| MembershipError::Refused("the leader is starting".into()))?;
        let certified = certifier.certify(&state, instance, &renew.csr).map_err(MembershipError::Refused)?;
        self.commit(renew.actor.clone(), Action::CertifyNode { node, until: certified.until }).await?;
        tracing::info!(%node, until_ms = certified.until.0, "certified a node anew");
        Ok(certified.certificate)
    }
}
