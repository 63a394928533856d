//! A tree on a disk. Writing leaves alone whatever is not part of a tree, such as a README or a repository's own
//! folder; reading takes every `.toml` file outside hidden folders, so that no file is overlooked.

use super::{HEAD, Tree};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of all files together; far more than a configuration may have.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// A folder cannot be written or read as a tree.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is something else in it.
    #[error("{0} is not empty and holds no exported configuration; name a new folder")]
    Foreign(PathBuf),
    /// It is no tree.
    #[error(
        "{0} holds no exported configuration (tree.toml); make one with `passquorum config export --tree`"
    )]
    NoTree(PathBuf),
    /// It is far too large.
    #[error("{0} holds more than any configuration may; is it the right folder?")]
    TooLarge(PathBuf),
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, FolderError> {
    result.map_err(|source| FolderError::Io { path: path.to_owned(), source })
}

/// Writes a tree into a new or empty folder, or in place of the tree that is there.
pub fn write(folder: &Path, tree: &Tree) -> Result<(), FolderError> {
    at(folder, std::fs::create_dir_all(folder))?;
    if folder.join(HEAD).is_file() {
        for path in files(folder)?.into_iter().filter(|path| !tree.0.contains_key(path)) {
            let path = folder.join(path);
            at(&path, std::fs::remove_file(&path))?;
            remove_empty(folder, &path);
        }
    } else if at(folder, std::fs::read_dir(folder))?
        .any(|entry| !entry.is_ok_and(|entry| is_hidden(&entry.path())))
    {
        return Err(FolderError::Foreign(folder.to_owned()));
    }
    for (path, text) in &tree.0 {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            at(parent, std::fs::create_dir_all(parent))?;
        }
        at(&path, std::fs::write(&path, text))?;
    }
    Ok(())
}

/// Writes only the file that says which revision the tree is.
pub fn write_head(folder: &Path, tree: &Tree) -> Result<(), FolderError> {
    let path = folder.join(HEAD);
    let text = tree.0.get(HEAD).ok_or_else(|| FolderError::NoTree(folder.to_owned()))?;
    at(&path, std::fs::write(&path, text))
}

/// The folders above a removed file that hold nothing any more.
fn remove_empty(folder: &Path, file: &Path) {
    let above = file.ancestors().skip(1).take_while(|above| *above != folder);
    // A folder that is not empty stays, by the error.
    above.take_while(|above| std::fs::remove_dir(above).is_ok()).for_each(drop);
}

/// Reads a tree.
pub fn read(folder: &Path) -> Result<Tree, FolderError> {
    let mut tree = BTreeMap::new();
    let mut left = MOST_BYTES;
    for name in files(folder)? {
        let path = folder.join(&name);
        let size = at(&path, std::fs::metadata(&path))?.len();
        left = left.checked_sub(size).ok_or_else(|| FolderError::TooLarge(folder.to_owned()))?;
        tree.insert(name, at(&path, std::fs::read_to_string(&path))?);
    }
    if tree.contains_key(HEAD) { Ok(Tree(tree)) } else { Err(FolderError::NoTree(folder.to_owned())) }
}

/// The `.toml` files below a folder, as paths with `/`.
fn files(folder: &Path) -> Result<Vec<String>, FolderError> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in at(&folder, std::fs::read_dir(&folder))? {
            let entry = at(&folder, entry)?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = at(&path, entry.file_type())?;
            if is_hidden(&path) {
                continue;
            }
            if kind.is_dir() {
                folders.push((path, format!("{prefix}{name}/")));
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                found.push(format!("{prefix}{name}"));
            }
        }
    }
    Ok(found)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> Tree {
        Tree(files.iter().map(|path| ((*path).to_owned(), format!("# {path}\n"))).collect())
    }

    #[test]
    fn a_second_export_takes_the_first_ones_place_and_leaves_other_files_alone() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("tree");
        write(&dir, &tree(&["tree.toml", "policies/a/policy.toml", "policies/b/policy.toml"])).unwrap();
        std::fs::create_dir(dir.join(".git")).unwrap();
        std::fs::write(dir.join(".git/x.toml"), "").unwrap();
        std::fs::write(dir.join("README.md"), "").unwrap();
        let next = tree(&["tree.toml", "policies/b/policy.toml"]);
        write(&dir, &next).unwrap();
        assert_eq!(read(&dir).unwrap(), next);
        assert!(!dir.join("policies/a").exists());
        assert!(dir.join(".git/x.toml").exists() && dir.join("README.md").exists());
    }

    #[test]
    fn a_folder_with_something_else_in_it_is_neither_written_nor_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("other.toml"), "").unwrap();
        assert!(matches!(write(folder.path(), &tree(&["tree.toml"])), Err(FolderError::Foreign(_))));
        assert!(matches!(read(folder.path()), Err(FolderError::NoTree(_))));
        assert!(matches!(read(&folder.path().join("none")), Err(FolderError::Io { .. })));
    }
}
