//! The latest audit records, with their details opened where this node holds the realm key.

use super::audit_text;
use super::edit::Desk;
use crate::page_error::Failure;
use crate::text;
use crate::view::{Page, render};
use askama::Template;
use axum::response::Response;
use passquorum_domain::audit::{AuditRecord, verify_chain};
use passquorum_domain::ports::{Purpose, Vault};

const LATEST: usize = 200;

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditPage {
    page: Page,
    part: &'static str,
    /// The first record that does not fit the one before it.
    broken_at: Option<u64>,
    rows: Vec<Row>,
}

struct Row {
    seq: u64,
    at: String,
    actor: String,
    event: String,
    subject: String,
    detail: String,
}

fn row(vault: &dyn Vault, record: &AuditRecord) -> Row {
    let opened = record.detail.as_ref().map(|sealed| vault.open(Purpose::AuditDetail, &[], sealed));
    Row {
        seq: record.seq,
        at: text::utc(record.at),
        actor: audit_text::actor(&record.actor),
        event: audit_text::event(&record.event),
        subject: record.subjects().map(|subject| subject.to_string()).collect::<Vec<_>>().join(" "),
        detail: match opened {
            None => String::new(),
            Some(Ok(clear)) => String::from_utf8_lossy(&clear).into_owned(),
            Some(Err(_)) => "(sealed)".to_owned(),
        },
    }
}

/// The page, latest first.
pub(super) async fn page(desk: Desk) -> Result<Response, Failure> {
    let state = desk.app.ports.consensus.local();
    let mut records: Vec<&AuditRecord> = state.audit().rev().take(LATEST).collect();
    let rows = records.iter().map(|record| row(&*desk.app.ports.vault, record)).collect();
    records.reverse();
    let broken_at = verify_chain(records).err();
    render(&AuditPage { page: desk.page("Audit")?, part: "/admin/audit", broken_at, rows })
}
