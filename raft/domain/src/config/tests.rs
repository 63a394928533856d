//! What a configuration takes and refuses, and at which level.

use super::*;
use crate::blob::Blob;

fn connection(servers: &[&str]) -> DomainConnection {
    DomainConnection {
        id: ConnectionId(uuid::Uuid::nil()),
        alias: "CORP".to_owned(),
        endpoint: DirectoryEndpoint::Ldaps(LdapsSettings {
            servers: servers.iter().map(|&server| server.to_owned()).collect(),
            base: DistinguishedName::parse("DC=corp").unwrap(),
            authorities: "-----BEGIN CERTIFICATE-----".to_owned(),
            bind_name: "svc".to_owned(),
            bind_password: Sealed(Blob::from(Vec::new())),
            push_sites: Vec::new(),
        }),
        profile_attribute: "comment".to_owned(),
        former_profile_attribute: None,
    }
}

#[test]
fn a_second_connection_for_the_same_users_is_named_and_one_that_was_there_is_let_be() {
    let named = |id: u128, alias: &str, base: &str| {
        let mut connection = connection(&["ldaps://dc1"]);
        (connection.id, connection.alias) = (ConnectionId(uuid::Uuid::from_u128(id)), alias.to_owned());
        if let DirectoryEndpoint::Ldaps(ldaps) = &mut connection.endpoint {
            ldaps.base = DistinguishedName::parse(base).unwrap();
        }
        ConfigChange::PutConnection(Box::new(connection))
    };
    let one = RealmConfig::empty().with(named(1, "ONE", "DC=corp,DC=example")).unwrap();
    assert_eq!(one.doubled_by(FeatureLevel::SECOND, &named(1, "SAME", "DC=corp,DC=example")), Vec::new());
    assert_eq!(
        one.doubled_by(FeatureLevel::SECOND, &named(2, "PART", "OU=Part,DC=corp,DC=example")),
        Vec::new()
    );
    let second = named(2, "TWO", "dc=corp,dc=EXAMPLE");
    let problems = one.doubled_by(FeatureLevel::SECOND, &second);
    assert_eq!(problems[0].field, "connections[1].base");
    assert!(problems[0].message.contains("ONE reaches the same users"), "{problems:?}");
    let two = one.with(second.clone()).unwrap();
    assert_eq!(
        two.doubled_by(FeatureLevel::SECOND, &named(2, "OTHER NAME", "DC=corp,DC=example")),
        Vec::new()
    );
    assert_eq!(two.doubled_by(FeatureLevel::SECOND, &named(3, "THREE", "DC=corp,DC=example")).len(), 1);

    assert_eq!(one.doubled_by(FeatureLevel::THIRD, &second).len(), 1, "it asks the same as the same account");
    for edit in [
        |ldaps: &mut LdapsSettings| ldaps.bind_name = "other".into(),
        |ldaps: &mut LdapsSettings| ldaps.servers.push("ldaps://dc2".into()),
    ] {
        let mut third = second.clone();
        let ConfigChange::PutConnection(connection) = &mut third else { panic!() };
        let DirectoryEndpoint::Ldaps(ldaps) = &mut connection.endpoint else { panic!() };
        edit(ldaps);
        assert_eq!(one.doubled_by(FeatureLevel::THIRD, &third), Vec::new());
    }
}

#[test]
fn controllers_that_dns_names_need_the_second_level_and_those_of_the_own_domain_the_third() {
    let empty = RealmConfig::empty();
    for (servers, needs) in [
        (&["ldaps://dc1", "ldaps://dc2"][..], FeatureLevel::FIRST),
        (&["ldaps://dc1", "dns://corp.example/Berlin"], FeatureLevel::SECOND),
        (&["client", "ldaps://dc1"], FeatureLevel::THIRD),
        (&["dns://corp.example", "default"], FeatureLevel::THIRD),
    ] {
        let one = ConfigChange::PutConnection(Box::new(connection(servers)));
        assert_eq!(one.needs(), needs);
        let all = empty.with(one).unwrap();
        assert_eq!(ConfigChange::Replace(Box::new(all)).needs(), needs);
    }
    let refused = empty.with(ConfigChange::PutConnection(Box::new(connection(&["dc1"]))));
    assert_eq!(refused.unwrap_err()[0].field, "connections[0].servers[0]");
}

#[test]
fn sites_to_push_to_need_the_third_level_and_a_base_that_tells_the_domain() {
    let pushing = |sites: &[&str], base: &str| {
        let mut connection = connection(&["ldaps://dc1"]);
        if let DirectoryEndpoint::Ldaps(ldaps) = &mut connection.endpoint {
            ldaps.base = DistinguishedName::parse(base).unwrap();
            ldaps.push_sites = sites.iter().map(|site| AdSite::parse(site).unwrap()).collect();
        }
        ConfigChange::PutConnection(Box::new(connection))
    };
    let empty = RealmConfig::empty();
    let two = pushing(&["Bonn", "Berlin"], "OU=People,DC=corp");
    assert_eq!(two.needs(), FeatureLevel::THIRD);
    assert_eq!(empty.with(two).unwrap().needs(), FeatureLevel::THIRD);
    assert_eq!(pushing(&[], "DC=corp").needs(), FeatureLevel::FIRST);
    let refused = |change| empty.with(change).unwrap_err()[0].field.clone();
    assert_eq!(refused(pushing(&["Bonn"], "O=corp")), "connections[0].push_sites");
    assert_eq!(refused(pushing(&["Bonn", "Berlin", "BONN"], "DC=corp")), "connections[0].push_sites[2]");
    let many: Vec<_> = (0..17).map(|number| format!("site{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(refused(pushing(&many, "DC=corp")), "connections[0].push_sites");
}

#[test]
fn the_own_domain_must_be_told_by_the_base_and_the_visitors_computer_alone_names_no_controller() {
    let put = |servers: &[&str], base: &str| {
        let mut connection = connection(servers);
        if let DirectoryEndpoint::Ldaps(ldaps) = &mut connection.endpoint {
            ldaps.base = DistinguishedName::parse(base).unwrap();
        }
        let problems = RealmConfig::empty().with(ConfigChange::PutConnection(Box::new(connection)));
        problems.map(|_| Vec::new()).unwrap_or_else(|problems| problems)
    };
    assert_eq!(put(&["client", "default"], "OU=People,DC=corp"), Vec::new());
    assert_eq!(put(&["default"], "O=corp")[0].field, "connections[0].servers[0]");
    assert_eq!(put(&["client"], "DC=corp")[0].field, "connections[0].servers");
}
