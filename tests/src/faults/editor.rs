//! An administrator who edits the configuration all along, each edit on top of the revision seen last. An edit has no
//! key to repeat it under, so that an edit of unknown outcome is given up.
#![allow(clippy::indexing_slicing, reason = "indexing a JSON value by a name gives null, it does not panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::workload::Course;
use crate::rig::RigError;
use crate::wait;

const PACE: Duration = Duration::from_millis(100);
/// Its last edit takes this long at most: two requests, each with its own deadline.
const LAST: Duration = Duration::from_secs(20);

/// An edit that was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The revision that it made.
    pub revision: u64,
    /// The organisation's name that it set.
    pub organisation: String,
}

/// A running editor.
#[derive(Debug)]
pub struct Editor {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Vec<Edit>>,
}

impl Editor {
    /// Starts to edit.
    pub fn start(course: &Course) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(edit(course.clone(), Arc::clone(&stop)));
        Self { stop, task }
    }

    /// Ends editing, and gives the acknowledged edits in order.
    ///
    /// # Errors
    /// [`RigError::Contract`] when the editor died, [`RigError::Elapsed`] when it does not end.
    pub async fn stop(self) -> Result<Vec<Edit>, RigError> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = wait::within("the editor ends its last edit", LAST, self.task).await?;
        ended.map_err(|error| RigError::Contract { who: "the editor", answer: error.to_string() })
    }
}

async fn edit(course: Course, stop: Arc<AtomicBool>) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut pace = tokio::time::interval(PACE);
    for number in 0.. {
        pace.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let place = course.places.get(number % course.places.len().max(1)).copied().unwrap_or(1);
        let organisation = format!("{} {number}", course.prefix);
        if let Ok(Some(revision)) = edit_once(&course, place, &organisation).await {
            edits.push(Edit { revision, organisation });
        }
    }
    edits
}

async fn edit_once(course: &Course, place: u64, organisation: &str) -> Result<Option<u64>, RigError> {
    let config = course.api.document(place, "config").await?;
    let mut general = config["general"].clone();
    general["organisation"] = Value::from(organisation);
    let body = json!({ "base": config["revision"], "change": { "SetGeneral": general } });
    let (status, answer) = course.api.post(place, "config/changes", &body).await?;
    Ok((status == StatusCode::OK).then(|| answer["revision"].as_u64()).flatten())
}
