//! What responses vary on, and the values that select them.

use http::HeaderValue;
use http::header::VARY;

use super::{field, lines};
use crate::policy::directives::Members;
use crate::policy::vary;

/// `Vary`, then values of a field that it names.
pub fn vary(data: &[u8]) {
    let (names, values) = data.split_at(data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len()));
    if let Some(response) = field(&VARY, names) {
        let names = vary::names(&response);
        assert!(names.is_sorted_by(|one, other| one < other), "not a set");
        assert!(
            names
                .iter()
                .all(|name| !name.is_empty() && name.to_ascii_lowercase() == *name)
        );
    }
    for value in lines(values).map(<[u8]>::trim_ascii) {
        if HeaderValue::from_bytes(value).is_ok() {
            for name in ["accept", "accept-language", "x", "cookie"] {
                normal_form_is_sound(name, value);
            }
        }
    }
}

fn normal_form_is_sound(name: &str, value: &[u8]) {
    let normal = |value: &[u8]| vary::normalise(name, value.to_vec());
    let form = normal(value);
    assert_eq!(normal(&form), form, "not idempotent");
    if name == "cookie" {
        assert_eq!(form, value, "what is no list is another");
    }
    if name == "cookie" || value.contains(&b'"') {
        return;
    }
    let spaced = value.iter().flat_map(|byte| match byte {
        b',' => b" ,\t".to_vec(),
        other => vec![*other],
    });
    assert_eq!(
        normal(&spaced.collect::<Vec<_>>()),
        form,
        "white space at commas means something"
    );
    let members: Vec<&[u8]> = Members(value).collect();
    let reversed: Vec<&[u8]> = members.iter().rev().copied().collect();
    let turned = normal(&reversed.join(&b", "[..]));
    if name == "x" {
        assert_eq!(Members(&form).collect::<Vec<_>>(), members, "members change");
        assert_eq!(
            turned == normal(&members.join(&b", "[..])),
            reversed == members,
            "order is lost"
        );
    } else {
        assert_eq!(turned, form, "order means something");
        assert_eq!(words(&form), words(value), "other words");
    }
}

/// What separators and white space separate, in lower case and any order.
fn words(value: &[u8]) -> Vec<Vec<u8>> {
    let mut words: Vec<Vec<u8>> = value
        .split(|byte| matches!(byte, b',' | b';' | b' ' | b'\t'))
        .filter(|word| !word.is_empty())
        .map(<[u8]>::to_ascii_lowercase)
        .collect();
    words.sort_unstable();
    words
}
