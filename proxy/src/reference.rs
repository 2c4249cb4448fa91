//! URI references in an origin's answers (RFC 3986 section 5, RFC 9110 section 10.2.2).

use http::{HeaderMap, HeaderValue, Uri};

use crate::key::{Scheme, without_default_port};

/// URLs in `Location` and `Content-Location` that a successful write to `target` invalidates too: those of the same host
/// (RFC 9111 section 4.4), as origin-form targets.
pub(crate) fn locations(headers: &HeaderMap, scheme: Scheme, host: &str, target: &str) -> Vec<String> {
    ["location", "content-location"]
        .iter()
        .filter_map(|name| same_host_target(headers.get(*name)?, scheme, host, target))
        .collect()
}

/// A URI reference in an answer to a request for `target`, as an origin-form target; `None` when it leads to another host.
pub(crate) fn same_host_target(
    reference: &HeaderValue,
    scheme: Scheme,
    host: &str,
    target: &str,
) -> Option<String> {
    let text = reference.to_str().ok()?.split('#').next()?;
    let has_scheme = text
        .split_once(':')
        .is_some_and(|(scheme, _)| !scheme.contains(['/', '?']));
    if !has_scheme && !text.starts_with("//") {
        return Some(resolved(text, target));
    }
    let absolute = if has_scheme {
        text.to_owned()
    } else {
        format!("{}:{text}", scheme.as_str())
    };
    let uri: Uri = absolute.parse().ok()?;
    let theirs = if uri.scheme_str() == Some("http") {
        Scheme::Http
    } else {
        Scheme::Https
    };
    let named = without_default_port(theirs, uri.authority()?.as_str());
    let is_own = named.eq_ignore_ascii_case(without_default_port(scheme, host));
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    (is_own && target.starts_with('/')).then(|| target.to_owned())
}

/// A relative reference without authority (RFC 3986 section 5.2.2). Dot segments go when the target is normalised.
fn resolved(reference: &str, target: &str) -> String {
    let path = target.split('?').next().unwrap_or_default();
    match reference.chars().next() {
        None => target.to_owned(),
        Some('/') => reference.to_owned(),
        Some('?') => format!("{path}{reference}"),
        Some(_) => {
            let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
            format!("{folder}{reference}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::headers;

    #[test]
    fn only_locations_of_the_same_authority_count() {
        let of = |value: &str| {
            let fields = headers(&[("location", value)]);
            locations(&fields, Scheme::Https, "api.example", "/profiles/?page=2")
        };
        for (reference, target) in [
            ("/profiles/7?x=1", "/profiles/7?x=1"),
            ("https://API.example/profiles/7", "/profiles/7"),
            ("https://api.example:443/profiles/7#top", "/profiles/7"),
            ("https://api.example", "/"),
            ("//api.example/jobs", "/jobs"),
            ("7", "/profiles/7"),
            ("../jobs/7", "/profiles/../jobs/7"),
            ("?page=3", "/profiles/?page=3"),
            ("", "/profiles/?page=2"),
        ] {
            assert_eq!(of(reference), [target], "{reference}");
        }
        for reference in [
            "https://other.example/profiles/7",
            "//other.example/7",
            "mailto:a@b",
        ] {
            assert_eq!(of(reference), [] as [&str; 0], "{reference}");
        }
    }
}
