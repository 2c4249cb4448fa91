//! A profile's resume: a large file, streamed to disk and back, never held in memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::timeout;
use tokio_util::io::ReaderStream;

use super::precondition::{Preconditions, Validators, Verdict};
use super::problem::Problem;
use super::{App, IdText, body, path_id, reply};
use crate::model::Kind;
use crate::store::{Change, Record, Resume, Upload, now_ms, system_time};

const RESUME_BYTES_MAX: u64 = 1 << 30;
/// How long an upload may pause.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(30);
const CONTENT_TYPE_BYTES_MAX: usize = 255;
/// Of one read from disk, and so of what one download holds in memory.
const READ_BYTES: usize = 64 << 10;

/// `PUT /profiles/{id}/resume`.
pub(super) async fn upload(
    State(app): State<Arc<App>>,
    IdText(id): IdText,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = path_id(Kind::Profile, &id)?;
    let preconditions = Preconditions::of(&headers)?;
    let content_type = content_type(&headers)?;
    if body::declared_size(&headers).is_some_and(|size| size > RESUME_BYTES_MAX) {
        return Err(Problem::too_large(RESUME_BYTES_MAX));
    }
    // Asked again under the write lock; this spares a client an upload in vain.
    if app.store.fetch(Kind::Profile, id).await?.value.is_none() {
        return Err(Problem::no_object(Kind::Profile, id));
    }
    let mut upload = app.store.vault().receive()?;
    receive(&mut upload, body).await?;
    let size = upload.size();
    let (file, sha256) = upload.keep().await?;
    let resume = Resume {
        file: file.clone(),
        size,
        sha256,
        content_type,
        updated_ms: now_ms(),
    };
    let changed = app
        .store
        .change(Kind::Profile, id, attach(id, preconditions, resume))
        .await;
    let changed = match changed {
        Ok(changed) => changed,
        Err(problem) => {
            app.store.vault().discard(&file).await;
            return Err(problem);
        }
    };
    let old = changed.before.and_then(|before| before.resume);
    let mut headers = reply::wrote(Kind::Profile, id, changed.position);
    let status = if old.is_some() {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    if let Some(old) = old {
        app.store.vault().discard(&old.file).await;
    } else {
        headers.insert(
            LOCATION,
            reply::value(format!("{}/resume", Kind::Profile.path(id))),
        );
    }
    let Some(record) = changed.after else {
        return Err(Problem::no_object(Kind::Profile, id));
    };
    if let Some(validators) = validators(&record) {
        reply::add_validators(&mut headers, &validators);
    }
    reply::add_json(&mut headers);
    Ok((status, headers, record.to_json()).into_response())
}

/// The decision under the write lock.
fn attach(
    id: i64,
    preconditions: Preconditions,
    resume: Resume,
) -> impl FnOnce(Option<&Record>) -> Result<Change, Problem> {
    move |current| {
        let record = current.ok_or_else(|| Problem::no_object(Kind::Profile, id))?;
        match preconditions.judge(false, validators(record).as_ref()) {
            Verdict::Proceed => Ok(Change::Attach(resume)),
            Verdict::NotModified | Verdict::Failed => Err(Problem::precondition_failed()),
        }
    }
}

async fn receive(upload: &mut Upload, body: Body) -> Result<(), Problem> {
    let mut stream = body.into_data_stream();
    while let Some(chunk) = timeout(CHUNK_TIMEOUT, stream.next())
        .await
        .map_err(|_| Problem::too_slow())?
    {
        let chunk = chunk.map_err(|_| Problem::unreadable_body("the body ended early"))?;
        if upload.size() + chunk.len() as u64 > RESUME_BYTES_MAX {
            return Err(Problem::too_large(RESUME_BYTES_MAX));
        }
        upload.write(&chunk).await?;
    }
    Ok(())
}

/// `GET /profiles/{id}/resume`.
pub(super) async fn download(
    State(app): State<Arc<App>>,
    IdText(id): IdText,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    /// Each attempt that fails met an upload finishing between the look-up and the opening.
    const ATTEMPTS_MAX: usize = 5;
    let id = path_id(Kind::Profile, &id)?;
    let preconditions = Preconditions::of(&headers)?;
    for _ in 0..ATTEMPTS_MAX {
        let reading = app.store.fetch(Kind::Profile, id).await?;
        let mut headers = reply::read(&app, reading.position, &Kind::Profile.tag(id));
        let Some(record) = reading.value else {
            return Err(Problem::no_object(Kind::Profile, id).with_all(headers));
        };
        let (Some(validators), Some(resume)) = (validators(&record), record.resume) else {
            return Err(Problem::not_found(format!("profile {id} has no resume")).with_all(headers));
        };
        reply::add_validators(&mut headers, &validators);
        match preconditions.judge(true, Some(&validators)) {
            Verdict::NotModified => return Ok((StatusCode::NOT_MODIFIED, headers).into_response()),
            Verdict::Failed => return Err(Problem::precondition_failed()),
            Verdict::Proceed => {}
        }
        let Some(file) = app.store.vault().open(&resume.file).await? else {
            continue;
        };
        add_file_fields(&mut headers, &resume);
        let stream = ReaderStream::with_capacity(file, READ_BYTES);
        return Ok((headers, Body::from_stream(stream)).into_response());
    }
    Err(Problem::unavailable("the resume is being replaced; try again"))
}

/// The file may be anything, so browsers are told neither to guess its type nor to show it.
fn add_file_fields(headers: &mut HeaderMap, resume: &Resume) {
    let content_type = HeaderValue::from_str(&resume.content_type);
    headers.insert(
        CONTENT_TYPE,
        content_type.unwrap_or(HeaderValue::from_static(OCTETS)),
    );
    headers.insert(CONTENT_LENGTH, HeaderValue::from(resume.size));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// A resume's entity tag is its content's hash.
fn validators(record: &Record) -> Option<Validators> {
    let resume = record.resume.as_ref()?;
    Some(Validators {
        etag: format!("\"{}\"", resume.sha256),
        modified: system_time(resume.updated_ms),
    })
}

const OCTETS: &str = "application/octet-stream";

fn content_type(headers: &HeaderMap) -> Result<String, Problem> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(OCTETS.to_owned());
    };
    let text = value
        .to_str()
        .ok()
        .filter(|text| text.len() <= CONTENT_TYPE_BYTES_MAX && text.contains('/'));
    text.map(str::to_owned)
        .ok_or_else(|| Problem::bad_parameter("content-type", "must be a media type, at most 255 characters"))
}
