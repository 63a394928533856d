//! The settings file of a node.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| passquorum_node::fuzzing::node_settings(data));
