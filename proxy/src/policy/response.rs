//! What a response's directives allow a shared cache (RFC 9111 section 5.2.2), said to all caches in `Cache-Control` or to
//! caches like this one in `CDN-Cache-Control` (RFC 9213).

use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{BareItem, Dictionary, Item, ListEntry, Parser};

use super::directives::{Directive, Members, clamp_seconds, unquoted};
use crate::fields::{self, name::CDN_CACHE_CONTROL};

/// The directives of a response. Seconds are delta-seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ResponseControl {
    pub(crate) no_store: bool,
    pub(crate) no_cache: bool,
    pub(crate) private: bool,
    pub(crate) public: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) proxy_revalidate: bool,
    pub(crate) must_understand: bool,
    pub(crate) immutable: bool,
    pub(crate) max_age: Option<u32>,
    pub(crate) s_maxage: Option<u32>,
    pub(crate) stale_while_revalidate: Option<u32>,
    pub(crate) stale_if_error: Option<u32>,
    /// Fields that `private` or `no-cache` name: the first client gets them, nobody after it (sections 5.2.2.4 and 5.2.2.7).
    pub(crate) withheld: Vec<HeaderName>,
    /// `CDN-Cache-Control` decides, and `Cache-Control` and `Expires` say nothing (RFC 9213 section 2.2).
    pub(crate) targeted: bool,
}

/// A directive's argument, whichever syntax it came in.
enum Argument<'a> {
    None,
    Seconds(Option<u32>),
    Names(&'a [u8]),
}

impl ResponseControl {
    /// Reads the directives that count for this cache.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self::targeted(headers).unwrap_or_else(|| {
            let lines = headers.get_all(CACHE_CONTROL).iter();
            Self::parse(lines.map(HeaderValue::as_bytes))
        })
    }

    /// Reads every line of `Cache-Control`, in order.
    ///
    /// Unknown directives are passed over (section 5.2.3). A lifetime that is malformed, or given twice with different values,
    /// counts as zero: the stale choice of section 4.2.1.
    pub(crate) fn parse<'l>(lines: impl IntoIterator<Item = &'l [u8]>) -> Self {
        let mut control = Self::default();
        for member in lines.into_iter().flat_map(Members) {
            let directive = Directive::of(member);
            let argument = match directive.value {
                None => Argument::None,
                Some(value) if takes_names(directive.name) => Argument::Names(unquoted(value)),
                Some(_) => Argument::Seconds(directive.seconds()),
            };
            control.apply(directive.name, &argument);
        }
        control
    }

    /// RFC 9213 section 2.1: a dictionary of structured fields. A field that is empty or does not parse counts as absent; a
    /// value of another type than its directive has is not consumed.
    fn targeted(headers: &HeaderMap) -> Option<Self> {
        if !headers.contains_key(CDN_CACHE_CONTROL) {
            return None;
        }
        let lines: Vec<&[u8]> = headers
            .get_all(CDN_CACHE_CONTROL)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        let members: Dictionary = Parser::new(&lines.join(&b", "[..])).parse().ok()?;
        if members.is_empty() {
            return None;
        }
        let mut control = Self {
            targeted: true,
            ..Self::default()
        };
        for (name, value) in &members {
            if let Some(argument) = argument_of(name.as_str().as_bytes(), value) {
                control.apply(name.as_str().as_bytes(), &argument);
            }
        }
        Some(control)
    }

    fn apply(&mut self, name: &[u8], argument: &Argument<'_>) {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        if is("no-store") {
            self.no_store = true;
        } else if is("no-cache") {
            self.no_cache |= !self.withhold(argument);
        } else if is("private") {
            self.private |= !self.withhold(argument);
        } else if is("public") {
            self.public = true;
        } else if is("must-revalidate") {
            self.must_revalidate = true;
        } else if is("proxy-revalidate") {
            self.proxy_revalidate = true;
        } else if is("must-understand") {
            self.must_understand = true;
        } else if is("immutable") {
            self.immutable = true;
        } else if is("max-age") {
            set_seconds(&mut self.max_age, argument);
        } else if is("s-maxage") {
            set_seconds(&mut self.s_maxage, argument);
        } else if is("stale-while-revalidate") {
            set_seconds(&mut self.stale_while_revalidate, argument);
        } else if is("stale-if-error") {
            set_seconds(&mut self.stale_if_error, argument);
        }
    }

    /// Takes in the fields that a directive names; `false` when it names none, or not in a way that can be relied upon.
    fn withhold(&mut self, argument: &Argument<'_>) -> bool {
        let Argument::Names(list) = argument else {
            return false;
        };
        let names: Option<Vec<HeaderName>> = Members(list)
            .map(|name| {
                let flag = matches!(name, b"0" | b"1" | b"true" | b"false");
                HeaderName::from_bytes(name).ok().filter(|_| !flag)
            })
            .collect();
        match names {
            Some(names) if !names.is_empty() => {
                let can_go = names.into_iter().filter(|name| !fields::ESSENTIAL.contains(name));
                self.withheld.extend(can_go);
                true
            }
            _ => false,
        }
    }
}

/// Whether a directive's argument is a list of field names.
fn takes_names(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"private") || name.eq_ignore_ascii_case(b"no-cache")
}

fn set_seconds(slot: &mut Option<u32>, argument: &Argument<'_>) {
    let seconds = match argument {
        Argument::Seconds(Some(seconds)) => *seconds,
        _ => 0,
    };
    *slot = Some(match *slot {
        Some(earlier) if earlier != seconds => 0,
        _ => seconds,
    });
}

/// A dictionary's value as the argument of a directive, `None` when it is not of that directive's type. What only restricts
/// is heeded in any form but `?0`.
fn argument_of<'v>(name: &[u8], value: &'v ListEntry) -> Option<Argument<'v>> {
    const SECONDS: [&[u8]; 4] = [
        b"max-age",
        b"s-maxage",
        b"stale-while-revalidate",
        b"stale-if-error",
    ];
    let item = match value {
        ListEntry::Item(Item { bare_item, .. }) => Some(bare_item),
        ListEntry::InnerList(_) => None,
    };
    if SECONDS.contains(&name) {
        let Some(BareItem::Integer(seconds)) = item else {
            return None;
        };
        let seconds = u64::try_from(i64::from(*seconds)).ok()?;
        return Some(Argument::Seconds(Some(clamp_seconds(seconds))));
    }
    match item {
        Some(BareItem::Boolean(false)) => None,
        Some(BareItem::String(names)) if takes_names(name) => {
            Some(Argument::Names(names.as_str().as_bytes()))
        }
        Some(BareItem::Token(names)) if takes_names(name) => Some(Argument::Names(names.as_str().as_bytes())),
        Some(BareItem::Boolean(true)) => Some(Argument::None),
        _ if matches!(name, b"public" | b"immutable" | b"must-understand") => None,
        _ => Some(Argument::None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::headers;
    use super::*;
    use proptest::prelude::*;

    fn parse(line: &str) -> ResponseControl {
        ResponseControl::parse([line.as_bytes()])
    }

    fn of(lines: &[(&str, &str)]) -> ResponseControl {
        ResponseControl::of(&headers(lines))
    }

    fn lifetime(max_age: u32) -> ResponseControl {
        ResponseControl {
            max_age: Some(max_age),
            ..ResponseControl::default()
        }
    }

    #[test]
    fn lifetimes_are_delta_seconds_or_nothing() {
        for (line, seconds) in [
            ("max-age=60", 60),
            ("Max-Age=60", 60),
            ("max-age=\"60\"", 60),
            ("max-age=060", 60),
            ("max-age=60, max-age=60", 60),
            ("max-age=60, max-age=61", 0),
            ("max-age=-1", 0),
            ("max-age=1.5", 0),
            ("max-age='60'", 0),
            ("max-age =60", 0),
            ("max-age= 60", 0),
            ("max-age", 0),
            ("x=\"max-age=1\", max-age=60", 60),
            ("max-age=60, x=\"\\\", max-age=1\"", 60),
        ] {
            assert_eq!(parse(line), lifetime(seconds), "{line}");
        }
    }

    #[test]
    fn every_directive_is_told_apart() {
        let line = "no-store, no-cache, private, public, must-revalidate, proxy-revalidate, must-understand, immutable, \
                    s-maxage=5, stale-while-revalidate=6, stale-if-error=7, unknown, a=b";
        let expected = ResponseControl {
            no_store: true,
            no_cache: true,
            private: true,
            public: true,
            must_revalidate: true,
            proxy_revalidate: true,
            must_understand: true,
            immutable: true,
            s_maxage: Some(5),
            stale_while_revalidate: Some(6),
            stale_if_error: Some(7),
            ..ResponseControl::default()
        };
        assert_eq!(parse(line), expected);
        assert_eq!(parse(&line.to_uppercase()), expected);
    }

    #[test]
    fn named_fields_are_withheld_instead() {
        let names = |line: &str| {
            let control = parse(line);
            (control.private, control.no_cache, control.withheld)
        };
        let (x, y) = (HeaderName::from_static("x"), HeaderName::from_static("y"));
        assert_eq!(
            names("private=\"X, y\""),
            (false, false, vec![x.clone(), y.clone()])
        );
        assert_eq!(
            names("no-cache=x, private=\"y\""),
            (false, false, vec![x.clone(), y])
        );
        assert_eq!(names("private=\"\""), (true, false, vec![]));
        assert_eq!(names("private=1"), (true, false, vec![]));
        assert_eq!(names("private=\"date, x\""), (false, false, vec![x.clone()]));
        assert_eq!(names("no-cache=\"a b\""), (false, true, vec![]));
        assert_eq!(names("private=\"x\", private"), (true, false, vec![x]));
    }

    #[test]
    fn what_is_said_to_caches_like_this_one_decides_alone() {
        let control = of(&[("cache-control", "no-store"), ("cdn-cache-control", "max-age=60")]);
        assert_eq!(
            control,
            ResponseControl {
                targeted: true,
                ..lifetime(60)
            }
        );
        let lines = of(&[
            ("cdn-cache-control", "max-age=60"),
            ("cdn-cache-control", "no-store"),
        ]);
        assert!(lines.no_store && lines.targeted);
    }

    #[test]
    fn a_targeted_field_that_is_no_dictionary_counts_as_absent() {
        for line in [
            "",
            "max-age=60, &&&",
            "MaX-aGe=60",
            "max-age =60",
            "max-age= 60",
            "max-age=60,",
            "max-age=1234567890123456",
        ] {
            let control = of(&[("cdn-cache-control", line), ("cache-control", "max-age=5")]);
            assert_eq!(control, lifetime(5), "{line}");
        }
    }

    #[test]
    fn values_of_another_type_are_not_consumed() {
        for line in [
            "max-age=\"60\"",
            "max-age=60.5",
            "max-age=-1",
            "max-age",
            "max-age=(1 2)",
            "public=1",
            "no-store=?0",
            "none",
        ] {
            let control = of(&[("cdn-cache-control", line), ("cache-control", "max-age=5")]);
            let expected = ResponseControl {
                targeted: true,
                ..ResponseControl::default()
            };
            assert_eq!(control, expected, "{line}");
        }
        let large = of(&[("cdn-cache-control", "max-age=99999999999")]);
        assert_eq!(large.max_age, Some(super::super::directives::DELTA_SECONDS_MAX));
    }

    proptest! {
        #[test]
        fn never_panics(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = ResponseControl::parse([line.as_slice()]);
            if let Ok(value) = HeaderValue::from_bytes(&line) {
                let _ = ResponseControl::of(&HeaderMap::from_iter([(CDN_CACHE_CONTROL, value)]));
            }
        }

        #[test]
        fn both_syntaxes_say_the_same(max_age in 0_u32..1_000_000, stale in 0_u32..1000, flags in prop::collection::vec(
            prop::sample::select(vec!["no-store", "no-cache", "private", "public", "must-revalidate", "immutable"]), 0..4,
        )) {
            let line = format!("max-age={max_age}, stale-if-error={stale}{}", flags.iter().map(|f| format!(", {f}")).collect::<String>());
            let value = HeaderValue::from_str(&line).unwrap();
            let targeted = ResponseControl::of(&HeaderMap::from_iter([(CDN_CACHE_CONTROL, value)]));
            prop_assert_eq!(targeted, ResponseControl { targeted: true, ..parse(&line) });
        }
    }
}
