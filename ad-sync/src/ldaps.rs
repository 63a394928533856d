//! The `Directory` port over LDAPS: which task runs where. What each task does is in its own module.

use crate::address::Server;
use crate::error::{self, Fault};
use crate::find::{self, Origin};
use crate::list::List;
use crate::names::Names;
use crate::pool::{Account, Pool, Prefer, Site};
use crate::profile::ProfileAttributes;
use crate::push::{Changed, Pushes};
use crate::rights::{self, Question};
use crate::{password, password_rules, profile, scope, tls};
use async_trait::async_trait;
use passquorum_domain::config::LdapsSettings;
use passquorum_domain::directory::{
    AdSite, ClientController, DistinguishedName, DomainPasswordRules, ListedUser, LoginName, UserRecord,
    UserRef,
};
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::ports::{
    ControllerCheck, Directory, DirectoryError, DirectoryReason, Found, Listing, PasswordCheck, PushReport,
    ResetOptions, RightsAsked, RightsReport, UserPages,
};
use passquorum_domain::profile::{HeldProfile, ProfileValue};
use passquorum_domain::secret::Password;
use secrecy::SecretString;
use std::sync::Arc;

struct Ldaps {
    connection: ConnectionId,
    base: DistinguishedName,
    attributes: ProfileAttributes,
    pool: Arc<Pool>,
    push_sites: Vec<AdSite>,
    pushes: Option<Arc<Pushes>>,
}

/// The directory of one domain connection. Nothing is sent yet.
///
/// # Errors
/// `UntrustedCertificate` when the authorities are not PEM certificates; `Unreachable` when a server is named in no
/// form that is known.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn open(
    connection: ConnectionId,
    settings: &LdapsSettings,
    names: Arc<Names>,
    bind_password: SecretString,
    attributes: ProfileAttributes,
) -> Result<Arc<dyn Directory>, DirectoryError> {
    let open = |servers| pool(connection, settings, servers, Arc::clone(&names), bind_password.clone());
    let own = open(servers(connection, settings)?)?;
    let pushes = match (settings.push_sites.as_slice(), settings.base.dns_domain()) {
        ([], _) | (_, None) => None,
        (sites, Some(domain)) => {
            let of = |site: &AdSite| Server::InSite { domain: domain.clone(), site: site.clone() };
            Some(Pushes::new(Arc::clone(&own), open(sites.iter().map(of).collect())?))
        }
    };
    let (base, push_sites) = (settings.base.clone(), settings.push_sites.clone());
    Ok(Arc::new(Ldaps { connection, base, attributes, pool: own, push_sites, pushes }))
}

/// The servers that a connection names.
pub(crate) fn servers(
    connection: ConnectionId,
    settings: &LdapsSettings,
) -> Result<Vec<Server>, DirectoryError> {
    let server = |server: &String| {
        Server::of_connection(server, &settings.base).map_err(|problem| {
            tracing::error!(%connection, server, %problem, "a server of the domain connection cannot be used");
            error::because(server, "open", DirectoryReason::Unreachable)
        })
    };
    settings.servers.iter().map(server).collect()
}

/// Connections to these servers as a domain connection describes them.
pub(crate) fn pool(
    connection: ConnectionId,
    settings: &LdapsSettings,
    servers: Vec<Server>,
    names: Arc<Names>,
    bind_password: SecretString,
) -> Result<Arc<Pool>, DirectoryError> {
    let tls = tls::client_config(&settings.authorities).map_err(|problem| {
        tracing::error!(%connection, %problem, "the domain connection's authorities cannot be used");
        error::because("", "open", DirectoryReason::UntrustedCertificate)
    })?;
    let account = Account { name: settings.bind_name.clone(), password: bind_password };
    Ok(Pool::new(servers, names, tls, account))
}

/// A list over the connection that it began on.
struct Pages {
    connection: ConnectionId,
    dc: String,
    list: List,
    first: Option<Vec<ListedUser>>,
}

#[async_trait]
impl UserPages for Pages {
    async fn next(&mut self) -> Result<Option<Vec<ListedUser>>, DirectoryError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let page = self.list.next((self.connection, &self.dc)).await;
        page.map_err(|fault| error::of_fault(&self.dc, "list users", fault))
    }
}

impl Ldaps {
    /// Changes a user, and has the change pushed from the controller that took it.
    async fn change<'a, F, Fut>(
        &'a self,
        operation: &'static str,
        user: &UserRef,
        changed: Changed,
        change: F,
    ) -> Result<(), DirectoryError>
    where
        F: Fn(Site<'a>) -> Fut + Sync,
        Fut: Future<Output = Result<(), Fault>> + Send,
    {
        let change = &change;
        let taken = self.pool.run(operation, Prefer::This(&user.dc), |site| async move {
            let dc = site.dc().to_owned();
            change(site).await.map(|()| dc)
        });
        let taken_by = taken.await?;
        if let Some(pushes) = &self.pushes {
            pushes.begin(user.guid, changed, taken_by);
        }
        Ok(())
    }

    async fn look_up(&self, name: &LoginName, prefer: Prefer<'_>) -> Result<Found, DirectoryError> {
        self.pool
            .run("find user", prefer, |site| async move {
                let origin = Origin { connection: self.connection, dc: site.dc() };
                find::find(&site.connection, origin, &self.base, name).await
            })
            .await
    }
}

#[async_trait]
impl Directory for Ldaps {
    async fn find(&self, name: &LoginName) -> Result<Found, DirectoryError> {
        self.look_up(name, Prefer::Nobody).await
    }

    async fn find_near(&self, name: &LoginName, near: &ClientController) -> Result<Found, DirectoryError> {
        self.look_up(name, Prefer::Client(near)).await
    }

    async fn read(&self, user: &UserRef) -> Result<UserRecord, DirectoryError> {
        self.pool
            .run("read user", Prefer::This(&user.dc), |site| async move {
                let origin = Origin { connection: self.connection, dc: site.dc() };
                find::read(&site.connection, origin, user.guid).await
            })
            .await
    }

    async fn member_of(
        &self,
        user: &UserRecord,
        groups: &[DistinguishedName],
    ) -> Result<Vec<DistinguishedName>, DirectoryError> {
        let user = &user.user;
        self.pool
            .run("read groups", Prefer::This(&user.dc), |site| async move {
                scope::member_of(&site.connection, user.guid, groups).await
            })
            .await
    }

    async fn check_password(
        &self,
        user: &UserRecord,
        password: &Password,
    ) -> Result<PasswordCheck, DirectoryError> {
        let user = &user.user;
        self.pool
            .run("check password", Prefer::This(&user.dc), |site| async move {
                password::check(&site, user.guid, password).await
            })
            .await
    }

    async fn reset_password(
        &self,
        user: &UserRef,
        new: &Password,
        options: ResetOptions,
    ) -> Result<(), DirectoryError> {
        self.change("reset password", user, Changed::Password, |site| async move {
            password::reset(&site.connection, user.guid, new, options).await
        })
        .await
    }

    async fn change_password(
        &self,
        user: &UserRef,
        old: &Password,
        new: &Password,
    ) -> Result<(), DirectoryError> {
        self.change("change password", user, Changed::Password, |site| async move {
            password::change(&site.connection, user.guid, old, new).await
        })
        .await
    }

    async fn unlock(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.change("unlock account", user, Changed::Rest, |site| async move {
            password::unlock(&site.connection, user.guid).await
        })
        .await
    }

    async fn enable(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.change("enable account", user, Changed::Rest, |site| async move {
            password::enable(&site.connection, user.guid).await
        })
        .await
    }

    async fn set_must_change(&self, user: &UserRef) -> Result<(), DirectoryError> {
        self.change("require a new password", user, Changed::Rest, |site| async move {
            password::set_must_change(&site.connection, user.guid).await
        })
        .await
    }

    async fn password_rules(&self, user: &UserRef) -> Result<DomainPasswordRules, DirectoryError> {
        self.pool
            .run("read password rules", Prefer::This(&user.dc), |site| async move {
                password_rules::read(&site.connection, user.guid).await
            })
            .await
    }

    async fn read_profile(&self, user: &UserRef) -> Result<HeldProfile, DirectoryError> {
        self.pool
            .run("read profile", Prefer::This(&user.dc), |site| async move {
                profile::read(&site.connection, user.guid, &self.attributes).await
            })
            .await
    }

    async fn write_profile(
        &self,
        user: &UserRef,
        expected: &HeldProfile,
        new: Option<&ProfileValue>,
    ) -> Result<(), DirectoryError> {
        self.change("write profile", user, Changed::Rest, |site| async move {
            profile::write(&site.connection, user.guid, &self.attributes, expected, new).await
        })
        .await
    }

    async fn list(&self, listing: &Listing) -> Result<Box<dyn UserPages>, DirectoryError> {
        let begin = self.pool.run("list users", Prefer::Nobody, |site| async move {
            let mut list = List::begin(&site.connection, &self.base, listing, &self.attributes).await?;
            // Here another controller can still be turned to.
            let first = list.next((self.connection, site.dc())).await?;
            Ok(Pages { connection: self.connection, dc: site.dc().to_owned(), list, first })
        });
        Ok(Box::new(begin.await?))
    }

    async fn check(&self) -> Result<(), DirectoryError> {
        self.pool.check("reach the domain").await
    }

    async fn rights(&self, asked: &RightsAsked) -> Result<Option<RightsReport>, DirectoryError> {
        let report = self.pool.run("look at rights", Prefer::Nobody, |site| async move {
            let origin = Origin { connection: self.connection, dc: site.dc() };
            let question = Question {
                account: site.account(),
                base: &self.base,
                profiles: &self.attributes,
                push_sites: &self.push_sites,
                asked,
            };
            rights::check(&site.connection, origin, &question).await
        });
        report.await.map(Some)
    }

    fn pushes(&self) -> Option<PushReport> {
        self.pushes.as_ref().map(|pushes| pushes.report())
    }

    async fn check_each(&self) -> Vec<ControllerCheck> {
        self.pool.check_each("reach the domain controller").await
    }
}

#[cfg(test)]
mod tests;
