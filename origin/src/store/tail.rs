//! The end of the change log as it grows, whichever process writes.

use std::time::Duration;

use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::{Store, StoreError, statements};

/// How often the file is asked whether another process wrote. The question is `PRAGMA data_version`, which
/// reads one counter in shared memory.
const POLL_EVERY: Duration = Duration::from_millis(10);
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The highest id known to be committed; it only grows. Told at once of our own writes, by polling of others'.
#[derive(Debug)]
pub(crate) struct Tail {
    end: watch::Sender<i64>,
}

impl Tail {
    pub(super) fn new() -> Self {
        Self {
            end: watch::Sender::new(0),
        }
    }

    /// A change up to this id has been committed.
    pub(super) fn reached(&self, id: i64) {
        self.end.send_if_modified(|end| {
            let grew = *end < id;
            *end = (*end).max(id);
            grew
        });
    }

    /// Follows the end. The first value may lag behind the file by one poll.
    pub(crate) fn follow(&self) -> watch::Receiver<i64> {
        self.end.subscribe()
    }
}

impl Store {
    /// Watches the file for other processes' writes; never returns. Costs next to nothing while nobody follows.
    pub(crate) async fn watch_file(&self) {
        loop {
            let Err(error) = watch(&self.readers, &self.tail).await;
            if self.readers.is_closed() {
                return;
            }
            tracing::warn!(%error, "cannot watch the change log; trying again");
            sleep(RETRY_AFTER).await;
        }
    }
}

async fn watch(readers: &SqlitePool, tail: &Tail) -> Result<std::convert::Infallible, StoreError> {
    // The counter is per connection, so this one is kept.
    let mut connection = readers.acquire().await?;
    let mut seen = None;
    let mut ticks = interval(POLL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if tail.end.receiver_count() == 0 {
            continue;
        }
        let version = data_version(&mut connection).await?;
        if seen != Some(version) {
            let end = sqlx::query_scalar(statements::POSITION)
                .fetch_one(&mut *connection)
                .await?;
            tail.reached(end);
            seen = Some(version);
        }
    }
}

async fn data_version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("PRAGMA data_version")
        .fetch_one(connection)
        .await
}
