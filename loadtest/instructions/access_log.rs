//! What the server says that it did: the proof that a case is what its name says.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use tokio::time::{sleep, timeout};

/// How long a line may take to be written.
const TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// The part of a line that tells cases apart.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(crate) struct Logged<'l> {
    /// `HTTP/1.1` or `HTTP/2`.
    pub(crate) protocol: &'l str,
    /// Of the answer.
    pub(crate) status: u16,
    /// `hit`, or why the request was forwarded (RFC 9211 section 2.2).
    pub(crate) cache: &'l str,
    /// Where a hit came from.
    pub(crate) tier: Option<&'l str>,
}

/// An access log that is read as it grows.
pub(crate) struct AccessLog {
    file: File,
    unread: String,
}

impl AccessLog {
    /// Opens it at its beginning.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        Ok(Self {
            file,
            unread: String::new(),
        })
    }

    /// Waits until all of `requests` requests have been logged, and takes their lines.
    ///
    /// # Errors
    /// When there are more lines or, in time, fewer.
    pub(crate) async fn take(&mut self, requests: u32) -> anyhow::Result<Vec<String>> {
        let written = timeout(TIMEOUT, async {
            while self.unread.lines().count() < requests as usize || !self.unread.ends_with('\n') {
                sleep(POLL).await;
                self.file.read_to_string(&mut self.unread)?;
            }
            anyhow::Ok(())
        });
        written.await.unwrap_or(Ok(()))?; // too late is too few
        lines(&std::mem::take(&mut self.unread), requests)
    }
}

/// The lines of `text`, one for each request.
fn lines(text: &str, requests: u32) -> anyhow::Result<Vec<String>> {
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    if lines.len() != requests as usize {
        bail!("{requests} requests were made and {} logged", lines.len());
    }
    Ok(lines)
}

/// The first of `lines` that does not say what is `expected`.
pub(crate) fn unexpected<'l>(lines: &'l [String], expected: &Logged<'_>) -> Option<&'l str> {
    let says = |line: &str| serde_json::from_str(line).is_ok_and(|logged: Logged<'_>| logged == *expected);
    lines.iter().map(String::as_str).find(|line| !says(line))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const HIT: &str = r#"{"time_ms":1,"protocol":"HTTP/1.1","status":200,"cache":"hit","tier":"l1"}"#;

    #[test]
    fn a_line_must_agree_in_every_part() {
        let expected: Logged<'_> = serde_json::from_str(HIT).unwrap();
        let others = [
            HIT.replace("HTTP/1.1", "HTTP/2"),
            HIT.replace("200", "304"),
            HIT.replace("hit", "stale"),
            HIT.replace("\"l1\"", "null"),
            HIT.replace("l1", "l2"),
            HIT[..40].to_owned(),
        ];
        for other in others {
            let lines = [HIT.to_owned(), other.clone(), HIT.to_owned()];
            assert_eq!(unexpected(&lines, &expected), Some(other.as_str()));
        }
        assert_eq!(unexpected(&[HIT.to_owned()], &expected), None);
    }

    #[tokio::test]
    async fn lines_are_taken_once_and_as_they_come() {
        let mut written = tempfile::NamedTempFile::new().unwrap();
        let mut log = AccessLog::open(written.path()).unwrap();
        written.write_all(b"one\ntwo\n").unwrap();
        assert_eq!(log.take(2).await.unwrap(), ["one", "two"]);
        let write = async {
            written.write_all(b"th").unwrap();
            sleep(POLL * 3).await;
            written.write_all(b"ree\n").unwrap();
        };
        let (taken, ()) = tokio::join!(log.take(1), write);
        assert_eq!(taken.unwrap(), ["three"]);
    }

    #[test]
    fn each_request_has_one_line() {
        for (text, found) in [("one\ntwo\nthree\n", 3), ("one\n", 1), ("", 0)] {
            let error = lines(text, 2).unwrap_err().to_string();
            assert_eq!(error, format!("2 requests were made and {found} logged"));
        }
    }
}
