//! The administrative template: well-formed, whole, and about the same settings as the program.

use passquorum_node::spe::settings::NAMES;
use roxmltree::{Document, Node};
use std::collections::BTreeSet;

const NAMESPACE: &str = "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions";
const TEMPLATE: &str = include_str!("../../../ops/admx/prm_gina.admx");
const WORDS: &str = include_str!("../../../ops/admx/en-US/prm_gina.adml");

fn parse(text: &'static str, root: &str) -> Document<'static> {
    let document = Document::parse(text).unwrap();
    assert!(document.root_element().has_tag_name((NAMESPACE, root)));
    document
}

fn all<'d>(document: &'d Document<'d>, tag: &'static str) -> impl Iterator<Item = Node<'d, 'd>> {
    document.descendants().filter(move |node| node.has_tag_name((NAMESPACE, tag)))
}

fn of<'d>(node: &Node<'d, 'd>, attribute: &str) -> &'d str {
    node.attribute(attribute).unwrap_or_else(|| panic!("{attribute} is missing: {node:?}"))
}

/// Each value once.
fn once<'d>(values: impl Iterator<Item = &'d str>) -> BTreeSet<&'d str> {
    let mut seen = BTreeSet::new();
    for value in values {
        assert!(seen.insert(value), "{value} is there twice");
    }
    seen
}

/// What is between `$(kind.` and `)` in any attribute of the template.
fn references(document: &Document<'static>, kind: &str) -> BTreeSet<String> {
    let start = format!("$({kind}.");
    let attributes = document.descendants().flat_map(|node| node.attributes().collect::<Vec<_>>());
    let values = attributes.filter_map(|attribute| {
        attribute.value().strip_prefix(start.as_str())?.strip_suffix(')').map(str::to_owned)
    });
    values.collect()
}

/// The elements of a policy.
fn elements<'d>(policy: &Node<'d, 'd>) -> Vec<Node<'d, 'd>> {
    let holder = policy.children().find(|child| child.has_tag_name((NAMESPACE, "elements")));
    holder.map_or_else(Vec::new, |holder| holder.children().filter(Node::is_element).collect())
}

#[test]
fn each_string_and_presentation_is_referred_to_and_there() {
    let (template, words) = (parse(TEMPLATE, "policyDefinitions"), parse(WORDS, "policyDefinitionResources"));
    for (kind, tag) in [("string", "string"), ("presentation", "presentation")] {
        let there = once(all(&words, tag).map(|node| of(&node, "id")));
        let referred = references(&template, kind);
        assert_eq!(there, referred.iter().map(String::as_str).collect::<BTreeSet<_>>(), "{kind}");
        assert!(!there.is_empty());
    }
    let empty = all(&words, "string").find(|string| string.text().is_none_or(|text| text.trim().is_empty()));
    assert_eq!(empty, None);
    let dollars = template.descendants().flat_map(|node| node.attributes().collect::<Vec<_>>());
    for attribute in dollars.filter(|attribute| attribute.value().contains("$(")) {
        let value = attribute.value();
        assert!(value.starts_with("$(string.") || value.starts_with("$(presentation."), "{value}");
    }
}

#[test]
fn each_element_has_its_field_in_the_presentation_and_no_field_is_without() {
    let (template, words) = (parse(TEMPLATE, "policyDefinitions"), parse(WORDS, "policyDefinitionResources"));
    for policy in all(&template, "policy") {
        let elements = elements(&policy);
        let Some(reference) = policy.attribute("presentation") else {
            assert!(elements.is_empty(), "{policy:?} has fields and no presentation");
            continue;
        };
        let id = reference.trim_start_matches("$(presentation.").trim_end_matches(')');
        let presentation = all(&words, "presentation").find(|node| of(node, "id") == id).unwrap();
        let fields: Vec<_> = presentation.children().filter(Node::is_element).collect();
        let field_of = |kind| match kind {
            "text" => "textBox",
            "decimal" => "decimalTextBox",
            "boolean" => "checkBox",
            "list" => "listBox",
            other => panic!("{other}: an element that this test does not know"),
        };
        let wanted: Vec<_> = elements.iter().map(|e| (field_of(e.tag_name().name()), of(e, "id"))).collect();
        let shown: Vec<_> = fields.iter().map(|f| (f.tag_name().name(), of(f, "refId"))).collect();
        assert_eq!(wanted, shown, "{id}");
        for (element, field) in elements.iter().zip(&fields) {
            let label = field.descendants().filter_map(|node| node.text()).collect::<String>();
            assert!(!label.trim().is_empty(), "{field:?} has no label");
            if element.has_tag_name((NAMESPACE, "decimal")) {
                let number =
                    |node: &Node<'_, '_>, name| node.attribute(name).unwrap().parse::<u32>().unwrap();
                let (least, most) = (number(element, "minValue"), number(element, "maxValue"));
                assert!((least..=most).contains(&number(field, "defaultValue")), "{field:?}");
            }
        }
    }
}

#[test]
fn names_are_unique_categories_are_there_and_every_value_lies_in_our_own_key() {
    const KEY: &str = r"Software\Policies\passquorum\SPE";
    let template = parse(TEMPLATE, "policyDefinitions");
    once(all(&template, "policy").map(|node| of(&node, "name")));
    let categories = once(all(&template, "category").map(|node| of(&node, "name")));
    let supported = once(all(&template, "definition").map(|node| of(&node, "name")));
    for parent in all(&template, "parentCategory") {
        assert!(categories.contains(of(&parent, "ref")), "{parent:?}");
    }
    for reference in all(&template, "supportedOn").filter(|node| node.has_attribute("ref")) {
        assert!(supported.contains(of(&reference, "ref")), "{reference:?}");
    }
    let mut values = Vec::new();
    for policy in all(&template, "policy") {
        assert_eq!((of(&policy, "key"), of(&policy, "class")), (KEY, "Machine"));
        let children: Vec<_> =
            policy.children().filter(Node::is_element).map(|child| child.tag_name().name()).collect();
        let order = ["parentCategory", "supportedOn", "enabledValue", "disabledValue", "elements"];
        let places: Vec<_> =
            children.iter().map(|child| order.iter().position(|known| known == child).unwrap()).collect();
        assert!(
            places.is_sorted() && children.starts_with(&["parentCategory", "supportedOn"]),
            "{children:?}"
        );
        assert_eq!(policy.has_attribute("valueName"), children.contains(&"enabledValue"));
        values.extend(policy.attribute("valueName"));
        assert!(
            policy.has_attribute("valueName") || !elements(&policy).is_empty(),
            "{policy:?} sets nothing"
        );
        for element in elements(&policy) {
            if element.has_tag_name((NAMESPACE, "list")) {
                assert_eq!(of(&element, "key"), format!(r"{KEY}\{}", of(&element, "id")));
                values.push(of(&element, "id"));
            } else {
                assert_eq!(of(&element, "valueName"), of(&element, "id"));
                values.push(of(&element, "valueName"));
            }
        }
    }
    let known = once(NAMES.into_iter());
    assert_eq!(once(values.into_iter()), known, "the template and the program know the same settings");
}
