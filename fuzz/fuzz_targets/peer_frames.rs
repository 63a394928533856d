//! What a peer sends before anything of it is decoded.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_raft::fuzzing::peer_frames(data));
