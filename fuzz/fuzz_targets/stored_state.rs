//! A disk with any content, from which a member starts.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_raft::fuzzing::stored_state(data));
