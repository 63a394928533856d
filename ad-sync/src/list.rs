//! Lists of users, page by page (RFC 2696), for tasks that go over all of them: one pass holds one page in memory.
//!
//! The pages of one list come over one connection to one controller, since a controller's place in a list means nothing to
//! another one. A list that breaks off is begun anew by whoever needs it.

use crate::connection::{Connection, Entry, MAX_PAGE};
use crate::error::Fault;
use crate::filter;
use crate::profile::ProfileAttributes;
use crate::scope;
use passquorum_domain::directory::{DistinguishedName, ListedUser, UserRef};
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::ports::{DirectoryReason, HavingProfile, Listing};

/// Pages without anybody that a list may have: filters by rights may empty some, a broken controller sends them for ever.
const MOST_EMPTY: u32 = 1000;

/// A list that is being read.
pub(crate) struct List {
    connection: Connection,
    base: DistinguishedName,
    filter: String,
    /// The controller's note of the place; none before the first page and after the last.
    place: Place,
    empty: u32,
}

enum Place {
    Begin,
    After(Vec<u8>),
    End,
}

impl List {
    /// Prepares a list. Only a group's own identity is asked for.
    pub(crate) async fn begin(
        connection: &Connection,
        base: &DistinguishedName,
        listing: &Listing,
        profiles: &ProfileAttributes,
    ) -> Result<Self, Fault> {
        let (mut conditions, mut place) = (Vec::new(), Place::Begin);
        if let Some(group) = &listing.member_of {
            conditions.push(members(connection, group).await?);
        }
        match listing.profile {
            HavingProfile::OrNot => {}
            HavingProfile::Anywhere => {
                conditions.push(filter::any_of(profiles.names().map(filter::begins_with_profile)));
            }
            HavingProfile::InPresentAttribute => {
                conditions.extend(profiles.names().next().map(filter::begins_with_profile));
            }
            HavingProfile::InFormerAttribute => match profiles.former() {
                Some(former) => conditions.push(filter::begins_with_profile(former)),
                None => place = Place::End,
            },
        }
        let base = match &listing.below {
            Some(below) if !below.is_within(base) => return Err(Fault::Because(DirectoryReason::NotFound)),
            Some(below) => below.clone(),
            None => base.clone(),
        };
        let filter = filter::users_that(&conditions);
        Ok(Self { connection: connection.clone(), base, filter, place, empty: 0 })
    }

    /// The next page; none after the last.
    pub(crate) async fn next(
        &mut self,
        origin: (ConnectionId, &str),
    ) -> Result<Option<Vec<ListedUser>>, Fault> {
        let cookie = match std::mem::replace(&mut self.place, Place::End) {
            Place::Begin => Vec::new(),
            Place::After(cookie) => cookie,
            Place::End => return Ok(None),
        };
        let attributes = ["objectGUID", "sAMAccountName"];
        let page =
            self.connection.page(self.base.as_str(), &self.filter, &attributes, MAX_PAGE, cookie).await?;
        if !page.cookie.is_empty() {
            self.place = Place::After(page.cookie);
        }
        if page.entries.is_empty() {
            self.empty += 1;
        }
        if self.empty > MOST_EMPTY {
            return Err(Fault::NotDone);
        }
        Ok(Some(page.entries.iter().filter_map(|entry| listed(entry, origin)).collect()))
    }
}

/// A user who cannot be read is left out, so that one odd object does not end a task over everybody else.
fn listed(entry: &Entry, (connection, dc): (ConnectionId, &str)) -> Option<ListedUser> {
    let read = || {
        let user = UserRef { connection, guid: entry.guid()?, dc: dc.to_owned() };
        let dn = DistinguishedName::parse(entry.dn()).ok()?;
        Some(ListedUser { user, dn, account: entry.text("sAMAccountName")?.to_owned() })
    };
    let listed = read();
    if listed.is_none() {
        tracing::warn!(
            dn = entry.dn(),
            "a user is left out of a list, since its account or identity cannot be read"
        );
    }
    listed
}

/// Who is in a group: directly, through other groups, or because it, or one inside it, is the primary group.
async fn members(connection: &Connection, group: &DistinguishedName) -> Result<String, Fault> {
    let object = connection.read(group.as_str(), filter::ANY, &["objectSid"]).await?;
    let object = object.ok_or(Fault::Because(DirectoryReason::NotFound))?;
    let chain = filter::member_in_chain(group);
    let inside = filter::groups_that(&chain);
    let inside = connection.search_all(connection.domain(), &inside, &["objectSid"]).await?;
    let sids = std::iter::once(&object).chain(&inside).filter_map(|group| group.values("objectSid").pop());
    let primary = sids.filter_map(scope::relative_id).map(filter::primary_group);
    Ok(filter::any_of(std::iter::once(chain).chain(primary)))
}
