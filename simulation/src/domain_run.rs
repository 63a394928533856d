//! The domain alone: a log that grows, replicas that apply it at their own pace, crash and come back from their stored
//! cells. No network and no Raft, so thousands of runs take seconds; the cluster's simulation runs the rest.

pub mod cells_are_the_state;
pub mod replica;
pub mod workload;
pub mod world;
