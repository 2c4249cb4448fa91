//! Heads of requests, their targets, and references in the answers to them.

use http::HeaderValue;
use proxima_config::checked::{ClientCacheControl, HostRule, QueryRule};

use crate::front::h1_head;
use crate::key::{self, Scheme};
use crate::reference;
use crate::request::Signals;

/// Bytes at the start of an HTTP/1 connection.
pub fn request_head(data: &[u8]) {
    let end = h1_head::head_end(data, 0);
    for split in [data.len() / 2, data.len().saturating_sub(1)] {
        let in_two = h1_head::head_end(&data[..split], 0).or_else(|| h1_head::head_end(data, split));
        assert_eq!(in_two, end, "the end depends on how the bytes come");
    }
    let head = &data[..end.unwrap_or(data.len())];
    let mut room = h1_head::lines();
    let parsed = h1_head::parse(head, &mut room);
    if parsed.is_ok() {
        let mut room = [httparse::EMPTY_HEADER; h1_head::FIELDS_MAX];
        let length = httparse::Request::new(&mut room).parse(head);
        assert_eq!(
            length,
            Ok(httparse::Status::Complete(head.len())),
            "part of the head is passed over"
        );
    }
    if let Ok(h1_head::Head::Read(read)) = parsed {
        assert!(key::is_host(read.host) && read.target.starts_with('/'));
        let mut fields = 0;
        read.headers.for_each(|_, _| fields += 1);
        let map = read.headers.to_map();
        assert_eq!(map.len(), fields, "a field is lost on its way to the origin");
        assert!(!map.contains_key("transfer-encoding"));
        assert!(map.get("content-length").is_none_or(|length| length == "0"));
        let _ = Signals::of(&read.headers, ClientCacheControl::Obey);
    }
}

/// A request's target, then a reference in the answer to it.
pub fn target(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (target, reference) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(parsed) = key::parse_target(target) else {
        return;
    };
    let segments = || parsed.path.split('/');
    assert!(parsed.path.starts_with('/') && !segments().any(|segment| matches!(segment, "." | "..")));
    let query = parsed.query.map_or(String::new(), |query| format!("?{query}"));
    let again = format!("{}{query}", parsed.path);
    assert_eq!(key::parse_target(&again).as_ref(), Ok(&parsed), "not idempotent");
    let only = QueryRule::Only(vec!["a".into(), "b".into()]);
    let kept = key::keyed_query(parsed.query, &only);
    assert_eq!(key::keyed_query(kept.as_deref(), &only), kept, "not idempotent");
    let mut url = String::new();
    key::write_key(
        &mut url,
        Scheme::Https,
        "A:443",
        &HostRule::Preserve,
        &parsed,
        &QueryRule::All,
    );
    assert_eq!(url, format!("https://a{again}"));

    let follow = |reference: &str| {
        let reference = HeaderValue::from_str(reference).ok()?;
        reference::same_host_target(&reference, Scheme::Https, "a.example", target)
    };
    let Some(followed) = follow(reference) else {
        return;
    };
    assert!(followed.starts_with('/') && !followed.contains('#'));
    let _ = key::parse_target(&followed);
    if reference.starts_with('/') && !reference.starts_with("//") {
        let absolute = follow(&format!("https://a.example{reference}"));
        assert!(
            absolute.is_none_or(|absolute| absolute == followed),
            "relative is not absolute"
        );
    }
}
