//! The directories of this crate against the conformance suite and against what breaks. The Samba ones start a real
//! domain controller; they need root and the packages that `ops/rig/install.sh` installs, and fail without them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by a panic")]

mod container;
mod demo;
mod domain_controller;
mod mirror;
mod people;
mod points;
mod relay;
mod samba;
mod samba_faults;
mod two_controllers;
