//! The program as operators meet it: help, errors, exit codes, and a whole demonstration realm of real processes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop loudly"
)]

mod admx;
mod demo;
mod disks;
mod drill;
mod earlier;
mod joined;
mod keys;
mod live_drill;
mod memory;
mod perimeter;
mod program;
mod realm;
mod realm_key;
mod recovery;
mod site_learner;
mod spe;
mod usage;
mod visitor;
