//! Certificates and the realm's data key are replaced while clients are at work, of whom none may notice.

use super::STEP;
use super::journal::Journal;
use super::scene::Scene;
use crate::client::Client;
use crate::commands::Failure;
use crate::commands::fleet::until;
use crate::health::NodeStatus;
use passquorum_domain::realm_keys::{RealmKeys, Uses};
use passquorum_domain::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::time::Instant;

/// The answer of `/api/v1/keys`.
#[derive(Deserialize)]
pub(super) struct Keys {
    #[serde(flatten)]
    pub(super) keys: RealmKeys,
    uses: BTreeMap<u32, Uses>,
}

impl Keys {
    /// Whether everything that can be sealed anew is sealed under the newest key, and no other is on its way.
    pub(super) fn at_rest(&self) -> bool {
        let left = |(generation, uses): (&u32, &Uses)| *generation != self.keys.sealing && uses.to_reseal > 0;
        self.keys.next.is_none() && !self.keys.due && !self.uses.iter().any(left)
    }
}

pub(super) async fn rotate(scene: &mut Scene) -> Result<(), Failure> {
    scene.begin().await?;
    scene.put_clients_to_work().await?;
    for place in 1..=scene.size() {
        let client = Client::of(scene.node(place)?.config.data);
        renew(&client, &mut scene.journal).await?;
    }
    scene.more_load().await?;
    let client = Client::of(scene.node(2)?.config.data);
    let generation = replace_data_key(&client, &mut scene.journal).await?;
    for place in 1..=scene.size() {
        let client = Client::of(scene.node(place)?.config.data);
        let has = until(STEP, || async {
            let told: Keys = client.get("/api/v1/keys?consistency=local").await.ok()?;
            (told.keys.sealing == generation && told.at_rest()).then_some(())
        });
        if has.await.is_none() {
            scene.journal.fault(format!("node {place} does not have data key {generation}"));
        }
    }
    scene.journal.note(format!("every node seals under data key {generation}"));
    scene.more_load().await
}

/// Gives the node that is asked a new key and certificate.
pub(super) async fn renew(client: &Client, journal: &mut Journal) -> Result<(), Failure> {
    let (node, before) = own_end(client).await?;
    let _: Value = client.post("/api/v1/certificate/renew", &json!({})).await?;
    let renewed = until(STEP, || async {
        let (_, end) = own_end(client).await.ok()?;
        (end > before).then_some(())
    });
    if renewed.await.is_none() {
        journal.fault(format!("node {node} has no newer certificate"));
    }
    journal.note(format!("node {node} has a new certificate"));
    Ok(())
}

async fn own_end(client: &Client) -> Result<(u64, Timestamp), Failure> {
    let status: NodeStatus = client.get("/status").await?;
    let node = status.cluster.node;
    let end = status.certificates.get(&node).copied();
    Ok((node.0, end.ok_or_else(|| Failure::not_now(format!("node {node} has no certificate")))?))
}

/// Replaces the realm's data key, and waits until everything is sealed under the new one.
pub(super) async fn replace_data_key(client: &Client, journal: &mut Journal) -> Result<u32, Failure> {
    let begun = Instant::now();
    let answer: Value = client.post("/api/v1/keys/rotate", &json!({})).await?;
    let generation =
        answer.get("generation").and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    let generation = generation.ok_or_else(|| Failure::not_now("the node answered without a generation"))?;
    journal.note(format!("data key {generation} is on its way"));
    let done = until(STEP, || async {
        let told: Keys = client.get("/api/v1/keys").await.ok()?;
        (told.keys.sealing == generation && told.at_rest()).then_some(())
    });
    done.await.ok_or_else(|| Failure::not_now(format!("data key {generation} is not in use in time")))?;
    journal.measure_time("key_rotated_ms", begun.elapsed());
    journal.measure("key_generation", u64::from(generation));
    journal.note(format!("everything is sealed under data key {generation}"));
    Ok(generation)
}
