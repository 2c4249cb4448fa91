//! A part as a bar chart, in SVG.

use std::path::Path;

use anyhow::Context;

use crate::measure::{Better, Measure};
use crate::part::{Part, Row};
use crate::peer::Peer;
use crate::results::Results;

/// Of the drawing.
const WIDTH: f64 = 640.0;
/// Of title and subtitle.
const HEADER: f64 = 52.0;
/// From one bar to the next.
const ROW: f64 = 28.0;
/// Thickness of a bar.
const BAR: f64 = 16.0;
/// Where bars begin: names end before it.
const LEFT: f64 = 84.0;
/// Where the longest whisker ends: its value stands behind it.
const RIGHT: f64 = 560.0;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600}.less{fill:#57606a}\
    .bar{fill:#8c959f}.own{fill:#0969da}.whisker{stroke:#24292f;stroke-width:1.5;fill:none}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.less{fill:#9198a1}.bar{fill:#6e7681}.own{fill:#4493f8}\
    .whisker{stroke:#e6edf3}}";

/// Writes a chart for each part into the folder, which is made if it is not there.
pub(crate) fn write_all(results: &Results, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for part in &results.parts {
        let file = folder.join(format!("{}.svg", part.id));
        std::fs::write(&file, chart(part)).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

/// Bars are medians; a whisker goes from the least of all rounds to the most.
fn chart(part: &Part) -> String {
    let measure = part.figure.charted();
    let most = part.rows.iter().filter_map(|row| Some(range(row, measure)?.1));
    let scale = (RIGHT - LEFT) / most.fold(f64::MIN_POSITIVE, f64::max);
    let mut y = HEADER;
    let bars: String = part
        .rows
        .iter()
        .map(|row| {
            let middle = y + ROW / 2.0;
            y += ROW;
            bar(row, measure, scale, middle)
        })
        .collect();
    let title = escape(&part.title);
    let subtitle = subtitle(part, measure);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-labelledby=\"t d\">\n<title id=\"t\">{title}</title>\n\
         <desc id=\"d\">{subtitle}</desc>\n<style>{STYLE}</style>\n\
         <text class=\"title\" x=\"8\" y=\"20\">{title}</text>\n\
         <text class=\"less\" x=\"8\" y=\"38\">{subtitle}</text>\n{bars}</svg>\n",
        height = y + 8.0,
    )
}

/// `CPU µs/request, less is better; median and range of 3 rounds`.
fn subtitle(part: &Part, measure: Measure) -> String {
    let better = match measure.better() {
        Better::Less => ", less is better",
        Better::More => ", more is better",
        Better::Neither => "",
    };
    let rounds = part.rows.iter().map(|row| row.rounds.len()).max();
    let rounds = match rounds.unwrap_or_default() {
        0 | 1 => String::new(),
        rounds => format!("; median and range of {rounds} rounds"),
    };
    let faults = part.rows.iter().any(|row| row.fault.is_some());
    let marks = if faults { "; (!) not compared" } else { "" };
    escape(&format!("{}{better}{rounds}{marks}", measure.title()))
}

/// Least and most of all rounds.
fn range(row: &Row, measure: Measure) -> Option<(f64, f64)> {
    let values = row.rounds.iter().filter_map(|round| round.get(&measure).copied());
    values
        .map(|value| (value, value))
        .reduce(|(least, most), (value, _)| (least.min(value), most.max(value)))
}

/// A server's name, its bar and its value.
fn bar(row: &Row, measure: Measure, scale: f64, middle: f64) -> String {
    // A growth of memory may come out below 0.
    let at = |value: f64| LEFT + (value * scale).max(0.0);
    let base = middle + 4.5;
    let peer = row.peer;
    let name = format!(
        "<text x=\"{:.1}\" y=\"{base:.1}\" text-anchor=\"end\">{peer}</text>\n",
        LEFT - 8.0
    );
    let mark = if row.fault.is_some() { " (!)" } else { "" };
    let measured = row.median.get(&measure).zip(range(row, measure));
    let (drawn, end, told) = match measured {
        None => (String::new(), LEFT, "–".to_owned()),
        Some((&median, (least, most))) => {
            let class = if peer == Peer::Proxima { "bar own" } else { "bar" };
            let rect = format!(
                "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{BAR}\"/>\n",
                middle - BAR / 2.0,
                at(median) - LEFT
            );
            let drawn = rect + &whisker(at(least), at(most), middle);
            (drawn, at(most), measure.show(median))
        }
    };
    format!(
        "{name}{drawn}<text x=\"{:.1}\" y=\"{base:.1}\">{told}{mark}</text>\n",
        end + 8.0
    )
}

/// From the least to the most; none where both are the same.
fn whisker(least: f64, most: f64, middle: f64) -> String {
    if most <= least {
        return String::new();
    }
    let (top, bottom) = (middle - 4.0, middle + 4.0);
    format!(
        "<path class=\"whisker\" d=\"M{least:.1} {top:.1}V{bottom:.1}M{least:.1} {middle:.1}H{most:.1}\
         M{most:.1} {top:.1}V{bottom:.1}\"/>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::tests::{example, with_fault};
    use crate::results::tests::example as results;

    #[test]
    fn the_longest_whisker_ends_where_values_begin() {
        let svg = chart(&example());
        // nginx: 10 µs, from 9 to 11.
        assert!(svg.contains("width=\"432.7\""), "{svg}");
        assert!(svg.contains("H560.0"), "{svg}");
        assert!(svg.contains(">10.0</text>"), "{svg}");
        let told = "CPU µs/request, less is better; median and range of 3 rounds";
        assert!(svg.contains(told), "{svg}");
    }

    #[test]
    fn proxima_s_bar_stands_out() {
        let svg = chart(&example());
        assert_eq!(svg.matches("class=\"bar own\"").count(), 1);
        assert_eq!(svg.matches("class=\"bar\"").count(), 2);
    }

    #[test]
    fn servers_that_are_not_compared_are_marked() {
        let mut part = with_fault(example(), Peer::Haproxy);
        assert!(chart(&part).contains(">8.0 (!)</text>"));
        part.rows[1].median.clear();
        assert!(chart(&part).contains(">– (!)</text>"));
    }

    #[test]
    fn one_round_has_no_range() {
        let mut part = example();
        for row in &mut part.rows {
            row.rounds.truncate(1);
        }
        let svg = chart(&part);
        assert!(!svg.contains("class=\"whisker\""), "{svg}");
        assert!(!svg.contains("rounds"), "{svg}");
    }

    #[test]
    fn texts_are_escaped() {
        let mut part = example();
        part.title = "a < b & c".to_owned();
        assert!(chart(&part).contains(">a &lt; b &amp; c</text>"));
    }

    #[test]
    fn each_part_has_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let plots = folder.path().join("plots");
        write_all(&results(), &plots).unwrap();
        assert!(plots.join("hits-l1-http.svg").is_file());
    }
}
