//! From bytes to elements. Bounds: [`MOST_BYTES`], [`MOST_NODES`], [`DEEPEST`]; no document type, so no entities of its
//! own and nothing fetched. UTF-8, and UTF-16 with its mark.

use roxmltree::{Document, Node, ParsingOptions};
use std::collections::BTreeMap;

/// The most bytes of a file.
pub(crate) const MOST_BYTES: usize = 64 << 20;
/// The most elements and texts.
const MOST_NODES: u32 = 200_000;
/// The most elements inside one another.
const DEEPEST: usize = 32;
/// The most characters of a name that are kept; a path is as long as its names.
const LONGEST: usize = 40;

/// A file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReadable {
    /// It is larger than any.
    #[error("it is larger than {} MiB; is it the right file?", MOST_BYTES >> 20)]
    TooLarge,
    /// It is no text.
    #[error(
        "it is not text: it is sealed, or not a configuration. An export is sealed with the password that was shown with it, \
         and files of versions from 5.10 on with the service account; neither form is documented, so they cannot be opened \
         here. Write down what the old Admin site shows and enter it with `passquorum connection set` and \
         `passquorum policy add`"
    )]
    NotText,
    /// It is text, but not this.
    #[error(
        "it is not XML that can be read: {0}. Name Local.storage or Shared.storage as the old server wrote it"
    )]
    NotXml(String),
    /// Its elements lie too deep.
    #[error("it has elements inside one another more than {DEEPEST} deep; no configuration has")]
    TooDeep,
}

/// An element with what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    /// Its path in the file.
    pub(super) path: String,
    /// Which element it lies in, by number.
    pub(super) parent: Option<usize>,
    /// Its `name`, or its tag.
    pub(super) name: String,
    /// Its `value`, or its text.
    pub(super) value: Option<String>,
    /// Whether it only holds others.
    pub(super) is_bare: bool,
}

/// Every element, in order.
pub(super) fn elements(bytes: &[u8]) -> Result<Vec<Element>, NotReadable> {
    if bytes.len() > MOST_BYTES {
        return Err(NotReadable::TooLarge);
    }
    let text = text(bytes).ok_or(NotReadable::NotText)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&text, options)
        .map_err(|error| NotReadable::NotXml(error.to_string().escape_debug().to_string()))?;
    let mut found = Vec::new();
    // One entry for each open element: which it is, its number in `found`, and how many of each tag it has held.
    let mut open: Vec<(Node<'_, '_>, usize, BTreeMap<&str, usize>)> = Vec::new();
    for node in document.descendants().filter(Node::is_element) {
        while open.last().is_some_and(|(above, ..)| node.parent() != Some(*above)) {
            open.pop();
        }
        if open.len() >= DEEPEST {
            return Err(NotReadable::TooDeep);
        }
        let parent = open.last().map(|(_, number, _)| *number);
        let tag = node.tag_name().name();
        let count = open.last_mut().map_or(1, |(.., counts)| {
            let count = counts.entry(tag).or_default();
            *count += 1;
            *count
        });
        let above = parent.and_then(|parent| found.get(parent)).map_or("", |above: &Element| &above.path);
        let number = if count == 1 { String::new() } else { format!("[{count}]") };
        let path = format!("{above}/{}{number}", cut(tag));
        open.push((node, found.len(), BTreeMap::new()));
        found.push(element(node, path, parent));
    }
    Ok(found)
}

fn cut(name: &str) -> &str {
    name.char_indices().nth(LONGEST).and_then(|(end, _)| name.get(..end)).unwrap_or(name)
}

fn element(node: Node<'_, '_>, path: String, parent: Option<usize>) -> Element {
    let name = cut(node.attribute("name").unwrap_or(node.tag_name().name())).to_owned();
    let text: String = node.children().filter(Node::is_text).filter_map(|text| text.text()).collect();
    let text = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let holds_others = node.children().any(|child| child.is_element());
    let is_bare = holds_others && text.is_none() && node.attributes().len() == 0;
    Element { path, parent, name, value: node.attribute("value").map(str::to_owned).or(text), is_bare }
}

fn text(bytes: &[u8]) -> Option<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks();
        rest.is_empty()
            .then(|| String::from_utf16(&pairs.iter().copied().map(unit).collect::<Vec<_>>()).ok())?
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => String::from_utf8(rest.to_vec()).ok(),
    }
}
