//! The sites and the API through their routers, over fake ports.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics is a test that fails")]

mod admin;
mod api;
mod browser;
mod fakes;
