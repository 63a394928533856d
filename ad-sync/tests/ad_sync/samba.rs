//! LDAPS against a real domain controller: the conformance suite, and what only a real domain has.

use crate::domain_controller::{BASE, DOMAIN, DomainController, SERVICE_ACCOUNT, SERVICE_PASSWORD};
use crate::people::{CONNECTION, Layout, dn, fixture, one, password};
use passquorum_ad_sync::{Names, ProfileAttributes, conformance, ldaps};
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::config::LdapsSettings;
use passquorum_domain::directory::{LoginName, RulesSource, UserRef};
use passquorum_domain::ports::{
    BarredReason, Directory, DirectoryError, DirectoryReason, Found, HavingProfile, Listing, PasswordCheck,
};
use passquorum_domain::profile::{HeldProfile, Place, ProfileValue};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

pub(crate) fn settings(samba: &DomainController, servers: &[&str]) -> LdapsSettings {
    LdapsSettings {
        servers: servers.iter().map(|&server| server.to_owned()).collect(),
        base: dn(BASE),
        authorities: std::fs::read_to_string(samba.authority()).unwrap(),
        bind_name: format!("{SERVICE_ACCOUNT}@{DOMAIN}"),
        bind_password: Sealed(Blob::from(Vec::new())),
        push_sites: Vec::new(),
    }
}

/// The host's own name servers: these tests name the controllers by address.
pub(crate) fn names() -> Arc<Names> {
    Arc::new(Names::of_host())
}

pub(crate) fn open(settings: &LdapsSettings, bind_password: &str) -> Arc<dyn Directory> {
    ldaps::open(CONNECTION, settings, names(), bind_password.into(), ProfileAttributes::new("comment", None))
        .unwrap()
}

#[tokio::test]
async fn a_real_domain_controller_conforms() {
    let samba = DomainController::start(Ipv4Addr::new(127, 0, 0, 41)).await;
    let directory = open(&settings(&samba, &[&samba.url()]), SERVICE_PASSWORD);
    let layout = Layout {
        mail_domain: DOMAIN,
        base: BASE,
        groups: &format!("OU=People,{BASE}"),
        admins: &format!("CN=SSPR-Admins,OU=Svc,{BASE}"),
        primary_group: &format!("CN=Domain Users,CN=Users,{BASE}"),
    };
    conformance::verify(directory.as_ref(), &fixture(&layout)).await.unwrap();

    nothing_typed_is_filter_syntax(directory.as_ref()).await;
    a_foreign_value_is_never_overwritten(&samba, directory.as_ref()).await;
    an_expired_account_is_told_by_the_controllers_clock(&samba, directory.as_ref()).await;
    a_group_inside_which_the_primary_group_is_counts(&samba, directory.as_ref()).await;
    a_pso_that_may_not_be_read_is_told(&samba).await;
    a_profile_moves_to_another_attribute_and_is_read_all_the_time(&samba, directory.as_ref()).await;
    a_long_list_comes_in_pages_and_has_everyone_once(&samba, directory.as_ref()).await;
    samba.stop().await;
}

async fn nothing_typed_is_filter_syntax(directory: &dyn Directory) {
    let typed = [
        "*",
        "al*",
        "alice)",
        "alice)(objectClass=*",
        "*)(|(objectClass=*",
        "a*@corp.example.test",
        "\\2a@x",
        "x)(|(sAMAccountName=alice)(mail=@",
        "<GUID=*>",
        "CN=alice",
        "(cn=alice)",
        "alice@corp.example.test)(mail=*",
    ];
    for name in typed {
        // What does not parse is not asked.
        if let Ok(name) = LoginName::parse(name) {
            assert_eq!(directory.find(&name).await.unwrap(), Found::Nobody, "{name}");
        }
    }
    let alice = one(directory, "alice").await;
    let group = dn("CN=*,OU=People,DC=corp,DC=example,DC=test");
    let absent = directory.member_of(&alice, &[group]).await.unwrap_err();
    assert_eq!(absent.reason, DirectoryReason::NotFound);
}

async fn a_foreign_value_is_never_overwritten(samba: &DomainController, directory: &dyn Directory) {
    let ldif = format!("dn: CN=frank,OU=People,{BASE}\nchangetype: modify\nadd: comment\ncomment: a note\n");
    samba.modify(&ldif).await;
    let frank = one(directory, "frank").await.user;
    let profile = Blob::from(vec![1, 2, 3]).into();
    let held =
        |value| HeldProfile::in_one(value, Place { attribute: "comment".to_owned(), version: Some(0) });
    let outcomes = [
        directory.read_profile(&frank).await.map(|_| ()),
        directory.write_profile(&frank, &held(None), Some(&profile)).await,
        directory.write_profile(&frank, &held(Some(profile.clone())), None).await,
    ];
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().reason, DirectoryReason::ForeignValue);
    }
    assert_eq!(samba.attribute("frank", "comment").await, ["a note"]);
}

/// The profile of one user in one directory.
struct Profiles<'a>(&'a dyn Directory, &'a UserRef);

impl Profiles<'_> {
    async fn value(&self) -> Option<ProfileValue> {
        self.0.read_profile(self.1).await.unwrap().value
    }

    /// As one who expects this value.
    async fn write(
        &self,
        expected: Option<&ProfileValue>,
        new: Option<&ProfileValue>,
    ) -> Result<(), DirectoryError> {
        let held = HeldProfile { value: expected.cloned(), ..self.0.read_profile(self.1).await? };
        self.0.write_profile(self.1, &held, new).await
    }
}

async fn a_profile_moves_to_another_attribute_and_is_read_all_the_time(
    samba: &DomainController,
    before: &dyn Directory,
) {
    let moving = |present, former| {
        let settings = settings(samba, &[&samba.url()]);
        let attributes = ProfileAttributes::new(present, former);
        ldaps::open(CONNECTION, &settings, names(), SERVICE_PASSWORD.into(), attributes).unwrap()
    };
    let (after, user) = (moving("carLicense", Some("comment")), one(before, "bob").await.user);
    let [first, second] = [vec![1], vec![2]].map(|bytes| ProfileValue::from(Blob::from(bytes)));
    let (before, after) = (Profiles(before, &user), Profiles(after.as_ref(), &user));

    before.write(None, Some(&first)).await.unwrap();
    assert_eq!(after.value().await, Some(first.clone()), "it is not moved yet");
    let unmoved = || async {
        let listing = Listing { profile: HavingProfile::InFormerAttribute, ..Listing::default() };
        let listed = after.0.list(&listing).await.unwrap().next().await.unwrap().unwrap();
        listed.into_iter().map(|listed| listed.account).collect::<Vec<_>>()
    };
    assert_eq!(unmoved().await, ["bob"]);
    let stale = after.write(None, Some(&second)).await.unwrap_err();
    assert_eq!(stale.reason, DirectoryReason::Changed);

    // Rewriting it as it is moves it.
    after.write(Some(&first), Some(&first)).await.unwrap();
    assert_eq!(samba.attribute("bob", "comment").await, [""; 0]);
    assert_eq!(unmoved().await, [""; 0]);
    assert_eq!(samba.attribute("bob", "carLicense").await, ["pq1:AQ=="]);
    assert_eq!(after.value().await, Some(first.clone()));

    // A node that has not heard of the move leaves an older one behind: it does not come back.
    before.write(None, Some(&second)).await.unwrap();
    assert_eq!(after.value().await, Some(first.clone()));
    after.write(Some(&first), None).await.unwrap();
    assert_eq!(after.value().await, None);
    assert_eq!(before.value().await, None);

    // What others wrote in the former attribute is neither ours nor touched.
    let ldif = format!("dn: CN=bob,OU=People,{BASE}\nchangetype: modify\nadd: comment\ncomment: a note\n");
    samba.modify(&ldif).await;
    assert_eq!(after.value().await, None);
    after.write(None, Some(&first)).await.unwrap();
    after.write(Some(&first), None).await.unwrap();
    assert_eq!(samba.attribute("bob", "comment").await, ["a note"]);
}

async fn a_long_list_comes_in_pages_and_has_everyone_once(
    samba: &DomainController,
    directory: &dyn Directory,
) {
    let crowd = format!("OU=Crowd,{BASE}");
    samba.crowd(1100).await;
    let listing = Listing { below: Some(dn(&crowd)), ..Listing::default() };
    let mut pages = directory.list(&listing).await.unwrap();
    let (mut sizes, mut accounts) = (Vec::new(), BTreeSet::new());
    while let Some(page) = pages.next().await.unwrap() {
        sizes.push(page.len());
        accounts.extend(page.into_iter().map(|user| user.account));
    }
    assert_eq!((sizes.as_slice(), accounts.len()), (&[1000, 100][..], 1100));

    let part = LdapsSettings { base: dn(&format!("OU=People,{BASE}")), ..settings(samba, &[&samba.url()]) };
    let outside = open(&part, SERVICE_PASSWORD).list(&listing).await.map(drop).unwrap_err();
    assert_eq!(outside.reason, DirectoryReason::NotFound, "it is not below the connection's base");
}

async fn an_expired_account_is_told_by_the_controllers_clock(
    samba: &DomainController,
    directory: &dyn Directory,
) {
    // 1970 and 2100, as 100 ns since 1601.
    for (expires, expired) in [("116444736000000000", true), ("157469184000000000", false)] {
        let ldif = format!(
            "dn: CN=grace,OU=People,{BASE}\nchangetype: modify\nreplace: accountExpires\naccountExpires: {expires}\n"
        );
        samba.modify(&ldif).await;
        let grace = one(directory, "grace").await;
        assert_eq!(grace.status.expired, expired);
        let expected =
            if expired { PasswordCheck::Barred(BarredReason::Expired) } else { PasswordCheck::Right };
        let right = password("Start-Passw0rd-grace1");
        assert_eq!(directory.check_password(&grace, &right).await.unwrap(), expected);
    }
}

async fn a_group_inside_which_the_primary_group_is_counts(
    samba: &DomainController,
    directory: &dyn Directory,
) {
    let helpdesk = dn(&format!("CN=SSPR-Helpdesk,OU=Svc,{BASE}"));
    let grace = one(directory, "grace").await;
    assert!(directory.member_of(&grace, std::slice::from_ref(&helpdesk)).await.unwrap().is_empty());
    let ldif =
        format!("dn: {helpdesk}\nchangetype: modify\nadd: member\nmember: CN=Domain Users,CN=Users,{BASE}\n");
    samba.modify(&ldif).await;
    let asked = vec![helpdesk];
    assert_eq!(directory.member_of(&grace, &asked).await.unwrap(), asked);
}

async fn a_pso_that_may_not_be_read_is_told(samba: &DomainController) {
    // Domain Users may not read the password settings container.
    let reader = LdapsSettings { bind_name: format!("hugo@{DOMAIN}"), ..settings(samba, &[&samba.url()]) };
    let directory = open(&reader, "Start-Passw0rd-hugo1");
    let erin = one(directory.as_ref(), "erin").await;
    let rules = directory.password_rules(&erin.user).await.unwrap();
    let pso = dn(&format!("CN=Strict,CN=Password Settings Container,CN=System,{BASE}"));
    assert_eq!(rules.source, RulesSource::UnreadablePso(pso));
    assert_eq!((rules.min_length, rules.complexity, rules.history), (8, true, 5));
}
