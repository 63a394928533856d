//! From elements to a plan: the domain connections that can be made, and what becomes of each element.
//!
//! A domain connection is an element in which the guide's word for a domain's name stands; the settings beside it in the
//! same element are its own.

use super::reader::{self, Element, NotReadable};
use super::words::{self, Word};
use super::{Inventory, Item};
use crate::config::HostPort;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::config::{DirectoryEndpoint, DomainConnection, LdapsSettings, Problem, RealmConfig};
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::ids::ConnectionId;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// The element that settings stand in.
type Group = Option<usize>;

/// What the replaced product used when nothing else was said.
const PROFILE_ATTRIBUTE: &str = "comment";

/// A domain connection, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Connection {
    /// Always the same for the same domain.
    pub id: ConnectionId,
    /// The domain's DNS name.
    pub domain: String,
    /// What people call it.
    pub alias: String,
    /// As `connection set` takes them.
    pub servers: Vec<String>,
    /// Where users are searched.
    pub base: DistinguishedName,
    /// Who signs in, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The attribute for profiles.
    pub profile_attribute: String,
}

/// All that becomes of some files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Plan {
    /// What can be made.
    pub connections: Vec<Connection>,
    /// Every element.
    #[serde(flatten)]
    pub inventory: Inventory,
}

impl Plan {
    /// Reads files: name and content of each.
    pub fn of(files: &[(String, Vec<u8>)]) -> Result<Self, (String, NotReadable)> {
        let mut plan = Self::default();
        let mut attribute = None;
        for (file, bytes) in files {
            let elements = reader::elements(bytes).map_err(|error| (file.clone(), error))?;
            plan.add(file, &elements, &mut attribute);
        }
        if let Some(attribute) = attribute {
            plan.connections
                .iter_mut()
                .for_each(|connection| connection.profile_attribute.clone_from(&attribute));
        }
        Ok(plan)
    }

    fn add(&mut self, file: &str, elements: &[Element], attribute: &mut Option<String>) {
        let mut ids: BTreeSet<_> = self.connections.iter().map(|known| known.id).collect();
        let mut groups: BTreeMap<Group, Connection> = BTreeMap::new();
        // Domains first, since the settings beside one may stand before it.
        for element in elements {
            if let (Some(Word::Domain), Some(value)) = (words::meaning(&element.name), &element.value)
                && !groups.contains_key(&element.parent)
                && let Some(connection) = connection(value)
                && ids.insert(connection.id)
            {
                groups.insert(element.parent, connection);
            }
        }
        let mut said = BTreeSet::new();
        for element in elements.iter().filter(|element| !element.is_bare) {
            let beside = groups.get_mut(&element.parent);
            let (verdict, note) = judged(element, beside, attribute, &mut said);
            let value = if verdict == Verdict::Unknown { None } else { element.value.clone() };
            let item = Item {
                file: file.to_owned(),
                path: element.path.clone(),
                name: element.name.clone(),
                value,
                note,
            };
            match verdict {
                Verdict::Taken => self.inventory.taken.push(item),
                Verdict::ByHand => self.inventory.by_hand.push(item),
                Verdict::Unknown => self.inventory.unknown.push(item),
            }
        }
        self.connections.extend(groups.into_values());
    }

    /// The configuration of a realm that has just these connections; those without an account are not in it. Or what is
    /// wrong with it.
    pub fn config(&self, authorities: &str) -> Result<RealmConfig, Vec<Problem>> {
        let whole = |known: &Connection| {
            Some(DomainConnection {
                id: known.id,
                alias: known.alias.clone(),
                endpoint: DirectoryEndpoint::Ldaps(LdapsSettings {
                    servers: known.servers.clone(),
                    base: known.base.clone(),
                    authorities: authorities.to_owned(),
                    bind_name: known.account.clone()?,
                    // A tree holds no password: the realm's own is kept.
                    bind_password: Sealed(Blob::from(Vec::new())),
                    push_sites: Vec::new(),
                }),
                profile_attribute: known.profile_attribute.clone(),
                former_profile_attribute: None,
            })
        };
        let connections = self.connections.iter().filter_map(whole).collect();
        let config = RealmConfig { connections, ..RealmConfig::empty() };
        let problems = config.problems();
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Taken,
    ByHand,
    Unknown,
}

/// What becomes of one element; what is taken over is written down.
fn judged(
    element: &Element,
    beside: Option<&mut Connection>,
    attribute: &mut Option<String>,
    said: &mut BTreeSet<(Group, Word)>,
) -> (Verdict, String) {
    let unknown = |note: &str| (Verdict::Unknown, note.to_owned());
    let taken = |note: String| (Verdict::Taken, note);
    let by_hand = |note: &str| (Verdict::ByHand, note.to_owned());
    let Some(word) = words::meaning(&element.name) else {
        let secret = words::hints_at_secret(&element.name);
        return unknown(if secret {
            "not known: not taken over; its name hints at a secret"
        } else {
            "not known: not taken over"
        });
    };
    let Some(value) = element.value.as_deref().map(str::trim).filter(|value| !value.is_empty()) else {
        return unknown("it says nothing");
    };
    if let Word::ByHand(what) = word {
        return by_hand(what);
    }
    let group = if word == Word::ProfileAttribute { None } else { element.parent };
    if !said.insert((group, word)) && word != Word::Controllers {
        return by_hand("said before; the first one is taken");
    }
    match (word, beside) {
        (Word::ProfileAttribute, _) => {
            *attribute = Some(value.to_owned());
            taken("the profile attribute of every connection".to_owned())
        }
        (Word::Domain, Some(connection)) if connection.domain == domain(value) => {
            taken(format!("a domain connection, users below {}", connection.base.as_str()))
        }
        (Word::Domain, _) => by_hand("not a domain's DNS name, or a domain that is there already"),
        (Word::Alias, Some(connection)) => {
            connection.alias = value.to_owned();
            taken(format!("the alias of {}", connection.domain))
        }
        (Word::Account, Some(connection)) => {
            connection.account = Some(value.to_owned());
            taken(format!("who signs in to {}; its password is entered by hand", connection.domain))
        }
        (Word::Controllers, Some(connection)) => {
            let split = value.split([',', ';', ' ', '\t', '\n', '\r']).filter(|part| !part.is_empty());
            let Some(servers) = split.map(server).collect::<Option<Vec<_>>>() else {
                return by_hand("not a list of host names; name the controllers with --server");
            };
            connection.servers.retain(|server| server.starts_with("ldaps://"));
            connection.servers.extend(servers);
            taken(format!("domain controllers of {}", connection.domain))
        }
        (Word::Alias | Word::Account | Word::Controllers | Word::ByHand(_), _) => {
            unknown("it stands beside no domain's name: not taken over")
        }
    }
}

fn server(host: &str) -> Option<String> {
    let host = host.trim_end_matches('.');
    let plain = host.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    (plain && format!("{host}:636").parse::<HostPort>().is_ok()).then(|| format!("ldaps://{host}"))
}

fn domain(text: &str) -> String {
    text.trim().trim_end_matches('.').to_ascii_lowercase()
}

/// The connection for a domain's DNS name, with what follows from that alone.
fn connection(text: &str) -> Option<Connection> {
    let domain = domain(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    if domain.len() > 253 || !domain.contains('.') || !domain.split('.').all(is_label) {
        return None;
    }
    let base = domain.split('.').map(|label| format!("DC={label}")).collect::<Vec<_>>().join(",");
    let digest: [u8; 32] = Sha256::digest(format!("connection to {domain}")).into();
    let bytes = *digest.first_chunk()?;
    Some(Connection {
        id: ConnectionId(uuid::Builder::from_custom_bytes(bytes).into_uuid()),
        alias: domain.clone(),
        servers: vec![format!("dns://{domain}")],
        base: DistinguishedName::parse(&base).ok()?,
        domain,
        account: None,
        profile_attribute: PROFILE_ATTRIBUTE.to_owned(),
    })
}

#[cfg(test)]
mod tests;
