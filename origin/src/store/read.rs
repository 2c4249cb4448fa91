//! Reads. Each takes the position and the data from one snapshot, so the position is never ahead of the data.

use sqlx::{QueryBuilder, Row, Sqlite};

use super::{Record, Store, StoreError, statements};
use crate::model::Kind;
use crate::position::Position;

/// Data with the history that it contains.
#[derive(Debug)]
pub(crate) struct Reading<T> {
    pub(crate) position: Position,
    pub(crate) value: T,
}

/// Which objects a listing shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Has this skill, lower case.
    pub(crate) skill: Option<String>,
    /// The location starts with this, lower case.
    pub(crate) location: Option<String>,
    /// Pays at least this.
    pub(crate) min_salary: Option<u32>,
}

/// One page.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) records: Vec<Record>,
    /// Whether more objects follow.
    pub(crate) more: bool,
}

impl Store {
    /// The end of the change log.
    pub(crate) async fn position(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(statements::POSITION)
            .fetch_one(&self.readers)
            .await?)
    }

    /// One object.
    pub(crate) async fn fetch(&self, kind: Kind, id: i64) -> Result<Reading<Option<Record>>, StoreError> {
        let row = sqlx::query(statements::of(kind).fetch)
            .bind(id)
            .fetch_one(&self.readers)
            .await?;
        let position = Position::of_change(row.try_get("position")?);
        Ok(Reading {
            position,
            value: Record::from_row(&row)?,
        })
    }

    /// The objects with an id above `after`, in order of id, at most `limit`.
    pub(crate) async fn list(
        &self,
        kind: Kind,
        filter: &Filter,
        after: i64,
        limit: usize,
    ) -> Result<Reading<Listing>, StoreError> {
        let mut query = listing(kind, filter, after, limit);
        // A transaction's first statement fixes what the others see.
        let mut transaction = self.readers.begin().await?;
        let position: i64 = sqlx::query_scalar(statements::POSITION)
            .fetch_one(&mut *transaction)
            .await?;
        let rows = query.build().fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        let more = rows.len() > limit;
        let records: Result<Vec<_>, _> = rows
            .iter()
            .take(limit)
            .filter_map(|row| Record::from_row(row).transpose())
            .collect();
        Ok(Reading {
            position: Position::of_change(position),
            value: Listing {
                records: records?,
                more,
            },
        })
    }
}

/// Asks for one row more than the page holds, to learn whether there is a next page.
fn listing(kind: Kind, filter: &Filter, after: i64, limit: usize) -> QueryBuilder<Sqlite> {
    let statements = statements::of(kind);
    let mut query = QueryBuilder::new(statements.select);
    if let Some(skill) = &filter.skill {
        query.push(statements.join_skills).push_bind(skill.clone());
    }
    query.push(" WHERE o.id > ").push_bind(after);
    if let Some(location) = &filter.location {
        // The last code point there is: everything that starts with the text sorts below it.
        let past = format!("{location}{}", char::MAX);
        query.push(" AND o.location >= ").push_bind(location.clone());
        query.push(" AND o.location < ").push_bind(past);
    }
    if let Some(salary) = filter.min_salary {
        query.push(" AND o.salary >= ").push_bind(salary);
    }
    let rows_max = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    query.push(" ORDER BY o.id LIMIT ").push_bind(rows_max);
    query
}
