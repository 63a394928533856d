//! From templates to responses: the shell that all pages share, field messages, and the page for a failure.

use crate::app::App;
use crate::csrf;
use crate::extract::Visit;
use crate::locale::{Key, Message, Texts, Value};
use crate::page_error::Failure;
use crate::self_service::door::Door;
use crate::session::Staff;
use crate::text;
use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use passquorum_domain::audit::Site;
use passquorum_domain::ids::NodeId;
use passquorum_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What the shell of a page shows; every page template has it as its field `page`.
pub(crate) struct Page {
    pub(crate) site: Site,
    door: Door,
    pub(crate) title: String,
    pub(crate) organisation: String,
    pub(crate) node: String,
    /// The id of the node, for who looks behind a load balancer.
    pub(crate) node_id: NodeId,
    /// The CSRF token for the page's forms.
    pub(crate) csrf: String,
    /// Who is signed in, on the sites where people sign in.
    pub(crate) signed_in: Option<String>,
    /// The languages to choose from; none where there is one only.
    pub(crate) languages: Vec<Offer>,
    texts: Texts,
    /// Set where the page is an example on which nothing can be done.
    pub(crate) preview: Option<Preview>,
}

/// A language that the visitor may choose.
pub(crate) struct Offer {
    pub(crate) tag: String,
    /// Its name in itself.
    pub(crate) name: String,
    pub(crate) direction: &'static str,
    /// Where the page is in this language.
    pub(crate) address: String,
    pub(crate) is_here: bool,
}

/// The bar above an example of a page: where among the pages it is, and the form that leads to the others.
pub(crate) struct Preview {
    pub(crate) action: String,
    pub(crate) csrf: String,
    /// What is sent with each press.
    pub(crate) carried: Vec<(String, String)>,
    pub(crate) number: usize,
    pub(crate) of: usize,
    /// The press that leads to the page before, where there is one.
    pub(crate) earlier: Option<String>,
    /// The press that leads to the next one.
    pub(crate) later: Option<String>,
}

impl Page {
    /// The same page as an example under this bar.
    pub(crate) fn under(self, preview: Preview) -> Self {
        Self { preview: Some(preview), ..self }
    }

    /// The shell of a page for this visit.
    pub(crate) fn new(
        app: &App,
        visit: &Visit,
        site: Site,
        title: impl Into<Message>,
    ) -> Result<Self, Failure> {
        let csrf = csrf::token(&app.ports, visit.browser)?;
        Ok(Self::with_token(app, visit, site, title, csrf))
    }

    /// The shell of a page without forms: a node that does not hold the realm key can show it too.
    pub(crate) fn without_forms(app: &App, visit: &Visit, site: Site, title: impl Into<Message>) -> Self {
        Self::with_token(app, visit, site, title, String::new())
    }

    /// The shell of a page whose forms carry this token.
    pub(crate) fn with_token(
        app: &App,
        visit: &Visit,
        site: Site,
        title: impl Into<Message>,
        csrf: String,
    ) -> Self {
        let texts = visit.spoken.texts.clone();
        let title = texts.say(&title.into());
        let signed_in = (site != Site::SelfService)
            .then(|| Staff::read(&app.ports, visit.browser, &visit.headers, site))
            .flatten()
            .map(|staff| staff.display_name);
        let organisation = app.ports.organisation();
        let (node, node_id) = (app.settings.node_name.clone(), app.ports.consensus.node());
        let door = Door::of(&visit.path);
        let languages = offers(app, visit, &texts);
        Self {
            site,
            door,
            title,
            organisation,
            node,
            node_id,
            csrf,
            signed_in,
            languages,
            texts,
            preview: None,
        }
    }

    /// The site's name.
    pub(crate) fn site_name(&self) -> String {
        match self.site {
            Site::SelfService => self.t("site-self-service"),
            Site::Helpdesk => self.t("site-helpdesk"),
            Site::Admin => "Administration".to_owned(),
        }
    }

    /// The tag of the page's language.
    pub(crate) fn language(&self) -> &str {
        self.texts.language().as_str()
    }

    /// The direction of its writing.
    pub(crate) fn direction(&self) -> &'static str {
        self.texts.direction()
    }

    /// A text of the catalogue.
    pub(crate) fn t(&self, key: &str) -> String {
        self.texts.text(key)
    }

    /// A text of the catalogue with something put in.
    pub(crate) fn with(&self, key: &'static str, name: &'static str, value: impl Into<Value>) -> String {
        self.texts.say(&Key(key).with(name, value))
    }

    /// A message in the page's language.
    pub(crate) fn say(&self, message: &Message) -> String {
        self.texts.say(message)
    }

    /// What an administrator wrote, in the page's language where that is there.
    pub(crate) fn written(&self, text: &str) -> String {
        self.texts.written(text)
    }

    /// What the summary at a form's head calls a field.
    pub(crate) fn label(&self, field: &str) -> Option<String> {
        text::field_label(field).map(|label| self.say(&label))
    }

    /// The site's front page.
    pub(crate) fn home(&self) -> &'static str {
        match self.site {
            // Nothing leads out of an example but its bar.
            _ if self.preview.is_some() => "#",
            Site::SelfService => self.door.home(),
            Site::Helpdesk => "/helpdesk/",
            Site::Admin => "/admin/",
        }
    }

    /// Whether it is for the small window of a logon screen.
    pub(crate) fn is_small(&self) -> bool {
        self.door.is_small()
    }
}

/// The languages that this page can be read in, unless it is one only.
fn offers(app: &App, visit: &Visit, texts: &Texts) -> Vec<Offer> {
    if !visit.has_languages() {
        return Vec::new();
    }
    let offer = |offered: &Texts| Offer {
        tag: offered.language().to_string(),
        name: offered.text("language-name"),
        direction: offered.direction(),
        address: visit.in_language(offered.language()),
        is_here: offered.language() == texts.language(),
    };
    app.settings.locales.all().map(offer).collect()
}

/// Messages about the fields of a form, for the summary at its head and beside each field.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Problems(Vec<(String, Message)>);

impl Problems {
    /// Notes a problem with a field; an empty field name is the form as a whole.
    pub(crate) fn add(&mut self, field: impl Into<String>, message: impl Into<Message>) {
        self.0.push((field.into(), message.into()));
    }

    /// Takes a field's value, or notes what is wrong with it.
    pub(crate) fn take<T>(&mut self, field: &str, value: Result<T, Key>) -> Option<T> {
        value.map_err(|message| self.add(field, message)).ok()
    }

    /// Puts them in the order of the form.
    pub(crate) fn order_by<K: Ord>(&mut self, place: impl Fn(&str) -> K) {
        self.0.sort_by_key(|(field, _)| place(field));
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in order.
    pub(crate) fn all(&self) -> &[(String, Message)] {
        &self.0
    }

    /// The same in words of a language.
    pub(crate) fn said_in(mut self, texts: &Texts) -> Self {
        for (_, message) in &mut self.0 {
            *message = message.said_in(texts);
        }
        self
    }

    /// The first one of a field.
    pub(crate) fn of(&self, field: &str) -> Option<&Message> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, message)| message)
    }
}

/// Renders a page.
pub(crate) fn render(template: &impl Template) -> Result<Response, Failure> {
    template.render().map(|html| Html(html).into_response()).map_err(Failure::internal)
}

/// Renders a page with another status than 200: 422 for a form that has problems.
pub(crate) fn render_as(status: StatusCode, template: &impl Template) -> Result<Response, Failure> {
    let mut response = render(template)?;
    *response.status_mut() = status;
    Ok(response)
}

/// Leads the browser on by GET (303), and gives it a cookie.
pub(crate) fn go(path: &'static str, cookie: Option<HeaderValue>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(path));
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

#[derive(Template)]
#[template(path = "layout/failure.html")]
struct FailurePage<'p> {
    page: Page,
    what: String,
    remedy: String,
    code: &'p str,
    request: String,
    until: Option<String>,
    again: Option<&'static str>,
}

/// The page for a failure. It needs no key and no quorum.
pub(crate) fn failure_page(app: &App, visit: &Visit, failure: &Failure) -> Response {
    let site = match visit.path.as_str() {
        path if path.starts_with("/admin") => Site::Admin,
        path if path.starts_with("/helpdesk") => Site::Helpdesk,
        _ => Site::SelfService,
    };
    let page = Page::without_forms(app, visit, site, text::failure_title(failure.code));
    let until = |until: Timestamp| {
        let span = text::in_words(until.since(app.ports.now()));
        page.say(&Key("lock-ends").with("span", span).with("at", text::utc(until)))
    };
    let template = FailurePage {
        what: page.say(&failure.what()),
        remedy: page.say(&failure.remedy()),
        code: failure.code.as_str(),
        request: visit.request.to_string(),
        until: failure.until.map(until),
        again: failure.again,
        page,
    };
    let status = failure.http_status();
    let mut response = match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(request = %visit.request, %error, "the error page itself failed");
            status.into_response()
        }
    };
    if let Some(until) = failure.until {
        let seconds = until.since(app.ports.now()).0.div_ceil(1000);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    } else if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}
