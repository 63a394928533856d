//! What is noted while a drill goes on, and the report that it becomes.

use super::load::Past;
use super::report::{Gathered, Report, milliseconds};
use crate::cli::DrillName;
use crate::env::SystemClock;
use passquorum_domain::ports::Clock as _;
use passquorum_domain::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// The notes of one drill.
pub(super) struct Journal {
    at: Timestamp,
    notes: Vec<(Instant, String)>,
    measures: BTreeMap<&'static str, u64>,
    remarks: Vec<String>,
    faults: Vec<String>,
}

impl Journal {
    /// Begins now.
    pub(super) fn begin() -> Self {
        Self {
            at: SystemClock.now(),
            notes: Vec::new(),
            measures: BTreeMap::new(),
            remarks: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// What happened now.
    pub(super) fn note(&mut self, what: impl Into<String>) {
        self.notes.push((Instant::now(), what.into()));
    }

    /// What a reader has to know.
    pub(super) fn remark(&mut self, what: impl Into<String>) {
        self.remarks.push(what.into());
    }

    /// What must not be.
    pub(super) fn fault(&mut self, what: impl Into<String>) {
        self.faults.push(what.into());
    }

    /// Whether nothing went wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// What only this drill measures.
    pub(super) fn measure(&mut self, name: &'static str, value: u64) {
        self.measures.insert(name, value);
    }

    /// The same, of a time.
    pub(super) fn measure_time(&mut self, name: &'static str, time: Duration) {
        self.measure(name, milliseconds(time));
    }

    /// Ends it.
    pub(super) fn report(self, drill: DrillName, live: bool, nodes: u64, past: Past, lost: usize) -> Report {
        let Self { at, notes, measures, remarks, faults } = self;
        let Past { begun, outcomes, .. } = past;
        Report::new(Gathered {
            drill,
            live,
            nodes,
            at,
            begun,
            outcomes,
            notes,
            lost,
            measures,
            remarks,
            faults,
        })
    }
}
