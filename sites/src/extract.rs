//! What handlers take: the visit, and a form that was bounded and decoded strictly before any handler sees it, and
//! checked for its CSRF token unless the handler hands it on to whoever does that.

use crate::app::App;
use crate::limits::Origin;
use crate::locale::{Key, Spoken};
use crate::page_error::Failure;
use crate::self_service::computer::Computer;
use crate::session::BrowserId;
use crate::{csrf, limits, text};
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use passquorum_domain::error_code::ErrorCode;
use passquorum_domain::mail::Language;
use passquorum_domain::secret::{Answer, Password, SecretError};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

/// One request's visitor.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    /// Names the request on error pages and in the log.
    pub(crate) request: Uuid,
    /// The browser.
    pub(crate) browser: BrowserId,
    /// Where it comes from.
    pub(crate) source: Origin,
    /// The path, for the choice of a site's shell.
    pub(crate) path: String,
    /// The request's headers, for its cookies.
    pub(crate) headers: HeaderMap,
    /// What the visitor reads.
    pub(crate) spoken: Spoken,
    /// What the address says of the visitor's computer.
    pub(crate) computer: Computer,
}

impl Visit {
    /// Whether the page comes in more languages than one: those of the Admin site do not.
    pub(crate) fn has_languages(&self) -> bool {
        speaks(&self.path)
    }

    /// What an administrator wrote, in the visitor's language where that is there.
    pub(crate) fn written(&self, text: &str) -> String {
        self.spoken.texts.written(text)
    }

    /// The same page in another language, seen from itself: no path of a visitor's gets into a link.
    pub(crate) fn in_language(&self, language: &Language) -> String {
        // What was posted to the helpdesk cannot be had by GET.
        let is_posted = self.path.starts_with("/helpdesk/") && self.path != "/helpdesk/sign-in";
        let query = if is_posted { "/helpdesk/".to_owned() } else { self.computer.query() };
        let mark = if !query.contains('?') { '?' } else { '&' };
        format!("{query}{mark}{LANGUAGE}={language}")
    }
}

/// What the language is called in an address.
pub(crate) const LANGUAGE: &str = "lang";

/// Whether what is at a path comes in more languages than one.
pub(crate) fn speaks(path: &str) -> bool {
    !["/admin", "/api/", "/static/"].iter().any(|start| path.starts_with(start))
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Failure::internal("no visit: not wrapped"))
    }
}

/// A submitted form. Values are wiped when it is dropped.
#[derive(Default, Deserialize)]
#[serde(from = "Vec<(String, String)>")]
pub struct Form(Vec<(String, Zeroizing<String>)>);

impl Serialize for Form {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(name, value)| (name, value.as_str())))
    }
}

impl From<Vec<(String, String)>> for Form {
    fn from(fields: Vec<(String, String)>) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name, Zeroizing::new(value))).collect())
    }
}

impl FromRequest<App> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, app).await?;
        let Unchecked(form) = Unchecked::from_request(Request::from_parts(parts, body), app).await?;
        csrf::check(&app.ports, visit.browser, form.text(csrf::FIELD))?;
        Ok(form)
    }
}

/// A form whose CSRF token is checked by whoever does what it asks.
pub(crate) struct Unchecked<T>(pub(crate) T);

impl<S: Sync> FromRequest<S> for Unchecked<Form> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let is_form =
            parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(
                |kind| kind.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(FORM_TYPE),
            );
        let bytes = bounded(body, limits::FORM_LIMIT).await?;
        if !is_form {
            return Err(Failure::bad_input(Key("bad-not-a-form")));
        }
        Form::parse(&bytes).map(Self)
    }
}

const FORM_TYPE: &str = "application/x-www-form-urlencoded";

/// The whole body, or a refusal once it is longer than `limit`; then the rest is read and dropped, up to a bound, so
/// that the client gets to read the answer.
pub(crate) async fn bounded(body: Body, limit: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut body = body;
    let mut bytes = Zeroizing::new(Vec::new());
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::bad_input(Key("bad-broken-off")).because(error))?;
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen > limits::DRAIN_LIMIT {
            break;
        }
        if seen <= limit {
            append(&mut bytes, &data);
        }
    }
    if seen > limit { Err(Failure::new(ErrorCode::TooLarge)) } else { Ok(bytes) }
}

/// Grows by moving to a new buffer and wiping the old one, where `extend` would leave copies behind.
fn append(bytes: &mut Zeroizing<Vec<u8>>, data: &Bytes) {
    if bytes.capacity() - bytes.len() < data.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((bytes.len() + data.len()) * 2));
        larger.extend_from_slice(bytes);
        bytes.zeroize();
        *bytes = larger;
    }
    bytes.extend_from_slice(data);
}

impl Form {
    /// Decodes `application/x-www-form-urlencoded` (WHATWG URL, 5.1), but refuses what is not UTF-8 or not whole
    /// where a lenient reader would guess.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let mut fields = Vec::new();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let split = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at(split);
            let value = value.strip_prefix(b"=").unwrap_or(value);
            fields.push((decode(name)?.to_string(), decode(value)?));
        }
        Ok(Self(fields))
    }

    /// The form with this value for a field, whatever it held, or without the field.
    pub(crate) fn with(mut self, name: &str, value: Option<String>) -> Self {
        self.0.retain(|(present, _)| present != name);
        self.0.extend(value.map(|value| (name.to_owned(), Zeroizing::new(value))));
        self
    }

    /// Every field in the form's order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first value of a field.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A password, or what to tell the visitor about the field.
    pub(crate) fn password(&self, name: &str) -> Result<Password, Key> {
        Password::parse(self.text(name).unwrap_or("").to_owned()).map_err(field_message)
    }

    /// An answer, or what to tell the visitor about the field.
    pub(crate) fn answer(&self, name: &str) -> Result<Answer, Key> {
        Answer::parse(self.text(name).unwrap_or("").to_owned()).map_err(field_message)
    }
}

fn field_message(error: SecretError) -> Key {
    match error {
        SecretError::Empty => text::FIELD_EMPTY,
        SecretError::TooLong { .. } => text::FIELD_TOO_LONG,
        SecretError::ControlCharacter => text::FIELD_CONTROL,
    }
}

fn decode(encoded: &[u8]) -> Result<Zeroizing<String>, Failure> {
    let mut out = Zeroizing::new(Vec::with_capacity(encoded.len()));
    let mut rest = encoded.iter();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|byte| char::from(*byte).to_digit(16));
                digit()
                    .zip(digit())
                    .and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
                    .ok_or_else(|| Failure::bad_input(Key("bad-escape")))?
            }
            plain => *plain,
        });
    }
    std::str::from_utf8(&out)
        .map(|text| Zeroizing::new(text.to_owned()))
        .map_err(|_| Failure::bad_input(Key("bad-utf8")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_decoded_and_found_by_name() {
        let form = Form::parse("a=1+2%2B&b=%C3%A9&a=x&flag&=&c==".as_bytes()).unwrap();
        assert_eq!(form.text("a"), Some("1 2+"), "the first of two");
        assert_eq!(form.text("b"), Some("é"));
        assert_eq!(form.text("flag"), Some(""));
        assert_eq!(form.text("c"), Some("="));
        assert_eq!(form.text("none"), None);
    }

    #[test]
    fn bad_utf8_and_broken_escapes_are_refused() {
        for bad in [&b"a=%ff"[..], b"a=\xff", b"%c3=1", b"a=%", b"a=%4", b"a=%zz"] {
            assert_eq!(Form::parse(bad).err().map(|failure| failure.code), Some(ErrorCode::BadInput));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Form::parse(&bytes);
        }

        #[test]
        fn what_was_encoded_comes_back(text in "\\PC{0,40}") {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let form = Form::parse(format!("k={encoded}").as_bytes()).unwrap();
            prop_assert_eq!(form.text("k"), Some(text.as_str()));
        }
    }
}
