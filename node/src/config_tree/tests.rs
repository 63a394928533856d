//! What a tree promises: it reads back as it was written, tells no secret, and names what is wrong with it.

use super::arbitrary;
use super::*;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::command::Action;
use passquorum_domain::config::{
    ConfigChange, DirectoryEndpoint, DomainConnection, LdapsSettings, differences,
};
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::scope::RoleScope;
use passquorum_storage::codec::{self, Kind};
use proptest::prelude::*;
use uuid::Uuid;

const FORM: Kind = Kind::new(9999, 1);

proptest! {
    #[test]
    fn a_tree_reads_back_as_the_same_configuration_and_its_plan_is_empty(config in arbitrary::config()) {
        let tree = Tree::of(&config).unwrap();
        let read = tree.parse(&config).map_err(|problems| TestCaseError::fail(problems.to_string()))?;
        prop_assert_eq!(read.revision, config.revision);
        prop_assert_eq!(&read.config, &config);
        prop_assert_eq!(differences(&config, &read.config), vec![]);
        prop_assert_eq!(Tree::of(&read.config).unwrap(), tree, "the same configuration gives the same files");
    }

    #[test]
    fn two_configurations_differ_exactly_when_they_are_not_the_same(
        one in arbitrary::config(),
        other in arbitrary::config(),
        mixed in any::<[bool; 4]>(),
    ) {
        let pick = |from_other: bool| if from_other { &other } else { &one };
        let next = RealmConfig {
            revision: other.revision,
            connections: pick(mixed[0]).connections.clone(),
            policies: pick(mixed[1]).policies.iter().rev().cloned().collect(),
            administrators: pick(mixed[2]).administrators.clone(),
            helpdesk: one.helpdesk.clone(),
            general: pick(mixed[3]).general.clone(),
        };
        let same = RealmConfig { revision: one.revision, ..next.clone() } == one;
        prop_assert_eq!(differences(&one, &next).is_empty(), same);
    }

    #[test]
    fn another_order_is_a_difference(config in arbitrary::config(), list in 0..4) {
        let mut next = config.clone();
        match list {
            0 => next.connections.reverse(),
            1 => next.policies.reverse(),
            2 => next.policies.iter_mut().for_each(|policy| policy.qa.questions.reverse()),
            _ => next.policies.iter_mut().for_each(|policy| policy.workflows.reverse()),
        }
        prop_assert_eq!(differences(&config, &next).is_empty(), config == next);
    }

    #[test]
    fn an_edit_enters_the_log_in_a_form_that_has_a_place_for_all_of_it(config in arbitrary::config()) {
        let change = ConfigChange::Replace(Box::new(config));
        let action = Action::change_config(Revision(1), change.clone());
        let is_compact = matches!(action, Action::ChangeConfig { .. });
        prop_assert_eq!(is_compact, change.needs() == FeatureLevel::FIRST);
        let written = codec::encode(FORM, &action).unwrap();
        prop_assert_eq!(codec::decode::<Action>(FORM, &written).unwrap(), action);
    }

    #[test]
    fn a_tree_of_another_revision_says_so_and_nothing_else(config in arbitrary::config(), revision in 0_u64..99) {
        let moved = Tree::of(&config).unwrap().at_revision(Revision(revision));
        prop_assert_eq!(moved, Tree::of(&RealmConfig { revision: Revision(revision), ..config }).unwrap());
    }

    #[test]
    fn no_text_makes_reading_panic(config in arbitrary::config(), file in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), put in "\\PC{0,8}") {
        let mut tree = Tree::of(&config).unwrap();
        let files: Vec<String> = tree.0.keys().cloned().collect();
        let text = tree.0.get_mut(file.get(&files)).unwrap();
        let mut chars: Vec<char> = text.chars().collect();
        let at = cut.index(chars.len());
        chars.splice(at..(at + 5).min(chars.len()), put.chars());
        *text = chars.into_iter().collect();
        let _ = tree.parse(&config);
    }
}

fn config() -> RealmConfig {
    let connection = ConnectionId(Uuid::from_u128(1));
    let dn = |text| DistinguishedName::parse(text).unwrap();
    let mut config = RealmConfig::empty();
    config.revision = Revision(7);
    config.connections.push(DomainConnection {
        id: connection,
        alias: "CORP".into(),
        endpoint: DirectoryEndpoint::Ldaps(LdapsSettings {
            servers: vec!["ldaps://dc1".into(), "ldaps://dc2".into()],
            base: dn("DC=x"),
            authorities: "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n".into(),
            bind_name: "svc@x".into(),
            bind_password: Sealed(Blob::from(&b"planted"[..])),
            push_sites: Vec::new(),
        }),
        profile_attribute: "comment".into(),
        former_profile_attribute: None,
    });
    config.administrators.push(RoleScope { connection, group: dn("CN=Admins,DC=x") });
    config
}

fn problems(tree: &Tree) -> Vec<String> {
    tree.parse(&config()).unwrap_err().0.iter().map(ToString::to_string).collect()
}

fn edited(file: &str, from: &str, to: &str) -> Tree {
    let mut tree = Tree::of(&config()).unwrap();
    let text = tree.0.get_mut(file).unwrap();
    assert!(text.contains(from), "{text}");
    *text = text.replacen(from, to, 1);
    tree
}

#[test]
fn the_files_are_as_people_read_them() {
    let tree = Tree::of(&config()).unwrap();
    let connection = "\
# A domain that users live in. The access account's password is never here: \"kept\" leaves it as it is in
# the realm; `passquorum connection set` enters another.

id = \"00000000-0000-0000-0000-000000000001\"
alias = \"CORP\"
profile_attribute = \"comment\"

[endpoint.ldaps]
servers = [
    \"ldaps://dc1\",
    \"ldaps://dc2\",
]
base = \"DC=x\"
bind_name = \"svc@x\"
bind_password = \"kept\"
authorities = '''
-----BEGIN CERTIFICATE-----
MII=
-----END CERTIFICATE-----
'''
";
    assert_eq!(tree.0["connections/corp.toml"], connection);
    let administrators = "\
# Members of these groups may use the Admin site.

groups = [
    { connection = \"CORP\", group = \"CN=Admins,DC=x\" },
]
";
    assert_eq!(tree.0["administrators.toml"], administrators);
    let all: Vec<_> = tree.0.keys().map(String::as_str).collect();
    let files =
        ["administrators.toml", "connections/corp.toml", "general.toml", "helpdesk.toml", "tree.toml"];
    assert_eq!(all, files);
}

#[test]
fn no_sealed_value_is_written() {
    let sealed = serde_json::to_value(Sealed(Blob::from(&b"planted"[..]))).unwrap();
    let tree = Tree::of(&config()).unwrap();
    let texts: String = tree.0.values().cloned().collect();
    assert!(!texts.contains(sealed.as_str().unwrap()) && !texts.contains("planted"));
}

#[test]
fn what_is_unknown_or_of_another_type_is_named_with_its_line_and_what_was_expected() {
    let unknown = edited("general.toml", "organisation", "colour = \"blue\"\norganisation");
    let told = problems(&unknown);
    assert!(
        told[0].starts_with("general.toml:3: unknown field `colour`, expected one of `organisation`"),
        "{told:?}"
    );
    let wrong = edited("general.toml", "threshold = 100", "threshold = \"many\"");
    let told = problems(&wrong);
    assert!(told[0].starts_with("general.toml:10: invalid type: string \"many\", expected u32"), "{told:?}");
    let span = edited("general.toml", "session = \"15m\"", "session = \"soon\"");
    assert!(
        problems(&span)[0].contains("general.toml:4: `soon`: this is not a length of time"),
        "{:?}",
        problems(&span)
    );
    let clear = edited("connections/corp.toml", "bind_password = \"kept\"", "bind_password = \"planted\"");
    assert!(
        problems(&clear)[0].starts_with("connections/corp.toml:15: unknown variant"),
        "{:?}",
        problems(&clear)
    );
}

#[test]
fn what_is_not_valid_is_named_with_its_line() {
    let empty = edited("general.toml", "organisation = \"passquorum\"", "organisation = \"\"");
    assert_eq!(
        problems(&empty),
        ["general.toml:3: organisation: use 1 to 100 characters, none of them control characters"]
    );
    let server = edited("connections/corp.toml", "ldaps://dc2", "ldap://dc2");
    assert_eq!(
        problems(&server),
        ["connections/corp.toml:11: endpoint.ldaps.servers[1]: use ldaps://host or ldaps://host:port"]
    );
    let stranger = edited("administrators.toml", "connection = \"CORP\"", "connection = \"OTHER\"");
    let told = "administrators.toml:4: groups[0].connection: no connection has the alias `OTHER`; expected one of the \
                aliases: `CORP`";
    assert_eq!(problems(&stranger), [told]);
    let fresh = edited("connections/corp.toml", "000000000001", "000000000002");
    assert!(
        problems(&fresh)[0]
            .starts_with("connections/corp.toml:15: bind_password: the realm keeps no password"),
        "{:?}",
        problems(&fresh)
    );
}

#[test]
fn a_file_that_is_missing_or_that_no_list_names_is_told() {
    let mut tree = Tree::of(&config()).unwrap();
    let helpdesk = tree.0.remove("helpdesk.toml").unwrap();
    tree.0.insert("connections/old.toml".into(), helpdesk);
    assert_eq!(
        problems(&tree),
        [
            "connections/old.toml: no list names this file; name it in tree.toml (or a workflow in its policy.toml), \
             or remove it",
            "helpdesk.toml: the file is missing; every exported configuration has it",
        ]
    );
    let newer = edited("tree.toml", "format = 1", "format = 2");
    assert_eq!(problems(&newer), ["tree.toml:4: format 2 is not known here; this program reads format 1"]);
}
