//! Reading the change log, which the feed streams.

use sqlx::Row;

use super::{Store, StoreError, now_ms};

/// One line of the log.
#[derive(Clone, Debug)]
pub(crate) struct LoggedChange {
    pub(crate) id: i64,
    /// JSON array of strings.
    pub(crate) tags: String,
}

/// A place in the log from which it cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// Older than what is kept: changes since then have been forgotten.
    Pruned {
        /// Reading can start after this id at the earliest.
        earliest: i64,
    },
    /// Beyond the end: it speaks of another database.
    NeverWas { end: i64 },
}

impl Store {
    /// The changes after an id, in order, at most `limit`. Ids have no gaps, so a page that does not start at
    /// the next id, or an empty page when the log ends elsewhere, means that the place is gone.
    pub(crate) async fn changes_after(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Result<Vec<LoggedChange>, Gone>, StoreError> {
        let rows = sqlx::query("SELECT id, tags FROM changes WHERE id > ? ORDER BY id LIMIT ?")
            .bind(after)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        let changes = rows
            .iter()
            .map(|row| {
                Ok(LoggedChange {
                    id: row.try_get("id")?,
                    tags: row.try_get("tags")?,
                })
            })
            .collect::<Result<Vec<_>, sqlx::Error>>()?;
        match changes.first() {
            Some(first) if first.id != after + 1 => Ok(Err(Gone::Pruned {
                earliest: first.id - 1,
            })),
            Some(_) => Ok(Ok(changes)),
            None => {
                let end = self.position().await?;
                Ok(if end < after {
                    Err(Gone::NeverWas { end })
                } else {
                    Ok(changes)
                })
            }
        }
    }

    /// The id before the first change of the last `seconds`, from where reading on meets every floor of that
    /// time. Takes in a little more when the clock was set back meanwhile.
    pub(crate) async fn recent_start(&self, seconds: u32) -> Result<Result<i64, Gone>, StoreError> {
        let since_ms = now_ms() - i64::from(seconds) * 1000;
        let row = sqlx::query(
            "SELECT (SELECT min(id) FROM changes WHERE at_ms >= ?1) AS first,
                    (SELECT min(id) FROM changes) AS oldest,
                    (SELECT coalesce(max(id), 0) FROM changes) AS end",
        )
        .bind(since_ms)
        .fetch_one(&self.readers)
        .await?;
        let first: Option<i64> = row.try_get("first")?;
        let oldest: Option<i64> = row.try_get("oldest")?;
        Ok(match (first, oldest) {
            (None, _) => Ok(row.try_get("end")?),
            // The time reaches back to before the oldest change kept, so there may have been more.
            (Some(first), Some(oldest)) if first == oldest && oldest > 1 => {
                Err(Gone::Pruned { earliest: oldest - 1 })
            }
            (Some(first), _) => Ok(first - 1),
        })
    }
}
