//! Sealed files, and what is in a backup.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_node::fuzzing::sealed_files(data));
