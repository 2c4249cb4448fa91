//! The tables.

use sqlx::SqlitePool;

/// What `PRAGMA user_version` says of a file with these tables.
pub(super) const VERSION: i64 = 1;

/// `AUTOINCREMENT` everywhere: an id is never given out twice, whatever was deleted or pruned.
///
/// `body` is the object as its clients wrote it, in JSON; the columns beside it are what queries look at.
/// `resume` is JSON too: see [`super::Resume`].
const TABLES: &str = "
CREATE TABLE profiles (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    unique_key TEXT UNIQUE,
    location TEXT NOT NULL,
    salary INTEGER,
    body TEXT NOT NULL,
    resume TEXT
);
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    unique_key TEXT UNIQUE,
    location TEXT NOT NULL,
    salary INTEGER,
    body TEXT NOT NULL
);
CREATE TABLE profile_skills (skill TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (skill, id)) WITHOUT ROWID;
CREATE TABLE job_skills (skill TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (skill, id)) WITHOUT ROWID;
CREATE INDEX profile_skills_by_id ON profile_skills (id);
CREATE INDEX job_skills_by_id ON job_skills (id);
CREATE INDEX profiles_by_location ON profiles (location);
CREATE INDEX jobs_by_location ON jobs (location);

CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    tags TEXT NOT NULL
);
CREATE INDEX changes_by_time ON changes (at_ms);

CREATE TABLE idempotency (
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    request_sha256 TEXT NOT NULL,
    object_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    answer TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (collection, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_by_time ON idempotency (at_ms);

CREATE TABLE seeding (one INTEGER PRIMARY KEY CHECK (one = 1), progress TEXT NOT NULL);
";

/// Makes the tables unless they exist, and answers the version found. Safe while other processes do the same:
/// whoever gets the write lock first makes them, the others see them made.
pub(super) async fn create(writer: &SqlitePool) -> Result<i64, sqlx::Error> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut *transaction)
        .await?;
    if found != 0 {
        return Ok(found);
    }
    sqlx::raw_sql(TABLES).execute(&mut *transaction).await?;
    // A pragma takes no parameters; keep the number in step with VERSION.
    sqlx::raw_sql("PRAGMA user_version = 1")
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(VERSION)
}
