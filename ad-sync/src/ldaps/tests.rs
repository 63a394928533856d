//! What is pushed where after a change, on controllers that answer as a script says; one of them refuses, one never answers.

use super::*;
use fake_controller::{Act, Asked, FakeController, MODIFY, SEARCH, entry, honest, result};
use passquorum_domain::blob::Blob;
use passquorum_domain::directory::ObjectGuid;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::{Instant, interval, timeout};

#[path = "../../tests/ad_sync/fake_controller.rs"]
#[allow(dead_code, reason = "the tests of the directory need more of it")]
mod fake_controller;

const CONNECTION: ConnectionId = ConnectionId(uuid::Uuid::nil());
const READ_ONLY: &str = "1.2.840.113556.1.4.1920";
const ALICE: &str = "<GUID=07070707-0707-0707-0707-070707070707>";
const LIMIT: Duration = Duration::from_secs(60);

/// What one controller was asked to fetch.
type Fetched = Arc<Mutex<Vec<String>>>;

/// What follows the attribute's name in a modification: its value, as far as it is text.
fn fetched(asked: &Asked) -> Option<String> {
    let text = String::from_utf8_lossy(&asked.raw).into_owned();
    let (_, value) = text.split_once("replicateSingleObject")?;
    let value = value.get(value.find("CN=NTDS Settings")?..)?;
    value.split(|c: char| !(' '..='~').contains(&c)).next().map(str::to_owned)
}

fn settings_of(name: &str) -> String {
    format!("CN=NTDS Settings,CN={name},CN=Servers,CN=Bonn,CN=Sites,CN=Configuration,DC=corp")
}

/// A controller of this name, honest until it is told to fetch something.
async fn controller(
    name: &'static str,
    capability: &'static str,
    act: impl Fn(&Asked) -> Act + Send + Sync + 'static,
) -> (FakeController, Fetched) {
    let told = Fetched::default();
    let kept = Arc::clone(&told);
    let script = move |asked: &Asked| {
        let root = || {
            let settings = settings_of(name);
            let attributes: [(&str, &[u8]); 3] = [
                ("defaultNamingContext", b"DC=corp,DC=example,DC=test"),
                ("dsServiceName", settings.as_bytes()),
                ("supportedCapabilities", capability.as_bytes()),
            ];
            [entry(asked.id, "", &attributes), result(asked.id, 0x65, 0, None)].concat()
        };
        match (asked.operation, fetched(asked)) {
            (SEARCH, _) if asked.base.is_empty() => vec![Act::Send(root())],
            (MODIFY, Some(value)) => {
                kept.lock().unwrap().push(value);
                vec![act(asked)]
            }
            _ => vec![Act::Send(honest(asked))],
        }
    };
    (FakeController::start(Vec::new(), script).await, told)
}

fn fetches(asked: &Asked) -> Act {
    Act::Send(result(asked.id, 0x67, 0, None))
}

fn directory(source: &FakeController, targets: &[&FakeController]) -> Ldaps {
    let all = std::iter::once(&source).chain(targets);
    let tls = tls::client_config(&all.map(|controller| controller.authority()).collect::<String>()).unwrap();
    let pool = |controllers: &[&FakeController]| {
        let servers = controllers.iter().map(|controller| Server::parse(&controller.url()).unwrap());
        let account = Account { name: "svc".to_owned(), password: "Svc-Passw0rd-1".into() };
        Pool::new(servers.collect(), Arc::new(Names::of_host()), Arc::clone(&tls), account)
    };
    let own = pool(&[source]);
    Ldaps {
        connection: CONNECTION,
        base: DistinguishedName::parse("DC=corp,DC=example,DC=test").unwrap(),
        attributes: ProfileAttributes::new("comment", None),
        pool: Arc::clone(&own),
        push_sites: Vec::new(),
        pushes: Some(Pushes::new(own, pool(targets))),
    }
}

fn alice(source: &FakeController) -> UserRef {
    UserRef { connection: CONNECTION, guid: ObjectGuid([7; 16]), dc: source.dc() }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let look = async {
        let mut ticks = interval(Duration::from_millis(10));
        while !holds() {
            ticks.tick().await;
        }
    };
    timeout(LIMIT, look).await.unwrap_or_else(|_| panic!("{what}: not within {LIMIT:?}"));
}

fn outcome_at(directory: &Ldaps, target: &FakeController) -> Option<Result<(), DirectoryReason>> {
    let last = directory.pushes().unwrap().last;
    let (_, outcome) = last.into_iter().find(|(dc, _)| *dc == target.dc())?;
    Some(outcome.map_err(|error| error.reason))
}

#[tokio::test(start_paused = true)]
async fn each_change_is_fetched_by_each_controller_from_the_one_that_took_it() {
    let (source, from_itself) = controller("DC1", "", fetches).await;
    let (far, told_far) = controller("DC2", "", fetches).await;
    let (read_only, told_read_only) = controller("DC3", READ_ONLY, fetches).await;
    let directory = directory(&source, &[&source, &far, &read_only]);
    let user = alice(&source);
    let object = format!("{}:{ALICE}", settings_of("DC1"));
    let [old, new] = ["Old-Harbor-1", "New-Harbor-1"].map(|text| Password::parse(text.to_owned()).unwrap());
    let options = ResetOptions { unlock: true, must_change: false };

    directory.reset_password(&user, &new, options).await.unwrap();
    directory.change_password(&user, &old, &new).await.unwrap();
    until("both passwords are fetched", || told_read_only.lock().unwrap().len() == 4).await;
    until("the other one has both", || told_far.lock().unwrap().len() == 2).await;
    assert!(told_far.lock().unwrap().iter().all(|value| *value == object), "{told_far:?}");
    let secrets = format!("{object}:SECRETS_ONLY");
    for value in [&object, &secrets] {
        let told = told_read_only.lock().unwrap().iter().filter(|told| *told == value).count();
        assert_eq!(told, 2, "{value}: {told_read_only:?}");
    }

    directory.unlock(&user).await.unwrap();
    directory.enable(&user).await.unwrap();
    directory.set_must_change(&user).await.unwrap();
    let held = directory.read_profile(&user).await.unwrap();
    let profile = ProfileValue::from(Blob::from(b"sealed".to_vec()));
    directory.write_profile(&user, &held, Some(&profile)).await.unwrap();
    until("the rest is fetched", || told_read_only.lock().unwrap().len() == 8).await;
    until("and by the other one", || told_far.lock().unwrap().len() == 6).await;
    assert_eq!(
        told_read_only.lock().unwrap()[4..],
        [(); 4].map(|()| object.clone()),
        "no secret has changed"
    );
    assert_eq!(from_itself.lock().unwrap()[..], [""; 0], "who took it need not fetch it");
    assert_eq!(outcome_at(&directory, &source), None);
    until("it is told", || outcome_at(&directory, &far) == Some(Ok(()))).await;
    until("it is told", || outcome_at(&directory, &read_only) == Some(Ok(()))).await;
    assert_eq!(directory.pushes().unwrap().left_out, 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_refuses_and_one_that_never_answers_delay_nobody_and_are_told() {
    let (source, _) = controller("DC1", "", fetches).await;
    // insufficientAccessRights
    let (refuses, _) = controller("DC2", "", |asked| Act::Send(result(asked.id, 0x67, 50, None))).await;
    let (hangs, told) = controller("DC3", "", |_| Act::Silence).await;
    let (serves, _) = controller("DC4", "", fetches).await;
    let directory = directory(&source, &[&refuses, &hangs, &serves]);
    let begun = Instant::now();
    directory.unlock(&alice(&source)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "the user waited {:?}", begun.elapsed());
    until("one has it", || outcome_at(&directory, &serves) == Some(Ok(()))).await;
    until("one refuses", || outcome_at(&directory, &refuses) == Some(Err(DirectoryReason::AccessDenied)))
        .await;
    until("one is given up", || outcome_at(&directory, &hangs) == Some(Err(DirectoryReason::NoAnswer))).await;
    assert_eq!(told.lock().unwrap().len(), 1, "what may have happened is not tried again");
    assert!(begun.elapsed() < Duration::from_secs(21), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn one_that_gave_no_answer_is_left_alone_for_half_a_minute() {
    let (source, _) = controller("DC1", "", fetches).await;
    let (hangs, told) = controller("DC2", "", |_| Act::Silence).await;
    let (serves, served) = controller("DC3", "", fetches).await;
    let directory = directory(&source, &[&hangs, &serves]);
    directory.unlock(&alice(&source)).await.unwrap();
    until("one is given up", || outcome_at(&directory, &hangs) == Some(Err(DirectoryReason::NoAnswer))).await;
    let given_up = Instant::now();
    directory.unlock(&alice(&source)).await.unwrap();
    until("the other one has both", || served.lock().unwrap().len() == 2).await;
    until("half a minute is over", || given_up.elapsed() >= Duration::from_secs(30)).await;
    assert_eq!(told.lock().unwrap().len(), 1, "it was left alone");
    directory.unlock(&alice(&source)).await.unwrap();
    until("it is asked again", || told.lock().unwrap().len() == 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_refused_is_not_pushed_and_one_too_many_is_left_out() {
    let refuses = FakeController::start(Vec::new(), |asked| match asked.operation {
        MODIFY => vec![Act::Send(result(asked.id, 0x67, 50, None))],
        _ => vec![Act::Send(honest(asked))],
    });
    let refuses = refuses.await;
    let (hangs, told) = controller("DC3", "", |_| Act::Silence).await;
    let refused = directory(&refuses, &[&hangs]);
    refused.unlock(&alice(&refuses)).await.unwrap_err();

    let (source, _) = controller("DC1", "", fetches).await;
    let directory = directory(&source, &[&hangs]);
    for _ in 0..19 {
        directory.unlock(&alice(&source)).await.unwrap();
    }
    assert_eq!(directory.pushes().unwrap().left_out, 11, "half of the places are for passwords");
    let new = Password::parse("New-Harbor-1".to_owned()).unwrap();
    let options = ResetOptions { unlock: true, must_change: false };
    for _ in 0..8 {
        directory.reset_password(&alice(&source), &new, options).await.unwrap();
    }
    assert_eq!(directory.pushes().unwrap().left_out, 11, "no password is");
    directory.reset_password(&alice(&source), &new, options).await.unwrap();
    assert_eq!(directory.pushes().unwrap().left_out, 12);
    until("they come to an end", || outcome_at(&directory, &hangs).is_some()).await;
    assert!(told.lock().unwrap().iter().all(|value| value.starts_with(&settings_of("DC1"))), "{told:?}");
    assert_eq!(refused.pushes().unwrap().last, []);
}
