//! The storage contract, on the disk engine and on its twin in memory.

mod machine;
mod suite;
