//! The storage container: the suite on the demonstration directory and on a real domain controller, and a write that
//! is held up on its way there.

use crate::domain_controller::{BASE, DomainController, SERVICE_PASSWORD};
use crate::people::{CONNECTION, dn};
use crate::relay::Relay;
use crate::samba::{names, settings};
use async_trait::async_trait;
use passquorum_ad_sync::conformance::container::{Meddler, Parties, verify};
use passquorum_ad_sync::container;
use passquorum_ad_sync::demo::{self, DemoContainer, DemoDirectory, Seed};
use passquorum_domain::blob::Blob;
use passquorum_domain::directory::DistinguishedName;
use passquorum_domain::ids::RealmId;
use passquorum_domain::ports::{Container, ContainerError, DirectoryReason, Fence, Held};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

const REALM: RealmId = RealmId(uuid::Uuid::from_u128(1));
const OTHER_REALM: RealmId = RealmId(uuid::Uuid::from_u128(2));
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 43);

fn name() -> DistinguishedName {
    dn(&format!("CN=_QPMStorageContainer,OU=Svc,{BASE}"))
}

/// Edits the demonstration directory's file.
struct Editor(PathBuf);

impl Editor {
    fn edit(&self, change: impl FnOnce(&mut serde_json::Value)) {
        let mut domain = serde_json::from_slice(&std::fs::read(&self.0).unwrap()).unwrap();
        change(&mut domain);
        std::fs::write(&self.0, serde_json::to_vec(&domain).unwrap()).unwrap();
    }
}

#[async_trait]
impl Meddler for Editor {
    async fn replace_document(&self, document: &[u8]) {
        let document = serde_json::to_value(Blob::from(document)).unwrap();
        self.edit(|domain| domain["containers"][name().as_str().to_lowercase()]["document"] = document);
    }

    async fn remove(&self) {
        self.edit(|domain| domain["containers"] = serde_json::json!({}));
    }
}

#[tokio::test]
async fn the_demonstration_directorys_container_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.json");
    demo::seed(&path, &Seed::demo()).unwrap();
    let open = |realm| DemoContainer::open(DemoDirectory::open(&path, CONNECTION), realm, &name());
    let (one, other, stranger) = (open(REALM), open(REALM), open(OTHER_REALM));
    let meddler = Editor(path.clone());
    let parties = Parties { one: &one, other: &other, stranger: &stranger, meddler: &meddler };
    verify(&parties).await.unwrap();
}

/// The domain's administrator.
#[async_trait]
impl Meddler for DomainController {
    async fn replace_document(&self, document: &[u8]) {
        let text = std::str::from_utf8(document).unwrap();
        let (dn, attribute) = (name(), "serviceBindingInformation");
        self.modify(&format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {text}\n"))
            .await;
    }

    async fn remove(&self) {
        self.modify(&format!("dn: {}\nchangetype: delete\n", name())).await;
    }
}

fn open(samba: &DomainController, realm: RealmId, url: &str) -> Arc<dyn Container> {
    container::open(realm, CONNECTION, &settings(samba, &[url]), names(), SERVICE_PASSWORD.into(), &name())
        .unwrap()
}

#[tokio::test]
async fn a_real_domain_controllers_container_conforms() {
    let samba = DomainController::start(ADDRESS).await;
    let (one, other) = (open(&samba, REALM, &samba.url()), open(&samba, REALM, &samba.url()));
    let stranger = open(&samba, OTHER_REALM, &samba.url());
    let parties =
        Parties { one: one.as_ref(), other: other.as_ref(), stranger: stranger.as_ref(), meddler: &samba };
    verify(&parties).await.unwrap();
    a_write_that_is_held_up_until_a_newer_leader_has_written_changes_nothing(&samba).await;
    a_write_without_an_answer_is_unknown_and_a_repetition_is_harmless(&samba).await;
    a_large_document_is_kept_whole_and_a_torn_one_is_told(&samba).await;
    it_is_removed_to_be_made_anew_and_each_change_changes_the_mark(&samba).await;
    an_object_of_another_program_is_left_alone(&samba).await;
    an_account_without_the_right_is_denied(&samba).await;
    samba.stop().await;
}

fn fence(term: u64, index: u64) -> Fence {
    Fence { term, index }
}

fn document(text: &str) -> Blob {
    Blob::from(text.as_bytes())
}

async fn a_write_that_is_held_up_until_a_newer_leader_has_written_changes_nothing(samba: &DomainController) {
    let relay = Relay::start(ADDRESS, SocketAddr::from((ADDRESS, 636))).await;
    let (old, new) = (open(samba, REALM, &relay.url()), open(samba, REALM, &samba.url()));
    let seen = old.read().await.unwrap().map(|held| held.fence);
    relay.hold_requests();
    let late = tokio::spawn(async move { old.swap(seen, fence(300, 1), &document("old")).await });
    relay.a_request_is_held().await;
    new.swap(seen, fence(301, 1), &document("new")).await.unwrap();
    relay.let_requests_go();
    assert_eq!(late.await.unwrap(), Err(ContainerError::Changed));
    let expected = Held { fence: fence(301, 1), document: document("new") };
    assert_eq!(new.read().await.unwrap(), Some(expected));
}

async fn a_write_without_an_answer_is_unknown_and_a_repetition_is_harmless(samba: &DomainController) {
    let relay = Relay::start(ADDRESS, SocketAddr::from((ADDRESS, 636))).await;
    let (unheard, heard) = (open(samba, REALM, &relay.url()), open(samba, REALM, &samba.url()));
    let seen = unheard.read().await.unwrap().map(|held| held.fence);
    relay.swallow_answers();
    let outcome = unheard.swap(seen, fence(302, 1), &document("unheard")).await;
    assert!(matches!(outcome, Err(ContainerError::Unknown(_))), "{outcome:?}");
    // It did happen, so the same once more does not.
    assert_eq!(heard.read().await.unwrap().unwrap().fence, fence(302, 1));
    assert_eq!(heard.swap(seen, fence(302, 1), &document("again")).await, Err(ContainerError::Changed));
}

async fn a_large_document_is_kept_whole_and_a_torn_one_is_told(samba: &DomainController) {
    let container = open(samba, REALM, &samba.url());
    let seen = container.read().await.unwrap().map(|held| held.fence);
    let large = document(&"größer als ein Wert; ".repeat(50_000));
    container.swap(seen, fence(400, 1), &large).await.unwrap();
    let held = container.read().await.unwrap();
    assert!(held == Some(Held { fence: fence(400, 1), document: large.clone() }), "a megabyte is not itself");
    // One of its pieces goes, as when somebody edits by hand.
    let pieces = samba.values(name().as_str(), "(objectClass=*)", "serviceBindingInformation").await;
    assert!(pieces.len() > 30, "{}", pieces.len());
    let attribute = "serviceBindingInformation";
    let ldif =
        format!("dn: {}\nchangetype: modify\ndelete: {attribute}\n{attribute}:: {}\n", name(), pieces[5]);
    samba.modify(&ldif).await;
    let torn = Held { fence: fence(400, 1), document: document("") };
    assert_eq!(container.read().await.unwrap(), Some(torn));
    container.swap(Some(fence(400, 1)), fence(400, 2), &large).await.unwrap();
    assert!(container.read().await.unwrap().is_some_and(|held| held.document == large));
    container.swap(Some(fence(400, 2)), fence(400, 3), &document("small again")).await.unwrap();
    let values = samba.values(name().as_str(), "(objectClass=*)", attribute).await;
    assert_eq!(values, ["small again"]);
    let huge = document(&"x".repeat(9 << 20));
    let outcome = container.swap(Some(fence(400, 3)), fence(400, 4), &huge).await;
    let too_large = |error: &ContainerError| matches!(error, ContainerError::Refused(error) if error.reason == DirectoryReason::TooLarge);
    assert!(outcome.as_ref().is_err_and(too_large), "{outcome:?}");
}

async fn it_is_removed_to_be_made_anew_and_each_change_changes_the_mark(samba: &DomainController) {
    let container = open(samba, REALM, &samba.url());
    let stranger = open(samba, OTHER_REALM, &samba.url());
    let before = container.mark().await.unwrap();
    assert_eq!(container.mark().await.unwrap(), before);
    samba.replace_document(b"meddled").await;
    let meddled = container.mark().await.unwrap();
    let refused = stranger.remove().await;
    assert!(matches!(refused, Err(ContainerError::Foreign(_))), "{refused:?}");
    container.remove().await.unwrap();
    container.remove().await.unwrap();
    assert_eq!(container.read().await, Ok(None));
    let gone = container.mark().await.unwrap();
    assert!(before != meddled && meddled != gone && gone != before);
    container.swap(None, fence(500, 1), &document("anew")).await.unwrap();
}

async fn an_object_of_another_program_is_left_alone(samba: &DomainController) {
    samba.remove().await;
    let dn = name();
    let service = "objectClass: serviceConnectionPoint\nserviceBindingInformation: theirs";
    samba.modify(&format!("dn: {dn}\nchangetype: add\n{service}\n")).await;
    let container = open(samba, REALM, &samba.url());
    let outcome = container.read().await;
    assert!(matches!(outcome, Err(ContainerError::Foreign(_))), "{outcome:?}");
    samba.remove().await;
}

async fn an_account_without_the_right_is_denied(samba: &DomainController) {
    let elsewhere = dn(&format!("CN=_QPMStorageContainer,CN=System,{BASE}"));
    let settings = settings(samba, &[&samba.url()]);
    let container =
        container::open(REALM, CONNECTION, &settings, names(), SERVICE_PASSWORD.into(), &elsewhere).unwrap();
    assert_eq!(container.read().await, Ok(None));
    let outcome = container.swap(None, fence(1, 1), &document("x")).await;
    assert!(matches!(&outcome, Err(ContainerError::Denied(_))), "{outcome:?}");
    let nowhere = dn(&format!("CN=_QPMStorageContainer,OU=Nowhere,{BASE}"));
    let container =
        container::open(REALM, CONNECTION, &settings, names(), SERVICE_PASSWORD.into(), &nowhere).unwrap();
    let outcome = container.swap(None, fence(1, 1), &document("x")).await;
    let missing = |outcome| matches!(outcome, Err(ContainerError::Refused(error)) if error.reason == DirectoryReason::NotFound);
    assert!(missing(outcome.clone()), "{outcome:?}");
}
