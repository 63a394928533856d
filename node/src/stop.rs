//! The word to stop, as every long-running task hears it.

use tokio::sync::watch;

/// Gives the word.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Hears it. A dropped [`Stopper`] counts as the word.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// A pair.
#[must_use]
pub fn channel() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Gives the word; again changes nothing.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// One more who hears it.
    #[must_use]
    pub fn listen(&self) -> Stop {
        Stop(self.0.subscribe())
    }
}

impl Stop {
    /// Ends when the word was given.
    pub async fn stopped(&mut self) {
        // An error says that the stopper is gone.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }

    /// Whether the word was given.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }
}
