//! The cluster as this node sees it: its own metrics when it leads, else the leader's last report.

use crate::member::{Lead, Member};
use crate::transport::request::Request;
use crate::wire::{Done, Report};
use openraft::LogId;
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::{ClusterStatus, LogPositions, MemberRole, MemberStatus};
use std::collections::BTreeMap;
use std::sync::Weak;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often a follower asks the leader.
const POLL: Duration = Duration::from_millis(500);
/// A report older than this says nothing about the quorum.
const FRESH: Duration = Duration::from_millis(1500);

/// The leader's report, and when it came.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    at: Instant,
    leader: NodeId,
    report: Report,
}

/// Asks the leader now and then, as long as the member lives.
pub(crate) async fn follow_leader(member: Weak<Member>) {
    loop {
        {
            let Some(member) = member.upgrade() else { return };
            if let Lead::At { node, address } = member.lead() {
                let answer = member.peer(node, address).ask(Request::Report, &Done, POLL).await;
                if let Ok(Some(report)) = answer {
                    member.heard.send_replace(Some(Heard { at: Instant::now(), leader: node, report }));
                }
            }
        }
        sleep(POLL).await;
    }
}

impl Member {
    /// This leader's report; `None` when another leads.
    pub(crate) fn report(&self) -> Option<Report> {
        if !matches!(self.lead(), Lead::Here) {
            return None;
        }
        let quorum = self.has_quorum();
        let metrics = self.metrics.borrow();
        let replication = metrics.replication.as_ref()?;
        let members =
            replication.iter().map(|(id, matched)| (NodeId(*id), matched.map(|log| log.index))).collect();
        let last_log = metrics.last_log_index.unwrap_or(0);
        Some(Report { term: metrics.current_term, quorum, last_log, members })
    }

    pub(crate) fn status(&self) -> ClusterStatus {
        let leader = self.leadership.borrow().leader;
        let (report, fresh) = match self.report() {
            Some(report) => (Some(report), true),
            None => match self.heard.borrow().as_ref().filter(|heard| Some(heard.leader) == leader) {
                Some(heard) => (Some(heard.report.clone()), heard.at.elapsed() <= FRESH),
                None => (None, false),
            },
        };
        let published = self.published.borrow().clone();
        let state = published.machine.state();
        let applied = published.last_applied.map(|id| id.index);
        let matched: BTreeMap<NodeId, Option<u64>> =
            report.iter().flat_map(|report| report.members.iter().copied()).collect();
        let last_log = report.as_ref().map(|report| report.last_log);
        let clock = *self.integrity.clock.borrow();
        let index = |id: Option<LogId<u64>>| id.map_or(0, |id| id.index);
        let metrics = self.metrics.borrow();
        let groups = metrics.membership_config.membership().get_joint_config();
        let answers = self.integrity.answers.borrow().clone();
        let members = state.instances().filter(|instance| !instance.is_removed()).map(|instance| {
            let id = instance.id;
            let reached = if id == self.node { applied } else { matched.get(&id).copied().flatten() };
            // While the voters change, one that is not among them before and after does not count as one.
            let votes = groups.iter().all(|group| group.contains(&id.0));
            MemberStatus {
                id,
                name: instance.name.clone(),
                role: if votes { MemberRole::Voter } else { MemberRole::Learner },
                leader: leader == Some(id),
                site_url: instance.site_url.clone(),
                applied: reached,
                lag: last_log.zip(reached).map(|(last, reached)| last.saturating_sub(reached)),
                answers: answers.get(&id).copied(),
            }
        });
        ClusterStatus {
            node: self.node,
            leader,
            term: metrics.current_term,
            revision: state.config().map_or(0, |config| config.revision.0),
            level: state.level(),
            quorum: self.integrity.serves() && fresh && report.as_ref().is_some_and(|report| report.quorum),
            checked: *self.integrity.checked.borrow(),
            clock_ahead_ms: clock.offset_ms,
            clock_fit: clock.fit,
            log: LogPositions {
                last: index(self.durable.appended()),
                durable: index(self.durable.last()),
                snapshot: index(metrics.snapshot),
                purged: index(metrics.purged),
            },
            members: members.collect(),
        }
    }
}
