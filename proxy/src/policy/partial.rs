//! Stored parts of responses (RFC 9111 sections 3.3 and 3.4): what they answer, and how they grow together.

use std::ops::Range;

use bytes::Bytes;
use http::HeaderMap;

use super::conditional::share_a_strong_validator;
use super::range::{ContentRange, Selected, Spec, select};
use crate::clock::UnixMillis;

/// Part of a representation.
#[derive(Debug, Clone)]
pub(crate) struct Part<'p> {
    pub(crate) place: ContentRange,
    pub(crate) headers: &'p HeaderMap,
    pub(crate) body: Bytes,
}

/// The bytes of the whole that a request asks for, if they all lie within a stored part.
pub(crate) fn covered(place: &ContentRange, specs: &[Spec]) -> Option<Range<u64>> {
    let wanted = match (place.complete, specs) {
        (Some(complete), specs) => match select(specs, complete) {
            Selected::Parts(parts) if parts.len() == 1 => parts.into_iter().next(),
            _ => None,
        },
        (None, [Spec::FromTo(first, last)]) => Some(*first..last.checked_add(1)?),
        (None, _) => None,
    }?;
    let stored = place.bytes();
    (stored.start <= wanted.start && wanted.end <= stored.end).then_some(wanted)
}

/// Joins two parts of one representation: the newer one's bytes where both have some. `None` when they do not touch, when one
/// reaches beyond the length that the other gives, or when nothing proves that they belong together (RFC 9110 section 15.3.7.3).
pub(crate) fn combine(
    stored: &Part<'_>,
    newer: &Part<'_>,
    now: UnixMillis,
) -> Option<(ContentRange, Vec<Bytes>)> {
    let (old, new) = (stored.place.bytes(), newer.place.bytes());
    let complete = match (stored.place.complete, newer.place.complete) {
        (Some(one), Some(other)) if one != other => return None,
        (one, other) => one.or(other),
    };
    let union = old.start.min(new.start)..old.end.max(new.end);
    let possible = complete.is_none_or(|complete| union.end <= complete);
    let touch = old.start <= new.end && new.start <= old.end;
    if !touch || !possible || !share_a_strong_validator(stored.headers, newer.headers, now) {
        return None;
    }
    let cut = |range: Range<u64>| {
        let from = usize::try_from(range.start.checked_sub(old.start)?).ok()?;
        let to = usize::try_from(range.end.checked_sub(old.start)?).ok()?;
        (from < to && to <= stored.body.len()).then(|| stored.body.slice(from..to))
    };
    let before = cut(old.start..new.start.min(old.end));
    let after = cut(new.end.max(old.start)..old.end);
    let body = before
        .into_iter()
        .chain([newer.body.clone()])
        .chain(after)
        .collect();
    Some((ContentRange::of(&union, complete), body))
}

/// Where the missing rest of a representation starts, if its beginning is what is stored.
pub(crate) fn rest(place: &ContentRange) -> Option<u64> {
    let next = place.last.saturating_add(1);
    (place.first == 0 && place.complete.is_some_and(|complete| next < complete)).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::super::range::parse;
    use super::super::testing::headers;
    use super::*;
    use proptest::prelude::*;

    const NOW: UnixMillis = UnixMillis(784_111_777_000);
    const TEXT: &[u8] = b"0123456789";

    fn place(range: Range<u64>) -> ContentRange {
        ContentRange::of(&range, Some(10))
    }

    fn text(range: &Range<u64>) -> &'static [u8] {
        let at = |position: u64| usize::try_from(position).unwrap();
        &TEXT[at(range.start)..at(range.end)]
    }

    fn part(range: Range<u64>, headers: &HeaderMap) -> Part<'_> {
        let body = Bytes::copy_from_slice(text(&range));
        Part {
            place: place(range),
            headers,
            body,
        }
    }

    #[test]
    fn a_part_answers_what_lies_within_it() {
        let asked = |field: &str, place: &ContentRange| covered(place, &parse(field.as_bytes()).unwrap());
        let middle = place(2..8);
        assert_eq!(asked("bytes=3-4", &middle), Some(3..5));
        assert_eq!(asked("bytes=2-7", &middle), Some(2..8));
        assert_eq!(asked("bytes=1-4", &middle), None);
        assert_eq!(asked("bytes=3-8", &middle), None);
        assert_eq!(asked("bytes=3-", &middle), None);
        assert_eq!(asked("bytes=-4", &place(6..10)), Some(6..10));
        assert_eq!(asked("bytes=3-4,5-6", &middle), None);
        let endless = ContentRange::of(&(2..8), None);
        assert_eq!(asked("bytes=3-4", &endless), Some(3..5));
        assert_eq!(asked("bytes=-1", &endless), None);
        let vast = ContentRange::of(&(0..u64::MAX), None);
        assert_eq!(
            asked("bytes=18446744073709551615-18446744073709551615", &vast),
            None
        );
    }

    #[test]
    fn parts_that_touch_and_belong_together_grow() {
        let (a, b) = (headers(&[("etag", "\"a\"")]), headers(&[("etag", "\"b\"")]));
        let text = |(place, body): (ContentRange, Vec<Bytes>)| (place.to_string(), body.concat());
        let joined = combine(&part(0..4, &a), &part(4..10, &a), NOW).map(text).unwrap();
        assert_eq!(joined, ("bytes 0-9/10".to_owned(), TEXT.to_vec()));
        assert!(combine(&part(0..4, &a), &part(5..10, &a), NOW).is_none(), "a gap");
        assert!(
            combine(&part(0..4, &a), &part(4..10, &b), NOW).is_none(),
            "another version"
        );
        let longer = Part {
            place: ContentRange::of(&(4..10), None),
            ..part(4..10, &a)
        };
        let shorter = Part {
            place: ContentRange::of(&(2..4), Some(8)),
            ..part(2..4, &a)
        };
        assert!(combine(&longer, &shorter, NOW).is_none(), "longer than the whole");
        assert_eq!(rest(&place(0..4)), Some(4));
        assert_eq!(rest(&place(0..10)), None);
        assert_eq!(rest(&place(1..4)), None);
    }

    proptest! {
        #[test]
        fn whatever_touches_joins_to_the_right_bytes(a in 0_u64..9, b in 1_u64..5, c in 0_u64..9, d in 1_u64..5) {
            let etag = headers(&[("etag", "\"a\"")]);
            let (one, other) = (a..(a + b).min(10), c..(c + d).min(10));
            let touch = one.start <= other.end && other.start <= one.end;
            let joined = combine(&part(one, &etag), &part(other, &etag), NOW);
            prop_assert_eq!(joined.is_some(), touch);
            if let Some((place, body)) = joined {
                let bytes = place.bytes();
                prop_assert_eq!(body.concat(), text(&bytes));
            }
        }
    }
}
