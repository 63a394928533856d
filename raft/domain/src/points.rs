//! Service connection points: the objects in Active Directory by which a client finds the Self-Service site of each node.
//!
//! Below `CN=One Identity,CN=System` of a domain lies one for each node of the realm that serves. Its `keywords` say
//! where the site is and when that was last known to be true; two of them tell whose it is. This module says what there
//! should be, and what to do about what there is. It must not know LDAP.
//!
//! Invariants: only what bears this realm's own name is ever touched by itself; a time stamp goes back only when it lies
//! in the future; nothing is written while everything is true and young enough.

use crate::blob::Blob;
use crate::directory::DistinguishedName;
use crate::ids::{NodeId, RealmId};
use crate::instance::Instance;
use crate::ports::{Fence, PointsError};
use crate::state::State;
use crate::time::{Span, Timestamp};
use crate::utc;
use serde::{Deserialize, Serialize};

/// What the points of a domain lie in, below the domain itself.
pub const CONTAINER: &str = "CN=One Identity,CN=System";
/// How old a time stamp becomes before it is written anew.
pub const REFRESH: Span = Span::hours(1);
/// A client leaves alone what is older: nobody has kept it true.
pub const FRESH_FOR: Span = Span::hours(24);
/// The most characters of one keyword (`rangeUpper` of the attribute).
pub const MAX_KEYWORD: usize = 256;
/// A time stamp may be so far ahead of this node's clock; leaders' clocks differ.
const AHEAD: Span = Span::minutes(10);

const SERVER_URLS: &str = "CONFIGURATION.SERVER_URLS";
const TIME_STAMP: &str = "CONFIGURATION.TIME_STAMP";
const PRODUCT_VERSION: &str = "VERSION.ProductVersion";
const REALM: &str = "passquorum.realm";
const NODE: &str = "passquorum.node";

/// What the point of one node should show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The realm.
    pub realm: RealmId,
    /// The node.
    pub node: NodeId,
    /// Where its Self-Service site is, under the path that the replaced product had.
    pub url: String,
}

impl Point {
    fn of(realm: RealmId, instance: &Instance) -> Self {
        let url = format!("{}/PMUser/", instance.site_url.trim_end_matches('/'));
        Self { realm, node: instance.id, url }
    }

    /// Its common name.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}{}", Self::names_begin(self.realm), self.node)
    }

    /// How the common names of a realm's points begin.
    #[must_use]
    pub fn names_begin(realm: RealmId) -> String {
        format!("passquorum-{realm}-")
    }

    /// Its keywords, in order. The version is this program's own: what a client of the replaced product would make of
    /// another one's is not known.
    #[must_use]
    pub fn keywords(&self, stamp: Timestamp) -> Vec<String> {
        let mut keywords = self.lasting();
        keywords.push(format!("{TIME_STAMP}={}", utc::format(stamp)));
        keywords
    }

    fn lasting(&self) -> Vec<String> {
        vec![
            format!("{SERVER_URLS}={}", self.url),
            format!("{PRODUCT_VERSION}={}", env!("CARGO_PKG_VERSION")),
            format!("{REALM}={}", self.realm),
            format!("{NODE}={}", self.node),
        ]
    }

    fn is_too_long(&self) -> bool {
        self.lasting().iter().any(|keyword| keyword.chars().count() > MAX_KEYWORD)
    }
}

/// The points that a state asks for: one for each active node, in order; none before there is a realm.
#[must_use]
pub fn wanted(state: &State) -> Vec<Point> {
    let Some(realm) = state.realm() else { return Vec::new() };
    let active = state.instances().filter(|instance| instance.is_active());
    active.map(|instance| Point::of(realm.id, instance)).collect()
}

/// A service connection point that was found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPoint {
    /// Its DN.
    pub dn: DistinguishedName,
    /// Its common name.
    pub name: String,
    /// Its keywords, in no order.
    pub keywords: Vec<String>,
    /// Its `serviceBindingInformation`, which is the URL again.
    pub bindings: Vec<String>,
    /// What stands where this realm keeps the fence.
    pub token: Option<Blob>,
    /// The same, when it is one.
    pub fence: Option<Fence>,
}

/// Whose a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Owner {
    /// This realm's, for one node.
    Node {
        /// The node.
        node: NodeId,
    },
    /// Another realm's.
    OtherRealm {
        /// Which.
        realm: RealmId,
    },
    /// Another program's.
    Foreign,
}

impl FoundPoint {
    /// Whose it is. This realm's own are told by their name alone, which nobody else gives.
    #[must_use]
    pub fn owner(&self, realm: RealmId) -> Owner {
        let prefix = format!("passquorum-{realm}-");
        let node = self.name.strip_prefix(&prefix).and_then(|digits| {
            let node = digits.parse().ok().map(NodeId)?;
            (node.to_string() == digits).then_some(node)
        });
        if let Some(node) = node {
            return Owner::Node { node };
        }
        match self.keyword(REALM).and_then(|realm| realm.parse().ok()) {
            Some(other) if other != realm => Owner::OtherRealm { realm: other },
            _ => Owner::Foreign,
        }
    }

    fn keyword(&self, name: &str) -> Option<&str> {
        self.keywords.iter().find_map(|keyword| keyword.strip_prefix(name)?.strip_prefix('='))
    }

    /// When it was last known to be true.
    #[must_use]
    pub fn stamp(&self) -> Option<Timestamp> {
        utc::parse(self.keyword(TIME_STAMP)?)
    }

    /// The time stamp as it stands there.
    #[must_use]
    pub fn stamp_text(&self) -> Option<&str> {
        self.keyword(TIME_STAMP)
    }

    /// The sites that it names.
    #[must_use]
    pub fn urls(&self) -> Vec<&str> {
        let urls = self.keyword(SERVER_URLS).unwrap_or_default();
        urls.split(';').map(str::trim).filter(|url| !url.is_empty()).collect()
    }

    /// The program's version.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.keyword(PRODUCT_VERSION)
    }

    /// Whether it shows just this, at whatever time.
    fn shows(&self, point: &Point) -> bool {
        let lasting = point.lasting();
        let is_there = |keyword: &String| self.keywords.contains(keyword);
        self.keywords.len() == lasting.len() + 1
            && lasting.iter().all(is_there)
            && self.bindings == [point.url.as_str()]
    }
}

/// A point as operators are shown it. Serialised, this is a row of `passquorum directory points list --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedPoint {
    /// The alias of the domain connection.
    pub domain: String,
    /// Its DN.
    pub dn: DistinguishedName,
    /// Whose it is.
    pub owner: Owner,
    /// The sites that it names.
    pub urls: Vec<String>,
    /// Its time stamp, in whatever form it has.
    pub stamp: Option<String>,
    /// How old that is, in seconds; unknown when it is in no form that is known.
    pub age: Option<u64>,
    /// The program's version.
    pub version: Option<String>,
    /// What to make of it.
    pub verdict: Verdict,
}

/// What to make of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// This realm keeps it.
    Kept,
    /// This realm's, but nobody has refreshed it; clients leave it alone.
    Stale,
    /// This realm's, of a node that is no part of it; the leader withdraws it.
    Left,
    /// Not this realm's, and fresh: somebody keeps it.
    ForeignFresh,
    /// Not this realm's, and old or of no age that is known.
    ForeignStale,
}

impl ListedPoint {
    /// A point that was found, as seen from a state now.
    #[must_use]
    pub fn of(domain: &str, found: &FoundPoint, state: &State, now: Timestamp) -> Self {
        let owner = state.realm().map_or(Owner::Foreign, |realm| found.owner(realm.id));
        let age = found.stamp().map(|stamp| now.since(stamp));
        let fresh = age.is_some_and(|age| age < FRESH_FOR);
        let active = |node| state.instance(node).is_some_and(Instance::is_active);
        let verdict = match owner {
            Owner::Node { node } if !active(node) => Verdict::Left,
            Owner::Node { .. } if fresh => Verdict::Kept,
            Owner::Node { .. } => Verdict::Stale,
            Owner::OtherRealm { .. } | Owner::Foreign if fresh => Verdict::ForeignFresh,
            Owner::OtherRealm { .. } | Owner::Foreign => Verdict::ForeignStale,
        };
        Self {
            domain: domain.to_owned(),
            dn: found.dn.clone(),
            owner,
            urls: found.urls().into_iter().map(str::to_owned).collect(),
            stamp: found.stamp_text().map(str::to_owned),
            age: age.map(|age| age.0 / 1000),
            version: found.version().map(str::to_owned),
            verdict,
        }
    }
}

impl Verdict {
    /// In words, with what to do.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Kept => "kept by this realm",
            Self::Stale => "of this realm, but not refreshed: see the mirror in `passquorum status`",
            Self::Left => "of a node that left; the leader withdraws it",
            Self::ForeignFresh => "of another realm or product that keeps it fresh; clients may go there",
            Self::ForeignStale => {
                "of another realm or product, and old; remove it if nobody uses that any more"
            }
        }
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    /// To write a point, anew or in place of what was seen.
    Publish {
        /// What is there.
        seen: Option<&'a FoundPoint>,
        /// What should be.
        point: Point,
        /// Its time stamp.
        stamp: Timestamp,
    },
    /// To take away the point of a node that serves no more.
    Withdraw(&'a FoundPoint),
    /// Nothing, since the node's URL finds no room.
    GiveUp(NodeId),
}

/// What a leader has to do about the points that it found, under its fence. The first write of each reign raises the
/// fence of every point, so that what an earlier leader sent and what is still on its way finds nothing to replace.
///
/// # Errors
/// [`PointsError::Stale`] when a newer leader has written any of them.
pub fn plan<'a>(
    realm: RealmId,
    wanted: Vec<Point>,
    found: &'a [FoundPoint],
    own: Fence,
    now: Timestamp,
) -> Result<Vec<Step<'a>>, PointsError> {
    let ours = |point: &&FoundPoint| matches!(point.owner(realm), Owner::Node { .. });
    if let Some(newer) = found.iter().filter(ours).filter_map(|point| point.fence).find(|fence| *fence > own)
    {
        return Err(PointsError::Stale { found: newer, own });
    }
    let is_wanted = |node| wanted.iter().any(|point| point.node == node);
    let left =
        found.iter().filter(|point| matches!(point.owner(realm), Owner::Node { node } if !is_wanted(node)));
    let mut steps: Vec<_> = left.map(Step::Withdraw).collect();
    for point in wanted {
        let seen = found.iter().find(|found| found.owner(realm) == Owner::Node { node: point.node });
        let stamp = seen.and_then(FoundPoint::stamp).filter(|stamp| *stamp <= now.plus(AHEAD));
        let is_true = seen
            .is_some_and(|seen| seen.fence.is_some_and(|fence| fence.term == own.term) && seen.shows(&point));
        if !is_true || stamp.is_none_or(|stamp| now.since(stamp) >= REFRESH) {
            if point.is_too_long() {
                steps.push(Step::GiveUp(point.node));
                continue;
            }
            let stamp = stamp.map_or(now, |stamp| stamp.max(now));
            steps.push(Step::Publish { seen, point, stamp });
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests;
