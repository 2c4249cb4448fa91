//! The layout, there and back.

use super::*;
use proptest::prelude::*;

static BODY: [Bytes; 2] = [Bytes::from_static(b"hel"), Bytes::from_static(b"lo")];

fn parts() -> Parts<'static> {
    Parts {
        kind: Kind::Response,
        status: 200,
        requested_at: UnixMillis(1),
        received_at: UnixMillis(2),
        position: Some(Position {
            timeline: 1,
            offset: 42,
        }),
        facts: Facts {
            lifetime_s: Some(60),
            stale_if_error_s: Some(5),
            initial_age_s: 3,
            ..Facts::default()
        },
        key: "https://h/profiles/7",
        vary: vec![("accept".into(), Some(b"text/html".to_vec())), ("x".into(), None)],
        tags: vec!["profile:7".into(), "profiles".into()],
        head: b"HTTP/1.1 200 OK\r\ncontent-type: a/b\r\netag: \"1\"\r\n",
        body: &BODY,
    }
}

#[test]
fn what_goes_in_comes_out() {
    let parts = parts();
    let entry = Entry::decode(encode(&parts).unwrap()).unwrap();
    assert_eq!(entry.kind(), Kind::Response);
    assert_eq!(
        entry.receipt(),
        Receipt {
            status: 200,
            received_at: UnixMillis(2)
        }
    );
    assert_eq!(entry.requested_at(), UnixMillis(1));
    assert_eq!(entry.position(), parts.position);
    assert_eq!(entry.facts(), parts.facts);
    assert_eq!(entry.key(), parts.key.as_bytes());
    let vary: Vec<_> = entry
        .vary()
        .map(|(n, v)| (n.to_owned(), v.map(<[u8]>::to_vec)))
        .collect();
    assert_eq!(vary, parts.vary);
    assert_eq!(entry.head(), parts.head);
    assert_eq!(&entry.body()[..], b"hello");
    assert_eq!(entry.headers()["etag"], "\"1\"");
    assert_eq!(entry.headers().len(), 2);
    let tags: Vec<_> = entry.floor_tags().collect();
    assert_eq!(
        tags,
        [
            TagHash::of_url(parts.key),
            TagHash::of_tag("profile:7"),
            TagHash::of_tag("profiles")
        ]
    );
}

#[test]
fn another_version_is_not_read() {
    let mut blob = encode(&parts()).unwrap().to_vec();
    blob[2] = VERSION + 1;
    assert_eq!(Entry::decode(blob.into()).unwrap_err(), DecodeError::Unknown);
    assert_eq!(
        Entry::decode(Bytes::from_static(b"anything else")).unwrap_err(),
        DecodeError::Unknown
    );
}

#[test]
fn what_varies_is_read_to_its_end_or_not_at_all() {
    let vary = |section: &[u8]| {
        let without = encode(&Parts {
            vary: vec![],
            ..parts()
        })
        .unwrap();
        let at = FIXED_BYTES + parts().key.len();
        let mut blob = [&without[..at], section, &without[at..]].concat();
        blob[60] = u8::try_from(section.len()).unwrap();
        Entry::decode(blob.into()).map(|entry| entry.vary().count())
    };
    assert_eq!(vary(b"\x01\0a\x01\0b\x01\0c\xff\xff").unwrap(), 2);
    for section in [
        &b"\x01\0\xe9\x01\0b"[..], // a name that is no text
        b"\xff\xff\x01\0b",        // no name
        b"\x01\0a",                // no value
    ] {
        assert_eq!(vary(section).unwrap_err(), DecodeError::Broken, "{section:?}");
    }
}

#[test]
fn a_text_too_long_for_its_prefix_is_not_stored() {
    let parts = Parts {
        tags: vec!["t".repeat(70_000)],
        ..parts()
    };
    assert!(encode(&parts).is_none());
}

proptest! {
    #[test]
    fn cut_short_is_refused(cut in 0_usize..200) {
        let blob = encode(&parts()).unwrap();
        prop_assume!(cut < blob.len());
        prop_assert!(Entry::decode(blob.slice(..cut)).is_err());
    }

    #[test]
    fn damaged_bytes_never_panic(at in 0_usize..200, byte in any::<u8>()) {
        let mut blob = encode(&parts()).unwrap().to_vec();
        let at = at % blob.len();
        blob[at] = byte;
        if let Ok(entry) = Entry::decode(blob.into()) {
            let _ = (entry.vary().count(), entry.headers().len(), entry.body());
        }
    }
}
