//! The people of `ops/rig/crowd.py`: their passwords, who of them has registered, and whose account is locked or disabled.

use crate::Failure;
use crate::ldaps::Controller;
use crate::visitor::Site;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

/// The domain of `ops/rig/samba.sh`.
const DOMAIN: &str = "corp.example.test";
const BASE: &str = "DC=corp,DC=example,DC=test";
const PASSWORD: &str = "First-Passw0rd-88";
const DISABLED: &[u8] = b"514";
/// More than the domain's threshold of wrong passwords.
const WRONG_BINDS: u32 = 6;
/// How many register at a time.
const AT_ONCE: usize = 8;

/// What to make of the people of a range of numbers.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Fate {
    Registered,
    /// Registered, and since then locked by the domain for wrong passwords.
    Locked,
    /// Registered, and since then disabled.
    Disabled,
}

pub(crate) fn name(number: usize) -> String {
    format!("crowd{number}")
}

pub(crate) fn dn(number: usize) -> String {
    format!("CN=crowd{number},OU=Crowd,{BASE}")
}

/// Numbers as `FIRST-LAST`.
pub(crate) fn range(text: &str) -> Result<RangeInclusive<usize>, Failure> {
    let (first, last) = text.split_once('-').ok_or("a range is FIRST-LAST")?;
    Ok(first.parse()?..=last.parse()?)
}

/// Makes it so, several people at a time.
pub(crate) async fn prepare(
    site: Site,
    controller: Controller,
    people: RangeInclusive<usize>,
    fate: Fate,
) -> Result<(), Failure> {
    let next = Arc::new(AtomicUsize::new(*people.start()));
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (site, controller, next, last) =
            (site.clone(), controller.clone(), Arc::clone(&next), *people.end());
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number > last {
                    return Ok::<_, Failure>(());
                }
                one(&site, &controller, number, fate).await?;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(())
}

async fn one(site: &Site, controller: &Controller, number: usize, fate: Fate) -> Result<(), Failure> {
    let (name, dn) = (name(number), dn(number));
    let mut service = controller.connect().await?;
    service.reset(&dn, PASSWORD).await?;
    site.visitor()?.register(&name, PASSWORD).await?;
    match fate {
        Fate::Registered => {}
        Fate::Disabled => service.replace(&dn, &[("userAccountControl", DISABLED)]).await?,
        Fate::Locked => {
            for _ in 0..WRONG_BINDS {
                controller.open().await?.bind(&format!("{name}@{DOMAIN}"), "Wrong-Passw0rd-1").await?;
            }
        }
    }
    Ok(())
}
