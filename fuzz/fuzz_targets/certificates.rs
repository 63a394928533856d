//! Certificates and signing requests, as the authority and a joining node read them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_node::fuzzing::certificates(data));
