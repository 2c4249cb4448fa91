//! Reading an HTTP/1 request head. One strict parser decides what a request is: what it does not take is refused, and
//! what is forwarded reaches pingora's parser only after it has passed here.

use std::mem::MaybeUninit;

use http::StatusCode;
use memchr::{memchr, memchr_iter};

use crate::key;
use crate::problem::Problem;
use crate::request::{Headers, Protocol, ReadMethod};

/// Most field lines in a request head.
pub(crate) const FIELDS_MAX: usize = 100;

/// Room for the field lines of a head. What no line is written to is never touched: to clear it would take longer than to parse
/// most heads.
pub(crate) type Lines<'h> = [MaybeUninit<httparse::Header<'h>>; FIELDS_MAX];

/// Room for one head.
pub(crate) const fn lines<'h>() -> Lines<'h> {
    [const { MaybeUninit::uninit() }; FIELDS_MAX]
}

/// A request head that has passed every check.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Head<'h> {
    /// A GET or HEAD without a body: the cache may answer it.
    Read(ReadHead<'h>),
    /// Anything else.
    Other,
}

/// The parts of a GET or HEAD.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadHead<'h> {
    pub(crate) method: ReadMethod,
    pub(crate) protocol: Protocol,
    pub(crate) target: &'h str,
    pub(crate) host: &'h str,
    pub(crate) keep_alive: bool,
    pub(crate) headers: Headers<'h>,
}

/// Length of the head at the start of `buf`, its empty line included; `None` while it is incomplete. `from` is how much
/// of `buf` has been looked at before.
pub(crate) fn head_end(buf: &[u8], from: usize) -> Option<usize> {
    let mut at = from.saturating_sub(2).min(buf.len());
    while let Some(found) = memchr(b'\n', &buf[at..]) {
        let next = at + found + 1;
        match buf.get(next..) {
            Some([b'\n', ..]) => return Some(next + 1),
            Some([b'\r', b'\n', ..]) => return Some(next + 2),
            _ => at = next,
        }
    }
    None
}

/// Parses and checks a whole head.
///
/// # Errors
/// The problem to answer with, after which the connection is closed: its framing cannot be trusted any more.
pub(crate) fn parse<'h>(head: &'h [u8], lines: &'h mut Lines<'h>) -> Result<Head<'h>, Problem> {
    if has_bare_line_feed(head) {
        return Err(Problem::bad_request("lines have to end with CR LF"));
    }
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(head, lines) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(Problem::bad_request("the request head is incomplete")),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Problem::new(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                format!("more than {FIELDS_MAX} header fields"),
            ));
        }
        Err(error) => return Err(Problem::bad_request(format!("malformed request head: {error}"))),
    }
    let version = request.version.unwrap_or(0);
    let method = request.method.unwrap_or_default();
    let target = request.path.unwrap_or_default();
    let fields = scan(request.headers)?;
    let Some(host) = host(&fields, version)? else {
        return Ok(Head::Other);
    };
    let method = match method {
        "GET" => ReadMethod::Get,
        "HEAD" => ReadMethod::Head,
        _ => return Ok(Head::Other),
    };
    if fields.has_body || fields.special || !target.starts_with('/') {
        return Ok(Head::Other);
    }
    let protocol = if version == 1 {
        Protocol::Http11
    } else {
        Protocol::Http10
    };
    Ok(Head::Read(ReadHead {
        method,
        protocol,
        target,
        host,
        keep_alive: fields.keep_alive.unwrap_or(version == 1),
        headers: Headers::Raw(request.headers),
    }))
}

fn has_bare_line_feed(head: &[u8]) -> bool {
    memchr_iter(b'\n', head).any(|at| at == 0 || head[at - 1] != b'\r')
}

#[derive(Debug, Default)]
struct Scanned<'h> {
    hosts: usize,
    host: &'h [u8],
    has_body: bool,
    transfer_encoding: bool,
    content_length: bool,
    /// `Upgrade`: a conversation that the cache takes no part in. `Expect` without content means nothing (RFC 9110 section 10.1.1).
    special: bool,
    keep_alive: Option<bool>,
}

fn scan<'h>(lines: &[httparse::Header<'h>]) -> Result<Scanned<'h>, Problem> {
    let mut found = Scanned::default();
    for line in lines {
        let is = |name: &str| line.name.eq_ignore_ascii_case(name);
        match line.name.len() {
            4 if is("host") => {
                found.hosts += 1;
                found.host = line.value;
            }
            7 if is("upgrade") => found.special = true,
            10 if is("connection") => scan_connection(line.value, &mut found),
            14 if is("content-length") => {
                if found.content_length || line.value.is_empty() || !line.value.iter().all(u8::is_ascii_digit)
                {
                    return Err(Problem::bad_request("Content-Length has to be one number, once"));
                }
                found.content_length = true;
                found.has_body |= line.value != b"0";
            }
            17 if is("transfer-encoding") => {
                found.transfer_encoding = true;
                found.has_body = true;
            }
            _ => {}
        }
    }
    if found.transfer_encoding && found.content_length {
        // RFC 9112 section 6.1: two framings are an attempt at request smuggling
        return Err(Problem::bad_request("both Transfer-Encoding and Content-Length"));
    }
    Ok(found)
}

fn scan_connection(value: &[u8], found: &mut Scanned<'_>) {
    for token in value.split(|&b| b == b',').map(<[u8]>::trim_ascii) {
        if token.eq_ignore_ascii_case(b"close") {
            found.keep_alive = Some(false);
        } else if token.eq_ignore_ascii_case(b"keep-alive") {
            found.keep_alive = found.keep_alive.or(Some(true));
        } else if token.eq_ignore_ascii_case(b"upgrade") {
            found.special = true;
        }
    }
}

/// RFC 9112 section 3.2: one `Host`, and a valid one. Only HTTP/1.0 may go without, and past the cache.
fn host<'h>(fields: &Scanned<'h>, version: u8) -> Result<Option<&'h str>, Problem> {
    match fields.hosts {
        1 => {}
        0 if version == 0 => return Ok(None),
        0 => return Err(Problem::bad_request("HTTP/1.1 requests need a Host field")),
        _ => return Err(Problem::bad_request("more than one Host field")),
    }
    match std::str::from_utf8(fields.host) {
        Ok(host) if key::is_host(host) => Ok(Some(host)),
        _ => Err(Problem::bad_request("the Host field is not a host name")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outcome(head: &str) -> Result<&'static str, u16> {
        let mut lines = lines();
        match parse(head.as_bytes(), &mut lines) {
            Ok(Head::Read(read)) if read.keep_alive => Ok("read"),
            Ok(Head::Read(_)) => Ok("read, close"),
            Ok(Head::Other) => Ok("other"),
            Err(problem) => Err(problem.status.as_u16()),
        }
    }

    #[test]
    fn what_a_head_is() {
        for (head, expected) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok("read")),
            ("HEAD /x?y HTTP/1.1\r\nhost: a:80\r\n\r\n", Ok("read")),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                Ok("read, close"),
            ),
            ("GET / HTTP/1.0\r\nHost: a\r\n\r\n", Ok("read, close")),
            (
                "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
                Ok("read"),
            ),
            ("GET / HTTP/1.0\r\n\r\n", Ok("other")),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
                Ok("read"),
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n",
                Ok("other"),
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                Ok("other"),
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
                Ok("other"),
            ),
            ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Ok("other")),
            (
                "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n",
                Ok("other"),
            ),
            (
                "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n",
                Err(400),
            ),
            (
                "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
                Err(400),
            ),
            ("GET / HTTP/1.1\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Err(400)),
            (
                "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
                Err(400),
            ),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", Err(400)),
            ("GET / HTTP/1.1\nHost: a\n\n", Err(400)),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", Err(400)),
            ("GET /\r\n\r\n", Err(400)),
            ("garbage\r\n\r\n", Err(400)),
        ] {
            assert_eq!(outcome(head), expected, "{head:?}");
        }
    }

    #[test]
    fn too_many_fields_are_431() {
        let fields: String = (0..=FIELDS_MAX).map(|n| format!("x{n}: 1\r\n")).collect();
        assert_eq!(
            outcome(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")),
            Err(431)
        );
    }

    #[test]
    fn the_end_is_found_however_the_bytes_come() {
        let whole = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
        for split in 0..whole.len() {
            let first = head_end(&whole[..split], 0);
            let found = first.or_else(|| head_end(whole, split));
            assert_eq!(found, Some(27), "split at {split}");
        }
        assert_eq!(
            head_end(b"GET / HTTP/1.1\nHost: a\n\n", 0),
            Some(24),
            "so that it is refused, not waited for"
        );
    }

    proptest! {
        #[test]
        fn never_panics(head in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut lines = lines();
            let _ = parse(&head, &mut lines);
            let _ = head_end(&head, 3);
        }
    }
}
