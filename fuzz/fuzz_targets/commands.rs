//! Sequences of commands, applied to a state and to the cells that are kept of it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_raft::fuzzing::commands(data));
