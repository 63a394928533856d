//! One domain in memory, which can be told to be down, to lose its answers, or to refuse a password.

#![expect(clippy::unwrap_used, reason = "a fake that is wrong must stop the test")]

use super::{CONNECTION, SECOND, lock};
use async_trait::async_trait;
use passquorum_domain::blob::Blob;
use passquorum_domain::config::{DirectoryEndpoint, DomainConnection};
use passquorum_domain::directory::*;
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::points::{FoundPoint, Point};
use passquorum_domain::ports::*;
use passquorum_domain::profile::{HeldProfile, Place, ProfileValue};
use passquorum_domain::secret::Password;
use passquorum_domain::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// How the next changing directory call fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Controller {
    Up,
    /// Cannot be reached.
    Down,
    /// Does what is asked, but its answer is lost.
    Mute,
    /// Refuses the next new password as one of the history.
    Remembers,
    /// Says that the access account may not do the next change.
    Forbids,
    /// Fails whatever is asked, for this reason.
    Fails(DirectoryReason),
}

#[derive(Debug, Clone)]
pub(crate) struct FakeUser {
    pub(crate) record: UserRecord,
    pub(crate) password: String,
    pub(crate) groups: Vec<DistinguishedName>,
    pub(crate) profile: Option<ProfileValue>,
    /// How often that was written, by whomever.
    pub(crate) profile_version: u32,
    /// Whether the former attribute holds one.
    pub(crate) has_former: bool,
}

impl FakeUser {
    fn held_profile(&self) -> HeldProfile {
        let place = Place { attribute: "comment".into(), version: Some(self.profile_version) };
        HeldProfile::in_one(self.profile.clone(), place)
    }
}

pub(crate) struct FakeDirectory {
    pub(super) users: Mutex<BTreeMap<[u8; 16], FakeUser>>,
    pub(super) controller: Mutex<Controller>,
    /// Changing calls that reached the controller, in order.
    pub(crate) changes: Mutex<Vec<&'static str>>,
    /// The controllers of visitors' computers that it was told of.
    pub(crate) near: Mutex<Vec<String>>,
    /// Groups that are gone.
    lost: Mutex<Vec<DistinguishedName>>,
    /// What is kept for legacy clients.
    pub(crate) legacy: Arc<Legacy>,
}

/// Service connection points, and the container that the realm is mirrored in.
#[derive(Default)]
pub(crate) struct Legacy {
    pub(crate) points: Mutex<Vec<FoundPoint>>,
    pub(crate) held: Mutex<Option<Held>>,
    pub(crate) is_mirrored: Mutex<bool>,
}

impl Legacy {
    fn not_theirs() -> DirectoryError {
        FakeDirectory::error("write", DirectoryReason::Refused, Retry::Pointless)
    }

    /// Puts a point there, with these keywords.
    pub(crate) fn put(&self, name: &str, keywords: Vec<String>) -> DistinguishedName {
        let dn =
            DistinguishedName::parse(&format!("CN={name},CN=One Identity,CN=System,DC=example")).unwrap();
        let (name, bindings) = (name.to_owned(), Vec::new());
        let point = FoundPoint { dn: dn.clone(), name, keywords, bindings, token: None, fence: None };
        lock(&self.points).push(point);
        dn
    }
}

#[async_trait]
impl ConnectionPoints for Legacy {
    async fn mark(&self) -> Result<Mark, PointsError> {
        Ok(Mark(0))
    }

    async fn list(&self) -> Result<Vec<FoundPoint>, PointsError> {
        Ok(lock(&self.points).clone())
    }

    async fn publish(
        &self,
        _: Option<&FoundPoint>,
        _: &Point,
        _: Timestamp,
        _: Fence,
    ) -> Result<(), PointsError> {
        // The sites publish nothing.
        Err(Self::not_theirs().into())
    }

    async fn remove(&self, point: &FoundPoint) -> Result<(), PointsError> {
        lock(&self.points).retain(|held| held != point);
        Ok(())
    }
}

#[async_trait]
impl Container for Legacy {
    async fn read(&self) -> Result<Option<Held>, ContainerError> {
        Ok(lock(&self.held).clone())
    }

    async fn remove(&self) -> Result<(), ContainerError> {
        *lock(&self.held) = None;
        Ok(())
    }

    async fn swap(&self, _: Option<Fence>, _: Fence, _: &Blob) -> Result<(), ContainerError> {
        // The sites write no container.
        Err(Self::not_theirs().into())
    }
}

impl FakeDirectory {
    pub(super) fn of(users: impl IntoIterator<Item = FakeUser>) -> Self {
        Self {
            users: Mutex::new(users.into_iter().map(|user| (user.record.user.guid.0, user)).collect()),
            controller: Mutex::new(Controller::Up),
            changes: Mutex::new(Vec::new()),
            near: Mutex::default(),
            lost: Mutex::default(),
            legacy: Arc::default(),
        }
    }

    /// Has a group no more.
    pub(crate) fn lose(&self, group: &str) {
        lock(&self.lost).push(DistinguishedName::parse(group).unwrap());
    }

    /// Has a user in it as well.
    pub(crate) fn add(&self, user: FakeUser) {
        lock(&self.users).insert(user.record.user.guid.0, user);
    }

    pub(crate) fn set_controller(&self, controller: Controller) {
        *lock(&self.controller) = controller;
    }

    pub(crate) fn user(&self, account: &str) -> FakeUser {
        lock(&self.users).values().find(|user| user.record.account == account).cloned().unwrap()
    }

    pub(crate) fn edit(&self, account: &str, edit: impl FnOnce(&mut FakeUser)) {
        let mut users = lock(&self.users);
        let user = users.values_mut().find(|user| user.record.account == account).unwrap();
        let before = user.profile.clone();
        edit(user);
        user.profile_version += u32::from(user.profile != before);
    }

    fn error(operation: &'static str, reason: DirectoryReason, retry: Retry) -> DirectoryError {
        DirectoryError { dc: "dc1.example.com".into(), operation, reason, ad_code: None, retry }
    }

    fn reach(&self, operation: &'static str) -> Result<(), DirectoryError> {
        match *lock(&self.controller) {
            Controller::Down => Err(Self::error(operation, DirectoryReason::Unreachable, Retry::Safe)),
            Controller::Fails(reason) => Err(Self::error(operation, reason, Retry::Pointless)),
            _ => Ok(()),
        }
    }

    fn change(
        &self,
        operation: &'static str,
        user: &UserRef,
        edit: impl FnOnce(&mut FakeUser) -> Result<(), DirectoryReason>,
    ) -> Result<(), DirectoryError> {
        self.reach(operation)?;
        let refused = |reason| Self::error(operation, reason, Retry::Pointless);
        let mut users = lock(&self.users);
        let user = users.get_mut(&user.guid.0).ok_or_else(|| refused(DirectoryReason::NotFound))?;
        let mut controller = lock(&self.controller);
        let reason = match *controller {
            Controller::Remembers => Some(DirectoryReason::PasswordPolicy),
            Controller::Forbids => Some(DirectoryReason::AccessDenied),
            Controller::Up | Controller::Down | Controller::Fails(_) | Controller::Mute => None,
        };
        if let Some(reason) = reason {
            *controller = Controller::Up;
            return Err(refused(reason));
        }
        edit(user).map_err(refused)?;
        lock(&self.changes).push(operation);
        match *controller {
            Controller::Mute => Err(Self::error(operation, DirectoryReason::NoAnswer, Retry::Unknown)),
            _ => Ok(()),
        }
    }

    fn get(&self, operation: &'static str, user: &UserRef) -> Result<FakeUser, DirectoryError> {
        self.reach(operation)?;
        let gone = || Self::error(operation, DirectoryReason::NotFound, Retry::Pointless);
        lock(&self.users).get(&user.guid.0).cloned().ok_or_else(gone)
    }
}

#[async_trait]
impl Directory for FakeDirectory {
    async fn find(&self, name: &LoginName) -> Result<Found, DirectoryError> {
        self.reach("find")?;
        let same = |left: &str, right: &str| left.to_lowercase() == right.to_lowercase();
        let matches = |user: &&FakeUser| match name {
            LoginName::Account { account, .. } => same(account, &user.record.account),
            LoginName::Address(address) => {
                [&user.record.upn, &user.record.mail].into_iter().flatten().any(|own| same(own, address))
            }
        };
        let users = lock(&self.users);
        let mut found = users.values().filter(matches);
        Ok(match (found.next(), found.next()) {
            (None, _) => Found::Nobody,
            (Some(user), None) => Found::One(Box::new(user.record.clone())),
            _ => Found::Several,
        })
    }

    async fn find_near(&self, name: &LoginName, near: &ClientController) -> Result<Found, DirectoryError> {
        lock(&self.near).push(near.as_str().to_owned());
        self.find(name).await
    }

    async fn read(&self, user: &UserRef) -> Result<UserRecord, DirectoryError> {
        self.get("read", user).map(|user| user.record)
    }

    async fn member_of(
        &self,
        user: &UserRecord,
        groups: &[DistinguishedName],
    ) -> Result<Vec<DistinguishedName>, DirectoryError> {
        let own = self.get("member of", &user.user)?.groups;
        if groups.iter().any(|group| lock(&self.lost).contains(group)) {
            return Err(Self::error("member of", DirectoryReason::NotFound, Retry::Pointless));
        }
        Ok(groups.iter().filter(|group| own.contains(group)).cloned().collect())
    }

    async fn list(&self, listing: &Listing) -> Result<Box<dyn UserPages>, DirectoryError> {
        self.reach("list")?;
        let is_meant = |user: &&FakeUser| {
            listing.below.as_ref().is_none_or(|below| user.record.dn.is_within(below))
                && listing.member_of.as_ref().is_none_or(|group| user.groups.contains(group))
                && match listing.profile {
                    HavingProfile::OrNot => true,
                    HavingProfile::Anywhere | HavingProfile::InPresentAttribute => user.profile.is_some(),
                    HavingProfile::InFormerAttribute => user.has_former,
                }
        };
        let listed = |user: &FakeUser| ListedUser {
            user: user.record.user.clone(),
            dn: user.record.dn.clone(),
            account: user.record.account.clone(),
        };
        let users: Vec<_> = lock(&self.users).values().filter(is_meant).map(listed).collect();
        Ok(Box::new(vec![users].into_iter()))
    }

    async fn check_password(
        &self,
        user: &UserRecord,
        password: &Password,
    ) -> Result<PasswordCheck, DirectoryError> {
        let user = self.get("check password", &user.user)?;
        Ok(if user.record.status.locked {
            PasswordCheck::Barred(BarredReason::Locked)
        } else if user.password == password.expose() {
            PasswordCheck::Right
        } else {
            PasswordCheck::Wrong
        })
    }

    async fn reset_password(
        &self,
        user: &UserRef,
        new: &Password,
        options: ResetOptions,
    ) -> Result<(), DirectoryError> {
        self.change("reset password", user, |user| {
            user.password = new.expose().to_owned();
            user.record.status.locked &= !options.unlock;
            user.record.status.must_change_password = options.must_change;
            Ok(())
        })
    }

    async fn change_password(
        &self,
        user: &UserRef,
        old: &Password,
        new: &Password,
    ) -> Result<(), DirectoryError> {
        self.change("change password", user, |user| {
            if user.password != old.expose() {
                return Err(DirectoryReason::WrongPassword);
            }
            user.password = new.expose().to_owned();
            Ok(())
        })
    }

    async fn unlock(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.change("unlock", user, |user| {
            user.record.status.locked = false;
            Ok(())
        })
    }

    async fn enable(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.change("enable", user, |user| {
            user.record.status.disabled = false;
            Ok(())
        })
    }

    async fn set_must_change(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.change("must change", user, |user| {
            user.record.status.must_change_password = true;
            Ok(())
        })
    }

    async fn password_rules(&self, _: &UserRef) -> Result<DomainPasswordRules, DirectoryError> {
        self.reach("password rules")?;
        Ok(DomainPasswordRules { source: RulesSource::Domain, min_length: 10, complexity: true, history: 24 })
    }

    async fn read_profile(&self, user: &UserRef) -> Result<HeldProfile, DirectoryError> {
        self.get("read profile", user).map(|user| user.held_profile())
    }

    async fn write_profile(
        &self,
        user: &UserRef,
        expected: &HeldProfile,
        new: Option<&ProfileValue>,
    ) -> Result<(), DirectoryError> {
        self.change("write profile", user, |user| {
            let held = user.held_profile();
            let moved_on = new.is_some() && held.next.version != expected.next.version;
            if held.value != expected.value || moved_on {
                return Err(DirectoryReason::Changed);
            }
            user.profile = new.cloned();
            user.profile_version += 1;
            Ok(())
        })
    }

    async fn check(&self) -> Result<(), DirectoryError> {
        self.reach("check")
    }
}

/// One domain, by two connections.
pub(super) struct OneDomain(pub(super) Arc<FakeDirectory>, pub(super) Arc<FakeDirectory>);

#[async_trait]
impl Directories for OneDomain {
    async fn open(&self, connection: ConnectionId) -> Result<Arc<dyn Directory>, DirectoryError> {
        match connection {
            CONNECTION => Ok(self.0.clone()),
            SECOND => Ok(self.1.clone()),
            _ => Err(FakeDirectory::error("open", DirectoryReason::NotFound, Retry::Pointless)),
        }
    }

    /// Takes every access account but `wrong`.
    async fn try_out(&self, connection: &DomainConnection) -> Result<(), DirectoryError> {
        match &connection.endpoint {
            DirectoryEndpoint::Ldaps(ldaps) if ldaps.bind_name == "wrong" => {
                Err(FakeDirectory::error("bind", DirectoryReason::BindRefused, Retry::Pointless))
            }
            _ => self.0.check().await,
        }
    }

    async fn points(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<Arc<dyn ConnectionPoints>>, DirectoryError> {
        self.open(connection).await?.check().await?;
        Ok(Some(Arc::clone(&self.0.legacy) as _))
    }

    async fn mirrored(&self) -> Result<Option<Arc<dyn Container>>, ContainerError> {
        Ok(lock(&self.0.legacy.is_mirrored).then(|| Arc::clone(&self.0.legacy) as _))
    }
}
