//! What the cluster agrees on: the realm's configuration, its counters, tickets and audit, and the rules over them.
//!
//! Reading order: [`ids`] and [`time`] name things; [`config`] is what an administrator edits ([`policy`],
//! [`workflow`], [`qa`], [`scope`]); [`command`] is what may be asked of the cluster, [`outcome`] what it answers;
//! [`feature_level`] which forms of all these may be written; [`state`] is what every node holds and [`apply`] the only way it changes; [`mirror`] is what of it others may see, [`points`] where they find it;
//! [`ports`] are the doors to the world; [`limit`] counts, on one node, what its callers take.
//!
//! Invariants: nothing here does IO, reads a clock or draws randomness; equal command sequences give equal states;
//! no secret is held in clear by any replicated type. This crate must not know openraft, tokio, sled, LDAP or HTTP.

pub mod address;
pub mod apply;
pub mod audit;
pub mod blob;
pub mod command;
pub mod config;
pub mod directory;
pub mod document;
pub mod drill;
pub mod error_code;
pub mod feature_level;
pub mod findings;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod helpdesk;
pub mod ids;
pub mod instance;
pub mod label;
pub mod limit;
pub mod lockout;
pub mod log_rule;
pub mod made_password;
pub mod mail;
pub mod mail_code;
pub mod mirror;
pub mod outcome;
pub mod passcode;
#[cfg(feature = "planted")]
pub mod planted;
#[cfg(not(feature = "planted"))]
mod planted;
pub mod points;
pub mod policy;
pub mod ports;
pub mod profile;
pub mod qa;
pub mod realm_keys;
pub mod scope;
pub mod secret;
pub mod state;
pub mod ticket;
pub mod time;
pub mod token;
pub mod utc;
pub mod workflow;
