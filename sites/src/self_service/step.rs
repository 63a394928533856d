//! Every step of a running task, from what the progress cookie says.

use super::{HOME, Part, STEP, parts_of};
use crate::app::App;
use crate::extract::{Form, Visit};
use crate::page_error::Failure;
use crate::view::{self, Page, Problems};
use crate::workflow::{self, Ending, Moved, Progress, SlotKind, StepView};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use passquorum_domain::audit::Site;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::policy::PasswordRule;
use passquorum_domain::workflow::WorkflowKind;

#[derive(Template)]
#[template(path = "self_service/step.html")]
struct StepPage<'p> {
    page: Page,
    parts: Vec<Part>,
    progress: &'p Progress,
    view: StepView,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "self_service/finished.html")]
struct FinishedPage<'p> {
    page: Page,
    parts: Vec<Part>,
    progress: &'p Progress,
    ending: Ending,
    request: String,
}

fn progress_of(app: &App, visit: &Visit) -> Result<Progress, Failure> {
    Progress::read(&app.ports, visit.browser, &visit.headers)
        .ok_or_else(|| Failure::new(ErrorCode::SessionExpired))
}

pub(super) async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Failure> {
    let progress = progress_of(&app, &visit)?;
    if let Some(ending) = progress.ending {
        return finished(&app, &visit, &progress, ending);
    }
    let view = guarded(&app, &progress, workflow::show(&app, &progress, visit.source, None)).await?;
    step_page(&app, &visit, &progress, view, Problems::default())
}

pub(super) async fn submit(State(app): State<App>, visit: Visit, form: Form) -> Result<Response, Failure> {
    let progress = progress_of(&app, &visit)?;
    if progress.ending.is_some() || form.text("step") != Some(progress.marker().as_str()) {
        return Ok(view::go(STEP, None));
    }
    let moved = guarded(&app, &progress, workflow::submit(&app, &progress, visit.source, &form)).await?;
    match moved {
        Moved::On(next) => Ok(view::go(STEP, Some(next.keep(&app.ports, visit.browser)?))),
        Moved::Again(next, problems) => {
            let cookie = next.keep(&app.ports, visit.browser)?;
            // Whatever comes of showing the step again, the browser must learn that a ticket is used up.
            let shown = guarded(&app, &next, workflow::show(&app, &next, visit.source, Some(&form))).await;
            let mut response = match shown {
                Ok(view) => step_page(&app, &visit, &next, view, problems)?,
                Err(failure) => return Ok(with_cookie(failure.into_response(), cookie)),
            };
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(with_cookie(response, cookie))
        }
        Moved::Failed(next, failure) => {
            let cookie = next.keep(&app.ports, visit.browser)?;
            Ok(with_cookie(failure.again(STEP).into_response(), cookie))
        }
    }
}

/// Runs a step: on the time grid as long as the person has not proved who they are, and with *try again* leading back
/// to this step when waiting helps.
async fn guarded<T>(
    app: &App,
    progress: &Progress,
    step: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    // The first step authenticates, or its workflow would not be valid; a merged one does so on its own page.
    let result = if progress.position == 0 || progress.present().is_some_and(|a| a.authenticates()) {
        app.on_the_grid(step).await
    } else {
        step.await
    };
    result.map_err(|failure| {
        let waiting_helps = matches!(
            failure.code,
            ErrorCode::NoQuorum
                | ErrorCode::Busy
                | ErrorCode::UnknownOutcome
                | ErrorCode::DirectoryUnreachable
                | ErrorCode::TooManyRequests
                | ErrorCode::Internal
        );
        if waiting_helps { failure.again(STEP) } else { failure }
    })
}

fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

fn step_page(
    app: &App,
    visit: &Visit,
    progress: &Progress,
    view: StepView,
    problems: Problems,
) -> Result<Response, Failure> {
    let page = Page::new(app, visit, Site::SelfService, progress.name.clone())?;
    view::render(&StepPage { page, parts: parts_of(progress), progress, view, problems })
}

fn finished(app: &App, visit: &Visit, progress: &Progress, ending: Ending) -> Result<Response, Failure> {
    let title = match ending {
        Ending::Done => done_title(progress.kind),
        Ending::Unknown => "We do not know the outcome",
    };
    let page = Page::without_forms(app, visit, Site::SelfService, title);
    let request = visit.request.to_string();
    view::render(&FinishedPage { page, parts: parts_of(progress), progress, ending, request })
}

fn done_title(kind: WorkflowKind) -> &'static str {
    match kind {
        WorkflowKind::Register | WorkflowKind::ManageProfile => "Your security questions are saved",
        WorkflowKind::ForgotPassword | WorkflowKind::ManagePasswords => "Your password is changed",
        WorkflowKind::UnlockAccount => "Your account is unlocked",
        WorkflowKind::Custom => "Done",
    }
}

impl StepPage<'_> {
    /// The name of the field with a number.
    fn numbered(&self, name: &str, index: usize) -> String {
        format!("{name}-{index}")
    }

    /// The front page, for *Cancel*.
    fn home(&self) -> &'static str {
        HOME
    }
}
