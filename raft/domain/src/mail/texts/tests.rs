//! The built-in texts: complete in each language, and with no parameter that a template lacks.

use super::*;
use crate::mail::template::Parameter;
use crate::mail::{MailText, check};
use proptest::prelude::*;

fn settings(texts: Vec<MailText>) -> MailSettings {
    MailSettings {
        servers: Vec::new(),
        sender: "realm@corp.example".parse().unwrap(),
        sender_name: "Realm".to_owned(),
        administrators: Vec::new(),
        language: Language::english(),
        texts,
    }
}

fn tag(text: &str) -> Language {
    text.parse().unwrap()
}

#[test]
fn every_text_that_comes_with_the_program_is_whole_in_every_language() {
    for template in MailTemplate::ALL {
        let mut used = Vec::new();
        for language in built_in_languages() {
            let (subject, body) = built_in(*template, &language).unwrap();
            for text in [subject, body] {
                assert_eq!(check(*template, text), Ok(()), "{} in {language}", template.name());
            }
            let has = |parameter: &&Parameter| {
                let name = format!("{{{}}}", parameter.name());
                subject.contains(&name) || body.contains(&name)
            };
            used.push(template.parameters().iter().filter(has).collect::<Vec<_>>());
            let values = Parameters::examples("Org", "https://one.example");
            let mail = words(&settings(Vec::new()), *template, Some(&language), &values);
            assert_eq!(mail.language, language);
            assert!(!mail.text.contains('{') && !mail.subject.is_empty(), "{}", mail.text);
        }
        assert!(used.iter().all(|one| *one == used[0]), "{}: all languages tell the same", template.name());
    }
}

#[test]
fn the_nearest_language_is_taken_and_an_own_text_goes_before_ours() {
    let own = |language, subject: &str| MailText {
        template: MailTemplate::Test,
        language: tag(language),
        subject: subject.to_owned(),
        body: "x".to_owned(),
    };
    let mut settings = settings(vec![own("fr", "essai"), own("de", "eigen")]);
    let subject = |settings: &MailSettings, wanted: Option<&str>| {
        let wanted = wanted.map(tag);
        words(settings, MailTemplate::Test, wanted.as_ref(), &Parameters::default()).subject
    };
    assert_eq!(subject(&settings, Some("fr-ca")), "essai");
    assert_eq!(subject(&settings, Some("de-at")), "eigen");
    assert_eq!(subject(&settings, Some("en")), "Test mail of");
    assert_eq!(subject(&settings, Some("it")), "Test mail of");
    settings.language = tag("fr");
    assert_eq!(subject(&settings, Some("it")), "essai");
    assert_eq!(subject(&settings, None), "essai");
}

#[test]
fn a_text_with_an_unknown_parameter_is_refused() {
    let told = |text| check(MailTemplate::Test, text).map_err(|problem| problem.to_string());
    assert_eq!(told("{time} {site}"), Ok(()));
    assert!(told("{code}").unwrap_err().starts_with("there is no {code} in this mail; it has {time}"));
    assert!(told("{user_nam").unwrap_err().starts_with("a brace"));
    assert!(told("}").unwrap_err().starts_with("a brace"));
    assert!(told("{}").unwrap_err().starts_with("there is no {}"));
    assert!(told("{{time}}").unwrap_err().starts_with("there is no {{time}"));
}

proptest! {
    #[test]
    fn a_value_adds_no_line_no_markup_and_no_other_value(value in any::<String>()) {
        let text = MailText {
            template: MailTemplate::OneTimeCode,
            language: Language::english(),
            subject: "for {user_name}".to_owned(),
            body: "<{user_name}>\n".to_owned(),
        };
        let values = Parameters::default()
            .with(Parameter::Code, "SECRET")
            .with(Parameter::UserName, &format!("{value}\r\nBcc: x@y.z\u{2028}{{code}}<b>"));
        let mail = words(&settings(vec![text]), MailTemplate::OneTimeCode, None, &values);
        prop_assert!(!mail.subject.chars().any(char::is_control));
        prop_assert_eq!(mail.text.lines().count(), 1);
        prop_assert!(!mail.text.contains("SECRET"));
        prop_assert_eq!(mail.html.matches('<').count(), 7, "{}", mail.html);
        prop_assert!(mail.html.len() < 4096);
    }

    #[test]
    fn what_passes_the_check_has_no_brace_left(text in "[a{}e_mit]{0,20}") {
        if check(MailTemplate::Test, &text).is_ok() {
            let filled = filled(&text, &Parameters::default());
            prop_assert!(!filled.contains(['{', '}']), "{}", filled);
        }
    }
}
