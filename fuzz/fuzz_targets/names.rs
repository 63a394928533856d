//! Names, ids, passwords and answers, as people type them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_domain::fuzzing::names(data));
