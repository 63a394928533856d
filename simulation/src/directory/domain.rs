//! What the simulated domain holds: users by `objectGUID`, groups, and the domain's rules.

use super::account::User;
use passquorum_domain::directory::{DistinguishedName, LoginName, ObjectGuid};
use passquorum_domain::time::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The domain's password and lockout policy.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Fewest characters.
    pub min_length: u32,
    /// How many passwords, the present one first, may not come back.
    pub history: u32,
    /// Wrong passwords until an account locks.
    pub lockout_threshold: u32,
    /// How long it stays locked, and after how long without one wrong passwords are forgotten.
    pub lockout_duration: Span,
}

/// The domain.
#[derive(Debug, Clone)]
pub struct Domain {
    /// Its rules.
    pub rules: Rules,
    /// Users.
    pub users: BTreeMap<ObjectGuid, User>,
    /// Groups, with the DNs of their direct members.
    pub groups: BTreeMap<DistinguishedName, Vec<DistinguishedName>>,
    /// The name that each object was last found by.
    pub found_by: BTreeMap<ObjectGuid, String>,
}

/// Whether two names are the same to a directory.
pub(super) fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

impl Domain {
    /// Everybody with this name.
    pub fn called(&self, name: &LoginName) -> Vec<(ObjectGuid, &User)> {
        let is = |user: &User| match name {
            LoginName::Account { account, .. } => same(&user.account, account),
            LoginName::Address(address) => same(&user.upn(), address) || same(&user.mail, address),
        };
        self.users.iter().filter(|(_, user)| is(user)).map(|(guid, user)| (*guid, user)).collect()
    }

    /// The group of this name as the domain writes it.
    pub(super) fn group(&self, dn: &DistinguishedName) -> Option<&DistinguishedName> {
        self.groups.keys().find(|group| same(group.as_str(), dn.as_str()))
    }

    /// The groups of a user: the primary one, direct ones and those around them.
    pub(super) fn groups_of(&self, user: &User) -> BTreeSet<DistinguishedName> {
        let mut found = BTreeSet::from([user.primary_group.clone()]);
        let mut open = vec![user.dn.clone(), user.primary_group.clone()];
        while let Some(member) = open.pop() {
            for (group, members) in &self.groups {
                let holds = members.iter().any(|dn| same(dn.as_str(), member.as_str()));
                if holds && found.insert(group.clone()) {
                    open.push(group.clone());
                }
            }
        }
        found
    }
}
