//! The people that the rig's seed and the demonstration seed of these tests have in common.

use passquorum_ad_sync::conformance::{Fixture, KnownUser};
use passquorum_domain::directory::{
    DistinguishedName, DomainPasswordRules, LoginName, RulesSource, UserRecord,
};
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::ports::{Directory, Found};
use passquorum_domain::secret::Password;

pub(crate) const CONNECTION: ConnectionId = ConnectionId(uuid::Uuid::nil());

pub(crate) fn password(text: &str) -> Password {
    Password::parse(text.to_owned()).unwrap()
}

pub(crate) fn dn(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).unwrap()
}

/// The password that a person begins with.
pub(crate) fn first_password(account: &str) -> String {
    format!("Start-Passw0rd-{account}1")
}

/// Where a domain keeps what the suite asks for.
pub(crate) struct Layout<'a> {
    pub(crate) mail_domain: &'a str,
    pub(crate) base: &'a str,
    /// The container of SSPR-Users and SSPR-Staff.
    pub(crate) groups: &'a str,
    pub(crate) admins: &'a str,
    pub(crate) primary_group: &'a str,
}

pub(crate) fn fixture(layout: &Layout<'_>) -> Fixture {
    let user = |account: &str| KnownUser {
        account: account.to_owned(),
        upn: format!("{account}@{}", layout.mail_domain),
        mail: format!("{account}@{}", layout.mail_domain),
        password: password(&first_password(account)),
    };
    let group = |name: &str| dn(&format!("CN={name},{}", layout.groups));
    let rules = |source, min_length| DomainPasswordRules { source, min_length, complexity: true, history: 5 };
    let pso = dn(&format!("CN=Strict,CN=Password Settings Container,CN=System,{}", layout.base));
    Fixture {
        ordinary: user("alice"),
        changing: user("dave"),
        lockable: user("bob"),
        disabled: user("heidi"),
        strict: user("erin"),
        nested: user("carol"),
        protected: user("ivan"),
        shared_mail: format!("shared@{}", layout.mail_domain),
        outer_group: group("SSPR-Users"),
        inner_group: group("SSPR-Staff"),
        primary_group: dn(layout.primary_group),
        other_group: dn(layout.admins),
        rules: rules(RulesSource::Domain, 8),
        strict_rules: rules(RulesSource::Pso(pso), 16),
        lockout_threshold: 5,
    }
}

/// The one user of that name.
pub(crate) async fn one(directory: &dyn Directory, name: &str) -> UserRecord {
    match directory.find(&LoginName::parse(name).unwrap()).await.unwrap() {
        Found::One(record) => *record,
        other => panic!("{name}: {other:?}"),
    }
}
