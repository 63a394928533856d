//! `connection set`: enters a domain. The access account's password comes from standard input and goes to the node's
//! local socket only; the node seals it before anything is proposed.

use super::{Failure, answer, data_dir, secret_input};
use crate::cli::{ConnectionArgs, ConnectionCommand};
use crate::client::Client;
use crate::env::SystemEntropy;
use http::{HeaderName, Method, header};
use passquorum_domain::ports::fresh_uuid;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub(super) async fn run(ConnectionCommand::Set(args): ConnectionCommand) -> Result<(), Failure> {
    let authorities = std::fs::read_to_string(&args.authorities)
        .map_err(|error| Failure::usage(format!("{}: {error}", args.authorities.display())))?;
    let password = read_password()?;
    let client = Client::of(data_dir(&args.output.local.dir)?);
    let present: Value = client.get("/api/v1/config").await?;
    let revision = format!("\"{}\"", present.get("revision").and_then(Value::as_u64).unwrap_or_default());
    let id = args.id.unwrap_or_else(|| fresh_uuid(&SystemEntropy));
    let body = Zeroizing::new(body(&args, &authorities, password.expose_secret()).to_string());
    let path = format!("/api/v1/connections/{id}");
    let mut headers = vec![(header::IF_MATCH, revision.as_str())];
    if args.abandon_former_profiles {
        headers.push((HeaderName::from_static("passquorum-abandon-former-profiles"), "yes"));
    }
    let changed = client.send(Method::PUT, &path, &headers, body.as_bytes().to_vec()).await?;
    let changed: Value = serde_json::from_slice(changed.body())?;
    let revision = changed.get("revision").unwrap_or(&Value::Null);
    if args.output.json {
        return answer(&json!({ "connection": id, "revision": revision }).to_string());
    }
    answer(&format!("connection {id} is set; the configuration is at revision {revision} now"))
}

fn body(args: &ConnectionArgs, authorities: &str, password: &str) -> Value {
    let ConnectionArgs { alias, servers, base, bind_name, profile_attribute, .. } = args;
    let former = &args.former_profile_attribute;
    let sites: Vec<_> = args.push_sites.iter().filter(|site| !site.is_empty()).collect();
    // Not named, they stay.
    let sites = (!args.push_sites.is_empty()).then_some(sites);
    json!({
        "alias": alias,
        "profile_attribute": profile_attribute,
        "former_profile_attribute": former,
        "endpoint": { "ldaps": {
            "servers": servers,
            "base": base,
            "authorities": authorities,
            "bind_name": bind_name,
            "bind_password": password,
            "push_sites": sites,
        } },
    })
}

/// The access account's password.
pub(super) fn read_password() -> Result<SecretString, Failure> {
    let password = secret_input::line("The access account's password, then Enter (it is not shown):")?;
    if password.expose_secret().is_empty() {
        return Err(Failure::usage("give the access account's password on standard input"));
    }
    Ok(password)
}
