//! What is taken over of files of the replaced product, and what is told of the rest.

use super::super::reader::elements;
use super::*;
use proptest::prelude::*;

fn plan(files: &[&str]) -> Plan {
    let named = |(number, text): (usize, &&str)| (format!("file{number}"), text.as_bytes().to_vec());
    Plan::of(&files.iter().enumerate().map(named).collect::<Vec<_>>()).unwrap()
}

fn notes(items: &[Item]) -> Vec<(&str, &str)> {
    items.iter().map(|item| (item.path.as_str(), item.note.as_str())).collect()
}

const LOCAL: &str = "<settings><setting name=\"role\" value=\"Secondary\" /><setting name=\"instanceName\" value=\"PM1\" />\
                     <setting name=\"servicePassword\" value=\"hunter2\" /></settings>";

const SHARED: &str = "<all><connections><domain><setting name=\"Alias\" value=\"CORP\"/>\
    <setting name=\"Domain name\" value=\"Corp.Example\"/><setting name=\"Access account\" value=\"CORP\\svc\"/>\
    <setting name=\"Domain controllers\" value=\"dc1.corp.example; dc2.corp.example\"/></domain>\
    <domain><domainName>lab.example</domainName></domain></connections>\
    <setting name=\"profileAttribute\" value=\"info\"/><policy><question>Pet?</question></policy></all>";

#[test]
fn the_documented_line_is_known_and_a_secret_is_never_repeated() {
    let found = plan(&[LOCAL]);
    assert_eq!(found.connections, []);
    let Inventory { taken, by_hand, unknown } = &found.inventory;
    assert_eq!((taken.len(), by_hand.len(), unknown.len()), (0, 2, 1));
    assert_eq!((by_hand[0].name.as_str(), by_hand[0].value.as_deref()), ("role", Some("Secondary")));
    assert!(by_hand[0].note.contains("elect"), "{}", by_hand[0].note);
    assert_eq!(
        notes(unknown),
        [("/settings/setting[3]", "not known: not taken over; its name hints at a secret")]
    );
    assert!(!serde_json::to_string(&found).unwrap().contains("hunter2"));
}

#[test]
fn settings_beside_a_domains_name_make_a_connection_and_the_rest_is_not_known() {
    let found = plan(&[LOCAL, SHARED]);
    let [corp, lab] = &found.connections[..] else { panic!("{:?}", found.connections) };
    assert_eq!((corp.alias.as_str(), corp.base.as_str()), ("CORP", "DC=corp,DC=example"));
    assert_eq!(corp.servers, ["ldaps://dc1.corp.example", "ldaps://dc2.corp.example"]);
    assert_eq!((corp.account.as_deref(), corp.profile_attribute.as_str()), (Some("CORP\\svc"), "info"));
    assert_eq!((lab.alias.as_str(), lab.account.as_deref()), ("lab.example", None));
    assert_eq!((lab.servers[0].as_str(), lab.profile_attribute.as_str()), ("dns://lab.example", "info"));
    assert!(notes(&found.inventory.unknown).contains(&("/all/policy/question", "not known: not taken over")));
    let config = found.config("-----BEGIN CERTIFICATE-----").unwrap();
    assert_eq!(config.connections.iter().map(|known| known.id).collect::<Vec<_>>(), [corp.id]);
    assert_eq!(found.config("none").unwrap_err()[0].field, "connections[0].authorities");
}

#[test]
fn what_is_said_twice_or_of_no_domain_or_is_no_domain_is_not_taken() {
    let found = plan(&["<a><s name=\"alias\" value=\"X\"/></a>"]);
    assert_eq!(
        notes(&found.inventory.unknown),
        [("/a/s", "it stands beside no domain's name: not taken over")]
    );
    let found = plan(&["<a domainName=\"x\"><domainName>a b</domainName><domainName/></a>"]);
    assert_eq!(
        (found.connections.len(), found.inventory.by_hand.len(), found.inventory.unknown.len()),
        (0, 1, 2)
    );
    let found = plan(&[SHARED, SHARED]);
    assert_eq!(found.connections.len(), 2);
    let twice = "<a><domainName>a.b</domainName><alias>X</alias><alias>Y</alias></a>";
    assert_eq!(plan(&[twice]).connections[0].alias, "X");
}

#[test]
fn a_file_that_is_none_says_what_to_do() {
    let refused = |bytes: &[u8]| Plan::of(&[("f".to_owned(), bytes.to_vec())]).unwrap_err().1;
    assert_eq!(refused(b"\x00\x01\xff\xfe"), NotReadable::NotText);
    assert!(refused(b"\xff\xfe<").to_string().contains("connection set"));
    assert!(matches!(refused(b"{}"), NotReadable::NotXml(_)));
    let entity = "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
    assert!(matches!(refused(entity.as_bytes()), NotReadable::NotXml(_)));
    let deep = [&b"<a>".repeat(33)[..], &b"</a>".repeat(33)].concat();
    assert_eq!(refused(&deep), NotReadable::TooDeep);
    let many = format!("<a>{}</a>", "<b/>".repeat(200_001));
    assert!(matches!(refused(many.as_bytes()), NotReadable::NotXml(_)));
}

#[test]
fn text_of_windows_is_read() {
    let wide: Vec<u8> = LOCAL.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = LOCAL.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [
        [&[0xff, 0xfe], &wide[..]].concat(),
        [&[0xfe, 0xff], &big[..]].concat(),
        [&[0xef, 0xbb, 0xbf], LOCAL.as_bytes()].concat(),
    ] {
        assert_eq!(elements(&bytes).unwrap(), elements(LOCAL.as_bytes()).unwrap());
    }
}

fn xml() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "role",
        "Domain name",
        "alias",
        "accessAccount",
        "domain-controllers",
        "profileAttribute",
        "password",
        "x",
    ]);
    let leaf = (name, "[a-z.]{0,12}", any::<bool>()).prop_map(|(name, value, as_text)| {
        if as_text {
            format!("<s name=\"{name}\">{value}</s>")
        } else {
            format!("<s name=\"{name}\" value=\"{value}\"/>")
        }
    });
    leaf.prop_recursive(5, 60, 6, |inner| {
        (prop::collection::vec(inner, 0..6), any::<bool>()).prop_map(|(inner, named)| {
            let attribute = if named { " name=\"g\"" } else { "" };
            format!("<g{attribute}>{}</g>", inner.concat())
        })
    })
}

proptest! {
    #[test]
    fn each_element_is_in_exactly_one_list(text in xml()) {
        let elements = elements(text.as_bytes()).unwrap();
        let found = plan(&[&text]).inventory;
        let mut listed: Vec<_> = [&found.taken, &found.by_hand, &found.unknown].into_iter().flatten().map(|i| &i.path).collect();
        let mut there: Vec<_> = elements.iter().filter(|element| !element.is_bare).map(|element| &element.path).collect();
        prop_assert_eq!(found.count(), there.len());
        listed.sort();
        there.sort();
        prop_assert!(there.windows(2).all(|pair| pair[0] != pair[1]));
        prop_assert_eq!(listed, there);
        prop_assert!(found.unknown.iter().all(|item| item.value.is_none()));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(Plan::of(&[("f".to_owned(), bytes)]));
    }
}
