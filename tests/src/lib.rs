//! The rig: the real things that passquorum is tested with, each started, waited for and stopped by pid.
//!
//! Nothing here is mocked and nothing links a crate of the product: the tests drive the built binary
//! `passquorum` ([`rig::cluster`]), a Samba domain controller ([`rig::samba`]), HAProxy ([`rig::haproxy`]),
//! headless Chromium ([`rig::browser`]) and etcd ([`rig::etcd`]). `ops/rig/install.sh` installs the foreign
//! ones from Debian's packages; without them the rig fails with an error that says so.
//!
//! [`faults`] does harm to a cluster of real processes under load, and has a checker judge what its clients saw.
//!
//! Invariants: every wait is [`wait::until`], a condition with a deadline; whatever is started is stopped on
//! drop, and `stop().await` also proves that no process of it is left.

pub mod faults;
pub mod https;
pub mod ports;
pub mod rig;
pub mod wait;
