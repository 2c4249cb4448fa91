//! Ranges: what is asked for, selected, stored in parts and joined.

use bytes::Bytes;
use http::header::ETAG;
use http::{HeaderMap, HeaderValue};

use super::{NOW, lines};
use crate::policy::partial::{self, Part};
use crate::policy::range::{self, ContentRange, Selected, Spec, select};

/// `Range`, then `Content-Range` of a stored and of a newer part.
pub fn range(data: &[u8]) {
    let mut lines = lines(data).chain(std::iter::repeat(&b""[..]));
    let specs = lines.next().and_then(range::parse);
    let [stored, newer] = [lines.next(), lines.next()].map(|line| {
        let place = ContentRange::parse(line?)?;
        assert_eq!(ContentRange::parse(place.to_string().as_bytes()), Some(place));
        assert_eq!(place.bytes().end - place.bytes().start, place.length());
        Some(place)
    });
    if let Some(specs) = specs {
        [0, 1, 10, 64, u64::MAX - 1]
            .iter()
            .for_each(|&length| select_is_sound(&specs, length));
        if let Some(place) = stored {
            covered_is_stored(&place, &specs);
        }
    }
    if let (Some(stored), Some(newer)) = (stored, newer) {
        joined_is_whole(stored, newer);
    }
}

fn select_is_sound(specs: &[Spec], length: u64) {
    assert!(!specs.is_empty());
    let is_asked_for = |at: u64| {
        specs.iter().any(|spec| match *spec {
            Spec::From(first) => at >= first,
            Spec::FromTo(first, last) => (first..=last).contains(&at),
            Spec::Last(count) => length - at <= count,
        })
    };
    let all = 0..length.min(1000);
    match select(specs, length) {
        Selected::Whole => assert!(length == 0 || length > 1000 || all.clone().any(is_asked_for)),
        Selected::Unsatisfiable => assert!(!all.clone().any(is_asked_for)),
        Selected::Parts(parts) => {
            assert!(!parts.is_empty() && parts.len() <= specs.len());
            assert!(
                parts
                    .iter()
                    .all(|part| part.start < part.end && part.end <= length)
            );
            let selected = |at: u64| parts.iter().any(|part| part.contains(&at));
            assert!(all.clone().all(|at| selected(at) == is_asked_for(at)));
            let bytes: u128 = parts.iter().map(|part| u128::from(part.end - part.start)).sum();
            assert!(
                parts.len() == 1 || bytes <= u128::from(length),
                "more than the whole"
            );
        }
    }
}

fn covered_is_stored(place: &ContentRange, specs: &[Spec]) {
    let Some(wanted) = partial::covered(place, specs) else {
        return;
    };
    let stored = place.bytes();
    assert!(wanted.start < wanted.end && stored.start <= wanted.start && wanted.end <= stored.end);
    if let Some(complete) = place.complete {
        assert_eq!(select(specs, complete), Selected::Parts(vec![wanted]));
    }
}

/// Parts of bodies that are told apart by their letters' case.
fn joined_is_whole(stored: ContentRange, newer: ContentRange) {
    const OLD: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    const NEW: &[u8; 52] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let headers = HeaderMap::from_iter([(ETAG, HeaderValue::from_static("\"a\""))]);
    let part = |place: ContentRange, whole: &'static [u8]| {
        let indices = usize::try_from(place.first).ok()?..usize::try_from(place.last).ok()?.checked_add(1)?;
        let body = Bytes::from_static(whole.get(indices)?);
        let headers = &headers;
        Some(Part { place, headers, body })
    };
    let (Some(old), Some(new)) = (part(stored, OLD), part(newer, NEW)) else {
        return;
    };
    let (old_bytes, new_bytes) = (stored.bytes(), newer.bytes());
    let Some((place, body)) = partial::combine(&old, &new, NOW) else {
        let apart = old_bytes.end < new_bytes.start || new_bytes.end < old_bytes.start;
        let length = stored.complete.or(newer.complete).unwrap_or(u64::MAX);
        let differ = newer.complete.is_some_and(|newer| newer != length);
        assert!(apart || differ || old_bytes.end.max(new_bytes.end) > length);
        return;
    };
    let union = old_bytes.start.min(new_bytes.start)..old_bytes.end.max(new_bytes.end);
    assert_eq!(place.bytes(), union);
    assert_eq!(place.complete, stored.complete.or(newer.complete));
    assert_eq!(
        ContentRange::parse(place.to_string().as_bytes()),
        Some(place),
        "it cannot be"
    );
    let whole = union.zip(
        OLD.iter()
            .zip(NEW)
            .skip(usize::try_from(place.first).unwrap_or(usize::MAX)),
    );
    let expected = whole.map(|(at, (old, new))| if new_bytes.contains(&at) { *new } else { *old });
    assert!(
        body.concat().into_iter().eq(expected),
        "other bytes than the whole has"
    );
    if let Some(next) = partial::rest(&place) {
        assert!(place.first == 0 && next == place.length() && place.complete > Some(next));
    }
}
