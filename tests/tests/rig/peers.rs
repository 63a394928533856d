//! HAProxy and etcd.

use std::time::Duration;

use passquorum_tests::ports;
use passquorum_tests::rig::etcd::Etcd;
use passquorum_tests::rig::haproxy::HaProxy;
use passquorum_tests::rig::{RigError, process};

#[tokio::test]
async fn etcd_starts_is_healthy_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let etcd = Etcd::start(dir.path(), Duration::from_millis(150), Duration::from_secs(1)).await.unwrap();
    assert_eq!(process::naming(dir.path()).len(), 3);
    etcd.stop().await.unwrap();
    assert_eq!(process::naming(dir.path()), Vec::<i32>::new());
}

#[tokio::test]
async fn haproxy_with_a_bad_authority_says_so_and_is_not_left_running() {
    let dir = tempfile::tempdir().unwrap();
    let authority = dir.path().join("nodes.crt");
    std::fs::write(&authority, "no certificate").unwrap();
    let port = ports::block(2).unwrap();
    let nodes = [1, 2, 3].map(|id| (id, "127.0.0.1:1".to_owned()));
    let refused = HaProxy::start(&dir.path().join("haproxy"), port, &nodes, &authority).await;
    assert!(matches!(refused, Err(RigError::Failed { output, .. }) if output.contains("ca-file")));
    assert_eq!(process::naming(dir.path()), Vec::<i32>::new());
}
