//! The figures in a README: a Markdown table between two markers.

use std::path::Path;

use anyhow::{Context, bail};

use crate::measure::Measure;
use crate::part::Part;
use crate::peer::Peer;
use crate::results::{Results, Version};

/// Stands before the figures, on a line of its own.
const BEGIN: &str = "<!-- bench:begin -->";
/// Stands behind them.
const END: &str = "<!-- bench:end -->";

/// Parts whose charts are shown; the others are in the folder.
const SHOWN: [&str; 2] = ["hits-l1-https", "latency"];

/// Replaces what is between the markers of the file by the figures, and by charts if they are in the folder `plots`.
pub(crate) fn update(file: &Path, results: &Results, plots: Option<&Path>) -> anyhow::Result<()> {
    let name = || file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(name)?;
    let mut section = section(results);
    if let Some(plots) = plots {
        let folder = file.parent().and_then(|folder| plots.strip_prefix(folder).ok());
        section += &charts(results, folder.unwrap_or(plots));
    }
    let updated = splice(&text, &section).with_context(name)?;
    std::fs::write(file, updated).with_context(name)
}

fn splice(text: &str, section: &str) -> anyhow::Result<String> {
    let only = |marker: &str| {
        let mut found = text.match_indices(marker);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at),
            (None, _) => {
                bail!("there is no {marker} in it: put {BEGIN} and {END} where the figures are to stand")
            }
            (Some(_), Some(_)) => bail!("{marker} stands in it more than once"),
        }
    };
    let (begin, end) = (only(BEGIN)? + BEGIN.len(), only(END)?);
    if end < begin {
        bail!("{END} stands before {BEGIN}");
    }
    Ok(format!("{}\n{section}{}", &text[..begin], &text[end..]))
}

/// What stands between the markers.
fn section(results: &Results) -> String {
    let peers: Vec<_> = Peer::ALL
        .into_iter()
        .filter(|peer| {
            results
                .parts
                .iter()
                .any(|part| part.rows.iter().any(|row| row.peer == *peer))
        })
        .collect();
    let mut text = introduction(results);
    let names: String = peers.iter().map(|peer| format!(" {peer} |")).collect();
    text += &format!(
        "| |{names} to nginx | to the best |\n|---|{}\n",
        "---:|".repeat(peers.len() + 2)
    );
    for part in &results.parts {
        for measure in part.figure.headlines() {
            text += &row(part, *measure, &peers);
        }
    }
    text + &remarks(results)
}

fn introduction(results: &Results) -> String {
    let Results {
        machine,
        rounds,
        seconds,
        ..
    } = results;
    let day = results.date.split('T').next().unwrap_or_default();
    let gib = machine.memory_mib as f64 / 1024.0;
    let versions = results.versions.iter();
    let versions: Vec<_> = versions
        .map(|Version { peer, version }| format!("{peer} {version}"))
        .collect();
    let rounds = match rounds {
        1 => "one round".to_owned(),
        rounds => format!("medians of {rounds} rounds"),
    };
    format!(
        "{day}, {} cores of {}, {gib:.0} GiB, {}. {}. One worker each, on a core of its own; {rounds} of {seconds} s, of objects \
         one. Ratios are Proxima's figure divided by nginx's and by the best of the others.\n\n",
        machine.cores,
        machine.cpu,
        machine.kernel,
        versions.join(", ")
    )
}

/// A measure of a part: what each server has, and Proxima's ratios.
fn row(part: &Part, measure: Measure, peers: &[Peer]) -> String {
    let cells = peers.iter().map(|peer| {
        let row = part.rows.iter().find(|row| row.peer == *peer);
        let value = row.and_then(|row| Some((row.median.get(&measure)?, row)));
        value.map_or_else(
            || "–".to_owned(),
            |(value, row)| {
                format!(
                    "{}{}",
                    measure.show(*value),
                    if row.fault.is_some() { " (!)" } else { "" }
                )
            },
        )
    });
    let ratios = part.ratios.get(&measure).copied().unwrap_or_default();
    let to_nginx = ratios
        .to_nginx
        .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
    let to_best = ratios.to_best.zip(ratios.best);
    let to_best = to_best.map_or_else(
        || "–".to_owned(),
        |(ratio, best)| format!("**{ratio:.2}** ({best})"),
    );
    let cells: Vec<_> = cells.chain([to_nginx, to_best]).collect();
    format!(
        "| {}: {} | {} |\n",
        part.title,
        measure.title(),
        cells.join(" | ")
    )
}

/// The charts that are shown, and where the others are.
fn charts(results: &Results, folder: &Path) -> String {
    let folder = folder.display();
    let shown = results
        .parts
        .iter()
        .filter(|part| SHOWN.contains(&part.id.as_str()));
    let shown: String = shown
        .map(|part| format!("![{}]({folder}/{}.svg)\n", part.title, part.id))
        .collect();
    format!("\n{shown}\nAll charts are in [{folder}]({folder}).\n")
}

/// What is to be said of servers that were not compared, or not there.
fn remarks(results: &Results) -> String {
    let faults = results.parts.iter().flat_map(|part| {
        let rows = part.rows.iter();
        rows.filter_map(move |row| Some((part, row.peer, row.fault.as_deref()?)))
    });
    let faults =
        faults.map(|(part, peer, fault)| format!("- (!) {}: {peer} is not compared: {fault}\n", part.title));
    let skipped = results.skipped.iter();
    let skipped = skipped.map(|skipped| format!("- Not measured: {skipped}\n"));
    let remarks: String = faults.chain(skipped).collect();
    if remarks.is_empty() {
        remarks
    } else {
        format!("\n{remarks}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::tests::with_fault;
    use crate::results::tests::example;

    #[test]
    fn figures_stand_in_a_table_with_machine_versions_and_date() {
        let expected = "\
2026-02-28, 2 cores of A CPU, 1 GiB, Linux 6.1. nginx 1.22.1, haproxy 2.6, proxima 0.1.0. One worker each, on a core of its \
own; medians of 3 rounds of 5 s, of objects one. Ratios are Proxima's figure divided by nginx's and by the best of the others.

| | nginx | haproxy | proxima | to nginx | to the best |
|---|---:|---:|---:|---:|---:|
| L1 hit, HTTP/1.1: CPU µs/request | 10.0 | 8.0 | 5.0 | 0.50 | **0.62** (haproxy) |

- Not measured: squid: it is not installed
";
        assert_eq!(section(&example()), expected);
    }

    #[test]
    fn who_is_not_compared_is_marked_and_the_reason_given() {
        let mut results = example();
        results.parts = results
            .parts
            .into_iter()
            .map(|part| with_fault(part, Peer::Haproxy))
            .collect();
        let text = section(&results);
        assert!(
            text.contains("| 10.0 | 8.0 (!) | 5.0 | 0.50 | **0.50** (nginx) |"),
            "{text}"
        );
        let told = "- (!) L1 hit, HTTP/1.1: haproxy is not compared: answered only 3 of 4 requests\n";
        assert!(text.contains(told), "{text}");
    }

    #[test]
    fn charts_are_found_from_where_the_file_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("README.md");
        std::fs::write(&file, format!("{BEGIN}\n{END}\n")).unwrap();
        let mut results = example();
        results.parts[0].id = "hits-l1-https".to_owned();
        update(&file, &results, Some(&folder.path().join("a/plots"))).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.contains("![L1 hit, HTTP/1.1](a/plots/hits-l1-https.svg)\n"),
            "{text}"
        );
        assert!(
            text.ends_with(&format!("All charts are in [a/plots](a/plots).\n{END}\n")),
            "{text}"
        );
    }

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let text = format!("before\n{BEGIN}\nold\nold\n{END}\nafter\n");
        let once = splice(&text, "new\n").unwrap();
        assert_eq!(once, format!("before\n{BEGIN}\nnew\n{END}\nafter\n"));
        assert_eq!(
            splice(&once, "new\n").unwrap(),
            once,
            "a second time changes nothing"
        );
    }

    #[test]
    fn markers_must_be_there_once_and_in_order() {
        let cases = [
            (String::new(), "there is no <!-- bench:begin --> in it"),
            (BEGIN.to_owned(), "there is no <!-- bench:end --> in it"),
            (
                format!("{END}\n{BEGIN}"),
                "<!-- bench:end --> stands before <!-- bench:begin -->",
            ),
            (
                format!("{BEGIN}{BEGIN}{END}"),
                "<!-- bench:begin --> stands in it more than once",
            ),
        ];
        for (text, expected) in cases {
            let error = splice(&text, "").unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text:?}: {error}");
        }
    }
}
