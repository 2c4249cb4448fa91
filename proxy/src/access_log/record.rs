//! One line of the access log. It is written by hand: a general serializer looks at every byte of every name, and a hit
//! would spend a third of its own instructions on that.

use std::io::Write as _;
use std::net::IpAddr;

/// What is said of one request.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(test, derive(serde::Serialize))]
pub(crate) struct Record<'r> {
    /// Unix time of the answer's end, ms.
    pub(crate) time_ms: u64,
    pub(crate) region: &'r str,
    pub(crate) route: &'r str,
    pub(crate) client: Option<IpAddr>,
    pub(crate) protocol: &'static str,
    pub(crate) method: &'r str,
    pub(crate) host: &'r str,
    pub(crate) target: &'r str,
    pub(crate) status: u16,
    pub(crate) body_bytes: u64,
    pub(crate) duration_us: u64,
    /// RFC 9211: `hit` or the reason for forwarding.
    pub(crate) cache: &'static str,
    pub(crate) tier: Option<&'static str>,
    pub(crate) age_s: Option<u64>,
    /// Time until the origin's header came, where one was asked.
    pub(crate) origin_ms: Option<u64>,
    pub(crate) trace_id: Option<&'r str>,
    /// The answer did not reach the client whole.
    pub(crate) cut_short: bool,
}

impl Record<'_> {
    /// Appends the record as a JSON object and the end of the line.
    pub(super) fn write_line(&self, out: &mut Vec<u8>) {
        let mut line = Line(out);
        line.number("{\"time_ms\":", Some(self.time_ms));
        line.text(",\"region\":", Some(self.region));
        line.text(",\"route\":", Some(self.route));
        line.address(",\"client\":", self.client);
        line.word(",\"protocol\":", Some(self.protocol));
        line.text(",\"method\":", Some(self.method));
        line.text(",\"host\":", Some(self.host));
        line.text(",\"target\":", Some(self.target));
        line.number(",\"status\":", Some(self.status.into()));
        line.number(",\"body_bytes\":", Some(self.body_bytes));
        line.number(",\"duration_us\":", Some(self.duration_us));
        line.word(",\"cache\":", Some(self.cache));
        line.word(",\"tier\":", self.tier);
        line.number(",\"age_s\":", self.age_s);
        line.number(",\"origin_ms\":", self.origin_ms);
        line.text(",\"trace_id\":", self.trace_id);
        line.0.extend_from_slice(if self.cut_short {
            b",\"cut_short\":true}\n"
        } else {
            b",\"cut_short\":false}\n"
        });
    }
}

/// A JSON object being written, member by member. What goes before a value is given whole.
struct Line<'l>(&'l mut Vec<u8>);

impl Line<'_> {
    fn number(&mut self, before: &str, value: Option<u64>) {
        self.0.extend_from_slice(before.as_bytes());
        match value {
            Some(value) => self
                .0
                .extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
            None => self.null(),
        }
    }

    fn text(&mut self, before: &str, value: Option<&str>) {
        self.0.extend_from_slice(before.as_bytes());
        match value {
            Some(value) if is_plain(value) => self.quoted(value),
            Some(value) => {
                serde_json::to_writer(&mut *self.0, value).expect("text becomes JSON, and memory takes it");
            }
            None => self.null(),
        }
    }

    /// One of our own words, which needs no escape.
    fn word(&mut self, before: &str, value: Option<&'static str>) {
        self.0.extend_from_slice(before.as_bytes());
        match value {
            Some(value) => self.quoted(value),
            None => self.null(),
        }
    }

    fn quoted(&mut self, value: &str) {
        self.0.push(b'"');
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b'"');
    }

    fn address(&mut self, before: &str, value: Option<IpAddr>) {
        self.0.extend_from_slice(before.as_bytes());
        match value {
            Some(IpAddr::V4(address)) => {
                let mut separator = b'"';
                for octet in address.octets() {
                    self.0.push(separator);
                    self.0
                        .extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
                    separator = b'.';
                }
                self.0.push(b'"');
            }
            Some(IpAddr::V6(address)) => write!(self.0, "\"{address}\"").expect("memory takes it"),
            None => self.null(),
        }
    }

    fn null(&mut self) {
        self.0.extend_from_slice(b"null");
    }
}

/// Whether a text stands in JSON as it is (RFC 8259 section 7). Without a way out of the loop, so that it looks at many bytes at
/// once.
fn is_plain(text: &str) -> bool {
    !text.bytes().fold(false, |found, byte| {
        found | (byte < 0x20) | (byte == b'"') | (byte == b'\\')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record<'r>(
        target: &'r str,
        numbers: (u64, u64, u16),
        client: Option<IpAddr>,
        full: bool,
    ) -> Record<'r> {
        Record {
            time_ms: numbers.0,
            region: "us-west",
            route: "profiles",
            client,
            protocol: "HTTP/1.1",
            method: "GET",
            host: "api.example",
            target,
            status: numbers.2,
            body_bytes: numbers.1,
            duration_us: numbers.0 / 7,
            cache: "hit",
            tier: full.then_some("l1"),
            age_s: full.then_some(numbers.1),
            origin_ms: full.then_some(3),
            trace_id: full.then_some("0af7651916cd43dd8448eb211c80319c"),
            cut_short: full,
        }
    }

    proptest! {
        /// The judge is a serializer of the same members in the same order.
        #[test]
        fn a_line_is_the_json_of_its_record(
            target in "\\PC{0,40}|[\\x00-\\x7f]{0,40}",
            numbers in any::<(u64, u64, u16)>(),
            client in any::<Option<IpAddr>>(),
            full in any::<bool>(),
        ) {
            let record = record(&target, numbers, client, full);
            let mut line = b"before\n".to_vec();
            record.write_line(&mut line);
            let expected = format!("before\n{}\n", serde_json::to_string(&record).unwrap());
            prop_assert_eq!(String::from_utf8(line).unwrap(), expected);
        }
    }
}
