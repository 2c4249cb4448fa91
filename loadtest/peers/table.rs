//! A part as a table for people.

use std::fmt::{self, Display};

use crate::measure::Measure;
use crate::part::{Part, Ratios};
use crate::peer::Peer;

/// Width of the first column.
const NAMES: usize = 13;

impl Display for Part {
    /// A row per server, then Proxima's ratios and what is to be said of servers that are not compared.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let measures = self.measures();
        writeln!(f, "{}: {}", self.title, self.method)?;
        line(f, "", &measures, |measure| Some(measure.title().to_owned()))?;
        for row in &self.rows {
            let marked = format!("{}{}", row.peer, if row.fault.is_some() { " (!)" } else { "" });
            line(f, &marked, &measures, |measure| {
                row.median.get(&measure).map(|value| measure.show(*value))
            })?;
        }
        if !self.ratios.is_empty() {
            let ratios = |f: &mut _, name, of: fn(&Ratios) -> Option<String>| {
                line(f, name, &measures, |measure| of(self.ratios.get(&measure)?))
            };
            ratios(f, "proxima/nginx", |ratios| {
                ratios.to_nginx.map(|ratio| format!("{ratio:.2}"))
            })?;
            ratios(f, "proxima/best", |ratios| {
                ratios.to_best.map(|ratio| format!("{ratio:.2}"))
            })?;
            ratios(f, "best", |ratios| ratios.best.as_ref().map(Peer::to_string))?;
        }
        for row in &self.rows {
            if let Some(fault) = &row.fault {
                writeln!(f, "  (!) {} is not compared: {fault}", row.peer)?;
            }
        }
        Ok(())
    }
}

/// A line of the table: a name, and what there is to say of each measure.
fn line(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    measures: &[Measure],
    cell: impl Fn(Measure) -> Option<String>,
) -> fmt::Result {
    let mut text = format!("  {name:<NAMES$}");
    for measure in measures {
        let width = measure.title().chars().count().max(7);
        text += &format!("  {:>width$}", cell(*measure).unwrap_or_default());
    }
    writeln!(f, "{}", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::tests::{example, with_fault, with_rows};

    #[test]
    fn shows_medians_and_ratios_to_nginx_and_to_the_best() {
        let expected = "\
L1 hit, HTTP/1.1: 64 connections (wrk)
                 CPU µs/request  requests/s     busy
  nginx                    10.0      90,000     98 %
  haproxy                   8.0      80,000     98 %
  proxima                   5.0     135,000     98 %
  proxima/nginx            0.50        1.50
  proxima/best             0.62        1.50
  best                  haproxy       nginx
";
        assert_eq!(example().to_string(), expected);
    }

    #[test]
    fn marks_who_is_not_compared() {
        let table = with_fault(example(), Peer::Haproxy).to_string();
        assert!(table.contains("  haproxy (!)               8.0"), "{table}");
        assert!(table.contains("  best                    nginx"), "{table}");
        let told = "  (!) haproxy is not compared: answered only 3 of 4 requests\n";
        assert!(table.ends_with(told), "{table}");
    }

    #[test]
    fn without_proxima_there_is_no_ratio() {
        let mut part = example();
        let rows = std::mem::take(&mut part.rows);
        let rows = rows.into_iter().filter(|row| row.peer != Peer::Proxima);
        let part = with_rows(part, rows.collect());
        assert!(!part.to_string().contains("best"), "{part}");
    }
}
