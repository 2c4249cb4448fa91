//! A response as it came.

use std::borrow::Cow;
use std::str::FromStr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};

/// A whole response.
#[derive(Debug)]
pub struct Response {
    /// Its status code.
    pub status: u16,
    /// The protocol's version.
    pub proto: Proto,
    /// Its header fields.
    pub headers: Headers,
    /// Its body, decoded; empty if it was to be discarded.
    pub body: Bytes,
}

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proto {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
    /// HTTP/2
    Http2,
}

impl Proto {
    /// As Go writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2.0",
        }
    }
}

impl Response {
    /// Status code and reason: `200 OK`. HTTP/2 has no reasons; there it is the one of RFC 9110.
    #[must_use]
    pub fn status_text(&self) -> Cow<'_, str> {
        match &self.headers.0 {
            Fields::Raw(head) => {
                let line = lines(head).next().unwrap_or_default();
                let version = line.iter().position(|byte| *byte == b' ').map_or(0, |at| at + 1);
                String::from_utf8_lossy(line[version..].trim_ascii())
            }
            Fields::Map(_) => {
                let status = StatusCode::from_u16(self.status).ok();
                let reason = status.and_then(|status| status.canonical_reason());
                Cow::Owned(format!("{} {}", self.status, reason.unwrap_or_default()))
            }
        }
    }
}

/// Header fields, taken apart when somebody asks.
#[derive(Debug)]
pub struct Headers(Fields);

#[derive(Debug)]
enum Fields {
    /// The head as it came, status line and empty line included; it has been parsed once and is well-formed.
    Raw(Box<[u8]>),
    Map(HeaderMap),
}

impl Headers {
    pub(super) fn raw(head: &[u8]) -> Self {
        Self(Fields::Raw(head.into()))
    }

    pub(super) fn map(map: HeaderMap) -> Self {
        Self(Fields::Map(map))
    }

    /// Calls `each` with every field's name (in any case) and value, in the order they came in.
    pub fn for_each<'a>(&'a self, mut each: impl FnMut(&'a str, &'a [u8])) {
        match &self.0 {
            Fields::Raw(head) => {
                for line in lines(head).skip(1) {
                    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                        continue;
                    };
                    let name = std::str::from_utf8(&line[..colon]).unwrap_or_default();
                    each(name, line[colon + 1..].trim_ascii());
                }
            }
            Fields::Map(map) => {
                for (name, value) in map {
                    each(name.as_str(), value.as_bytes());
                }
            }
        }
    }

    /// The first value of a field; `name` in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let mut first = None;
        self.for_each(|field, value| {
            if first.is_none() && field.eq_ignore_ascii_case(name) {
                first = Some(value);
            }
        });
        first
    }

    /// All values of a field; `name` in any case.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&[u8]> {
        let mut values = Vec::new();
        self.for_each(|field, value| {
            if field.eq_ignore_ascii_case(name) {
                values.push(value);
            }
        });
        values
    }

    /// Names in Go's canonical form (`X-Cache`, `Etag`) with their values, repeats joined by `", "`, in the order of
    /// first appearance. Bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn canonical(&self) -> Vec<(String, String)> {
        let mut fields: Vec<(String, String)> = Vec::new();
        self.for_each(|name, value| {
            let value = String::from_utf8_lossy(value);
            match fields
                .iter_mut()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
            {
                Some((_, values)) => {
                    values.push_str(", ");
                    values.push_str(&value);
                }
                None => fields.push((canonical_name(name), value.into_owned())),
            }
        });
        fields
    }
}

/// A field's name in Go's canonical form; as it is if it is no name.
#[must_use]
pub fn canonical_name(name: &str) -> String {
    if HeaderName::from_str(name).is_err() {
        return name.to_owned();
    }
    let mut canonical = Vec::with_capacity(name.len());
    push_canonical(&mut canonical, name);
    String::from_utf8_lossy(&canonical).into_owned()
}

/// Appends a valid name in Go's canonical form.
pub(super) fn push_canonical(out: &mut Vec<u8>, name: &str) {
    let mut upper = true;
    out.extend(name.bytes().map(|byte| {
        let cased = if upper {
            byte.to_ascii_uppercase()
        } else {
            byte.to_ascii_lowercase()
        };
        upper = byte == b'-';
        cased
    }));
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_go_writes_them() {
        for (name, canonical) in [
            ("etag", "Etag"),
            ("X-CACHE-hits", "X-Cache-Hits"),
            ("www-authenticate", "Www-Authenticate"),
            ("not a name", "not a name"),
        ] {
            assert_eq!(canonical_name(name), canonical);
        }
    }

    #[test]
    fn repeated_fields_are_joined_where_the_first_one_was() {
        let headers = Headers::raw(b"HTTP/1.1 200 OK\r\nVary: a\r\nETag:\"x\" \r\nvary:b\r\n\r\n");
        let expected = [("Vary", "a, b"), ("Etag", "\"x\"")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(headers.canonical(), expected);
        assert_eq!(headers.get("VARY"), Some(&b"a"[..]));
        assert_eq!(headers.all("vary"), [b"a", b"b"]);
    }
}
