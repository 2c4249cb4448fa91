//! The syntax that cache directives share, in requests and in responses (RFC 9111 sections 1.2.2 and 5.2).

/// Largest delta-seconds that is told apart (RFC 9111 section 1.2.2): anything above counts as this.
pub(crate) const DELTA_SECONDS_MAX: u32 = 1 << 31;

/// One `name` or `name=value` of a `Cache-Control` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Directive<'d> {
    pub(crate) name: &'d [u8],
    /// As written: quotes stay, and so does white space that does not belong there.
    pub(crate) value: Option<&'d [u8]>,
}

impl<'d> Directive<'d> {
    /// Splits one member of the list.
    pub(crate) fn of(member: &'d [u8]) -> Self {
        match member.iter().position(|&b| b == b'=') {
            // white space before the `=` breaks the grammar: the name still says what was meant, the value does not count
            Some(at) if member[..at].ends_with(b" ") || member[..at].ends_with(b"\t") => Self {
                name: member[..at].trim_ascii(),
                value: Some(b""),
            },
            Some(at) => Self {
                name: &member[..at],
                value: Some(&member[at + 1..]),
            },
            None => Self {
                name: member,
                value: None,
            },
        }
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The argument as delta-seconds, also in the quoted form that recipients ought to take.
    pub(crate) fn seconds(&self) -> Option<u32> {
        delta_seconds(unquoted(self.value?))
    }
}

/// A value without its quotes, if it has them.
pub(crate) fn unquoted(value: &[u8]) -> &[u8] {
    value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""))
        .unwrap_or(value)
}

/// RFC 9111 section 1.2.2: digits and nothing else.
pub(crate) fn delta_seconds(value: &[u8]) -> Option<u32> {
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

/// Whole seconds as delta-seconds.
pub(crate) fn clamp_seconds(seconds: u64) -> u32 {
    u32::try_from(seconds)
        .unwrap_or(DELTA_SECONDS_MAX)
        .min(DELTA_SECONDS_MAX)
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

/// A quote that never ends is none: what follows it counts.
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
    let comma = || list.iter().position(|&byte| byte == b',');
    quoted.then(comma).flatten().unwrap_or(list.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn delta_seconds_are_digits() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("0060", Some(60)),
            ("2147483648", Some(DELTA_SECONDS_MAX)),
            ("99999999999999999999", Some(DELTA_SECONDS_MAX)),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            (" 1", None),
            ("", None),
        ] {
            assert_eq!(delta_seconds(text.as_bytes()), seconds, "{text}");
        }
    }

    #[test]
    fn a_directive_is_a_name_and_perhaps_a_value() {
        for (text, name, seconds) in [
            ("max-age=60", "MAX-AGE", Some(60)),
            ("max-age=\"60\"", "max-age", Some(60)),
            ("max-age='60'", "max-age", None),
            ("max-age =60", "max-age", None),
            ("max-age= 60", "max-age", None),
            ("max-age", "max-age", None),
        ] {
            let directive = Directive::of(text.as_bytes());
            assert!(directive.is(name), "{text}");
            assert_eq!(directive.seconds(), seconds, "{text}");
        }
    }

    #[test]
    fn quotes_hide_commas() {
        let members: Vec<_> = Members(b"a, b=\"c, \\\"d\" ,, e").collect();
        assert_eq!(members, [&b"a"[..], b"b=\"c, \\\"d\"", b"e"]);
        let open: Vec<_> = Members(b"a=\"b, no-store").collect();
        assert_eq!(open, [&b"a=\"b"[..], b"no-store"]);
    }

    proptest! {
        #[test]
        fn lists_come_back_as_they_were_joined(members in prop::collection::vec("[a-z]{1,5}(=\"[a-z, ]{0,5}\")?", 0..6)) {
            let joined = members.join(" ,\t");
            let split: Vec<_> = Members(joined.as_bytes()).map(|m| String::from_utf8_lossy(m).into_owned()).collect();
            prop_assert_eq!(split, members);
        }

        #[test]
        fn delta_seconds_round_trip(seconds in 0..=DELTA_SECONDS_MAX) {
            prop_assert_eq!(delta_seconds(seconds.to_string().as_bytes()), Some(seconds));
        }
    }
}
