//! What the catalogues hold against one another, and against what the pages use.

use super::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn catalogue(tag: &str) -> Catalogue {
    let (tag, source) = BUILT_IN.into_iter().find(|(known, _)| *known == tag).unwrap();
    Catalogue::parse(&tag.parse().unwrap(), source, None).unwrap()
}

fn texts(tag: &str) -> Texts {
    Locales::built_in().nearest(&tag.parse().unwrap()).unwrap()
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
}

fn below(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), ending, &mut found);
    found
}

/// What stands in quotes behind each of these beginnings.
fn quoted_behind(source: &str, beginnings: &[&str]) -> BTreeSet<String> {
    let behind = |beginning: &&str| {
        let rests = source.split(*beginning).skip(1).map(|rest| rest.trim_start().strip_prefix('"'));
        rests.filter_map(|rest| Some(rest?.split_once('"')?.0.to_owned())).collect::<Vec<_>>()
    };
    beginnings.iter().flat_map(behind).collect()
}

#[test]
fn every_catalogue_has_each_text_with_the_same_things_put_in() {
    let english = catalogue("en");
    for (tag, _) in BUILT_IN {
        assert_eq!(catalogue(tag).keys(), english.keys(), "{tag}");
    }
}

#[test]
fn what_the_pages_use_is_what_the_catalogues_have() {
    let mut used = BTreeSet::from(["language-name".to_owned()]);
    for path in below("templates", "html") {
        used.extend(quoted_behind(&std::fs::read_to_string(path).unwrap(), &["page.t(", "page.with("]));
    }
    for path in below("src", "rs").into_iter().filter(|path| !path.ends_with("locale/tests.rs")) {
        used.extend(quoted_behind(&std::fs::read_to_string(path).unwrap(), &["Key(", "self.t("]));
    }
    let there: BTreeSet<String> = catalogue("en").keys().keys().cloned().collect();
    assert_eq!(used, there);
}

/// What a browser would show of a template by itself: no tags and their parts, no instructions.
fn shown(template: &str) -> String {
    let mut text = template.to_owned();
    let attributes = ("{% macro state(", "{% endmacro %}");
    let others = [("{#", "#}"), ("{%", "%}"), ("{{", "}}"), ("<code>PQ-", "</code>"), ("<", ">")];
    for (start, end) in std::iter::once(attributes).chain(others) {
        let mut rest = String::new();
        let mut parts = text.split(start);
        rest.push_str(parts.next().unwrap_or_default());
        for part in parts {
            rest.push_str(part.split_once(end).map_or(part, |(_, after)| after));
        }
        text = rest;
    }
    text.replace("passquorum", "").replace("&#10003;", "")
}

#[test]
fn no_template_of_the_sites_in_many_languages_says_anything_by_itself() {
    let admin_alone = |path: &PathBuf| {
        path.parent().is_some_and(|folder| folder.ends_with("admin")) && !path.ends_with("sign_in.html")
    };
    let templates: Vec<_> =
        below("templates", "html").into_iter().filter(|path| !admin_alone(path)).collect();
    assert!(templates.len() >= 13, "{templates:?}");
    for path in templates {
        let template = std::fs::read_to_string(&path).unwrap();
        let words = shown(&template);
        assert!(!words.chars().any(char::is_alphabetic), "{}: {:?}", path.display(), words.trim());
        for attribute in ["aria-label=", "placeholder=", "title=", " alt="] {
            let values = quoted_behind(&template, &[attribute]);
            let said = values.iter().find(|value| value.starts_with(char::is_alphabetic));
            assert_eq!(said, None, "{}: {attribute}", path.display());
        }
    }
}

#[test]
fn numbers_are_counted_as_the_language_does() {
    let rule = |tag: &str, count: u64| texts(tag).say(&Key("rule-min").with("count", count));
    assert_eq!(rule("en", 8), "At least 8 characters");
    assert_eq!(rule("de", 1), "Mindestens ein Zeichen");
    assert_eq!(rule("ar", 2), "حرفان على الأقل");
    assert_eq!(rule("ar", 8), "\u{2068}8\u{2069} أحرف على الأقل");
    assert_eq!(rule("ar", 12), "\u{2068}12\u{2069} حرفًا على الأقل");
    assert_eq!(rule("ar", 100), "\u{2068}100\u{2069} حرف على الأقل");
}

#[test]
fn a_message_is_put_into_another_in_the_same_language() {
    let wrong = Message::from(Key("wrong-answer"));
    let left = Key("attempts-left").with("wrong", wrong).with("count", 2_u64);
    assert_eq!(left.to_string(), "This answer is not right. You have 2 attempts left.");
    assert_eq!(texts("de").say(&left), "Diese Antwort ist nicht richtig. Sie haben noch 2 Versuche.");
    assert_eq!(left.said_in(&texts("de")).to_string(), texts("de").say(&left));
}

#[test]
fn arabic_runs_from_right_to_left() {
    let direction = |tag: &str| texts(tag).direction();
    assert_eq!(["en", "de", "ar"].map(direction), ["ltr", "ltr", "rtl"]);
}

/// An operator's catalogues, one file each.
fn own(files: &[(&str, &str)]) -> Result<Locales, LocaleError> {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("pq-locales-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let read = Locales::with_directory(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    read
}

#[test]
fn an_operators_text_goes_first_and_what_it_lacks_is_said_in_the_next_nearest() {
    let files = [
        ("fr.ftl", "language-name = Français\nhome-title = Que voulez-vous faire ?\n"),
        ("fr-ca.ftl", "save = Sauvegarder\n"),
        ("de.ftl", "save = Sichern\n"),
        ("README.md", "not a catalogue"),
    ];
    let locales = own(&files).unwrap();
    let text = |tag: &str, key: &str| locales.nearest(&tag.parse().unwrap()).unwrap().text(key);
    assert_eq!(text("fr", "home-title"), "Que voulez-vous faire ?");
    assert_eq!(text("fr", "save"), "Save", "English at last");
    assert_eq!(text("fr-ca", "save"), "Sauvegarder");
    assert_eq!(text("fr-ca", "home-title"), "Que voulez-vous faire ?");
    assert_eq!(text("de", "save"), "Sichern");
    assert_eq!(text("de", "cancel"), "Abbrechen");
}

#[test]
fn a_mistake_is_told_with_its_file_and_line() {
    let told = |name: &str, text: &str| own(&[(name, text)]).unwrap_err().to_string();
    let unknown = told("fr.ftl", "save = Enregistrer\n\nsaev = Enregistrer\n");
    assert!(unknown.ends_with("fr.ftl, line 3: there is no text named saev"), "{unknown}");
    let value = told("fr.ftl", "served-by = Servi par { $host }\n");
    assert!(value.ends_with("fr.ftl, line 1: nothing named $host is put into the text served-by"), "{value}");
    let broken = told("fr.ftl", "save = Enregistrer\ncancel = { \n");
    assert!(broken.contains("fr.ftl, line "), "{broken}");
    let twice = told("fr.ftl", "save = A\nsave = B\n");
    assert!(twice.ends_with("save stands here twice"), "{twice}");
    let name = told("french!.ftl", "save = Enregistrer\n");
    assert!(name.contains("name the file after its language"), "{name}");
}

#[test]
fn what_no_catalogue_has_stops_no_page() {
    assert_eq!(texts("de").text("no-such-text"), "no-such-text");
    assert_eq!(texts("de").say(&Key("no-such-text").into()), "");
    assert_eq!(texts("de").say(&Key("served-by").into()), "", "what is to be put in is not given");
}

#[test]
fn a_visitor_gets_what_was_chosen_then_what_the_browser_likes_then_the_realms_language() {
    let locales = Locales::built_in();
    let choose = |chosen: Option<&str>, accepted: Option<&str>, usual: Option<&str>| {
        let mut headers = HeaderMap::new();
        if let Some(accepted) = accepted {
            headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
        }
        let usual = usual.map(|tag| tag.parse().unwrap());
        let chosen = chosen.map(|tag| tag.parse().unwrap());
        let spoken = locales.choose(Wishes { chosen, headers: &headers, usual: usual.as_ref() });
        (spoken.texts.language().to_string(), spoken.wanted.map(String::from).unwrap_or_default())
    };
    let is = |language: &str, wanted: &str| (language.to_owned(), wanted.to_owned());
    assert_eq!(choose(None, None, None), is("en", ""));
    assert_eq!(choose(None, None, Some("de")), is("de", ""));
    assert_eq!(choose(None, Some("ar-EG, de;q=0.9"), Some("de")), is("ar", "ar-eg"));
    assert_eq!(choose(None, Some("fr, de;q=0.2, en;q=0.1"), None), is("de", "fr"));
    assert_eq!(choose(None, Some("fr"), Some("de")), is("de", "fr"));
    assert_eq!(choose(Some("ar"), Some("de"), Some("de")), is("ar", "ar"));
    assert_eq!(choose(Some("xx"), Some("de"), None), is("de", "de"));
}
