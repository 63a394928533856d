//! What a real domain controller answers to each thing that can go wrong, held against the table in
//! `ops/directory-results.md`.

use crate::domain_controller::{BASE, DomainController, SERVICE_PASSWORD};
use crate::people::{first_password, one, password};
use crate::samba::{open, settings};
use passquorum_domain::blob::Blob;
use passquorum_domain::directory::UserRecord;
use passquorum_domain::ports::{Directory, DirectoryError, PasswordCheck, ResetOptions};
use passquorum_domain::secret::Password;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

const DOCUMENT: &str = include_str!("../../../ops/directory-results.md");
const PLAIN: ResetOptions = ResetOptions { unlock: false, must_change: false };
const YEAR_1970: &str = "116444736000000000";

/// What was seen: what was asked, of which account, and the answer. As in the first three columns of the table.
struct Seen(BTreeSet<(String, String, String)>);

impl Seen {
    fn note(&mut self, asked: &str, account: &str, answer: String) {
        self.0.insert((asked.to_owned(), account.to_owned(), answer));
    }

    fn check(&mut self, account: &str, outcome: Result<PasswordCheck, DirectoryError>) {
        self.note("try a password", account, format!("{:?}", outcome.unwrap()));
    }

    fn outcome(&mut self, asked: &str, account: &str, outcome: Result<(), DirectoryError>) {
        let answer = match outcome {
            Ok(()) => "done".to_owned(),
            Err(DirectoryError { reason, ad_code, .. }) => {
                format!("{reason:?}, {}", ad_code.map_or("no code".to_owned(), |code| format!("0x{code:X}")))
            }
        };
        self.note(asked, account, answer);
    }
}

/// The rows of the table that this test is for.
fn documented() -> BTreeSet<(String, String, String)> {
    let (_, table) = DOCUMENT.split_once("<!-- seen on Samba -->").unwrap();
    let (table, _) = table.split_once("<!-- end -->").unwrap();
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        (cells[0].clone(), cells[1].clone(), cells[2].clone())
    })
    .collect()
}

async fn set(samba: &DomainController, dn: &str, attribute: &str, value: &str) {
    let ldif = format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}:{value}\n");
    samba.modify(&ldif).await;
}

fn person(account: &str) -> String {
    format!("CN={account},OU=People,{BASE}")
}

#[tokio::test]
async fn every_answer_of_a_real_controller_is_in_the_table() {
    let samba = DomainController::start(Ipv4Addr::new(127, 0, 0, 94)).await;
    let directory = open(&settings(&samba, &[&samba.url()]), SERVICE_PASSWORD);
    let directory = directory.as_ref();
    let mut seen = Seen(BTreeSet::new());
    let own = |user: &UserRecord| password(&first_password(&user.account));

    let alice = one(directory, "alice").await;
    seen.check("any, wrong password", directory.check_password(&alice, &password("Not-It-1")).await);
    every_state(&samba, directory, &mut seen).await;

    let erin = one(directory, "erin").await;
    let short = directory.reset_password(&erin.user, &password("Meadow-9-kite"), PLAIN).await;
    seen.outcome("reset", "PSO, shorter than it asks for", short);
    let policy = directory.reset_password(&alice.user, &password("Aa1-"), PLAIN).await;
    seen.outcome("reset", "any, too short", policy);
    let simple = directory.reset_password(&alice.user, &password("meadowandorchard"), PLAIN).await;
    seen.outcome("reset", "any, too simple", simple);
    set(&samba, &format!("CN=ivan,OU=Outside,{BASE}"), "userAccountControl", " 514").await;
    let ivan = one(directory, "ivan").await;
    outside(directory, &ivan, "outside of the delegated OU", &mut seen).await;
    set(&samba, &person("carol"), "userAccountControl", " 514").await;
    samba.protect(&person("carol")).await;
    let carol = one(directory, "carol").await;
    outside(directory, &carol, "protected (adminCount)", &mut seen).await;

    let dave = one(directory, "dave").await;
    let (second, third) = (password("Second-Orchard-2"), password("Third-Orchard-3"));
    let wrong = directory.change_password(&dave.user, &password("Not-It-1"), &second).await;
    seen.outcome("change", "any, wrong old password", wrong);
    directory.change_password(&dave.user, &own(&dave), &second).await.unwrap();
    let used = directory.change_password(&dave.user, &second, &own(&dave)).await;
    seen.outcome("change", "any, a password of the history", used);
    set(&samba, BASE, "minPwdAge", " -864000000000").await;
    let early = directory.change_password(&dave.user, &second, &third).await;
    seen.outcome("change", "any, sooner than the minimum age", early);
    set(&samba, BASE, "minPwdAge", " 0").await;
    seen.outcome("reset", "any, a password of the history", {
        directory.reset_password(&dave.user, &own(&dave), PLAIN).await
    });

    let impostor = open(&settings(&samba, &[&samba.url()]), "Not-The-Password-1");
    seen.outcome("sign in as the access account", "wrong password", impostor.check().await);

    samba.modify(&format!("dn: {}\nchangetype: delete\n", person("dave"))).await;
    seen.outcome("reset", "deleted meanwhile", directory.reset_password(&dave.user, &third, PLAIN).await);

    assert_eq!(seen.0, documented(), "\n{}", as_table(&seen));
    samba.stop().await;
}

fn as_table(seen: &Seen) -> String {
    seen.0.iter().map(|(asked, account, answer)| format!("| {asked} | {account} | {answer} |\n")).collect()
}

async fn outside(directory: &dyn Directory, user: &UserRecord, account: &str, seen: &mut Seen) {
    let new = password("Foreign-Orchard-1");
    seen.outcome("reset", account, directory.reset_password(&user.user, &new, PLAIN).await);
    seen.outcome("unlock", account, directory.unlock(&user.user).await);
    seen.outcome("must change", account, directory.set_must_change(&user.user).await);
    seen.outcome("enable", account, directory.enable(&user.user).await);
    let (held, profile) = (directory.read_profile(&user.user).await.unwrap(), Blob::from(vec![1]).into());
    let written = directory.write_profile(&user.user, &held, Some(&profile)).await;
    seen.outcome("write profile", account, written);
}

/// Puts frank into each state in turn, and asks everything of him.
async fn every_state(samba: &DomainController, directory: &dyn Directory, seen: &mut Seen) {
    let dn = person("frank");
    let states: [(&str, &str, &str, &str); 6] = [
        ("disabled", "userAccountControl", " 514", " 512"),
        ("expired account", "accountExpires", &format!(" {YEAR_1970}"), " 0"),
        (
            "no logon at this hour",
            "logonHours",
            &format!(": {}", "A".repeat(28)),
            &format!(": {}", "/".repeat(28)),
        ),
        ("no logon from here", "userWorkstations", " ELSEWHERE", ""),
        ("must change", "pwdLastSet", " 0", " -1"),
        ("locked", "lockoutTime", "", " 0"),
    ];
    let mut present = password(&first_password("frank"));
    for (turn, (state, attribute, value, back)) in states.into_iter().enumerate() {
        let frank = one(directory, "frank").await;
        if state == "locked" {
            lock_out(directory, &frank).await;
        } else {
            set(samba, &dn, attribute, value).await;
        }
        seen.check(state, directory.check_password(&frank, &present).await);
        let next = password(&format!("Turning-Orchard-{turn}a"));
        let changed = directory.change_password(&frank.user, &present, &next).await;
        if changed.is_ok() {
            present = next;
        }
        seen.outcome("change", state, changed);
        if state == "must change" {
            set(samba, &dn, attribute, value).await;
        }
        if state == "locked" {
            seen.check("locked, after a change", directory.check_password(&frank, &present).await);
        }
        let next = password(&format!("Turning-Orchard-{turn}b"));
        seen.outcome("reset", state, directory.reset_password(&frank.user, &next, PLAIN).await);
        present = next;
        seen.check(&format!("{state}, after a reset"), directory.check_password(&frank, &present).await);
        seen.outcome("unlock", state, directory.unlock(&frank.user).await);
        if state == "disabled" {
            seen.outcome("enable", state, directory.enable(&frank.user).await);
        } else if back.is_empty() {
            samba.modify(&format!("dn: {dn}\nchangetype: modify\ndelete: {attribute}\n")).await;
        } else {
            set(samba, &dn, attribute, back).await;
        }
        assert_eq!(
            directory.check_password(&frank, &present).await.unwrap(),
            PasswordCheck::Right,
            "{state}"
        );
    }
    // Everybody's password is older than a second.
    let frank = one(directory, "grace").await;
    set(samba, BASE, "maxPwdAge", " -10000000").await;
    let right = password(&first_password("grace"));
    seen.check("expired password", directory.check_password(&frank, &right).await);
    let new: Password = password("Turning-Orchard-9");
    seen.outcome("change", "expired password", directory.change_password(&frank.user, &right, &new).await);
    set(samba, BASE, "maxPwdAge", " -36288000000000").await;
}

async fn lock_out(directory: &dyn Directory, user: &UserRecord) {
    for _ in 0..5 {
        let wrong = directory.check_password(user, &password("Not-It-1")).await.unwrap();
        assert_eq!(wrong, PasswordCheck::Wrong);
    }
}
