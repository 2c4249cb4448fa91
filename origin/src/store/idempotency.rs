//! Answers kept for `Idempotency-Key`, so that a repeated `POST` makes one object.

use sqlx::{Row, SqliteConnection};

use super::{Record, StoreError, now_ms};
use crate::model::Kind;

/// A client's key and what it was sent with.
#[derive(Clone, Debug)]
pub(crate) struct Once {
    pub(crate) key: String,
    /// Of the request body, hexadecimal.
    pub(crate) request_sha256: String,
}

/// What became of a `POST`.
#[derive(Debug)]
pub(crate) enum Created {
    /// The object was made now.
    Now(Answer),
    /// It was made by an earlier request with the same key and body; this is the answer given then.
    Before(Answer),
    /// The key was used before, with another body.
    KeyReused,
}

/// The parts of an answer to a `POST`.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) id: i64,
    /// Of the change, and the object's version.
    pub(crate) position: i64,
    pub(crate) updated_ms: i64,
    pub(crate) json: String,
}

impl Answer {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            id: record.id,
            position: record.version,
            updated_ms: record.updated_ms,
            json: record.to_json(),
        }
    }
}

/// Looks a key up inside the transaction that would otherwise create the object.
pub(super) async fn recall(
    connection: &mut SqliteConnection,
    kind: Kind,
    once: &Once,
) -> Result<Option<Created>, StoreError> {
    let row = sqlx::query(
        "SELECT request_sha256, object_id, position, updated_ms, answer FROM idempotency
         WHERE collection = ? AND key = ?",
    )
    .bind(kind.collection())
    .bind(&once.key)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.try_get::<String, _>("request_sha256")? != once.request_sha256 {
        return Ok(Some(Created::KeyReused));
    }
    Ok(Some(Created::Before(Answer {
        id: row.try_get("object_id")?,
        position: row.try_get("position")?,
        updated_ms: row.try_get("updated_ms")?,
        json: row.try_get("answer")?,
    })))
}

/// Keeps the answer, in the transaction that created the object.
pub(super) async fn remember(
    connection: &mut SqliteConnection,
    kind: Kind,
    once: &Once,
    answer: &Answer,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(kind.collection())
        .bind(&once.key)
        .bind(&once.request_sha256)
        .bind(answer.id)
        .bind(answer.position)
        .bind(answer.updated_ms)
        .bind(&answer.json)
        .bind(now_ms())
        .execute(connection)
        .await?;
    Ok(())
}
