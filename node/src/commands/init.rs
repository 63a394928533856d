//! `init`: makes a new realm with this host as its first node.

use super::{Failure, answer, join};
use crate::birth::Birth;
use crate::cli::InitArgs;
use crate::compose;
use crate::config::{NodeConfig, file};
use crate::env::Env;
use crate::keyring::Keyring;
use crate::keys::NewKeys;
use passquorum_domain::config::RealmConfig;
use passquorum_domain::ports::Consensus as _;

pub(super) async fn run(args: InitArgs) -> Result<(), Failure> {
    let config = join::settings(&args.node)?;
    found(&config, RealmConfig::empty()).await?;
    let dir = config.data.path().display();
    answer(&format!(
        "a realm was made, and this host is its node 1; start it with: passquorum run --dir {dir}"
    ))
}

/// Makes the realm and writes everything that `run` needs. Gives the realm key back for what the founder seals at once.
pub(super) async fn found(config: &NodeConfig, realm: RealmConfig) -> Result<Keyring, Failure> {
    let env = Env::real();
    config.data.create()?;
    let keys = NewKeys::generate(env.entropy.as_ref())?;
    let first = join::introduce(config, &keys);
    let birth = Birth::prepare(&keys, first, realm, env.clock.as_ref(), &env.entropy)?;
    let keys = keys.save(&config.data.keys(), &birth.certificate, &birth.authority)?;
    let cluster = compose::start_cluster(config, compose::peer_tls(&keys)?, &env).await?;
    let made = async {
        cluster.initialize(config.cluster_address.as_str()).await?;
        cluster.propose(birth.command).await??;
        Ok::<_, Failure>(cluster.propose(birth.certify).await??)
    };
    let made = made.await;
    cluster.stop().await;
    made?;
    crate::secret_file::write(&config.data.settings(), file::render(config).as_bytes())?;
    Ok(birth.keyring)
}
