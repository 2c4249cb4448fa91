//! The self-check: one profile's way through both tiers, a write, and who sees it when.

use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use futures_util::future::{join_all, try_join_all};
use proxima_local::{Proxy, World};
use reqwest::{Client, RequestBuilder};
use serde_json::json;

use super::expect::{Body, Cache, Expected, Seen};
use super::paint::{Paint, print};
use super::table::aligned;

/// Profile that the check reads and writes.
const PATH: &str = "/profiles/1";
/// What is read beforehand so that the steps do not measure TLS handshakes.
const OTHER_PATH: &str = "/profiles?limit=1";
/// How long a write may take to be seen in another region.
const SEEN_WITHIN: Duration = Duration::from_secs(5);
/// Pause between two looks whether a write is seen.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// One line of the report.
struct Step {
    what: &'static str,
    region: String,
    seen: Option<Seen>,
    faults: Vec<String>,
}

impl Step {
    fn new(what: &'static str, expected: &Expected<'_>, seen: anyhow::Result<Seen>) -> Self {
        let region = expected.region.to_owned();
        match seen {
            Ok(seen) => Self {
                what,
                region,
                faults: expected.faults(&seen),
                seen: Some(seen),
            },
            Err(error) => Self {
                what,
                region,
                faults: vec![format!("{error:#}")],
                seen: None,
            },
        }
    }

    fn holds(&self) -> bool {
        self.faults.is_empty()
    }

    fn cells(&self) -> [String; 5] {
        let seen = self.seen.as_ref();
        [
            self.what.to_owned(),
            self.region.clone(),
            seen.map(|seen| seen.status.to_string()).unwrap_or_default(),
            seen.map(|seen| seen.outcome().to_owned()).unwrap_or_default(),
            seen.map(|seen| format!("{:8.2}", seen.took.as_secs_f64() * 1e3))
                .unwrap_or_default(),
        ]
    }
}

/// Runs every step and prints the report; true when all held.
pub(crate) async fn run(world: &World, paint: Paint) -> bool {
    let steps = steps(world, &world.client()).await;
    print(&report(&steps, paint));
    steps.iter().all(Step::holds)
}

/// The steps as a table, and below it what did not hold.
fn report(steps: &[Step], paint: Paint) -> String {
    let mut rows = vec![["self-check", "region", "status", "Cache-Status", "      ms"].map(str::to_owned)];
    rows.extend(steps.iter().map(Step::cells));
    let marks = std::iter::once(" ").chain(steps.iter().map(|step| paint.mark(step.holds())));
    let mut text = String::new();
    for (mark, line) in marks.zip(aligned(&rows).lines()) {
        let _ = writeln!(text, "{mark} {line}");
    }
    for (step, fault) in steps
        .iter()
        .flat_map(|step| step.faults.iter().map(move |fault| (step, fault)))
    {
        let _ = writeln!(
            text,
            "{} {}, {}: {fault}",
            paint.mark(false),
            step.what,
            step.region
        );
    }
    text
}

async fn steps(world: &World, client: &Client) -> Vec<Step> {
    let mut steps = Vec::new();
    let [home, .., far] = world.regions() else {
        return steps;
    };
    let before = match warm_up(world, client).await {
        Ok(before) => before,
        Err(error) => {
            let expected = Expected {
                region: home.name(),
                cache: Cache::Any,
                body: Body::Contains(""),
            };
            return vec![Step::new("every proxy answers", &expected, Err(error))];
        }
    };
    let body = Body::Is(&before);
    for region in world.regions() {
        let expected = |cache| Expected {
            region: region.name(),
            cache,
            body,
        };
        let proxy = region.proxy();
        let miss = read(client, &proxy).await;
        steps.push(Step::new(
            "first read: from the origin",
            &expected(Cache::Stored),
            miss,
        ));
        let hit = read(client, &proxy).await;
        steps.push(Step::new(
            "read again: from memory",
            &expected(Cache::Hit("l1")),
            hit,
        ));
        if region.name() == home.name() {
            let shared = read_by_another(world, client, home.name()).await;
            steps.push(Step::new(
                "another proxy: from the ring",
                &expected(Cache::Hit("l2")),
                shared,
            ));
        }
    }
    let (written, seen) = write_and_read(world, client, &far.proxy()).await;
    steps.push(written);
    steps.extend(seen);
    steps
}

/// Connects to every proxy, and asks an origin for what all of them must serve.
async fn warm_up(world: &World, client: &Client) -> anyhow::Result<String> {
    try_join_all(
        world
            .regions()
            .iter()
            .map(|region| connect(client, region.proxy().https_url())),
    )
    .await?;
    let region = world.regions().first().context("no regions")?;
    let answer = client.get(region.origin_url().to_owned() + PATH).send().await?;
    Ok(answer.error_for_status()?.text().await?)
}

async fn connect(client: &Client, url: String) -> anyhow::Result<()> {
    client
        .get(url + OTHER_PATH)
        .send()
        .await?
        .error_for_status()?
        .bytes()
        .await?;
    Ok(())
}

async fn read(client: &Client, proxy: &Proxy) -> anyhow::Result<Seen> {
    send(client.get(proxy.https_url() + PATH)).await
}

/// Reads through a new proxy, which has nothing in memory but shares the region's ring.
async fn read_by_another(world: &World, client: &Client, region: &str) -> anyhow::Result<Seen> {
    let another = world.add_proxy(region).await?;
    connect(client, another.https_url()).await?;
    let seen = read(client, &another).await;
    let stopped = another.stop().await?;
    if !stopped.status.success() {
        bail!("the other proxy did not stop well: {}", stopped.status);
    }
    seen
}

/// Writes in one region and looks in all of them, at once, for the new value.
async fn write_and_read(world: &World, client: &Client, writer: &Proxy) -> (Step, Vec<Step>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let headline = format!("Self-checked at {}", now.as_millis());
    let request = client
        .patch(writer.https_url() + PATH)
        .json(&json!({ "headline": headline }));
    let written = send(request).await;
    let written_at = Instant::now();
    let part = json!(headline).to_string();
    let expected = |region, cache| Expected {
        region,
        cache,
        body: Body::Contains(&part),
    };
    let looks = world.regions().iter().map(|region| async {
        let proxy = region.proxy();
        let own = region.name() == writer.region();
        // Who wrote through a proxy must see it there at once; elsewhere it arrives with the feed.
        let limit = if own { Duration::ZERO } else { SEEN_WITHIN };
        let seen = until_seen(client, &proxy, &part, written_at, limit).await;
        let what = if own {
            "own write seen at once"
        } else {
            "write seen, since its answer"
        };
        Step::new(what, &expected(region.name(), Cache::Any), seen)
    });
    let looks = join_all(looks).await;
    (
        Step::new(
            "write: a new headline",
            &expected(writer.region(), Cache::Method),
            written,
        ),
        looks,
    )
}

/// Reads until the answer contains `part`; the last answer's time counts from `since`. Reads once at least.
async fn until_seen(
    client: &Client,
    proxy: &Proxy,
    part: &str,
    since: Instant,
    limit: Duration,
) -> anyhow::Result<Seen> {
    loop {
        let mut seen = read(client, proxy).await?;
        seen.took = since.elapsed();
        if seen.body.contains(part) || seen.took >= limit {
            return Ok(seen);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn send(request: RequestBuilder) -> anyhow::Result<Seen> {
    let started = Instant::now();
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    let fields = answer.headers().get_all("cache-status").iter();
    let cache_status: Vec<_> = fields
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    let body = answer.text().await?;
    Ok(Seen {
        status,
        cache_status: cache_status.join(", "),
        body,
        took: started.elapsed(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_marks_steps_and_says_what_did_not_hold() {
        let seen = |cache_status: &str| Seen {
            status: 200,
            cache_status: cache_status.to_owned(),
            body: "{}".to_owned(),
            took: Duration::from_micros(1_234),
        };
        let expected = Expected {
            region: "us-west",
            cache: Cache::Stored,
            body: Body::Is("{}"),
        };
        let steps = [
            Step::new(
                "first",
                &expected,
                Ok(seen("Proxima-us-west; fwd=uri-miss; stored")),
            ),
            Step::new("second", &expected, Ok(seen("Proxima-us-west; fwd=bypass"))),
            Step::new("third", &expected, Err(anyhow::anyhow!("no route to host"))),
        ];
        let report = report(&steps, Paint::Plain);
        let lines: Vec<_> = report.lines().collect();
        assert_eq!(
            lines[0],
            "  self-check  region   status  Cache-Status                ms"
        );
        assert_eq!(
            lines[1],
            "✓ first       us-west  200     fwd=uri-miss; stored      1.23"
        );
        assert_eq!(
            lines[2],
            "✗ second      us-west  200     fwd=bypass                1.23"
        );
        assert_eq!(lines[3], "✗ third       us-west");
        assert!(
            lines[4].starts_with("✗ second, us-west: Cache-Status: expected `Proxima-us-west; fwd=uri-miss")
        );
        assert_eq!(lines[5], "✗ third, us-west: no route to host");
    }
}
