//! A page as a browser without JavaScript sees it: its heading, and its form with what a person can fill in.

use std::collections::BTreeMap;

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// HTTP status.
    pub(super) status: u16,
    /// Its HTML.
    pub(super) html: String,
}

/// A form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Form {
    /// Where it is sent.
    pub(super) action: String,
    /// Its fields in order.
    pub(super) fields: Vec<Field>,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Field {
    /// Its name.
    pub(super) name: String,
    /// What a person reads beside it; empty for a hidden one.
    pub(super) label: String,
    /// What is in it.
    pub(super) value: String,
    /// For a choice, what can be chosen: the value and what a person reads.
    pub(super) options: Vec<(String, String)>,
}

impl Page {
    /// The first heading.
    #[must_use]
    pub(super) fn heading(&self) -> &str {
        between(&self.html, "<h1>", "</h1>").unwrap_or("")
    }

    /// The stable code that it shows, if it shows one.
    #[must_use]
    pub(super) fn code(&self) -> Option<&str> {
        between(&self.html, "<code>PQ-", "</code>")
    }

    /// Its form.
    #[must_use]
    pub(super) fn form(&self) -> Option<Form> {
        let (_, rest) = self.html.split_once("<form method=\"post\" action=\"")?;
        let (action, rest) = rest.split_once('"')?;
        let (body, _) = rest.split_once("</form>")?;
        let mut form = Form { action: action.to_owned(), fields: Vec::new() };
        let mut labels = BTreeMap::new();
        let mut rest = body;
        while let Some((_, after)) = rest.split_once('<') {
            let Some((tag, behind)) = after.split_once('>') else { break };
            rest = behind;
            let text = || unescape(behind.split_once('<').map_or("", |(text, _)| text));
            match tag.split_whitespace().next() {
                Some("label") => drop(labels.insert(attribute(tag, "for").unwrap_or_default(), text())),
                Some("input" | "select") => form.fields.push(Field {
                    name: attribute(tag, "name").unwrap_or_default(),
                    value: attribute(tag, "value").unwrap_or_default(),
                    ..Field::default()
                }),
                Some("option") => {
                    let value = attribute(tag, "value").unwrap_or_default();
                    if let Some(field) = form.fields.last_mut().filter(|_| !value.is_empty()) {
                        if tag.ends_with(" selected") {
                            field.value.clone_from(&value);
                        }
                        field.options.push((value, text()));
                    }
                }
                _ => {}
            }
        }
        for field in &mut form.fields {
            field.label = labels.remove(&field.name).unwrap_or_default();
        }
        Some(form)
    }
}

impl Form {
    /// Fills a field in.
    pub(super) fn fill(&mut self, name: &str, value: &str) {
        for field in self.fields.iter_mut().filter(|field| field.name == name) {
            value.clone_into(&mut field.value);
        }
    }

    /// Whether there is such a field.
    #[must_use]
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// As it is sent.
    #[must_use]
    pub(super) fn encoded(&self) -> String {
        let pair = |field: &Field| format!("{}={}", encode(&field.name), encode(&field.value));
        self.fields.iter().map(pair).collect::<Vec<_>>().join("&")
    }
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    text.split_once(start)?.1.split_once(end).map(|(found, _)| found)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    between(tag, &format!(" {name}=\""), "\"").map(unescape)
}

fn unescape(text: &str) -> String {
    let entities = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_labels_hidden_fields_and_choices() {
        let html = "<h1>Hello</h1><form method=\"post\" action=\"/x\" autocomplete=\"off\">\
            <input type=\"hidden\" name=\"csrf\" value=\"t&#38;t\"><label for=\"answer-0\">Who&#39;s there?</label>\
            <input type=\"password\" id=\"answer-0\" name=\"answer-0\" required>\
            <select id=\"q\" name=\"q\" required><option value=\"\">Please choose</option>\
            <option value=\"one\">One</option><option value=\"two\" selected>Two</option></select></form>";
        let page = Page { status: 200, html: html.to_owned() };
        assert_eq!(page.heading(), "Hello");
        let mut form = page.form().unwrap();
        assert_eq!(form.action, "/x");
        let names: Vec<_> =
            form.fields.iter().map(|field| (&*field.name, &*field.label, &*field.value)).collect();
        assert_eq!(names, [("csrf", "", "t&t"), ("answer-0", "Who's there?", ""), ("q", "", "two")]);
        assert_eq!(
            form.fields.last().unwrap().options.first().unwrap(),
            &("one".to_owned(), "One".to_owned())
        );
        form.fill("answer-0", "it is me");
        assert!(form.encoded().contains("%61%6E%73%77%65%72%2D%30=%69%74%20"));
    }
}
