//! A connection stops to look in its former profile attribute: whose profile is only there would have none any more, so the
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
        let Some(before) = present.connection(after.id) else { continue };
        let Some(former) =
            before.former_profile_attribute.as_deref().filter(|former| !looks_in(after, former))
        else {
            continue;
        };
        let alias = &before.alias;
        let why = match first_page(ports, before).await {
            Ok(0) => continue,
            Ok(number) => format!(
                "at least {number} profiles are still in {former}: run passquorum profiles migrate --alias {alias} first"
            ),
            Err(error) => {
                format!(
                    "the directory cannot be asked whether profiles are still in {former} ({error}): try again later"
                )
            }
        };
        problems.push(Problem {
            field: format!("connections[{place}].former_profile_attribute"),
            message: format!("{why}, or give them up with {FORCE}"),
        });
    }
    problems
}

fn looks_in(connection: &DomainConnection, attribute: &str) -> bool {
    let former = connection.former_profile_attribute.iter();
    former.chain([&connection.profile_attribute]).any(|name| name.eq_ignore_ascii_case(attribute))
}

async fn first_page(ports: &Ports, connection: &DomainConnection) -> Result<usize, DirectoryError> {
    let directory = ports.directories.open(connection.id).await?;
    let listing = Listing { profile: HavingProfile::InFormerAttribute, ..Listing::default() };
    let mut pages = directory.list(&listing).await?;
    while let Some(page) = pages.next().await? {
        if !page.is_empty() {
            return Ok(page.len());
        }
    }
    Ok(0)
}
