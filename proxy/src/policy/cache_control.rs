//! `Cache-Control` (RFC 9111 section 5.2), of requests and of responses.

/// Largest delta-seconds that is told apart (RFC 9111 section 1.2.2): anything above counts as this.
pub(crate) const DELTA_SECONDS_MAX: u32 = 1 << 31;

/// The directives that a shared cache acts on. Seconds are delta-seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CacheControl {
    pub(crate) no_store: bool,
    pub(crate) no_cache: bool,
    pub(crate) private: bool,
    pub(crate) public: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) proxy_revalidate: bool,
    pub(crate) only_if_cached: bool,
    pub(crate) max_age: Option<u32>,
    pub(crate) s_maxage: Option<u32>,
    pub(crate) stale_while_revalidate: Option<u32>,
    pub(crate) stale_if_error: Option<u32>,
}

impl CacheControl {
    /// Reads every field line of the header, in order.
    ///
    /// Unknown directives are passed over (section 5.2.3). A lifetime that is malformed or given twice with different
    /// values counts as zero, the stale choice that section 4.2.1 asks for. `private` and `no-cache` with field
    /// names are taken as their stricter forms without.
    pub(crate) fn parse<'l>(lines: impl IntoIterator<Item = &'l [u8]>) -> Self {
        let mut parsed = Self::default();
        lines.into_iter().for_each(|line| parsed.add(line));
        parsed
    }

    /// Takes in one more field line.
    pub(crate) fn add(&mut self, line: &[u8]) {
        Members(line).for_each(|member| self.apply(member));
    }

    fn apply(&mut self, member: &[u8]) {
        let (name, value) = match member.iter().position(|&b| b == b'=') {
            Some(at) => (&member[..at], Some(&member[at + 1..])),
            None => (member, None),
        };
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        if is("no-store") {
            self.no_store = true;
        } else if is("no-cache") {
            self.no_cache = true;
        } else if is("private") {
            self.private = true;
        } else if is("public") {
            self.public = true;
        } else if is("must-revalidate") {
            self.must_revalidate = true;
        } else if is("proxy-revalidate") {
            self.proxy_revalidate = true;
        } else if is("only-if-cached") {
            self.only_if_cached = true;
        } else if is("max-age") {
            set_seconds(&mut self.max_age, value);
        } else if is("s-maxage") {
            set_seconds(&mut self.s_maxage, value);
        } else if is("stale-while-revalidate") {
            set_seconds(&mut self.stale_while_revalidate, value);
        } else if is("stale-if-error") {
            set_seconds(&mut self.stale_if_error, value);
        }
    }
}

fn set_seconds(slot: &mut Option<u32>, value: Option<&[u8]>) {
    let seconds = value.and_then(delta_seconds).unwrap_or(0);
    *slot = Some(match *slot {
        Some(earlier) if earlier != seconds => 0,
        _ => seconds,
    });
}

/// RFC 9111 section 1.2.2, also in the quoted form that section 5.2 lets senders use.
pub(crate) fn delta_seconds(value: &[u8]) -> Option<u32> {
    let value = value
        .strip_prefix(b"\"")
        .and_then(|v| v.strip_suffix(b"\""))
        .unwrap_or(value);
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds = value.iter().fold(0_u64, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
            .min(u64::from(DELTA_SECONDS_MAX))
    });
    u32::try_from(seconds).ok()
}

/// Members of a comma-separated list (RFC 9110 section 5.6.1); a comma within quotes separates nothing.
pub(crate) struct Members<'l>(pub(crate) &'l [u8]);

impl<'l> Iterator for Members<'l> {
    type Item = &'l [u8];

    fn next(&mut self) -> Option<&'l [u8]> {
        loop {
            if self.0.is_empty() {
                return None;
            }
            let end = member_end(self.0);
            let member = self.0[..end].trim_ascii();
            self.0 = self.0.get(end + 1..).unwrap_or_default();
            if !member.is_empty() {
                return Some(member);
            }
        }
    }
}

fn member_end(list: &[u8]) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, &byte) in list.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return at,
            _ => {}
        }
    }
    list.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(line: &str) -> CacheControl {
        CacheControl::parse([line.as_bytes()])
    }

    #[test]
    fn directives() {
        let of = CacheControl::default;
        for (line, expected) in [
            ("", of()),
            (
                "max-age=60",
                CacheControl {
                    max_age: Some(60),
                    ..of()
                },
            ),
            (
                "Max-Age=60 , PUBLIC",
                CacheControl {
                    max_age: Some(60),
                    public: true,
                    ..of()
                },
            ),
            (
                "max-age=\"60\"",
                CacheControl {
                    max_age: Some(60),
                    ..of()
                },
            ),
            (
                "max-age=60, max-age=60",
                CacheControl {
                    max_age: Some(60),
                    ..of()
                },
            ),
            (
                "max-age=60, max-age=61",
                CacheControl {
                    max_age: Some(0),
                    ..of()
                },
            ),
            (
                "max-age=-1",
                CacheControl {
                    max_age: Some(0),
                    ..of()
                },
            ),
            (
                "max-age=1.5",
                CacheControl {
                    max_age: Some(0),
                    ..of()
                },
            ),
            (
                "max-age",
                CacheControl {
                    max_age: Some(0),
                    ..of()
                },
            ),
            (
                "max-age=99999999999999999999",
                CacheControl {
                    max_age: Some(DELTA_SECONDS_MAX),
                    ..of()
                },
            ),
            (
                "private=\"a, no-store\"",
                CacheControl {
                    private: true,
                    ..of()
                },
            ),
            (
                "ext=\"max-age=1\", no-store",
                CacheControl {
                    no_store: true,
                    ..of()
                },
            ),
            ("nonsense, x=\"\\\",no-store\"", of()),
            (
                "s-maxage=5,stale-while-revalidate=6,stale-if-error=7",
                CacheControl {
                    s_maxage: Some(5),
                    stale_while_revalidate: Some(6),
                    stale_if_error: Some(7),
                    ..of()
                },
            ),
        ] {
            assert_eq!(parse(line), expected, "{line}");
        }
    }

    #[test]
    fn lines_add_up() {
        let parsed = CacheControl::parse([&b"no-cache"[..], &b"max-age=1"[..]]);
        assert_eq!(
            parsed,
            CacheControl {
                no_cache: true,
                max_age: Some(1),
                ..CacheControl::default()
            }
        );
    }

    proptest! {
        #[test]
        fn never_panics(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = CacheControl::parse([line.as_slice()]);
        }
    }
}
