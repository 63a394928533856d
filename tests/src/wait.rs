//! Waiting on a condition with a deadline: the only waiting tool of the tests.

use std::future::Future;
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(25);

/// The condition did not come true before the deadline.
#[derive(Debug, thiserror::Error)]
#[error("not within {deadline:?}: {what}")]
pub struct Elapsed {
    what: String,
    deadline: Duration,
}

/// Calls `probe` until it gives a value, and returns that.
///
/// # Errors
/// [`Elapsed`], naming `what`, when `deadline` passes first; a probe under way is then dropped.
pub async fn until<T, F>(what: &str, deadline: Duration, mut probe: impl FnMut() -> F) -> Result<T, Elapsed>
where
    F: Future<Output = Option<T>>,
{
    let polling = async {
        loop {
            if let Some(value) = probe().await {
                return value;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(deadline, polling).await.map_err(|_| Elapsed { what: what.to_owned(), deadline })
}

/// Waits for something that ends by itself.
///
/// # Errors
/// [`Elapsed`], naming `what`, when `deadline` passes first; it is then dropped.
pub async fn within<T>(what: &str, deadline: Duration, work: impl Future<Output = T>) -> Result<T, Elapsed> {
    tokio::time::timeout(deadline, work).await.map_err(|_| Elapsed { what: what.to_owned(), deadline })
}

/// Lets a fault last. Only for that: what is to become true is waited for with [`until`].
pub async fn last(length: Duration) {
    tokio::time::sleep(length).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn returns_the_first_value_that_the_probe_gives() {
        let mut calls = 0;
        let value = until("three calls", Duration::from_secs(30), || {
            calls += 1;
            let result = (calls == 3).then_some(calls);
            async move { result }
        });
        assert_eq!(value.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn work_that_never_ends_is_dropped_at_the_deadline_and_is_named() {
        let never = within("the cows come home", Duration::from_millis(1), std::future::pending::<()>());
        assert!(never.await.unwrap_err().to_string().contains("the cows come home"));
        assert_eq!(within("now", Duration::from_secs(30), async { 7 }).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_probe_that_never_answers_ends_at_the_deadline_and_is_named() {
        let never = until::<(), _>("the moon is blue", Duration::from_millis(1), std::future::pending);
        assert!(never.await.unwrap_err().to_string().contains("the moon is blue"));
    }
}
