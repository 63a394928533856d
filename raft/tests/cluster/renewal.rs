//! New certificates over the stream to the leader: named by the registry, recorded, and refused to who leaves.

use crate::rig::{Authority, Disk, Rig, commit, eventually, identity, label, put, tuning};
use crate::stranger::Stranger;
use passquorum_domain::audit::{Actor, AuditEvent};
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::{Instance, Role};
use passquorum_domain::outcome::Effect;
use passquorum_domain::ports::{Consensus, Consistency, Membership, MembershipError, Removal};
use passquorum_domain::state::State;
use passquorum_domain::time::Timestamp;
use passquorum_raft::{Certified, Certifier, TlsError};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::sync::Arc;

/// Says for whom and what it would have signed.
struct Signature;

const UNTIL: Timestamp = Timestamp(1_900_000_000_000);

impl Certifier for Signature {
    fn certify(&self, _: &State, node: &Instance, csr: &str) -> Result<Certified, String> {
        if csr == "bad" {
            return Err("no signing request".into());
        }
        Ok(Certified { certificate: format!("{} {} {csr}", node.id, node.role), until: UNTIL })
    }
}

fn certify_everywhere(rig: &Rig) {
    rig.nodes.values().for_each(|node| node.cluster.certify_with(Arc::new(Signature)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_gets_a_certificate_for_the_name_that_it_has() {
    let mut rig = Rig::three().await;
    let site = rig.join(Role::SiteLearner, Disk::memory()).await;
    let dmz = rig.join(Role::DmzLearner, Disk::memory()).await;
    certify_everywhere(&rig);
    let leader = rig.leader().await;
    let follower = rig.follower().await;
    for (node, role) in [(leader, "voter"), (follower, "voter"), (site, "site-learner"), (dmz, "dmz-learner")]
    {
        let actor = Actor::LocalOperator(node);
        let got = rig.node(node.0).renew_certificate("key".into(), actor.clone()).await;
        assert_eq!(got, Ok(format!("{node} {role} key")));
        let state = rig.node(leader.0).read(Consistency::Linearizable).await.unwrap();
        assert_eq!(state.certificate_end(node), Some(UNTIL));
        let event = AuditEvent::NodeCertified(node, UNTIL);
        assert!(state.audit().any(|record| record.event == event && record.actor == actor));
    }
    let refused = rig.node(dmz.0).renew_certificate("bad".into(), Actor::Realm).await;
    assert_eq!(refused, Err(MembershipError::Refused("no signing request".into())));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_removed_gets_none() {
    let mut rig = Rig::three().await;
    certify_everywhere(&rig);
    let leaving = rig.follower().await;
    rig.node(rig.leader().await.0).remove(leaving, Removal::Careful, Actor::Realm).await.unwrap();
    let gone = rig.nodes.remove(&leaving).unwrap();
    let refused = gone.cluster.renew_certificate("key".into(), Actor::Realm).await;
    assert!(refused.is_err(), "{refused:?}");
    let state = rig.any().read(Consistency::Linearizable).await.unwrap();
    assert_eq!(state.certificate_end(leaving), None);
    gone.cluster.halt().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_stay_open_while_every_node_changes_its_certificate_and_new_ones_use_it() {
    let mut rig = Rig::three().await;
    for round in 0..2 {
        for node in rig.nodes.values() {
            let (chain, key) = rig.authority.issue(&identity(node.id, node.role));
            let renewed = node.tls.prepare(&chain, &key).unwrap();
            let shown =
                async || Stranger::connect(&node.address, node.id, &rig.authority, None).await.certificate();
            let der = CertificateDer::from_pem_slice(chain.as_bytes()).unwrap().to_vec();
            assert_ne!(shown().await, der, "it is not in use yet");
            node.tls.put_in_use(renewed);
            assert_eq!(shown().await, der);
            let key = format!("round-{round}-{}", node.id);
            assert!(matches!(commit(&node.cluster, put(&key, "1")).await, Ok(Effect::Label(_))));
        }
    }
    // A node that starts opens new streams to all.
    let follower = rig.follower().await;
    let stopped = rig.crash(follower).await;
    rig.restart(stopped).await;
    eventually("the node that came back has what was written", || {
        let state = rig.node(follower.0).local();
        label(&state, "round-1-3").map(drop)
    })
    .await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_somebody_else_or_of_another_authority_is_not_taken() {
    let rig = Rig::first(tuning(), Disk::memory()).await;
    let node = &rig.nodes[&NodeId(1)];
    let (chain, key) = rig.authority.issue(&identity(NodeId(2), Role::Voter));
    assert!(matches!(node.tls.prepare(&chain, &key), Err(TlsError::OtherIdentity { .. })));
    let (chain, key) = Authority::new().issue(&identity(NodeId(1), Role::Voter));
    assert!(matches!(node.tls.prepare(&chain, &key), Err(TlsError::Unusable(_))));
    let (chain, _) = rig.authority.issue(&identity(NodeId(1), Role::Voter));
    assert!(matches!(node.tls.prepare(&chain, &key), Err(TlsError::Unusable(_))), "another key");
    rig.stop().await;
}
