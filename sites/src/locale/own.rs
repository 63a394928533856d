//! An operator's own catalogues: a directory of files named after their languages, such as `de.ftl` and `fr.ftl`.

use super::catalogue::{Catalogue, Mistake};
use super::{Locales, Texts};
use passquorum_domain::mail::Language;
use std::path::{Path, PathBuf};

/// Why the catalogues of a directory are not taken.
#[derive(Debug, thiserror::Error)]
pub enum LocaleError {
    /// It cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The directory or the file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file is not called after a language.
    #[error("{}: name the file after its language, such as fr.ftl or pt-br.ftl", .0.display())]
    Name(PathBuf),
    /// There is a mistake in a file.
    #[error("{}, {mistake}", path.display())]
    Mistake {
        /// The file.
        path: PathBuf,
        /// What, and where.
        mistake: Mistake,
    },
}

impl Locales {
    /// The languages that come with the program, with an operator's texts before them: every `.ftl` file of a directory. A
    /// catalogue may hold some of the texts only.
    pub fn with_directory(directory: &Path) -> Result<Self, LocaleError> {
        let unreadable = |error| LocaleError::Unreadable { path: directory.to_owned(), error };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(unreadable)? {
            paths.push(entry.map_err(unreadable)?.path());
        }
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "ftl"));
        // The general language goes before its regions, which stand on it.
        paths.sort_by(|one, other| one.file_stem().cmp(&other.file_stem()));
        let mut locales = Self::built_in();
        for path in paths {
            let (language, catalogue) = read(&path)?;
            locales.put_first(language, catalogue);
        }
        Ok(locales)
    }
}

fn read(path: &Path) -> Result<(Language, Catalogue), LocaleError> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let language: Language = stem.parse().map_err(|_| LocaleError::Name(path.to_owned()))?;
    let unreadable = |error| LocaleError::Unreadable { path: path.to_owned(), error };
    let source = std::fs::read_to_string(path).map_err(unreadable)?;
    let english = Texts::english();
    let known = english.catalogues.first().map(AsRef::as_ref);
    Catalogue::parse(&language, &source, known)
        .map(|catalogue| (language, catalogue))
        .map_err(|mistake| LocaleError::Mistake { path: path.to_owned(), mistake })
}
