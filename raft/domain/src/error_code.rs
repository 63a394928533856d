//! Stable codes for everything that can go wrong, each with its meaning and what to do about it.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! codes {
    ($($name:ident = $code:literal, $meaning:literal, $remedy:literal;)*) => {
        /// A stable error code, as shown on pages, in the API and by `passquorum doctor --explain`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $(#[doc = $meaning] $name,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// What happened.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning),* }
            }

            /// What to do.
            #[must_use]
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy),* }
            }
        }
    };
}

codes! {
    NoQuorum = "PQ-NO-QUORUM", "A majority of the realm's nodes cannot be reached, so nothing was changed.",
        "Try again in a moment. If it stays, start the stopped nodes or repair the network between them.";
    Busy = "PQ-BUSY", "The node has more to do than it can, so nothing was done.",
        "Try again after the time that Retry-After names. If it stays, look at pq_refused_total in the node's metrics.";
    UnknownOutcome = "PQ-UNKNOWN-OUTCOME", "The request was sent, but no answer came: it may or may not have taken effect.",
        "Look at the present state before you try again.";
    ClockSkew = "PQ-CLOCK-SKEW", "The clock of the node that served this is more than a minute off the leader's, or too far from the majority's to lead; nothing was changed.",
        "Set the clocks of the nodes right, such as with NTP, then try again.";
    StaleRevision = "PQ-STALE-REVISION", "Somebody else changed the configuration since you read it.",
        "Read the present configuration, compare, and make your change on top of it.";
    InvalidConfig = "PQ-INVALID-CONFIG", "The configuration would not be valid; nothing was changed.",
        "Mend each field that is named and send it again.";
    Locked = "PQ-LOCKED", "Too many wrong attempts: self-service is locked for this user for a while.",
        "Wait until the lock ends, or ask the helpdesk.";
    TicketUsed = "PQ-TICKET-USED", "This step was taken already, or its time is over.",
        "Start again from the first page.";
    TokenInvalid = "PQ-TOKEN-INVALID", "The token is unknown, expired or used.",
        "Ask for a new token.";
    ConditionFailed = "PQ-CONDITION-FAILED", "The label is not in the state that the request's condition names.",
        "Read the label, then decide.";
    NotFound = "PQ-NOT-FOUND", "There is nothing with this name.",
        "Check the name; it may have been removed.";
    BadInput = "PQ-BAD-INPUT", "The request cannot be understood.",
        "Mend the field that is named.";
    TooLarge = "PQ-TOO-LARGE", "The request is larger than is taken here.",
        "Send less.";
    Unauthenticated = "PQ-UNAUTHENTICATED", "Nobody is signed in, or the token is not valid.",
        "Sign in, or send a valid bearer token.";
    Forbidden = "PQ-FORBIDDEN", "This is not allowed for who is signed in.",
        "Ask an administrator for the right role or scope.";
    Csrf = "PQ-CSRF", "The form does not carry the token of this browser's session; nothing was done.",
        "Load the page again and repeat.";
    SessionExpired = "PQ-SESSION-EXPIRED", "The session is over or not valid.",
        "Start again from the first page.";
    TooManyRequests = "PQ-TOO-MANY-REQUESTS", "Too many attempts came from this network address.",
        "Wait a few minutes.";
    LastVoter = "PQ-QUORUM-AT-RISK", "This would leave the realm without a working majority; nothing was changed.",
        "Start the voters that do not answer, remove those that are gone for good, or let another voter join first. If a majority is gone for good, no voter can be removed.";
    Membership = "PQ-MEMBERSHIP", "The membership cannot be changed that way now.",
        "Look at passquorum status, and wait for a change under way to end.";
    DirectoryUnreachable = "PQ-DIRECTORY-UNREACHABLE", "No domain controller could be reached.",
        "Check the servers of the domain connection, the network and the certificates.";
    DirectoryRefused = "PQ-DIRECTORY-REFUSED", "The domain controller refused the request.",
        "Check the access account's rights with passquorum directory check.";
    ForeignValue = "PQ-FOREIGN-VALUE", "The profile attribute of this user holds a value of another program; it was left as it is.",
        "Move or clear that value, or choose another profile attribute for the domain connection.";
    PasswordPolicy = "PQ-PASSWORD-POLICY", "The domain does not take this password: too short, too simple or used before.",
        "Choose another password.";
    WrongCredentials = "PQ-WRONG-CREDENTIALS", "The user name, password or answers are not right.",
        "Check them and try again.";
    NoProfile = "PQ-NO-PROFILE", "No security questions are registered.",
        "Register security questions first, or ask the helpdesk.";
    Corrupt = "PQ-CORRUPT", "Stored data is damaged.",
        "Take the data directory aside and let the node join anew.";
    Diverged = "PQ-DIVERGED", "The state of this node is not what the majority of nodes has, though it applied the same log; it has left for good and kept the evidence.",
        "Keep its data directory with the folder evidence for inspection, remove the node, empty the directory and join anew. Report it: this should never happen.";
    OldDisk = "PQ-OLD-DISK", "The data directory of this node is an old copy: it lacks what the node had confirmed to others, so it takes no part.",
        "Remove the node, empty its directory and join anew.";
    DiskFailed = "PQ-DISK-FAILED", "The disk refused a write, so the node has stopped; nothing that it confirmed is lost.",
        "Make room or mend the disk, then start the node again.";
    KeysChanged = "PQ-KEYS-CHANGED", "The realm's keys, or the nodes that hold them, changed meanwhile; nothing was changed.",
        "Look at passquorum keys status, wait until a rotation under way is through, then try again.";
    KeyInUse = "PQ-KEY-IN-USE", "The key cannot be retired yet: values in the realm's state are sealed under it, or it was in use until a day ago.",
        "Look at passquorum keys status. Configuration is sealed anew by itself; audit records leave the window in time.";
    KeyExposed = "PQ-KEY-EXPOSED", "A file with a secret can be read by others, or belongs to somebody else, so the node does not start.",
        "Give the file to the user that runs the node and take everyone else's rights away: chmod 600. Who may have read it has it: let the node join anew if in doubt.";
    Internal = "PQ-INTERNAL", "Something failed that should not.",
        "Look at the node's log for the request id, and report it.";
    FileDamaged = "PQ-FILE-DAMAGED", "The sealed file is cut short or was changed, so nothing of it was used.",
        "Take another copy of it. Check copies with passquorum backup verify when they are made.";
    FileKey = "PQ-FILE-KEY", "The passphrase or key is not the one that the file was sealed for.",
        "Give the passphrase that was shown when the file was made, or the key file of its recipient.";
    FileVersion = "PQ-FILE-VERSION", "The file was written by another release, or is no file of this kind.",
        "Read it with the release that wrote it, or with a newer one.";
    NoVoter = "PQ-NO-VOTER", "This node in the perimeter has a stream from no voter that can serve, so nothing was done.",
        "Try again in a moment. If it stays, start the voters, or let their connections to this node's cluster address through the firewall.";
    NotThisNode = "PQ-NOT-THIS-NODE", "A node of this role may not do that; nothing was changed.",
        "Do it on a voter. passquorum status shows which nodes vote.";
    UpgradeNotReady = "PQ-UPGRADE-NOT-READY", "Not every node supports the realm's next feature level, so the upgrade is not finished; nothing was changed.",
        "Start each node that is named with the new program, or remove it, then run passquorum upgrade finalise again.";
    UpgradeUnfinished = "PQ-UPGRADE-UNFINISHED", "This needs a higher feature level than the realm runs at, so nothing was done.",
        "Start every node with the new program, look at passquorum upgrade status, then run passquorum upgrade finalise.";
    ProgramTooOld = "PQ-PROGRAM-TOO-OLD", "The realm, or the data, is at a feature level that this program does not support; nothing was changed.",
        "Use the release that wrote it, or a newer one. Once an upgrade is finished there is no way back but a backup from before.";
    NoNode = "PQ-NO-NODE", "The load balancer reached no node, so nothing was done.",
        "Start the nodes that it knows, or let it reach them. Its log tells why each is out.";
    OutboxFull = "PQ-OUTBOX-FULL", "As many mails wait to be sent as may, so this one was not taken.",
        "Look at passquorum mail queue and send a test with passquorum mail test; mails go out once a mail server can be reached.";
    ProfileRewritten = "PQ-PROFILE-REWRITTEN", "The profile of this user is not the one that was written last: another hand put it there, such as a restore of the directory; it was not taken.",
        "Let the user register anew. After a restore of the directory, passquorum profiles migrate --accept-rewritten takes such profiles as they are.";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_explained() {
        let codes: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), ErrorCode::ALL.len());
        assert!(
            ErrorCode::ALL.iter().all(|code| code.as_str().starts_with("PQ-") && !code.remedy().is_empty())
        );
    }
}
