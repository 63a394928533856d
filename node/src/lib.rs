//! The node: everything of passquorum put together, and its command line.
//!
//! Start-up: settings and keys are read → the data directory is claimed → listeners are bound → storage and the Raft
//! member start → the realm key arrives with the replicated state → ready. Shut-down goes the other way, after
//! leadership was moved (see [`supervise`]). [`compose`] is the only place where parts meet.
//!
//! Invariants: the realm key is on no disk in clear; private keys of the node are in files of mode 0600; one process
//! uses a data directory at a time. Rules of the domain are not here.

pub mod admission;
pub mod authority;
pub mod backup;
pub mod birth;
pub mod certifier;
pub mod cli;
pub mod client;
pub mod commands;
pub mod compose;
pub mod config;
pub mod config_tree;
pub mod data_dir;
pub mod directories;
pub mod env;
pub mod former_config;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod gateway;
pub mod health;
pub mod key_care;
pub mod key_protection;
pub mod keyring;
pub mod keys;
pub mod listen;
pub mod metrics;
pub mod otlp;
pub mod pid_file;
pub mod renewal;
pub mod rotation;
pub mod sealed_file;
pub mod secret_file;
pub mod site_door;
pub mod site_tls;
pub mod spe;
pub mod stop;
pub mod supervise;
pub mod telemetry;
pub mod token;

mod admin_socket;
#[cfg(test)]
mod alone;
mod audit_log;
mod discover;
mod epoch;
mod evidence;
mod http_connection;
mod join_client;
mod local_storage;
mod log_file;
mod mail;
mod observed;
mod request_count;
mod starter;
mod systemd;
mod wiping;
mod write_deadline;

pub use compose::Node;
pub use config::NodeConfig;
pub use env::Env;
