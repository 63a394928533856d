//! What the realm shows of itself in Active Directory: a projection of the state, for legacy clients and operators.
//!
//! Invariants: equal states give equal bytes; there is never a secret, a sealed value, a key, a counter, a ticket or an
//! audit record in it, since every user of a domain may be able to read it. It must not know where it is written to.

use crate::blob::Blob;
use crate::config::{DomainConnection, ManagementPolicy};
use crate::directory::DistinguishedName;
use crate::feature_level::FeatureLevel;
use crate::ids::{NodeId, PolicyId, RealmId, Revision};
use crate::instance::{Instance, Role};
use crate::profile::RequirementsDigest;
use crate::scope::UserScope;
use crate::state::State;
use serde::{Deserialize, Serialize};

/// The form of the document; readers leave alone what they do not know.
const FORMAT: u32 = 1;

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projection {
    /// The form of the document.
    pub format: u32,
    /// The realm.
    pub realm: RealmId,
    /// The revision of its configuration.
    pub revision: Revision,
    /// The node that leads.
    pub leader: NodeId,
    /// The nodes that serve sites, by id.
    pub nodes: Vec<ServingNode>,
    /// The management policies, in order.
    pub policies: Vec<ServingPolicy>,
}

/// A node that serves sites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServingNode {
    /// Its id.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Where browsers reach it.
    pub site_url: String,
}

/// Whom a policy serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServingPolicy {
    /// Its id.
    pub id: PolicyId,
    /// Its name.
    pub name: String,
    /// Whom it serves, by domain.
    pub scope: Vec<ServedDomain>,
    /// What it asks of a profile; from the third feature level on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirements: Option<RequirementsDigest>,
}

/// The users of one domain that a policy serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedDomain {
    /// The domain connection's alias.
    pub domain: String,
    /// As in [`UserScope`].
    pub allowed_groups: Vec<DistinguishedName>,
    /// As in [`UserScope`].
    pub allowed_ous: Vec<DistinguishedName>,
    /// As in [`UserScope`].
    pub denied_groups: Vec<DistinguishedName>,
    /// As in [`UserScope`].
    pub denied_ous: Vec<DistinguishedName>,
    /// Where the users' profiles are, the present attribute before the former; from the third feature level on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profile_attributes: Vec<String>,
}

impl Projection {
    /// What a leader shows of a state; `None` before there is a realm.
    #[must_use]
    pub fn of(state: &State, leader: NodeId) -> Option<Self> {
        let (realm, config) = (state.realm()?, state.config()?);
        let hints = state.level() >= FeatureLevel::THIRD;
        let domain = |scope: &UserScope| ServedDomain {
            domain: config.connection(scope.connection).map(|found| found.alias.clone()).unwrap_or_default(),
            profile_attributes: config
                .connection(scope.connection)
                .filter(|_| hints)
                .map(profile_attributes)
                .unwrap_or_default(),
            allowed_groups: scope.allowed_groups.clone(),
            allowed_ous: scope.allowed_ous.clone(),
            denied_groups: scope.denied_groups.clone(),
            denied_ous: scope.denied_ous.clone(),
        };
        let policy = |policy: &ManagementPolicy| ServingPolicy {
            id: policy.id,
            name: policy.name.clone(),
            scope: policy.scope.iter().map(domain).collect(),
            requirements: hints.then(|| RequirementsDigest::of(&policy.qa)),
        };
        let node = |instance: &Instance| ServingNode {
            id: instance.id,
            name: instance.name.clone(),
            role: instance.role,
            site_url: instance.site_url.clone(),
        };
        Some(Self {
            format: FORMAT,
            realm: realm.id,
            revision: config.revision,
            leader,
            nodes: state.instances().filter(|instance| instance.is_active()).map(node).collect(),
            policies: config.policies.iter().map(policy).collect(),
        })
    }

    /// The document: JSON on one line.
    #[must_use]
    #[expect(clippy::expect_used, reason = "structs of numbers and texts always have a JSON form")]
    pub fn to_document(&self) -> Blob {
        serde_json::to_vec(self).expect("a projection has a JSON form").into()
    }
}

fn profile_attributes(connection: &DomainConnection) -> Vec<String> {
    let former = connection.former_profile_attribute.iter();
    std::iter::once(&connection.profile_attribute).chain(former).cloned().collect()
}

/// What is worth a word about a document's size.
const LARGE: usize = 64 * 1024;

/// How large one part of the document is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionSize {
    /// Which.
    pub section: String,
    /// Its bytes.
    pub bytes: usize,
}

impl Projection {
    /// How large each part of the document is: the nodes, the scope of each policy, and the rest.
    #[must_use]
    pub fn sizes(&self) -> Vec<SectionSize> {
        // What has a JSON form as a whole has one in parts.
        let bytes = |json: Result<Vec<u8>, _>| json.map_or(0, |json: Vec<u8>| json.len());
        let whole = self.to_document().as_bytes().len();
        let mut sizes =
            vec![SectionSize { section: "nodes".to_owned(), bytes: bytes(serde_json::to_vec(&self.nodes)) }];
        sizes.extend(self.policies.iter().map(|policy| SectionSize {
            section: format!("policy {}", policy.name),
            bytes: bytes(serde_json::to_vec(policy)),
        }));
        let named: usize = sizes.iter().map(|size| size.bytes).sum();
        sizes.push(SectionSize { section: "the rest".to_owned(), bytes: whole.saturating_sub(named) });
        sizes
    }
}

/// What to do about a document of such parts; nothing while it is small.
#[must_use]
pub fn advice(sizes: &[SectionSize]) -> Option<String> {
    let whole: usize = sizes.iter().map(|size| size.bytes).sum();
    let largest = sizes.iter().max_by_key(|size| size.bytes).filter(|_| whole > LARGE)?;
    Some(format!(
        "{} KiB are replicated to every domain controller at each change; most of it, {} KiB, is {}: name a few groups \
         that hold the others instead of many groups and OUs",
        whole / 1024,
        largest.bytes / 1024,
        largest.section
    ))
}

/// Whether a change of state can have changed the projection. Cheap: it is asked after every applied batch.
#[must_use]
pub fn shows_the_same(one: &State, other: &State) -> bool {
    let revision = |state: &State| state.config().map(|config| config.revision);
    one.level() == other.level()
        && revision(one) == revision(other)
        && (one.instances.ptr_eq(&other.instances) || one.instances == other.instances)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_an_earlier_level_is_read_and_says_nothing_of_profiles() {
        let document = r#"{"id":"00000000-0000-0000-0000-000000000000","name":"staff","scope":[{"domain":"CORP",
            "allowed_groups":[],"allowed_ous":[],"denied_groups":[],"denied_ous":[]}]}"#;
        let policy: ServingPolicy = serde_json::from_str(document).unwrap();
        assert_eq!((policy.requirements, policy.scope[0].profile_attributes.len()), (None, 0));
        let written = serde_json::to_string(&policy).unwrap();
        assert!(!written.contains("requirements") && !written.contains("profile_attributes"), "{written}");
    }

    #[test]
    fn the_parts_add_up_to_the_document_and_a_large_one_gets_advice() {
        let scope = |groups: usize| ServedDomain {
            domain: "CORP".to_owned(),
            allowed_groups: vec![DistinguishedName::parse("CN=a group,DC=corp").unwrap(); groups],
            allowed_ous: Vec::new(),
            denied_groups: Vec::new(),
            denied_ous: Vec::new(),
            profile_attributes: Vec::new(),
        };
        let policy = |name: &str, groups| ServingPolicy {
            id: PolicyId(uuid::Uuid::nil()),
            name: name.to_owned(),
            scope: vec![scope(groups)],
            requirements: None,
        };
        let mut shown = Projection {
            format: FORMAT,
            realm: RealmId(uuid::Uuid::nil()),
            revision: Revision(1),
            leader: NodeId(1),
            nodes: Vec::new(),
            policies: vec![policy("small", 1)],
        };
        let whole = |sizes: &[SectionSize]| sizes.iter().map(|size| size.bytes).sum::<usize>();
        assert_eq!(whole(&shown.sizes()), shown.to_document().as_bytes().len());
        assert_eq!(advice(&shown.sizes()), None);
        shown.policies.push(policy("of many groups", 10_000));
        let told = advice(&shown.sizes()).unwrap_or_default();
        assert!(told.contains("is policy of many groups"), "{told}");
    }
}
