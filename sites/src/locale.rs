//! The languages of the pages: which there are, which one a visitor gets, and the texts in it.
//!
//! English is the source: `locales/en` holds every text. What another catalogue lacks, or says with a mistake, is said in
//! the next nearest, in English at last, so that no page fails for want of a text.

mod catalogue;
mod message;
mod own;

pub use catalogue::Mistake;
pub use message::Message;
pub(crate) use message::{Key, Value};
pub use own::LocaleError;

use catalogue::Catalogue;
use http::{HeaderMap, header};
use passquorum_domain::mail::Language;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

/// The catalogues that come with the program: a language and its text.
const BUILT_IN: [(&str, &str); 3] = [
    ("en", include_str!("../locales/en/site.ftl")),
    ("de", include_str!("../locales/de/site.ftl")),
    ("ar", include_str!("../locales/ar/site.ftl")),
];

/// The names, descriptions and questions that a new realm begins with: they are in its configuration in English, and are
/// known as long as nobody says them otherwise.
const USUAL: [Key; 20] = [
    Key("usual-forgot"),
    Key("usual-forgot-about"),
    Key("usual-unlock"),
    Key("usual-unlock-about"),
    Key("usual-change"),
    Key("usual-change-about"),
    Key("usual-register"),
    Key("usual-register-about"),
    Key("usual-profile"),
    Key("usual-profile-about"),
    Key("usual-passcode"),
    Key("usual-passcode-about"),
    Key("usual-notifications"),
    Key("usual-notifications-about"),
    Key("usual-question-school"),
    Key("usual-question-town"),
    Key("usual-question-pet"),
    Key("usual-question-film"),
    Key("usual-question-cousin"),
    Key("usual-question-street"),
];

static USUAL_IN_ENGLISH: LazyLock<BTreeMap<String, Key>> = LazyLock::new(|| {
    let english = Texts::english();
    USUAL.into_iter().map(|key| (english.text(key.0), key)).collect()
});

static LOCALES: LazyLock<Locales> = LazyLock::new(Locales::read_built_in);

/// The texts of one language.
#[derive(Clone)]
pub(crate) struct Texts {
    language: Arc<Language>,
    /// The first that has a text says it.
    catalogues: Arc<[Arc<Catalogue>]>,
}

/// The languages that a node's pages come in.
#[derive(Clone)]
pub struct Locales(BTreeMap<Language, Texts>);

/// What a visitor reads, and would like to read.
#[derive(Debug, Clone)]
pub(crate) struct Spoken {
    pub(crate) texts: Texts,
    /// The language that the visitor chose or that the browser likes best, whether there are pages in it or not.
    pub(crate) wanted: Option<Language>,
}

/// What a request says of languages.
pub(crate) struct Wishes<'r> {
    /// What the visitor chose.
    pub(crate) chosen: Option<Language>,
    pub(crate) headers: &'r HeaderMap,
    /// The realm's own language.
    pub(crate) usual: Option<&'r Language>,
}

impl Locales {
    /// Those that come with the program.
    #[must_use]
    pub fn built_in() -> Self {
        LOCALES.clone()
    }

    #[expect(clippy::expect_used, reason = "a test reads each of them")]
    fn read_built_in() -> Self {
        let read = |tag: &str, source: &str| {
            let language: Language = tag.parse().expect("a language");
            let catalogue = Catalogue::parse(&language, source, None).expect("a catalogue without mistakes");
            (language, Arc::new(catalogue))
        };
        let all = BUILT_IN.map(|(tag, source)| read(tag, source));
        let english = all.first().map(|(_, catalogue)| Arc::clone(catalogue));
        let texts = |(language, own): (Language, Arc<Catalogue>)| {
            let catalogues = std::iter::once(own).chain(english.clone()).collect();
            (language.clone(), Texts { language: Arc::new(language), catalogues })
        };
        Self(all.into_iter().map(texts).collect())
    }

    /// Puts an operator's texts before those that there are.
    fn put_first(&mut self, language: Language, catalogue: Catalogue) {
        let below = self.nearest(&language).unwrap_or_else(Texts::english);
        let catalogues = std::iter::once(Arc::new(catalogue)).chain(below.catalogues.iter().cloned());
        let catalogues = catalogues.collect();
        self.0.insert(language.clone(), Texts { language: Arc::new(language), catalogues });
    }

    /// The texts of this language, or of the same without its region.
    pub(crate) fn nearest(&self, language: &Language) -> Option<Texts> {
        self.0.get(language).or_else(|| self.0.get(&language.general())).cloned()
    }

    /// Whether there are texts in this language.
    pub(crate) fn has(&self, language: &Language) -> bool {
        self.0.contains_key(language)
    }

    /// Every language, with its texts.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Texts> {
        self.0.values()
    }

    /// What a visitor gets: what they chose, else what the browser likes best of what there is, else the realm's own
    /// language, else English.
    pub(crate) fn choose(&self, wishes: Wishes<'_>) -> Spoken {
        let Wishes { chosen, headers, usual } = wishes;
        let chosen = chosen.filter(|chosen| self.has(chosen));
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let wanted: Vec<Language> =
            chosen.into_iter().chain(accepted.map(Language::accepted).unwrap_or_default()).collect();
        let texts = wanted.iter().chain(usual).find_map(|language| self.nearest(language));
        Spoken { texts: texts.unwrap_or_else(Texts::english), wanted: wanted.into_iter().next() }
    }
}

impl Spoken {
    /// English, whoever asks.
    pub(crate) fn english() -> Self {
        Self { texts: Texts::english(), wanted: None }
    }
}

impl Texts {
    /// The texts in English.
    #[expect(clippy::expect_used, reason = "English comes with the program")]
    pub(crate) fn english() -> Self {
        LOCALES.0.get(&Language::english()).cloned().expect("the texts in English")
    }

    pub(crate) fn language(&self) -> &Language {
        &self.language
    }

    /// The direction of its writing, as HTML names it.
    pub(crate) fn direction(&self) -> &'static str {
        let is_rtl = self.catalogues.first().is_some_and(|first| first.is_rtl());
        if is_rtl { "rtl" } else { "ltr" }
    }

    /// A text with nothing put in.
    pub(crate) fn text(&self, key: &str) -> String {
        self.catalogues.iter().find_map(|catalogue| catalogue.text(key)).unwrap_or_else(|| key.to_owned())
    }

    /// What an administrator wrote: in this language where it is what a new realm begins with.
    pub(crate) fn written(&self, text: &str) -> String {
        USUAL_IN_ENGLISH.get(text).map_or_else(|| text.to_owned(), |key| self.text(key.0))
    }

    /// A message in this language.
    pub(crate) fn say(&self, message: &Message) -> String {
        let inner = |message: &Message| self.say(message);
        self.catalogues.iter().find_map(|catalogue| catalogue.say(message, inner)).unwrap_or_default()
    }
}

impl Default for Locales {
    fn default() -> Self {
        Self::built_in()
    }
}

impl fmt::Debug for Locales {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys().map(Language::as_str)).finish()
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Texts").field(&self.language.as_str()).finish()
    }
}

#[cfg(test)]
mod tests;
