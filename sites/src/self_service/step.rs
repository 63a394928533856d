//! Every step of a running task, from what the progress cookie says.

use super::door::Door;
use super::{Front, Part, parts_of};
use crate::extract::{Form, Unchecked, Visit};
use crate::gateway::{Answer, KeptRun, Run, Shown, Step};
use crate::locale::Key;
use crate::page_error::Failure;
use crate::text;
use crate::view::{self, Page, Problems};
use crate::workflow::{Ending, SlotKind, StepView};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use passquorum_domain::audit::Site;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::policy::PasswordRule;
use passquorum_domain::workflow::{Activity, AuthenticationMethod, NotificationEvent, WorkflowKind};

#[derive(Template)]
#[template(path = "self_service/step.html")]
pub(super) struct StepPage {
    pub(super) page: Page,
    pub(super) parts: Vec<Part>,
    pub(super) progress: Run,
    pub(super) view: StepView,
    /// Whether another way to prove who one is may be chosen.
    pub(super) may_choose: bool,
    pub(super) problems: Problems,
}

#[derive(Template)]
#[template(path = "self_service/finished.html")]
pub(super) struct FinishedPage {
    pub(super) page: Page,
    pub(super) parts: Vec<Part>,
    /// The task that the outcome is told as.
    pub(super) about: WorkflowKind,
    pub(super) ending: Ending,
    pub(super) request: String,
}

fn run_of(visit: &Visit) -> Result<KeptRun, Failure> {
    KeptRun::of(&visit.headers).ok_or_else(|| Failure::new(ErrorCode::SessionExpired))
}

pub(super) async fn show(State(front): State<Front>, visit: Visit) -> Result<Response, Failure> {
    let shown =
        front.show(&visit, run_of(&visit)?).await.map_err(|failure| may_try_again(front.door, failure))?;
    page(&front, &visit, *shown, Problems::default())
}

pub(super) async fn submit(
    State(front): State<Front>,
    visit: Visit,
    Unchecked(form): Unchecked<Form>,
) -> Result<Response, Failure> {
    match front
        .submit(&visit, run_of(&visit)?, form)
        .await
        .map_err(|failure| may_try_again(front.door, failure))?
    {
        Answer::Elsewhere => Ok(view::go(front.door.step(), None)),
        Answer::Moved(run) => Ok(view::go(front.door.step(), Some(run.cookie()?))),
        Answer::Again { run, problems, shown } => {
            let shown = match shown {
                Ok(shown) => shown,
                Err(failure) => {
                    return Ok(with_cookie(
                        may_try_again(front.door, failure).into_response(),
                        run.cookie()?,
                    ));
                }
            };
            let mut response = page(&front, &visit, *shown, problems)?;
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(with_cookie(response, run.cookie()?))
        }
        Answer::Failed { run, failure } => {
            Ok(with_cookie(failure.again(front.door.step()).into_response(), run.cookie()?))
        }
        Answer::Entered { .. } | Answer::Begun(_) | Answer::Shown(_) => Err(Front::other_answer()),
    }
}

/// Leads *try again* back to this step when waiting helps.
fn may_try_again(door: Door, failure: Failure) -> Failure {
    let waiting_helps = matches!(
        failure.code,
        ErrorCode::NoQuorum
            | ErrorCode::NoVoter
            | ErrorCode::Busy
            | ErrorCode::UnknownOutcome
            | ErrorCode::DirectoryUnreachable
            | ErrorCode::TooManyRequests
            | ErrorCode::Internal
    );
    if waiting_helps { failure.again(door.step()) } else { failure }
}

fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

fn page(front: &Front, visit: &Visit, shown: Shown, problems: Problems) -> Result<Response, Failure> {
    let Shown { run: progress, step } = shown;
    // A task that was begun through another door of the same browser goes on there.
    if !front.door.offers(progress.kind) {
        return Err(Failure::new(ErrorCode::SessionExpired));
    }
    match step {
        Step::Open { view, csrf } => {
            let page =
                Page::with_token(&front.app, visit, Site::SelfService, visit.written(&progress.name), csrf);
            let parts = parts_of(&progress, None);
            let (view, may_choose) = match view {
                StepView::Chosen(view) => (*view, true),
                view => (view, false),
            };
            view::render(&StepPage { page, parts, progress, view, may_choose, problems })
        }
        Step::Ended(ending) => {
            let about = what_it_was(&progress, ending);
            let title = match ending {
                Ending::Done => done_title(about),
                Ending::Unknown => Key("title-unknown-outcome"),
            };
            let page = Page::without_forms(&front.app, visit, Site::SelfService, title);
            let parts = parts_of(&progress, Some(ending));
            view::render(&FinishedPage { page, parts, about, ending, request: visit.request.to_string() })
        }
    }
}

/// Which task the outcome is told as: by what was done, whatever the workflow is called. Of several things the one that the
/// person has to know most.
pub(super) fn what_it_was(run: &Run, ending: Ending) -> WorkflowKind {
    let done = match ending {
        Ending::Done => &run.activities[..],
        Ending::Unknown => {
            run.activities.get(run.position..).and_then(|rest| rest.get(..1)).unwrap_or_default()
        }
    };
    let any = |is_it: fn(&Activity) -> bool| done.iter().any(is_it);
    if any(|activity| matches!(activity, Activity::ResetPassword(_))) {
        WorkflowKind::ForgotPassword
    } else if any(|activity| matches!(activity, Activity::ChangePassword(_))) {
        WorkflowKind::ManagePasswords
    } else if any(|activity| matches!(activity, Activity::UnlockAccount(_))) {
        WorkflowKind::UnlockAccount
    } else if any(|activity| matches!(activity, Activity::EditProfile(_))) {
        WorkflowKind::Register
    } else if any(|activity| matches!(activity, Activity::SubscribeToNotifications(_))) {
        WorkflowKind::Notifications
    } else if done.is_empty() {
        run.kind
    } else {
        WorkflowKind::Custom
    }
}

pub(super) fn done_title(kind: WorkflowKind) -> Key {
    match kind {
        WorkflowKind::Register | WorkflowKind::ManageProfile | WorkflowKind::UsePasscode => {
            Key("done-title-questions")
        }
        WorkflowKind::ForgotPassword | WorkflowKind::ManagePasswords => Key("done-title-password"),
        WorkflowKind::UnlockAccount => Key("done-title-unlock"),
        WorkflowKind::Notifications => Key("done-title-notifications"),
        WorkflowKind::Custom => Key("done-title-custom"),
    }
}

impl StepPage {
    /// Whether the browser is to do its part of a check.
    fn has_work(&self) -> bool {
        matches!(self.view, StepView::Captcha { .. })
    }

    /// What a box for something to be told of says.
    fn notification(&self, event: &NotificationEvent) -> String {
        self.page.t(text::notification(*event).0)
    }

    /// The question of a check.
    fn sum(&self, (one, other): &(u8, u8)) -> String {
        self.page.say(&Key("captcha-sum").with("one", one).with("other", other))
    }

    /// The name of the field with a number.
    fn numbered(&self, name: &str, index: usize) -> String {
        format!("{name}-{index}")
    }
}
