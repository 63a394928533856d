//! `init`: makes a new realm with this host as its first node.

use super::{Failure, answer, join};
use crate::authority::NewAuthority;
use crate::birth::{Birth, FIRST_NODE};
use crate::cli::InitArgs;
use crate::compose;
use crate::config::{NodeConfig, file};
use crate::env::{Env, SystemClock};
use crate::keyring::Keyring;
use crate::keys::{KeyFolder, NewKeys};
use crate::secret_file;
use passquorum_domain::audit::Actor;
use passquorum_domain::command::{Action, Command};
use passquorum_domain::config::{ConfigChange, RealmConfig};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::RequestId;
use passquorum_domain::ports::{Clock as _, Consensus as _, Upgrades as _, fresh_uuid};
use std::path::Path;

pub(super) async fn run(args: InitArgs) -> Result<(), Failure> {
    let config = join::settings(&args.node)?;
    let authority = args.authority_cert.as_deref().zip(args.authority_key.as_deref());
    let authority = authority.map(|(certificate, key)| bring(certificate, key)).transpose()?;
    found(&config, RealmConfig::empty(), authority).await?;
    let dir = config.data.path().display();
    answer(&format!(
        "a realm was made, and this host is its node 1; start it with: passquorum run --dir {dir}"
    ))
}

/// Reads the files of an authority that was made elsewhere.
fn bring(certificate: &Path, key: &Path) -> Result<NewAuthority, Failure> {
    let certificate = std::fs::read_to_string(certificate)
        .map_err(|error| Failure::usage(format!("{}: {error}", certificate.display())))?;
    let key = secret_file::read(key)?;
    let key = std::str::from_utf8(&key).map_err(|_| Failure::usage("--authority-key: this is no PEM"))?;
    NewAuthority::bring(&certificate, key, SystemClock.now())
        .map_err(|error| Failure::usage(error.to_string()))
}

/// Makes the realm and writes everything that `run` needs. Gives the realm key back for what the founder seals at once.
pub(super) async fn found(
    config: &NodeConfig,
    realm: RealmConfig,
    authority: Option<NewAuthority>,
) -> Result<Keyring, Failure> {
    let env = Env::real()?;
    config.data.create()?;
    let keys = NewKeys::generate(env.entropy.as_ref())?;
    let first = join::introduce(config, &keys);
    // The first command is in the form of the first feature level; what needs a higher one comes once that is reached.
    let (at_birth, later) = match realm.needs() {
        FeatureLevel::FIRST => (realm, None),
        _ => (RealmConfig::empty(), Some(ConfigChange::Replace(Box::new(realm)))),
    };
    let birth = Birth::prepare(&keys, authority, first, at_birth, env.clock.as_ref(), &env.entropy)?;
    let folder = KeyFolder { path: config.data.keys(), protection: env.protection.clone() };
    let keys = keys.save(&folder, &birth.certificate, &birth.authority)?;
    let cluster = compose::start_cluster(config, compose::peer_tls(&keys)?, &env).await?;
    let made = async {
        cluster.initialize(config.cluster_address.as_str()).await?;
        cluster.propose(birth.command).await??;
        cluster.propose(birth.certify).await??;
        // A new realm has no earlier program to go back to.
        cluster.finalise_upgrade(Actor::LocalOperator(FIRST_NODE)).await?;
        if let Some(change) = later {
            let base = cluster.local().config().map(|config| config.revision).unwrap_or_default();
            let at = env.clock.now();
            cluster
                .propose(Command {
                    request: RequestId::internal(at, fresh_uuid(env.entropy.as_ref())),
                    at,
                    actor: Actor::LocalOperator(FIRST_NODE),
                    detail: None,
                    action: Action::change_config(base, change),
                })
                .await??;
        }
        Ok::<_, Failure>(())
    };
    let made = made.await;
    cluster.stop().await;
    made?;
    secret_file::write(&config.data.settings(), file::render(config).as_bytes())?;
    Ok(birth.keyring)
}
