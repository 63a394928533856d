//! A browser, as far as a site can tell: it keeps cookies, and sends a form with the token of the page it was on.

use crate::fakes::Realm;
use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use passquorum_sites::{Hashing, SiteSettings};
use std::collections::BTreeMap;
use std::time::Duration;
use tower::ServiceExt;

pub(crate) struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
    csrf: String,
}

pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Page {
    /// The value of the first hidden field with this name.
    pub(crate) fn hidden(&self, name: &str) -> &str {
        let mark = format!("name=\"{name}\" value=\"");
        let start = self.text.find(&mark).unwrap_or_else(|| panic!("no field {name} in {}", self.text));
        self.text[start + mark.len()..].split('"').next().unwrap()
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.text.contains(text)
    }
}

impl Browser {
    pub(crate) fn new(realm: &Realm) -> Self {
        let settings = SiteSettings {
            hashing: Hashing::InPlace,
            answer_grid: Duration::ZERO,
            ..SiteSettings::new("one")
        };
        let router = passquorum_sites::router(realm.ports.clone(), settings);
        Self { router, cookies: BTreeMap::new(), csrf: String::new() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let page = self.send(Request::get(path), Body::empty()).await;
        if page.has("name=\"csrf\"") {
            self.csrf = page.hidden("csrf").to_owned();
        }
        page
    }

    /// Sends a form with the token of the last page.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.csrf.clone();
        let fields: Vec<_> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
        self.post_bare(path, &fields).await
    }

    /// Sends a form as it is given.
    pub(crate) async fn post_bare(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let pairs: Vec<_> =
            fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request, Body::from(pairs.join("&"))).await
    }

    pub(crate) async fn sign_in(&mut self, site: &str, account: &str) -> Page {
        let path = format!("/{site}/sign-in");
        self.get(&path).await;
        self.post(&path, &[("name", account), ("password", &format!("{account}-password"))]).await
    }

    async fn send(&mut self, request: http::request::Builder, body: Body) -> Page {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("cookie", cookies.join("; ")).body(body).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let headers = response.headers().clone();
        for set in headers.get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = response.status();
        let location = headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap()).to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Page { status, location, headers, text }
    }
}
