//! What holds for the parsers and codecs that read bytes from outside, whatever the bytes.
//!
//! Each function takes any input and panics where something does not hold that has to. `make fuzz` calls them with inputs of the
//! fuzzer's making, from targets of the same names in `proxy/fuzz`; the test below calls them with the seeds that the fuzzer
//! starts from. Most inputs are lines of text, so that a seed reads like the fields that it stands for.

mod directives;
mod entries;
mod http_date;
mod ranges;
mod requests;
mod ring;
mod variants;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::clock::UnixMillis;

pub use directives::{cache_control, structured_fields};
pub use entries::entry;
pub use http_date::http_date;
pub use ranges::range;
pub use requests::{request_head, target};
pub use ring::{ring_item, ring_reply};
pub use variants::vary;

const NOW: UnixMillis = UnixMillis(1_795_000_000_000); // November 2026

fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|&byte| byte == b'\n')
}

/// Lines of one field; `None` when one of them cannot be a field's value.
fn field(name: &HeaderName, data: &[u8]) -> Option<HeaderMap> {
    lines(data)
        .map(|line| Some((name.clone(), HeaderValue::from_bytes(line).ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    type Check = fn(&[u8]);

    fn checks() -> BTreeMap<&'static str, Check> {
        BTreeMap::from([
            ("cache_control", super::cache_control as Check),
            ("entry", super::entry),
            ("http_date", super::http_date),
            ("range", super::range),
            ("request_head", super::request_head),
            ("ring_item", super::ring_item),
            ("ring_reply", super::ring_reply),
            ("structured_fields", super::structured_fields),
            ("target", super::target),
            ("vary", super::vary),
        ])
    }

    fn files(folder: &str) -> Vec<std::path::PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(folder);
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn all_holds_for_every_seed_and_every_beginning_of_one() {
        for (target, check) in checks() {
            let seeds = files(&format!("seeds/{target}"));
            assert!(!seeds.is_empty(), "{target}");
            for seed in seeds {
                let data = fs::read(&seed).unwrap();
                for cut in 0..=data.len() {
                    check(&data[..cut]);
                }
            }
        }
    }

    #[test]
    fn every_check_is_fuzzed() {
        let mut fuzzed = files("fuzz_targets");
        fuzzed.sort();
        let names = fuzzed
            .iter()
            .map(|path| path.file_stem().unwrap().to_str().unwrap());
        assert!(names.eq(checks().into_keys()));
    }
}
