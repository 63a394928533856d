//! Sealed values and key wraps.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_node::fuzzing::sealed_values(data));
