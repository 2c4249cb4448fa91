//! Cache directives, in lines of `Cache-Control` and as structured fields.

use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue};
use sfv::{Dictionary, FieldType as _, Parser};

use super::{field, lines};
use crate::fields::name::CDN_CACHE_CONTROL;
use crate::policy::directives::DELTA_SECONDS_MAX;
use crate::policy::request::RequestControl;
use crate::policy::response::ResponseControl;

/// Lines of `Cache-Control`, of a response and of a request.
pub fn cache_control(data: &[u8]) {
    let lines: Vec<&[u8]> = lines(data).collect();
    let response = |lines: &[&[u8]]| ResponseControl::parse(lines.iter().copied());
    let request = |lines: &[&[u8]]| {
        let mut control = RequestControl::default();
        lines.iter().for_each(|line| control.add(line));
        control
    };
    let (said, asked) = (response(&lines), request(&lines));
    are_delta_seconds(&said);
    let any_staleness = asked.max_stale == Some(u32::MAX);
    let max_stale = asked.max_stale.filter(|_| !any_staleness);
    let delta_seconds = [asked.max_age, asked.min_fresh, max_stale];
    assert!(
        delta_seconds
            .iter()
            .flatten()
            .all(|&seconds| seconds <= DELTA_SECONDS_MAX)
    );
    let shouted = data.to_ascii_uppercase();
    let shouted: Vec<&[u8]> = super::lines(&shouted).collect();
    assert_eq!(response(&shouted), said, "letter case means something");
    assert_eq!(request(&shouted), asked, "letter case means something");
    assert_eq!(
        request(&[&lines[..], &lines].concat()),
        asked,
        "said twice is more"
    );

    let no_store = ResponseControl {
        no_store: true,
        ..said.clone()
    };
    let barred = [&lines[..], &[b"no-store"]].concat();
    assert_eq!(response(&barred), no_store, "no-store is not heeded");
    assert!(request(&barred).no_store);
    if !lines.iter().any(|line| has_open_quote(line)) {
        let joined = lines.join(&b", "[..]);
        assert_eq!(response(&[&joined]), said, "one line is not what its parts are");
        assert_eq!(request(&[&joined]), asked, "one line is not what its parts are");
        let barred = [&joined[..], b", no-store"].concat();
        assert_eq!(response(&[&barred]), no_store, "no-store is not heeded");
    }
}

/// Lines of `CDN-Cache-Control`.
pub fn structured_fields(data: &[u8]) {
    let Some(targeted) = field(&CDN_CACHE_CONTROL, data) else {
        return;
    };
    let beside = |mut headers: HeaderMap| {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=5"));
        ResponseControl::of(&headers)
    };
    let control = beside(targeted.clone());
    are_delta_seconds(&control);
    let line = lines(data).collect::<Vec<_>>().join(&b", "[..]);
    let dictionary = Parser::new(&line).parse::<Dictionary>().ok();
    match dictionary.and_then(|dictionary| dictionary.serialize()) {
        Some(again) => {
            assert_eq!(control, ResponseControl::of(&targeted), "Cache-Control has a say");
            let again = field(&CDN_CACHE_CONTROL, again.as_bytes());
            assert_eq!(again.map(beside), Some(control), "written again it is another");
        }
        None => assert_eq!(
            control,
            beside(HeaderMap::new()),
            "what is no dictionary has a say"
        ),
    }
}

fn are_delta_seconds(control: &ResponseControl) {
    let lifetimes = [
        control.max_age,
        control.s_maxage,
        control.stale_while_revalidate,
        control.stale_if_error,
    ];
    assert!(
        lifetimes
            .iter()
            .flatten()
            .all(|&seconds| seconds <= DELTA_SECONDS_MAX)
    );
}

fn has_open_quote(line: &[u8]) -> bool {
    let (mut open, mut bytes) = (false, line.iter());
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => open = !open,
            b'\\' if open => drop(bytes.next()),
            _ => {}
        }
    }
    open
}
