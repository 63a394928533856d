//! `config history` and `config rollback`.

use super::{Failure, answer, data_dir, plain};
use crate::cli::{Output, RollbackArgs};
use crate::client::{Client, ClientError};
use passquorum_domain::config::{ObjectDifference, summary};
use passquorum_domain::ids::Revision;
use passquorum_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const UTC: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");

/// The kept revisions, the latest first.
#[derive(Serialize, Deserialize)]
pub(super) struct History {
    pub(super) revisions: Vec<Entry>,
    pub(super) current: Revision,
}

/// One revision.
#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    revision: Revision,
    at: Option<Timestamp>,
    who: Option<String>,
    note: Option<String>,
    changes: Option<Vec<ObjectDifference>>,
}

impl Entry {
    /// One line for people.
    pub(super) fn readable(&self) -> String {
        let at = self.at.and_then(utc).unwrap_or_else(|| "at a time that is not known".to_owned());
        let who = self.who.as_deref().unwrap_or("somebody");
        let changes = self.changes.as_deref().map(|changes| format!("changes {}", summary(changes)));
        let what = self.note.clone().or(changes).unwrap_or_default();
        plain(&format!("revision {}, {at}, {who}: {what}", self.revision))
    }
}

fn utc(at: Timestamp) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(i64::try_from(at.0 / 1000).ok()?).ok()?.format(UTC).ok()
}

/// Asks for the revisions after one.
pub(super) async fn fetch(client: &Client, after: Option<Revision>) -> Result<History, ClientError> {
    let query = after.map_or_else(String::new, |after| format!("?after={after}"));
    client.get(&format!("/api/v1/config/revisions{query}")).await
}

pub(super) async fn list(output: &Output) -> Result<(), Failure> {
    let history = fetch(&Client::of(data_dir(&output.local.dir)?), None).await?;
    if output.json {
        return answer(&serde_json::to_string(&history)?);
    }
    history.revisions.iter().try_for_each(|entry| answer(&entry.readable()))
}

pub(super) async fn roll_back(args: &RollbackArgs) -> Result<(), Failure> {
    let client = Client::of(data_dir(&args.output.local.dir)?);
    let present: Value = client.get("/api/v1/config").await?;
    let base = present.get("revision").unwrap_or(&Value::Null);
    let request = json!({ "base": base, "revision": args.revision, "comment": args.comment });
    let changed: Value = client.post("/api/v1/config/rollback", &request).await?;
    if args.output.json {
        return answer(&changed.to_string());
    }
    let now = changed.get("revision").unwrap_or(&Value::Null);
    answer(&format!(
        "the configuration is at revision {now} now, with the contents of revision {}",
        args.revision
    ))
}
