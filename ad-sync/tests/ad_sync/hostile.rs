//! Controllers that answer slowly, absurdly, wrongly or never. Each has a certificate that is trusted: what they send must
//! harm nobody. Time stands still here while nothing happens, so that deadlines are met exactly.

use crate::fake_controller::{
    Act, Asked, BIND, FakeController, MODIFY, PERSON, SEARCH, element, empty_page, entry, honest, message,
    person, result, text,
};
use crate::people::{CONNECTION, dn, one, password};
use crate::samba::open;
use passquorum_domain::blob::{Blob, Sealed};
use passquorum_domain::config::LdapsSettings;
use passquorum_domain::directory::{LoginName, ObjectGuid, UserRef};
use passquorum_domain::ports::{Directory, DirectoryReason, Found, Listing, ResetOptions, Retry};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// A request has that long on one controller (`REQUEST` of the pool), and a second to be told.
const DEADLINE: Duration = Duration::from_secs(21);
const PLAIN: ResetOptions = ResetOptions { unlock: false, must_change: false };

fn directory(controllers: &[&FakeController]) -> Arc<dyn Directory> {
    let authorities: String = controllers.iter().map(|controller| controller.authority()).collect();
    let settings = LdapsSettings {
        servers: controllers.iter().map(|controller| controller.url()).collect(),
        base: dn("DC=corp,DC=example,DC=test"),
        authorities,
        bind_name: "svc@corp.example.test".to_owned(),
        bind_password: Sealed(Blob::from(Vec::new())),
        push_sites: Vec::new(),
    };
    open(&settings, "Svc-Passw0rd-1")
}

/// Honest until a user is looked for.
async fn hostile(acts: impl Fn(&Asked) -> Vec<Act> + Send + Sync + 'static) -> FakeController {
    let script = move |asked: &Asked| match asked.operation {
        SEARCH if !asked.base.is_empty() => acts(asked),
        _ => vec![Act::Send(honest(asked))],
    };
    FakeController::start(Vec::new(), script).await
}

fn alice() -> LoginName {
    LoginName::parse("alice").unwrap()
}

/// It is told as unreachable in time, taken no more than `most` bytes of, and the next controller serves.
async fn is_passed_over(name: &str, controller: FakeController, most: usize) {
    let begun = Instant::now();
    let error = directory(&[&controller]).find(&alice()).await.unwrap_err();
    assert_eq!((error.reason, error.retry), (DirectoryReason::Unreachable, Retry::Safe), "{name}");
    assert_eq!(error.dc, controller.dc(), "{name}");
    let second = FakeController::honest().await;
    let found = directory(&[&controller, &second]).find(&alice()).await;
    let Ok(Found::One(record)) = &found else { panic!("{name}: {found:?}") };
    assert_eq!(record.user.dc, second.dc(), "{name}");
    assert!(begun.elapsed() < 2 * DEADLINE, "{name}: {:?}", begun.elapsed());
    assert!(controller.sent() < most, "{name}: {} bytes", controller.sent());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_is_told_in_time_and_the_next_controller_serves() {
    const LITTLE: usize = 64 * 1024;
    let sends =
        |bytes: fn(u32) -> Vec<u8>| hostile(move |asked| vec![Act::Send(bytes(asked.id)), Act::Silence]);
    is_passed_over("silence", hostile(|_| vec![Act::Silence]).await, LITTLE).await;
    is_passed_over("a closed door", hostile(|_| vec![Act::Close]).await, LITTLE).await;
    is_passed_over("drips", hostile(|asked| vec![Act::Drip(person(asked.id))]).await, LITTLE).await;
    is_passed_over("another's id", sends(|id| person(id + 1)).await, LITTLE).await;
    let bind_again = |id| result(id, 0x61, 0, None);
    is_passed_over("an answer of another kind", sends(bind_again).await, LITTLE).await;
    let unsolicited = |_| {
        let oid = element(0x8a, &[b"1.3.6.1.4.1.1466.20036".to_vec()]);
        message(0, element(0x78, &[vec![10, 1, 52], text(""), text(""), oid]))
    };
    is_passed_over("a notice of disconnection", sends(unsolicited).await, LITTLE).await;
    is_passed_over("no LDAP", sends(|_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await, LITTLE).await;
    is_passed_over("an absurd size", sends(|_| vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]).await, LITTLE).await;
    is_passed_over(
        "a size of eight bytes",
        sends(|_| [&[0x30, 0x88][..], &[0xff; 8]].concat()).await,
        LITTLE,
    )
    .await;
    let cut = |id| person(id)[..40].to_vec();
    is_passed_over(
        "half an answer",
        hostile(move |asked| vec![Act::Send(cut(asked.id)), Act::Close]).await,
        LITTLE,
    )
    .await;
    let inside = |id| message(id, vec![0x64, 0x50, 4, 1, b'x']);
    is_passed_over("an element that is longer than its message", sends(inside).await, LITTLE).await;
    is_passed_over("a name that is not UTF-8", sends(|id| entry(id, b"CN=\xff", &[])).await, LITTLE).await;
    let deep = |id| message(id, (0..5_000).fold(Vec::new(), |inner, _| element(0x30, &[inner])));
    is_passed_over("depth", sends(deep).await, LITTLE).await;
}

#[tokio::test(start_paused = true)]
async fn more_than_was_asked_for_is_not_heard_out() {
    // What fits into the sockets between before the connection is closed.
    const MUCH: usize = 64 * 1024 * 1024;
    is_passed_over("entries", hostile(|asked| vec![Act::Flood(person(asked.id))]).await, MUCH).await;
    let reference = |asked: &Asked| message(asked.id, element(0x73, &[text("ldap://elsewhere.example")]));
    is_passed_over("references", hostile(move |asked| vec![Act::Flood(reference(asked))]).await, MUCH).await;
    let endless =
        hostile(|_| vec![Act::Send(vec![0x30, 0x84, 0, 0xff, 0xff, 0xff]), Act::Flood(vec![4; 8192])]);
    is_passed_over("one endless answer", endless.await, MUCH).await;
}

/// In real time, since it is about what is taken and not about how long that takes.
#[tokio::test]
async fn a_page_of_a_list_is_not_heard_out_when_it_becomes_too_heavy() {
    const EACH: usize = 8 * 1024 * 1024;
    let heavy = |asked: &Asked| {
        let account = vec![b'a'; EACH];
        entry(asked.id, PERSON, &[("objectGUID", &[7; 16]), ("sAMAccountName", &account)])
    };
    let controller = hostile(move |asked| vec![Act::Flood(heavy(asked))]).await;
    let listed = directory(&[&controller]).list(&Listing::default()).await.map(drop);
    assert_eq!(listed.unwrap_err().reason, DirectoryReason::Unreachable);
    assert!(controller.sent() < 16 * EACH, "{} bytes", controller.sent());
}

#[tokio::test]
async fn a_list_of_pages_without_anybody_is_given_up() {
    let asked_for = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked_for);
    let empty = hostile(move |asked| match count.fetch_add(1, Ordering::SeqCst) {
        0..2000 => vec![Act::Send(empty_page(asked.id))],
        _ => vec![Act::Close],
    });
    let empty = empty.await;
    let mut list = directory(&[&empty]).list(&Listing::default()).await.unwrap();
    let error = loop {
        match list.next().await {
            Ok(page) => assert_eq!(page, Some(Vec::new())),
            Err(error) => break error,
        }
    };
    assert_eq!(error.dc, empty.dc());
    assert_eq!(asked_for.load(Ordering::SeqCst), 1001);
}

#[tokio::test(start_paused = true)]
async fn a_bind_that_is_answered_before_it_is_sent_is_no_bind() {
    let greeting = vec![Act::Send(result(1, 0x61, 0, None))];
    let eager = FakeController::start(greeting, |_| vec![Act::Silence]).await;
    is_passed_over("an answer to no bind", eager, 1024).await;
    let mute = FakeController::start(Vec::new(), |asked| match asked.operation {
        BIND => vec![Act::Silence],
        _ => vec![Act::Send(honest(asked))],
    });
    is_passed_over("a bind without an answer", mute.await, 1024).await;
}

#[tokio::test(start_paused = true)]
async fn a_referral_is_an_answer_and_nobody_goes_there() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}/DC=corp", elsewhere.local_addr().unwrap());
    let at_the_end = url.clone();
    let refers = hostile(move |asked| vec![Act::Send(result(asked.id, 0x65, 10, Some(&at_the_end)))]).await;
    let error = directory(&[&refers]).find(&alice()).await.unwrap_err();
    assert_eq!((error.reason, error.ad_code), (DirectoryReason::Refused, Some(10)));

    let beside = hostile(move |asked| {
        let reference = message(asked.id, element(0x73, &[text(&url)]));
        vec![Act::Send([reference, honest(asked)].concat())]
    });
    let beside = beside.await;
    assert_eq!(one(directory(&[&beside]).as_ref(), "alice").await.account, "alice");
    let visit = tokio::time::timeout(Duration::from_secs(60), elsewhere.accept()).await;
    assert!(visit.is_err(), "somebody followed the referral");
}

#[tokio::test(start_paused = true)]
async fn who_is_busy_or_going_down_is_passed_over_with_changes_too() {
    for code in [51, 52] {
        let busy = FakeController::start(Vec::new(), move |asked| match asked.operation {
            SEARCH if !asked.base.is_empty() => vec![Act::Send(result(asked.id, 0x65, code, None))],
            MODIFY => vec![Act::Send(result(asked.id, 0x67, code, None))],
            _ => vec![Act::Send(honest(asked))],
        });
        let (busy, second) = (busy.await, FakeController::honest().await);
        let error = directory(&[&busy]).find(&alice()).await.unwrap_err();
        let expected = (DirectoryReason::Refused, Some(u32::from(code)), Retry::Safe);
        assert_eq!((error.reason, error.ad_code, error.retry), expected);
        let directory = directory(&[&busy, &second]);
        let mut alice = one(directory.as_ref(), "alice").await.user;
        assert_eq!(alice.dc, second.dc());
        alice.dc = busy.dc();
        directory.reset_password(&alice, &password("New-Harbor-1"), PLAIN).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn attributes_that_are_not_what_they_should_be_are_an_error() {
    let strange: [(&str, &[u8]); 2] = [("objectGUID", &[7; 3]), ("sAMAccountName", b"\xff\xfe")];
    let strange = hostile(move |asked| {
        vec![Act::Send([entry(asked.id, PERSON, &strange), result(asked.id, 0x65, 0, None)].concat())]
    });
    let error = directory(&[&strange.await]).find(&alice()).await.unwrap_err();
    assert_eq!((error.reason, error.retry), (DirectoryReason::AccessDenied, Retry::Pointless));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_answered_with_nonsense_may_have_happened() {
    for nonsense in [|id| person(id), |_| vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff], |_| Vec::new()] {
        let nonsense: fn(u32) -> Vec<u8> = nonsense;
        let controller = FakeController::start(Vec::new(), move |asked| match asked.operation {
            MODIFY => vec![Act::Send(nonsense(asked.id)), Act::Silence],
            _ => vec![Act::Send(honest(asked))],
        });
        let controller = controller.await;
        let second = FakeController::honest().await;
        let directory = directory(&[&controller, &second]);
        let alice = one(directory.as_ref(), "alice").await.user;
        let error = directory.reset_password(&alice, &password("New-Harbor-1"), PLAIN).await.unwrap_err();
        assert_eq!((error.reason, error.retry), (DirectoryReason::NoAnswer, Retry::Unknown));
    }
}

#[tokio::test(start_paused = true)]
async fn many_slow_answers_have_one_deadline() {
    let slow = hostile(|asked| vec![Act::Wait(Duration::from_secs(9)), Act::Send(honest(asked))]).await;
    let directory = directory(&[&slow]);
    let user = one(directory.as_ref(), "alice").await;
    let groups = vec![dn("CN=a,DC=corp"); 20];
    let begun = Instant::now();
    let error = directory.member_of(&user, &groups).await.unwrap_err();
    assert_eq!(error.reason, DirectoryReason::Unreachable);
    assert!(begun.elapsed() < DEADLINE, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_slow_controller_does_not_hold_up_requests_to_another() {
    let slow = hostile(|_| vec![Act::Silence]).await;
    let quick = FakeController::honest().await;
    let directory = directory(&[&slow, &quick]);
    let user = |dc: String| UserRef { connection: CONNECTION, guid: ObjectGuid([7; 16]), dc };
    // As many as there are places on the slow one, and more.
    let waiting: Vec<_> = (0..12)
        .map(|_| {
            let (directory, user) = (Arc::clone(&directory), user(slow.dc()));
            tokio::spawn(async move { directory.read(&user).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    for _ in 0..20 {
        let record = directory.read(&user(quick.dc())).await.unwrap();
        assert_eq!(record.user.dc, quick.dc());
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    // Those who waited are served by the other one in the end.
    for read in waiting {
        assert_eq!(read.await.unwrap().unwrap().user.dc, quick.dc());
    }
    let begun = Instant::now();
    directory.find(&alice()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "who was silent is asked last");
}

const ROOT: [(&str, &[u8]); 2] =
    [("defaultNamingContext", b"DC=corp"), ("supportedControl", b"1.2.840.113556.1.4.2239")];

#[tokio::test(start_paused = true)]
async fn a_reset_carries_policy_hints_where_they_are_offered_and_their_refusal_is_the_end() {
    // [0] { SEQUENCE { OID, criticality TRUE, value: SEQUENCE { INTEGER 1 } } } (MS-ADTS 3.1.1.3.4.1.27).
    let hints: Vec<u8> =
        [&[0x04, 23][..], b"1.2.840.113556.1.4.2239", &[1, 1, 0xff, 4, 5, 0x30, 3, 2, 1, 1]].concat();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    let refuses = FakeController::start(Vec::new(), move |asked| match asked.operation {
        SEARCH if asked.base.is_empty() => {
            vec![Act::Send([entry(asked.id, "", &ROOT), result(asked.id, 0x65, 0, None)].concat())]
        }
        MODIFY => {
            kept.lock().unwrap().push(asked.raw.clone());
            // unavailableCriticalExtension
            vec![Act::Send(result(asked.id, 0x67, 12, None))]
        }
        _ => vec![Act::Send(honest(asked))],
    });
    let refuses = refuses.await;
    let directory = directory(&[&refuses]);
    let alice = one(directory.as_ref(), "alice").await.user;
    let error = directory.reset_password(&alice, &password("New-Harbor-1"), PLAIN).await.unwrap_err();
    assert_eq!((error.reason, error.ad_code), (DirectoryReason::Refused, Some(12)));
    directory
        .change_password(&alice, &password("Old-Harbor-1"), &password("New-Harbor-1"))
        .await
        .unwrap_err();
    directory.unlock(&alice).await.unwrap_err();
    let carried: Vec<_> = requests
        .lock()
        .unwrap()
        .iter()
        .map(|request| request.windows(hints.len()).any(|part| part == hints))
        .collect();
    assert_eq!(carried, [true, false, false], "one modification each, and the control with the reset only");
}
