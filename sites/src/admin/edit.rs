//! The one way in which the site edits the configuration: a form with the revision it is based on goes in; out come what it
//! would change, to be confirmed, then the saved page, or else the form with its problems or with what changed meanwhile.

use super::confirm::{self, Step};
use super::fields::Fields;
use super::inputs::{Control, Section, element_id, mark, refill};
use crate::app::App;
use crate::config_history;
use crate::extract::Visit;
use crate::former_profiles;
use crate::page_error::Failure;
use crate::session::Staff;
use crate::view::{Page, render_as};
use askama::Template;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use http::request::Parts;
use passquorum_domain::audit::Site;
use passquorum_domain::command::Action;
use passquorum_domain::config::{ConfigChange, ObjectDifference, Problem, RealmConfig, differences};
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::ids::Revision;
use passquorum_domain::outcome::{Effect, Rejection};
use std::sync::Arc;

/// Who edits, and the request; every handler behind the guard takes one.
pub(super) struct Desk {
    pub(super) app: App,
    pub(super) visit: Visit,
    pub(super) staff: Staff,
    /// Whether this page follows a successful save, and which revision that made.
    pub(super) saved: Option<Revision>,
}

impl FromRequestParts<App> for Desk {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let visit = Visit::from_request_parts(parts, app).await?;
        let staff = Staff::from_request_parts(parts, app).await?;
        let query = parts.uri.query().unwrap_or("");
        let saved = query.strip_prefix("saved=").and_then(|number| number.parse().ok()).map(Revision);
        Ok(Self { app: app.clone(), visit, staff, saved })
    }
}

impl Desk {
    /// The shell of a page.
    pub(super) fn page(&self, title: impl Into<String>) -> Result<Page, Failure> {
        let title: String = title.into();
        Page::new(&self.app, &self.visit, Site::Admin, title)
    }

    /// The configuration to edit, linearizable.
    pub(super) async fn config(&self) -> Result<Arc<RealmConfig>, Failure> {
        self.app.ports.current_config().await
    }

    /// Proposes an edit, once it was confirmed; `note` says in the audit what was edited.
    pub(super) async fn propose(&self, edit: &Edit, note: &str) -> Result<Verdict, Failure> {
        let state = self.app.ports.current().await?;
        let present = state.config().cloned().ok_or(Rejection::NoRealm)?;
        if edit.step == Step::Back {
            // A secret that is not kept any more is asked for on the way back already.
            let is_whole = edit.problems.is_empty();
            return Ok(if is_whole { Verdict::Back } else { Verdict::Invalid(edit.problems.clone()) });
        }
        if present.revision != edit.base {
            return Ok(Verdict::Stale(present));
        }
        let mut problems = edit.problems.clone();
        problems.extend(present.with(edit.change.clone()).err().unwrap_or_default());
        problems.extend(present.doubled_by(state.level(), &edit.change));
        let needs = Action::change_config(edit.base, edit.change.clone()).needs();
        if needs > state.level() {
            let message =
                format!("this needs feature level {needs}, and the realm is at level {}", state.level());
            problems.push(Problem { field: String::new(), message });
        }
        if problems.is_empty() {
            problems = former_profiles::left_behind(&self.app.ports, &present, &edit.change).await;
        }
        if !problems.is_empty() {
            return Ok(Verdict::Invalid(problems));
        }
        if edit.step != Step::Confirmed {
            let (differences, _) = compare(&present, edit.change.clone());
            return Ok(Verdict::Unconfirmed(differences));
        }
        let effect = config_history::effect(&present, &edit.change);
        let note = format!("{note}, by {}; {effect}", self.staff.display_name);
        let detail = Some(self.app.ports.seal_detail(&note)?);
        let action = Action::change_config(edit.base, edit.change.clone());
        match self.app.ports.commit_with(self.staff.actor(), action, detail).await {
            Ok(Effect::Config(revision)) => Ok(Verdict::Saved(revision)),
            Ok(effect) => Err(Failure::internal(format!("an edit was answered with {effect:?}"))),
            Err(failure) if failure.code == ErrorCode::StaleRevision => {
                Ok(Verdict::Stale(self.config().await?))
            }
            Err(failure) => Err(failure),
        }
    }
}

/// An edit as it was sent.
pub(super) struct Edit {
    /// The revision that the editor saw.
    pub(super) base: Revision,
    /// What is to change.
    pub(super) change: ConfigChange,
    /// What could not be read in the form.
    pub(super) problems: Vec<Problem>,
    /// How it was sent.
    pub(super) step: Step,
}

impl Edit {
    /// An edit from a form, once everything was read from it.
    pub(super) fn new(fields: &mut Fields, change: ConfigChange) -> Result<Self, Failure> {
        let base = fields.raw("revision").parse().map(Revision);
        let base =
            base.map_err(|_| Failure::bad_input("The form does not say which revision it is based on."))?;
        Ok(Self { base, change, problems: fields.take_problems(), step: Step::of(fields) })
    }
}

/// How an edit ended.
pub(super) enum Verdict {
    /// It is in force under this revision.
    Saved(Revision),
    /// Nothing was changed: it would not be valid.
    Invalid(Vec<Problem>),
    /// Nothing was changed: the configuration is this one by now.
    Stale(Arc<RealmConfig>),
    /// Nothing was changed: this is what it would change, to be looked at first.
    Unconfirmed(Vec<ObjectDifference>),
    /// Nothing was changed: whoever looked went back to the form.
    Back,
}

/// Leads on after a save.
pub(super) fn saved(path: &str, revision: Revision) -> Response {
    Redirect::to(&format!("{path}?saved={revision}")).into_response()
}

/// What the head of a page says about what was just done.
#[derive(Default)]
pub(super) enum Notice {
    /// Nothing.
    #[default]
    None,
    /// An edit is in force under this revision.
    Saved(Revision),
    /// It worked.
    Good(String),
    /// It did not.
    Bad(String),
}

impl Notice {
    /// The notice after a save.
    pub(super) fn after(saved: Option<Revision>) -> Self {
        saved.map_or(Self::None, Self::Saved)
    }
}

/// A page with one form.
pub(super) struct Editor {
    pub(super) title: String,
    /// The part of the site it belongs to; one of the navigation's paths.
    pub(super) part: &'static str,
    /// Where the form is sent.
    pub(super) action: String,
    pub(super) sections: Vec<Section>,
    /// Links to what belongs to it.
    pub(super) related: Vec<(String, String)>,
    /// Buttons beside the form: where they are sent, what they are called, and whether they destroy something.
    pub(super) buttons: Vec<(String, &'static str, bool)>,
}

#[derive(Template)]
#[template(path = "admin/edit.html")]
struct EditPage {
    page: Page,
    part: &'static str,
    editor: Editor,
    revision: Revision,
    notice: Notice,
    /// Problems with the ids of their inputs, where there is one.
    problems: Vec<(String, String)>,
    stale: Option<Vec<ObjectDifference>>,
}

impl Editor {
    /// The page as it is to be edited.
    pub(super) fn show(self, desk: &Desk, revision: Revision, notice: Notice) -> Result<Response, Failure> {
        self.render(desk, StatusCode::OK, revision, notice, &[], None)
    }

    /// The page after an act beside the form that was refused.
    pub(super) fn refuse(self, desk: &Desk, revision: Revision, why: String) -> Result<Response, Failure> {
        self.render(desk, StatusCode::CONFLICT, revision, Notice::Bad(why), &[], None)
    }

    /// Proposes the edit and answers with what came of it. `locate` puts the configuration's problems under the names
    /// of the form's inputs.
    pub(super) async fn save(
        mut self,
        desk: &Desk,
        fields: &Fields,
        edit: Edit,
        locate: impl Fn(Vec<Problem>) -> Vec<Problem>,
    ) -> Result<Response, Failure> {
        let verdict = desk.propose(&edit, &self.title).await?;
        if !matches!(verdict, Verdict::Saved(_)) {
            refill(&mut self.sections, fields);
            confirm::seal(desk, &mut self.sections, fields)?;
        }
        match verdict {
            Verdict::Saved(revision) => Ok(saved(&self.action, revision)),
            Verdict::Unconfirmed(differences) => {
                let carried = confirm::carried(&self.sections, fields);
                let where_to = (self.part, self.action.as_str());
                confirm::page(desk, where_to, &self.title, (edit.base, differences), carried)
            }
            Verdict::Back => self.show(desk, edit.base, Notice::None),
            Verdict::Invalid(problems) => {
                let problems = locate(problems);
                mark(&mut self.sections, &problems);
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                self.render(desk, status, edit.base, Notice::None, &problems, None)
            }
            Verdict::Stale(present) => {
                let (differences, mut problems) = compare(&present, edit.change);
                problems.extend(edit.problems);
                let problems = locate(problems);
                mark(&mut self.sections, &problems);
                let stale = Some(differences);
                self.render(desk, StatusCode::CONFLICT, present.revision, Notice::None, &problems, stale)
            }
        }
    }

    fn render(
        self,
        desk: &Desk,
        status: StatusCode,
        revision: Revision,
        notice: Notice,
        problems: &[Problem],
        stale: Option<Vec<ObjectDifference>>,
    ) -> Result<Response, Failure> {
        let page = desk.page(self.title.clone())?;
        let problems = self.summary(problems);
        render_as(
            status,
            &EditPage { page, part: self.part, editor: self, revision, notice, problems, stale },
        )
    }

    fn summary(&self, problems: &[Problem]) -> Vec<(String, String)> {
        let input = |name: &str| {
            self.sections.iter().flat_map(|section| &section.inputs).find(|input| input.name == name)
        };
        let entry = |problem: &Problem| match input(&problem.field) {
            Some(input) => (element_id(&input.name), format!("{}: {}", input.label, problem.message)),
            None => (String::new(), problem.to_string()),
        };
        problems.iter().map(entry).collect()
    }
}

/// What the editor's change would make of the present configuration, beside it.
pub(super) fn compare(present: &RealmConfig, change: ConfigChange) -> (Vec<ObjectDifference>, Vec<Problem>) {
    match present.with(change) {
        Ok(yours) => (differences(present, &yours), Vec::new()),
        Err(problems) => (Vec::new(), problems),
    }
}
