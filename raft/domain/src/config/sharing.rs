//! One connection is shared by all that need its domain: where each is used, and whether a change would make a second one for
//! the same users.

use super::{ConfigChange, DirectoryEndpoint, DomainConnection, Problem, RealmConfig};
use crate::feature_level::FeatureLevel;
use crate::ids::{ConnectionId, PolicyId};
use crate::scope::RoleScope;

/// One use of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionUse<'a> {
    /// A policy serves users of it, or is helped by people of it.
    Policy(PolicyId, &'a str),
    /// A group of it may use the Admin site.
    Administrators,
    /// A group of it may use the Helpdesk site.
    Helpdesk,
    /// The realm is mirrored there.
    Mirror,
}

impl RealmConfig {
    /// Where a connection is used.
    #[must_use]
    pub fn uses_of(&self, id: ConnectionId) -> Vec<ConnectionUse<'_>> {
        let names = |scopes: &[RoleScope]| scopes.iter().any(|scope| scope.connection == id);
        let uses = self.policies.iter().filter(|policy| {
            policy.scope.iter().any(|one| one.connection == id) || names(&policy.helpdesk.groups)
        });
        let mirrored = self.general.mirror.as_ref().is_some_and(|mirror| mirror.connection == id);
        let others = [
            (names(&self.administrators), ConnectionUse::Administrators),
            (names(&self.helpdesk), ConnectionUse::Helpdesk),
            (mirrored, ConnectionUse::Mirror),
        ];
        let others = others.into_iter().filter(|(is_used, _)| *is_used).map(|(_, one)| one);
        uses.map(|policy| ConnectionUse::Policy(policy.id, &policy.name)).chain(others).collect()
    }

    /// Each connection that a change would make the second one for the same users, at a level. What is there already is let be. This is
    /// looked at before a change is proposed, since a realm that was configured before this rule must stay editable.
    #[must_use]
    pub fn doubled_by(&self, level: FeatureLevel, change: &ConfigChange) -> Vec<Problem> {
        let Ok(next) = self.with(change.clone()) else { return Vec::new() };
        let were_two = |one: &DomainConnection, other: &DomainConnection| {
            let (one, other) = (self.connection(one.id), self.connection(other.id));
            one.zip(other).is_some_and(|(one, other)| is_double(level, one, other))
        };
        let mut problems = Vec::new();
        for (place, connection) in next.connections.iter().enumerate() {
            let before = next.connections.iter().take(place);
            let mut doubles = before.filter(|other| is_double(level, other, connection));
            if let Some(other) = doubles.find(|other| !were_two(other, connection)) {
                let message = format!(
                    "the connection {} reaches the same users; share that one, or search below an OU of its own",
                    other.alias
                );
                problems.push(Problem { field: format!("connections[{place}].base"), message });
            }
        }
        problems
    }
}

impl DomainConnection {
    /// Whether somebody may be found through both, as one object.
    #[must_use]
    pub fn may_share_users(&self, other: &Self) -> bool {
        match (&self.endpoint, &other.endpoint) {
            (DirectoryEndpoint::Ldaps(one), DirectoryEndpoint::Ldaps(other)) => {
                one.base.is_within(&other.base) || other.base.is_within(&one.base)
            }
            (DirectoryEndpoint::Embedded, DirectoryEndpoint::Embedded) => true,
            _ => false,
        }
    }
}

/// From the third level on a person may be reached in several ways, so that a second connection makes sense which asks other
/// controllers or is bound as another account.
fn is_double(level: FeatureLevel, one: &DomainConnection, other: &DomainConnection) -> bool {
    match (&one.endpoint, &other.endpoint) {
        (DirectoryEndpoint::Ldaps(one), DirectoryEndpoint::Ldaps(other)) => {
            let asks_alike = one.servers == other.servers && one.bind_name == other.bind_name;
            one.base.is_same(&other.base) && (asks_alike || level < FeatureLevel::THIRD)
        }
        _ => false,
    }
}
