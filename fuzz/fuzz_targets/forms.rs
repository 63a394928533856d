//! Bodies of forms.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_sites::fuzzing::forms(data));
