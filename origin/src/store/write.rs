//! Writes: each is one transaction that changes the data and logs the change.

use serde::{Deserialize, Serialize};
use sqlx::{Sqlite, SqliteConnection, Transaction};
use tokio::task;

use super::idempotency::{Answer, Created, Once, recall, remember};
use super::statements;
use super::{Record, Resume, Store, StoreError, now_ms};
use crate::model::{Draft, Facts, Kind};
use crate::position::Position;

/// What to do with an object, decided while it cannot change.
#[derive(Debug)]
pub(crate) enum Change {
    /// Replace it, or make it.
    Put(Draft),
    /// Give it an uploaded file. Only profiles have one.
    Attach(Resume),
    Delete,
}

/// What a write did.
#[derive(Debug)]
pub(crate) struct Changed {
    /// Of this change.
    pub(crate) position: Position,
    pub(crate) before: Option<Record>,
    pub(crate) after: Option<Record>,
}

/// How far seeding has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeedProgress {
    pub(crate) seed: u64,
    pub(crate) profiles_planned: u32,
    pub(crate) jobs_planned: u32,
    pub(crate) profiles_done: u32,
    pub(crate) jobs_done: u32,
}

impl Store {
    /// Makes an object with an id of the database's choice, once per key.
    pub(crate) async fn create(
        &self,
        kind: Kind,
        draft: Draft,
        once: Option<Once>,
    ) -> Result<Created, StoreError> {
        let store = self.clone();
        to_the_end(async move {
            let mut transaction = store.begin().await?;
            if let Some(once) = &once
                && let Some(created) = recall(&mut transaction, kind, once).await?
            {
                return Ok(created);
            }
            let record = insert(&mut transaction, kind, &draft, now_ms()).await?;
            let answer = Answer::of(&record);
            if let Some(once) = &once {
                remember(&mut transaction, kind, once, &answer).await?;
            }
            store.commit(transaction, answer.position).await?;
            Ok(Created::Now(answer))
        })
        .await
    }

    /// Changes one object as `decide` says, which sees it as it is under the write lock.
    pub(crate) async fn change<E, F>(&self, kind: Kind, id: i64, decide: F) -> Result<Changed, E>
    where
        F: FnOnce(Option<&Record>) -> Result<Change, E> + Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let store = self.clone();
        to_the_end(async move {
            let mut transaction = store.begin().await?;
            let before = fetch(&mut transaction, kind, id).await?;
            let change = decide(before.as_ref())?;
            let position = log(&mut transaction, kind, id).await?;
            apply(&mut transaction, kind, id, position, &change).await?;
            let after = fetch(&mut transaction, kind, id).await?;
            store.commit(transaction, position).await?;
            Ok(Changed {
                position: Position::of_change(position),
                before,
                after,
            })
        })
        .await
    }

    /// Adds made-up objects in one transaction. `next` is told the progress so far and answers the batch with
    /// its creation times, and the progress after it; `None` when nothing is left to do.
    pub(crate) async fn seed_batch<F>(&self, next: F) -> Result<bool, StoreError>
    where
        F: FnOnce(Option<SeedProgress>) -> Option<(Vec<(Kind, Draft, i64)>, SeedProgress)>,
    {
        let mut transaction = self.begin().await?;
        let progress: Option<String> = sqlx::query_scalar("SELECT progress FROM seeding")
            .fetch_optional(&mut *transaction)
            .await?;
        let progress = progress.map(|text| serde_json::from_str(&text)).transpose()?;
        let Some((batch, progress)) = next(progress) else {
            return Ok(false);
        };
        let mut position = 0;
        for (kind, draft, created_ms) in &batch {
            position = insert(&mut transaction, *kind, draft, *created_ms).await?.version;
        }
        sqlx::query("INSERT OR REPLACE INTO seeding VALUES (1, ?)")
            .bind(serde_json::to_string(&progress)?)
            .execute(&mut *transaction)
            .await?;
        self.commit(transaction, position).await?;
        Ok(true)
    }

    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    async fn commit(&self, transaction: Transaction<'_, Sqlite>, position: i64) -> Result<(), StoreError> {
        transaction.commit().await?;
        self.tail.reached(position);
        Ok(())
    }
}

/// A client that hangs up must not leave a write half done, nor its connection in doubt: a write once begun
/// runs as a task of its own.
async fn to_the_end<T, E>(write: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    match task::spawn(write).await {
        Ok(outcome) => outcome,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}

async fn fetch(connection: &mut SqliteConnection, kind: Kind, id: i64) -> Result<Option<Record>, StoreError> {
    let row = sqlx::query(statements::of(kind).fetch)
        .bind(id)
        .fetch_one(connection)
        .await?;
    Record::from_row(&row)
}

/// Logs a change of one object and answers its position. Lists of the collection change with every object.
async fn log(connection: &mut SqliteConnection, kind: Kind, id: i64) -> Result<i64, StoreError> {
    let tags = serde_json::to_string(&[kind.tag(id).as_str(), kind.collection()])?;
    let position = sqlx::query_scalar("INSERT INTO changes (at_ms, tags) VALUES (?, ?) RETURNING id")
        .bind(now_ms())
        .bind(tags)
        .fetch_one(connection)
        .await?;
    Ok(position)
}

async fn insert(
    connection: &mut SqliteConnection,
    kind: Kind,
    draft: &Draft,
    created_ms: i64,
) -> Result<Record, StoreError> {
    let statements = statements::of(kind);
    let id: i64 = sqlx::query_scalar(statements.insert)
        .bind(created_ms)
        .bind(&draft.facts.unique)
        .bind(&draft.facts.location)
        .bind(draft.facts.salary)
        .bind(&draft.body)
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| StoreError::of_write(kind, error))?;
    let version = log(connection, kind, id).await?;
    sqlx::query(statements.set_version)
        .bind(version)
        .bind(id)
        .execute(&mut *connection)
        .await?;
    add_skills(connection, kind, id, &draft.facts).await?;
    let body = draft.body.clone();
    Ok(Record {
        id,
        version,
        created_ms,
        updated_ms: created_ms,
        body,
        resume: None,
    })
}

async fn apply(
    connection: &mut SqliteConnection,
    kind: Kind,
    id: i64,
    position: i64,
    change: &Change,
) -> Result<(), StoreError> {
    let statements = statements::of(kind);
    match change {
        Change::Put(draft) => {
            sqlx::query(statements.upsert)
                .bind(id)
                .bind(position)
                .bind(now_ms())
                .bind(&draft.facts.unique)
                .bind(&draft.facts.location)
                .bind(draft.facts.salary)
                .bind(&draft.body)
                .execute(&mut *connection)
                .await
                .map_err(|error| StoreError::of_write(kind, error))?;
            sqlx::query(statements.drop_skills)
                .bind(id)
                .execute(&mut *connection)
                .await?;
            add_skills(connection, kind, id, &draft.facts).await?;
        }
        Change::Attach(resume) => {
            sqlx::query("UPDATE profiles SET resume = ?, version = ?, updated_ms = ? WHERE id = ?")
                .bind(serde_json::to_string(resume)?)
                .bind(position)
                .bind(resume.updated_ms)
                .bind(id)
                .execute(connection)
                .await?;
        }
        Change::Delete => {
            sqlx::query(statements.delete)
                .bind(id)
                .execute(&mut *connection)
                .await?;
            sqlx::query(statements.drop_skills)
                .bind(id)
                .execute(connection)
                .await?;
        }
    }
    Ok(())
}

async fn add_skills(
    connection: &mut SqliteConnection,
    kind: Kind,
    id: i64,
    facts: &Facts,
) -> Result<(), StoreError> {
    if !facts.skills.is_empty() {
        sqlx::query(statements::of(kind).add_skills)
            .bind(id)
            .bind(serde_json::to_string(&facts.skills)?)
            .execute(connection)
            .await?;
    }
    Ok(())
}
