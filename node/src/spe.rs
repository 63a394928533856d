//! A legacy client at the logon screen, emulated: it walks the chain from its settings to the page, and says for each
//! step what it saw, what is wrong and how to mend it.
//!
//! Reading order: [`settings`] (what group policy tells a client), `choice` (which service connection point it takes),
//! [`walk`] (the chain), `proxy`, `connect` and `site` (the way to one URL, and what is there), [`report`] (what was found).
//!
//! Invariants: it changes nothing, anywhere; it sends the account's password to domain controllers whose certificate is
//! believed, and nowhere else. It must not know the realm or its state: a client does not either.

pub mod report;
pub mod settings;
pub mod walk;

mod choice;
mod connect;
mod proxy;
mod site;
mod target;
