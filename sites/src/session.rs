//! What a browser carries: its random id, and sealed values bound to that id. Nothing is kept on the server, so that
//! any node can serve any step.
//!
//! Invariants: every cookie is `__Host-`, `Secure` and `HttpOnly`; a sealed value opens only with the browser id it was
//! sealed for and before it expires; every sealed value of one kind has the same length, so that its size tells nothing.

use crate::gateway::KeptRun;
use crate::page_error::Failure;
use crate::ports::Ports;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use passquorum_domain::audit::{Actor, Site};
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::directory::UserRef;
use passquorum_domain::ids::KeyedHash;
use passquorum_domain::mail::Language;
use passquorum_domain::ports::Purpose;
use passquorum_domain::time::{Span, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How long a person stays signed in on the Admin or Helpdesk site.
pub const STAFF_SESSION: Span = Span::hours(1);

/// The clear length of the larger sealed cookies: sealed and in base64 it stays below the 4,096 bytes that browsers take.
pub(crate) const PADDED: usize = 2_700;

/// A browser's random id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserId([u8; 16]);

impl BrowserId {
    pub(crate) const COOKIE: &'static str = "__Host-pq-browser";

    pub(crate) fn fresh(ports: &Ports) -> Self {
        let mut bytes = [0; 16];
        ports.entropy.fill(&mut bytes);
        Self(bytes)
    }

    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(cookie_value(headers, Self::COOKIE)?).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// Lax, so that a link from a mail finds the same browser.
    pub(crate) fn set_cookie(self) -> HeaderValue {
        set_cookie(Self::COOKIE, URL_SAFE_NO_PAD.encode(self.0), SameSite::Lax)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A kind of sealed cookie: what it is called and for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// The progress of a Self-Service workflow.
    Progress,
    /// Who is signed in on the Admin site.
    Admin,
    /// Who is signed in on the Helpdesk site.
    Helpdesk,
    /// Which caller an operator has verified.
    Verified,
    /// Whose answers an operator was shown, until they say whether the caller knows them.
    Shown,
    /// A secret that an administrator typed, on its way through a form; never a cookie.
    Typed,
}

impl Cell {
    fn cookie(self) -> &'static str {
        match self {
            Self::Progress => "__Host-pq-progress",
            Self::Admin => "__Host-pq-admin",
            Self::Helpdesk => "__Host-pq-helpdesk",
            Self::Verified => "__Host-pq-verified",
            Self::Shown => "__Host-pq-shown",
            Self::Typed => "__Host-pq-typed",
        }
    }

    /// The clear length: a small value stays small, since a browser sends all of them at once.
    fn padded(self) -> usize {
        match self {
            Self::Progress | Self::Admin | Self::Helpdesk | Self::Typed => PADDED,
            Self::Verified => 600,
            Self::Shown => 1_100,
        }
    }

    fn context(self, browser: BrowserId) -> Vec<u8> {
        [self.cookie().as_bytes(), &browser.0].concat()
    }

    /// The `Set-Cookie` that keeps a value until `expires`.
    pub fn keep<T: Serialize>(
        self,
        ports: &Ports,
        browser: BrowserId,
        expires: Timestamp,
        value: &T,
    ) -> Result<HeaderValue, Failure> {
        Ok(self.set(self.seal(ports, browser, expires, value)?))
    }

    fn set(self, sealed: String) -> HeaderValue {
        set_cookie(self.cookie(), sealed, SameSite::Strict)
    }

    /// A value as a cookie holds it.
    pub(crate) fn seal<T: Serialize>(
        self,
        ports: &Ports,
        browser: BrowserId,
        expires: Timestamp,
        value: &T,
    ) -> Result<String, Failure> {
        let mut clear = serde_json::to_vec(&(expires, value)).map_err(Failure::internal)?;
        if clear.len() > self.padded() {
            return Err(Failure::internal("a session value is larger than a cookie can hold"));
        }
        clear.resize(self.padded(), b' ');
        let Sealed(sealed) = ports.vault.seal(Purpose::Session, &self.context(browser), &clear)?;
        Ok(URL_SAFE_NO_PAD.encode(sealed.as_bytes()))
    }

    /// The value that the browser carries, if it is this browser's, whole, and not expired.
    pub fn read<T: DeserializeOwned>(
        self,
        ports: &Ports,
        browser: BrowserId,
        headers: &HeaderMap,
    ) -> Option<T> {
        self.open(ports, browser, cookie_value(headers, self.cookie())?)
    }

    /// The value in what a cookie holds, if it is this browser's, whole, and not expired.
    pub(crate) fn open<T: DeserializeOwned>(
        self,
        ports: &Ports,
        browser: BrowserId,
        held: &str,
    ) -> Option<T> {
        let sealed = sealed(held)?;
        let clear = ports.vault.open(Purpose::Session, &self.context(browser), &sealed).ok()?;
        opened(&clear, ports.now())
    }

    /// The `Set-Cookie` that removes it.
    #[must_use]
    pub fn clear(self) -> HeaderValue {
        let mut cookie = build(self.cookie(), String::new(), SameSite::Strict);
        cookie.set_max_age(time::Duration::ZERO);
        header_value(&cookie)
    }
}

impl KeptRun {
    /// What a cookie holds at most.
    const MAX: usize = 4096;

    /// The run that the browser carries, not opened yet.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let held = cookie_value(headers, Cell::Progress.cookie())?;
        (held.len() <= Self::MAX && sealed(held).is_some()).then(|| Self(held.to_owned()))
    }

    /// The `Set-Cookie` that keeps it.
    pub(crate) fn cookie(self) -> Result<HeaderValue, Failure> {
        if self.0.len() > Self::MAX || sealed(&self.0).is_none() {
            return Err(Failure::internal("a run that is to be kept is no sealed value"));
        }
        Ok(Cell::Progress.set(self.0))
    }
}

/// What a cookie holds, not opened yet.
pub(crate) fn sealed(held: &str) -> Option<Sealed> {
    URL_SAFE_NO_PAD.decode(held).ok().map(|sealed| Sealed(Blob::from(sealed)))
}

/// The value in the clear text of a cookie, unless it has expired.
pub(crate) fn opened<T: DeserializeOwned>(clear: &[u8], now: Timestamp) -> Option<T> {
    let (expires, value): (Timestamp, T) = serde_json::from_slice(clear).ok()?;
    (now < expires).then_some(value)
}

/// Who is signed in on the Admin or Helpdesk site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    /// The site it is good for.
    pub site: Site,
    /// The account.
    pub user: UserRef,
    /// Keyed hash of its `objectGUID`.
    pub subject: KeyedHash,
    /// The name to show.
    pub display_name: String,
}

impl Staff {
    /// The actor of what this person does.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self.site {
            Site::Admin => Actor::Administrator(self.subject),
            Site::Helpdesk => Actor::Helpdesk(self.subject),
            Site::SelfService => Actor::User(self.subject),
        }
    }

    fn cell(site: Site) -> Cell {
        match site {
            Site::Helpdesk => Cell::Helpdesk,
            Site::Admin | Site::SelfService => Cell::Admin,
        }
    }

    /// The `Set-Cookie` that signs this browser in for [`STAFF_SESSION`].
    pub fn keep(&self, ports: &Ports, browser: BrowserId) -> Result<HeaderValue, Failure> {
        Self::cell(self.site).keep(ports, browser, ports.now().plus(STAFF_SESSION), self)
    }

    /// Who is signed in with this browser on a site.
    #[must_use]
    pub fn read(ports: &Ports, browser: BrowserId, headers: &HeaderMap, site: Site) -> Option<Self> {
        Self::cell(site).read(ports, browser, headers).filter(|staff: &Self| staff.site == site)
    }

    /// The `Set-Cookie` that signs out.
    #[must_use]
    pub fn sign_out(site: Site) -> HeaderValue {
        Self::cell(site).clear()
    }
}

fn cookie_value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// What the language that a visitor chose is kept under.
const LANGUAGE: &str = "__Host-pq-language";
const LANGUAGE_KEPT: time::Duration = time::Duration::days(365);

/// The `Set-Cookie` that keeps the language that a visitor chose.
pub(crate) fn language_cookie(language: &Language) -> HeaderValue {
    let mut cookie = build(LANGUAGE, language.to_string(), SameSite::Lax);
    cookie.set_max_age(LANGUAGE_KEPT);
    header_value(&cookie)
}

/// The language that a visitor chose before.
pub(crate) fn chosen_language(headers: &HeaderMap) -> Option<Language> {
    cookie_value(headers, LANGUAGE)?.parse().ok()
}

fn build(name: &'static str, value: String, same_site: SameSite) -> Cookie<'static> {
    Cookie::build((name, value)).path("/").secure(true).http_only(true).same_site(same_site).build()
}

fn set_cookie(name: &'static str, value: String, same_site: SameSite) -> HeaderValue {
    header_value(&build(name, value, same_site))
}

#[expect(
    clippy::expect_used,
    reason = "names are constants and values base64 or tags: all are visible ASCII"
)]
fn header_value(cookie: &Cookie<'_>) -> HeaderValue {
    HeaderValue::try_from(cookie.to_string()).expect("a cookie of ASCII parts is a header value")
}
