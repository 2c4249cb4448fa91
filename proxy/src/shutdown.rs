//! The server's stop, as those hear of it who serve.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Tells everybody that the server stops.
pub(crate) struct Stopper {
    signal: watch::Sender<bool>,
    begun: Arc<AtomicBool>,
}

/// Where the server's stop is heard of.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown {
    signal: watch::Receiver<bool>,
    /// The same again, for those who ask at every request: to look at the signal takes a lock.
    begun: Arc<AtomicBool>,
}

/// A stop that has not begun.
pub(crate) fn shutdown() -> (Stopper, Shutdown) {
    let (sender, signal) = watch::channel(false);
    let begun = Arc::new(AtomicBool::new(false));
    let stopper = Stopper {
        signal: sender,
        begun: Arc::clone(&begun),
    };
    (stopper, Shutdown { signal, begun })
}

impl Stopper {
    /// Begins the stop.
    pub(crate) fn stop(&self) {
        self.begun.store(true, Ordering::Release);
        let _ = self.signal.send(true); // nobody listens any more: nothing is left to stop
    }
}

impl Shutdown {
    /// Whether the stop has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    /// Waits until the stop begins.
    pub(crate) async fn begun(&mut self) {
        let _ = self.signal.wait_for(|stop| *stop).await;
    }

    /// As pingora knows it.
    pub(crate) fn signal(&self) -> &watch::Receiver<bool> {
        &self.signal
    }
}
