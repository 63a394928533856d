//! The domain's port on the simulated directory.

use super::account::{User, Verdict};
use super::{Domain, Kind, Note, SimulatedDirectory};
use crate::ledger::Change;
use async_trait::async_trait;
use passquorum_domain::config::DomainConnection;
use passquorum_domain::directory::{
    DistinguishedName, DomainPasswordRules, ListedUser, LoginName, ObjectGuid, UserRecord, UserRef,
};
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::ports::{
    Directories, Directory, DirectoryError, DirectoryReason, Found, HavingProfile, Listing, PasswordCheck,
    ResetOptions, UserPages,
};
use passquorum_domain::profile::{HeldProfile, ProfileValue};
use passquorum_domain::secret::Password;
use passquorum_domain::time::Timestamp;
use std::sync::Arc;

impl SimulatedDirectory {
    fn reference(&self, guid: ObjectGuid) -> UserRef {
        UserRef { connection: self.connection, guid, dc: super::DC.to_owned() }
    }

    /// The object that a reset changes: the one that is named, unless a bug is planted.
    fn target_of_reset(&self, guid: ObjectGuid) -> ObjectGuid {
        if !self.controller.by_name {
            return guid;
        }
        self.controller.with(|domain| {
            let name = domain.found_by.get(&guid);
            let now = name.and_then(|name| domain.users.iter().find(|(_, user)| user.account == *name));
            now.map_or(guid, |(now, _)| *now)
        })
    }

    /// A change of one user that the access account makes.
    async fn change(
        &self,
        operation: &'static str,
        guid: ObjectGuid,
        change: Change,
        act: impl FnOnce(&mut User, &Domain, Timestamp) -> Result<(), DirectoryReason> + Send + 'static,
    ) -> Result<(), DirectoryError> {
        self.call(operation, Kind::Changes(guid), move |domain, now, note: Note<'_>| {
            let mut user = domain.users.get(&guid).cloned().ok_or(DirectoryReason::NotFound)?;
            user.must_be_served()?;
            act(&mut user, domain, now)?;
            domain.users.insert(guid, user);
            note.made(guid, change);
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl Directory for SimulatedDirectory {
    async fn find(&self, name: &LoginName) -> Result<Found, DirectoryError> {
        let (this, name) = (self.clone(), name.clone());
        self.call("find user", Kind::Reads, move |domain, now, _| {
            let found = domain.called(&name).into_iter();
            let record =
                |(guid, user): (ObjectGuid, &User)| user.record(this.reference(guid), &domain.rules, now);
            let mut records: Vec<_> = found.map(record).collect();
            Ok(match (records.pop(), records.is_empty()) {
                (None, _) => Found::Nobody,
                (Some(record), true) => {
                    domain.found_by.insert(record.user.guid, record.account.clone());
                    Found::One(Box::new(record))
                }
                _ => Found::Several,
            })
        })
        .await
    }

    async fn list(&self, listing: &Listing) -> Result<Box<dyn UserPages>, DirectoryError> {
        let (this, listing) = (self.clone(), listing.clone());
        let users = self.call("list users", Kind::Reads, move |domain, now, _| {
            let group = match &listing.member_of {
                Some(group) => Some(domain.group(group).ok_or(DirectoryReason::NotFound)?),
                None => None,
            };
            let has_profile = |user: &User| match listing.profile {
                HavingProfile::OrNot => true,
                HavingProfile::Anywhere | HavingProfile::InPresentAttribute => user.profile.is_some(),
                HavingProfile::InFormerAttribute => false,
            };
            let listed = domain
                .users
                .iter()
                .filter(|(_, user)| group.is_none_or(|group| domain.groups_of(user).contains(group)))
                .filter(|(_, user)| has_profile(user))
                .map(|(guid, user)| user.record(this.reference(*guid), &domain.rules, now))
                .filter(|record| listing.below.as_ref().is_none_or(|below| record.dn.is_within(below)))
                .map(|UserRecord { user, dn, account, .. }| ListedUser { user, dn, account });
            Ok(listed.collect::<Vec<_>>())
        });
        Ok(Box::new(vec![users.await?].into_iter()))
    }

    async fn read(&self, user: &UserRef) -> Result<UserRecord, DirectoryError> {
        let (guid, reference) = (user.guid, self.reference(user.guid));
        self.call("read user", Kind::Reads, move |domain, now, _| {
            let user = domain.users.get(&guid).ok_or(DirectoryReason::NotFound)?;
            Ok(user.record(reference, &domain.rules, now))
        })
        .await
    }

    async fn member_of(
        &self,
        user: &UserRecord,
        groups: &[DistinguishedName],
    ) -> Result<Vec<DistinguishedName>, DirectoryError> {
        let (guid, groups) = (user.user.guid, groups.to_vec());
        self.call("read groups", Kind::Reads, move |domain, _, _| {
            let own = domain.groups_of(domain.users.get(&guid).ok_or(DirectoryReason::NotFound)?);
            let mut found = Vec::new();
            for group in groups {
                if own.contains(domain.group(&group).ok_or(DirectoryReason::NotFound)?) {
                    found.push(group);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn check_password(
        &self,
        user: &UserRecord,
        password: &Password,
    ) -> Result<PasswordCheck, DirectoryError> {
        let (guid, password) = (user.user.guid, password.expose().to_owned());
        self.call("check password", Kind::Reads, move |domain, now, _| {
            let user = domain.users.get_mut(&guid).ok_or(DirectoryReason::NotFound)?;
            let verdict = user.try_password(&password, &domain.rules, now);
            Ok(user.logon(verdict))
        })
        .await
    }

    async fn reset_password(
        &self,
        user: &UserRef,
        new: &Password,
        options: ResetOptions,
    ) -> Result<(), DirectoryError> {
        let new = new.expose().to_owned();
        let change = Change::Reset(new.clone());
        self.change("reset password", self.target_of_reset(user.guid), change, move |user, domain, now| {
            user.set_password(&new, &domain.rules, now)?;
            if options.unlock {
                user.unlock();
            }
            user.password_set = user.password_set.filter(|_| !options.must_change);
            Ok(())
        })
        .await
    }

    async fn change_password(
        &self,
        user: &UserRef,
        old: &Password,
        new: &Password,
    ) -> Result<(), DirectoryError> {
        let (guid, old, new) = (user.guid, old.expose().to_owned(), new.expose().to_owned());
        self.call("change password", Kind::Changes(guid), move |domain, now, note: Note<'_>| {
            let user = domain.users.get_mut(&guid).ok_or(DirectoryReason::NotFound)?;
            match user.try_password(&old, &domain.rules, now) {
                Verdict::Right => user.set_password(&new, &domain.rules, now)?,
                Verdict::Wrong => return Err(DirectoryReason::WrongPassword),
                Verdict::Locked => return Err(DirectoryReason::AccountLocked),
            }
            note.made(guid, Change::Replaced(new));
            Ok(())
        })
        .await
    }

    async fn unlock(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.change("unlock account", user.guid, Change::Unlocked, |user, _, _| {
            user.unlock();
            Ok(())
        })
        .await
    }

    async fn enable(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.change("enable account", user.guid, Change::Enabled, |user, _, _| {
            user.disabled = false;
            Ok(())
        })
        .await
    }

    async fn set_must_change(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.change("require a new password", user.guid, Change::MustChange, |user, _, _| {
            user.password_set = None;
            Ok(())
        })
        .await
    }

    async fn password_rules(&self, user: &UserRef) -> Result<DomainPasswordRules, DirectoryError> {
        let guid = user.guid;
        self.call("read password rules", Kind::Reads, move |domain, _, _| {
            let user = domain.users.get(&guid).ok_or(DirectoryReason::NotFound)?;
            Ok(user.password_rules(&domain.rules))
        })
        .await
    }

    async fn read_profile(&self, user: &UserRef) -> Result<HeldProfile, DirectoryError> {
        let guid = user.guid;
        self.call("read profile", Kind::Reads, move |domain, _, _| {
            domain.users.get(&guid).map(User::held_profile).ok_or(DirectoryReason::NotFound)
        })
        .await
    }

    async fn write_profile(
        &self,
        user: &UserRef,
        expected: &HeldProfile,
        new: Option<&ProfileValue>,
    ) -> Result<(), DirectoryError> {
        let (expected, new) = (expected.clone(), new.cloned());
        self.change("write profile", user.guid, Change::Profile, move |user, _, _| {
            let held = user.held_profile();
            let moved_on = new.is_some() && held.next.version != expected.next.version;
            if held.value != expected.value || moved_on {
                return Err(DirectoryReason::Changed);
            }
            user.put_profile(new);
            Ok(())
        })
        .await
    }

    async fn check(&self) -> Result<(), DirectoryError> {
        self.call("reach the domain", Kind::Reads, |_, _, _| Ok(())).await
    }
}

#[async_trait]
impl Directories for SimulatedDirectory {
    async fn open(&self, connection: ConnectionId) -> Result<Arc<dyn Directory>, DirectoryError> {
        if connection == self.connection {
            return Ok(Arc::new(self.clone()));
        }
        Err(super::error("open", DirectoryReason::NotFound))
    }

    async fn try_out(&self, _: &DomainConnection) -> Result<(), DirectoryError> {
        self.check().await
    }
}
