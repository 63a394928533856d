//! Simulation of a realm from one seed: the production cluster over a simulated network, on disks in memory, with its
//! own clocks and randomness; faults, clients, and properties that are looked at on the way and at the end.
//!
//! ```text
//!   plan ── what the seed decides          fault ── what goes wrong, in the loop of world
//!     │                                      │
//!   world ── steps turmoil ── stage ── nodes (production code) ── watch ── invariant/*
//!     │                         │
//!   script ── birth, clients, healing ── history ── linearizable, revisions (model)
//! ```
//! Same seed, same run, byte for byte: this crate reads no clock, draws no other randomness, and runs one simulation on
//! a thread, a process each. [`domain_run`] is a cheaper run of the domain alone.

pub mod authority;
pub mod churn;
pub mod clerk;
pub mod clients;
pub mod container;
pub mod determinism;
pub mod directory;
pub mod domain_run;
pub mod fault;
pub mod history;
pub mod invariant;
pub mod judge;
pub mod ledger;
pub mod linearizable;
pub mod mirror;
pub mod model;
pub mod net;
pub mod node;
pub mod people;
pub mod plan;
pub mod plant;
pub mod revisions;
pub mod rogue;
pub mod runner;
pub mod saved;
pub mod script;
pub mod stage;
pub mod story;
pub mod time;
pub mod trace;
pub mod watch;
pub mod world;
