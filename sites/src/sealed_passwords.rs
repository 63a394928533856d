//! Whether the sealed passwords in a configuration are this realm's own. One that was copied from another realm or
//! another connection, or was sealed under a key that is gone, does not open here and would be found out only when a
//! directory is asked.

use crate::ports::Ports;
use passquorum_domain::config::{ConfigChange, DirectoryEndpoint, DomainConnection, Problem};
use passquorum_domain::mail::MailServer;
use passquorum_domain::ports::Purpose;

/// Every sealed password in a change that this realm cannot open.
pub(crate) fn foreign(ports: &Ports, change: &ConfigChange) -> Vec<Problem> {
    let connections: Vec<(String, &DomainConnection)> = match change {
        ConfigChange::PutConnection(connection) => vec![("connection".to_owned(), connection)],
        ConfigChange::Replace(config) => (0..)
            .zip(&config.connections)
            .map(|(n, connection)| (format!("connections[{n}]"), connection))
            .collect(),
        _ => Vec::new(),
    };
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
    connections
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

fn opens_login(ports: &Ports, server: &MailServer) -> bool {
    server.login.as_ref().is_none_or(|login| {
        let context = MailServer::context(&server.host, &login.user);
        ports.vault.open(Purpose::MailAccount, &context, &login.password).is_ok()
    })
}

fn opens(ports: &Ports, connection: &DomainConnection) -> bool {
    match &connection.endpoint {
        DirectoryEndpoint::Ldaps(ldaps) => ports
            .vault
            .open(Purpose::ServiceAccount, connection.id.0.as_bytes(), &ldaps.bind_password)
            .is_ok(),
        DirectoryEndpoint::Embedded => true,
    }
}
