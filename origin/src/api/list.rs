//! Listings: one page of a collection.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use form_urlencoded::Serializer;
use http::header::{ETAG, LINK};
use http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};

use super::precondition::{Preconditions, Validators, Verdict};
use super::problem::Problem;
use super::query::Query;
use super::{App, cursor, reply};
use crate::model::{Kind, Resource, folded};
use crate::store::{Filter, Listing, hex};

const LIMIT_DEFAULT: usize = 20;
const LIMIT_MAX: usize = 100;

/// What a listing shows, checked.
struct Page {
    filter: Filter,
    after: i64,
    limit: usize,
}

/// `GET /profiles`, `GET /jobs`.
pub(super) async fn list<R: Resource>(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let preconditions = Preconditions::of(&headers)?;
    let query = Query::of(query.as_deref());
    let page = Page::of(R::KIND, &query)?;
    let reading = app
        .store
        .list(R::KIND, &page.filter, page.after, page.limit)
        .await?;
    let next = next(R::KIND, &query, page.limit, &reading.value);
    let json = render(&reading.value, next.as_ref());
    let mut headers = reply::read(&app, reading.position, R::KIND.collection());
    if let Some((path, _)) = &next {
        headers.insert(LINK, reply::value(format!("<{path}>; rel=\"next\"")));
    }
    // A list has no version and no date of its own, so its text stands for it.
    let etag = format!("\"{}\"", hex(&Sha256::digest(&json)[..16]));
    headers.insert(ETAG, reply::value(&etag));
    let validators = Validators {
        etag,
        modified: std::time::SystemTime::now(),
    };
    match preconditions.judge(true, Some(&validators)) {
        Verdict::NotModified => Ok((StatusCode::NOT_MODIFIED, headers).into_response()),
        Verdict::Failed => Err(Problem::precondition_failed()),
        Verdict::Proceed => {
            reply::add_json(&mut headers);
            Ok((headers, json).into_response())
        }
    }
}

impl Page {
    fn of(kind: Kind, query: &Query) -> Result<Self, Problem> {
        let limits = format!("a whole number from 1 to {LIMIT_MAX}");
        let limit = query.value("limit", &limits)?.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::bad_parameter("limit", format!("must be {limits}")));
        }
        let after = match query.text("cursor")? {
            None => 0,
            Some(text) => cursor::read(text).ok_or_else(|| {
                Problem::bad_parameter(
                    "cursor",
                    "must be taken from a previous answer; leave it out to start",
                )
            })?,
        };
        let filter = Filter {
            skill: filter_text(query, "skill")?,
            location: filter_text(query, "location")?,
            min_salary: match kind {
                Kind::Job => query.value("min_salary", "a whole number, per year")?,
                Kind::Profile => None,
            },
        };
        Ok(Self { filter, after, limit })
    }
}

fn filter_text(query: &Query, name: &str) -> Result<Option<String>, Problem> {
    match query.text(name)?.map(folded) {
        Some(text) if text.is_empty() => Err(Problem::bad_parameter(name, "must not be empty")),
        text => Ok(text),
    }
}

/// Path and cursor of the next page, with the same filters.
fn next(kind: Kind, query: &Query, limit: usize, listing: &Listing) -> Option<(String, String)> {
    let last = listing.records.last().filter(|_| listing.more)?;
    let cursor = cursor::write(last.id);
    let mut parameters = Serializer::new(String::new());
    parameters.append_pair("limit", &limit.to_string());
    for name in ["skill", "location", "min_salary"] {
        if let Ok(Some(text)) = query.text(name) {
            parameters.append_pair(name, text);
        }
    }
    parameters.append_pair("cursor", &cursor);
    Some((format!("/{}?{}", kind.collection(), parameters.finish()), cursor))
}

fn render(listing: &Listing, next: Option<&(String, String)>) -> String {
    let items: Vec<String> = listing
        .records
        .iter()
        .map(crate::store::Record::to_json)
        .collect();
    // Neither part contains what JSON would escape: both are percent-encoded or hexadecimal.
    let quoted = |text: &str| format!("\"{text}\"");
    let path = next.map_or_else(|| "null".to_owned(), |(path, _)| quoted(path));
    let cursor = next.map_or_else(|| "null".to_owned(), |(_, cursor)| quoted(cursor));
    format!(
        r#"{{"items":[{}],"next":{path},"next_cursor":{cursor}}}"#,
        items.join(",")
    )
}
