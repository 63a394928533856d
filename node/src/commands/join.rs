//! `join`: makes this host a node of a realm, with a single-use token.

use super::{Exit, Failure, answer, data_dir};
use crate::cli::{JoinArgs, NewNodeArgs};
use crate::config::{NodeConfig, SiteUrl, file};
use crate::data_dir::DataDir;
use crate::discover;
use crate::env::Env;
use crate::join_client::{self, JoinError};
use crate::keys::{KeyFolder, NewKeys};
use crate::token::JoinTokenText;
use passquorum_domain::command::NewNode;
use passquorum_domain::ports::{JoinGrant, JoinRequest};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

pub(super) async fn run(args: JoinArgs) -> Result<(), Failure> {
    let config = settings(&args.node)?;
    let text = match args.token.expose_secret() {
        "-" => {
            let mut line = Zeroizing::new(String::new());
            std::io::stdin().read_line(&mut line)?;
            line
        }
        token => Zeroizing::new(token.to_owned()),
    };
    let servers = match &args.discover {
        Some(domain) => discover::sites(domain).await.map_err(|error| Failure::not_now(error.to_string()))?,
        None => args.server,
    };
    let grant = join(&config, &servers, &text).await?;
    let dir = config.data.path().display();
    answer(&format!(
        "this host is node {} ({}) of realm {} now; start it with: passquorum run --dir {dir}",
        grant.node, grant.role, grant.realm
    ))
}

/// The settings of a new node, whose directory must not hold one yet.
pub(super) fn settings(args: &NewNodeArgs) -> Result<NodeConfig, Failure> {
    let data = data_dir(&args.local.dir)?;
    refuse_existing(&data)?;
    let name = args.name.trim();
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(Failure::usage("--name: use 1 to 100 characters, none of them control characters"));
    }
    let (cluster, site) = (args.cluster_address.clone(), args.site_address.clone());
    Ok(NodeConfig::new(data, name.to_owned(), cluster, site, args.site_url.clone()))
}

pub(super) fn refuse_existing(data: &DataDir) -> Result<(), Failure> {
    if data.settings().exists() || data.keys().join("node.key").exists() || data.store().exists() {
        let dir = data.path().display();
        return Err(Failure::usage(format!("{dir} holds a node already; start it, or choose another --dir")));
    }
    Ok(())
}

/// What a node tells of itself.
pub(super) fn introduce(config: &NodeConfig, keys: &NewKeys) -> NewNode {
    NewNode {
        name: config.name.clone(),
        cluster_address: config.cluster_address.to_string(),
        site_url: config.site_url.to_string(),
        wrap_key: keys.wrap.public().to_bytes(),
    }
}

/// Joins and writes everything that `run` needs. The servers are asked in turn, until one has been sent the token.
pub(super) async fn join(
    config: &NodeConfig,
    servers: &[SiteUrl],
    token: &str,
) -> Result<JoinGrant, Failure> {
    let parsed = JoinTokenText::parse(token).map_err(|error| Failure::usage(error.to_string()))?;
    let env = Env::real()?;
    let keys = NewKeys::generate(env.entropy.as_ref())?;
    let request =
        JoinRequest { token: parsed.reveal(), node: introduce(config, &keys), csr: keys.signing_request()? };
    let mut refusals = Vec::new();
    for server in servers {
        let failed = match join_client::join(server, &parsed, &request).await {
            Ok(grant) => {
                config.data.create()?;
                let folder = KeyFolder { path: config.data.keys(), protection: env.protection };
                keys.save(&folder, &grant.certificate, &grant.authority)?;
                crate::secret_file::write(&config.data.settings(), file::render(config).as_bytes())?;
                return Ok(grant);
            }
            Err(JoinError::Refused(problem)) if problem.is_temporary() => {
                Failure::not_now(format!("{server}: {problem}"))
            }
            Err(JoinError::Refused(problem)) => {
                refusals.push(Failure { exit: Exit::Failed, message: format!("{server}: {problem}") });
                break;
            }
            Err(error @ JoinError::Unreachable { .. }) => Failure::not_now(error.to_string()),
            Err(error @ JoinError::Untrusted { .. }) => error.into(),
            Err(error) => {
                refusals.push(error.into());
                break;
            }
        };
        refusals.push(failed);
    }
    Err(all_of(&refusals))
}

/// What each server that was asked said; how the command ends is up to the last one.
fn all_of(refusals: &[Failure]) -> Failure {
    let Some(last) = refusals.last() else { return Failure::usage("--server: name a site of the realm") };
    let messages: Vec<&str> = refusals.iter().map(|refusal| refusal.message.as_str()).collect();
    Failure { exit: last.exit, message: messages.join("\n") }
}
