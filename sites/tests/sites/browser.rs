//! A browser without a screen: keeps cookies, follows redirects, and fills in the hidden fields of the last page.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a page without what it must have stops the test"
)]

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use std::collections::BTreeMap;
use tower::ServiceExt;

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// One answer.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) html: String,
}

impl Page {
    /// The value of a hidden field.
    pub(crate) fn hidden(&self, name: &str) -> Option<String> {
        let start = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
        let rest = self.html.split_once(&start)?.1;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    }

    /// The text of the first heading.
    pub(crate) fn heading(&self) -> &str {
        let rest = self.html.split_once("<h1>").map_or("", |(_, rest)| rest);
        rest.split_once("</h1>").map_or("", |(heading, _)| heading)
    }
}

#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) node: Router,
    pub(crate) cookies: BTreeMap<String, String>,
    /// The hidden fields of the last page with a form.
    pub(crate) csrf: String,
    pub(crate) step: String,
}

impl Browser {
    pub(crate) fn new(node: Router) -> Self {
        Self { node, cookies: BTreeMap::new(), csrf: String::new(), step: String::new() }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Request::builder().method(method).uri(path).header(header::COOKIE, cookies.join("; "))
    }

    /// Sends a request, keeps the cookies, and does not follow.
    pub(crate) async fn send(&mut self, request: Request<Body>) -> Page {
        let response = self.node.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.len() < 4096, "a cookie of {} bytes", cookie.len());
            let (name, rest) = cookie.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
        }
        let bytes = body.collect().await.unwrap().to_bytes();
        let page = Page {
            status: parts.status,
            headers: parts.headers,
            html: String::from_utf8(bytes.to_vec()).unwrap(),
        };
        if let Some(csrf) = page.hidden("csrf") {
            self.csrf = csrf;
            self.step = page.hidden("step").unwrap_or_default();
        }
        page
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let page = self.send(self.request("GET", path).body(Body::empty()).unwrap()).await;
        self.follow(page).await
    }

    /// Submits a form with the hidden fields of the last page, and follows where it leads.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.submit(path, fields).await;
        self.follow(page).await
    }

    /// Submits a form with the hidden fields of the last page.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let (csrf, step) = (self.csrf.clone(), self.step.clone());
        let hidden = [("csrf", csrf.as_str()), ("step", step.as_str())];
        let pairs: Vec<_> =
            hidden.iter().chain(fields).map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect();
        let page = self.post_raw(path, pairs.join("&").into_bytes()).await;
        let secret = |name: &str| {
            name.starts_with("answer-") || ["password", "current", "new", "confirm"].contains(&name)
        };
        for (name, value) in fields.iter().filter(|(name, value)| secret(name) && value.len() > 4) {
            assert!(!page.html.contains(value), "{path} shows the {name} that was typed");
        }
        page
    }

    pub(crate) async fn post_raw(&mut self, path: &str, body: Vec<u8>) -> Page {
        let request = self.request("POST", path).header(header::CONTENT_TYPE, FORM);
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn follow(&mut self, mut page: Page) -> Page {
        while page.status.is_redirection() {
            let path = page.headers[header::LOCATION].to_str().unwrap().to_owned();
            page = self.send(self.request("GET", &path).body(Body::empty()).unwrap()).await;
        }
        page
    }
}

/// Encodes every byte.
pub(crate) fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The answers that every test user registers.
pub(crate) const ANSWERS: [(&str, &str); 4] = [
    ("answer-0", "Stavoren"),
    ("answer-1", "Lindenhof"),
    ("answer-2", "Biscuit"),
    ("answer-3", "under the stairs"),
];

/// Starts a task for a user.
pub(crate) async fn start(browser: &mut Browser, task: &str, name: &str) -> Page {
    let path = format!("/self-service/start/{task}");
    browser.get(&path).await;
    browser.post(&path, &[("name", name)]).await
}

/// Registers the questions of a user.
pub(crate) async fn register(node: &Router, name: &str, password: &str) -> Page {
    let mut browser = Browser::new(node.clone());
    start(&mut browser, "register", name).await;
    browser.post(STEP, &[("password", password)]).await;
    let mut fields = vec![
        ("question-2", "00000000-0000-0000-0000-000000000003"),
        ("question-3", "Where was the secret den?"),
    ];
    fields.extend(ANSWERS);
    browser.post(STEP, &fields).await
}

pub(crate) const STEP: &str = "/self-service/step";
