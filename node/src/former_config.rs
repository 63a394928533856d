//! What files of the replaced product say of its configuration: `Local.storage`, `Shared.storage`, as far as they are XML.
//!
//! That product's guide gives one line of such a file, the setting `role`, and else only the words for what the files
//! hold. So an element is known by one of the guide's own words, and by nothing else: [`words`] is the whole list.
//!
//! Invariants: each element that carries anything, or holds no other, is in exactly one list of [`Inventory`]; a value is
//! kept only of what is known; nothing is read beyond the bounds of [`reader`]. No disk, no realm.

mod plan;
pub(crate) mod reader;
mod words;

pub use plan::{Connection, Plan};
pub use reader::NotReadable;

use serde::Serialize;

/// One element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Which file, as it was named.
    pub file: String,
    /// Where in it: the names of the elements down to this one, each with its number among those of its name.
    pub path: String,
    /// What the element is called: its `name`, or its tag.
    pub name: String,
    /// What it says; only of what is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What becomes of it, or why nothing does.
    pub note: String,
}

/// Every element of the files, each in one list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Inventory {
    /// What the plan takes over.
    pub taken: Vec<Item>,
    /// What is known, and is given to passquorum another way or not at all.
    pub by_hand: Vec<Item>,
    /// What is not known, and not taken over.
    pub unknown: Vec<Item>,
}

impl Inventory {
    /// How many elements there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.taken.len() + self.by_hand.len() + self.unknown.len()
    }
}
