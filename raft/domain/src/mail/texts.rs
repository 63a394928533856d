//! What the mails say: the texts that come with the program, and the choice among all there are.

use super::language::Language;
use super::settings::MailSettings;
use super::template::{MailTemplate, Parameters, as_html, filled, one_line};

mod arabic;
mod english;
mod german;

/// The languages that every text comes in.
#[must_use]
pub fn built_in_languages() -> [Language; 3] {
    [Language::english(), german::language(), arabic::language()]
}

/// A text that comes with the program: subject and body.
fn built_in(template: MailTemplate, language: &Language) -> Option<(&'static str, &'static str)> {
    match language.as_str() {
        "en" => Some(english::text(template)),
        "de" => Some(german::text(template)),
        "ar" => Some(arabic::text(template)),
        _ => None,
    }
}

/// A mail's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailWords {
    /// The language that was found.
    pub language: Language,
    /// The subject: one line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// A mail in the language that is wanted, or else the nearest that there is: without its region, then the realm's own
/// language, then English. In each language an administrator's text goes before the one that comes with the program.
#[must_use]
pub fn words(
    settings: &MailSettings,
    template: MailTemplate,
    wanted: Option<&Language>,
    values: &Parameters,
) -> MailWords {
    let usual = &settings.language;
    let wanted = wanted.unwrap_or(usual);
    let order = [wanted.clone(), wanted.general(), usual.clone(), usual.general()];
    let found = order.into_iter().find_map(|language| {
        let own = settings.texts.iter().find(|text| text.template == template && text.language == language);
        let own = own.map(|text| (text.subject.as_str(), text.body.as_str()));
        own.or_else(|| built_in(template, &language)).map(|words| (language, words))
    });
    let (language, (subject, body)) = found.unwrap_or_else(|| (Language::english(), english::text(template)));
    let text = filled(&body.replace("\r\n", "\n"), values);
    MailWords {
        subject: one_line(&filled(subject, values)).trim().to_owned(),
        html: as_html(language.as_str(), &text),
        text,
        language,
    }
}

#[cfg(test)]
mod tests;
