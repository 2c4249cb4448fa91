//! What h2load prints, and its log of single requests: the former has no percentiles.

use anyhow::{Context, bail};

use super::percentile::percentile;
use super::tool::Load;

/// Reads the output of `h2load -D` and the file of its `--log-file`. A request that did not end in a 2xx answer makes
/// it an error.
pub(crate) fn parse(output: &str, log: &str) -> anyhow::Result<Load> {
    let mut load = Load::default();
    for line in output.lines() {
        if let Some(rest) = line.strip_prefix("finished in ") {
            load.seconds = seconds(rest).with_context(|| format!("h2load: {line}"))?;
        } else if let Some(rest) = line.strip_prefix("requests: ") {
            load.requests = count(rest, "done").with_context(|| format!("h2load: {line}"))?;
            if count(rest, "succeeded") != Some(load.requests) {
                bail!("h2load: {line}");
            }
        } else if let Some(rest) = line.strip_prefix("status codes: ")
            && count(rest, "2xx") != Some(load.requests)
        {
            bail!("h2load: {line}");
        }
    }
    if load.requests == 0 {
        bail!("h2load reports no requests:\n{output}");
    }
    let mut latencies = latencies_us(log);
    load.p50_us = percentile(&mut latencies, 500).context("h2load wrote no log of requests")?;
    load.p99_us = percentile(&mut latencies, 990).context("h2load wrote no log of requests")?;
    Ok(load)
}

/// The number before `name` in `34035 total, 34099 started, 34035 done`.
fn count(line: &str, name: &str) -> Option<u64> {
    line.split(", ")
        .find_map(|part| part.strip_suffix(name)?.trim().parse().ok())
}

/// `2.02s, 17017.50 req/s, 26.52MB/s`: the time, in seconds or for very short runs in `ms` or `us`.
fn seconds(rest: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 3] = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let (time, _) = rest.split_once(',')?;
    UNITS
        .iter()
        .find_map(|(unit, factor)| Some(time.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}

/// The third column of the log: start, status, microseconds.
fn latencies_us(log: &str) -> Vec<u32> {
    log.lines()
        .filter_map(|line| line.split('\t').nth(2)?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
starting benchmark...
Application protocol: h2
finished in 2.02s, 17017.50 req/s, 26.52MB/s
requests: 34035 total, 34099 started, 34035 done, 34035 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 34035 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 53.04MB (55616326) total, 2.60MB (2722800) headers (space savings 39.39%), 49.86MB (52277760) data
                     min         max         mean         sd        +/- sd
time for request:      490us     14.37ms      2.50ms      1.32ms    81.90%
";
    const LOG: &str = "1795296567516252\t200\t300\n1795296567516441\t200\t100\n1795296567516483\t200\t200\n";

    #[test]
    fn reads_counts_and_percentiles() {
        let expected = Load {
            requests: 34035,
            seconds: 2.02,
            p50_us: 200.0,
            p99_us: 300.0,
        };
        assert_eq!(parse(OUTPUT, LOG).unwrap(), expected);
    }

    #[test]
    fn failures_are_errors() {
        for (from, to) in [
            ("34035 succeeded, 0 failed", "34030 succeeded, 5 failed"),
            ("34035 2xx, 0 3xx", "34034 2xx, 1 3xx"),
        ] {
            assert!(parse(&OUTPUT.replace(from, to), LOG).is_err(), "{to}");
        }
        assert!(parse("", LOG).is_err());
        assert!(parse(OUTPUT, "").is_err());
    }

    #[test]
    fn short_runs_have_smaller_units() {
        for (rest, expected) in [("2.5s, x", 2.5), ("500ms, x", 0.5), ("100us, x", 0.0001)] {
            assert!((seconds(rest).unwrap() - expected).abs() < 1e-9, "{rest}");
        }
    }
}
