//! Simulation of the realm from one seed: a workload of commands, replicas that apply them at their own pace, crash and
//! come back from their stored cells, and invariants checked on the way.
//!
//! Same seed, same run, byte for byte. This crate links the production domain code and owns the world around it; it
//! must not read a clock, draw other randomness, or touch a file.

pub mod history;
pub mod invariant;
pub mod judge;
pub mod linearizable;
pub mod model;
pub mod replica;
pub mod revisions;
pub mod workload;
pub mod world;
