//! The search, the person's page, and the one gate before every task.

use super::caller::Caller;
use super::passcode::{self, Given};
use super::standing::{Search, Standing, look_up};
use crate::app::App;
use crate::extract::{Form, Visit};
use crate::locale::{Key, Message};
use crate::page_error::Failure;
use crate::session::Staff;
use crate::text;
use crate::view::{Page, Problems, render, render_as};
use askama::Template;
use axum::extract::FromRequestParts;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use passquorum_domain::audit::Site;
use passquorum_domain::directory::LoginName;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::helpdesk::{HelpdeskTask, MustChange};
use passquorum_domain::passcode::PasscodeText;
use passquorum_domain::policy::PasswordRule;
use passquorum_domain::ports::fresh_uuid;
use zeroize::Zeroizing;

/// Who helps, and the request; every handler behind the guard takes one.
pub(super) struct Desk {
    pub(super) app: App,
    pub(super) visit: Visit,
    pub(super) staff: Staff,
}

impl FromRequestParts<App> for Desk {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let visit = Visit::from_request_parts(parts, app).await?;
        let staff = Staff::from_request_parts(parts, app).await?;
        Ok(Self { app: app.clone(), visit, staff })
    }
}

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
    said: Said,
    problems: Problems,
    user: Standing,
    /// Names what one of this page's forms changes in the directory, so that it is done once however often that is sent.
    once: String,
}

impl UserPage {
    /// What the form for a passcode proposes.
    const LENGTH: usize = PasscodeText::USUAL;
    const HOURS: u64 = passcode::USUAL_HOURS;

    /// The name of the field with a number.
    fn numbered(&self, name: &str, index: usize) -> String {
        format!("{name}-{index}")
    }
}

/// What the page says of what was just done.
#[derive(Default)]
pub(super) struct Said {
    pub(super) notice: Option<Message>,
    pub(super) passcode: Option<Given>,
    /// A password that was made and set.
    pub(super) password: Option<Zeroizing<String>>,
    pub(super) problems: Problems,
}

impl Said {
    pub(super) fn good(notice: Key) -> Self {
        Self { notice: Some(notice.into()), ..Self::default() }
    }

    pub(super) fn wrong(problems: Problems) -> Self {
        Self { problems, ..Self::default() }
    }
}

const NOT_SERVED: Key = Key("not-served");
const SEVERAL: Key = Key("several");

/// The search form.
pub(super) async fn start(desk: Desk) -> Result<Response, Failure> {
    render(&desk.start_page("", Problems::default())?)
}

/// Shows the person with the name that was typed.
pub(super) async fn find(desk: Desk, form: Form) -> Result<Response, Failure> {
    match desk.search(&form).await? {
        Ok(user) => desk.page(user, Said::default()),
        Err(message) => {
            let mut problems = Problems::default();
            problems.add("name", message);
            let page = desk.start_page(form.text("name").unwrap_or(""), problems)?;
            render_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

impl Desk {
    fn start_page(&self, name: &str, problems: Problems) -> Result<StartPage, Failure> {
        let page = Page::new(&self.app, &self.visit, Site::Helpdesk, Key("find-user"))?;
        Ok(StartPage { page, name: name.to_owned(), problems })
    }

    async fn search(&self, form: &Form) -> Result<Result<Standing, Key>, Failure> {
        let Ok(name) = LoginName::parse(form.text("name").unwrap_or("")) else {
            return Ok(Err(text::NAME_INVALID));
        };
        Ok(match look_up(self, &name).await? {
            Search::Served(user) => Ok(*user),
            Search::NotServed => Err(NOT_SERVED),
            Search::Several => Err(SEVERAL),
        })
    }

    /// The page of a person, after something was done or was not.
    pub(super) fn page(&self, user: Standing, mut said: Said) -> Result<Response, Failure> {
        let page = Page::new(&self.app, &self.visit, Site::Helpdesk, user.record.display_name.clone())?;
        let problems = std::mem::take(&mut said.problems);
        let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        let once = fresh_uuid(&*self.app.ports.entropy).to_string();
        render_as(status, &UserPage { page, said, problems, user, once })
    }

    /// The person whom the operator saw: the name finds them, and they are still the one with that identity.
    pub(super) async fn seen(&self, form: &Form) -> Result<Standing, Failure> {
        let same = |user: &Standing| form.text("guid") == Some(user.guid.as_str());
        self.search(form)
            .await?
            .ok()
            .filter(same)
            .ok_or_else(|| Failure::new(ErrorCode::NotFound).saying(Key("not-there")))
    }

    /// The same once something was done, which is told even when the person cannot be looked up again.
    pub(super) async fn seen_again(&self, form: &Form, before: Standing) -> Standing {
        self.seen(form).await.unwrap_or(before)
    }

    /// The same, for a task that this operator may do for them now. Every task begins with this.
    pub(super) async fn helped(&self, form: &Form, task: HelpdeskTask) -> Result<Standing, Failure> {
        let user = self.seen(form).await?;
        user.may(task)?;
        Ok(user)
    }

    /// Whom and who, for the audit.
    pub(super) fn note(&self, user: &Standing) -> String {
        format!("{}, by {}", user.name, self.staff.display_name)
    }
}
