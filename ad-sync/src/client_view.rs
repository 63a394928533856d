//! What a legacy client at the logon screen sees of a domain: the service connection points that tell where the site is.
//!
//! Each step stands alone, so that who asks can say which of them failed: [`controllers`], [`Controller::open`],
//! [`Opened::points`]. It reads what is there as it is, of this product or another, and judges nothing: which point a
//! client takes is not decided here.

use crate::address::{AddressError, Server};
use crate::connection::{ConnectFault, Connection, Entry};
use crate::error::{self, Fault};
use crate::names::{Names, NamesError};
use crate::tls;
use ldap3::Scope;
use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

/// Where the points lie, below the domain.
pub const CONTAINER: &str = "CN=One Identity,CN=System";
/// More are not read: whoever may write there does not decide how long an answer may be.
const MOST: i32 = 500;
const POINT: &str = "(objectClass=serviceConnectionPoint)";

/// A client looks at the domain with this account, and believes these authorities.
pub struct Looker {
    names: Arc<Names>,
    tls: Arc<ClientConfig>,
    account: String,
    password: SecretString,
}

/// The authorities are of no use.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LookerError(String);

impl Looker {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// When the authorities are not PEM certificates.
    pub fn new(
        names: Arc<Names>,
        authorities: &str,
        account: &str,
        password: SecretString,
    ) -> Result<Self, LookerError> {
        let tls = tls::client_config(authorities).map_err(|error| LookerError(error.to_string()))?;
        Ok(Self { names, tls, account: account.to_owned(), password })
    }
}

/// A domain controller that may be asked.
#[derive(Debug, Clone)]
pub struct Controller(crate::address::Address);

/// No controller is known.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// It is named in no form that is known.
    #[error("{0:?}: {1}")]
    Address(String, #[source] UnknownForm),
    /// DNS does not name any.
    #[error(transparent)]
    Names(#[from] NamesError),
}

/// A server is named in no form that is known.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(transparent)]
pub struct UnknownForm(#[from] AddressError);

/// Whether a text names a server as [`controllers`] takes it.
///
/// # Errors
/// When it does not.
pub fn check_server(text: &str) -> Result<(), UnknownForm> {
    Server::parse(text).map(drop).map_err(UnknownForm)
}

/// The controllers that `ldaps://host[:port]` or `dns://domain[/site]` names, in the order in which they are asked.
///
/// # Errors
/// When DNS names none, or the text is neither.
pub async fn controllers(names: &Names, server: &str) -> Result<Vec<Controller>, LocateError> {
    let server = Server::parse(server).map_err(|why| LocateError::Address(server.to_owned(), why.into()))?;
    let found = match server {
        Server::At(address) => vec![address],
        Server::Of { domain, site } => names.controllers(&domain, site.as_ref()).await?,
        Server::Default { domain } => names.controllers(&domain, names.site()).await?,
        Server::PrimaryOf { domain } => names.primary(&domain).await?,
        Server::InSite { domain, site } => names.of_site(&domain, &site).await?,
        // No form that is taken here.
        Server::Client { .. } => Vec::new(),
    };
    Ok(found.into_iter().map(Controller).collect())
}

/// Why a controller cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody listens, or not TLS, or not in time.
    #[error("{0}")]
    Unreachable(String),
    /// Its certificate is not believed.
    #[error("{0}")]
    Untrusted(String),
    /// It does not take the account or its password.
    #[error("{0}")]
    BindRefused(String),
}

impl Controller {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.to_string()
    }

    /// Connects, checks its certificate and signs in.
    ///
    /// # Errors
    /// When any of these fails.
    pub async fn open(&self, looker: &Looker) -> Result<Opened, OpenError> {
        let Looker { names, tls, account, password } = looker;
        let opened = Connection::open(&self.0, names, tls, account, password.expose_secret()).await;
        opened.map(Opened).map_err(|fault| match fault {
            ConnectFault::Unreachable(why) => OpenError::Unreachable(why),
            ConnectFault::Untrusted(why) => OpenError::Untrusted(why),
            ConnectFault::BindRefused(result) => {
                OpenError::BindRefused(error::bind_refused(&self.name(), "sign in", &result).to_string())
            }
        })
    }
}

/// A controller that answers.
pub struct Opened(Connection);

/// The points could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no container for them in the domain, or the account may not see it.
    #[error("{0} is not there, or this account may not see it")]
    NoContainer(String),
    /// No answer came.
    #[error("the domain controller did not answer")]
    NoAnswer,
    /// The controller said no.
    #[error("the domain controller refused: {0}")]
    Refused(String),
}

impl Opened {
    pub(crate) fn connection(&self) -> &Connection {
        &self.0
    }

    /// The DN of the domain.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.domain()
    }

    /// All service connection points below [`CONTAINER`], in the order of their names.
    ///
    /// # Errors
    /// When there is no such container, or it cannot be read.
    pub async fn points(&self) -> Result<Vec<Point>, ReadError> {
        let base = format!("{CONTAINER},{}", self.domain());
        let found = self.0.search(&base, Scope::Subtree, POINT, &["cn", "keywords"], MOST).await;
        let mut points: Vec<_> = match found {
            Ok(entries) => entries.iter().map(Point::of).collect(),
            Err(Fault::Refused(result)) if result.rc == 32 => return Err(ReadError::NoContainer(base)),
            Err(Fault::Refused(result)) => {
                return Err(ReadError::Refused(error::refused("", "read", &result).to_string()));
            }
            Err(Fault::NotDone | Fault::NoAnswer) => return Err(ReadError::NoAnswer),
            Err(Fault::Because(reason)) => return Err(ReadError::Refused(reason.to_string())),
        };
        points.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(points)
    }
}

/// A service connection point, as its `keywords` say. What they do not say is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Point {
    /// The object's DN.
    pub dn: String,
    /// Its name.
    pub name: String,
    /// `CONFIGURATION.SERVER_URLS`, in their order.
    pub urls: Vec<String>,
    /// `CONFIGURATION.TIME_STAMP`, as it is written.
    pub stamp: Option<String>,
    /// `VERSION.ProductVersion`.
    pub version: Option<String>,
    /// `passquorum.realm`, which only this product writes.
    pub realm: Option<String>,
    /// `passquorum.node`, likewise.
    pub node: Option<String>,
}

impl Point {
    fn of(entry: &Entry) -> Self {
        let mut point = Self::read(entry.texts("keywords").iter().map(String::as_str));
        entry.dn().clone_into(&mut point.dn);
        entry.text("cn").unwrap_or_default().clone_into(&mut point.name);
        point
    }

    /// Reads keywords: `NAME=value` or `NAME: value`, names in any case, since nobody knows for sure what the old product
    /// writes. Others are passed over.
    #[must_use]
    pub fn read<'k>(keywords: impl Iterator<Item = &'k str>) -> Self {
        let mut point = Self::default();
        for keyword in keywords {
            let Some((name, value)) = keyword.split_once(['=', ':']) else { continue };
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            let text = || Some(value.to_owned()).filter(|value| !value.is_empty());
            match name.as_str() {
                "configuration.server_urls" => {
                    let urls = value.split([';', ',']).map(str::trim).filter(|url| !url.is_empty());
                    point.urls.extend(urls.map(str::to_owned));
                }
                "configuration.time_stamp" => point.stamp = text(),
                "version.productversion" => point.version = text(),
                "passquorum.realm" => point.realm = text(),
                "passquorum.node" => point.node = text(),
                _ => {}
            }
        }
        point
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keywords_are_read_in_either_form_and_any_case() {
        let ours = Point::read(
            [
                "CONFIGURATION.SERVER_URLS=https://a.example/PMUser/;https://b.example:8443/PMUser/?x=1",
                "CONFIGURATION.TIME_STAMP=2026-11-25T23:00:00Z",
                "VERSION.ProductVersion=0.1.0",
                "passquorum.realm=7",
                "passquorum.node=2",
            ]
            .into_iter(),
        );
        assert_eq!(ours.urls, ["https://a.example/PMUser/", "https://b.example:8443/PMUser/?x=1"]);
        assert_eq!(ours.stamp.as_deref(), Some("2026-11-25T23:00:00Z"));
        assert_eq!((ours.version.as_deref(), ours.node.as_deref()), (Some("0.1.0"), Some("2")));
        let theirs = Point::read(
            [
                "Configuration.Server_Urls: https://old.example/PMUser",
                "VERSION.PRODUCTVERSION : 5.9",
                "x",
                "",
            ]
            .into_iter(),
        );
        assert_eq!(theirs.urls, ["https://old.example/PMUser"]);
        assert_eq!((theirs.version.as_deref(), theirs.stamp, theirs.realm), (Some("5.9"), None, None));
    }

    proptest! {
        #[test]
        fn any_keywords_are_read_without_a_panic(keywords in proptest::collection::vec(any::<String>(), 0..5)) {
            let point = Point::read(keywords.iter().map(String::as_str));
            prop_assert!(point.urls.iter().all(|url| !url.trim().is_empty()));
        }
    }
}
