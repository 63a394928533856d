//! Two controllers take a profile of one person while neither hears of the other.

use crate::domain_controller::{BASE, DomainController, SERVICE_PASSWORD};
use crate::people::one;
use crate::samba::{open, settings};
use passquorum_domain::blob::Blob;
use passquorum_domain::ports::Directory;
use passquorum_domain::profile::{HeldProfile, ProfileValue};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{interval, timeout};

const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 0, 0, 98), Ipv4Addr::new(127, 0, 0, 99)];
const LIMIT: Duration = Duration::from_secs(90);

/// Sets the options of each controller's NTDS settings.
async fn set_options(controllers: &[DomainController; 2], options: u32) {
    for (controller, name) in controllers.iter().zip(["DC1", "DC2"]) {
        let settings = format!(
            "CN=NTDS Settings,CN={name},CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,{BASE}"
        );
        controller
            .modify(&format!("dn: {settings}\nchangetype: modify\nreplace: options\noptions: {options}\n"))
            .await;
    }
}

async fn read(directory: &dyn Directory) -> HeldProfile {
    directory.read_profile(&one(directory, "alice").await.user).await.unwrap()
}

async fn write(directory: &dyn Directory, value: &ProfileValue) -> HeldProfile {
    let held = read(directory).await;
    directory.write_profile(&one(directory, "alice").await.user, &held, Some(value)).await.unwrap();
    held
}

/// Waits until both hold the same, in the same version.
async fn in_step(directories: &[Arc<dyn Directory>; 2]) -> HeldProfile {
    let look = async {
        let mut ticks = interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            let [one, other] = directories;
            let held = read(one.as_ref()).await;
            if held.value.is_some() && held == read(other.as_ref()).await {
                return held;
            }
        }
    };
    timeout(LIMIT, look).await.unwrap()
}

#[tokio::test]
async fn the_one_of_two_profiles_that_stays_fits_its_stamp_and_an_earlier_one_does_not_anywhere() {
    let first = DomainController::start(ADDRESSES[0]).await;
    let second = first.join(ADDRESSES[1]).await;
    let directories = [&first, &second].map(|at| open(&settings(&first, &[&at.url()]), SERVICE_PASSWORD));
    let controllers = [first, second];
    let value = |bytes: &[u8]| ProfileValue::from(Blob::from(bytes));
    let earlier = value(b"earlier");
    let before = write(directories[0].as_ref(), &earlier).await;
    in_step(&directories).await;

    // A global catalogue, and with it: takes nothing from others.
    set_options(&controllers, 3).await;
    let written = [value(b"one"), value(b"other")];
    let mut stamps = Vec::new();
    for (directory, value) in directories.iter().zip(&written) {
        let held = write(directory.as_ref(), value).await;
        assert_eq!(held.value.as_ref(), Some(&earlier), "neither hears of the other");
        stamps.push(held.stamp());
    }
    set_options(&controllers, 1).await;
    let kept = in_step(&directories).await;
    let stays = written.iter().position(|value| kept.value.as_ref() == Some(value)).unwrap();
    assert!(stamps[stays].fits(&kept.at), "{:?}: {:?}", stamps[stays], kept.at);

    write(directories[1].as_ref(), &earlier).await;
    let back = in_step(&directories).await;
    assert_eq!((back.value.as_ref(), before.stamp().fits(&back.at)), (Some(&earlier), false));
    for controller in &controllers {
        controller.stop().await;
    }
}
