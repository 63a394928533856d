//! keepalived as it is shipped: the address goes to the machine whose site answers.

use crate::{TURN, shipped};
use std::process::Command;

#[tokio::test]
async fn the_address_moves_to_the_balancer_whose_site_answers_and_stays_there() {
    let _turn = TURN.lock().await;
    let folder = tempfile::Builder::new().prefix("passquorum-ops-").tempdir().unwrap();
    let output = Command::new(shipped("rig/keepalived.sh")).arg(folder.path()).output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&told));
}
