//! The layout of stored responses.

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;

use crate::cache::entry::{Entry, Kind, Parts, encode};
use crate::clock::UnixMillis;
use crate::floors::TagHash;
use crate::policy::freshness::Facts;
use crate::position::Position;

/// What an entry is made from, and damage that is done to it.
#[derive(Debug, Arbitrary)]
struct Given {
    is_marker: bool,
    status: u16,
    requested_at: u64,
    received_at: u64,
    position: Option<(u64, u64)>,
    lifetime_s: Option<u32>,
    stale_while_revalidate_s: Option<u32>,
    stale_if_error_s: Option<u32>,
    initial_age_s: u32,
    heuristic: bool,
    no_cache: bool,
    must_revalidate: bool,
    immutable: bool,
    damage: (usize, u8),
    key: String,
    vary: Vec<(String, Option<Vec<u8>>)>,
    tags: Vec<String>,
    head: Vec<u8>,
    body: Vec<Vec<u8>>,
}

/// A block of bytes as it may come from the ring, and at once what an entry is made from.
pub fn entry(data: &[u8]) {
    if let Ok(entry) = Entry::decode(Bytes::copy_from_slice(data)) {
        read_all(&entry);
    }
    if let Ok(given) = Given::arbitrary(&mut Unstructured::new(data)) {
        what_goes_in_comes_out(&given);
    }
}

fn what_goes_in_comes_out(given: &Given) {
    let body: Vec<Bytes> = given
        .body
        .iter()
        .map(|chunk| Bytes::copy_from_slice(chunk))
        .collect();
    let parts = Parts {
        kind: if given.is_marker {
            Kind::VaryMarker
        } else {
            Kind::Response
        },
        status: 100 + given.status % 900,
        requested_at: UnixMillis(given.requested_at),
        received_at: UnixMillis(given.received_at),
        position: given
            .position
            .map(|(timeline, offset)| Position { timeline, offset }),
        facts: Facts {
            lifetime_s: given.lifetime_s,
            heuristic: given.heuristic,
            stale_while_revalidate_s: given.stale_while_revalidate_s,
            stale_if_error_s: given.stale_if_error_s,
            no_cache: given.no_cache,
            must_revalidate: given.must_revalidate,
            immutable: given.immutable,
            initial_age_s: given.initial_age_s,
        },
        key: &given.key,
        vary: given.vary.clone(),
        tags: given.tags.clone(),
        head: &given.head,
        body: &body,
    };
    let Some(blob) = encode(&parts) else {
        return; // a text too long for its prefix
    };
    let entry = Entry::decode(blob.clone()).expect("what is encoded can be decoded");
    read_all(&entry);
    assert_eq!((entry.kind(), entry.status()), (parts.kind, parts.status));
    assert_eq!(entry.requested_at(), parts.requested_at);
    assert_eq!(entry.receipt().received_at, parts.received_at);
    assert_eq!(entry.position(), parts.position);
    assert_eq!(entry.facts(), parts.facts);
    assert_eq!(entry.key(), parts.key.as_bytes());
    assert!(
        entry.vary().eq(parts
            .vary
            .iter()
            .map(|(name, value)| (&name[..], value.as_deref())))
    );
    let tags = parts.tags.iter().map(|tag| TagHash::of_tag(tag));
    assert!(
        entry
            .floor_tags()
            .eq(std::iter::once(TagHash::of_url(parts.key)).chain(tags))
    );
    assert_eq!(entry.head(), parts.head);
    assert_eq!(entry.body(), given.body.concat());

    assert!(
        (0..blob.len()).all(|cut| Entry::decode(blob.slice(..cut)).is_err()),
        "cut short"
    );
    let mut damaged = blob.to_vec();
    damaged[given.damage.0 % blob.len()] ^= given.damage.1;
    if let Ok(entry) = Entry::decode(damaged.into()) {
        read_all(&entry);
    }
}

fn read_all(entry: &Entry) {
    // a pair that is passed over is one that no request is compared with
    let vary_bytes = |(name, value): (&str, Option<&[u8]>)| 4 + name.len() + value.map_or(0, <[u8]>::len);
    let prefix = entry.blob().get(60..64).and_then(|prefix| prefix.try_into().ok());
    let section = prefix.map(|prefix| u32::from_le_bytes(prefix) as usize);
    assert_eq!(
        Some(entry.vary().map(vary_bytes).sum()),
        section,
        "part of vary is passed over"
    );
    assert!(entry.weight() > entry.blob().len());
    assert!(entry.blob().ends_with(&[entry.head(), &entry.body()].concat()));
    assert_eq!(
        entry.floor_tags().next(),
        std::str::from_utf8(entry.key()).ok().map(TagHash::of_url)
    );
    entry.headers();
}
