//! Cursors: where the next page starts, in a form that nobody is tempted to count with.

use crate::model::MAX_ID;

/// Separates cursors from any other number, and later layouts from this one.
const LAYOUT: &str = "c1";
/// Makes neighbouring cursors look unlike each other; odd, so that it can be undone.
const STRIDE: u64 = 0x9e37_79b9_7f4a_7c15;
const UNSTRIDE: u64 = inverse(STRIDE);

/// The cursor of a page that starts after `id`.
pub(super) fn write(id: i64) -> String {
    format!("{LAYOUT}{:016x}", id.cast_unsigned().wrapping_mul(STRIDE))
}

/// The id in a cursor; `None` unless we wrote it.
pub(super) fn read(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(LAYOUT)?;
    let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if digits.len() != 16 || !digits.bytes().all(lower) {
        return None;
    }
    let scattered = u64::from_str_radix(digits, 16).ok()?;
    let id = i64::try_from(scattered.wrapping_mul(UNSTRIDE)).ok()?;
    (1..=MAX_ID).contains(&id).then_some(id)
}

/// Inverse modulo 2^64, by Newton's iteration: each round doubles the correct bits, and an odd number is its
/// own inverse in the lowest three.
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut round = 0;
    while round < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reads_what_it_writes(id in 1..=MAX_ID) {
            prop_assert_eq!(read(&write(id)), Some(id));
        }

        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = read(&text);
        }
    }

    #[test]
    fn refuses_what_it_did_not_write() {
        for text in [
            "",
            "7",
            "c1",
            "c10000000000000000",
            "c1zzzzzzzzzzzzzzzz",
            "c2123456789abcdef0",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
