//! The demonstration directory: one small domain in a JSON file, shared by the processes of one host.
//!
//! It behaves as Active Directory does where the port can tell: password rules and history, lockout, disabled accounts,
//! must-change, nested and primary groups, a stricter PSO, users beyond the access account's rights. Not for real
//! accounts: whoever can write the file owns the domain.

mod account;
mod container;
mod domain;
mod password;
mod seed;
mod store;

pub use container::DemoContainer;
pub use seed::{
    ADMINISTRATORS, BASE, GROUPS, HELPDESK, PEOPLE, Person, STRICT_MIN_LENGTH, Seed, USERS, seed,
};

use account::Verdict;
use async_trait::async_trait;
use domain::{Domain, User};
use passquorum_domain::directory::{
    DistinguishedName, DomainPasswordRules, ListedUser, LoginName, ObjectGuid, UserRecord, UserRef,
};
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::ports::{
    Clock, Directory, DirectoryError, DirectoryReason, Found, HavingProfile, Listing, PasswordCheck,
    ResetOptions, UserPages,
};
use passquorum_domain::profile::{HeldProfile, ProfileValue};
use passquorum_domain::secret::Password;
use passquorum_domain::time::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use store::{Store, StoreError};

/// What the directory calls itself where a domain controller's name is shown.
const DC: &str = "demo";

/// The demonstration directory of one file. Clones share it, and so do other processes.
#[derive(Clone)]
pub struct DemoDirectory {
    connection: ConnectionId,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
}

impl DemoDirectory {
    /// The directory in the file, which [`seed()`] has made. Nothing is read yet.
    #[must_use]
    pub fn open(path: impl Into<PathBuf>, connection: ConnectionId) -> Self {
        Self::open_with_clock(path, connection, Arc::new(SystemClock))
    }

    /// The same, under another clock (for lockouts that end).
    #[must_use]
    pub fn open_with_clock(
        path: impl Into<PathBuf>,
        connection: ConnectionId,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { connection, store: Arc::new(Store::new(path.into())), clock }
    }

    /// Runs one operation on the domain alone, off the async threads, and keeps what it changed unless it failed in a
    /// way that changes nothing.
    async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        act: impl FnOnce(&mut Domain, Timestamp) -> Result<T, DirectoryReason> + Send + 'static,
    ) -> Result<T, DirectoryError> {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let work = move || store.transact(|domain| act(domain, clock.now()));
        let failed = |reason| crate::error::because(DC, operation, reason);
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(outcome)) => {
                outcome.map_err(|reason| DirectoryError { ad_code: win32(reason), ..failed(reason) })
            }
            Ok(Err(StoreError::NotDone(problem))) => {
                tracing::warn!(%problem, operation, "the demonstration directory cannot be used");
                Err(failed(DirectoryReason::Unreachable))
            }
            Ok(Err(StoreError::Unknown(problem))) => {
                tracing::warn!(%problem, operation, "the demonstration directory may not have kept a change");
                Err(failed(DirectoryReason::NoAnswer))
            }
            Err(_) => Err(failed(DirectoryReason::NoAnswer)),
        }
    }

    /// Like [`Self::run`], on one user.
    async fn on_user<T: Send + 'static>(
        &self,
        operation: &'static str,
        user: ObjectGuid,
        act: impl FnOnce(&mut User, &domain::Rules, Timestamp) -> Result<T, DirectoryReason> + Send + 'static,
    ) -> Result<T, DirectoryError> {
        self.run(operation, move |domain, now| {
            let Domain { rules, users, .. } = domain;
            let user = users.iter_mut().find(|known| known.guid() == user);
            act(user.ok_or(DirectoryReason::NotFound)?, rules, now)
        })
        .await
    }

    fn reference(connection: ConnectionId, guid: ObjectGuid) -> UserRef {
        UserRef { connection, guid, dc: DC.to_owned() }
    }
}

/// The code that Active Directory gives with the reason.
fn win32(reason: DirectoryReason) -> Option<u32> {
    match reason {
        DirectoryReason::PasswordPolicy => Some(0x52D),
        DirectoryReason::WrongPassword => Some(0x56),
        DirectoryReason::AccountLocked => Some(0x775),
        DirectoryReason::AccessDenied => Some(50),
        _ => None,
    }
}

#[async_trait]
impl Directory for DemoDirectory {
    async fn find(&self, name: &LoginName) -> Result<Found, DirectoryError> {
        let (name, connection) = (name.clone(), self.connection);
        self.run("find user", move |domain, now| {
            let found: Vec<_> = domain.users.iter().filter(|user| user.is_called(&name)).collect();
            Ok(match found.as_slice() {
                [] => Found::Nobody,
                [user] => {
                    let reference = Self::reference(connection, user.guid());
                    Found::One(Box::new(user.record(reference, &domain.rules, now)))
                }
                _ => Found::Several,
            })
        })
        .await
    }

    async fn read(&self, user: &UserRef) -> Result<UserRecord, DirectoryError> {
        let reference = Self::reference(self.connection, user.guid);
        self.on_user("read user", user.guid, move |user, rules, now| Ok(user.record(reference, rules, now)))
            .await
    }

    async fn member_of(
        &self,
        user: &UserRecord,
        groups: &[DistinguishedName],
    ) -> Result<Vec<DistinguishedName>, DirectoryError> {
        let (guid, groups) = (user.user.guid, groups.to_vec());
        self.run("read groups", move |domain, _| {
            let user = domain.users.iter().find(|known| known.guid() == guid);
            let own = domain.groups_of(user.ok_or(DirectoryReason::NotFound)?);
            let mut found = Vec::new();
            for group in groups {
                let known = domain.group(&group).ok_or(DirectoryReason::NotFound)?;
                if own.contains(&known) {
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
        let password = password.clone();
        self.on_user("check password", user.user.guid, move |user, rules, now| {
            Ok(user.try_password(&password, rules, now).logon(user, now))
        })
        .await
    }

    async fn reset_password(
        &self,
        user: &UserRef,
        new: &Password,
        options: ResetOptions,
    ) -> Result<(), DirectoryError> {
        let new = new.clone();
        self.on_user("reset password", user.guid, move |user, rules, _| {
            user.must_be_served()?;
            user.set_password(&new, rules)?;
            if options.unlock {
                user.unlock();
            }
            user.must_change = options.must_change;
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
        let (old, new) = (old.clone(), new.clone());
        let outcome = self
            .on_user("change password", user.guid, move |user, rules, now| {
                // A wrong old password is counted, so this is kept and refused afterwards.
                Ok(match user.try_password(&old, rules, now) {
                    Verdict::Right => user.set_password(&new, rules).map(|()| user.must_change = false),
                    Verdict::Wrong => Err(DirectoryReason::WrongPassword),
                    Verdict::Locked => Err(DirectoryReason::AccountLocked),
                })
            })
            .await?;
        outcome.map_err(|reason| DirectoryError {
            ad_code: win32(reason),
            ..crate::error::because(DC, "change password", reason)
        })
    }

    async fn unlock(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.on_user("unlock account", user.guid, |user, _, _| {
            user.must_be_served()?;
            user.unlock();
            Ok(())
        })
        .await
    }

    async fn enable(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.on_user("enable account", user.guid, |user, _, _| {
            if user.disabled {
                user.must_be_served()?;
                user.disabled = false;
            }
            Ok(())
        })
        .await
    }

    async fn set_must_change(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.on_user("require a new password", user.guid, |user, _, _| {
            user.must_be_served()?;
            user.must_change = true;
            Ok(())
        })
        .await
    }

    async fn password_rules(&self, user: &UserRef) -> Result<DomainPasswordRules, DirectoryError> {
        self.on_user("read password rules", user.guid, |user, rules, _| Ok(user.password_rules(rules))).await
    }

    async fn read_profile(&self, user: &UserRef) -> Result<HeldProfile, DirectoryError> {
        self.on_user("read profile", user.guid, |user, _, _| Ok(user.held_profile())).await
    }

    async fn write_profile(
        &self,
        user: &UserRef,
        expected: &HeldProfile,
        new: Option<&ProfileValue>,
    ) -> Result<(), DirectoryError> {
        let (expected, new) = (expected.clone(), new.cloned());
        self.on_user("write profile", user.guid, move |user, _, _| {
            user.must_be_served()?;
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

    async fn list(&self, listing: &Listing) -> Result<Box<dyn UserPages>, DirectoryError> {
        let (listing, connection) = (listing.clone(), self.connection);
        let users = self.run("list users", move |domain, _| {
            let group = match &listing.member_of {
                Some(group) => Some(domain.group(group).ok_or(DirectoryReason::NotFound)?),
                None => None,
            };
            let is_meant = |user: &&User| {
                listing.below.as_ref().is_none_or(|below| user.dn.is_within(below))
                    && group.as_ref().is_none_or(|group| domain.groups_of(user).contains(group))
                    && match listing.profile {
                        HavingProfile::OrNot => true,
                        HavingProfile::Anywhere | HavingProfile::InPresentAttribute => user.profile.is_some(),
                        HavingProfile::InFormerAttribute => false,
                    }
            };
            let listed = |user: &User| ListedUser {
                user: Self::reference(connection, user.guid()),
                dn: user.dn.clone(),
                account: user.account.clone(),
            };
            Ok(domain.users.iter().filter(is_meant).map(listed).collect::<Vec<_>>())
        });
        Ok(Box::new(vec![users.await?].into_iter()))
    }

    async fn check(&self) -> Result<(), DirectoryError> {
        self.run("reach the domain", |_, _| Ok(())).await
    }
}

/// The host's clock.
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let milliseconds = since_epoch.map_or(0, |span| span.as_millis());
        Timestamp(u64::try_from(milliseconds).unwrap_or(u64::MAX))
    }
}
