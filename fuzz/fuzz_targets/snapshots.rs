//! Snapshots that arrive from a peer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_raft::fuzzing::snapshots(data));
