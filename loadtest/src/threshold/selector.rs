//! Reading which samples a threshold looks at: `metric` or `metric{tag:value,…}`.

use crate::metrics::Selector;

/// Why a selector cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} chooses no samples: {reason}; write for example http_req_duration{{region:eu,name:\"read\"}}"
)]
pub struct SelectorError {
    text: String,
    reason: &'static str,
}

/// Reads a selector. Blanks around names and values do not count, nor do quotes around them. A value may have colons
/// and braces; commas only in quotes.
///
/// # Errors
/// For a missing brace, name or colon, and for the same tag twice, which no sample could match.
pub fn parse(text: &str) -> Result<Selector, SelectorError> {
    let error = |reason| SelectorError {
        text: text.to_owned(),
        reason,
    };
    let (metric, conditions) = match text.trim().split_once('{') {
        None => (text.trim(), None),
        Some((metric, rest)) => {
            let conditions = rest
                .strip_suffix('}')
                .ok_or_else(|| error("the closing brace is missing"))?;
            (metric.trim(), Some(conditions))
        }
    };
    if metric.is_empty() {
        return Err(error("the metric is missing"));
    }
    if metric.contains('}') {
        return Err(error("the opening brace is missing"));
    }
    let mut tags: Vec<(String, String)> = Vec::new();
    let split = split(conditions.unwrap_or_default()).ok_or_else(|| error("a quote is not closed"))?;
    for condition in split {
        let (tag, value) = condition
            .split_once(':')
            .ok_or_else(|| error("a condition is not of the form tag:value"))?;
        let tag = unquote(tag);
        if tag.is_empty() {
            return Err(error("a tag is missing before a colon"));
        }
        if tags.iter().any(|(known, _)| known == tag) {
            return Err(error("it has the same tag twice"));
        }
        tags.push((tag.to_owned(), unquote(value).to_owned()));
    }
    if conditions.is_some() && tags.is_empty() {
        return Err(error("there is no condition between the braces"));
    }
    Ok(Selector {
        metric: metric.to_owned(),
        tags,
    })
}

/// Splits at commas outside quotes; `None` for a quote that is not closed. A quote counts only where a tag or value
/// begins, so that values may have apostrophes. What follows the last comma may be missing.
fn split(conditions: &str) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut quote, mut before) = (Vec::new(), 0, None, ',');
    for (at, c) in conditions.char_indices() {
        if quote.is_some() {
            quote = quote.filter(|open| *open != c);
        } else if matches!(c, '"' | '\'') && matches!(before, ',' | ':') {
            quote = Some(c);
        } else if c == ',' {
            parts.push(&conditions[start..at]);
            start = at + 1;
        }
        if !c.is_whitespace() {
            before = c;
        }
    }
    let last = &conditions[start..];
    if !last.trim().is_empty() {
        parts.push(last);
    }
    quote.is_none().then_some(parts)
}

fn unquote(text: &str) -> &str {
    let text = text.trim();
    ['"', '\'']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read() {
        for (text, metric, tags) in [
            ("http_reqs", "http_reqs", &[][..]),
            (" http_reqs ", "http_reqs", &[]),
            ("m{a:b}", "m", &[("a", "b")]),
            ("m{ a : b , c: d }", "m", &[("a", "b"), ("c", "d")]),
            ("m {a:b}", "m", &[("a", "b")]),
            ("m{a:b,}", "m", &[("a", "b")]),
            (
                "m{url:http://a.example:80/x}",
                "m",
                &[("url", "http://a.example:80/x")],
            ),
            ("m{name:http://a/${}}", "m", &[("name", "http://a/${}")]),
            ("m{group:::read::one}", "m", &[("group", "::read::one")]),
            ("m{group:}", "m", &[("group", "")]),
            ("m{a:\"b, c\",'d':'e'}", "m", &[("a", "b, c"), ("d", "e")]),
            (
                "m{check:it's there,a:b}",
                "m",
                &[("check", "it's there"), ("a", "b")],
            ),
        ] {
            let selector = parse(text).unwrap();
            let tags: Vec<_> = tags
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect();
            assert_eq!(
                (selector.metric.as_str(), &selector.tags),
                (metric, &tags),
                "{text}"
            );
        }
    }

    #[test]
    fn what_chooses_nothing_says_why() {
        for (text, reason) in [
            ("", "metric is missing"),
            ("{a:b}", "metric is missing"),
            ("m{a:b", "closing brace"),
            ("ma:b}", "opening brace"),
            ("m{}", "no condition"),
            ("m{ }", "no condition"),
            ("m{a}", "form tag:value"),
            ("m{a:b,,c:d}", "form tag:value"),
            ("m{:b}", "a tag is missing"),
            ("m{a:b,a:c}", "same tag twice"),
            ("m{a:'b,c:d}", "quote is not closed"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
