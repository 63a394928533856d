//! The rules that every storage container keeps, as a suite that runs on any of them.

use super::{Violation, same};
use async_trait::async_trait;
use passquorum_domain::blob::Blob;
use passquorum_domain::ports::{Container, ContainerError, Fence, Held};

/// What somebody with rights of his own does to the container behind the product's back.
#[async_trait]
pub trait Meddler: Send + Sync {
    /// Puts another document in, and leaves the fence.
    async fn replace_document(&self, document: &[u8]);
    /// Takes the whole container away.
    async fn remove(&self);
}

/// One container that is not there yet, as several see it.
pub struct Parties<'a> {
    /// A node.
    pub one: &'a dyn Container,
    /// Another node of the same realm.
    pub other: &'a dyn Container,
    /// A node of another realm that was given the same container.
    pub stranger: &'a dyn Container,
    /// Somebody else.
    pub meddler: &'a dyn Meddler,
}

/// Runs every rule.
///
/// # Errors
/// The first rule that does not hold.
pub async fn verify(parties: &Parties<'_>) -> Result<(), Violation> {
    let first = parties.beginning().await?;
    let second = parties.order(first).await?;
    let last = parties.race(second).await?;
    parties.stranger(last).await?;
    parties.meddler(last).await
}

/// How often the two writers race.
const RACES: u64 = 25;
/// More than one packet, and more than any attribute of a fixed size takes.
const LARGE: usize = 300 * 1024;

fn fence(term: u64, index: u64) -> Fence {
    Fence { term, index }
}

fn document(text: &str) -> Blob {
    Blob::from(text.as_bytes())
}

impl Parties<'_> {
    async fn beginning(&self) -> Result<Fence, Violation> {
        same("a container that is not there holds nothing", &held(self.one).await?, &None)?;
        let rule = "a container that is not there has no fence to replace";
        refused(rule, self.one.swap(Some(fence(1, 1)), fence(1, 2), &document("x")).await)?;
        same(rule, &held(self.one).await?, &None)?;

        let rule = "of two first writers one wins, and the other is told";
        self.contest(rule, None, [fence(1, 5), fence(2, 6)]).await
    }

    async fn order(&self, first: Fence) -> Result<Fence, Violation> {
        let rule = "a higher fence replaces a lower one, whoever wrote it, byte for byte";
        let (second, large) = (fence(3, 7), document(&"\u{e4}\0".repeat(LARGE / 3)));
        done(rule, self.other.swap(Some(first), second, &large).await)?;
        self.holds(rule, second, &large).await?;

        let rule = "a fence below the one that was seen is refused";
        let stale = self.one.swap(Some(second), fence(2, 900), &document("old")).await;
        same(rule, &stale, &Err(ContainerError::Stale { found: second, own: fence(2, 900) }))?;
        let rule = "a fence that was overtaken since it was read writes nothing, be it lower or higher";
        for late in [fence(2, 6), fence(3, 1), fence(9, 9)] {
            refused(rule, self.one.swap(Some(first), late, &document("late")).await)?;
        }
        let rule = "who saw nothing writes nothing over what is there";
        for late in [first, fence(9, 9)] {
            refused(rule, self.one.swap(None, late, &document("late")).await)?;
        }
        self.holds(rule, second, &large).await?;
        Ok(second)
    }

    async fn race(&self, start: Fence) -> Result<Fence, Violation> {
        let rule = "of two who saw the same one wins, be its fence the lower or the higher one";
        let mut last = start;
        for step in 1..=RACES {
            let fences = [fence(10 + step, 1 + step % 2), fence(10 + step, 2 - step % 2)];
            last = self.contest(rule, Some(last), fences).await?;
        }
        Ok(last)
    }

    /// Both write at once, each its fence as the document. Answers the fence of the one that won.
    async fn contest(
        &self,
        rule: &'static str,
        seen: Option<Fence>,
        fences: [Fence; 2],
    ) -> Result<Fence, Violation> {
        let [left, right] = fences;
        let documents = [document(&left.to_string()), document(&right.to_string())];
        let [of_left, of_right] = &documents;
        let (one, other) =
            tokio::join!(self.one.swap(seen, left, of_left), self.other.swap(seen, right, of_right));
        let (kept, lost, shown) = match one {
            Ok(()) => (left, other, of_left),
            lost => {
                done(rule, other)?;
                (right, lost, of_right)
            }
        };
        refused(rule, lost)?;
        self.holds(rule, kept, shown).await?;
        Ok(kept)
    }

    async fn stranger(&self, last: Fence) -> Result<(), Violation> {
        let rule = "another realm's container is foreign, and is never overwritten";
        let before = held(self.one).await?;
        match self.stranger.read().await {
            Err(ContainerError::Foreign(_)) => {}
            other => return Err(Violation { rule, seen: format!("{other:?}") }),
        }
        for seen in [None, Some(last)] {
            refused(rule, self.stranger.swap(seen, fence(999, 9), &document("stranger")).await)?;
        }
        same(rule, &held(self.one).await?, &before)
    }

    async fn meddler(&self, last: Fence) -> Result<(), Violation> {
        let rule = "a document that somebody else changed is seen, and put right under the same fence";
        self.meddler.replace_document(b"meddled").await;
        self.holds(rule, last, &document("meddled")).await?;
        done(rule, self.one.swap(Some(last), last, &document("right")).await)?;
        self.holds(rule, last, &document("right")).await?;

        let rule = "a container that somebody took away is seen, and made again";
        self.meddler.remove().await;
        same(rule, &held(self.other).await?, &None)?;
        refused(rule, self.one.swap(Some(last), fence(200, 1), &document("late")).await)?;
        same(rule, &held(self.other).await?, &None)?;
        done(rule, self.other.swap(None, fence(200, 2), &document("anew")).await)?;
        self.holds(rule, fence(200, 2), &document("anew")).await
    }

    async fn holds(&self, rule: &'static str, fence: Fence, document: &Blob) -> Result<(), Violation> {
        let expected = Some(Held { fence, document: document.clone() });
        for reader in [self.one, self.other] {
            same(rule, &held(reader).await?, &expected)?;
        }
        Ok(())
    }
}

async fn held(container: &dyn Container) -> Result<Option<Held>, Violation> {
    let rule = "a container can be read";
    container.read().await.map_err(|error| Violation { rule, seen: format!("{error} ({error:?})") })
}

fn done(rule: &'static str, outcome: Result<(), ContainerError>) -> Result<(), Violation> {
    outcome.map_err(|error| Violation { rule, seen: format!("{error} ({error:?})") })
}

/// Nothing was written, since it is not as it was seen.
fn refused(rule: &'static str, outcome: Result<(), ContainerError>) -> Result<(), Violation> {
    same(rule, &outcome, &Err(ContainerError::Changed))
}
