//! The headers that the operators' API reads.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_sites::fuzzing::api_headers(data));
