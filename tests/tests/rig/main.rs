//! The rig itself, for real: each part starts, does what the tests rely on, and leaves no process behind.

mod browser;
mod page;
mod peers;
mod samba;
