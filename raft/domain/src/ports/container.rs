//! The storage container port: the object in Active Directory that shows the realm to legacy clients.
//!
//! It is fenced. What is in it was written under a [`Fence`]; it is replaced only by compare-and-swap on the fence that
//! was seen, in one step on one domain controller, and never by a lower fence. So a leader that was stopped, replaced
//! and woken up again cannot overwrite what its successor wrote, however late its request arrives.

use super::{DirectoryError, DirectoryReason};
use crate::blob::Blob;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::str::FromStr;

/// Who wrote, and from which state: later leaders have higher fences, and so have later states of one leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fence {
    /// The leader's term. It comes first in the order.
    pub term: u64,
    /// The last log index of the state that was written.
    pub index: u64,
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.term, self.index)
    }
}

/// A text that is no fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fence is a term and a log index, such as 3.141")]
pub struct NotAFence;

impl FromStr for Fence {
    type Err = NotAFence;

    fn from_str(text: &str) -> Result<Self, NotAFence> {
        let (term, index) = text.split_once('.').ok_or(NotAFence)?;
        let number = |digits: &str| digits.parse().map_err(|_| NotAFence);
        let fence = Self { term: number(term)?, index: number(index)? };
        // Other spellings of the same numbers are not ours, and could not be taken out by their value.
        if fence.to_string() == text { Ok(fence) } else { Err(NotAFence) }
    }
}

/// What a container holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The fence it was written under.
    pub fence: Fence,
    /// The document; empty when somebody took it out.
    pub document: Blob,
}

/// What something held when it was looked at, as cheaply as the directory tells: two marks are equal while nobody has
/// touched it. Whoever reads the mark first and the thing itself afterwards misses no change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(pub u64);

impl Mark {
    /// The mark of what can be hashed.
    #[must_use]
    pub fn of(what: &impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// A container was not read or not written. Unless it says otherwise, nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// The domain controller cannot be used now.
    #[error("{0}; nothing was written")]
    Unreachable(DirectoryError),
    /// The access account lacks a right.
    #[error("{0}; let the access account make the container and write it")]
    Denied(DirectoryError),
    /// A newer leader, or this one later, has written.
    #[error("the container was written under fence {found}, and {own} is lower; nothing was written")]
    Stale {
        /// What is there.
        found: Fence,
        /// What was to be written.
        own: Fence,
    },
    /// It is not as it was when it was read.
    #[error("the container was changed meanwhile; nothing was written")]
    Changed,
    /// Another realm or program has it.
    #[error("{0}; name another container, or remove that one")]
    Foreign(DirectoryError),
    /// It was sent and no answer came: it may have happened, or happen yet.
    #[error("{0}")]
    Unknown(DirectoryError),
    /// Refused for another reason.
    #[error("{0}; nothing was written")]
    Refused(DirectoryError),
}

impl From<DirectoryError> for ContainerError {
    fn from(error: DirectoryError) -> Self {
        match error.reason {
            DirectoryReason::Unreachable
            | DirectoryReason::UntrustedCertificate
            | DirectoryReason::BindRefused => Self::Unreachable(error),
            DirectoryReason::AccessDenied => Self::Denied(error),
            DirectoryReason::ForeignValue => Self::Foreign(error),
            DirectoryReason::Changed => Self::Changed,
            DirectoryReason::NoAnswer => Self::Unknown(error),
            _ => Self::Refused(error),
        }
    }
}

/// One container on one domain controller.
#[async_trait]
pub trait Container: Send + Sync {
    /// What it holds; `None` when it is not there yet, or was emptied.
    async fn read(&self) -> Result<Option<Held>, ContainerError>;

    /// Changes whenever what [`Container::read`] answers does.
    async fn mark(&self) -> Result<Mark, ContainerError> {
        let held = self.read().await?;
        let seen = held.as_ref().map(|held| (held.fence, held.document.as_bytes()));
        Ok(Mark::of(&seen))
    }

    /// Removes it, to be made anew. Refuses what another realm or program has; that it is gone already is no failure.
    async fn remove(&self) -> Result<(), ContainerError>;

    /// Replaces what is there, if it still is under the fence that was `seen`, and makes the container when it is not
    /// there. Refuses a `fence` below `seen` without sending anything.
    async fn swap(&self, seen: Option<Fence>, fence: Fence, document: &Blob) -> Result<(), ContainerError>;
}

impl Fence {
    /// Whether this fence may replace the one that was seen.
    pub fn may_replace(self, seen: Option<Self>) -> Result<(), ContainerError> {
        match seen {
            Some(found) if found > self => Err(ContainerError::Stale { found, own: self }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_term_is_higher_whatever_the_index_and_within_a_term_the_index_decides() {
        let fence = |term, index| Fence { term, index };
        let ascending = [fence(1, 9), fence(2, 3), fence(2, 4), fence(10, 0)];
        assert!(ascending.is_sorted());
        let stale = ContainerError::Stale { found: fence(2, 3), own: fence(1, 9) };
        assert_eq!(fence(1, 9).may_replace(Some(fence(2, 3))), Err(stale));
        assert_eq!(fence(2, 3).may_replace(Some(fence(2, 3))), Ok(()));
        assert_eq!(fence(1, 9).may_replace(None), Ok(()));
    }

    #[test]
    fn a_fence_is_read_back_and_in_no_other_spelling() {
        let fence = Fence { term: 3, index: 141 };
        assert_eq!((fence.to_string().as_str(), "3.141".parse()), ("3.141", Ok(fence)));
        for text in
            ["", "3", "3.", ".1", "03.141", "+3.141", "3.141 ", "3.141.5", "-1.1", "3.99999999999999999999"]
        {
            assert_eq!(text.parse::<Fence>(), Err(NotAFence), "{text}");
        }
    }
}
