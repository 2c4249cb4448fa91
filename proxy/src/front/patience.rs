//! How long a connection waits for its client's next words.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A client that has said nothing for this long is idle, and its connection gives up its buffers.
const QUIET_AFTER: Duration = Duration::from_secs(1);

/// A deadline that moves with every request. Its timer does not: to set one takes a lock that all threads share, so it goes
/// off when it was last set for, and is set anew only then.
#[derive(Debug)]
pub(super) struct Patience {
    timer: Pin<Box<Sleep>>,
    until: Instant,
    quiet_at: Instant,
    quiet: bool,
    turned_quiet: bool,
}

impl Patience {
    /// Of a connection that has just been opened.
    pub(super) fn new(now: Instant, limit: Duration) -> Self {
        let (until, quiet_at) = (now + limit, now + QUIET_AFTER.min(limit));
        Self {
            timer: Box::pin(sleep_until(quiet_at)),
            until,
            quiet_at,
            quiet: false,
            turned_quiet: false,
        }
    }

    /// Waits from `now` on, no longer than `limit`.
    pub(super) fn renew(&mut self, now: Instant, limit: Duration) {
        self.until = now + limit;
        self.quiet_at = now + QUIET_AFTER.min(limit);
        self.quiet = false;
        if self.timer.deadline() > self.quiet_at {
            self.timer.as_mut().reset(self.quiet_at);
        }
    }

    /// Whether nothing has come for a while.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether that has begun since this was last asked.
    pub(super) fn turned_quiet(&mut self) -> bool {
        std::mem::take(&mut self.turned_quiet)
    }

    /// Ready when the time is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if now >= self.until {
                return Poll::Ready(());
            }
            self.turned_quiet = !self.quiet && now >= self.quiet_at;
            self.quiet = now >= self.quiet_at;
            let next = if self.quiet { self.until } else { self.quiet_at };
            self.timer.as_mut().reset(next);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    async fn end(patience: &mut Patience) -> Duration {
        let start = Instant::now();
        poll_fn(|cx| patience.poll(cx)).await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_after_the_limit_of_the_last_words() {
        let mut patience = Patience::new(Instant::now(), LIMIT);
        for pause in [0, 300, 30_000] {
            let words = tokio::time::sleep(Duration::from_millis(pause));
            tokio::select! {
                () = poll_fn(|cx| patience.poll(cx)) => panic!("too early"),
                () = words => patience.renew(Instant::now(), LIMIT),
            }
        }
        let waited = end(&mut patience).await;
        assert!(waited >= LIMIT && waited < LIMIT + QUIET_AFTER, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_limit_is_kept_as_well() {
        let mut patience = Patience::new(Instant::now(), LIMIT);
        let short = Duration::from_millis(200);
        patience.renew(Instant::now(), short);
        let waited = end(&mut patience).await;
        assert!(waited >= short && waited < 2 * short, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_is_quiet_until_it_says_something() {
        let mut patience = Patience::new(Instant::now(), LIMIT);
        let wait = tokio::time::timeout(2 * QUIET_AFTER, poll_fn(|cx| patience.poll(cx)));
        assert!(wait.await.is_err());
        assert!(patience.is_quiet() && patience.turned_quiet() && !patience.turned_quiet());
        patience.renew(Instant::now(), LIMIT);
        assert!(!patience.is_quiet());
        let wait = tokio::time::timeout(2 * QUIET_AFTER, poll_fn(|cx| patience.poll(cx)));
        assert!(wait.await.is_err());
        assert!(patience.is_quiet(), "and again");
    }
}
