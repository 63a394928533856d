//! The cluster as a drawing: the leader above, everybody else below it, a line to each that tells how it does. Only
//! places and words are made here; the template draws, the style sheet colours.

use passquorum_domain::findings::MemberStanding;
use passquorum_domain::ids::NodeId;
use passquorum_domain::ports::{ClusterStatus, MemberStatus};

const MARGIN: usize = 12;
/// Of a member's box.
pub(super) const WIDTH: usize = 176;
/// Of a member's box.
pub(super) const HEIGHT: usize = 92;
const GAP: usize = 20;
const FALL: usize = 64;
const IN_A_ROW: usize = 4;
/// Characters of a name that find room.
const LONGEST_NAME: usize = 17;

/// The drawing, in units of its own.
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    /// For who does not see it.
    pub(super) told: String,
    pub(super) boxes: Vec<MemberBox>,
    pub(super) lines: Vec<Line>,
}

/// A member.
pub(super) struct MemberBox {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) name: String,
    pub(super) role: String,
    pub(super) standing: String,
    /// Says the same as `look` to who does not see colours.
    pub(super) mark: &'static str,
    pub(super) look: &'static str,
}

/// From the leader to a member.
pub(super) struct Line {
    pub(super) from: (usize, usize),
    pub(super) to: (usize, usize),
    pub(super) look: &'static str,
}

fn look(standing: MemberStanding) -> (&'static str, &'static str) {
    match standing {
        MemberStanding::Leads => ("leads", "★"),
        MemberStanding::Forsaken => ("bad", "!"),
        MemberStanding::KeepsUp => ("good", "✓"),
        MemberStanding::Behind(_) => ("warn", "!"),
        MemberStanding::Silent => ("bad", "×"),
        MemberStanding::Unknown => ("unknown", "?"),
    }
}

fn words(standing: MemberStanding) -> String {
    match standing {
        MemberStanding::Behind(lag) => format!("{lag} entries behind"),
        other => other.as_str().to_owned(),
    }
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or(name)),
        None => name.to_owned(),
    }
}

impl Picture {
    /// Whether a phone shows it only in parts, for it to stay legible.
    pub(super) fn is_wide(&self) -> bool {
        self.width > 2 * (WIDTH + GAP) + 2 * MARGIN
    }

    /// Draws; `role_of` names a member's role.
    pub(super) fn of(status: &ClusterStatus, role_of: impl Fn(NodeId) -> &'static str) -> Self {
        let (above, below): (Vec<_>, Vec<_>) = status.members.iter().partition(|member| member.leader);
        let columns = below.len().clamp(1, IN_A_ROW);
        let inner = columns * WIDTH + (columns - 1) * GAP;
        let middle = MARGIN + inner / 2;
        let floor = if above.is_empty() { MARGIN } else { MARGIN + HEIGHT + FALL };
        let mut picture = Self {
            width: inner + 2 * MARGIN,
            height: floor + below.len().div_ceil(IN_A_ROW) * (HEIGHT + GAP),
            told: String::new(),
            boxes: Vec::new(),
            lines: Vec::new(),
        };
        let mut told = Vec::new();
        let mut put = |member: &MemberStatus, x: usize, y: usize| {
            let standing = MemberStanding::of(member, status);
            let (look, mark) = look(standing);
            let standing = words(standing);
            told.push(format!("{} {standing}", member.name));
            let here = if member.id == status.node { ", this one" } else { "" };
            picture.boxes.push(MemberBox {
                x,
                y,
                name: shortened(&member.name),
                role: format!("Node {}, {}{here}", member.id, role_of(member.id).to_lowercase()),
                standing,
                mark,
                look,
            });
            look
        };
        for leader in &above {
            put(leader, middle - WIDTH / 2, MARGIN);
        }
        for (row, members) in below.chunks(IN_A_ROW).enumerate() {
            let taken = members.len() * WIDTH + (members.len() - 1) * GAP;
            let left = middle - taken / 2;
            let y = floor + row * (HEIGHT + GAP);
            for (column, member) in members.iter().enumerate() {
                let x = left + column * (WIDTH + GAP);
                let look = put(member, x, y);
                if !above.is_empty() {
                    let (from, to) = ((middle, MARGIN + HEIGHT), (x + WIDTH / 2, y));
                    picture.lines.push(Line { from, to, look });
                }
            }
        }
        picture.told = told.join("; ");
        picture
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::feature_level::FeatureLevel;
    use passquorum_domain::ports::{LogPositions, MemberRole};

    fn status(members: u64, leader: Option<u64>) -> ClusterStatus {
        let member = |id| MemberStatus {
            id: NodeId(id),
            name: format!("node-{id} with a long name"),
            role: MemberRole::Voter,
            leader: leader == Some(id),
            site_url: String::new(),
            applied: Some(1),
            lag: Some(0),
            answers: Some(id != 2),
        };
        ClusterStatus {
            node: NodeId(1),
            leader: leader.map(NodeId),
            term: 1,
            revision: 0,
            quorum: leader.is_some(),
            checked: None,
            clock_ahead_ms: None,
            clock_fit: true,
            takes_part: true,
            level: FeatureLevel::FIRST,
            log: LogPositions::default(),
            members: (1..=members).map(member).collect(),
        }
    }

    #[test]
    fn every_member_has_a_place_of_its_own_inside_the_drawing() {
        for members in 0..=11 {
            for leader in [None, Some(1), Some(members)] {
                let picture = Picture::of(&status(members, leader), |_| "Voter");
                assert_eq!(picture.boxes.len() as u64, members);
                let leads = leader.is_some_and(|leader| (1..=members).contains(&leader));
                assert_eq!(picture.lines.len() as u64, if leads { members - 1 } else { 0 });
                let mut places: Vec<_> = picture.boxes.iter().map(|one| (one.x, one.y)).collect();
                assert!(
                    places
                        .iter()
                        .all(|(x, y)| x + WIDTH <= picture.width && y + HEIGHT <= picture.height + GAP)
                );
                places.sort_unstable();
                places.dedup();
                assert_eq!(places.len() as u64, members, "none lies on another");
            }
        }
    }

    #[test]
    fn who_does_not_answer_is_drawn_and_told_so() {
        let picture = Picture::of(&status(3, Some(1)), |_| "Voter");
        assert!(picture.told.contains("node-2 with a long name does not answer"), "{}", picture.told);
        let looks: Vec<_> = picture.boxes.iter().map(|one| (one.look, one.mark)).collect();
        assert_eq!(looks, [("leads", "★"), ("bad", "×"), ("good", "✓")]);
        assert_eq!(picture.boxes[1].name, "node-2 with a lon…");
    }
}
