//! When this node stands for election.
//!
//! A voter that had no sign of life from a leader for a span, drawn anew each time between the two election times,
//! first canvasses: it asks the other voters whether they miss the leader too and whether its log is good enough for
//! their vote. Only with a majority for it does it open a new term. So a node that cannot reach a majority, or comes
//! back from a partition to a healthy leader, changes nothing.
//!
//! A leader that is silent takes the whole span. One that is dead is known to be: its address refuses a dial. Then the
//! node stands as soon as the lease is over in which nobody grants a vote, give or take a moment that keeps two
//! followers from standing at once.
//!
//! A leader whose disk has taken nothing for the longest election time stops its heartbeats, so that another is found:
//! openraft would go on, since it does not wait for the leader's disk.
//!
//! Learners never stand. Time and randomness are the runtime's and [`Jitter`]'s, so that a simulation repeats them.

use crate::member::Member;
use crate::transport::request::Request;
use crate::tuning::Tuning;
use crate::types::Jitter;
use crate::wire::{Canvass, Canvassed};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use openraft::{LogId, ServerState};
use passquorum_domain::ids::NodeId;
use rand::Rng;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};

/// When a leader last gave a sign of life here, or a candidate got this node's vote.
pub(crate) struct Pulse(Mutex<Instant>);

impl Pulse {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a sign of life.
    pub(crate) fn beat(&self) {
        *self.lock() = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.lock()
    }
}

/// Where this node stands between two signs of life.
struct Silence {
    since: Instant,
    /// When it stands if the leader is silent.
    full: Instant,
    /// When it stands if the leader is dead.
    short: Instant,
    dead: bool,
}

impl Silence {
    fn begin(member: &Member, since: Instant) -> Self {
        let tuning = &member.tuning;
        let full = if member.votes_alone() && !member.is_candidate() {
            // There is nobody to wait for.
            since
        } else {
            since + drawn(tuning.election_min, tuning.election_max)
        };
        let short = since + tuning.lease() + drawn(tuning.heartbeat / 8, tuning.heartbeat / 2);
        Self { since, full, short, dead: false }
    }

    /// When to stand.
    fn due(&self) -> Instant {
        if self.dead { self.short } else { self.full }
    }

    /// Puts the next try off, by a span that keeps two nodes that tried at once apart. A canvass alone disturbed
    /// nobody and may be repeated soon.
    fn rest(&mut self, member: &Member, opened_a_term: bool) {
        let Tuning { heartbeat, election_min, .. } = member.tuning;
        let span = if opened_a_term {
            drawn(election_min / 2, election_min)
        } else {
            drawn(heartbeat / 2, heartbeat)
        };
        let next = Instant::now() + span;
        (self.full, self.short) = (next, next);
    }
}

/// A span from `min` to `max`.
fn drawn(min: Duration, max: Duration) -> Duration {
    min + (max.saturating_sub(min)).mul_f64(Jitter.gen_range(0.0..=1.0))
}

/// Watches over the leader as long as the member lives.
pub(crate) async fn run(member: Weak<Member>) {
    let mut silence: Option<Silence> = None;
    let mut disk = Disk { since: Instant::now(), durable: None, silenced: false };
    loop {
        let wake = {
            let Some(member) = member.upgrade() else { return };
            let now = Instant::now();
            disk.look(&member);
            if member.stands() {
                let last = member.pulse.last();
                let silence = match &mut silence {
                    Some(silence) if silence.since == last => silence,
                    old => old.insert(Silence::begin(&member, last)),
                };
                let overdue = last + member.tuning.heartbeat * 3 / 2;
                if now >= silence.due() {
                    let opened = member.stand().await;
                    silence.rest(&member, opened);
                    silence.due()
                } else if silence.dead {
                    silence.due()
                } else if now < overdue {
                    overdue.min(silence.due())
                } else {
                    let next = silence.due().min(now + member.tuning.heartbeat);
                    silence.dead = member.leader_is_dead(next).await;
                    if silence.dead { silence.due() } else { next }
                }
            } else {
                silence = None;
                now + member.tuning.heartbeat
            }
        };
        sleep_until(wake).await;
    }
}

/// Watches over the disk of a leader.
struct Disk {
    since: Instant,
    durable: Option<LogId<u64>>,
    silenced: bool,
}

impl Disk {
    /// Stops the heartbeats of a leader whose disk has stopped, and lets them go on when it moves.
    fn look(&mut self, member: &Member) {
        let now = Instant::now();
        let durable = member.durable.last();
        if member.durable.is_behind() && durable == self.durable && member.is(ServerState::Leader) {
            if !self.silenced && now > self.since + member.tuning.election_max {
                tracing::error!("the disk has taken nothing for too long: this leader falls silent");
                self.silenced = true;
                member.raft.runtime_config().heartbeat(false);
            }
            return;
        }
        (self.since, self.durable) = (now, durable);
        if std::mem::take(&mut self.silenced) && !member.handing_over.load(Ordering::SeqCst) {
            member.raft.runtime_config().heartbeat(true);
        }
    }
}

impl Member {
    fn is(&self, state: ServerState) -> bool {
        self.metrics.borrow().state == state
    }

    fn is_candidate(&self) -> bool {
        self.is(ServerState::Candidate)
    }

    /// Whether this node may stand for election now.
    fn stands(&self) -> bool {
        let follows = self.is(ServerState::Follower) || self.is_candidate();
        let sound = self.integrity.gate().is_open() && self.integrity.clock_lets_lead();
        self.elections && sound && follows && self.voters().contains(&self.node.0)
    }

    fn votes_alone(&self) -> bool {
        self.voters().len() == 1
    }

    /// Whether the leader's address refuses a dial, as that of a process that has ended does.
    async fn leader_is_dead(&self, until: Instant) -> bool {
        let leader = self.metrics.borrow().current_leader.map(NodeId);
        let Some(address) = leader.and_then(|leader| self.address_of(leader)) else { return false };
        timeout_at(until, self.peers.refuses(&address)).await.unwrap_or(false)
    }

    /// Stands for election if a majority is for it; whether it did.
    async fn stand(&self) -> bool {
        let until = Instant::now() + self.tuning.lease();
        if !timeout_at(until, self.canvass()).await.unwrap_or(false) {
            tracing::debug!("no majority wants an election");
            return false;
        }
        self.raft.trigger().elect().await.is_ok()
    }

    /// Whether a majority would vote for this node.
    async fn canvass(&self) -> bool {
        let groups = self.metrics.borrow().membership_config.membership().get_joint_config().clone();
        let mut yes = BTreeSet::from([self.node.0]);
        let majority = |yes: &BTreeSet<u64>| {
            groups.iter().all(|group| group.intersection(yes).count() > group.len() / 2)
        };
        let question = Canvass { last: self.durable.appended() };
        let question = &question;
        let mut asked: FuturesUnordered<_> = self
            .voters()
            .into_iter()
            .filter(|voter| *voter != self.node.0)
            .filter_map(|voter| {
                let peer = self.peer(NodeId(voter), self.address_of(NodeId(voter))?);
                let within = self.tuning.lease();
                Some(async move {
                    let answer = peer.ask::<_, Canvassed>(Request::Canvass, question, within).await;
                    (voter, answer.is_ok_and(|answer| answer.0))
                })
            })
            .collect();
        while !majority(&yes) {
            match asked.next().await {
                Some((voter, true)) => yes.insert(voter),
                Some((_, false)) => continue,
                None => return false,
            };
        }
        true
    }

    /// Whether this node would vote for a peer that misses the leader.
    pub(crate) fn canvassed(&self, canvass: &Canvass) -> Canvassed {
        let misses_leader = if self.is(ServerState::Leader) {
            !self.has_quorum()
        } else {
            self.pulse.last() + self.tuning.lease() < Instant::now()
        };
        Canvassed(misses_leader && canvass.last >= self.durable.appended())
    }
}
