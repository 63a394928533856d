//! Fuzz targets for what browsers and API clients send. Built for tests and under `cfg(fuzzing)` only; each function
//! takes any bytes, and a finding is a panic.

use crate::extract::Form;
use crate::gateway::KeptRun;
use crate::ports::SiteSettings;
use crate::session::{BrowserId, Staff, opened, sealed};
use crate::workflow::Progress;
use crate::{admin, api, limits};
use http::{HeaderMap, HeaderValue, Request, header};
use passquorum_domain::time::Timestamp;

/// The body of a form, read as each of the Admin site's forms.
pub fn forms(data: &[u8]) {
    let Ok(form) = Form::parse(data) else { return };
    for name in ["name", "csrf", "step", "answer-0", "password"] {
        form.text(name);
        drop(form.password(name));
        drop(form.answer(name));
    }
    admin::fuzzing::fields(form);
}

/// A `Cookie` header; and the same bytes as the clear text of a sealed cookie, which only someone with the realm key, or
/// another release, can have made.
pub fn cookies(data: &[u8]) {
    let headers = with(header::COOKIE, data);
    BrowserId::from_headers(&headers);
    if let Some(run) = KeptRun::of(&headers) {
        assert!(run.cookie().is_ok(), "what a browser carries can be kept");
    }
    if let Ok(held) = str::from_utf8(data) {
        sealed(held);
    }
    if let Some(progress) = opened::<Progress>(data, Timestamp(0)) {
        progress.marker();
        progress.with_next_ticket();
    }
    if let Some(staff) = opened::<Staff>(data, Timestamp(0)) {
        let _ = staff.actor();
    }
}

/// The values of the headers and of the query that say who asks, from where, and on what condition.
pub fn api_headers(data: &[u8]) {
    api::fuzzing::headers(&|name| with(name, data));
    let mut request = Request::new(());
    *request.headers_mut() = with(header::HeaderName::from_static("x-forwarded-for"), data);
    let mut settings = SiteSettings::new("node");
    settings.trusted_proxies = [[0, 0, 0, 0], [192, 0, 2, 1]].into_iter().map(Into::into).collect();
    limits::source_of(&request, &settings);
}

fn with(name: header::HeaderName, data: &[u8]) -> HeaderMap {
    HeaderValue::from_bytes(data).map(|value| HeaderMap::from_iter([(name, value)])).unwrap_or_default()
}

#[cfg(test)]
#[path = "../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;
    use super::*;
    use crate::workflow::{Plan, Subject, Within};
    use passquorum_domain::audit::Site;
    use passquorum_domain::directory::{ObjectGuid, UserRef};
    use passquorum_domain::ids::{ConnectionId, KeyedHash, PolicyId};
    use passquorum_domain::workflow::{Activity, ResetPassword, WorkflowKind};
    use uuid::Uuid;

    fn seeds<const N: usize>(texts: [(&'static str, &str); N]) -> Vec<(&'static str, Vec<u8>)> {
        texts.map(|(name, text)| (name, text.as_bytes().to_vec())).into()
    }

    #[test]
    fn every_input_of_forms_passes() {
        let policy = "name=Everyone&scope.00000000-0000-0000-0000-000000000001.allowed_ous=OU%3Dx%2CDC%3Dy%0d%0aDC%3Dz\
                      &length=on&length.min=8&length.max=+64&lockout.duration=900&qa.min_answer_length=3";
        replay("forms", forms, seeds([("policy", policy), ("odd", "a=1+2%2B&b=%C3%A9&a=x&flag&=&c==")]));
    }

    #[test]
    fn every_input_of_cookies_passes() {
        let expires = Timestamp(1_790_000_000_000);
        let user = UserRef {
            connection: ConnectionId(Uuid::from_u128(1)),
            guid: ObjectGuid([1; 16]),
            dc: "dc1.example.com".into(),
        };
        let hash = KeyedHash([3; 32]);
        let staff = Staff { site: Site::Admin, user, subject: hash, display_name: "Rita".into() };
        let progress = Progress {
            run: Uuid::from_u128(1),
            expires,
            policy: PolicyId(Uuid::from_u128(2)),
            kind: WorkflowKind::ForgotPassword,
            name: "Forgot".into(),
            plan: Plan::Carried {
                activities: vec![Activity::ResetPassword(ResetPassword { unlock: true, must_change: false })],
            },
            subject: Subject::Nobody { hash },
            typed: "alice".into(),
            position: 0,
            tickets: 0,
            ending: None,
            language: None,
            update: false,
            within: Within::default(),
            left_out: Vec::new(),
        };
        let seeds = vec![
            ("staff", serde_json::to_vec(&(expires, staff)).unwrap()),
            ("progress", serde_json::to_vec(&(expires, progress)).unwrap()),
            ("header", b"__Host-pq-browser=AAAAAAAAAAAAAAAAAAAAAA; __Host-pq-progress=AQAAAAE; x".to_vec()),
        ];
        replay("cookies", cookies, seeds);
    }

    #[test]
    fn every_input_of_api_headers_passes() {
        let seeds = seeds([
            ("bearer", "Bearer pqa1.0190a3c4-0000-4000-8000-000000000001.s3cret"),
            ("revision", "\"12\""),
            ("hops", "198.51.100.7, 192.0.2.1, ::ffff:192.0.2.2"),
        ]);
        replay("api_headers", api_headers, seeds);
    }
}
