//! The search, the user's page, and lifting the lock.

use super::passcode::{self, Given};
use super::standing::{Passcodes, Search, Standing, look_up};
use crate::app::App;
use crate::extract::{Form, Visit};
use crate::notify;
use crate::page_error::Failure;
use crate::session::Staff;
use crate::text;
use crate::view::{Page, Problems, render, render_as};
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use passquorum_domain::audit::Site;
use passquorum_domain::command::Action;
use passquorum_domain::directory::LoginName;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::passcode::PasscodeText;

#[derive(Template)]
#[template(path = "helpdesk/start.html")]
struct StartPage {
    page: Page,
    name: String,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "helpdesk/user.html")]
struct UserPage {
    page: Page,
    notice: Option<String>,
    passcode: Option<Given>,
    user: Standing,
}

impl UserPage {
    /// What the form for a passcode proposes.
    const LENGTH: usize = PasscodeText::USUAL;
    const HOURS: u64 = passcode::USUAL_HOURS;
}

const NOT_SERVED: &str = "No user with this name is served by a policy.";
const SEVERAL: &str = "More than one user has this name. Use DOMAIN\\name or the user principal name.";

/// The search form.
pub(super) async fn start(State(app): State<App>, visit: Visit) -> Result<Response, Failure> {
    render(&start_page(&app, &visit, "", Problems::default())?)
}

fn start_page(app: &App, visit: &Visit, name: &str, problems: Problems) -> Result<StartPage, Failure> {
    let page = Page::new(app, visit, Site::Helpdesk, "Find a user")?;
    Ok(StartPage { page, name: name.to_owned(), problems })
}

async fn search(app: &App, form: &Form) -> Result<Result<Standing, &'static str>, Failure> {
    let Ok(name) = LoginName::parse(form.text("name").unwrap_or("")) else {
        return Ok(Err(text::NAME_INVALID));
    };
    Ok(match look_up(app, &name).await? {
        Search::Served(user) => Ok(*user),
        Search::NotServed => Err(NOT_SERVED),
        Search::Several => Err(SEVERAL),
    })
}

/// Shows the user with the name that was typed.
pub(super) async fn find(State(app): State<App>, visit: Visit, form: Form) -> Result<Response, Failure> {
    match search(&app, &form).await? {
        Ok(user) => user_page(&app, &visit, user, None, None),
        Err(message) => {
            let mut problems = Problems::default();
            problems.add("name", message);
            let page = start_page(&app, &visit, form.text("name").unwrap_or(""), problems)?;
            render_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

/// The page of a user, after an act on them.
pub(super) fn user_page(
    app: &App,
    visit: &Visit,
    user: Standing,
    notice: Option<&str>,
    passcode: Option<Given>,
) -> Result<Response, Failure> {
    let page = Page::new(app, visit, Site::Helpdesk, user.display_name.clone())?;
    render(&UserPage { page, notice: notice.map(str::to_owned), passcode, user })
}

/// The user whom the operator saw: the name finds them, and they are still the one with that identity.
pub(super) async fn seen(app: &App, form: &Form) -> Result<Standing, Failure> {
    let same = |user: &Standing| form.text("guid") == Some(user.guid.as_str());
    search(app, form).await?.ok().filter(same).ok_or_else(gone)
}

fn gone() -> Failure {
    Failure::new(ErrorCode::NotFound).saying("This user is not there or not served any more.")
}

/// Lifts the lock of the user whom the operator saw.
pub(super) async fn unlock(
    State(app): State<App>,
    Extension(staff): Extension<Staff>,
    visit: Visit,
    form: Form,
) -> Result<Response, Failure> {
    let user = seen(&app, &form).await?;
    let note = format!("{}, by {}", user.name, staff.display_name);
    let detail = Some(app.ports.seal_detail(&note)?);
    let notice = match app.ports.commit_with(staff.actor(), Action::LiftLock(user.subject), detail).await {
        Ok(_) => {
            notify::lock_lifted(&app.ports, staff.actor(), user.notices, &user.record, user.subject).await;
            "The lock is lifted. The user can answer the security questions again."
        }
        Err(failure) if failure.code == ErrorCode::NotFound => "There was no lock to lift.",
        Err(failure) => return Err(failure),
    };
    user_page(&app, &visit, seen(&app, &form).await?, Some(notice), None)
}
