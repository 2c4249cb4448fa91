//! Which known name a misspelt one was meant to be.

/// The known name that takes the fewest edits, if they are few for its length. Case does not count.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .iter()
        .map(|known| (edits(&name, &known.to_lowercase()), *known))
        .min()
        .filter(|(edits, known)| *edits <= known.len().max(3) / 3)
        .map(|(_, known)| known)
}

/// Characters to insert, delete or replace (Levenshtein), row by row.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (deleted, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = deleted + 1;
        for (place, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        let known = ["vus", "duration", "gracefulStop", "maxVUs"];
        for (name, wanted) in [
            ("gracefulstop", Some("gracefulStop")),
            ("durration", Some("duration")),
            ("maxVus", Some("maxVUs")),
            ("vu", Some("vus")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, &known), wanted, "{name}");
        }
    }

    #[test]
    fn edits_are_counted() {
        for (from, to, wanted) in [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0)] {
            assert_eq!(edits(from, to), wanted, "{from} {to}");
        }
    }
}
