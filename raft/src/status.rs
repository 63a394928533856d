//! The cluster as this node sees it: its own metrics when it leads, else the leader's last report.

use crate::member::{Lead, Member};
use crate::transport::request::Request;
use crate::wire::{Done, Report};
use openraft::LogId;
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::{ClusterStatus, Leadership, LogPositions, MemberRole, MemberStatus};
use std::collections::BTreeMap;
use std::sync::Weak;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// How often a follower asks the leader.
const POLL: Duration = Duration::from_millis(500);
/// A report older than this says nothing about the quorum. A leader that is slow to answer, or a stream that breaks and
/// is opened anew, takes no node out of service: visitors would be sent away from one that can serve them.
const FRESH: Duration = Duration::from_secs(3);

/// The leader's report, and when it came.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    at: Instant,
    leader: NodeId,
    report: Report,
}

/// Asks the leader now and then, and a new one at once, as long as the member lives.
pub(crate) async fn follow_leader(member: Weak<Member>) {
    let Some(leadership) = member.upgrade().map(|member| member.leadership.clone()) else { return };
    let ask = || {
        let member = member.upgrade();
        async move {
            member?.ask_leader().await;
            Some(())
        }
    };
    keep_asking(leadership, ask).await;
}

/// Asks until there is nobody to ask for, or leadership is told no more. What the leader before was asked is dropped.
async fn keep_asking<F>(mut leadership: watch::Receiver<Leadership>, ask: impl Fn() -> F)
where
    F: Future<Output = Option<()>>,
{
    loop {
        let asked = async {
            ask().await?;
            sleep(POLL).await;
            Some(())
        };
        tokio::select! {
            biased;
            changed = leadership.changed() => if changed.is_err() { return },
            lives = asked => if lives.is_none() { return },
        }
    }
}

impl Member {
    async fn ask_leader(&self) {
        let Lead::At { node, address } = self.lead() else { return };
        // As old as the question at most.
        let at = Instant::now();
        if let Ok(Some(report)) = self.peer(node, address).ask(Request::Report, &Done, FRESH).await {
            self.heard.send_replace(Some(Heard { at, leader: node, report }));
        }
    }

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
            takes_part: self.integrity.gate().is_open(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn a_new_leader_is_asked_at_once_though_the_one_before_never_answers() {
        let (elected, leadership) = watch::channel(Leadership { leader: Some(NodeId(1)), term: 1 });
        let known = leadership.clone();
        let (begun, asked) = (Instant::now(), RefCell::new(Vec::new()));
        let follow = keep_asking(leadership, || async {
            let leader = known.borrow().leader?;
            asked.borrow_mut().push((leader, begun.elapsed()));
            if leader == NodeId(1) { std::future::pending().await } else { Some(()) }
        });
        let elect = async {
            sleep(2 * POLL).await;
            elected.send_replace(Leadership { leader: Some(NodeId(2)), term: 2 });
            sleep(POLL + POLL / 2).await;
            drop(elected);
        };
        timeout(10 * POLL, async { tokio::join!(follow, elect) }).await.expect("it ends with the member");
        let at = |leader, polls: u32| (NodeId(leader), polls * POLL);
        assert_eq!(asked.into_inner(), [at(1, 0), at(2, 2), at(2, 3)]);
    }
}
