//! Who a peer is, as its certificate says.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_raft::fuzzing::identities(data));
