//! One connection to one domain controller: TLS, bound as the access account (or as a user, to try a password).
//!
//! Every wait has an end. A search that is not answered has changed nothing ([`Fault::NotDone`]); a modification that
//! is not answered may have happened ([`Fault::NoAnswer`]). After either the connection is not used again.

use crate::address::Address;
use crate::error::Fault;
use crate::filter;
use crate::names::Names;
use crate::tls;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, ResultEntry, Scope};
use ldap3::{SearchEntry, SearchOptions, StdStream};
use passquorum_domain::directory::ObjectGuid;
use rustls::ClientConfig;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How long TCP and TLS may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a controller may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Policy hints: makes a reset obey the password history (MS-ADTS 3.1.1.3.4.1.27).
pub(crate) const POLICY_HINTS: &str = "1.2.840.113556.1.4.2239";

const SIZE_LIMIT_EXCEEDED: u32 = 4;
const NO_SUCH_OBJECT: u32 = 32;
/// Entries in one page of a long answer.
const PAGE: i32 = 100;

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
        let mut connection = Self { ldap, root: Arc::default() };
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
        let mut ldap = self.ldap.clone();
        ldap.with_search_options(SearchOptions::new().sizelimit(limit));
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, ldap.search(base, scope, filter, attributes)).await;
        let Ok(Ok(ldap3::SearchResult(entries, result))) = answer else { return Err(Fault::NotDone) };
        let is_full =
            result.rc == SIZE_LIMIT_EXCEEDED && i32::try_from(entries.len()).is_ok_and(|n| n >= limit);
        if result.rc != 0 && !is_full {
            return Err(Fault::Refused(result));
        }
        let is_entry = |entry: &ResultEntry| !entry.is_ref() && !entry.is_intermediate();
        Ok(entries.into_iter().filter(is_entry).map(|entry| Entry(SearchEntry::construct(entry))).collect())
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
        changed(ldap.with_controls(controls).with_timeout(ANSWER_TIMEOUT).modify(dn, changes).await)
    }

    /// Every entry below `base`, a page at a time; none when `base` is not there. Referrals are not followed.
    pub(crate) async fn search_all(
        &self,
        base: &str,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, Fault> {
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, self.pages(base, filter, attributes)).await;
        let Ok(Ok((entries, result))) = answer else { return Err(Fault::NotDone) };
        match result.rc {
            0 => Ok(entries),
            NO_SUCH_OBJECT => Ok(Vec::new()),
            _ => Err(Fault::Refused(result)),
        }
    }

    async fn pages(
        &self,
        base: &str,
        filter: &str,
        attributes: &[&str],
    ) -> Result<(Vec<Entry>, LdapResult), LdapError> {
        let adapters: Vec<Box<dyn Adapter<'_, _, _>>> =
            vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(PAGE))];
        let mut ldap = self.ldap.clone();
        let mut stream =
            ldap.streaming_search_with(adapters, base, Scope::Subtree, filter, attributes).await?;
        let mut entries = Vec::new();
        while let Some(entry) = stream.next().await? {
            entries.push(Entry(SearchEntry::construct(entry)));
        }
        Ok((entries, stream.finish().await))
    }

    /// Makes an object.
    pub(crate) async fn add(&self, dn: &str, attributes: Vec<(&str, Vec<Vec<u8>>)>) -> Result<(), Fault> {
        let mut ldap = self.ldap.clone();
        let attributes = attributes
            .into_iter()
            .map(|(name, values)| (name.as_bytes().to_vec(), HashSet::from_iter(values)))
            .collect();
        changed(ldap.with_timeout(ANSWER_TIMEOUT).add(dn, attributes).await)
    }

    /// Removes an object that nothing lies in.
    pub(crate) async fn delete(&self, dn: &str) -> Result<(), Fault> {
        let mut ldap = self.ldap.clone();
        changed(ldap.with_timeout(ANSWER_TIMEOUT).delete(dn).await)
    }
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
    let settings = LdapConnSettings::new()
        .set_conn_timeout(CONNECT_TIMEOUT)
        .set_config(Arc::clone(tls))
        .set_std_stream(StdStream::Tcp(stream.into_std().map_err(unreachable)?));
    let (driver, ldap) =
        LdapConnAsync::with_settings(settings, &address.certified_url()).await.map_err(|error| {
            if tls::is_untrusted(&error) {
                ConnectFault::Untrusted(error.to_string())
            } else {
                ConnectFault::Unreachable(error.to_string())
            }
        })?;
    // Ends when the last handle is dropped or the controller closes; the handles see that for themselves.
    tokio::spawn(async move { driver.drive().await.ok() });
    Ok(ldap)
}

/// The object with this `objectGUID`, wherever it is (MS-ADTS 3.1.1.3.1.2.4).
pub(crate) fn dn_of(guid: ObjectGuid) -> String {
    format!("<GUID={guid}>")
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
