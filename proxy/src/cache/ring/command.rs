//! Requests and replies of memcached's meta protocol, as bytes.
//!
//! Each request carries an opaque number that its reply has to repeat. The `memcache` crate's types make the rarer requests and
//! name the codes of replies. Look-ups and stores are written straight: the crate's type takes seven allocations for the one
//! and copies the value of the other twice. It keeps the length of a reply's value to itself, so replies are read here.

use std::fmt;
use std::io::Write as _;

use bytes::Bytes;
use memcache::exp::{MAX_KEY_LENGTH, MetaCommand, MetaOp, ReturnCode};

/// No reply line is longer than this: the flags asked for here come to less than 100 bytes.
pub(crate) const LINE_BYTES_MAX: usize = 2048;
/// Room for the line of most requests.
const LINE_CAPACITY: usize = 96;
/// memcached's own limit for an item (`-I`).
const VALUE_BYTES_MAX: usize = 1 << 30;
/// memcached reads a longer relative time as a date.
const RELATIVE_TTL_MAX_S: u32 = 30 * 24 * 60 * 60;

/// What to do when a key is not there, or is already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Condition {
    /// Store whatever is there.
    #[default]
    Always,
    /// Only where nothing is.
    Absent,
    /// Only over the version that a reply told of.
    Version(u64),
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// Reads a value, with its version and client flags.
    Get,
    /// [`Self::Get`] that leaves a mark on a missing key, valid for so many seconds: whose mark it is fills it.
    GetOrLease { lease_s: u32 },
    /// Marks a value that is there: whose mark it is replaces it.
    Renew,
    /// Stores a value.
    Set {
        value: Bytes,
        flags: u32,
        ttl_s: u32,
        condition: Condition,
    },
    /// Removes a value, or only one version of it.
    Delete { version: Option<u64> },
    /// Does nothing.
    Noop,
}

/// A request as bytes: a value goes apart, since it is large.
pub(crate) struct Encoded {
    pub(crate) line: Vec<u8>,
    pub(crate) value: Option<Bytes>,
}

impl Command {
    /// Writes the request for a key of printable ASCII, at most 250 bytes.
    ///
    /// # Errors
    /// [`memcache::exp::Error::Usage`] for a key that memcached would not take: its value would be read as commands.
    pub(crate) fn encode(self, key: &[u8], opaque: u32) -> memcache::exp::Result<Encoded> {
        let command = match self {
            Self::Get => return lookup(key, format_args!("v f c t O{opaque}")),
            Self::GetOrLease { lease_s } => {
                return lookup(key, format_args!("v f c N{lease_s} t O{opaque}"));
            }
            Self::Set {
                value,
                flags,
                ttl_s,
                condition,
            } => {
                let condition = match condition {
                    Condition::Always => String::new(),
                    Condition::Absent => " ME".into(),
                    Condition::Version(version) => format!(" C{version}"),
                };
                let length = value.len();
                let rest = format_args!("{length} F{flags} T{ttl_s}{condition} O{opaque}");
                return Ok(Encoded {
                    line: line("ms", key, rest)?,
                    value: Some(value),
                });
            }
            // every value has less time left than that
            Self::Renew => MetaCommand::new(MetaOp::Get, key)
                .flag("c")
                .flag(format!("R{RELATIVE_TTL_MAX_S}")),
            Self::Delete { version } => {
                let delete = MetaCommand::new(MetaOp::Delete, key);
                match version {
                    Some(version) => delete.flag(format!("C{version}")),
                    None => delete,
                }
            }
            Self::Noop => MetaCommand::new(MetaOp::Noop, key),
        };
        let line = command.flag(format!("O{opaque}")).encode()?;
        Ok(Encoded { line, value: None })
    }
}

fn lookup(key: &[u8], flags: fmt::Arguments<'_>) -> memcache::exp::Result<Encoded> {
    let line = line("mg", key, flags)?;
    Ok(Encoded { line, value: None })
}

fn line(command: &str, key: &[u8], rest: fmt::Arguments<'_>) -> memcache::exp::Result<Vec<u8>> {
    if !(1..=MAX_KEY_LENGTH).contains(&key.len()) || !key.iter().all(u8::is_ascii_graphic) {
        return Err(memcache::exp::Error::Usage(
            "a key is 1 to 250 bytes of printable ASCII",
        ));
    }
    let mut line = Vec::with_capacity(LINE_CAPACITY);
    line.extend_from_slice(command.as_bytes());
    line.push(b' ');
    line.extend_from_slice(key);
    line.push(b' ');
    line.write_fmt(rest)?;
    line.extend_from_slice(b"\r\n");
    Ok(line)
}

/// Whole seconds of a lifetime, rounded up, within what memcached reads as relative.
pub(crate) fn ttl_s(ttl: std::time::Duration) -> u32 {
    let rounded = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
    u32::try_from(rounded)
        .unwrap_or(u32::MAX)
        .clamp(1, RELATIVE_TTL_MAX_S - 1)
}

/// The first line of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReplyLine {
    pub(crate) code: Code,
    /// Bytes of the value that follows, without its line end.
    pub(crate) value_bytes: Option<usize>,
    pub(crate) opaque: Option<u32>,
    /// Version of the value (memcached's CAS).
    pub(crate) version: u64,
    /// Client flags.
    pub(crate) flags: u32,
    /// Lifetime left; `None` when it has no end or was not asked for.
    pub(crate) ttl_s: Option<u32>,
    /// `W`: the key is the asker's to fill.
    pub(crate) won: bool,
    /// `Z`: it is somebody else's.
    pub(crate) taken: bool,
}

/// What a reply says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Meta(ReturnCode),
    /// `SERVER_ERROR`: too large, or no memory for it. The connection stays in step.
    Refused,
}

/// A reply that cannot be made sense of: what follows on its connection cannot either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("memcached answered {0:?}, which does not fit what it was asked")]
pub(crate) struct Surprise(pub(crate) String);

/// Reads the first line of a reply, and how many bytes it takes; `None` while it is not all there.
///
/// # Errors
/// [`Surprise`] for everything that memcached does not answer to what is asked here, errors of the client included: those
/// may leave a value unread, which would then be taken for commands.
pub(crate) fn reply_line(input: &[u8]) -> Result<Option<(ReplyLine, usize)>, Surprise> {
    let looked_at = &input[..input.len().min(LINE_BYTES_MAX)];
    let Some(end) = looked_at.iter().position(|&byte| byte == b'\n') else {
        return match input.len() {
            0..LINE_BYTES_MAX => Ok(None),
            _ => Err(surprise(looked_at)),
        };
    };
    let line = input[..end]
        .strip_suffix(b"\r")
        .ok_or_else(|| surprise(&input[..end]))?;
    let reply = parse(line).ok_or_else(|| surprise(line))?;
    Ok(Some((reply, end + 1)))
}

fn parse(line: &[u8]) -> Option<ReplyLine> {
    let mut words = line.split(|&byte| byte == b' ');
    let first = words.next()?;
    let mut reply = ReplyLine {
        code: Code::Refused,
        value_bytes: None,
        opaque: None,
        version: 0,
        flags: 0,
        ttl_s: None,
        won: false,
        taken: false,
    };
    if first == b"SERVER_ERROR" {
        return Some(reply);
    }
    let code = ReturnCode::from_wire(first).ok()?;
    reply.code = Code::Meta(code);
    if code == ReturnCode::Va {
        let length: usize = number(words.next()?)?;
        reply.value_bytes = Some(length).filter(|&length| length <= VALUE_BYTES_MAX);
        reply.value_bytes?;
    }
    for word in words {
        let (letter, rest) = word.split_first()?;
        match letter {
            b'O' => reply.opaque = Some(number(rest)?),
            b'c' => reply.version = number(rest)?,
            b'f' => reply.flags = number(rest)?,
            b't' if rest == b"-1" => reply.ttl_s = None,
            b't' => reply.ttl_s = Some(number(rest)?),
            b'W' => reply.won = true,
            b'Z' => reply.taken = true,
            b'X' => {} // stale: what is stored says that better itself
            _ => return None,
        }
    }
    Some(reply)
}

/// Digits and nothing else.
fn number<N: std::str::FromStr>(text: &[u8]) -> Option<N> {
    let digits = text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

fn surprise(line: &[u8]) -> Surprise {
    const SHOWN_BYTES: usize = 80;
    Surprise(String::from_utf8_lossy(&line[..line.len().min(SHOWN_BYTES)]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn line(command: Command) -> String {
        String::from_utf8(command.encode(b"px1:7", 9).unwrap().line).unwrap()
    }

    #[test]
    fn requests_are_those_of_the_meta_protocol() {
        let set = |condition| Command::Set {
            value: Bytes::from_static(b"abc"),
            flags: 2,
            ttl_s: 60,
            condition,
        };
        for (command, expected) in [
            (Command::Get, "mg px1:7 v f c t O9\r\n"),
            (Command::GetOrLease { lease_s: 10 }, "mg px1:7 v f c N10 t O9\r\n"),
            (Command::Renew, "mg px1:7 c R2592000 O9\r\n"),
            (Command::Delete { version: None }, "md px1:7 O9\r\n"),
            (Command::Delete { version: Some(4) }, "md px1:7 C4 O9\r\n"),
            (set(Condition::Always), "ms px1:7 3 F2 T60 O9\r\n"),
            (set(Condition::Absent), "ms px1:7 3 F2 T60 ME O9\r\n"),
            (set(Condition::Version(5)), "ms px1:7 3 F2 T60 C5 O9\r\n"),
            (Command::Noop, "mn\r\n"),
        ] {
            assert_eq!(line(command), expected);
        }
    }

    #[test]
    fn a_key_that_memcached_would_not_take_is_never_sent() {
        let long = vec![b'k'; 251];
        for command in [
            Command::Get,
            Command::Set {
                value: Bytes::from_static(b"flush_all\r\n"),
                flags: 0,
                ttl_s: 1,
                condition: Condition::Always,
            },
        ] {
            assert!(command.clone().encode(&long, 1).is_err());
            assert!(command.encode(b"", 1).is_err());
        }
    }

    #[test]
    fn flags_come_in_any_order() {
        let expected = ReplyLine {
            code: Code::Meta(ReturnCode::Va),
            value_bytes: Some(3),
            opaque: Some(9),
            version: 7,
            flags: 5,
            ttl_s: Some(600),
            won: false,
            taken: true,
        };
        for text in ["VA 3 f5 c7 t600 O9 Z\r\nabc", "VA 3 Z X O9 t600 c7 f5\r\n"] {
            let (reply, used) = reply_line(text.as_bytes()).unwrap().unwrap();
            assert_eq!(reply, expected);
            assert_eq!(&text[used - 2..used], "\r\n");
        }
    }

    #[test]
    fn what_is_no_answer_to_a_question_is_a_surprise() {
        for text in [
            "CLIENT_ERROR bad data chunk\r\n",
            "ERROR\r\n",
            "VALUE k 0 3\r\n",
            "VA\r\n",
            "VA -3 O9\r\n",
            "VA +3 O9\r\n",
            "VA 1073741825 O9\r\n",
            "HD  O9\r\n",
            "HD O9\n",
            "HD Ox\r\n",
            "\r\n",
            "STORED\r\n",
        ] {
            assert!(reply_line(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(reply_line(&[b'V'; LINE_BYTES_MAX]).is_err());
        assert_eq!(reply_line(b"VA 3 O9\r"), Ok(None));
        let (refused, _) = reply_line(b"SERVER_ERROR object too large for cache\r\n")
            .unwrap()
            .unwrap();
        assert_eq!(refused.code, Code::Refused);
    }

    #[test]
    fn lifetimes_are_whole_seconds_that_memcached_reads_as_relative() {
        assert_eq!(ttl_s(Duration::ZERO), 1);
        assert_eq!(ttl_s(Duration::from_millis(1500)), 2);
        assert_eq!(ttl_s(Duration::from_secs(u64::MAX)), RELATIVE_TTL_MAX_S - 1);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_no_beginning_passes_for_a_line(input in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(Some((_, used))) = reply_line(&input) {
                prop_assert!(used <= input.len());
                for short in 0..used {
                    prop_assert_eq!(reply_line(&input[..short]), Ok(None));
                }
            }
        }
    }
}
