//! The rules of the replicated state, as properties over sequences of commands.

#[cfg(test)]
mod commands;
#[cfg(test)]
mod helpdesk;
#[cfg(test)]
mod history;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod level;
#[cfg(test)]
mod names;
#[cfg(test)]
mod outbox;
#[cfg(test)]
mod projection;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod standing;
#[cfg(test)]
mod words;
