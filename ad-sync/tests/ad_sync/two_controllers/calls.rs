//! Each call of the `Directory` port, made in a visit that has come so far with one controller. Each change is about a
//! person of its own, so that all can be under way at the same time.

use crate::domain_controller::{BASE, DomainController};
use crate::people::{dn, first_password, one, password};
use passquorum_domain::blob::Blob;
use passquorum_domain::directory::{ClientController, DistinguishedName, LoginName, UserRecord};
use passquorum_domain::ports::{
    CheckOutcome, Directory, DirectoryError, Found, Listing, PasswordCheck, ResetOptions, RightsAsked,
    UserPages,
};
use passquorum_domain::profile::{HeldProfile, ProfileValue};
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Find,
    FindNear,
    Read,
    MemberOf,
    PasswordRules,
    ReadProfile,
    List,
    NextPage,
    Check,
    CheckEach,
    Rights,
    CheckPassword,
    ResetPassword,
    ChangePassword,
    Unlock,
    Enable,
    SetMustChange,
    WriteProfile,
}

impl Call {
    pub(super) const ALL: [Self; 18] = [
        Self::Find,
        Self::FindNear,
        Self::Read,
        Self::MemberOf,
        Self::PasswordRules,
        Self::ReadProfile,
        Self::List,
        Self::NextPage,
        Self::Check,
        Self::CheckEach,
        Self::Rights,
        Self::CheckPassword,
        Self::ResetPassword,
        Self::ChangePassword,
        Self::Unlock,
        Self::Enable,
        Self::SetMustChange,
        Self::WriteProfile,
    ];

    /// Whether it is put to the first controller of the list, whoever has served the user so far.
    pub(super) fn begins_at_the_first(self) -> bool {
        matches!(
            self,
            Self::Find | Self::List | Self::NextPage | Self::Check | Self::CheckEach | Self::Rights
        )
    }

    /// Whether it may have happened when no answer comes: a try of a password counts in the domain's lockout.
    pub(super) fn leaves_a_trace(self) -> bool {
        self == Self::CheckPassword || self.changes()
    }

    pub(super) fn changes(self) -> bool {
        matches!(
            self,
            Self::ResetPassword
                | Self::ChangePassword
                | Self::Unlock
                | Self::Enable
                | Self::SetMustChange
                | Self::WriteProfile
        )
    }

    /// Which of its requests to a controller, in the order of [`crate::relay::Relay::keep_answers_from`], is the one that
    /// it is about.
    pub(super) fn decisive_request(self) -> usize {
        match self {
            // It reads, and then binds over a connection of its own.
            Self::CheckPassword => 3,
            // A new connection, and its bind.
            Self::Check | Self::CheckEach => 2,
            // What is there is read first.
            Self::Enable | Self::WriteProfile => 2,
            _ => 1,
        }
    }

    fn account(self) -> &'static str {
        match self {
            Self::ResetPassword => "bob",
            Self::ChangePassword => "carol",
            Self::Unlock => "dave",
            Self::Enable => "heidi",
            Self::SetMustChange => "frank",
            Self::WriteProfile => "grace",
            Self::CheckPassword => "erin",
            _ => "alice",
        }
    }

    /// Whether a controller has what this change was to bring about in this round.
    pub(super) async fn has_happened(self, round: u8, at: &DomainController) -> bool {
        let account = self.account();
        match self {
            Self::ResetPassword => at.bind_works(account, &reset_to(round)).await,
            Self::ChangePassword => at.bind_works(account, &changed_to(round)).await,
            Self::Unlock => at.attribute(account, "lockoutTime").await == ["0"],
            Self::Enable => at.attribute(account, "userAccountControl").await == ["512"],
            Self::SetMustChange => at.attribute(account, "pwdLastSet").await == ["0"],
            _ => at.attribute(account, "comment").await == [format!("pq1:{}Q==", char::from(b'A' + round))],
        }
    }
}

/// Where the list is that has more than one page.
fn crowd() -> DistinguishedName {
    dn(&format!("OU=Crowd,{BASE}"))
}

fn reset_to(round: u8) -> String {
    format!("Harbor-Reset-{round}1")
}

fn changed_to(round: u8) -> String {
    format!("Meadow-Change-{round}1")
}

fn profile_of(round: u8) -> ProfileValue {
    // In base64 a letter for each round, and `Q==`.
    ProfileValue::from(Blob::from(vec![round * 4 + 1]))
}

/// Makes each change something to be done again.
pub(super) async fn undo(at: &DomainController) {
    let person = |account: &str, attribute: &str, value: &str| {
        format!(
            "dn: CN={account},OU=People,{BASE}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n\n"
        )
    };
    let (heidi, frank) = (person("heidi", "userAccountControl", "514"), person("frank", "pwdLastSet", "-1"));
    at.modify(&(heidi + &frank)).await;
    for _ in 0..5 {
        assert!(!at.bind_works("dave", "Not-It-1").await);
    }
    assert_ne!(at.attribute("dave", "lockoutTime").await, ["0"], "he is locked out");
}

/// Somebody's visit, which has come to a call.
pub(super) struct Visit {
    pub(super) call: Call,
    round: u8,
    directory: Arc<dyn Directory>,
    user: UserRecord,
    held: HeldProfile,
    pages: Option<Box<dyn UserPages>>,
}

impl Visit {
    /// All before the call, on the controller of this name.
    pub(super) async fn so_far(call: Call, round: u8, directory: Arc<dyn Directory>, dc: &str) -> Self {
        let mut user = one(directory.as_ref(), call.account()).await;
        user.user.dc = dc.to_owned();
        assert_eq!(directory.read(&user.user).await.unwrap().user.dc, dc);
        let held = directory.read_profile(&user.user).await.unwrap();
        let mut pages = None;
        if call == Call::NextPage {
            let listing = Listing { below: Some(crowd()), ..Listing::default() };
            let mut begun = directory.list(&listing).await.unwrap();
            let first = begun.next().await.unwrap().unwrap();
            assert!(first.iter().all(|listed| listed.user.dc == dc));
            pages = Some(begun);
        }
        Self { call, round, directory, user, held, pages }
    }

    /// The call. What is answered must be right, and the other controller's.
    pub(super) async fn go_on(&mut self) -> Result<(), DirectoryError> {
        let (directory, record, dc) = (self.directory.as_ref(), &self.user, self.user.user.dc.as_str());
        let (user, name) = (&record.user, LoginName::parse(self.call.account()).unwrap());
        match self.call {
            Call::Find => is_another_controllers(record, &directory.find(&name).await?),
            Call::FindNear => {
                let near = ClientController::parse(dc).unwrap();
                is_another_controllers(record, &directory.find_near(&name, &near).await?);
            }
            Call::Read => assert_ne!(directory.read(user).await?.user.dc, dc),
            Call::MemberOf => {
                let groups = [dn(&format!("CN=SSPR-Users,OU=People,{BASE}"))];
                assert_eq!(directory.member_of(record, &groups).await?, groups);
            }
            Call::PasswordRules => assert_eq!(directory.password_rules(user).await?.min_length, 8),
            Call::ReadProfile => assert_eq!(directory.read_profile(user).await?, self.held),
            Call::List => {
                let listing = Listing { below: Some(crowd()), ..Listing::default() };
                let page = directory.list(&listing).await?.next().await?.unwrap();
                assert!(page.len() == 1000 && page.iter().all(|listed| listed.user.dc != dc));
            }
            Call::NextPage => assert_eq!(self.pages.as_mut().unwrap().next().await?.unwrap().len(), 100),
            Call::Check => directory.check().await?,
            Call::CheckEach => {
                let checks = directory.check_each().await;
                let [dead, alive] = checks.as_slice() else { panic!("{checks:?}") };
                assert!(matches!(dead.outcome, CheckOutcome::Fails(_)) && dead.dc == dc, "{dead:?}");
                assert_eq!(alive.outcome, CheckOutcome::Serves);
            }
            Call::Rights => {
                let asked = RightsAsked { users: vec![name], ..RightsAsked::default() };
                assert_ne!(directory.rights(&asked).await?.unwrap().dc, dc);
            }
            Call::CheckPassword => {
                let right = password(&first_password(&record.account));
                assert_eq!(directory.check_password(record, &right).await?, PasswordCheck::Right);
            }
            Call::ResetPassword => {
                let options = ResetOptions { unlock: true, must_change: false };
                directory.reset_password(user, &password(&reset_to(self.round)), options).await?;
            }
            Call::ChangePassword => {
                let before = self.round.checked_sub(1).map(changed_to);
                let old = before.unwrap_or_else(|| first_password(&record.account));
                let new = password(&changed_to(self.round));
                directory.change_password(user, &password(&old), &new).await?;
            }
            Call::Unlock => directory.unlock(user).await?,
            Call::Enable => directory.enable(user).await?,
            Call::SetMustChange => directory.set_must_change(user).await?,
            Call::WriteProfile => {
                directory.write_profile(user, &self.held, Some(&profile_of(self.round))).await?;
            }
        }
        Ok(())
    }
}

fn is_another_controllers(record: &UserRecord, found: &Found) {
    let Found::One(found) = found else { panic!("{found:?}") };
    assert_eq!(found.user.guid, record.user.guid);
    assert_ne!(found.user.dc, record.user.dc);
}
