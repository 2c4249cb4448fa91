//! What a read is answered with: a stored response or one on its way, whole, in part, or as 304.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, EXPIRES, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::cache::entry::Entry;
use crate::clock::UnixMillis;
use crate::coalesce::{FillReader, ResponseHead};
use crate::fields::{self, name::CDN_CACHE_CONTROL};
use crate::lookup::Found;
use crate::policy::range::{ContentRange, Selected, select};
use crate::policy::{conditional, partial};
use crate::problem::Problem;
use crate::read::Read;
use crate::request::ReadMethod;
use crate::status::{CacheStatus, Outcome};

/// How much of a body goes into the delimiter of its parts.
const BOUNDARY_SEED_BYTES: usize = 64;

/// What a read is answered with.
pub(crate) enum Answer {
    /// A stored response.
    Stored(Stored),
    /// A response on its way from an origin.
    Stream {
        head: Arc<ResponseHead>,
        reader: FillReader,
        status: CacheStatus,
    },
    /// An error of our own.
    Problem { problem: Problem, status: CacheStatus },
}

/// A stored response, ready to send.
pub(crate) struct Stored {
    pub(crate) entry: Arc<Entry>,
    /// `None` for what the origin has validated for this very request (RFC 9111 section 5.1).
    pub(crate) age_s: Option<u64>,
    pub(crate) status: CacheStatus,
    pub(crate) form: Form,
    pub(crate) origin_took: Option<Duration>,
}

/// What of a stored response goes out.
pub(crate) enum Form {
    /// As it lies in memory.
    Whole,
    /// The client has it already: 304.
    NotModified,
    /// Another answer made from it.
    Made(Box<Made>),
}

/// 206 or 416, made from a stored response.
pub(crate) struct Made {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Stored {
    pub(crate) fn new(read: &Read<'_>, found: &Found) -> Self {
        Self {
            age_s: Some(found.freshness.age.as_secs()),
            status: CacheStatus {
                ttl_s: Some(found.freshness.ttl_s()),
                ..Outcome::Hit(found.tier).into()
            },
            form: form(read, &found.entry),
            entry: Arc::clone(&found.entry),
            origin_took: None,
        }
    }

    /// Status as the client sees it.
    pub(crate) fn code(&self) -> u16 {
        match &self.form {
            Form::Whole => self.entry.status(),
            Form::NotModified => 304,
            Form::Made(made) => made.status.as_u16(),
        }
    }

    /// The body where it lies: what is copied at once need not be shared first.
    pub(crate) fn body_bytes(&self) -> &[u8] {
        match &self.form {
            Form::Whole => self.entry.body_bytes(),
            Form::NotModified => &[],
            Form::Made(made) => &made.body,
        }
    }

    pub(crate) fn body(&self) -> Bytes {
        match &self.form {
            Form::Whole => self.entry.body(),
            Form::NotModified => Bytes::new(),
            Form::Made(made) => made.body.clone(),
        }
    }
}

/// The body that goes with a stored response's head.
pub(crate) fn body_for(method: ReadMethod, stored: &Stored) -> Bytes {
    match method {
        ReadMethod::Head => Bytes::new(),
        ReadMethod::Get => stored.body(),
    }
}

/// RFC 9110 section 13.2.2: preconditions first, then the range.
fn form(read: &Read<'_>, entry: &Entry) -> Form {
    if !matches!(entry.status(), 200 | 206) || !(read.signals.conditional || read.range.is_some()) {
        return Form::Whole;
    }
    let received_at = entry.receipt().received_at;
    if client_has(read, entry.headers(), received_at) {
        return Form::NotModified;
    }
    made(read, entry).map_or(Form::Whole, |made| Form::Made(Box::new(made)))
}

/// Whether the client has asked only for what it has not got yet, and has this.
fn client_has(read: &Read<'_>, response: &HeaderMap, received_at: UnixMillis) -> bool {
    let headers = &read.request.headers;
    read.signals.conditional && headers.preconditions().are_met_by(response, received_at)
}

fn made(read: &Read<'_>, entry: &Entry) -> Option<Made> {
    let specs = read.range.as_ref()?;
    if !if_range_holds(read, entry.headers(), entry.receipt().received_at) {
        return None;
    }
    let body = entry.body();
    if let Some(place) = place(entry) {
        let part = partial::covered(&place, specs)?;
        return part_of(entry.headers(), &body, place.first, &part, place.complete);
    }
    let length = body.len() as u64;
    match select(specs, length) {
        Selected::Whole => None,
        Selected::Unsatisfiable => Some(unsatisfiable(entry.headers(), length)),
        Selected::Parts(parts) => match &parts[..] {
            [part] => part_of(entry.headers(), &body, 0, part, Some(length)),
            parts => multipart(entry.headers(), &body, parts),
        },
    }
}

/// Whether the client's `If-Range`, if it sent one, lets a range be answered from a response.
pub(crate) fn if_range_holds(read: &Read<'_>, response: &HeaderMap, received_at: UnixMillis) -> bool {
    let condition = read.request.headers.combined("if-range");
    condition.is_none_or(|condition| conditional::if_range_holds(&condition, response, received_at))
}

/// Which part of a representation an entry holds, `None` when it is not a part.
pub(crate) fn place(entry: &Entry) -> Option<ContentRange> {
    (entry.status() == 206)
        .then(|| place_of(entry.headers()))
        .flatten()
}

/// Which part of a representation a 206 holds; `None` for several, or for one that cannot be.
pub(crate) fn place_of(partial: &HeaderMap) -> Option<ContentRange> {
    let is_multipart = partial.get(CONTENT_TYPE).is_some_and(|kind| {
        kind.as_bytes()
            .to_ascii_lowercase()
            .starts_with(b"multipart/byteranges")
    });
    ContentRange::parse(partial.get(CONTENT_RANGE).filter(|_| !is_multipart)?.as_bytes())
}

/// RFC 9110 section 15.3.7.1. `offset`: of the body within the representation.
fn part_of(
    headers: &HeaderMap,
    body: &Bytes,
    offset: u64,
    part: &Range<u64>,
    complete: Option<u64>,
) -> Option<Made> {
    let within = |at: u64| usize::try_from(at.checked_sub(offset)?).ok();
    let (from, to) = (within(part.start)?, within(part.end)?);
    let body = (from <= to && to <= body.len()).then(|| body.slice(from..to))?;
    Some(Made {
        status: StatusCode::PARTIAL_CONTENT,
        headers: of_part(headers, &ContentRange::of(part, complete)),
        body,
    })
}

/// The fields of a response as those of one part of it.
pub(crate) fn of_part(headers: &HeaderMap, place: &ContentRange) -> HeaderMap {
    let mut headers = headers.clone();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(place.length()));
    insert_text(&mut headers, CONTENT_RANGE, &place.to_string());
    headers
}

/// RFC 9110 section 15.3.7.2.
fn multipart(headers: &HeaderMap, body: &Bytes, parts: &[Range<u64>]) -> Option<Made> {
    let bytes = |part: &Range<u64>| {
        let range = usize::try_from(part.start).ok()?..usize::try_from(part.end).ok()?;
        body.get(range)
    };
    let sent: Vec<&[u8]> = parts.iter().map(bytes).collect::<Option<_>>()?;
    let boundary = boundary(body, &sent);
    let kind = headers.get(CONTENT_TYPE);
    let mut out = BytesMut::new();
    for (part, bytes) in parts.iter().zip(sent) {
        out.put_slice(format!("--{boundary}\r\n").as_bytes());
        if let Some(kind) = kind {
            out.put_slice(b"content-type: ");
            out.put_slice(kind.as_bytes());
            out.put_slice(b"\r\n");
        }
        let place = ContentRange::of(part, Some(body.len() as u64));
        out.put_slice(format!("content-range: {place}\r\n\r\n").as_bytes());
        out.put_slice(bytes);
        out.put_slice(b"\r\n");
    }
    out.put_slice(format!("--{boundary}--\r\n").as_bytes());
    let mut headers = headers.clone();
    headers.remove(CONTENT_RANGE);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(out.len()));
    insert_text(
        &mut headers,
        CONTENT_TYPE,
        &format!("multipart/byteranges; boundary={boundary}"),
    );
    Some(Made {
        status: StatusCode::PARTIAL_CONTENT,
        headers,
        body: out.freeze(),
    })
}

/// A delimiter that the parts do not hold.
fn boundary(body: &[u8], parts: &[&[u8]]) -> String {
    let start = &body[..body.len().min(BOUNDARY_SEED_BYTES)];
    let mut seed = 0;
    loop {
        let hash = twox_hash::XxHash3_64::oneshot_with_seed(seed, start);
        let boundary = format!("part-{hash:016x}");
        let holds = |part: &&[u8]| {
            part.windows(boundary.len())
                .any(|window| window == boundary.as_bytes())
        };
        if !parts.iter().any(holds) {
            return boundary;
        }
        seed += 1;
    }
}

/// RFC 9110 section 15.5.17.
fn unsatisfiable(headers: &HeaderMap, length: u64) -> Made {
    let mut headers = fields::of_not_modified(headers);
    // the lifetime is that of the whole, and must not become that of the refusal
    for name in [CACHE_CONTROL, CDN_CACHE_CONTROL, EXPIRES] {
        headers.remove(name);
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
    insert_text(&mut headers, CONTENT_RANGE, &format!("bytes */{length}"));
    Made {
        status: StatusCode::RANGE_NOT_SATISFIABLE,
        headers,
        body: Bytes::new(),
    }
}

fn insert_text(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

/// How a client comes to a response on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sharing {
    /// It was asked for by another client.
    pub(crate) collapsed: bool,
    /// The origin knows nothing of the part that the client asked for; otherwise its choice stands.
    pub(crate) whole_was_asked: bool,
}

/// A response on its way, in the form that this client asked for: 304 where it has it already, a part where a part will do,
/// and without the fields that are for another client.
pub(crate) fn tailored(
    read: &Read<'_>,
    head: Arc<ResponseHead>,
    reader: FillReader,
    sharing: Sharing,
) -> (Arc<ResponseHead>, FillReader) {
    let withhold = sharing.collapsed && !head.withheld.is_empty();
    let may_be_had = matches!(head.status.as_u16(), 200 | 206);
    let reshape = may_be_had && (read.signals.conditional || read.range.is_some());
    if !withhold && !reshape {
        return (head, reader);
    }
    let mut own = ResponseHead::clone(&head);
    if withhold {
        let names = std::mem::take(&mut own.withheld);
        names.iter().for_each(|name| drop(own.headers.remove(name)));
    }
    if !reshape {
        return (Arc::new(own), reader);
    }
    // a 304 has no place for the cookies of an answer
    let sets_cookie = head.headers.contains_key(SET_COOKIE);
    if !sets_cookie && client_has(read, &head.headers, head.received_at) {
        own.status = StatusCode::NOT_MODIFIED;
        own.headers = fields::of_not_modified(&own.headers);
        own.content_length = None;
        return (Arc::new(own), reader);
    }
    let whole = head.status == StatusCode::OK && sharing.whole_was_asked;
    let part = part_on_its_way(read, &head).filter(|_| whole);
    match part {
        Some((part, length)) => {
            let place = ContentRange::of(&part, Some(length));
            own.status = StatusCode::PARTIAL_CONTENT;
            own.headers = of_part(&own.headers, &place);
            own.content_length = Some(place.length());
            (Arc::new(own), reader.only(&part))
        }
        None => (Arc::new(own), reader),
    }
}

/// The one part of a body on its way that a client asked for, and the length of the whole.
fn part_on_its_way(read: &Read<'_>, head: &ResponseHead) -> Option<(Range<u64>, u64)> {
    let (specs, length) = (read.range.as_ref()?, head.content_length?);
    if !if_range_holds(read, &head.headers, head.received_at) {
        return None;
    }
    match select(specs, length) {
        Selected::Parts(parts) if parts.len() == 1 => Some((parts.into_iter().next()?, length)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::headers;

    #[test]
    fn a_multipart_body_is_delimited_by_what_it_does_not_hold() {
        let body = Bytes::from_static(b"0123456789");
        let made = multipart(&headers(&[("content-type", "a/b")]), &body, &[0..2, 8..10]).unwrap();
        let kind = made.headers["content-type"].to_str().unwrap();
        let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap();
        let expected = format!(
            "--{boundary}\r\ncontent-type: a/b\r\ncontent-range: bytes 0-1/10\r\n\r\n01\r\n\
             --{boundary}\r\ncontent-type: a/b\r\ncontent-range: bytes 8-9/10\r\n\r\n89\r\n--{boundary}--\r\n"
        );
        assert_eq!(made.body, expected);
        assert_eq!(made.headers["content-length"], expected.len().to_string());
        assert!(!made.headers.contains_key("content-range"));
    }

    #[test]
    fn a_boundary_that_the_body_holds_is_not_taken() {
        let all = |body: &[u8]| boundary(body, &[body]);
        let body = [
            b"x".repeat(BOUNDARY_SEED_BYTES),
            all(&b"x".repeat(BOUNDARY_SEED_BYTES)).into_bytes(),
        ]
        .concat();
        let first = all(&b"x".repeat(BOUNDARY_SEED_BYTES));
        assert_ne!(all(&body), first);
    }
}
