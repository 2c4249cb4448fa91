//! From a request's target to the key of its stored response.
//!
//! A key is the whole URL as text, `scheme://host/path?query`, after normalisation. Two targets that an origin
//! must treat alike (RFC 3986 section 6.2.2) get one key; two that it may tell apart never do.

use std::borrow::Cow;

use proxima_config::checked::{HostRule, QueryRule};
use twox_hash::XxHash3_128;

/// Longest target that is taken, in bytes, after which a request is answered 414.
pub(crate) const TARGET_BYTES_MAX: usize = 8 * 1024;

/// 128-bit hash of a key. Collisions are harmless: the full key is compared on every read.
pub(crate) type KeyHash = u128;

/// Why a target cannot become a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    /// Not in origin form (RFC 9112 section 3.2.1).
    #[error("the request target has to start with `/`")]
    NotOriginForm,
    /// `%` without two hexadecimal digits after it.
    #[error("the request target has a `%` that is not followed by two hexadecimal digits")]
    BadEscape,
    /// A byte that RFC 3986 does not allow, or an encoded control byte.
    #[error("the request target has a byte that URLs do not allow")]
    ForbiddenByte,
    /// More than [`TARGET_BYTES_MAX`].
    #[error("the request target is longer than {TARGET_BYTES_MAX} bytes")]
    TooLong,
}

/// Path and query of a request target, the path normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// Normalised: dot segments resolved, unreserved escapes decoded, other escapes in upper case.
    pub(crate) path: Cow<'a, str>,
    /// Without the `?`; `None` when there was none.
    pub(crate) query: Option<&'a str>,
}

/// Splits and normalises a target in origin form.
///
/// # Errors
/// [`TargetError`] when the target is not one that two parties would read alike.
pub(crate) fn parse_target(target: &str) -> Result<Target<'_>, TargetError> {
    if target.len() > TARGET_BYTES_MAX {
        return Err(TargetError::TooLong);
    }
    if !target.starts_with('/') {
        return Err(TargetError::NotOriginForm);
    }
    let seen = kinds_in(target);
    if seen & FORBIDDEN != 0 {
        return Err(TargetError::ForbiddenByte);
    }
    if seen == 0 {
        return Ok(Target {
            path: Cow::Borrowed(target),
            query: None,
        });
    }
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    if let Some(query) = query {
        check_escapes(query)?;
    }
    Ok(Target {
        path: normalise_path(path)?,
        query,
    })
}

/// What stands in no target.
const FORBIDDEN: u8 = 1;
/// What begins a query or an escape, or may be a dot segment: the target takes a closer look.
const SPECIAL: u8 = 1 << 1;

/// What each byte is to a target. Allowed are RFC 3986 characters, and the few others that browsers send unescaped in queries.
const KINDS: [u8; 256] = {
    let mut kinds = [FORBIDDEN; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        kinds[byte as usize] = match byte {
            b'#' | b'"' | b'<' | b'>' | b'\\' => FORBIDDEN,
            b'?' | b'%' | b'.' => SPECIAL,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

/// All kinds of bytes in a target, found in one pass.
fn kinds_in(target: &str) -> u8 {
    target
        .bytes()
        .fold(0, |seen, byte| seen | KINDS[usize::from(byte)])
}

fn check_escapes(text: &str) -> Result<(), TargetError> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|&b| b == b'%') {
        decode_escape(&bytes[at + found..])?;
        at += found + 3;
    }
    Ok(())
}

/// Value of the escape at the start of `bytes`.
fn decode_escape(bytes: &[u8]) -> Result<u8, TargetError> {
    let hex = |at: usize| bytes.get(at).and_then(|&b| char::from(b).to_digit(16));
    let (Some(high), Some(low)) = (hex(1), hex(2)) else {
        return Err(TargetError::BadEscape);
    };
    u8::try_from(high * 16 + low).map_err(|_| TargetError::BadEscape)
}

fn normalise_path(path: &str) -> Result<Cow<'_, str>, TargetError> {
    let plain = !path.contains('%') && !path.contains("/.");
    if plain {
        return Ok(Cow::Borrowed(path));
    }
    let decoded = normalise_escapes(path)?;
    Ok(Cow::Owned(remove_dot_segments(&decoded)))
}

/// RFC 3986 sections 6.2.2.1 and 6.2.2.2. An encoded control byte is refused: nothing honest sends one in a path.
fn normalise_escapes(path: &str) -> Result<String, TargetError> {
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(path.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'%' {
            out.push(char::from(bytes[at]));
            at += 1;
            continue;
        }
        let value = decode_escape(&bytes[at..])?;
        if value.is_ascii_control() {
            return Err(TargetError::ForbiddenByte);
        }
        if value.is_ascii_alphanumeric() || matches!(value, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(value));
        } else {
            out.push('%');
            out.extend(path[at + 1..at + 3].chars().map(|c| c.to_ascii_uppercase()));
        }
        at += 3;
    }
    Ok(out)
}

/// RFC 3986 section 5.2.4 for an absolute path.
fn remove_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." if last => kept.push(""),
            "." => {}
            ".." => {
                kept.pop();
                if last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    kept.iter()
        .fold(String::with_capacity(path.len()), |mut out, segment| {
            out.push('/');
            out.push_str(segment);
            out
        })
}

/// Scheme of the client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

impl Scheme {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Http, Self::Https];

    /// As written in a URL.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Writes the key of a request into `key`, which is cleared first, and returns its hash.
///
/// `key` is a buffer of the caller's so that a hit allocates nothing.
pub(crate) fn write_key(
    key: &mut String,
    scheme: Scheme,
    host: &str,
    hosts: &HostRule,
    target: &Target<'_>,
    rule: &QueryRule,
) -> KeyHash {
    key.clear();
    key.push_str(scheme.as_str());
    key.push_str("://");
    match hosts {
        HostRule::Fixed(fixed) => key.push_str(fixed),
        HostRule::Preserve => push_host(key, scheme, host),
    }
    key.push_str(&target.path);
    if let Some(query) = keyed_query(target.query, rule) {
        key.push('?');
        key.push_str(&query);
    }
    hash(key.as_bytes())
}

/// Whether a text can be a host, with or without a port (RFC 3986 section 3.2.2, registered names without escapes). What
/// cannot be one never reaches a key: `a/b` as a host would forge the key of another URL.
pub(crate) fn is_host(text: &str) -> bool {
    let allowed =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b':' | b'[' | b']');
    !text.is_empty() && text.bytes().all(allowed)
}

/// Host names are case-insensitive and the scheme's own port is no port (RFC 9110 section 4.2.3).
fn push_host(key: &mut String, scheme: Scheme, host: &str) {
    let start = key.len();
    key.push_str(without_default_port(scheme, host));
    key[start..].make_ascii_lowercase();
}

/// A host without the port that its scheme has anyway.
pub(crate) fn without_default_port(scheme: Scheme, host: &str) -> &str {
    let default_port = match scheme {
        Scheme::Http => ":80",
        Scheme::Https => ":443",
    };
    host.strip_suffix(default_port).unwrap_or(host)
}

/// The part of the query that is in the key, which is also all of it that the origin sees.
pub(crate) fn keyed_query<'q>(query: Option<&'q str>, rule: &QueryRule) -> Option<Cow<'q, str>> {
    let query = query?;
    match rule {
        QueryRule::All => Some(Cow::Borrowed(query)),
        QueryRule::None => None,
        QueryRule::Only(names) => {
            let mut kept: Vec<(&str, &str)> = query
                .split('&')
                .map(|pair| (pair.split_once('=').map_or(pair, |(name, _)| name), pair))
                .filter(|(name, _)| names.iter().any(|wanted| wanted == name))
                .collect();
            if kept.is_empty() {
                return None;
            }
            kept.sort_by_key(|(name, _)| *name); // stable: repeats keep their order
            let pairs: Vec<&str> = kept.into_iter().map(|(_, pair)| pair).collect();
            Some(Cow::Owned(pairs.join("&")))
        }
    }
}

/// Hash of a whole key.
pub(crate) fn hash(key: &[u8]) -> KeyHash {
    XxHash3_128::oneshot(key)
}

/// Key hash of one variant of a resource: the request's values of the fields that `Vary` names.
///
/// Values are separated by a byte that no field value may hold, and an absent field differs from an empty one.
pub(crate) fn variant_hash<'v>(primary: KeyHash, values: impl Iterator<Item = Option<&'v [u8]>>) -> KeyHash {
    let mut text = primary.to_le_bytes().to_vec();
    for value in values {
        match value {
            Some(value) => {
                text.push(1);
                text.extend_from_slice(value);
            }
            None => text.push(2),
        }
        text.push(0);
    }
    hash(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key_of(host: &str, target: &str, rule: &QueryRule) -> String {
        let mut key = String::new();
        let target = parse_target(target).unwrap();
        write_key(&mut key, Scheme::Https, host, &HostRule::Preserve, &target, rule);
        key
    }

    #[test]
    fn equivalent_targets_share_a_key() {
        let all = &QueryRule::All;
        for (target, key) in [
            ("/profiles/7", "https://api.example/profiles/7"),
            ("/profiles/%37", "https://api.example/profiles/7"),
            ("/a/./b/../profiles/7", "https://api.example/a/profiles/7"),
            ("/../../profiles/7", "https://api.example/profiles/7"),
            ("/profiles/%2e%2E/jobs/1", "https://api.example/jobs/1"),
            ("/profiles/%c3%a9", "https://api.example/profiles/%C3%A9"),
            ("/profiles/.", "https://api.example/profiles/"),
            ("/profiles/..", "https://api.example/"),
        ] {
            assert_eq!(key_of("API.example:443", target, all), key, "{target}");
        }
    }

    #[test]
    fn different_resources_keep_different_keys() {
        let all = &QueryRule::All;
        for (left, right) in [
            ("/a%2Fb", "/a/b"),
            ("/a//b", "/a/b"),
            ("/a", "/a/"),
            ("/a", "/a?"),
            ("/a?x=1", "/a?x=2"),
            ("/A", "/a"),
        ] {
            assert_ne!(key_of("h", left, all), key_of("h", right, all), "{left} {right}");
        }
        assert_ne!(key_of("a", "/", all), key_of("b", "/", all));
        assert_ne!(key_of("a:8443", "/", all), key_of("a", "/", all));
    }

    #[test]
    fn query_rules() {
        let only = QueryRule::Only(vec!["fields".into(), "lang".into()]);
        assert_eq!(
            key_of("h", "/p?utm=x&lang=de&fields=a&fields=b", &only),
            "https://h/p?fields=a&fields=b&lang=de"
        );
        assert_eq!(key_of("h", "/p?utm=x", &only), "https://h/p");
        assert_eq!(key_of("h", "/p?utm=x", &QueryRule::None), "https://h/p");
        assert_eq!(key_of("h", "/p?b=1&a=2", &QueryRule::All), "https://h/p?b=1&a=2");
    }

    #[test]
    fn what_is_not_a_host_cannot_forge_a_key() {
        for host in ["a.example", "a.example:8443", "[::1]:80", "127.0.0.1"] {
            assert!(is_host(host), "{host}");
        }
        for host in ["", "a/b", "a?x=", "a#b", "a@b", "a b", "a\r\n", "a%2fb", "é"] {
            assert!(!is_host(host), "{host}");
        }
    }

    #[test]
    fn ambiguous_targets_are_refused() {
        for (target, error) in [
            ("http://h/", TargetError::NotOriginForm),
            ("", TargetError::NotOriginForm),
            ("/%", TargetError::BadEscape),
            ("/%4", TargetError::BadEscape),
            ("/a?x=%zz", TargetError::BadEscape),
            ("/a%00b", TargetError::ForbiddenByte),
            ("/a%0d%0aX: y", TargetError::ForbiddenByte),
            ("/a\\b", TargetError::ForbiddenByte),
            ("/a#b", TargetError::ForbiddenByte),
            ("/ü", TargetError::ForbiddenByte),
        ] {
            assert_eq!(parse_target(target), Err(error), "{target}");
        }
        assert_eq!(
            parse_target(&format!("/{}", "a".repeat(TARGET_BYTES_MAX))),
            Err(TargetError::TooLong)
        );
    }

    #[test]
    fn variants_differ_by_value_and_presence() {
        let of = |values: &[Option<&str>]| variant_hash(1, values.iter().map(|v| v.map(str::as_bytes)));
        assert_ne!(of(&[Some("a"), Some("b")]), of(&[Some("ab"), Some("")]));
        assert_ne!(of(&[Some("")]), of(&[None]));
        assert_eq!(of(&[Some("a"), None]), of(&[Some("a"), None]));
    }

    proptest! {
        #[test]
        fn normalisation_never_panics_and_is_idempotent(target in "/[a-c%./2eEfF?&=]{0,40}") {
            if let Ok(first) = parse_target(&target) {
                let again = parse_target(&first.path).unwrap();
                prop_assert_eq!(&again.path, &first.path);
            }
        }

        #[test]
        fn any_text_is_handled(target in "\\PC{0,60}") {
            let _ = parse_target(&target);
        }
    }
}
