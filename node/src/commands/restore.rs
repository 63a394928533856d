//! `restore`: a new cluster from a backup, with this host as its first node. Nodes of the cluster before are shut out by
//! the new epoch; others join as into any realm.

use super::{Failure, answer, join, open_file};
use crate::backup::Backup;
use crate::certifier::Holder;
use crate::cli::RestoreArgs;
use crate::config::file;
use crate::env::Env;
use crate::keyring::Keyring;
use crate::keys::{KeyFolder, NewKeys};
use crate::{epoch, secret_file};
use passquorum_domain::apply::{ApiTokens, Founder, NewEpoch};
use passquorum_domain::instance::Role;
use passquorum_domain::ports::VaultError;
use passquorum_raft::Reached;
use std::sync::Arc;

pub(super) async fn run(args: RestoreArgs) -> Result<(), Failure> {
    let config = join::settings(&args.node)?;
    let dir = config.data.path().display();
    if config.data.path().read_dir().is_ok_and(|mut there| there.next().is_some()) {
        return Err(Failure::usage(format!("{dir} is not empty; empty it, or choose another --dir")));
    }
    let (sealed, opener) = open_file::open(&args.file, &args.open)?;
    let backup = Backup::read(sealed, &opener).map_err(|error| open_file::named(&args.file, &error))?;
    let Backup { header, mut state, key, .. } = backup;

    let env = Env::real()?;
    let keyring = Arc::new(Keyring::empty(Arc::clone(&env.entropy)));
    let sealing = state.keys().ok_or(VaultError::NoKey)?.sealing;
    keyring.unwrap_from(&opener, header.realm, &key, sealing)?;
    let keys = NewKeys::generate(env.entropy.as_ref())?;
    let first = join::introduce(&config, &keys);
    let wrap = keyring.wrap_for(&keys.wrap.public())?;
    let tokens = state.api_tokens().count();
    let api_tokens = if args.keep_api_tokens { ApiTokens::Keep } else { ApiTokens::Revoke };
    let founder = Founder::Restored { node: first.clone(), wrap, api_tokens };
    let at = env.clock.now();
    let number = epoch::number(header.epoch, at);
    let node = state.begin_epoch(NewEpoch { epoch: number, founder, at, index: header.index })?;
    let csr = keys.signing_request()?;
    let holder = Holder {
        node,
        role: Role::Voter,
        cluster_address: &first.cluster_address,
        site_url: &first.site_url,
    };
    let certified = epoch::certifier(keyring, &env).sign(&state, &holder, &csr)?;
    state.certify_founder(node, certified.until, at)?;
    let authority = state.realm().map(|realm| realm.authority.clone()).ok_or(VaultError::NoKey)?;

    config.data.create()?;
    let reached = Reached { term: header.term, index: header.index };
    passquorum_raft::found(&config.data.store(), state, node, config.cluster_address.as_str(), reached)
        .await?;
    let folder = KeyFolder { path: config.data.keys(), protection: env.protection };
    keys.save(&folder, &certified.certificate, &authority)?;
    secret_file::write(&config.data.settings(), file::render(&config).as_bytes())?;
    answer(&format!(
        "realm {} is restored as of log index {}; this host is its node {node}, and epoch {number} begins with it",
        header.realm, header.index
    ))?;
    answer(&format!("start it with: passquorum run --dir {dir}"))?;
    answer("then let the others join: passquorum token create --role voter")?;
    match (tokens, api_tokens) {
        (0, _) => Ok(()),
        (_, ApiTokens::Keep) => answer(&format!(
            "{tokens} API tokens of the backup are valid, those too that were revoked after it was made"
        )),
        (_, ApiTokens::Revoke) => answer(&format!(
            "{tokens} API tokens of the backup are revoked; make new ones: passquorum token create --api"
        )),
    }
}
