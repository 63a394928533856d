//! Which users a management policy serves, and which people may administer or help.

use crate::directory::DistinguishedName;
use crate::ids::ConnectionId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The users of one domain connection that a policy serves. Denial wins over allowance; groups count nested members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserScope {
    /// The domain connection.
    pub connection: ConnectionId,
    /// Members of any of these groups are served.
    pub allowed_groups: Vec<DistinguishedName>,
    /// Users below any of these OUs are served.
    pub allowed_ous: Vec<DistinguishedName>,
    /// Members of any of these groups are not served.
    pub denied_groups: Vec<DistinguishedName>,
    /// Users below any of these OUs are not served.
    pub denied_ous: Vec<DistinguishedName>,
}

impl UserScope {
    /// The decision, from the user's DN and the groups (of all that this scope names) the user is a member of.
    #[must_use]
    pub fn includes(&self, dn: &DistinguishedName, member_of: &[DistinguishedName]) -> bool {
        matches!(self.decide(dn, member_of), ScopeDecision::Allowed(_))
    }

    /// The decision, and what made it.
    #[must_use]
    pub fn decide(&self, dn: &DistinguishedName, member_of: &[DistinguishedName]) -> ScopeDecision {
        let member = |groups: &[DistinguishedName]| {
            let group = groups.iter().find(|group| member_of.iter().any(|own| own.is_same(group)));
            group.cloned().map(ScopePart::Group)
        };
        let below =
            |ous: &[DistinguishedName]| ous.iter().find(|ou| dn.is_within(ou)).cloned().map(ScopePart::Ou);
        if let Some(denied) = member(&self.denied_groups).or_else(|| below(&self.denied_ous)) {
            return ScopeDecision::Denied(denied);
        }
        match member(&self.allowed_groups).or_else(|| below(&self.allowed_ous)) {
            Some(allowed) => ScopeDecision::Allowed(allowed),
            None => ScopeDecision::NotNamed,
        }
    }

    /// Every group whose membership the decision needs.
    pub fn groups(&self) -> impl Iterator<Item = &DistinguishedName> {
        self.allowed_groups.iter().chain(&self.denied_groups)
    }
}

/// Whether a scope has a user, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeDecision {
    /// It has, by this part.
    Allowed(ScopePart),
    /// This part keeps the user out, whatever else allows them.
    Denied(ScopePart),
    /// No part of it is about the user.
    NotNamed,
}

/// The part of a scope that a user falls under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopePart {
    /// A member of this group.
    Group(DistinguishedName),
    /// Below this OU.
    Ou(DistinguishedName),
}

impl fmt::Display for ScopePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(group) => write!(f, "member of {group}"),
            Self::Ou(ou) => write!(f, "below {ou}"),
        }
    }
}

/// People who hold a role on a site: members, nested too, of one group of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleScope {
    /// The domain connection.
    pub connection: ConnectionId,
    /// The group.
    pub group: DistinguishedName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denial_wins_over_allowance() {
        let dn = |text| DistinguishedName::parse(text).unwrap();
        let scope = UserScope {
            connection: ConnectionId(uuid::Uuid::nil()),
            allowed_groups: vec![dn("CN=Users,DC=x")],
            allowed_ous: vec![dn("OU=People,DC=x")],
            denied_groups: vec![dn("CN=Protected,DC=x")],
            denied_ous: vec![dn("OU=Admins,OU=People,DC=x")],
        };
        let user = dn("CN=a,OU=People,DC=x");
        assert!(scope.includes(&user, &[]));
        assert_eq!(scope.decide(&user, &[]), ScopeDecision::Allowed(ScopePart::Ou(dn("OU=People,DC=x"))));
        assert!(!scope.includes(&user, &[dn("cn=protected,dc=x")]));
        let denied = ScopeDecision::Denied(ScopePart::Group(dn("CN=Protected,DC=x")));
        assert_eq!(scope.decide(&user, &[dn("cn=protected,dc=x")]), denied);
        assert_eq!(scope.decide(&dn("CN=a,OU=Else,DC=x"), &[]), ScopeDecision::NotNamed);
        assert!(!scope.includes(&dn("CN=a,OU=Admins,OU=People,DC=x"), &[dn("CN=Users,DC=x")]));
        assert!(scope.includes(&dn("CN=a,OU=Else,DC=x"), &[dn("CN=users,DC=x")]));
        assert!(!scope.includes(&dn("CN=a,OU=Else,DC=x"), &[]));
        let typed = UserScope { denied_ous: vec![dn("OU=Staff, OU=People, DC=x")], ..scope };
        assert!(!typed.includes(&dn("CN=a,OU=Staff,OU=People,DC=x"), &[]), "blanks let nobody in");
    }
}
