//! Finds a setting by what it is called or said of it. The index is the forms themselves, made for each search, so that it
//! knows every field that they have and no other. What is entered in them is not looked at.

use super::edit::{Desk, Editor};
use super::inputs::element_id;
use super::{connections, designer, general, mail, policies};
use crate::extract::Form;
use crate::page_error::Failure;
use crate::view::{Page, render};
use askama::Template;
use axum::extract::OriginalUri;
use axum::response::Response;
use passquorum_domain::config::RealmConfig;
use passquorum_domain::feature_level::FeatureLevel;

/// Settings that are shown at most.
const MOST: usize = 50;
/// Characters of a search that are looked at.
const LONGEST: usize = 100;

#[derive(Template)]
#[template(path = "admin/search.html")]
struct SearchPage {
    page: Page,
    part: &'static str,
    query: String,
    found: Vec<Setting>,
    /// How many more there are.
    more: usize,
}

/// One setting of one form.
struct Setting {
    /// The page, and the field on it.
    link: String,
    form: String,
    section: String,
    label: String,
    hint: String,
    name: String,
}

impl Setting {
    /// How well it fits: all words in what it is called first, then all anywhere; none when a word is nowhere.
    fn rank(&self, words: &[String]) -> Option<u8> {
        let called = format!("{} {}", self.label, self.name).to_lowercase();
        let said = format!("{called} {} {} {}", self.hint, self.section, self.form).to_lowercase();
        let has_all = |text: &str| words.iter().all(|word| text.contains(word.as_str()));
        if has_all(&called) {
            return Some(0);
        }
        has_all(&said).then_some(1)
    }
}

/// Every form that edits the configuration.
fn editors(config: &RealmConfig, level: FeatureLevel) -> Vec<Editor> {
    let mut editors = vec![general::editor(config), mail::editor(config)];
    for policy in &config.policies {
        editors.push(policies::editor(policy, config));
        editors.extend(policy.workflows.iter().map(|workflow| designer::editor(policy, workflow, level)));
    }
    editors.extend(config.connections.iter().map(|connection| connections::editor(config, connection.id)));
    editors
}

fn settings(editor: Editor) -> Vec<Setting> {
    let Editor { title, action, sections, .. } = editor;
    let mut settings = Vec::new();
    for section in sections {
        settings.extend(section.inputs.into_iter().map(|input| Setting {
            link: format!("{action}#{}", element_id(&input.name)),
            form: title.clone(),
            section: section.title.clone(),
            label: input.label,
            hint: input.hint,
            name: input.name,
        }));
    }
    settings
}

/// The settings that fit, the best first.
pub(super) async fn page(desk: Desk, OriginalUri(uri): OriginalUri) -> Result<Response, Failure> {
    let asked = Form::parse(uri.query().unwrap_or("").as_bytes())?;
    let query: String = asked.text("q").unwrap_or("").trim().chars().take(LONGEST).collect();
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let mut found = Vec::new();
    if !words.is_empty() {
        let config = desk.config().await?;
        let level = desk.app.ports.consensus.local().level();
        let all = editors(&config, level).into_iter().flat_map(settings);
        found = all.filter_map(|setting| Some((setting.rank(&words)?, setting))).collect();
        found.sort_by_key(|(rank, _)| *rank);
    }
    let more = found.len().saturating_sub(MOST);
    let found = found.into_iter().take(MOST).map(|(_, setting)| setting).collect();
    render(&SearchPage { page: desk.page("Find a setting")?, part: "/admin/search", query, found, more })
}
