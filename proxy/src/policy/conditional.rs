//! Conditional requests that a stored response answers (RFC 9110 section 13).

use super::cache_control::Members;

/// Whether `If-None-Match` matches `etag`, by weak comparison (RFC 9110 sections 8.8.3.2 and 13.1.2): a match means
/// that the client already has the stored response, and 304 answers it.
pub(crate) fn none_match_hits<'l>(lines: impl IntoIterator<Item = &'l [u8]>, etag: Option<&[u8]>) -> bool {
    lines
        .into_iter()
        .flat_map(Members)
        .any(|member| match (member, etag) {
            (b"*", _) => true,
            (member, Some(etag)) => opaque(member) == opaque(etag),
            (_, None) => false,
        })
}

fn opaque(etag: &[u8]) -> &[u8] {
    etag.strip_prefix(b"W/").unwrap_or(etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_comparison_over_a_list() {
        for (line, etag, hit) in [
            ("\"a\"", Some("\"a\""), true),
            ("W/\"a\"", Some("\"a\""), true),
            ("\"b\", \"a\"", Some("W/\"a\""), true),
            ("\"x,\\\"a\"", Some("\"a\""), false),
            ("*", None, true),
            ("\"a\"", None, false),
            ("a", Some("\"a\""), false),
        ] {
            assert_eq!(
                none_match_hits([line.as_bytes()], etag.map(str::as_bytes)),
                hit,
                "{line}"
            );
        }
    }
}
