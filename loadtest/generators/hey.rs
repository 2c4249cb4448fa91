//! What hey prints.

use anyhow::{Context, bail};

use crate::side_by_side::tool::Load;

/// Reads hey's summary. Its times have four decimals of a second, so percentiles are multiples of 100 µs. Answers other
/// than 200 and failed requests make it an error.
pub(crate) fn parse(output: &str) -> anyhow::Result<Load> {
    let mut load = Load::default();
    for line in output.lines().map(str::trim) {
        if line.starts_with("Error distribution:") {
            bail!("hey: not all requests were answered:\n{output}");
        }
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        match words[..] {
            ["Total:", seconds, "secs"] => {
                load.seconds = seconds.parse().with_context(|| format!("hey: {line}"))?;
            }
            ["50%", "in", time, "secs"] => load.p50_us = microseconds(time)?,
            ["99%", "in", time, "secs"] => load.p99_us = microseconds(time)?,
            ["[200]", count, "responses"] => {
                load.requests = count.parse().with_context(|| format!("hey: {line}"))?;
            }
            [status, _, "responses"] => bail!("hey: answers with status {status}: {line}"),
            _ => {}
        }
    }
    if load.requests == 0 || load.seconds <= 0.0 {
        bail!("hey reports no requests:\n{output}");
    }
    Ok(load)
}

/// Of seconds.
fn microseconds(seconds: &str) -> anyhow::Result<f64> {
    let seconds: f64 = seconds
        .parse()
        .with_context(|| format!("hey: {seconds:?} is no time"))?;
    Ok((seconds * 1e6).round())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
Summary:
  Total:\t2.0102 secs
  Slowest:\t0.0378 secs
  Fastest:\t0.0001 secs
  Average:\t0.0041 secs
  Requests/sec:\t12269.9737
  
  Total data:\t25232295 bytes
  Size/request:\t1023 bytes

Response time histogram:
  0.000 [1]\t|
  0.004 [14256]\t|■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■■
  0.008 [10408]\t|■■■■■■■■■■■■■■■■■■■■■■■■■■■■■


Latency distribution:
  10% in 0.0008 secs
  50% in 0.0033 secs
  95% in 0.0092 secs
  99% in 0.0172 secs

Details (average, fastest, slowest):
  DNS+dialup:\t0.0000 secs, 0.0001 secs, 0.0378 secs
  resp wait:\t0.0040 secs, 0.0000 secs, 0.0340 secs

Status code distribution:
  [200]\t24665 responses
";

    #[test]
    fn reads_counts_and_percentiles() {
        let expected = Load {
            requests: 24_665,
            seconds: 2.0102,
            p50_us: 3300.0,
            p99_us: 17_200.0,
        };
        assert_eq!(parse(OUTPUT).unwrap(), expected);
    }

    #[test]
    fn failures_are_errors() {
        for more in [
            "  [502]\t3 responses\n",
            "\nError distribution:\n  [50]\tGet \"http://127.0.0.1:1/\": connect: connection refused\n",
        ] {
            assert!(parse(&format!("{OUTPUT}{more}")).is_err(), "{more}");
        }
        assert!(parse("").is_err());
    }
}
