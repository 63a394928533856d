//! `directory`: what a connection signs in with, and what that may do; what is kept for legacy clients is in `legacy`.
//!
//! `set-account`: another access account in one step. The node tries it against a domain controller before it
//! proposes anything, and a realm that serves goes on serving.

mod delegation;
mod legacy;
mod rights;

use super::connection::read_password;
use super::{Failure, answer, data_dir};
use crate::cli::{AccountArgs, DirectoryCommand};
use crate::client::Client;
use http::{Method, header};
use passquorum_domain::config::{DirectoryEndpoint, RealmConfig};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub(super) async fn run(command: DirectoryCommand) -> Result<(), Failure> {
    match command {
        DirectoryCommand::SetAccount(args) => set_account(args).await,
        DirectoryCommand::Check(args) => rights::check(args).await,
        DirectoryCommand::Delegate(args) => {
            answer(delegation::script(&args).map_err(Failure::usage)?.trim_end())
        }
        DirectoryCommand::Points(command) => legacy::points(command).await,
        DirectoryCommand::Mirror(command) => legacy::mirror(command).await,
    }
}

async fn set_account(args: AccountArgs) -> Result<(), Failure> {
    let AccountArgs { output, alias, bind_name } = args;
    let client = Client::of(data_dir(&output.local.dir)?);
    let config: RealmConfig = client.get("/api/v1/config").await?;
    let connection = config.connections.iter().find(|connection| connection.alias == alias);
    let connection =
        connection.ok_or_else(|| Failure::usage(format!("no domain connection has the alias {alias}")))?;
    let DirectoryEndpoint::Ldaps(present) = &connection.endpoint else {
        return Err(Failure::usage(format!("the connection {alias} has no access account")));
    };
    let bind_name = bind_name.unwrap_or_else(|| present.bind_name.clone());
    let password = read_password()?;
    let body = json!({ "bind_name": bind_name, "bind_password": password.expose_secret() });
    let body = Zeroizing::new(body.to_string());
    let path = format!("/api/v1/connections/{}/account", connection.id);
    let revision = format!("\"{}\"", config.revision);
    let headers = [(header::IF_MATCH, revision.as_str())];
    let changed = client.send(Method::PUT, &path, &headers, body.as_bytes().to_vec()).await?;
    let changed: Value = serde_json::from_slice(changed.body())?;
    let revision = changed.get("revision").unwrap_or(&Value::Null);
    if output.json {
        return answer(&json!({ "connection": connection.id, "revision": revision }).to_string());
    }
    answer(&format!(
        "{alias} signs in as {} now, which a domain controller took; the configuration is at revision {revision}",
        super::plain(&bind_name)
    ))
}
