//! `run`: the node itself, until it is told to stop.

use super::{Failure, data_dir};
use crate::cli::Local;
use crate::compose::Node;
use crate::config::{NodeConfig, file};
use crate::env::Env;
use crate::keys::{KeyFolder, NodeKeys};
use crate::telemetry::LogControl;
use crate::{supervise, telemetry, wiping};
use passquorum_domain::instance::Role;

pub(super) async fn run(args: &Local) -> Result<(), Failure> {
    let config = file::load(&data_dir(&args.dir)?)?;
    let env = Env::real()?.with_clock_offset(config.drill_clock_offset_ms);
    let folder = KeyFolder { path: config.data.keys(), protection: env.protection.clone() };
    let identity = NodeKeys::load(&folder)?.tls.identity;
    if identity.role == Role::DmzLearner {
        wiping::ensure()?;
    }
    let (log, exporter) = telemetry::install(&config, &identity)?;
    let ended = serve(config, env, log).await;
    if let Some(exporter) = exporter {
        exporter.finish().await;
    }
    ended
}

async fn serve(config: NodeConfig, env: Env, log: LogControl) -> Result<(), Failure> {
    let signal = supervise::stop_signal()?;
    let mut node = Node::start(config, env)
        .await
        .inspect_err(|error| tracing::error!(%error, "the node does not start"))?;
    node.log_with(log);
    node.tell_systemd()?;
    node.run_until(signal).await?;
    Ok(())
}
