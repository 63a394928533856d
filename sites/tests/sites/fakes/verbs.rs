//! The verbs on nodes, tokens and backups, as a cluster of two voters would answer them.

use async_trait::async_trait;
use passquorum_domain::address::HostPort;
use passquorum_domain::audit::Actor;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::{NodeId, RealmId};
use passquorum_domain::instance::Role;
use passquorum_domain::outcome::Rejection;
use passquorum_domain::ports::*;
use passquorum_domain::time::{Span, Timestamp};
use passquorum_domain::token::ApiScope;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Node 2 can be promoted and removed, node 3 removed by force; any node can lead. The join token `good` lets in.
pub(super) struct Verbs;

#[async_trait]
impl Membership for Verbs {
    async fn promote(&self, node: NodeId, _: Actor) -> Result<(), MembershipError> {
        if node == NodeId(2) { Ok(()) } else { Err(MembershipError::NoSuchNode(node)) }
    }

    async fn remove(&self, node: NodeId, removal: Removal, _: Actor) -> Result<(), MembershipError> {
        match (node, removal) {
            (NodeId(2), _) | (NodeId(3), Removal::Forced) => Ok(()),
            (NodeId(3), Removal::Careful) => Err(MembershipError::NoSpare("no spare voter".into())),
            _ => Err(MembershipError::QuorumAtRisk("the last voter".into())),
        }
    }

    async fn move_node(&self, node: NodeId, _: HostPort, _: Actor) -> Result<(), MembershipError> {
        if node == NodeId(2) { Ok(()) } else { Err(MembershipError::NoSuchNode(node)) }
    }

    async fn transfer_leader(&self, to: Option<NodeId>, _: Actor) -> Result<NodeId, MembershipError> {
        Ok(to.unwrap_or(NodeId(2)))
    }
}

#[async_trait]
impl KeyCare for Verbs {
    async fn renew_certificate(&self, _: Actor) -> Result<Timestamp, KeyCareError> {
        Ok(Timestamp(7))
    }

    async fn rotate(&self, _: Actor) -> Result<u32, KeyCareError> {
        Ok(2)
    }

    async fn retire(&self, generation: u32, _: Actor) -> Result<(), KeyCareError> {
        if generation == 1 { Ok(()) } else { Err(Rejection::NotFound.into()) }
    }
}

/// Node 2 runs the earlier release.
#[async_trait]
impl Upgrades for Verbs {
    async fn upgrade_status(&self) -> Result<UpgradeStatus, MembershipError> {
        let node = |number, supports| NodeSupport {
            node: NodeId(number),
            name: format!("node-{number}"),
            role: Role::Voter,
            supports,
        };
        let own = Support::Known { level: FeatureLevel::CURRENT, version: "1.2.3".into() };
        let nodes = vec![node(1, own), node(2, Support::KnowsNoLevels)];
        Ok(UpgradeStatus { level: FeatureLevel::FIRST, supported: FeatureLevel::CURRENT, nodes })
    }

    async fn finalise_upgrade(&self, _: Actor) -> Result<FeatureLevel, MembershipError> {
        Err(MembershipError::NotReady(self.upgrade_status().await?.obstacles().join("; ")))
    }
}

#[async_trait]
impl Admission for Verbs {
    async fn admit(&self, request: JoinRequest, supports: FeatureLevel) -> Result<JoinGrant, AdmissionError> {
        if request.token == "late" && supports < FeatureLevel::CURRENT {
            return Err(AdmissionError::ProgramTooOld { level: FeatureLevel::CURRENT, supports });
        }
        if request.token != "good" {
            return Err(AdmissionError::TokenInvalid);
        }
        Ok(JoinGrant {
            realm: RealmId(Uuid::nil()),
            node: NodeId(2),
            role: Role::Voter,
            certificate: "certificate".into(),
            authority: "authority".into(),
        })
    }

    async fn create_join_token(&self, _: Actor, _: Role, _: Span) -> Result<String, AdmissionError> {
        Ok("pq1.x".into())
    }

    async fn create_replacement_token(
        &self,
        _: Actor,
        node: NodeId,
        _: Span,
    ) -> Result<String, AdmissionError> {
        match node {
            NodeId(2) => Ok("replacement-token".into()),
            node => Err(MembershipError::NoSuchNode(node).into()),
        }
    }

    async fn create_api_token(
        &self,
        _: Actor,
        _: &str,
        _: BTreeSet<ApiScope>,
        _: Option<Span>,
    ) -> Result<String, AdmissionError> {
        Ok("pqa1.x".into())
    }
}

/// A backup in two pieces for the recipient `good`; for `breaks`, one piece and no end.
#[async_trait]
impl Backups for Verbs {
    async fn begin(&self, _: Actor, recipient: &str) -> Result<Box<dyn BackupFile>, BackupError> {
        let pieces = match recipient {
            "good" => vec![Ok(b"be".to_vec()), Ok(b"gun".to_vec())],
            "breaks" => vec![Ok(b"be".to_vec()), Err(BackupError::Broken("planted".into()))],
            "busy" => return Err(BackupError::NotNow("another backup is being made")),
            _ => return Err(BackupError::BadRecipient("no recipient".into())),
        };
        Ok(Box::new(Pieces(pieces.into_iter())))
    }

    async fn configuration(&self, _: Actor, recipient: &str) -> Result<Vec<u8>, BackupError> {
        match recipient {
            "good" => Ok(b"sealed".to_vec()),
            _ => Err(BackupError::BadRecipient("no recipient".into())),
        }
    }
}

struct Pieces(std::vec::IntoIter<Result<Vec<u8>, BackupError>>);

#[async_trait]
impl BackupFile for Pieces {
    async fn next(&mut self) -> Option<Result<Vec<u8>, BackupError>> {
        self.0.next()
    }
}
