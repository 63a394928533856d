//! `recover`: a cluster of one from what a stopped node has, for when a majority of the voters is lost for good.
//!
//! The old storage is kept whole: the new one is built beside it, and the two change places at once. A recovery that is
//! cut off before that leaves a certificate that no node of the old epoch takes, and can be begun anew.

use super::{Failure, answer, confirm, data_dir, tell};
use crate::certifier::Holder;
use crate::cli::RecoverArgs;
use crate::data_dir::DataDir;
use crate::env::Env;
use crate::keyring::Keyring;
use crate::keys::{KeyFolder, NewTlsKey, NodeKeys};
use crate::pid_file::PidFile;
use crate::{epoch, secret_file};
use passquorum_domain::apply::{Founder, NewEpoch};
use passquorum_domain::instance::Instance;
use passquorum_domain::ports::VaultError;
use passquorum_domain::state::State;
use passquorum_raft::{Reached, Survivor, survey};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::json;
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) async fn run(args: &RecoverArgs) -> Result<(), Failure> {
    let data = data_dir(&args.output.local.dir)?;
    let claim = PidFile::claim(&data.pid())?;
    let env = Env::real()?;
    let folder = KeyFolder { path: data.keys(), protection: env.protection.clone() };
    let keys = NodeKeys::load(&folder)?;
    let survivor = look(&data).await?;
    compare(args, &data, &survivor).await?;
    let node = keys.tls.identity.node;
    let own = survivor.state.instance(node).cloned();
    let own = own.ok_or_else(|| failed(format!("node {node} is not in its own state")))?;
    show(&data, &survivor, &own);
    confirm_loss(args, &survivor.state)?;
    let done = recover(&data, &keys, &folder, &env, survivor, &own).await?;
    drop(claim);
    if args.output.json {
        return answer(
            &json!({ "node": node, "epoch": done.epoch, "index": done.index, "kept": done.kept }).to_string(),
        );
    }
    answer(&format!(
        "node {node} alone is the realm now, and epoch {} begins with it at log index {}",
        done.epoch, done.index
    ))?;
    answer(&format!("what was there before is kept in {}", done.kept.display()))?;
    answer(&format!("start it with: passquorum run --dir {}", data.path().display()))?;
    answer("then let new nodes join: passquorum token create --role voter")?;
    answer("empty the data directories of other survivors before they join anew; their old ones are refused")
}

fn failed(message: String) -> Failure {
    Failure { exit: super::Exit::Failed, message }
}

async fn look(data: &DataDir) -> Result<Survivor, Failure> {
    // Opening a directory would make one.
    if !data.store().is_dir() {
        return Err(Failure::usage(format!("{} holds no node", data.path().display())));
    }
    let survivor = survey(&data.store()).await?;
    if survivor.state.realm().is_none() {
        return Err(failed(format!("there is no realm in {}", data.path().display())));
    }
    Ok(survivor)
}

/// Refuses when another survivor has more of the log.
async fn compare(args: &RecoverArgs, data: &DataDir, own: &Survivor) -> Result<(), Failure> {
    let mut best: (Reached, PathBuf) = (own.reached, data.path().to_owned());
    for dir in &args.compare {
        let other_data = data_dir(dir)?;
        let _claim = PidFile::claim(&other_data.pid())?;
        let other = look(&other_data).await?;
        if other.state.realm().map(|realm| realm.id) != own.state.realm().map(|realm| realm.id) {
            return Err(Failure::usage(format!("{} is of another realm", dir.display())));
        }
        tell(&format!("{}: {}", dir.display(), words(other.reached)));
        if other.reached > best.0 {
            best = (other.reached, other_data.path().to_owned());
        }
    }
    if best.0 == own.reached {
        return Ok(());
    }
    Err(failed(format!(
        "{} has more of the log ({}) than {} ({}); recover there, or nothing that it alone has is kept",
        best.1.display(),
        words(best.0),
        data.path().display(),
        words(own.reached)
    )))
}

fn words(reached: Reached) -> String {
    format!("log index {} in term {}", reached.index, reached.term)
}

fn show(data: &DataDir, survivor: &Survivor, own: &Instance) {
    let epoch = survivor.state.realm().map_or(0, |realm| realm.epoch);
    tell(&format!(
        "{} is node {} ({}, {}) of realm {:?}, epoch {epoch}. It has {}.",
        data.path().display(),
        own.id,
        super::plain(&own.name),
        own.role,
        realm_name(&survivor.state),
        words(survivor.reached)
    ));
    let others = survivor.state.instances().filter(|other| !other.is_removed() && other.id != own.id);
    let others: Vec<String> =
        others.map(|other| format!("{} ({})", other.id, super::plain(&other.name))).collect();
    if !others.is_empty() {
        tell(&format!("To be removed: node {}.", others.join(", node ")));
    }
    tell(
        "Do this only when a majority of the voters is lost for good. What only the lost nodes had is lost. Where a \
         majority still runs somewhere, two realms would change the same accounts.",
    );
}

fn realm_name(state: &State) -> String {
    state.config().map(|config| config.general.organisation.clone()).unwrap_or_default()
}

fn confirm_loss(args: &RecoverArgs, state: &State) -> Result<(), Failure> {
    if args.yes_i_accept_data_loss {
        return Ok(());
    }
    confirm::by_name("the realm's name", &realm_name(state), "--yes-i-accept-data-loss")
}

struct Recovered {
    epoch: u32,
    index: u64,
    kept: PathBuf,
}

async fn recover(
    data: &DataDir,
    keys: &NodeKeys,
    folder: &KeyFolder,
    env: &Env,
    survivor: Survivor,
    own: &Instance,
) -> Result<Recovered, Failure> {
    let Survivor { state, reached } = survivor;
    let mut state = State::clone(&state);
    let (realm, before) = state.realm().map(|realm| (realm.id, realm.epoch)).ok_or(VaultError::NoKey)?;
    let keyring = Arc::new(Keyring::empty(Arc::clone(&env.entropy)));
    let sealing = state.keys().ok_or(VaultError::NoKey)?.sealing;
    keyring.unwrap_from(&keys.wrap, realm, state.wrap(own.id).ok_or(VaultError::NoKey)?, sealing)?;
    let (at, index) = (env.clock.now(), reached.index);
    let number = epoch::number(before, at);
    let founder = Founder::Recovered(own.id);
    state.begin_epoch(NewEpoch { epoch: number, founder, at, index })?;
    let key = NewTlsKey::generate()?;
    let csr = key.signing_request()?;
    let certified = epoch::certifier(keyring, env).sign(&state, &Holder::from(own), &csr)?;
    state.certify_founder(own.id, certified.until, at)?;
    let pair = key.certified(&certified.certificate, folder)?;

    let kept = data.before_recovery(number);
    DirBuilder::new().mode(0o700).create(&kept)?;
    secret_file::write(&kept.join("node.key"), &secret_file::read(&folder.tls_pair())?)?;
    let new = kept.join("store");
    passquorum_raft::found(&new, state, own.id, &own.cluster_address, reached).await?;
    pair.save(folder)?;
    change_places(&new, &data.store())?;
    sync(&kept)?;
    sync(data.path())?;
    Ok(Recovered { epoch: number, index, kept })
}

fn change_places(new: &Path, old: &Path) -> Result<(), Failure> {
    renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE).map_err(|error| {
        failed(format!(
            "{} and {} cannot change places ({error}); copy the data directory to a file system of this host, such as \
             ext4 or xfs, and recover there",
            new.display(),
            old.display()
        ))
    })
}

fn sync(folder: &Path) -> Result<(), Failure> {
    Ok(File::open(folder)?.sync_all()?)
}
