//! What a legacy client can tell, as its user, of whether that user has to register or update: from the mirror's document,
//! which says what each policy asks of a profile and where profiles are, and from what stands beside the sealed profile.
//!
//! It is a hint. The site decides, by what is inside the seal, which no client can read.

use crate::chunks;
use crate::client_view::{Opened, ReadError};
use crate::connection::Connection;
use crate::container::DOCUMENT;
use crate::error::{self, Fault};
use crate::filter;
use crate::find::{self, Origin};
use crate::profile;
use crate::scope;
use ldap3::Scope;
use passquorum_domain::directory::{DistinguishedName, LoginName, UserRecord};
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::mirror::{Projection, ServedDomain, ServingPolicy};
use passquorum_domain::ports::Found;
use passquorum_domain::profile::RequirementsDigest;
use passquorum_domain::scope::UserScope;
use std::fmt;

/// The name of the object that the realm is mirrored in, wherever in the domain it is.
const CONTAINER: &str = "_QPMStorageContainer";
/// More are not looked at.
const MOST: i32 = 8;

/// What a client says to its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    /// No policy serves this user.
    NotServed,
    /// There is no profile.
    MustRegister,
    /// The profile was made under other requirements.
    MustUpdate,
    /// The profile was made under the policy's requirements.
    UpToDate,
    /// It cannot be told; why.
    NotKnown(&'static str),
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotServed => f.write_str("no policy serves this user"),
            Self::MustRegister => f.write_str("the user must register"),
            Self::MustUpdate => f.write_str("the user must update the profile"),
            Self::UpToDate => f.write_str("the user's profile is up to date"),
            Self::NotKnown(why) => write!(f, "whether the user must register is not known: {why}"),
        }
    }
}

impl Opened {
    /// What a client would say to the user of this account.
    ///
    /// # Errors
    /// When the domain controller does not answer or refuses.
    pub async fn registration(&self, account: &str) -> Result<Registration, ReadError> {
        match look(self.connection(), account).await {
            Ok(registration) => Ok(registration),
            Err(Fault::Refused(result)) => {
                Err(ReadError::Refused(error::refused("", "read", &result).to_string()))
            }
            Err(Fault::NotDone | Fault::NoAnswer) => Err(ReadError::NoAnswer),
            Err(Fault::Because(reason)) => Err(ReadError::Refused(reason.to_string())),
        }
    }
}

async fn look(connection: &Connection, account: &str) -> Result<Registration, Fault> {
    use Registration::NotKnown;
    let (Ok(name), Ok(domain)) = (LoginName::parse(account), DistinguishedName::parse(connection.domain()))
    else {
        return Ok(NotKnown("the account is named neither as UPN nor as DOMAIN\\name"));
    };
    let Some(shown) = document(connection).await? else {
        return Ok(NotKnown("the domain holds no mirror that this account may read"));
    };
    let origin = Origin { connection: ConnectionId(uuid::Uuid::nil()), dc: "" };
    let Found::One(user) = find::find(connection, origin, &domain, &name).await? else {
        return Ok(NotKnown("the account is not found in the domain"));
    };
    let Some((policy, served)) = serving(connection, &shown, &domain, &user).await? else {
        return Ok(Registration::NotServed);
    };
    let Some(requirements) = policy.requirements.filter(|_| !served.profile_attributes.is_empty()) else {
        return Ok(NotKnown("the realm does not say what it asks of a profile yet"));
    };
    let attributes: Vec<&str> = served.profile_attributes.iter().map(String::as_str).collect();
    let entry = connection.read(user.dn.as_str(), filter::USER, &attributes).await?;
    let held = attributes.iter().find_map(|name| {
        entry.as_ref().and_then(|entry| entry.values(name).first().map(|value| value.to_vec()))
    });
    Ok(judge(requirements, held.as_deref()))
}

/// What follows from the value of the attribute.
fn judge(requirements: RequirementsDigest, held: Option<&[u8]>) -> Registration {
    let Some(held) = held else { return Registration::MustRegister };
    match profile::decode(held).map(|value| value.digest) {
        Ok(Some(digest)) if digest == requirements => Registration::UpToDate,
        Ok(Some(_)) => Registration::MustUpdate,
        Ok(None) => Registration::NotKnown("the profile does not say under which requirements it was made"),
        Err(_) => Registration::NotKnown("the attribute holds a value of another program"),
    }
}

async fn document(connection: &Connection) -> Result<Option<Projection>, Fault> {
    let filter = filter::point_named(CONTAINER);
    let found = connection.search(connection.domain(), Scope::Subtree, &filter, &[DOCUMENT], MOST).await?;
    Ok(found
        .iter()
        .filter_map(|entry| chunks::join(&entry.values(DOCUMENT)))
        .find_map(|document| serde_json::from_slice(document.as_bytes()).ok()))
}

/// The first policy that serves a user. Scopes of other domains name nothing in this one.
async fn serving<'s>(
    connection: &Connection,
    shown: &'s Projection,
    domain: &DistinguishedName,
    user: &UserRecord,
) -> Result<Option<(&'s ServingPolicy, &'s ServedDomain)>, Fault> {
    for policy in &shown.policies {
        for served in &policy.scope {
            let scope = UserScope {
                connection: user.user.connection,
                allowed_groups: served.allowed_groups.clone(),
                allowed_ous: served.allowed_ous.clone(),
                denied_groups: served.denied_groups.clone(),
                denied_ous: served.denied_ous.clone(),
            };
            let groups: Vec<_> = scope.groups().filter(|group| group.is_within(domain)).cloned().collect();
            let member_of = scope::member_of(connection, user.user.guid, &groups).await?;
            if scope.includes(&user.dn, &member_of) {
                return Ok(Some((policy, served)));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_the_profile_tells() {
        let requirements: RequirementsDigest = "0123456789abcdef".parse().unwrap();
        let tell = |held: Option<&str>| judge(requirements, held.map(str::as_bytes));
        assert_eq!(tell(None), Registration::MustRegister);
        assert_eq!(tell(Some("pq2:0123456789abcdef:AP8=")), Registration::UpToDate);
        assert_eq!(tell(Some("pq2:0123456789abcdee:AP8=")), Registration::MustUpdate);
        assert_eq!(tell(Some("pq2:0000000000000000:AP8=")), Registration::MustUpdate);
        for unknown in ["pq1:AP8=", "a note"] {
            assert!(matches!(tell(Some(unknown)), Registration::NotKnown(_)), "{unknown}");
        }
    }
}
