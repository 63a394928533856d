//! Real faults on real node processes: a realm of three or five nodes, each in a network of its own, under load while
//! it is killed, frozen, cut off, slowed, filled up or damaged. What the clients saw is judged by `simulate check`.
//!
//! A run is a world ([`world`]) inside a sandbox ([`sandbox`]) that the kernel takes away with the run, however it ends:
//! processes, networks and mounts. A fault ([`kinds`]) only does harm and undoes it; [`trial`] does all else alike for
//! all of them. Nothing here may touch an interface of the host, and nothing knows the product but by its binary, its
//! command line and the operators' API.

pub mod api;
pub mod audit;
pub mod delay;
pub mod editor;
pub mod history;
pub mod kinds;
pub mod network;
pub mod nodes;
pub mod sandbox;
pub mod trial;
pub mod verdict;
pub mod workload;
pub mod world;
