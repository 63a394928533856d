//! The envelope of everything that is stored or sent.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_storage::fuzzing::envelopes(data));
