//! Whether the sealed passwords in a configuration are this realm's own. One that was copied from another realm or
//! another connection, or was sealed under a key that is gone, does not open here and would be found out only when a
//! directory is asked. And whether each goes where it was entered for: else whoever may edit a configuration could have it sent to a
//! server of their own.

use crate::ports::Ports;
use passquorum_domain::config::{ConfigChange, DirectoryEndpoint, DomainConnection, LdapsSettings, Problem};
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::mail::MailServer;
use passquorum_domain::ports::Purpose;
use passquorum_domain::state::State;
use std::collections::BTreeSet;

/// Every sealed password in a change that this realm cannot open.
pub(crate) fn foreign(ports: &Ports, change: &ConfigChange) -> Vec<Problem> {
    let mails = match change {
        ConfigChange::SetGeneral(general) => general.mail.as_ref(),
        ConfigChange::Replace(config) => config.general.mail.as_ref(),
        _ => None,
    };
    let servers = mails.into_iter().flat_map(|mail| mail.servers.iter().enumerate());
    let accounts = servers.filter(|(_, server)| !opens_login(ports, server)).map(|(n, server)| Problem {
        field: format!("general.mail.servers[{n}].login.password"),
        message: format!(
            "the password for the mail server {} is not one that this realm sealed for this host and account, or its \
             key is gone; set it in clear with `passquorum mail set`",
            server.host
        ),
    });
    connections(change)
        .into_iter()
        .filter(|(_, connection)| !opens(ports, connection))
        .map(|(at, connection)| Problem {
            field: format!("{at}.endpoint.Ldaps.bind_password"),
            message: format!(
                "the password for {} is not one that this realm sealed for this connection, or its key is gone; set \
                 it in clear with `passquorum connection set` or PUT /api/v1/connections/{}",
                connection.alias, connection.id
            ),
        })
        .chain(accounts)
        .collect()
}

/// Every access account's password in a change that was sealed for other servers, authorities or another account than it would be
/// used with, as far as the realm knows any for it. Those of the connections that are named were entered just now.
pub(crate) fn misdirected(
    state: &State,
    change: &ConfigChange,
    entered: &BTreeSet<ConnectionId>,
) -> Vec<Problem> {
    let connections = connections(change).into_iter();
    let entered_before = connections.filter(|(_, connection)| !entered.contains(&connection.id));
    let problems = entered_before.flat_map(|(at, connection)| {
        let beyond = ldaps_of(connection).map(|ldaps| beyond(state, connection.id, ldaps)).unwrap_or_default();
        beyond.into_iter().map(move |field| Problem {
            field: format!("{at}.endpoint.Ldaps.{field}"),
            message: format!(
                "the password for {} was not entered for this; enter it again, in the same step, on the Admin site, with \
                 `passquorum connection set` or by PUT /api/v1/connections/{}",
                connection.alias, connection.id
            ),
        })
    });
    problems.collect()
}

/// The fields that lead elsewhere than a sealed password may go: by the present configuration, or by a kept revision.
fn beyond(state: &State, id: ConnectionId, ldaps: &LdapsSettings) -> Vec<&'static str> {
    let kept = state.revisions().rev().map(|kept| &kept.config);
    let known = state.config().into_iter().chain(kept).filter_map(|config| ldaps_of(config.connection(id)?));
    let known = known.filter(|known| known.bind_password == ldaps.bind_password);
    let fewest = known.map(|known| ldaps.leads_beyond(known)).min_by_key(Vec::len);
    fewest.unwrap_or_else(|| vec!["bind_password"])
}

fn ldaps_of(connection: &DomainConnection) -> Option<&LdapsSettings> {
    match &connection.endpoint {
        DirectoryEndpoint::Ldaps(ldaps) => Some(ldaps),
        DirectoryEndpoint::Embedded => None,
    }
}

/// The connections of a change, and where each stands in it.
fn connections(change: &ConfigChange) -> Vec<(String, &DomainConnection)> {
    match change {
        ConfigChange::PutConnection(connection) => vec![("connection".to_owned(), connection)],
        ConfigChange::Replace(config) => (0..)
            .zip(&config.connections)
            .map(|(n, connection)| (format!("connections[{n}]"), connection))
            .collect(),
        _ => Vec::new(),
    }
}

fn opens_login(ports: &Ports, server: &MailServer) -> bool {
    server.login.as_ref().is_none_or(|login| {
        let context = MailServer::context(&server.host, &login.user);
        ports.vault.open(Purpose::MailAccount, &context, &login.password).is_ok()
    })
}

fn opens(ports: &Ports, connection: &DomainConnection) -> bool {
    ldaps_of(connection).is_none_or(|ldaps| {
        let context = connection.id.0.as_bytes();
        ports.vault.open(Purpose::ServiceAccount, context, &ldaps.bind_password).is_ok()
    })
}
