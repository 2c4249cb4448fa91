//! The forecast of a change for people: how much moves, node by node, and what that costs.

use std::fmt::Write as _;
use std::time::Duration;

use proxima_config::format_duration;

use super::change::{Holding, NodeChange};
use super::diff::Forecast;

/// Width of the columns of numbers.
const NUMBERS: usize = 11;

/// Renders a forecast, each line ended by a line feed.
pub(super) fn render(forecast: &Forecast) -> String {
    let change = &forecast.change;
    let mut text = format!("{} of the keys move to another node\n\n", percent(change.moves));
    table(&mut text, &change.nodes);
    if !forecast.silent.is_empty() {
        text.push('\n');
    }
    for silent in &forecast.silent {
        let _ = writeln!(text, "{} {}: not reckoned with", silent.node, silent.why);
    }
    if change.moves > 0.0 {
        text.push('\n');
        cost(&mut text, forecast);
    }
    text
}

fn table(text: &mut String, nodes: &[NodeChange]) {
    let names = nodes.iter().map(|node| node.node.len()).max().unwrap_or(0).max(4);
    let mut row = |name: &str, cells: [&str; 6]| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>NUMBERS$}")).collect();
        let _ = writeln!(text, "{name:names$}{cells}");
    };
    row(
        "node",
        ["weight", "before", "after", "leave it", "items", "hits/s"],
    );
    for node in nodes {
        let held =
            |number: &dyn Fn(&Holding) -> String| node.holds.as_ref().map_or_else(|| "-".to_owned(), number);
        row(
            &node.node,
            [
                &weight(node),
                &percent(node.share_before),
                &percent(node.share_after),
                &percent(node.moves),
                &held(&|holds| holds.items.to_string()),
                &held(&|holds| format!("{:.1}", holds.hits_per_s)),
            ],
        );
    }
}

/// `2`, `2 > 3`, or for a node that goes or comes `2 > -` and `- > 3`.
fn weight(node: &NodeChange) -> String {
    let word = |weight: Option<u32>| weight.map_or_else(|| "-".to_owned(), |weight| weight.to_string());
    let (before, after) = (word(node.weight_before), word(node.weight_after));
    if before == after {
        before
    } else {
        format!("{before} > {after}")
    }
}

fn cost(text: &mut String, forecast: &Forecast) {
    let (each, rate) = match &forecast.load {
        Some(load) => {
            let whose = if forecast.silent.is_empty() {
                ""
            } else {
                " of the nodes that answered"
            };
            let size = bytes(load.bytes);
            let _ = writeln!(text, "about {:.0} items ({size}){whose} move", load.items);
            let rate = format!(", at first about {:.1} requests/s", load.requests_per_s);
            ("each", rate)
        }
        None => ("each item that moves", String::new()),
    };
    let lost = format!("{each} is fetched once more from the origin{rate}");
    if forecast.warm_up_s == 0 {
        let _ = writeln!(text, "warm_up is off: {lost}");
        return;
    }
    let warm_up = format_duration(Duration::from_secs(forecast.warm_up_s));
    let _ = writeln!(
        text,
        "with warm_up, for {warm_up}: what is asked for is copied from its old node instead of being fetched"
    );
    let _ = writeln!(text, "without: {lost}");
    let leaving: Vec<_> = forecast.change.leaving().collect();
    if !leaving.is_empty() {
        let _ = writeln!(text, "keep {} running until warm_up is over", leaving.join(", "));
    }
}

fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

/// Bytes in the largest unit that they fill.
fn bytes(bytes: f64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let filled = units.iter().find(|(bits, _)| bytes >= f64::from(1_u32 << bits));
    match filled {
        Some((bits, unit)) => format!("{:.1} {unit}", bytes / f64::from(1_u32 << bits)),
        None => format!("{bytes:.0} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::Change;
    use super::super::diff::Silent;
    use super::*;

    fn node(name: &str, before: Option<u32>, after: Option<u32>, moves: f64) -> NodeChange {
        NodeChange {
            node: name.to_owned(),
            weight_before: before,
            weight_after: after,
            share_before: if before.is_some() { 0.5 } else { 0.0 },
            share_after: if after.is_some() { 0.5 } else { 0.0 },
            moves,
            holds: None,
        }
    }

    fn forecast() -> Forecast {
        let mut nodes = vec![
            node("10.0.0.5:11211", Some(1), Some(2), 0.0),
            node("10.0.0.6:11211", Some(1), None, 0.5),
            node("unix:/run/m.sock", None, Some(1), 0.0),
        ];
        nodes[1].holds = Some(Holding {
            items: 1000,
            bytes: 3 << 20,
            hits_per_s: 12.34,
        });
        let change = Change { moves: 0.5, nodes };
        Forecast {
            load: change.load(),
            change,
            silent: vec![Silent {
                node: "10.0.0.5:11211".to_owned(),
                why: "does not answer within 1 s".to_owned(),
            }],
            warm_up_s: 300,
        }
    }

    #[test]
    fn a_forecast_as_a_table_and_its_cost() {
        let wanted = "\
50.0 % of the keys move to another node

node                 weight     before      after   leave it      items     hits/s
10.0.0.5:11211        1 > 2     50.0 %     50.0 %      0.0 %          -          -
10.0.0.6:11211        1 > -     50.0 %      0.0 %     50.0 %       1000       12.3
unix:/run/m.sock      - > 1      0.0 %     50.0 %      0.0 %          -          -

10.0.0.5:11211 does not answer within 1 s: not reckoned with

about 1000 items (3.0 MiB) of the nodes that answered move
with warm_up, for 5m: what is asked for is copied from its old node instead of being fetched
without: each is fetched once more from the origin, at first about 12.3 requests/s
keep 10.0.0.6:11211 running until warm_up is over
";
        assert_eq!(render(&forecast()), wanted);
    }

    #[test]
    fn without_warm_up_and_without_answers_only_the_share_is_known() {
        let mut forecast = forecast();
        (forecast.warm_up_s, forecast.load) = (0, None);
        let text = render(&forecast);
        let last = "\n\nwarm_up is off: each item that moves is fetched once more from the origin\n";
        assert!(text.ends_with(last), "{text}");
    }

    #[test]
    fn what_moves_nothing_costs_nothing() {
        let mut forecast = forecast();
        forecast.change.moves = 0.0;
        forecast.silent.clear();
        let text = render(&forecast);
        assert!(text.starts_with("0.0 % of the keys"), "{text}");
        assert!(
            text.trim_end().ends_with(" -") && !text.contains("origin"),
            "{text}"
        );
    }

    #[test]
    fn bytes_in_units_that_they_fill() {
        let rows = [
            (0.4, "0 bytes"),
            (1023.0, "1023 bytes"),
            (1536.0, "1.5 KiB"),
            (5e9, "4.7 GiB"),
        ];
        for (count, told) in rows {
            assert_eq!(bytes(count), told);
        }
    }
}
