//! Opening the file, alone or while others open it too.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::time::{Instant, sleep};

use super::error::is_busy;
use super::{Store, StoreError, Tail, Vault, schema};

/// Read connections per process. A read takes tens of microseconds, so more would only contend for the cores.
const READERS_MAX: u32 = 8;
/// How long one statement waits for another process's write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request waits for a free connection of ours.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long opening goes on trying.
const OPEN_TIMEOUT: Duration = Duration::from_secs(15);
const OPEN_RETRY: Duration = Duration::from_millis(25);

impl Store {
    /// Opens the file, making it and its tables if need be.
    ///
    /// # Errors
    /// When the file cannot be opened or made, or was made by an incompatible version.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        let vault = Arc::new(Vault::beside(path)?);
        let deadline = Instant::now() + OPEN_TIMEOUT;
        // Switching a new file to WAL needs it for oneself for a moment, and SQLite's busy handler is not
        // asked then: processes started together have to try again by themselves.
        let writer = loop {
            match open_writer(path).await {
                Err(StoreError::Open { source, .. }) if is_busy(&source) && Instant::now() < deadline => {
                    sleep(OPEN_RETRY).await;
                }
                outcome => break outcome?,
            }
        };
        let readers = pool(READERS_MAX)
            .connect_with(options(path).pragma("query_only", "ON"))
            .await
            .map_err(|source| StoreError::Open {
                path: path.to_owned(),
                source,
            })?;
        Ok(Self {
            readers,
            writer,
            tail: Arc::new(Tail::new()),
            vault,
        })
    }
}

async fn open_writer(path: &Path) -> Result<SqlitePool, StoreError> {
    let failed = |source| StoreError::Open {
        path: path.to_owned(),
        source,
    };
    let options = options(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL may lose the last commits when the power goes, and their positions would then be given out
        // a second time, for other changes.
        .synchronous(SqliteSynchronous::Full);
    let writer = pool(1).connect_with(options).await.map_err(failed)?;
    let found = schema::create(&writer).await.map_err(failed)?;
    if found != schema::VERSION {
        return Err(StoreError::Schema {
            path: path.to_owned(),
            found,
            expected: schema::VERSION,
        });
    }
    Ok(writer)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A connection to a local file does not go away while idle.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}
