//! What a browser carries.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_sites::fuzzing::cookies(data));
