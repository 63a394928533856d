//! The realm's configuration as a folder of TOML files that people read, edit and keep under version control.
//!
//! ```text
//! tree.toml                            the revision it was exported at, and the order of things
//! general.toml  administrators.toml  helpdesk.toml
//! mail.toml                            how mail is sent, and texts in further languages; only where it is
//! connections/NAME.toml                one domain connection
//! policies/NAME/policy.toml            scope, lockout, the order of the workflows
//! policies/NAME/questions.toml  policies/NAME/password.toml
//! policies/NAME/workflows/NAME.toml    one workflow
//! ```
//!
//! Invariants: what is written reads back as the same configuration; no secret is ever in it (a sealed password is the
//! word `kept`, and stays as it is in the realm); whatever is unknown, missing or not valid is a problem with its file
//! and line, and all problems are told at once. Only [`folder`] touches a disk.

#[cfg(test)]
mod arbitrary;
mod files;
pub mod folder;
mod locate;
mod parse;
mod print;
mod write;

use passquorum_domain::config::RealmConfig;
use passquorum_domain::ids::Revision;
use std::collections::BTreeMap;
use std::fmt;

/// The file that makes a folder a tree.
const HEAD: &str = "tree.toml";

/// The file of the mail settings, which is there only where mail is sent.
const MAIL_FILE: &str = "mail.toml";

/// The form of a tree that this program writes and reads.
const FORMAT: u32 = 1;

/// A configuration as texts, by their paths below the tree's folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree(pub BTreeMap<String, String>);

/// What a tree says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The revision that it was exported at.
    pub revision: Revision,
    /// The configuration, with the realm's own sealed passwords.
    pub config: RealmConfig,
}

/// One thing that is wrong with a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TreeProblem {
    /// The file, below the tree's folder.
    pub file: String,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for TreeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// Everything that is wrong with a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TreeProblems(pub Vec<TreeProblem>);

impl fmt::Display for TreeProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the tree is not a valid configuration; nothing was changed")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// A configuration cannot be written as a tree.
#[derive(Debug, thiserror::Error)]
#[error("the configuration cannot be written as a tree: {0}")]
pub struct NotWritable(#[from] toml::ser::Error);

impl Tree {
    /// Writes a configuration.
    pub fn of(config: &RealmConfig) -> Result<Self, NotWritable> {
        write::tree(config)
    }

    /// The same tree for another revision: only that line of `tree.toml` is another.
    #[must_use]
    pub fn at_revision(mut self, revision: Revision) -> Self {
        if let Some(head) = self.0.get_mut(HEAD)
            && let Some(place) = locate::line_of(head, "revision")
        {
            let line = |(number, line): (usize, &str)| {
                if number == place { format!("revision = {revision}\n") } else { line.to_owned() }
            };
            *head = (1..).zip(head.split_inclusive('\n')).map(line).collect();
        }
        self
    }

    /// Reads the configuration. Sealed passwords are those of the present one.
    pub fn parse(&self, present: &RealmConfig) -> Result<Described, TreeProblems> {
        parse::tree(self, present)
    }
}

#[cfg(test)]
mod tests;
