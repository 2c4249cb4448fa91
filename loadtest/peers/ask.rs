//! Single requests outside the load, with curl, to see that what will be measured is what it should be.

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::catalogue::Sizes;
use crate::load::{Mode, output_of};
use crate::server::Server;
use crate::tier::Tier;

/// The `Cache-Status` of an answer (RFC 9211), if it has one.
pub(crate) type CacheStatus = Option<String>;

/// Reads each object of `tier` once, one after another, and makes sure that each answer is whole, good and of the
/// mode's protocol.
pub(crate) async fn for_all(mode: Mode, server: &Server, tier: Tier) -> anyhow::Result<Vec<CacheStatus>> {
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--insecure",
        "--include",
        "--max-time",
        "10",
    ]);
    curl.arg(if mode.is_h2() { "--http2" } else { "--http1.1" });
    curl.arg(format!(
        "{}{}{}",
        mode.base(server),
        Sizes::Even.path_prefix(),
        ids(tier)
    ));
    let printed = output_of(curl.kill_on_drop(true)).await?;
    let (mut rest, mut statuses) = (printed.as_str(), Vec::new());
    for id in tier.objects() {
        let read = answer(rest, mode, id);
        let (status, following) =
            read.with_context(|| format!("{}: {}", server.peer, Sizes::Even.path(id)))?;
        statuses.push(status);
        rest = following;
    }
    Ok(statuses)
}

/// Ids as curl enumerates them.
fn ids(tier: Tier) -> String {
    let ids = tier.objects();
    if ids.start() == ids.end() {
        ids.start().to_string()
    } else {
        format!("[{}-{}]", ids.start(), ids.end())
    }
}

/// Reads the first of the answers that curl printed, which must be that of object `id`, and returns what follows, too.
fn answer(printed: &str, mode: Mode, id: u32) -> anyhow::Result<(CacheStatus, &str)> {
    let (head, rest) = printed.split_once("\r\n\r\n").context("no answer")?;
    let mut lines = head.lines();
    let status_line = lines.next().unwrap_or_default();
    let protocol = if mode.is_h2() { "HTTP/2" } else { "HTTP/1.1" };
    let mut words = status_line.split(' ');
    if (words.next(), words.next()) != (Some(protocol), Some("200")) {
        bail!("the answer is {status_line:?}, not {protocol} 200");
    }
    let body = Sizes::Even.body(id);
    let following = rest
        .strip_prefix(body.as_str())
        .context("the body is not the origin's")?;
    let cache_status = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("cache-status")
            .then(|| value.trim().to_owned())
    });
    Ok((cache_status, following))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(status: &str, id: u32) -> String {
        format!(
            "{status}\r\nCache-Status: p; hit; detail=l2\r\n\r\n{}",
            Sizes::Even.body(id)
        )
    }

    #[test]
    fn reads_one_answer_after_another() {
        let two = printed("HTTP/1.1 200 OK", 1) + &printed("HTTP/1.1 200 OK", 2);
        let (first, rest) = answer(&two, Mode::Http, 1).unwrap();
        let (second, rest) = answer(rest, Mode::Http, 2).unwrap();
        assert_eq!(first, second);
        assert_eq!(first.as_deref(), Some("p; hit; detail=l2"));
        assert_eq!(rest, "");
    }

    #[test]
    fn refuses_any_other_answer() {
        let cases = [
            (
                printed("HTTP/1.1 404 Not Found", 7),
                "the answer is \"HTTP/1.1 404 Not Found\", not HTTP/2 200",
            ),
            (
                printed("HTTP/2 502 ", 7),
                "the answer is \"HTTP/2 502 \", not HTTP/2 200",
            ),
            (
                printed("HTTP/1.1 200 OK", 7),
                "the answer is \"HTTP/1.1 200 OK\", not HTTP/2 200",
            ),
            (printed("HTTP/2 200 ", 8), "the body is not the origin's"),
            ("HTTP/2 200 \r\n\r\n{".to_owned(), "the body is not the origin's"),
            (String::new(), "no answer"),
        ];
        for (printed, expected) in cases {
            assert_eq!(answer(&printed, Mode::H2, 7).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn curl_enumerates_only_where_there_is_more_than_one() {
        assert_eq!(ids(Tier::L1), "7");
        assert_eq!(ids(Tier::L2), "[0-999]");
    }
}
