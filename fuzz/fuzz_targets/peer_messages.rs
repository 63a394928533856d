//! Every kind of message between peers, in a right envelope.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_raft::fuzzing::peer_messages(data));
