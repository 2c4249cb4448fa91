//! Conditional requests, RFC 9110 section 13.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName};

use super::problem::Problem;

/// What identifies the present state of a resource.
#[derive(Clone, Debug)]
pub(super) struct Validators {
    /// Strong, with its quotes.
    pub(super) etag: String,
    pub(super) modified: SystemTime,
}

/// What a request requires of that state.
#[derive(Debug, Default)]
pub(super) struct Preconditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
    if_modified_since: Option<SystemTime>,
    if_unmodified_since: Option<SystemTime>,
}

/// How to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Proceed,
    /// 304; only for reads.
    NotModified,
    /// 412.
    Failed,
}

#[derive(Debug)]
enum Tags {
    Any,
    Listed(Vec<Tag>),
}

#[derive(Debug)]
struct Tag {
    weak: bool,
    /// With its quotes.
    opaque: String,
}

impl Preconditions {
    /// Reads the fields. A malformed list of tags is refused rather than taken for a condition that fails or
    /// holds; a malformed date counts as absent, as section 13.1.3 says.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self {
            if_match: tags(headers, &IF_MATCH)?,
            if_none_match: tags(headers, &IF_NONE_MATCH)?,
            if_modified_since: date(headers, &IF_MODIFIED_SINCE),
            if_unmodified_since: date(headers, &IF_UNMODIFIED_SINCE),
        })
    }

    /// The order of section 13.2.2. `current` is `None` where there is no such resource.
    pub(super) fn judge(&self, read: bool, current: Option<&Validators>) -> Verdict {
        let modified = current.map(|c| whole_second(c.modified));
        let holds = match (&self.if_match, self.if_unmodified_since) {
            (Some(tags), _) => tags.include(current, true),
            (None, Some(date)) => modified.is_some_and(|modified| modified <= date),
            (None, None) => true,
        };
        if !holds {
            return Verdict::Failed;
        }
        let unchanged = match (&self.if_none_match, self.if_modified_since) {
            (Some(tags), _) => tags.include(current, false),
            (None, Some(date)) if read => modified.is_some_and(|modified| modified <= date),
            _ => false,
        };
        match (unchanged, read) {
            (false, _) => Verdict::Proceed,
            (true, true) => Verdict::NotModified,
            (true, false) => Verdict::Failed,
        }
    }
}

impl Tags {
    fn include(&self, current: Option<&Validators>, strongly: bool) -> bool {
        let Some(current) = current else { return false };
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags
                .iter()
                .any(|tag| tag.opaque == current.etag && !(strongly && tag.weak)),
        }
    }
}

/// HTTP dates have no fractions.
fn whole_second(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Problem> {
    let mut lines = Vec::new();
    for value in headers.get_all(name) {
        lines.push(value.to_str().map_err(|_| malformed(name))?);
    }
    match lines.as_slice() {
        [] => Ok(None),
        [only] if only.trim() == "*" => Ok(Some(Tags::Any)),
        several => list(&several.join(","))
            .map(|tags| Some(Tags::Listed(tags)))
            .ok_or_else(|| malformed(name)),
    }
}

fn malformed(name: &HeaderName) -> Problem {
    Problem::bad_parameter(
        name.as_str(),
        r#"must be * or a list of entity tags such as "42""#,
    )
}

/// `1#entity-tag`; an opaque tag may contain commas.
fn list(mut text: &str) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    loop {
        text = text.trim_start_matches([' ', '\t', ',']);
        if text.is_empty() {
            return (!tags.is_empty()).then_some(tags);
        }
        let (weak, rest) = text.strip_prefix("W/").map_or((false, text), |rest| (true, rest));
        let end = rest.strip_prefix('"')?.find('"')? + 2;
        tags.push(Tag {
            weak,
            opaque: rest[..end].to_owned(),
        });
        text = rest[end..].trim_start_matches([' ', '\t']);
        if !text.is_empty() && !text.starts_with(',') {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    type Fields = &'static [(&'static str, &'static str)];

    fn judge(read: bool, exists: bool, fields: Fields) -> Verdict {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let modified =
            httpdate::parse_http_date("Tue, 15 Nov 1994 12:45:26 GMT").unwrap() + Duration::from_millis(700);
        let current = Validators {
            etag: "\"42\"".to_owned(),
            modified,
        };
        Preconditions::of(&headers)
            .unwrap()
            .judge(read, exists.then_some(&current))
    }

    const SAME: &str = "Tue, 15 Nov 1994 12:45:26 GMT";
    const EARLIER: &str = "Tue, 15 Nov 1994 12:45:25 GMT";

    #[test]
    fn reads() {
        use Verdict::{Failed, NotModified, Proceed};
        let cases: [(Fields, Verdict); 9] = [
            (&[], Proceed),
            (&[("if-none-match", "\"42\"")], NotModified),
            (&[("if-none-match", "\"7\", W/\"42\"")], NotModified),
            (&[("if-none-match", "\"7\"")], Proceed),
            (
                &[("if-none-match", "\"7\""), ("if-modified-since", SAME)],
                Proceed,
            ),
            (&[("if-none-match", "*")], NotModified),
            (&[("if-modified-since", SAME)], NotModified),
            (&[("if-modified-since", EARLIER)], Proceed),
            (&[("if-match", "\"7\"")], Failed),
        ];
        for (fields, verdict) in cases {
            assert_eq!(judge(true, true, fields), verdict, "{fields:?}");
        }
        assert_eq!(judge(true, false, &[("if-none-match", "*")]), Proceed);
    }

    #[test]
    fn writes() {
        use Verdict::{Failed, Proceed};
        let cases: [(bool, Fields, Verdict); 9] = [
            (true, &[("if-match", "\"42\"")], Proceed),
            (true, &[("if-match", "\"41\""), ("if-match", "\"42\"")], Proceed),
            (true, &[("if-match", "W/\"42\"")], Failed),
            (true, &[("if-match", "*")], Proceed),
            (false, &[("if-match", "*")], Failed),
            (true, &[("if-none-match", "*")], Failed),
            (false, &[("if-none-match", "*")], Proceed),
            (true, &[("if-unmodified-since", EARLIER)], Failed),
            (true, &[("if-unmodified-since", SAME)], Proceed),
        ];
        for (exists, fields, verdict) in cases {
            assert_eq!(judge(false, exists, fields), verdict, "{fields:?}");
        }
    }

    #[test]
    fn lists_of_tags() {
        for (text, count) in [
            ("\"a\"", Some(1)),
            ("\"a,b\" , W/\"c\",,\"\"", Some(3)),
            ("", None),
            (",", None),
        ] {
            assert_eq!(list(text).map(|tags| tags.len()), count, "{text}");
        }
        for text in ["a", "\"a", "\"a\"\"b\"", "w/\"a\"", "*", "\"a\",*"] {
            assert!(list(text).is_none(), "{text}");
        }
    }
}
