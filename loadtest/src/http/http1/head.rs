//! The head of a response: what it says about its own end.

use std::mem::MaybeUninit;

use http::Method;
use httparse::{Header, ParserConfig, Status};

use crate::http::HEAD_BYTES_MAX;
use crate::http::failure::Failure;
use crate::http::response::Proto;

/// As many fields are parsed on the stack; more of them cost an allocation.
const FIELDS_USUAL_MAX: usize = 64;
/// A head with more fields fails its exchange.
const FIELDS_MAX: usize = 4096;

/// How the end of a body is found (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none.
    Empty,
    /// After so many bytes.
    Length(u64),
    /// By the chunk of no length.
    Chunked,
    /// By the end of the connection.
    UntilClose,
}

/// A parsed head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Its length, in bytes.
    pub(super) len: usize,
    pub(super) status: u16,
    pub(super) proto: Proto,
    pub(super) framing: Framing,
    /// The connection may serve another request.
    pub(super) keep_alive: bool,
}

impl Head {
    /// Another response to the same request follows (RFC 9110 §15.2); after 101 none does.
    pub(super) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

/// Parses the head at the beginning of `bytes`; `None` if it is not all there.
pub(super) fn parse(bytes: &[u8], method: &Method) -> Result<Option<Head>, Failure> {
    let mut few = [const { MaybeUninit::uninit() }; FIELDS_USUAL_MAX];
    let head = match read(bytes, method, &mut few) {
        Err(Unreadable::Syntax(httparse::Error::TooManyHeaders)) => {
            read(bytes, method, &mut vec![MaybeUninit::uninit(); FIELDS_MAX])
        }
        head => head,
    };
    let head = head.map_err(|unreadable| match unreadable {
        Unreadable::Syntax(error) => Failure::malformed(error),
        Unreadable::Framing(what) => Failure::malformed(what),
    })?;
    if head.map_or(bytes.len(), |head| head.len) > HEAD_BYTES_MAX {
        return Err(Failure::malformed(format_args!(
            "its head is longer than {HEAD_BYTES_MAX} bytes"
        )));
    }
    Ok(head)
}

enum Unreadable {
    Syntax(httparse::Error),
    Framing(&'static str),
}

fn read<'b>(
    bytes: &'b [u8],
    method: &Method,
    fields: &mut [MaybeUninit<Header<'b>>],
) -> Result<Option<Head>, Unreadable> {
    let mut response = httparse::Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, fields);
    let Status::Complete(len) = parsed.map_err(Unreadable::Syntax)? else {
        return Ok(None);
    };
    let proto = match response.version {
        Some(0) => Proto::Http10,
        _ => Proto::Http11,
    };
    let status = response.code.unwrap_or_default();
    let told = Told::by(response.headers).map_err(Unreadable::Framing)?;
    Ok(Some(Head {
        len,
        status,
        proto,
        framing: told.framing(status, method),
        keep_alive: told.keep_alive(proto) && status != 101,
    }))
}

/// What the fields say that matters here.
#[derive(Debug, Default)]
struct Told {
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
}

impl Told {
    fn by(fields: &[Header<'_>]) -> Result<Self, &'static str> {
        let mut told = Self::default();
        for field in fields {
            // Most names are told apart by their length alone.
            match field.name.len() {
                10 if field.name.eq_ignore_ascii_case("connection") => told.connection(field.value),
                14 if field.name.eq_ignore_ascii_case("content-length") => {
                    told.content_length(field.value)?;
                }
                17 if field.name.eq_ignore_ascii_case("transfer-encoding") => {
                    if told.chunked || !field.value.eq_ignore_ascii_case(b"chunked") {
                        return Err("its transfer-encoding is not chunked");
                    }
                    told.chunked = true;
                }
                _ => {}
            }
        }
        Ok(told)
    }

    fn connection(&mut self, value: &[u8]) {
        for token in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            self.close |= token.eq_ignore_ascii_case(b"close");
            self.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), &'static str> {
        let digits = std::str::from_utf8(value)
            .ok()
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
        let length = digits.and_then(|digits| digits.parse().ok());
        match (length, self.length) {
            (None, _) => Err("its content-length is not a number"),
            (Some(new), Some(known)) if new != known => Err("it has two content-lengths"),
            _ => {
                self.length = length;
                Ok(())
            }
        }
    }

    fn framing(&self, status: u16, method: &Method) -> Framing {
        match (self.chunked, self.length) {
            _ if method == Method::HEAD || matches!(status, 100..200 | 204 | 304) => Framing::Empty,
            (true, _) => Framing::Chunked,
            (false, Some(0)) => Framing::Empty,
            (false, Some(length)) => Framing::Length(length),
            (false, None) => Framing::UntilClose,
        }
    }

    fn keep_alive(&self, proto: Proto) -> bool {
        match proto {
            // RFC 9112 §6.1: framing that an old or a second recipient may see differently is not to be trusted.
            _ if self.chunked && (self.length.is_some() || proto == Proto::Http10) => false,
            Proto::Http10 => self.keep_alive && !self.close,
            _ => !self.close,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_where_its_body_ends_and_whether_the_connection_goes_on() {
        use Framing::{Chunked, Empty, Length, UntilClose};
        let get = Method::GET;
        for (method, head, framing, keep_alive) in [
            (&get, "1.1 200 OK\r\nContent-Length: 5", Length(5), true),
            (&get, "1.1 200 OK\r\ncontent-length: 0", Empty, true),
            (&get, "1.1 200 OK\r\nTransfer-Encoding: Chunked", Chunked, true),
            (&get, "1.1 200 OK\r\nA: b", UntilClose, true),
            (&Method::HEAD, "1.1 200 OK\r\nContent-Length: 5", Empty, true),
            (&get, "1.1 204 No Content\r\nContent-Length: 5", Empty, true),
            (&get, "1.1 304 Not Modified\r\nContent-Length: 5", Empty, true),
            (
                &get,
                "1.1 200 OK\r\nContent-Length: 5\r\nConnection: x, Close",
                Length(5),
                false,
            ),
            (
                &get,
                "1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5",
                Length(5),
                true,
            ),
            (
                &get,
                "1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
                Chunked,
                false,
            ),
            (&get, "1.0 200 OK\r\nContent-Length: 5", Length(5), false),
            (
                &get,
                "1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive",
                Length(5),
                true,
            ),
        ] {
            let bytes = format!("HTTP/{head}\r\n\r\nbody");
            let parsed = parse(bytes.as_bytes(), method).unwrap().unwrap();
            assert_eq!(
                (parsed.framing, parsed.keep_alive),
                (framing, keep_alive),
                "{head}"
            );
            assert_eq!(&bytes[parsed.len..], "body");
        }
    }

    #[test]
    fn a_head_that_can_be_read_in_two_ways_is_malformed() {
        for (head, why) in [
            ("SSH-2.0-x", "invalid HTTP version"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6",
                "two content-lengths",
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: +5", "not a number"),
            ("HTTP/1.1 200 OK\r\nContent-Length: ", "not a number"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999",
                "not a number",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked",
                "not chunked",
            ),
            ("HTTP/1.1 200 OK\r\nName : x", "invalid header name"),
        ] {
            let failure = parse(format!("{head}\r\n\r\n").as_bytes(), &Method::GET).unwrap_err();
            assert_eq!(failure.code, Failure::GENERIC);
            assert!(failure.message.contains(why), "{head}: {failure}");
        }
    }

    #[test]
    fn a_head_is_bounded_by_its_length_and_not_by_a_few_fields() {
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(1000));
        assert!(parse(many.as_bytes(), &Method::GET).unwrap().is_some());
        assert!(parse(&many.as_bytes()[..100], &Method::GET).unwrap().is_none());
        let endless = format!("HTTP/1.1 200 OK\r\na: {}", "b".repeat(HEAD_BYTES_MAX));
        let failure = parse(endless.as_bytes(), &Method::GET).unwrap_err();
        assert!(failure.message.contains("longer than 262144 bytes"), "{failure}");
    }
}
