//! Whether the access account may do what it has to.
//!
//! The controller itself says what the bound account may write and make (`allowedAttributesEffective`,
//! `allowedChildClassesEffective`, `sDRightsEffective`: MS-ADTS 3.1.1.4.5); of extended rights it does not, so that the
//! object's list is read and held against the account's token (`tokenGroups` of the root entry). Nothing is written.

use crate::connection::{Connection, Entry};
use crate::container::{DOCUMENT, FENCE};
use crate::error::Fault;
use crate::filter;
use crate::find::{self, Origin};
use crate::points;
use crate::profile::ProfileAttributes;
use crate::security::{CONTROL_ACCESS, DELETE_CHILD, Descriptor, Grant, LIST_CHILDREN, Sid};
use crate::versions::{self, AttributeNumber};
use ldap3::Scope;
use ldap3::controls::RawControl;
use passquorum_domain::directory::{AdSite, DistinguishedName};
use passquorum_domain::ids::RealmId;
use passquorum_domain::points::Point;
use passquorum_domain::ports::{Found, Right, RightCheck, RightsAsked, RightsReport, Standing};
use std::collections::BTreeSet;
use uuid::{Uuid, uuid};

/// How many users below one place are looked at.
const SAMPLE: i32 = 50;
/// User-Force-Change-Password, called *Reset Password*.
const RESET_PASSWORD: Uuid = uuid!("00299570-246d-11d0-a768-00aa006e0529");
const USER_CLASS: Uuid = uuid!("bf967aba-0de6-11d0-a285-00aa003049e2");
const INET_ORG_PERSON_CLASS: Uuid = uuid!("4828cc14-1437-45bc-9b07-ad6f015e5f28");
const CONNECTION_POINT_CLASS: Uuid = uuid!("28630ec1-41d5-11d1-a9c1-0000f80367c1");
const CONNECTION_POINT: &str = "serviceConnectionPoint";
const DOMAIN_CLASS: Uuid = uuid!("19195a5b-6da0-11d0-afd3-00c04fd930c9");
/// DS-Replication-Synchronize.
const SYNCHRONIZE: Uuid = uuid!("1131f6ab-9c07-11d1-f79f-00c04fc2dcd2");
/// Read-Only-Replication-Secret-Synchronization.
const SYNCHRONIZE_SECRETS: Uuid = uuid!("1131f6ae-9c07-11d1-f79f-00c04fc2dcd2");
const CHANGE_RIGHTS: i64 = 4;
/// With a descriptor, its discretionary list only (`SEQUENCE { INTEGER 4 }`, MS-ADTS 3.1.1.3.4.1.11): the rest is for the mighty.
const SD_FLAGS: (&str, [u8; 5]) = ("1.2.840.113556.1.4.801", [0x30, 0x03, 0x02, 0x01, 0x04]);

const CHILDREN: &str = "allowedChildClassesEffective";
const WRITABLE: &str = "allowedAttributesEffective";
const LIST: &str = "nTSecurityDescriptor";

/// Whose rights, and where.
pub(crate) struct Question<'a> {
    pub(crate) account: &'a str,
    pub(crate) base: &'a DistinguishedName,
    pub(crate) profiles: &'a ProfileAttributes,
    /// The sites to which changes are pushed.
    pub(crate) push_sites: &'a [AdSite],
    pub(crate) asked: &'a RightsAsked,
}

pub(crate) async fn check(
    connection: &Connection,
    origin: Origin<'_>,
    question: &Question<'_>,
) -> Result<RightsReport, Fault> {
    let root = connection.read("", filter::ANY, &["tokenGroups", "configurationNamingContext"]).await?;
    let token = root.iter().flat_map(|root| root.values("tokenGroups")).map(<[u8]>::to_vec).collect();
    let mut look = Look {
        connection,
        token,
        conditional: None,
        profiles: question.profiles,
        realm: question.asked.realm,
        numbers: question.profiles.numbers(connection).await?,
        report: RightsReport {
            account: question.account.to_owned(),
            dc: origin.dc.to_owned(),
            users: 0,
            checks: Vec::new(),
            protected: Vec::new(),
            warnings: Vec::new(),
        },
    };
    look.might();
    let asked = question.asked;
    for place in &asked.below {
        let users = look.list(place, Scope::Subtree, filter::USER, SAMPLE, USER_ATTRIBUTES).await?;
        look.users(place, &users);
    }
    for name in &asked.users {
        match find::find(connection, origin, question.base, name).await? {
            Found::One(user) => {
                let users = look.list(&user.dn, Scope::Base, filter::USER, 1, USER_ATTRIBUTES).await?;
                look.users(&user.dn, &users);
            }
            Found::Nobody => look.warn(format!("no user is called {name}")),
            Found::Several => look.warn(format!("more than one user is called {name}")),
        }
    }
    look.password_settings().await?;
    for container in &asked.containers {
        look.container(container).await?;
    }
    if let Some(mirror) = &asked.mirror {
        look.mirror(mirror).await?;
    }
    if !question.push_sites.is_empty() {
        let forest =
            root.as_ref().and_then(|root| root.text("configurationNamingContext")).unwrap_or_default();
        look.pushes(question.push_sites, forest).await?;
    }
    Ok(look.report)
}

const USER_ATTRIBUTES: &[&str] = &[
    "objectClass",
    "objectGUID",
    "sAMAccountName",
    "userAccountControl",
    "adminCount",
    WRITABLE,
    LIST,
    "sDRightsEffective",
    versions::ATTRIBUTE,
];

struct Look<'a> {
    connection: &'a Connection,
    token: BTreeSet<Sid>,
    /// An object where a right hangs on a condition, until that was told.
    conditional: Option<String>,
    profiles: &'a ProfileAttributes,
    realm: Option<RealmId>,
    numbers: Vec<Option<AttributeNumber>>,
    report: RightsReport,
}

impl Look<'_> {
    fn warn(&mut self, warning: String) {
        self.report.warnings.push(warning);
    }

    /// Groups that no account needs to be in for this.
    fn might(&mut self) {
        if self.token.is_empty() {
            self.warn("the domain controller does not tell which groups the account is in".to_owned());
        }
        let mighty: Vec<_> = self.token.iter().filter_map(|sid| mighty_group(sid)).collect();
        for group in mighty {
            self.warn(format!(
                "the account is in {group}, which may do far more than is needed: take it out, and delegate instead"
            ));
        }
    }

    async fn list(
        &mut self,
        at: &DistinguishedName,
        scope: Scope,
        filter: &str,
        limit: i32,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, Fault> {
        let (oid, value) = SD_FLAGS;
        let control = RawControl { ctype: oid.to_owned(), crit: true, val: Some(value.to_vec()) };
        let found =
            self.connection.search_with(at.as_str(), scope, filter, attributes, limit, vec![control]).await;
        match found {
            Err(Fault::Refused(result)) if result.rc == 32 => Ok(Vec::new()),
            other => other,
        }
    }

    fn users(&mut self, at: &DistinguishedName, users: &[Entry]) {
        if users.is_empty() {
            self.warn(format!("{at}: no user is there, or the account may not see any"));
        }
        let (protected, users): (Vec<_>, Vec<_>) =
            users.iter().partition(|user| user.number("adminCount").is_some_and(|count| count > 0));
        self.report
            .protected
            .extend(protected.iter().filter_map(|user| DistinguishedName::parse(user.dn()).ok()));
        if protected.iter().any(|user| self.may_reset(user) == Standing::Held) {
            self.warn(format!("{at}: the account may reset passwords of users whom the domain protects"));
        }
        if users
            .iter()
            .any(|user| user.number("sDRightsEffective").is_some_and(|bits| bits & CHANGE_RIGHTS != 0))
        {
            self.warn(format!("{at}: the account may change the rights on users, and so take any"));
        }
        self.report.users += u32::try_from(users.len()).unwrap_or(u32::MAX);
        let readable = |user: &Entry| {
            held(
                user.guid().is_some()
                    && user.text("sAMAccountName").is_some()
                    && user.number("userAccountControl").is_some(),
            )
        };
        self.of_users(Right::ReadUser, at, &users, readable);
        if users.is_empty() {
            // Nobody is left to look at: that says nothing.
            self.at_object(Right::ReadUser, at, Standing::Unknown);
        }
        let resets: Vec<_> = users.iter().map(|user| self.may_reset(user)).collect();
        self.note(Right::ResetPassword, at, &users, &resets);
        self.tell_conditional(at);
        for attribute in
            ["lockoutTime", "pwdLastSet", "userAccountControl"].into_iter().chain(self.profiles.names())
        {
            let right = Right::Write(attribute.to_owned());
            self.of_users(right, at, &users, |user| held(names(user, WRITABLE, attribute)));
        }
        self.versions(at, &users);
    }

    /// Nothing is refused for want of a version, so this is no right that has to be there.
    fn versions(&mut self, at: &DistinguishedName, users: &[&Entry]) {
        let hidden: Vec<_> = self
            .profiles
            .names()
            .zip(&self.numbers)
            .filter(|(_, number)| users.iter().any(|user| versions::of(user, **number).is_none()))
            .map(|(name, number)| match number {
                Some(_) => format!("{name}: the account may not read {} of users", versions::ATTRIBUTE),
                None => format!("{name}: the domain's schema does not tell how replication calls it"),
            })
            .collect();
        for why in hidden {
            self.warn(format!("{at}: an earlier profile that somebody puts back cannot be noticed in {why}"));
        }
    }

    fn of_users(
        &mut self,
        right: Right,
        at: &DistinguishedName,
        users: &[&Entry],
        standing: impl Fn(&Entry) -> Standing,
    ) {
        let standings: Vec<_> = users.iter().map(|user| standing(user)).collect();
        self.note(right, at, users, &standings);
    }

    /// One line for all users, or points, of a place.
    fn note(&mut self, right: Right, at: &DistinguishedName, users: &[&Entry], standings: &[Standing]) {
        let worst = [Standing::Missing, Standing::Unknown].into_iter().find(|bad| standings.contains(bad));
        let Some(standing) = worst.or((!users.is_empty()).then_some(Standing::Held)) else { return };
        let lacking = standings.iter().filter(|one| **one != Standing::Held).count();
        let example =
            users.iter().zip(standings).find(|(_, one)| **one == standing && **one != Standing::Held);
        self.report.checks.push(RightCheck {
            right,
            at: at.clone(),
            standing,
            lacking: u32::try_from(lacking).unwrap_or(u32::MAX),
            example: example.and_then(|(user, _)| DistinguishedName::parse(user.dn()).ok()),
        });
    }

    fn at_object(&mut self, right: Right, at: &DistinguishedName, standing: Standing) {
        self.report.checks.push(RightCheck { right, at: at.clone(), standing, lacking: 0, example: None });
    }

    fn tell_conditional(&mut self, at: &DistinguishedName) {
        if let Some(dn) = self.conditional.take() {
            self.warn(format!(
                "{at}: an entry with a condition decides about a right of the account, on {dn} for instance: conditional, \
                 so it cannot be judged here; grant the right without a condition"
            ));
        }
    }

    fn may_reset(&mut self, user: &Entry) -> Standing {
        let is_person =
            user.texts("objectClass").iter().any(|class| class.eq_ignore_ascii_case("inetOrgPerson"));
        let class = if is_person { INET_ORG_PERSON_CLASS } else { USER_CLASS };
        self.granted(user, CONTROL_ACCESS, RESET_PASSWORD, class)
    }

    fn granted(&mut self, entry: &Entry, mask: u32, object: Uuid, class: Uuid) -> Standing {
        let descriptor = entry.values(LIST).first().copied().and_then(Descriptor::parse);
        match descriptor {
            Some(descriptor) if !self.token.is_empty() => {
                match descriptor.grants(&self.token, mask, object, class) {
                    Grant::Given => Standing::Held,
                    Grant::Withheld => Standing::Missing,
                    Grant::Conditional => {
                        self.conditional.get_or_insert_with(|| entry.dn().to_owned());
                        Standing::Unknown
                    }
                }
            }
            _ => Standing::Unknown,
        }
    }

    /// Each policy must be readable, not only its name.
    async fn password_settings(&mut self) -> Result<(), Fault> {
        let name = format!("CN=Password Settings Container,CN=System,{}", self.connection.domain());
        let Ok(at) = DistinguishedName::parse(&name) else { return Ok(()) };
        let found = self.list(&at, Scope::Base, filter::ANY, 1, &["objectClass", LIST]).await?;
        let standing = match found.as_slice() {
            [] => Standing::Missing,
            [container, ..] if container.text("objectClass").is_none() => Standing::Missing,
            [container, ..] => {
                let policies =
                    self.list(&at, Scope::OneLevel, filter::ANY, SAMPLE, &["msDS-MinimumPasswordLength"]);
                let policies = policies.await?;
                let reads = |policy: &Entry| policy.number("msDS-MinimumPasswordLength").is_some();
                // Whether there are none, or none that may be seen, is told by the rights alone.
                if policies.is_empty() {
                    self.granted(container, LIST_CHILDREN, Uuid::nil(), Uuid::nil())
                } else {
                    held(policies.iter().all(reads))
                }
            }
        };
        self.at_object(Right::ReadPasswordSettings, &at, standing);
        self.tell_conditional(&at);
        Ok(())
    }

    /// Nobody needs the right to push passwords to read-only controllers where there are none.
    async fn pushes(&mut self, sites: &[AdSite], forest: &str) -> Result<(), Fault> {
        let Ok(at) = DistinguishedName::parse(self.connection.domain()) else { return Ok(()) };
        let mut needed = vec![(Right::PushChanges, SYNCHRONIZE)];
        for site in sites {
            let Ok(site) = DistinguishedName::parse(&format!("CN={site},CN=Sites,{forest}")) else {
                continue;
            };
            let found = self.list(&site, Scope::Subtree, filter::READ_ONLY_CONTROLLER, 1, &["objectClass"]);
            if !found.await?.is_empty() {
                needed.push((Right::PushPasswords, SYNCHRONIZE_SECRETS));
                break;
            }
        }
        let found = self.list(&at, Scope::Base, filter::ANY, 1, &[LIST]).await?;
        for (right, id) in needed {
            let standing = match found.first() {
                Some(domain) => self.granted(domain, CONTROL_ACCESS, id, DOMAIN_CLASS),
                None => Standing::Unknown,
            };
            self.at_object(right, &at, standing);
        }
        self.tell_conditional(&at);
        Ok(())
    }

    async fn container(&mut self, at: &DistinguishedName) -> Result<(), Fault> {
        let found = self.list(at, Scope::Base, filter::ANY, 1, &[CHILDREN, LIST]).await?;
        let Some(container) = found.first() else {
            self.warn(format!("{at} is not there, or the account may not see it"));
            self.at_object(Right::MakeConnectionPoint, at, Standing::Missing);
            return Ok(());
        };
        self.at_object(Right::MakeConnectionPoint, at, held(names(container, CHILDREN, CONNECTION_POINT)));
        self.own_points(at).await?;
        let removes = self.granted(container, DELETE_CHILD, CONNECTION_POINT_CLASS, Uuid::nil());
        self.at_object(Right::RemoveConnectionPoint, at, removes);
        self.tell_conditional(at);
        Ok(())
    }

    async fn own_points(&mut self, at: &DistinguishedName) -> Result<(), Fault> {
        let Some(realm) = self.realm else { return Ok(()) };
        let points = self.list(at, Scope::OneLevel, points::FILTER, SAMPLE, &["cn", WRITABLE]).await?;
        let is_own = |point: &&Entry| {
            point.text("cn").is_some_and(|name| name.starts_with(&Point::names_begin(realm)))
        };
        let own: Vec<_> = points.iter().filter(is_own).collect();
        let written = [FENCE, points::KEYWORDS, points::BINDING];
        let standings: Vec<_> = own
            .iter()
            .map(|point| held(written.iter().all(|attribute| names(point, WRITABLE, attribute))))
            .collect();
        self.note(Right::WriteConnectionPoints, at, &own, &standings);
        Ok(())
    }

    async fn mirror(&mut self, at: &DistinguishedName) -> Result<(), Fault> {
        let standing = match self.list(at, Scope::Base, filter::ANY, 1, &[WRITABLE]).await?.first() {
            Some(object) => {
                held([FENCE, DOCUMENT].iter().all(|attribute| names(object, WRITABLE, attribute)))
            }
            None => {
                self.warn(format!(
                    "{at} is not there, or the account may not see it; where an administrator sees it, grant Read and Write on it"
                ));
                match at.as_str().split_once(',').and_then(|(_, above)| DistinguishedName::parse(above).ok())
                {
                    Some(above) => {
                        let found = self.list(&above, Scope::Base, filter::ANY, 1, &[CHILDREN]).await?;
                        held(found.first().is_some_and(|above| names(above, CHILDREN, CONNECTION_POINT)))
                    }
                    None => Standing::Missing,
                }
            }
        };
        self.at_object(Right::WriteMirror, at, standing);
        Ok(())
    }
}

fn held(is_held: bool) -> Standing {
    if is_held { Standing::Held } else { Standing::Missing }
}

/// Whether an attribute that lists names has this one.
fn names(entry: &Entry, list: &str, name: &str) -> bool {
    entry.texts(list).iter().any(|listed| listed.eq_ignore_ascii_case(name))
}

/// The name of a group that is above all delegation.
fn mighty_group(sid: &[u8]) -> Option<&'static str> {
    let parts = *sid.get(1)?;
    let last = u32::from_le_bytes(sid.get(sid.len().checked_sub(4)?..)?.try_into().ok()?);
    let is_builtin = parts == 2 && sid.get(8..12) == Some(&[32, 0, 0, 0]);
    match last {
        512 if parts == 5 => Some("Domain Admins"),
        518 if parts == 5 => Some("Schema Admins"),
        519 if parts == 5 => Some("Enterprise Admins"),
        544 if is_builtin => Some("Administrators"),
        548 if is_builtin => Some("Account Operators"),
        549 if is_builtin => Some("Server Operators"),
        551 if is_builtin => Some("Backup Operators"),
        _ => None,
    }
}
