//! Active Directory: finding users, checking, resetting and changing their passwords, and keeping the sealed profile.
//!
//! [`ldaps::open`] gives the domain's `Directory` port for real domain controllers, [`demo::DemoDirectory`] for an
//! embedded one; [`conformance`] is the one suite that both must pass. [`mirror`] keeps the storage [`container`] and the
//! service connection [`points`] true; [`client_view`] is what a legacy client sees.
//! Reading order: `ldaps` (who calls what), `pool`
//! and `connection` (how a request reaches a controller, and what is known when it fails), `guard` (what of an answer is let
//! through), `filter` (the only builder
//! of search filters), then one file per task.
//!
//! Invariants: every connection is TLS and verified against the configured authorities only; users are addressed by
//! `objectGUID`, never by a name or DN that may have moved; what may have happened is never tried again.
//!
//! Rights of the access account, on the users it serves: read; the extended right *Reset Password*; write of
//! `lockoutTime`, `pwdLastSet`, `userAccountControl` and the profile attribute; read of the password settings container, where PSOs are used. Read of
//! `replPropertyMetaData` tells an earlier profile that was put back. Where changes are pushed to AD sites, *Replication
//! Synchronization* on the domain.
//!
//! Must not know: consensus, sites, files other than the demo directory's own.

mod address;
mod chunks;
pub mod client_hint;
pub mod client_view;
pub mod conformance;
mod connection;
pub mod container;
pub mod demo;
mod error;
mod filter;
mod find;
mod guard;
pub mod ldaps;
mod list;
pub mod mirror;
mod names;
mod paging;
mod password;
mod password_rules;
pub mod points;
mod pool;
mod profile;
mod push;
mod rights;
mod scope;
mod security;
mod tls;
mod versions;

pub use names::{Names, NamesError, Service};
pub use profile::ProfileAttributes;
