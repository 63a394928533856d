//! Rehearsals on the living realm, of what is safe there. Nothing is ended and no disk touched: leadership is handed over
//! and back instead of killing who leads, since a program on one host can neither start another host's node again nor
//! be sure that somebody does, and the realm would be one voter short for so long.
//!
//! A rehearsal begins only on a sound realm, one at a time. It ends when writes are not acknowledged any more, mends what
//! it did and takes its labels away, however it ends.

use super::claim::Claim;
use super::conditions::{Realm, broken};
use super::journal::Journal;
use super::load::{Door, Load, Pace, Past, first_line};
use super::{STEP, failed, keep, rehearsal, rotation};
use crate::cli::{DrillArgs, DrillName};
use crate::client::{Client, ClientError};
use crate::commands::fleet::until;
use crate::commands::{Failure, confirm, data_dir, tell};
use crate::data_dir::DataDir;
use crate::env::SystemEntropy;
use crate::supervise;
use http::{Method, StatusCode};
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::{ClusterStatus, fresh_uuid};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Each write and each removal is one record of the audit.
const BETWEEN: Duration = Duration::from_millis(100);
/// Acknowledged writes before and after each step.
const SOME: usize = 20;

/// Why a drill is not for a living realm.
fn refused(drill: DrillName) -> Option<&'static str> {
    match drill {
        DrillName::KillLeader | DrillName::RotateKeys | DrillName::RestoreBackup => None,
        DrillName::LoseQuorum => Some("it destroys disks, and what only they have is lost"),
        DrillName::PartitionDmz => Some(
            "it would take the Self-Service site from people; the cut is made by a relay that a living node lacks",
        ),
        DrillName::FullDisk => Some("it fills the leader's disk, which other programs use as well"),
        DrillName::RollingUpgrade => {
            Some("one host's program cannot stop and start the nodes of others; ops/runbooks has the steps")
        }
    }
}

fn node_dir(args: &DrillArgs) -> PathBuf {
    let given = args.dir.clone().or_else(|| std::env::var_os("PASSQUORUM_DIR").map(PathBuf::from));
    given.unwrap_or_else(|| PathBuf::from("/var/lib/passquorum"))
}

pub(super) async fn run(args: DrillArgs) -> Result<(), Failure> {
    let drill = args.drill;
    if let Some(why) = refused(drill) {
        return Err(Failure::usage(format!("{} is not for a living realm: {why}", drill.as_str())));
    }
    let signal = supervise::stop_signal()?;
    let data = data_dir(&node_dir(&args))?;
    let client = Client::of(data.clone());
    let realm = Realm::look(&client).await?;
    let objections = realm.objections();
    if !objections.is_empty() {
        return Err(Failure::not_now(format!("nothing was done:\n  {}", objections.join("\n  "))));
    }
    tell(&format!("{}: {}", drill.as_str(), what_it_does(drill)));
    if !args.yes {
        confirm::by_name("the realm's name", &realm.name, "--yes")?;
    }
    let claim = Claim::take(&client, drill, realm.status.node).await?;
    let mut journal = Journal::begin();
    let begun = json!({ "event": "begun", "drill": drill.as_str() });
    let in_audit = record(&client, &begun, &mut journal).await;
    let load = Load::begin(vec![Door::Node(client.clone())], pace());
    let rehearsed = tokio::select! {
        done = perform(drill, &client, &data, &load, &mut journal) => done,
        why = broken(&load, &client, Duration::from_millis(args.abort_after.0)) => Err(why),
        _ = signal => Err(Failure::not_now("stopped by a signal")),
    };
    if let Err(why) = rehearsed {
        tell(&why.message);
        journal.note(why.message.clone());
        journal.fault(why.message);
        mend(drill, &client, &realm, &load, &mut journal).await;
    }
    let past = load.end().await;
    let lost = clear_away(&client, &past, &mut journal).await;
    let ended = json!({ "event": "ended", "drill": drill.as_str(), "ok": journal.is_clean() });
    if in_audit {
        record(&client, &ended, &mut journal).await;
    }
    if claim.release().await.is_err() {
        journal.remark("the mark of this drill is left in the realm; it counts for an hour");
    }
    let report = journal.report(drill, true, realm.voters(), past, lost);
    DataDir::at(&data.drills()).create()?;
    keep(&report, &data.drills().join(report.file_name()), &args)?;
    if report.ok() { Ok(()) } else { Err(failed("the drill failed".to_owned())) }
}

/// Leaves a record in the audit, which a realm takes from feature level 2 on, and says whether it did.
async fn record(client: &Client, event: &Value, journal: &mut Journal) -> bool {
    let body = event.to_string().into_bytes();
    match client.send(Method::POST, "/api/v1/drills", &[], body).await {
        Ok(_) => true,
        Err(error) => {
            journal.remark(format!("not in the audit: {}", first_line(&error)));
            false
        }
    }
}

fn what_it_does(drill: DrillName) -> &'static str {
    match drill {
        DrillName::KillLeader => "leadership is handed to another voter and back, under a light load",
        DrillName::RotateKeys => {
            "this node gets a new certificate and the realm a new data key, under a light load; older keys stay"
        }
        _ => "a backup is taken, restored beside the realm and compared with it, under a light load",
    }
}

fn pace() -> Pace {
    let name = fresh_uuid(&SystemEntropy).simple().to_string();
    let prefix = format!("drill-live-{}", name.get(..8).unwrap_or(&name));
    Pace { writers: 1, between: BETWEEN, prefix }
}

async fn perform(
    drill: DrillName,
    client: &Client,
    data: &DataDir,
    load: &Load,
    journal: &mut Journal,
) -> Result<(), Failure> {
    load.goes_on(SOME).await?;
    match drill {
        DrillName::RotateKeys => {
            rotation::renew(client, journal).await?;
            rotation::replace_data_key(client, journal).await?;
            journal.remark("the certificates of other nodes: passquorum node renew, on each");
        }
        DrillName::RestoreBackup => rehearsal::restore(client, data, load, journal).await?,
        _ => hand_over_and_back(client, load, journal).await?,
    }
    load.goes_on(SOME).await
}

async fn hand_over_and_back(client: &Client, load: &Load, journal: &mut Journal) -> Result<(), Failure> {
    let status: ClusterStatus = client.get("/api/v1/status").await?;
    let first = status.leader.ok_or_else(|| Failure::not_now("nobody leads"))?;
    let next = hand_to(client, None).await?;
    journal.note(format!("node {first} hands leadership to node {next}"));
    load.goes_on(SOME).await?;
    hand_to(client, Some(first)).await?;
    journal.note(format!("node {first} leads again"));
    journal.remark("leadership was handed over; no process was ended");
    Ok(())
}

async fn hand_to(client: &Client, to: Option<NodeId>) -> Result<NodeId, Failure> {
    let body = to.map_or_else(|| json!({}), |to| json!({ "to": to }));
    let moved: Value = client.post("/api/v1/leader/transfer", &body).await?;
    let leader = moved.get("leader").and_then(Value::as_u64).map(NodeId);
    leader.ok_or_else(|| Failure::not_now("the node answered without a leader"))
}

/// Hands leadership to a node unless it leads.
async fn leads_again(client: &Client, first: NodeId) -> Option<()> {
    let status: ClusterStatus = client.get("/api/v1/status").await.ok()?;
    if status.leader != Some(first) {
        hand_to(client, Some(first)).await.ok()?;
    }
    Some(())
}

/// Brings the realm back to where it was, as far as it lets itself be brought.
async fn mend(drill: DrillName, client: &Client, before: &Realm, load: &Load, journal: &mut Journal) {
    let served = load.serves_again().await.is_ok();
    if served {
        journal.note("writes are acknowledged");
    }
    if drill == DrillName::KillLeader
        && served
        && let Some(first) = before.status.leader
    {
        match until(STEP, || leads_again(client, first)).await {
            Some(()) => journal.note(format!("node {first} leads")),
            None => journal.remark("leadership could not be handed back"),
        }
    }
    if drill == DrillName::RotateKeys {
        journal.remark("a new data key that was begun comes into use by itself: passquorum keys status");
    }
}

/// Looks for what was acknowledged, and takes every label of the drill away. Answers how many are gone that must not be.
async fn clear_away(client: &Client, past: &Past, journal: &mut Journal) -> usize {
    let mut lost = 0_usize;
    for outcome in past.outcomes.iter().filter(|outcome| outcome.is_acknowledged()) {
        match client.send(Method::GET, &past.pace.path(outcome.key), &[], Vec::new()).await {
            Ok(_) => {}
            Err(ClientError::Refused(problem)) if problem.status == StatusCode::NOT_FOUND => {
                lost = lost.saturating_add(1);
            }
            Err(error) => {
                journal.fault(format!("what was written could not be looked at: {error}"));
                journal.remark(format!("labels {}* are left in the realm", past.pace.prefix));
                return lost;
            }
        }
    }
    if lost > 0 {
        journal.fault(format!("{lost} acknowledged writes are gone"));
    }
    for key in 0..past.keys {
        match client.send(Method::DELETE, &past.pace.path(key), &[], Vec::new()).await {
            Ok(_) => {}
            Err(ClientError::Refused(problem)) if problem.status == StatusCode::NOT_FOUND => {}
            Err(error) => {
                journal.remark(format!("labels {}* are left in the realm: {error}", past.pace.prefix));
                return lost;
            }
        }
    }
    lost
}
