//! One connection to one domain controller: TLS, bound as the access account (or as a user, to try a password).
//!
//! Every wait has an end. A search that is not answered has changed nothing ([`Fault::NotDone`]); a modification that
//! is not answered may have happened ([`Fault::NoAnswer`]). After either the connection is not used again.

use crate::address::Address;
use crate::error::Fault;
use crate::filter;
use crate::guard;
use crate::names::Names;
use crate::paging;
use crate::tls;
use ldap3::controls::{Control, PagedResults, RawControl};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, Scope};
use ldap3::{SearchEntry, SearchOptions, StdStream};
use passquorum_domain::directory::ObjectGuid;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

/// How long TCP and TLS may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a controller may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Entries of one page: what domain controllers give at most.
pub(crate) const MAX_PAGE: i32 = 1000;
/// How long a controller may take for a page of a long list.
const PAGE_TIMEOUT: Duration = Duration::from_secs(60);
/// Paged results (RFC 2696).
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
/// Policy hints: makes a reset obey the password history (MS-ADTS 3.1.1.3.4.1.27).
pub(crate) const POLICY_HINTS: &str = "1.2.840.113556.1.4.2239";

/// What the entries of one search may take in memory, in bytes.
const MAX_WEIGHT: usize = 64 * 1024 * 1024;
/// Entries of all pages together where they are kept together.
const MAX_TOGETHER: usize = 100_000;
/// More references to other controllers than one search brings: one for each domain and partition below.
const MAX_REFERENCES: usize = 64;

const SIZE_LIMIT_EXCEEDED: u32 = 4;
const NO_SUCH_OBJECT: u32 = 32;

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum ConnectFault {
    /// Nobody listens, or not TLS, or not in time.
    Unreachable(String),
    /// The certificate is not trusted.
    Untrusted(String),
    /// The access account was refused.
    BindRefused(LdapResult),
}

/// A bound connection. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    ldap: Ldap,
    root: Arc<Root>,
    /// When the request that it is lent to has to be over.
    until: Option<Instant>,
}

/// What the controller's root entry (rootDSE) says.
#[derive(Debug, Default)]
struct Root {
    domain: String,
    policy_hints: bool,
}

impl Connection {
    /// Connects, verifies the certificate, binds and reads the root entry.
    pub(crate) async fn open(
        address: &Address,
        names: &Names,
        tls: &Arc<ClientConfig>,
        name: &str,
        password: &str,
    ) -> Result<Self, ConnectFault> {
        // A simple bind without a password is anonymous and succeeds (RFC 4513, 5.1.2).
        if password.is_empty() {
            let text = "the access account has no password".to_owned();
            let refs = Vec::new();
            let result = LdapResult { rc: 49, matched: String::new(), text, refs, ctrls: Vec::new() };
            return Err(ConnectFault::BindRefused(result));
        }
        let mut ldap = connect(address, names, tls).await?;
        let silent = || ConnectFault::Unreachable("the bind was not answered".to_owned());
        let result =
            ldap.with_timeout(ANSWER_TIMEOUT).simple_bind(name, password).await.map_err(|_| silent())?;
        if result.rc != 0 {
            return Err(ConnectFault::BindRefused(result));
        }
        let mut connection = Self { ldap, root: Arc::default(), until: None };
        let root = connection
            .read("", filter::ANY, &["defaultNamingContext", "supportedControl"])
            .await
            .ok()
            .flatten()
            .ok_or_else(|| ConnectFault::Unreachable("it does not tell its naming context".to_owned()))?;
        connection.root = Arc::new(Root {
            domain: root.text("defaultNamingContext").unwrap_or_default().to_owned(),
            policy_hints: root.texts("supportedControl").iter().any(|oid| oid == POLICY_HINTS),
        });
        Ok(connection)
    }

    /// The same one, for a request that has to be over then.
    pub(crate) fn until(&self, end: Instant) -> Self {
        Self { until: Some(end), ..self.clone() }
    }

    /// How long the next answer may take.
    fn left(&self) -> Duration {
        let left = self.until.map(|end| end.saturating_duration_since(Instant::now()));
        left.map_or(ANSWER_TIMEOUT, |left| left.min(ANSWER_TIMEOUT))
    }

    /// The DN of the controller's domain.
    pub(crate) fn domain(&self) -> &str {
        &self.root.domain
    }

    /// Whether a reset can be made to obey the password history.
    pub(crate) fn offers_policy_hints(&self) -> bool {
        self.root.policy_hints
    }

    /// Whether the other side has closed it.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.ldap.is_closed()
    }

    /// Reads one object; `None` when it is not there or does not match.
    pub(crate) async fn read(
        &self,
        dn: &str,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Option<Entry>, Fault> {
        match self.search(dn, Scope::Base, filter, attributes, 1).await {
            Ok(entries) => Ok(entries.into_iter().next()),
            Err(Fault::Refused(result)) if result.rc == 32 => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The entries below `base`, or `limit` of them when there are more. Referrals are not followed.
    pub(crate) async fn search(
        &self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
        limit: i32,
    ) -> Result<Vec<Entry>, Fault> {
        self.search_with(base, scope, filter, attributes, limit, Vec::new()).await
    }

    /// The same, with controls.
    pub(crate) async fn search_with(
        &self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
        limit: i32,
        controls: Vec<RawControl>,
    ) -> Result<Vec<Entry>, Fault> {
        let mut ldap = self.ldap.clone();
        ldap.with_controls(controls);
        ldap.with_search_options(SearchOptions::new().sizelimit(limit));
        let answer =
            tokio::time::timeout(self.left(), gather(&mut ldap, base, scope, filter, attributes, limit));
        let Ok(Ok((entries, result))) = answer.await else { return Err(Fault::NotDone) };
        let is_full =
            result.rc == SIZE_LIMIT_EXCEEDED && i32::try_from(entries.len()).is_ok_and(|n| n >= limit);
        if result.rc != 0 && !is_full {
            return Err(Fault::Refused(result));
        }
        Ok(entries)
    }

    /// One page of what is below `base`: at most `size` entries, from where a page before ended.
    pub(crate) async fn page(
        &self,
        base: &str,
        filter: &str,
        attributes: &[&str],
        size: i32,
        cookie: Vec<u8>,
    ) -> Result<PageOf, Fault> {
        let mut ldap = self.ldap.clone();
        ldap.with_controls(RawControl { crit: true, ..PagedResults { size, cookie }.into() });
        let answer = gather(&mut ldap, base, Scope::Subtree, filter, attributes, size);
        let Ok(Ok((entries, result))) = tokio::time::timeout(PAGE_TIMEOUT, answer).await else {
            return Err(Fault::NotDone);
        };
        if result.rc != 0 {
            return Err(Fault::Refused(result));
        }
        let control = result.ctrls.into_iter().map(|Control(_, control)| control);
        let place = control.filter(|control| control.ctype == PAGED_RESULTS).find_map(|control| control.val);
        let cookie = place.as_deref().and_then(paging::cookie).ok_or(Fault::NotDone)?.to_vec();
        Ok(PageOf { entries, cookie })
    }

    /// Modifies one object in one step.
    pub(crate) async fn modify(
        &self,
        dn: &str,
        changes: Vec<Change<'_>>,
        controls: Vec<RawControl>,
    ) -> Result<(), Fault> {
        let mut ldap = self.ldap.clone();
        let changes = changes.into_iter().map(Change::into_mod).collect();
        let left = self.time_to_change()?;
        changed(ldap.with_controls(controls).with_timeout(left).modify(dn, changes).await)
    }

    /// Every entry below `base`, a page at a time; none when `base` is not there. Referrals are not followed.
    pub(crate) async fn search_all(
        &self,
        base: &str,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, Fault> {
        let pages = async {
            let (mut found, mut cookie) = (Vec::new(), Vec::new());
            loop {
                let page = self.page(base, filter, attributes, MAX_PAGE, cookie).await?;
                found.extend(page.entries);
                if page.cookie.is_empty() {
                    return Ok(found);
                }
                if found.len() > MAX_TOGETHER {
                    return Err(Fault::NotDone);
                }
                cookie = page.cookie;
            }
        };
        match tokio::time::timeout(ANSWER_TIMEOUT, pages).await {
            Ok(Err(Fault::Refused(result))) if result.rc == NO_SUCH_OBJECT => Ok(Vec::new()),
            Ok(found) => found,
            Err(_) => Err(Fault::NotDone),
        }
    }

    /// Makes an object.
    pub(crate) async fn add(&self, dn: &str, attributes: Vec<(&str, Vec<Vec<u8>>)>) -> Result<(), Fault> {
        let mut ldap = self.ldap.clone();
        let attributes = attributes
            .into_iter()
            .map(|(name, values)| (name.as_bytes().to_vec(), HashSet::from_iter(values)))
            .collect();
        changed(ldap.with_timeout(self.time_to_change()?).add(dn, attributes).await)
    }

    /// Removes an object that nothing lies in.
    pub(crate) async fn delete(&self, dn: &str) -> Result<(), Fault> {
        let mut ldap = self.ldap.clone();
        changed(ldap.with_timeout(self.time_to_change()?).delete(dn).await)
    }

    /// What changes something is not sent when there is no time to hear of it.
    fn time_to_change(&self) -> Result<Duration, Fault> {
        let left = self.left();
        if left.is_zero() { Err(Fault::NotDone) } else { Ok(left) }
    }
}

/// Reads a search to its end. Who sends more than was asked for is not heard out; references to elsewhere are dropped.
async fn gather(
    ldap: &mut Ldap,
    base: &str,
    scope: Scope,
    filter: &str,
    attributes: &[&str],
    limit: i32,
) -> Result<(Vec<Entry>, LdapResult), LdapError> {
    let mut stream = ldap.streaming_search(base, scope, filter, attributes).await?;
    let (mut entries, mut references, mut weight) = (Vec::new(), 0, 0);
    while let Some(item) = stream.next().await? {
        if item.is_ref() {
            references += 1;
        } else {
            let entry = Entry(SearchEntry::construct(item));
            weight += entry.weight();
            entries.push(entry);
        }
        let too_many = references > MAX_REFERENCES || i32::try_from(entries.len()).is_ok_and(|n| n > limit);
        if too_many || weight > MAX_WEIGHT {
            return Err(LdapError::EndOfStream);
        }
    }
    Ok((entries, stream.finish().await))
}

/// What is known after a request that changes something.
fn changed(answer: Result<LdapResult, LdapError>) -> Result<(), Fault> {
    match answer {
        Ok(result) if result.rc == 0 => Ok(()),
        Ok(result) => Err(Fault::Refused(result)),
        Err(LdapError::OpSend { .. }) => Err(Fault::NotDone),
        Err(_) => Err(Fault::NoAnswer),
    }
}

/// Tries a password by a bind on a connection of its own, which is closed afterwards.
pub(crate) async fn try_bind(
    address: &Address,
    names: &Names,
    tls: &Arc<ClientConfig>,
    name: &str,
    password: &str,
) -> Result<LdapResult, Fault> {
    let mut ldap = connect(address, names, tls).await.map_err(|_| Fault::NotDone)?;
    match ldap.with_timeout(ANSWER_TIMEOUT).simple_bind(name, password).await {
        Ok(result) => Ok(result),
        Err(LdapError::OpSend { .. }) => Err(Fault::NotDone),
        Err(_) => Err(Fault::NoAnswer),
    }
}

async fn connect(address: &Address, names: &Names, tls: &Arc<ClientConfig>) -> Result<Ldap, ConnectFault> {
    let unreachable = |why: io::Error| ConnectFault::Unreachable(why.to_string());
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, names.connect(address)).await;
    let stream = stream.map_err(|late| unreachable(late.into()))?.map_err(unreachable)?;
    let certified = ServerName::try_from(address.certified().to_owned())
        .map_err(|_| ConnectFault::Unreachable("no certificate can be for this name".to_owned()))?;
    let handshake = TlsConnector::from(Arc::clone(tls)).connect(certified, stream);
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, handshake).await;
    let stream = stream.map_err(|late| unreachable(late.into()))?.map_err(|error| {
        if tls::is_untrusted(&error) {
            ConnectFault::Untrusted(error.to_string())
        } else {
            unreachable(error)
        }
    })?;
    let guarded = StdStream::Unix(guard::before(stream).map_err(unreachable)?);
    let settings = LdapConnSettings::new().set_std_stream(guarded);
    let (driver, ldap) = LdapConnAsync::with_settings(settings, "ldapi:///")
        .await
        .map_err(|error| ConnectFault::Unreachable(error.to_string()))?;
    // Ends when the last handle is dropped or the controller closes; the handles see that for themselves.
    tokio::spawn(async move { driver.drive().await.ok() });
    Ok(ldap)
}

/// The object with this `objectGUID`, wherever it is (MS-ADTS 3.1.1.3.1.2.4).
pub(crate) fn dn_of(guid: ObjectGuid) -> String {
    format!("<GUID={guid}>")
}

/// One page of a search.
pub(crate) struct PageOf {
    pub(crate) entries: Vec<Entry>,
    /// The controller's note of where it ended; empty at the end.
    pub(crate) cookie: Vec<u8>,
}

/// One change of one attribute. It may hold a password, so it is never printed.
pub(crate) enum Change<'a> {
    /// Adds a value.
    Add(&'a str, Vec<u8>),
    /// Makes it the only value.
    Set(&'a str, Vec<u8>),
    /// Makes these the only values.
    SetAll(&'a str, Vec<Vec<u8>>),
    /// Deletes a value.
    Delete(&'a str, Vec<u8>),
}

impl Change<'_> {
    fn into_mod(self) -> Mod<Vec<u8>> {
        match self {
            Self::Add(name, value) => Mod::Add(name.into(), HashSet::from([value])),
            Self::Set(name, value) => Mod::Replace(name.into(), HashSet::from([value])),
            Self::SetAll(name, values) => Mod::Replace(name.into(), HashSet::from_iter(values)),
            Self::Delete(name, value) => Mod::Delete(name.into(), HashSet::from([value])),
        }
    }
}

/// An entry that was found. Attribute names compare without case.
pub(crate) struct Entry(SearchEntry);

impl Entry {
    /// Its DN.
    pub(crate) fn dn(&self) -> &str {
        &self.0.dn
    }

    /// About how many bytes it takes, with what each value costs besides.
    fn weight(&self) -> usize {
        let texts = self.0.attrs.values().flatten().map(String::len);
        let binaries = self.0.bin_attrs.values().flatten().map(Vec::len);
        texts.chain(binaries).map(|length| length + size_of::<String>()).sum()
    }

    /// The first value, if it is text.
    pub(crate) fn text(&self, attribute: &str) -> Option<&str> {
        self.texts(attribute).first().map(String::as_str)
    }

    /// The values, if they are text.
    pub(crate) fn texts(&self, attribute: &str) -> &[String] {
        let found = self.0.attrs.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
        found.map_or(&[], |(_, values)| values)
    }

    /// A number in decimal.
    pub(crate) fn number(&self, attribute: &str) -> Option<i64> {
        self.text(attribute)?.parse().ok()
    }

    /// Every value, as bytes.
    pub(crate) fn values(&self, attribute: &str) -> Vec<&[u8]> {
        let binary = self.0.bin_attrs.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
        match binary {
            Some((_, values)) => values.iter().map(Vec::as_slice).collect(),
            None => self.texts(attribute).iter().map(String::as_bytes).collect(),
        }
    }

    /// The object's identity.
    pub(crate) fn guid(&self) -> Option<ObjectGuid> {
        let bytes = *self.values("objectGUID").first()?;
        bytes.try_into().ok().map(ObjectGuid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::tests::{Records, name_server, srv};
    use hickory_resolver::proto::rr::RData;
    use hickory_resolver::proto::rr::rdata::A;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use rustls::pki_types::PrivateKeyDer;
    use std::net::{Ipv4Addr, TcpListener};

    /// Whoever answers there can show a certificate of the company's authority for this name, and speaks no LDAP.
    fn host_with_a_certificate(at: Ipv4Addr, name: &str) -> String {
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = authority.self_signed(&key).unwrap().pem();
        let own = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = certificate.signed_by(&own, &Issuer::new(authority, key)).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(own.serialize_der()).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind((at, 636)).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut tls = rustls::ServerConnection::new(Arc::new(config)).unwrap();
            while tls.is_handshaking() && tls.complete_io(&mut stream).is_ok() {}
        });
        pem
    }

    #[tokio::test]
    async fn a_host_that_dns_names_needs_more_than_a_certificate_of_its_own_name() {
        const HOST: &str = "pc7.corp.example.";
        for (at, certified, trusted) in [(66, "pc7.corp.example", false), (67, "corp.example", true)] {
            let at = Ipv4Addr::new(127, 0, 0, at);
            let records = Records::default();
            records.lock().unwrap().extend([
                ("_ldap._tcp.dc._msdcs.corp.example.", vec![srv(0, 0, HOST)]),
                (HOST, vec![RData::A(A(at))]),
            ]);
            let names = name_server(records).await;
            let located = names.controllers("corp.example", None).await.unwrap();
            let tls = tls::client_config(&host_with_a_certificate(at, certified)).unwrap();
            let fault = Connection::open(&located[0], &names, &tls, "svc", "secret").await.unwrap_err();
            let seen = match &fault {
                ConnectFault::Untrusted(_) => false,
                ConnectFault::Unreachable(why) => why == "the bind was not answered",
                ConnectFault::BindRefused(_) => panic!("{fault:?}"),
            };
            assert_eq!(seen, trusted, "{certified}: {fault:?}");
        }
    }
}
