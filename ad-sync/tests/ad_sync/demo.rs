//! The demonstration directory.

use crate::people::{CONNECTION, Layout, dn, first_password, fixture, one, password};
use passquorum_ad_sync::conformance;
use passquorum_ad_sync::demo::{self, DemoDirectory, Person, Seed};
use passquorum_domain::ports::{BarredReason, Clock, Directory, DirectoryReason, PasswordCheck, Retry};
use passquorum_domain::time::{Span, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn seed() -> Seed {
    let person =
        |account: &str, groups: &[&str]| Person::new(account, account, &first_password(account), groups);
    let shared = |account: &str| Person { mail: Some("shared@demo.example".into()), ..person(account, &[]) };
    Seed {
        people: vec![
            person("alice", &["SSPR-Users"]),
            person("bob", &["SSPR-Users"]),
            person("carol", &["SSPR-Staff"]),
            person("dave", &["SSPR-Users"]),
            Person { strict: true, ..person("erin", &["SSPR-Users"]) },
            shared("frank"),
            shared("grace"),
            Person { disabled: true, ..person("heidi", &[]) },
            Person { protected: true, ..person("ivan", &[]) },
        ],
        nested: vec![("SSPR-Staff".into(), "SSPR-Users".into())],
    }
}

const LAYOUT: Layout<'_> = Layout {
    mail_domain: "demo.example",
    base: demo::BASE,
    groups: demo::GROUPS,
    admins: demo::ADMINISTRATORS,
    primary_group: demo::USERS,
};

#[tokio::test]
async fn the_demonstration_directory_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.json");
    assert!(demo::seed(&path, &seed()).unwrap());
    let directory = DemoDirectory::open(path, CONNECTION);
    conformance::verify(&directory, &fixture(&LAYOUT)).await.unwrap();
}

#[tokio::test]
async fn the_suite_notices_a_directory_that_breaks_a_rule() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.json");
    demo::seed(&path, &seed()).unwrap();
    let directory = DemoDirectory::open(path, CONNECTION);
    let impatient = conformance::Fixture { lockout_threshold: 4, ..fixture(&LAYOUT) };
    let violation = conformance::verify(&directory, &impatient).await.unwrap_err();
    assert!(violation.rule.contains("threshold"), "{violation}");
}

#[tokio::test]
async fn a_seed_never_replaces_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.json");
    assert!(demo::seed(&path, &Seed::demo()).unwrap());
    let directory = DemoDirectory::open(&path, CONNECTION);
    let alice = one(&directory, "alice").await;
    let new = password("Copper-Kettle-77");
    let options = passquorum_domain::ports::ResetOptions { unlock: false, must_change: false };
    directory.reset_password(&alice.user, &new, options).await.unwrap();
    assert!(!demo::seed(&path, &Seed::demo()).unwrap());
    assert_eq!(directory.check_password(&alice, &new).await.unwrap(), PasswordCheck::Right);
}

#[tokio::test]
async fn the_demo_people_can_do_what_they_are_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.json");
    demo::seed(&path, &Seed::demo()).unwrap();
    let directory = DemoDirectory::open(path, CONNECTION);
    let roles = [dn(demo::ADMINISTRATORS), dn(demo::HELPDESK)];
    for (account, expected) in [("ada", &roles[..1]), ("hugo", &roles[1..]), ("alice", &[])] {
        let user = one(&directory, account).await;
        assert_eq!(directory.member_of(&user, &roles).await.unwrap(), expected, "{account}");
        assert!(user.dn.is_within(&dn(demo::PEOPLE)));
    }
    for person in Seed::demo().people {
        let user = one(&directory, &person.account).await;
        let expected = if person.disabled {
            PasswordCheck::Barred(BarredReason::Disabled)
        } else {
            PasswordCheck::Right
        };
        let first = password(secrecy::ExposeSecret::expose_secret(&person.password));
        assert_eq!(directory.check_password(&user, &first).await.unwrap(), expected, "{}", person.account);
    }
}

#[tokio::test]
async fn an_absent_or_damaged_file_is_unreachable_and_safe_to_retry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.json");
    let directory = DemoDirectory::open(&path, CONNECTION);
    for content in [None, Some("{\"users\": 3}"), Some("")] {
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let error = directory.check().await.unwrap_err();
        assert_eq!((error.reason, error.retry), (DirectoryReason::Unreachable, Retry::Safe));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attempts_through_many_handles_are_all_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.json");
    demo::seed(&path, &Seed::demo()).unwrap();
    // One handle each, as separate processes have: only the file's lock is between them.
    let tries = (0..12).map(|_| {
        let directory = DemoDirectory::open(&path, CONNECTION);
        tokio::spawn(async move {
            let bob = one(&directory, "bob").await;
            directory.check_password(&bob, &password("Not-It-1")).await.unwrap()
        })
    });
    let mut wrong = 0;
    for attempt in tries.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            PasswordCheck::Wrong => wrong += 1,
            other => assert_eq!(other, PasswordCheck::Barred(BarredReason::Locked)),
        }
    }
    assert_eq!(wrong, 5);
}

struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn a_lockout_ends_by_itself_and_old_attempts_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.json");
    demo::seed(&path, &Seed::demo()).unwrap();
    let clock = Arc::new(TestClock(AtomicU64::new(1_000_000)));
    let directory = DemoDirectory::open_with_clock(path, CONNECTION, clock.clone());
    let bob = one(&directory, "bob").await;
    let wrong = password("Not-It-1");
    for _ in 0..4 {
        assert_eq!(directory.check_password(&bob, &wrong).await.unwrap(), PasswordCheck::Wrong);
    }
    clock.0.fetch_add(Span::minutes(5).0, Ordering::SeqCst);
    for _ in 0..5 {
        assert_eq!(directory.check_password(&bob, &wrong).await.unwrap(), PasswordCheck::Wrong);
    }
    assert!(one(&directory, "bob").await.status.locked);
    clock.0.fetch_add(Span::minutes(5).0, Ordering::SeqCst);
    assert!(!one(&directory, "bob").await.status.locked);
    let right = password("Amber-Bridge-2");
    assert_eq!(directory.check_password(&bob, &right).await.unwrap(), PasswordCheck::Right);
}
