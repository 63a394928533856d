//! The sites of a node and its operators' API.

pub mod api;
pub mod ports;
