//! A connection stops to look in one of its profile attributes: whose profile is only there would have none any more, so the
//! directory is asked first, while the connection still names it.

use crate::ports::Ports;
use passquorum_domain::config::{ConfigChange, DomainConnection, Problem, RealmConfig};
use passquorum_domain::ports::{DirectoryError, HavingProfile, Listing};

/// What an administrator says to have it done all the same.
pub(crate) const FORCE: &str = "--abandon-former-profiles";

/// What would be left behind by a change, as faults of the configuration. A change that is not valid leaves nothing behind.
pub(crate) async fn left_behind(ports: &Ports, present: &RealmConfig, change: &ConfigChange) -> Vec<Problem> {
    let mut problems = Vec::new();
    let Ok(next) = present.with(change.clone()) else { return problems };
    for (place, after) in next.connections.iter().enumerate() {
        if let Some(before) = present.connection(after.id) {
            problems.extend(left_between(ports, before, place, after).await);
        }
    }
    problems
}

/// What would be left behind by people who are looked for through the connection in this place instead of through another.
pub(crate) async fn left_between(
    ports: &Ports,
    before: &DomainConnection,
    place: usize,
    after: &DomainConnection,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (attribute, having, field) in attributes(before) {
        if looks_in(after, attribute) {
            continue;
        }
        let alias = &before.alias;
        let first = match field {
            Field::Former => format!("run passquorum profiles migrate --alias {alias} first"),
            Field::Present => {
                format!("name it as the former one and run passquorum profiles migrate --alias {alias}")
            }
        };
        let why = match first_page(ports, before, having).await {
            Ok(0) => continue,
            Ok(number) => format!("at least {number} profiles are still in {attribute}: {first}"),
            Err(error) => {
                format!(
                    "the directory cannot be asked whether profiles are still in {attribute} ({error}): try again later"
                )
            }
        };
        problems.push(Problem {
            field: format!("connections[{place}].{}", field.name()),
            message: format!("{why}, or give them up with {FORCE}"),
        });
    }
    problems
}

/// Which attribute of a connection holds profiles.
#[derive(Clone, Copy)]
enum Field {
    Present,
    Former,
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Present => "profile_attribute",
            Self::Former => "former_profile_attribute",
        }
    }
}

fn attributes(connection: &DomainConnection) -> impl Iterator<Item = (&str, HavingProfile, Field)> {
    let former = connection.former_profile_attribute.as_deref();
    let former = former.map(|former| (former, HavingProfile::InFormerAttribute, Field::Former));
    let present = connection.profile_attribute.as_str();
    std::iter::once((present, HavingProfile::InPresentAttribute, Field::Present)).chain(former)
}

fn looks_in(connection: &DomainConnection, attribute: &str) -> bool {
    let former = connection.former_profile_attribute.iter();
    former.chain([&connection.profile_attribute]).any(|name| name.eq_ignore_ascii_case(attribute))
}

async fn first_page(
    ports: &Ports,
    connection: &DomainConnection,
    profile: HavingProfile,
) -> Result<usize, DirectoryError> {
    let directory = ports.directories.open(connection.id).await?;
    let listing = Listing { profile, ..Listing::default() };
    let mut pages = directory.list(&listing).await?;
    while let Some(page) = pages.next().await? {
        if !page.is_empty() {
            return Ok(page.len());
        }
    }
    Ok(0)
}
