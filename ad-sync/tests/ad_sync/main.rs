//! The directories of this crate against the conformance suite and against what breaks.

mod demo;
