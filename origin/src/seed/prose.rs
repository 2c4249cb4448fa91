//! Paragraphs of a given length, made of sentences that could have been written by somebody in a hurry.

use super::random::Random;
use super::words::{BENEFITS, DOINGS, DUTIES, OPENINGS, RESULTS};

/// Shortest and longest text, in bytes.
const BYTES: (u32, u32) = (768, 7_680);
const SENTENCES_PER_PARAGRAPH: u32 = 5;

/// What a candidate says of a career in a role.
pub(super) fn career(random: &mut Random, role: &str, companies: &[&str]) -> String {
    let role = role.to_lowercase();
    write(random, |random| match random.between(0, 3) {
        0 => format!("{} {}.", random.pick(&OPENINGS), random.pick(&DOINGS)),
        1 => format!("At {}, {}.", random.pick(companies), random.pick(&RESULTS)),
        2 => format!(
            "As {} {role}, {} while {}.",
            article(&role),
            random.pick(&RESULTS),
            random.pick(&DOINGS)
        ),
        _ => format!(
            "In {}, {} and {}.",
            random.between(2009, 2025),
            random.pick(&RESULTS),
            random.pick(&RESULTS)
        ),
    })
}

/// What an employer says of a post.
pub(super) fn offer(random: &mut Random, role: &str, company: &str, skills: &[&str]) -> String {
    let role = role.to_lowercase();
    write(random, |random| match random.between(0, 3) {
        0 => format!(
            "As {} {role} at {company} you will {}.",
            article(&role),
            random.pick(&DUTIES)
        ),
        1 => format!("You will {}, and {}.", random.pick(&DUTIES), random.pick(&DUTIES)),
        2 => format!(
            "It helps if you know {} and enjoy {}.",
            random.pick(skills),
            random.pick(&DOINGS)
        ),
        _ => format!(
            "We offer {}, and {}.",
            random.pick(&BENEFITS),
            random.pick(&BENEFITS)
        ),
    })
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}

/// Most texts are short and a few are long: the length is the least of two draws.
fn write(random: &mut Random, mut sentence: impl FnMut(&mut Random) -> String) -> String {
    let bytes = random
        .between(BYTES.0, BYTES.1)
        .min(random.between(BYTES.0, BYTES.1)) as usize;
    let mut text = String::with_capacity(bytes + 256);
    let mut sentences = 0;
    while text.len() < bytes {
        if sentences > 0 {
            text.push_str(if sentences % SENTENCES_PER_PARAGRAPH == 0 {
                "\n\n"
            } else {
                " "
            });
        }
        text.push_str(&sentence(random));
        sentences += 1;
    }
    text
}
