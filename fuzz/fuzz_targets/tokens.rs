//! Join tokens and API tokens.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_node::fuzzing::tokens(data));
