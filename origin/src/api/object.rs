//! One object: read, make, replace, patch, delete.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};

use super::fields::Fields;
use super::merge_patch::merge;
use super::precondition::{Preconditions, Verdict};
use super::problem::Problem;
use super::query::Query;
use super::{App, IdText, body, idempotency, path_id, reply};
use crate::model::{Draft, FieldError, Kind, MAX_CHOSEN_ID, Resource};
use crate::position::Position;
use crate::store::{Change, Created, Record, system_time};

/// What can be done with one object.
pub(super) fn routes<R: Resource + Default>() -> MethodRouter<Arc<App>> {
    get(show::<R>)
        .put(replace::<R>)
        .patch(patch::<R>)
        .delete(remove::<R>)
}

async fn show<R: Resource + Default>(
    State(app): State<Arc<App>>,
    IdText(id): IdText,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = path_id(R::KIND, &id)?;
    let preconditions = Preconditions::of(&headers)?;
    let fields = Fields::of::<R>(&Query::of(query.as_deref()))?;
    let reading = app.store.fetch(R::KIND, id).await?;
    let mut headers = reply::read(&app, reading.position, &R::KIND.tag(id));
    let Some(record) = reading.value else {
        // Cacheable: making the object invalidates its tag like any other change.
        return Err(Problem::no_object(R::KIND, id).with_all(headers));
    };
    let validators = reply::validators(&record);
    reply::add_validators(&mut headers, &validators);
    match preconditions.judge(true, Some(&validators)) {
        Verdict::NotModified => Ok((StatusCode::NOT_MODIFIED, headers).into_response()),
        Verdict::Failed => Err(Problem::precondition_failed()),
        Verdict::Proceed => {
            reply::add_json(&mut headers);
            let json = record.to_json();
            Ok((
                headers,
                fields.map_or_else(|| json.clone(), |fields| fields.pick(&json)),
            )
                .into_response())
        }
    }
}

/// `POST` to a collection.
pub(super) async fn create<R: Resource>(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let bytes = body::read(&headers, body, body::JSON).await?;
    let once = idempotency::once(&headers, &bytes)?;
    let object: R = body::object(body::parse(&bytes)?, None)?;
    let (answer, replayed) = match app.store.create(R::KIND, Draft::of(&object), once).await? {
        Created::Now(answer) => (answer, false),
        Created::Before(answer) => (answer, true),
        Created::KeyReused => return Err(Problem::key_reused()),
    };
    let mut headers = reply::wrote(R::KIND, answer.id, Position::of_change(answer.position));
    let modified = system_time(answer.updated_ms);
    let validators = super::precondition::Validators {
        etag: reply::etag(answer.position),
        modified,
    };
    reply::add_validators(&mut headers, &validators);
    headers.insert(LOCATION, reply::value(R::KIND.path(answer.id)));
    reply::add_json(&mut headers);
    if replayed {
        let (name, value) = idempotency::REPLAYED;
        headers.insert(name, value);
    }
    Ok((StatusCode::CREATED, headers, answer.json).into_response())
}

async fn replace<R: Resource>(
    State(app): State<Arc<App>>,
    IdText(id): IdText,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = path_id(R::KIND, &id)?;
    let preconditions = Preconditions::of(&headers)?;
    let bytes = body::read(&headers, body, body::JSON).await?;
    let object: R = body::object(body::parse(&bytes)?, Some(id))?;
    let draft = Draft::of(&object);
    change(&app, R::KIND, id, move |current| {
        demand(&preconditions, current)?;
        if current.is_none() && id > MAX_CHOSEN_ID {
            let detail = format!("a PUT can make objects with ids up to {MAX_CHOSEN_ID}");
            return Err(Problem::invalid(vec![FieldError {
                field: "id".to_owned(),
                detail,
            }]));
        }
        Ok(Change::Put(draft))
    })
    .await
}

async fn patch<R: Resource>(
    State(app): State<Arc<App>>,
    IdText(id): IdText,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = path_id(R::KIND, &id)?;
    let preconditions = Preconditions::of(&headers)?;
    let bytes = body::read(&headers, body, body::PATCHES).await?;
    let patch = body::parse(&bytes)?;
    change(&app, R::KIND, id, move |current| {
        let Some(record) = current else {
            return Err(Problem::no_object(R::KIND, id));
        };
        demand(&preconditions, current)?;
        let merged = merge(body::parse(record.body.as_bytes())?, patch);
        let object: R = body::object(merged, Some(id))?;
        Ok(Change::Put(Draft::of(&object)))
    })
    .await
}

async fn remove<R: Resource>(
    State(app): State<Arc<App>>,
    IdText(id): IdText,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = path_id(R::KIND, &id)?;
    let preconditions = Preconditions::of(&headers)?;
    change(&app, R::KIND, id, move |current| {
        if current.is_none() {
            return Err(Problem::no_object(R::KIND, id));
        }
        demand(&preconditions, current)?;
        Ok(Change::Delete)
    })
    .await
}

/// 412 unless the object is as the request requires.
fn demand(preconditions: &Preconditions, current: Option<&Record>) -> Result<(), Problem> {
    match preconditions.judge(false, current.map(reply::validators).as_ref()) {
        Verdict::Proceed => Ok(()),
        Verdict::NotModified | Verdict::Failed => Err(Problem::precondition_failed()),
    }
}

/// Changes an object and answers with what became of it.
async fn change<F>(app: &App, kind: Kind, id: i64, decide: F) -> Result<Response, Problem>
where
    F: FnOnce(Option<&Record>) -> Result<Change, Problem> + Send + 'static,
{
    let changed = app.store.change(kind, id, decide).await?;
    let mut headers = reply::wrote(kind, id, changed.position);
    let Some(record) = changed.after else {
        if let Some(resume) = changed.before.and_then(|before| before.resume) {
            app.store.vault().discard(&resume.file).await;
        }
        return Ok((StatusCode::NO_CONTENT, headers).into_response());
    };
    reply::add_validators(&mut headers, &reply::validators(&record));
    reply::add_json(&mut headers);
    let status = if changed.before.is_some() {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    if status == StatusCode::CREATED {
        headers.insert(LOCATION, reply::value(kind.path(id)));
    }
    Ok((status, headers, record.to_json()).into_response())
}
