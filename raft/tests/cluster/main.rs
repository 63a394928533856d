//! The cluster as its users see it: several members in one process over real sockets and real TLS.

mod consensus;
mod faults;
mod hostile;
mod members;
mod rig;
