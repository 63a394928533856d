//! `policy add` and `access set`: what a new realm needs before anybody can sign in to the Admin site. The rest is
//! done there.

use super::{Failure, answer, data_dir};
use crate::cli::{AccessArgs, AccessCommand, PolicyArgs, SiteRole};
use crate::client::Client;
use crate::starter;
use passquorum_domain::config::{ConfigChange, RealmConfig};
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::ids::ConnectionId;
use passquorum_domain::ports::ClusterStatus;
use passquorum_domain::scope::{RoleScope, UserScope};
use serde_json::{Value, json};

pub(super) async fn add_policy(args: PolicyArgs) -> Result<(), Failure> {
    let PolicyArgs { local, name, alias, ous, groups, helpdesk_groups } = args;
    if ous.is_empty() && groups.is_empty() {
        return Err(Failure::usage("say whom the policy serves, with --ou or --group"));
    }
    let client = Client::of(data_dir(&local.dir)?);
    let config: RealmConfig = client.get("/api/v1/config").await?;
    let connection = connection(&config, &alias)?;
    let scope = UserScope {
        connection,
        allowed_groups: names("--group", &groups)?,
        allowed_ous: names("--ou", &ous)?,
        denied_groups: Vec::new(),
        denied_ous: Vec::new(),
    };
    let status: ClusterStatus = client.get("/api/v1/status").await?;
    let mut policy = starter::policy(&name, scope, status.level);
    let helpers = names("--helpdesk-group", &helpdesk_groups)?.into_iter();
    policy.helpdesk.groups = helpers.map(|group| RoleScope { connection, group }).collect();
    change(&client, &config, ConfigChange::PutPolicy(Box::new(policy))).await
}

pub(super) async fn set_access(AccessCommand::Set(args): AccessCommand) -> Result<(), Failure> {
    let AccessArgs { local, site, alias, groups } = args;
    let client = Client::of(data_dir(&local.dir)?);
    let config: RealmConfig = client.get("/api/v1/config").await?;
    let connection = connection(&config, &alias)?;
    let scopes =
        names("--group", &groups)?.into_iter().map(|group| RoleScope { connection, group }).collect();
    let wanted = match site {
        SiteRole::Admin => ConfigChange::SetAdministrators(scopes),
        SiteRole::Helpdesk => ConfigChange::SetHelpdesk(scopes),
    };
    change(&client, &config, wanted).await
}

fn connection(config: &RealmConfig, alias: &str) -> Result<ConnectionId, Failure> {
    let found = config.connections.iter().find(|connection| connection.alias.eq_ignore_ascii_case(alias));
    found.map(|connection| connection.id).ok_or_else(|| {
        let known: Vec<&str> =
            config.connections.iter().map(|connection| connection.alias.as_str()).collect();
        Failure::usage(format!(
            "--alias {alias}: there is no such connection; there are: {}",
            known.join(", ")
        ))
    })
}

fn names(option: &str, texts: &[String]) -> Result<Vec<DistinguishedName>, Failure> {
    let name = |text: &String| {
        DistinguishedName::parse(text).map_err(|error| Failure::usage(format!("{option} {text}: {error}")))
    };
    texts.iter().map(name).collect()
}

async fn change(client: &Client, config: &RealmConfig, change: ConfigChange) -> Result<(), Failure> {
    let body = json!({ "base": config.revision, "change": change });
    let changed: Value = client.post("/api/v1/config/changes", &body).await?;
    let revision = changed.get("revision").unwrap_or(&Value::Null);
    answer(&format!("the configuration is at revision {revision} now"))
}
