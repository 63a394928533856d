//! `run`: the node itself, until it is told to stop.

use super::{Failure, data_dir};
use crate::cli::Local;
use crate::compose::Node;
use crate::config::file;
use crate::env::Env;
use crate::keys::NodeKeys;
use crate::{supervise, telemetry, wiping};
use passquorum_domain::instance::Role;

pub(super) async fn run(args: &Local) -> Result<(), Failure> {
    let config = file::load(&data_dir(&args.dir)?)?;
    if NodeKeys::load(&config.data.keys())?.identity.role == Role::DmzLearner {
        wiping::ensure()?;
    }
    telemetry::install(&config.log);
    let signal = supervise::stop_signal()?;
    let env = Env::real().with_clock_offset(config.drill_clock_offset_ms);
    let node = Node::start(config, env).await?;
    node.run_until(signal).await?;
    Ok(())
}
