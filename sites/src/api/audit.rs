//! The audit window, record by record, as it is chained: details stay sealed.

use super::Shared;
use super::problem::ApiProblem;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use passquorum_domain::audit::AuditRecord;
use passquorum_domain::ports::Consistency;
use serde::{Deserialize, Serialize};

const MOST: usize = 1000;

/// Which records.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    #[serde(default)]
    after: u64,
    #[serde(default = "default_limit")]
    limit: usize,
}

fn default_limit() -> usize {
    200
}

/// A run of records.
#[derive(Serialize)]
pub(super) struct Page {
    records: Vec<AuditRecord>,
    /// The number of the realm's last record, to know whether there are more.
    last: u64,
}

/// `GET /api/v1/audit?after=N&limit=M`: oldest first.
pub(super) async fn list(
    State(ports): State<Shared>,
    window: Result<Query<Window>, QueryRejection>,
) -> Result<Json<Page>, ApiProblem> {
    let Query(Window { after, limit }) =
        window.map_err(|_| ApiProblem::bad_input("query", "use after=NUMBER and limit=NUMBER"))?;
    if !(1..=MOST).contains(&limit) {
        return Err(ApiProblem::bad_input("limit", format!("use 1 to {MOST}")));
    }
    let state = ports.consensus.read(Consistency::Linearizable).await?;
    let records = state.audit().filter(|record| record.seq > after).take(limit).cloned().collect();
    Ok(Json(Page { records, last: state.totals().audit_seq }))
}
