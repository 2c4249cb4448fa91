//! What can go wrong between the API and the file.

use std::path::PathBuf;

use crate::model::Kind;

/// A store operation failed; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("cannot open {}: {source}", path.display())]
    Open { path: PathBuf, source: sqlx::Error },
    #[error("{} was made by another version: schema {found}, this program writes {expected}", path.display())]
    Schema {
        path: PathBuf,
        found: i64,
        expected: i64,
    },
    #[error("another {} has the same {}", .0.noun(), .0.unique_field())]
    Duplicate(Kind),
    #[error("the database is busy: {0}")]
    Busy(sqlx::Error),
    #[error("the database failed: {0}")]
    Database(sqlx::Error),
    #[error("stored data cannot be read: {0}")]
    Corrupt(#[from] serde_json::Error),
    #[error("cannot use {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if is_busy(&error) {
            Self::Busy(error)
        } else {
            Self::Database(error)
        }
    }
}

impl StoreError {
    /// Reads a unique-constraint failure of a write to `kind` as what it means.
    pub(super) fn of_write(kind: Kind, error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(cause) if cause.is_unique_violation() => Self::Duplicate(kind),
            _ => error.into(),
        }
    }
}

/// Somebody else held the file, or every connection was taken, for as long as we were willing to wait.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    /// `SQLITE_BUSY` and `SQLITE_LOCKED`: the low byte of <https://www.sqlite.org/rescode.html>.
    const BUSY: [u32; 2] = [5, 6];
    match error {
        sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(cause) => cause
            .code()
            .and_then(|code| code.parse::<u32>().ok())
            .is_some_and(|code| BUSY.contains(&(code & 0xff))),
        _ => false,
    }
}
