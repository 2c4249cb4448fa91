//! The data and its change log in one SQLite file.
//!
//! Several processes may serve the same file. WAL mode lets them read while one writes; every write is one
//! `BEGIN IMMEDIATE` transaction that changes the data and logs the change, so the ids of the log become
//! visible in order and an object's version is the id of the change that made it: never used twice, not even
//! by an object deleted and made again.

mod changes;
mod error;
mod idempotency;
mod open;
mod read;
mod record;
mod schema;
mod statements;
mod tail;
mod upkeep;
mod vault;
mod write;

use sqlx::SqlitePool;
use std::sync::Arc;

pub(crate) use changes::{Gone, LoggedChange};
pub(crate) use error::StoreError;
pub(crate) use idempotency::{Created, Once};
pub(crate) use read::{Filter, Listing};
pub(crate) use record::{Record, Resume, system_time};
pub(crate) use tail::Tail;
pub(crate) use upkeep::keep_up;
pub(crate) use vault::{Upload, Vault, hex};
pub(crate) use write::{Change, SeedProgress};

/// A handle on the file; clones share its connections.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    readers: SqlitePool,
    /// Holds one connection: writers of this process queue here, in order, instead of colliding in SQLite.
    writer: SqlitePool,
    tail: Arc<Tail>,
    vault: Arc<Vault>,
}

impl Store {
    /// The end of the change log as it grows.
    pub(crate) fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Where uploaded files are kept.
    pub(crate) fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// Finishes what is queued and gives the file back.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
}
