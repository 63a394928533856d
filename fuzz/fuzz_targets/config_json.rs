//! Configurations and changes of it, as the API takes them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_domain::fuzzing::config_json(data));
