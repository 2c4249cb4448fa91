//! What a request's own directives ask of the cache (RFC 9111 sections 5.2.1 and 5.4).

use super::directives::{Directive, Members};
use super::freshness::Freshness;

/// The directives of a request. Seconds are delta-seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RequestControl {
    pub(crate) no_store: bool,
    pub(crate) no_cache: bool,
    pub(crate) only_if_cached: bool,
    pub(crate) max_age: Option<u32>,
    pub(crate) min_fresh: Option<u32>,
    /// `u32::MAX` stands for any staleness.
    pub(crate) max_stale: Option<u32>,
}

impl RequestControl {
    /// Takes in one more field line. Unknown directives are passed over (section 5.2.3). Of what is malformed or said
    /// twice the stricter reading counts.
    pub(crate) fn add(&mut self, line: &[u8]) {
        Members(line).for_each(|member| self.apply(&Directive::of(member)));
    }

    fn apply(&mut self, directive: &Directive<'_>) {
        if directive.is("no-store") {
            self.no_store = true;
        } else if directive.is("no-cache") {
            self.no_cache = true;
        } else if directive.is("only-if-cached") {
            self.only_if_cached = true;
        } else if directive.is("max-age") {
            let seconds = directive.seconds().unwrap_or(0);
            self.max_age = Some(self.max_age.map_or(seconds, |earlier| earlier.min(seconds)));
        } else if directive.is("min-fresh") {
            self.min_fresh = self.min_fresh.max(directive.seconds());
        } else if directive.is("max-stale") {
            let seconds = match directive.value {
                None => Some(u32::MAX),
                Some(_) => directive.seconds(),
            };
            if let Some(seconds) = seconds {
                self.max_stale = Some(self.max_stale.map_or(seconds, |earlier| earlier.min(seconds)));
            }
        }
    }
}

/// Whether a line of `Pragma` says `no-cache` (RFC 9111 section 5.4).
pub(crate) fn is_pragma_no_cache(line: &[u8]) -> bool {
    Members(line).any(|member| member.eq_ignore_ascii_case(b"no-cache"))
}

/// Which stored responses answer a request without a word with the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    /// Validated with the origin (`no-cache`; `Pragma: no-cache` where there is no `Cache-Control`).
    validated: bool,
    /// No older than this many seconds.
    max_age: Option<u32>,
    /// Fresh for this many seconds more.
    min_fresh: Option<u32>,
    /// Or stale for no more than this many.
    max_stale: Option<u32>,
}

impl Wanted {
    /// Reads a request's directives; `pragma_no_cache` as section 5.4 says.
    pub(crate) fn from_request(control: &RequestControl, pragma_no_cache: bool) -> Self {
        Self {
            validated: control.no_cache || pragma_no_cache,
            max_age: control.max_age,
            min_fresh: control.min_fresh,
            max_stale: control.max_stale,
        }
    }

    /// Whether an entry of this freshness answers the request.
    pub(crate) fn allows(&self, freshness: &Freshness) -> bool {
        !self.validated && self.max_age_allows(freshness) && self.time_left_allows(freshness)
    }

    /// [`Self::allows`] for what an origin has confirmed or sent a moment ago: that is as good as validated.
    pub(crate) fn allows_confirmed(&self, freshness: &Freshness) -> bool {
        freshness.is_fresh() && self.time_left_allows(freshness)
    }

    /// Whether the request asks for more than freshness: then nothing stale is served to it while a refresh runs.
    pub(crate) fn asks_for_more(&self) -> bool {
        self.validated || self.max_age.is_some() || self.min_fresh.is_some()
    }

    /// Section 5.2.1.1. A client that reloads sends `max-age=0`, which what is immutable has no need of (RFC 8246 section 2).
    fn max_age_allows(&self, freshness: &Freshness) -> bool {
        match self.max_age {
            None => true,
            Some(_) if freshness.immutable && freshness.is_fresh() => true,
            Some(0) => false,
            Some(max_age) => freshness.age.as_secs() <= u64::from(max_age),
        }
    }

    /// Sections 5.2.1.2 and 5.2.1.3.
    fn time_left_allows(&self, freshness: &Freshness) -> bool {
        let seconds_left = |wanted: u32| freshness.left_ms >= i64::from(wanted) * 1000;
        if let Some(min_fresh) = self.min_fresh {
            return freshness.is_fresh() && seconds_left(min_fresh);
        }
        let stale_enough = |max_stale: u32| {
            max_stale == u32::MAX || freshness.left_ms >= i64::from(max_stale).saturating_mul(-1000)
        };
        freshness.is_fresh() || (freshness.may_be_stale && self.max_stale.is_some_and(stale_enough))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn wanted(line: &str) -> Wanted {
        let mut control = RequestControl::default();
        control.add(line.as_bytes());
        Wanted::from_request(&control, false)
    }

    /// 30 s old and 10 s before or after its end.
    fn freshness(left_s: i64) -> Freshness {
        Freshness {
            age: Duration::from_secs(30),
            left_ms: left_s * 1000,
            may_be_stale: true,
            ..Freshness::default()
        }
    }

    #[test]
    fn requests_may_ask_for_more_or_for_less() {
        for (line, fresh, stale) in [
            ("", true, false),
            ("max-age=30", true, false),
            ("max-age=29", false, false),
            ("max-age=0", false, false),
            ("max-age=x", false, false),
            ("max-age=60, max-age=29", false, false),
            ("no-cache", false, false),
            ("min-fresh=10", true, false),
            ("min-fresh=11", false, false),
            ("min-fresh=x", true, false),
            ("max-stale", true, true),
            ("max-stale=10", true, true),
            ("max-stale=9", true, false),
            ("max-stale=x", true, false),
            ("max-stale=\"10\"", true, true),
            ("max-stale, max-age=30", true, true),
            ("max-stale, max-age=29", false, false),
            ("max-stale, min-fresh=1", true, false),
            ("max-stale, no-cache", false, false),
            ("unknown=\"no-cache, max-age=0\"", true, false),
        ] {
            assert_eq!(wanted(line).allows(&freshness(10)), fresh, "fresh: {line}");
            assert_eq!(wanted(line).allows(&freshness(-10)), stale, "stale: {line}");
        }
    }

    #[test]
    fn what_may_never_be_stale_is_not_for_those_who_would_take_it() {
        let strict = Freshness {
            may_be_stale: false,
            ..freshness(-1)
        };
        assert!(!wanted("max-stale").allows(&strict));
    }

    #[test]
    fn what_is_immutable_needs_no_reload() {
        let immutable = Freshness {
            immutable: true,
            ..freshness(10)
        };
        assert!(wanted("max-age=0").allows(&immutable));
        assert!(!wanted("no-cache").allows(&immutable));
        let ended = Freshness {
            immutable: true,
            ..freshness(-10)
        };
        assert!(!wanted("max-age=0").allows(&ended));
    }

    proptest! {
        #[test]
        fn never_panics(line in prop::collection::vec(any::<u8>(), 0..80)) {
            RequestControl::default().add(&line);
        }
    }
}
