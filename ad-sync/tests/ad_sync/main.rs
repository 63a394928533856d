//! The directories of this crate against the conformance suite and against what breaks. The Samba ones start a real
//! domain controller; they need root and the packages that `ops/rig/install.sh` installs, and fail without them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by a panic")]

mod container;
mod demo;
mod domain_controller;
mod fake_controller;
mod hostile;
mod mirror;
mod people;
mod points;
mod relay;
mod results;
mod rights;
mod samba;
mod samba_faults;
mod two_controllers;
mod two_writers;
