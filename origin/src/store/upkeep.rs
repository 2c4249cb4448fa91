//! What must not grow without bound: the change log, remembered answers, orphaned files.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{Store, StoreError, now_ms};

const EVERY: Duration = Duration::from_secs(60);
/// Rows per transaction, so that writers wait milliseconds at most.
const BATCH_ROWS: u32 = 5_000;
/// How long a `POST` can be repeated with its key.
const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 3600);
/// Far longer than any upload takes.
const ORPHANS_KEPT: Duration = Duration::from_secs(24 * 3600);

/// Prunes at once and then every minute; never returns.
pub(crate) async fn keep_up(store: &Store, log_rows_max: u32) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = store.prune(log_rows_max).await {
            tracing::warn!(%error, "upkeep failed; trying again in a minute");
        }
    }
}

impl Store {
    /// Forgets changes beyond `log_rows_max`, answers and orphans beyond their time.
    async fn prune(&self, log_rows_max: u32) -> Result<(), StoreError> {
        let keep_after = self.position().await? - i64::from(log_rows_max);
        let log =
            "DELETE FROM changes WHERE id IN (SELECT id FROM changes WHERE id <= ? ORDER BY id LIMIT ?)";
        let changes = self.prune_batches(log, keep_after).await?;
        let expired_ms = now_ms() - i64::try_from(ANSWERS_KEPT.as_millis()).unwrap_or(i64::MAX);
        let answers = self.prune_batches(
            "DELETE FROM idempotency WHERE (collection, key) IN
             (SELECT collection, key FROM idempotency WHERE at_ms < ? LIMIT ?)",
            expired_ms,
        );
        let answers = answers.await?;
        let referred: Vec<String> =
            sqlx::query_scalar("SELECT resume ->> 'file' FROM profiles WHERE resume IS NOT NULL")
                .fetch_all(&self.readers)
                .await?;
        let files = self
            .vault
            .sweep(HashSet::from_iter(referred), ORPHANS_KEPT)
            .await?;
        if changes + answers > 0 || files > 0 {
            tracing::info!(changes, answers, files, "forgot what is past its time");
        }
        Ok(())
    }

    async fn prune_batches(&self, statement: &'static str, bound: i64) -> Result<u64, StoreError> {
        let mut pruned = 0;
        loop {
            let done = sqlx::query(statement)
                .bind(bound)
                .bind(BATCH_ROWS)
                .execute(&self.writer)
                .await?;
            pruned += done.rows_affected();
            if done.rows_affected() < u64::from(BATCH_ROWS) {
                return Ok(pruned);
            }
        }
    }
}
