//! The feature level of the realm: who supports what, and its rise.
//!
//! A program that is older than the question closes the stream that it comes on, so each node is asked on a stream of its
//! own: one that takes the stream and closes it without an answer knows the first level only. A node that stops in that
//! moment looks the same, which errs to the safe side. What was learned is never kept: it is asked anew each time.

use crate::cluster::Cluster;
use crate::member::Member;
use crate::membership::Halt;
use crate::state_machine::cell_size;
use crate::transport::question::Unanswered;
use crate::transport::request::Request;
use crate::wire::{Change, Message, Supported};
use async_trait::async_trait;
use futures::future::join_all;
use passquorum_domain::audit::Actor;
use passquorum_domain::command::Action;
use passquorum_domain::config::history::KeptRevision;
use passquorum_domain::document::Document;
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::ids::NodeId;
use passquorum_domain::instance::{Instance, Role};
use passquorum_domain::ports::{
    MembershipError, NodeSupport, ProposeError, ReadError, Support, UpgradeStatus, Upgrades,
};
use passquorum_domain::state::{Cell, State};
use std::sync::Arc;
use std::time::Duration;

/// A node that has not answered within this is silent.
const ANSWER: Duration = Duration::from_secs(4);

/// What this program supports.
pub(crate) fn supported() -> Supported {
    Supported { level: FeatureLevel::CURRENT, version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// Whether a text may be shown as a version: a node in the perimeter may be in the hands of somebody else.
fn is_version(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn unread(error: ReadError) -> MembershipError {
    match error {
        ReadError::NoQuorum => ProposeError::NoQuorum,
        ReadError::Busy => ProposeError::Busy,
    }
    .into()
}

impl Member {
    /// Where the upgrade stands, by what every node says now.
    pub(crate) async fn upgrade_status(&self) -> Result<UpgradeStatus, MembershipError> {
        if self.role() != Role::Voter {
            return Err(self.forbidden().into());
        }
        let state = self.read_linearizable().await.map_err(unread)?;
        Ok(self.ask_everyone(&state).await)
    }

    async fn ask_everyone(&self, state: &State) -> UpgradeStatus {
        let nodes = state.instances().filter(|instance| !instance.is_removed());
        let asked = nodes.map(|instance| async move {
            NodeSupport {
                node: instance.id,
                name: instance.name.clone(),
                role: instance.role,
                supports: self.support_of(instance).await,
            }
        });
        UpgradeStatus { level: state.level(), supported: FeatureLevel::CURRENT, nodes: join_all(asked).await }
    }

    async fn support_of(&self, instance: &Instance) -> Support {
        if instance.id == self.node {
            return supported().into();
        }
        let address = &instance.cluster_address;
        let answer = self.peers.ask_alone(instance.id, address, Request::Level, ANSWER).await;
        match answer.map(|bytes| Supported::decode(&bytes)) {
            Ok(Ok(supported)) if is_version(&supported.version) => supported.into(),
            Err(Unanswered::Closed) => Support::KnowsNoLevels,
            Ok(_) | Err(Unanswered::Silent) => Support::Silent,
        }
    }

    /// Has the leader raise the level, step by step, as far as every node supports it; answers the level that the realm has
    /// then.
    pub(crate) async fn finalise_upgrade(&self, actor: Actor) -> Result<FeatureLevel, MembershipError> {
        // Here first, since a leader of the earlier release would not understand the request.
        let mut status = self.upgrade_status().await?;
        while let Some(to) = status.next() {
            ready(&status)?;
            self.change(Change::RaiseLevel { to, actor: actor.clone() }).await?;
            status.level = self.read_linearizable().await.map_err(unread)?.level();
        }
        Ok(status.level)
    }

    /// Raises the level as the leader, unless that is done already: a change may be asked for again.
    ///
    /// A program of the level before reads no log that holds such an entry, not even one that is refused when it is applied.
    /// So none is written before it is certain that everybody was asked: nobody is admitted meanwhile, and whoever was
    /// admitted before is in the state that is read.
    pub(crate) async fn raise_level(&self, to: FeatureLevel, actor: Actor) -> Result<NodeId, Halt> {
        let _nobody_comes = self.admitting.write().await;
        let state = self.read_linearizable().await.map_err(unread)?;
        let from = state.level();
        if from >= to {
            return Ok(self.node);
        }
        let status = self.ask_everyone(&state).await;
        if status.next() != Some(to) {
            return Err(MembershipError::NotReady(format!(
                "the leader runs at feature level {from} and supports {}",
                status.supported
            ))
            .into());
        }
        ready(&status)?;
        if let Some(what) = too_large(&state) {
            return Err(MembershipError::NotReady(format!(
                "{what} does not fit into the form that it has from feature level {to} on; make the configuration smaller, and \
                 keep it so until that revision is not kept any more"
            ))
            .into());
        }
        let asked = status.nodes.iter().map(|node| node.node).collect();
        self.commit_here(actor, Action::RaiseLevel { from, to, asked }).await?;
        tracing::info!(level = %to, "the realm runs at a new feature level");
        Ok(self.node)
    }
}

/// What of the configuration, which is kept as documents above the first level, fits into no cell as one: it would stop every
/// node when the rise is applied.
fn too_large(state: &State) -> Option<String> {
    let fits = |cell: Cell| cell_size(&cell).is_some();
    let revision = |kept: &KeptRevision| {
        let fits = fits(Cell::RevisionDocument(Document(kept.clone())));
        (!fits).then(|| format!("revision {} of the configuration", kept.config.revision))
    };
    match state.config() {
        Some(config) if !fits(Cell::ConfigDocument(Document(Arc::clone(config)))) => {
            Some("the configuration".to_owned())
        }
        _ => state.revisions().find_map(revision),
    }
}

fn ready(status: &UpgradeStatus) -> Result<(), MembershipError> {
    match status.obstacles() {
        none if none.is_empty() => Ok(()),
        obstacles => Err(MembershipError::NotReady(obstacles.join("; "))),
    }
}

#[async_trait]
impl Upgrades for Cluster {
    async fn upgrade_status(&self) -> Result<UpgradeStatus, MembershipError> {
        self.member.upgrade_status().await
    }

    async fn finalise_upgrade(&self, actor: Actor) -> Result<FeatureLevel, MembershipError> {
        self.member.finalise_upgrade(actor).await
    }
}

impl From<Supported> for Support {
    fn from(Supported { level, version }: Supported) -> Self {
        Self::Known { level, version }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::config::RealmConfig;
    use passquorum_domain::directory::DistinguishedName;
    use passquorum_domain::ids::ConnectionId;
    use passquorum_domain::scope::RoleScope;
    use passquorum_domain::state::CellKey;
    use uuid::Uuid;

    #[test]
    fn what_is_shown_as_a_version_is_short_and_plain() {
        assert!(is_version(&supported().version));
        for bad in ["", "1 2", "1\u{1b}[2J", "\u{e9}", &"9".repeat(65)] {
            assert!(!is_version(bad), "{bad}");
        }
    }

    #[test]
    fn a_configuration_that_fits_only_as_it_is_keeps_the_level() {
        let group = DistinguishedName::parse("CN=x").unwrap();
        let scope = RoleScope { connection: ConnectionId(Uuid::nil()), group };
        for (groups, told) in [(100, None), (300_000, Some("the configuration"))] {
            let config = RealmConfig { administrators: vec![scope.clone(); groups], ..RealmConfig::empty() };
            let cell = Cell::Config(Arc::new(config));
            assert!(cell_size(&cell).is_some(), "it fits at the first level");
            let mut state = State::default();
            state.restore_cell(CellKey::Config, cell).unwrap();
            assert_eq!(too_large(&state).as_deref(), told);
        }
    }
}
