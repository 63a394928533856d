//! How members talk: mutual TLS 1.3, bounded frames, many calls at a time over one stream.
//!
//! Who may send what is said in one place, [`request`], and is checked before a payload is read or decoded. This
//! module knows which bytes are a request of which kind, never what they mean.

pub(crate) mod client;
pub(crate) mod door;
pub(crate) mod frame;
pub(crate) mod identity;
pub(crate) mod question;
pub(crate) mod request;
pub(crate) mod server;
pub(crate) mod tls;
