//! What wrk prints.

use anyhow::{Context, bail};

use super::tool::Load;

/// Reads the output of `wrk --latency`. Answers other than 2xx and 3xx and socket errors make it an error.
pub(crate) fn parse(output: &str) -> anyhow::Result<Load> {
    let mut load = Load::default();
    for line in output.lines().map(str::trim) {
        if line.starts_with("Socket errors:") || line.starts_with("Non-2xx") {
            bail!("wrk: {line}");
        }
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next()) {
            (Some("50%"), Some(time)) => load.p50_us = microseconds(time)?,
            (Some("99%"), Some(time)) => load.p99_us = microseconds(time)?,
            (Some(count), Some("requests")) if words.next() == Some("in") => {
                load.requests = count.parse().with_context(|| format!("wrk: {line}"))?;
                let time = words.next().unwrap_or_default().trim_end_matches(',');
                load.seconds = microseconds(time)? / 1e6;
            }
            _ => {}
        }
    }
    if load.requests == 0 {
        bail!("wrk reports no requests:\n{output}");
    }
    Ok(load)
}

/// `250.00us`, `5.80ms`, `1.20s`, `2.00m` or `1.00h`.
fn microseconds(time: &str) -> anyhow::Result<f64> {
    const UNITS: [(&str, f64); 5] = [("us", 1.0), ("ms", 1e3), ("s", 1e6), ("m", 60e6), ("h", 3600e6)];
    UNITS
        .iter()
        .find_map(|(unit, factor)| Some(time.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
        .with_context(|| format!("wrk: {time:?} is no time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
Running 2s test @ https://127.0.0.1:18443/profiles/7
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.71ms    4.54ms  76.21ms   93.75%
    Req/Sec    17.58k     4.35k   21.05k    95.00%
  Latency Distribution
     50%  950.00us
     75%    5.47ms
     90%    7.00ms
     99%   12.65ms
  35184 requests in 2.02s, 57.88MB read
Requests/sec:  17434.22
Transfer/sec:     28.68MB
";

    #[test]
    fn reads_counts_and_percentiles() {
        let expected = Load {
            requests: 35184,
            seconds: 2.02,
            p50_us: 950.0,
            p99_us: 12650.0,
        };
        assert_eq!(parse(OUTPUT).unwrap(), expected);
    }

    #[test]
    fn failures_are_errors() {
        for line in [
            "  Non-2xx or 3xx responses: 5",
            "  Socket errors: connect 0, read 1, write 0, timeout 0",
        ] {
            let error = parse(&format!("{OUTPUT}{line}\n")).unwrap_err().to_string();
            assert_eq!(error, format!("wrk: {}", line.trim()));
        }
        assert!(parse("unable to connect").is_err());
    }

    #[test]
    fn times_have_units() {
        let cases = [
            ("1us", 1.0),
            ("2.5ms", 2500.0),
            ("1.5s", 1_500_000.0),
            ("2m", 120e6),
            ("1h", 3600e6),
        ];
        for (time, expected) in cases {
            assert!((microseconds(time).unwrap() - expected).abs() < 1e-6, "{time}");
        }
        for time in ["", "5", "ms", "5 ms", "5x"] {
            assert!(microseconds(time).is_err(), "{time}");
        }
    }
}
