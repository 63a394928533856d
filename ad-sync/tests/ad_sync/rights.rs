//! From an account without rights to one with the least that is needed: what is missing is named, the delegation script
//! grants it, and the whole suite passes. The script is what `passquorum directory delegate` writes (a test of the node
//! compares).

use crate::domain_controller::{BASE, DOMAIN, DomainController};
use crate::people::{Layout, dn, fixture};
use crate::samba::{open, settings};
use passquorum_ad_sync::conformance;
use passquorum_domain::config::LdapsSettings;
use passquorum_domain::directory::{AdSite, LoginName};
use passquorum_domain::ids::RealmId;
use passquorum_domain::ports::{Directory, RightsAsked, RightsReport, Standing};
use std::net::Ipv4Addr;
use std::sync::Arc;

const ACCOUNT: &str = "svc-fresh";
const PASSWORD: &str = "Fresh-Passw0rd-1";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ad_sync/delegation.sh");
const REALM: RealmId = RealmId(uuid::Uuid::from_u128(7));
/// What a shell would trip over.
const ODD: &str = "OU=O'Brien & $(Sons)";

fn bound_as(samba: &DomainController, account: &str, password: &str) -> Arc<dyn Directory> {
    let settings =
        LdapsSettings { bind_name: format!("{account}@{DOMAIN}"), ..settings(samba, &[&samba.url()]) };
    open(&settings, password)
}

/// The same, where changes are pushed to a site.
fn pushing(samba: &DomainController) -> Arc<dyn Directory> {
    let site = AdSite::parse("Default-First-Site-Name").unwrap();
    let settings = LdapsSettings {
        bind_name: format!("{ACCOUNT}@{DOMAIN}"),
        push_sites: vec![site],
        ..settings(samba, &[&samba.url()])
    };
    open(&settings, PASSWORD)
}

fn asked() -> RightsAsked {
    RightsAsked {
        below: vec![dn(&format!("OU=People,{BASE}")), dn(&format!("{ODD},{BASE}"))],
        users: vec![LoginName::parse("alice").unwrap()],
        containers: vec![dn(&format!("OU=Svc,{BASE}"))],
        mirror: Some(dn(&format!("CN=_QPMStorageContainer,OU=Svc,{BASE}"))),
        realm: Some(REALM),
    }
}

async fn report(directory: &dyn Directory) -> RightsReport {
    directory.rights(&asked()).await.unwrap().unwrap()
}

fn with(report: &RightsReport, standing: Standing) -> Vec<String> {
    let checks = report.checks.iter().filter(|check| check.standing == standing);
    checks.map(|check| format!("{}: {}", check.right, check.at)).collect()
}

/// Who may read the container, but not what is in it, sees an empty one.
async fn a_policy_that_may_not_be_listed_is_not_taken_for_none(samba: &DomainController) {
    let database = samba.database();
    samba.tool("samba-tool", &["user", "create", "svc-half", PASSWORD, "-H", &database]).await;
    let found = samba.tool("ldbsearch", &["-H", &database, "(sAMAccountName=svc-half)", "objectSid"]).await;
    let sid = found.lines().find_map(|line| line.strip_prefix("objectSid: ")).unwrap();
    let container = format!("--objectdn=CN=Password Settings Container,CN=System,{BASE}");
    let sddl = format!("--sddl=(A;;RPRC;;;{sid})");
    samba.tool("samba-tool", &["dsacl", "set", "-H", &database, &container, &sddl]).await;
    let seen = report(bound_as(samba, "svc-half", PASSWORD).as_ref()).await;
    let right = "read the fine-grained password policies";
    assert!(with(&seen, Standing::Missing).iter().any(|told| told.starts_with(right)), "{:?}", seen.checks);
}

#[tokio::test]
async fn the_script_grants_what_was_missing_and_no_more() {
    let samba = DomainController::start(Ipv4Addr::new(127, 0, 0, 95)).await;
    let database = samba.database();
    samba.tool("samba-tool", &["user", "create", ACCOUNT, PASSWORD, "-H", &database]).await;
    samba.modify(&format!("dn: {ODD},{BASE}\nchangetype: add\nobjectClass: organizationalUnit\n")).await;
    let odd_user =
        format!("dn: CN=olga,{ODD},{BASE}\nchangetype: add\nobjectClass: user\nsAMAccountName: olga\n");
    samba.modify(&odd_user).await;
    let own = format!("passquorum-{}-1", REALM.0);
    for name in [own.as_str(), "somebody-elses"] {
        let point =
            format!("dn: CN={name},OU=Svc,{BASE}\nchangetype: add\nobjectClass: serviceConnectionPoint\n");
        samba.modify(&point).await;
    }
    let directory = bound_as(&samba, ACCOUNT, PASSWORD);

    let before = report(pushing(&samba).as_ref()).await;
    let (people, odd) = (format!("OU=People,{BASE}"), format!("{ODD},{BASE}"));
    let mut missing = Vec::new();
    for place in [&people, &odd, &format!("CN=alice,{people}")] {
        missing.push(format!("reset passwords of users: {place}"));
        for attribute in ["lockoutTime", "pwdLastSet", "userAccountControl", "comment"] {
            missing.push(format!("write {attribute} of users: {place}"));
        }
    }
    missing.extend([
        format!("read the fine-grained password policies: CN=Password Settings Container,CN=System,{BASE}"),
        format!("make service connection points: OU=Svc,{BASE}"),
        format!("write the realm's service connection points: OU=Svc,{BASE}"),
        format!("remove service connection points: OU=Svc,{BASE}"),
        format!("write the mirror: CN=_QPMStorageContainer,OU=Svc,{BASE}"),
        format!("push changes to other domain controllers: {BASE}"),
    ]);
    assert_eq!(with(&before, Standing::Missing), missing);
    let unseen = |report: &RightsReport| match report.warnings.as_slice() {
        [only] => only.starts_with(&format!("CN=_QPMStorageContainer,OU=Svc,{BASE} is not there, or")),
        _ => false,
    };
    assert!(unseen(&before), "{:?}", before.warnings);
    missing.pop();
    let not_pushing = report(directory.as_ref()).await;
    assert_eq!(with(&not_pushing, Standing::Missing), missing, "only who pushes needs a right for it");
    a_policy_that_may_not_be_listed_is_not_taken_for_none(&samba).await;

    samba.run_script(SCRIPT).await;
    let after = report(pushing(&samba).as_ref()).await;
    assert!(after.is_complete(), "{:?}", after.checks);
    assert!(unseen(&after) && after.protected.is_empty(), "{after:?}");
    // Where nothing was delegated, nothing is there.
    let outside = RightsAsked { below: vec![dn(&format!("OU=Outside,{BASE}"))], ..RightsAsked::default() };
    let outside = directory.rights(&outside).await.unwrap().unwrap();
    assert_eq!(with(&outside, Standing::Missing).len(), 5, "{outside:?}");

    let nowhere = RightsAsked { below: vec![dn(&format!("OU=Nobody,{BASE}"))], ..RightsAsked::default() };
    let nowhere = directory.rights(&nowhere).await.unwrap().unwrap();
    assert!(
        !nowhere.is_complete() && nowhere.warnings.len() == 1,
        "who saw no user cannot say yes: {nowhere:?}"
    );

    // Its rule on what the account may not do is about a user outside.
    let layout = Layout {
        mail_domain: DOMAIN,
        base: BASE,
        groups: &people,
        admins: &format!("CN=SSPR-Admins,OU=Svc,{BASE}"),
        primary_group: &format!("CN=Domain Users,CN=Users,{BASE}"),
    };
    conformance::verify(directory.as_ref(), &fixture(&layout)).await.unwrap();

    // Where versions may not be read, nothing is missing, but it is told what cannot be noticed then.
    let denied = "(OD;CIIO;RP;281416c0-1968-11d0-a28f-00aa003049e2;bf967aba-0de6-11d0-a285-00aa003049e2;AU)";
    let (object, sddl) = (format!("--objectdn={people}"), format!("--sddl={denied}"));
    samba.tool("samba-tool", &["dsacl", "set", "-H", &database, &object, &sddl]).await;
    let blind = report(directory.as_ref()).await;
    assert!(blind.is_complete(), "{:?}", blind.checks);
    let told = "an earlier profile that somebody puts back cannot be noticed in comment";
    assert!(blind.warnings.iter().any(|warning| warning.contains(told)), "{:?}", blind.warnings);

    samba.protect(&format!("CN=frank,{people}")).await;
    let protected = report(directory.as_ref()).await;
    assert_eq!(protected.protected, [dn(&format!("CN=frank,{people}"))]);
    assert!(protected.is_complete(), "whom the domain protects is told apart from what is missing");

    let mighty = report(bound_as(&samba, "Administrator", "Adm1n-Passw0rd-rig1").as_ref()).await;
    for warning in ["Domain Admins", "Administrators", "may change the rights", "whom the domain protects"] {
        assert!(
            mighty.warnings.iter().any(|told| told.contains(warning)),
            "{warning}: {:?}",
            mighty.warnings
        );
    }
    samba.stop().await;
}
