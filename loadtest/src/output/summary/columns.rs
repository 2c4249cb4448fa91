//! Lines of metrics, in aligned columns.

use std::fmt::Write as _;

use crate::output::cells::{Cells, cells};

use super::rows::{Category, Row, Table};
use super::{Form, Ink, width};

/// How wide the columns of a section are.
#[derive(Default)]
struct Widths {
    trend: Vec<usize>,
    others: Vec<usize>,
}

/// The metrics of each category under its title, with an empty line between two categories; empty if there are none.
/// `name_width` is that of the longest name at an indentation of 4.
pub(super) fn block(table: &Table<'_>, name_width: usize, indent: usize, form: Form<'_>) -> String {
    let widths = Widths::of(table, form);
    let blocks: Vec<String> = Category::ALL
        .into_iter()
        .map(|category| (category, table.category(category)))
        .filter(|(_, rows)| !rows.is_empty())
        .map(|(category, rows)| {
            let title = form.style.paint(Ink::Title, category.title());
            let mut text = format!("{:indent$}{title}\n", "");
            for row in rows {
                let dots = (name_width + 7).saturating_sub(width(&row.name) + indent);
                let dots = form.style.paint(Ink::Faint, &format!("{}:", ".".repeat(dots)));
                let values = widths.lay_out(&cells_of(row, form), form);
                writeln!(text, "{:indent$}{}{dots} {values}", "", row.name)
                    .expect("a string takes everything");
            }
            text
        })
        .collect();
    if blocks.is_empty() {
        String::new()
    } else {
        format!("{}\n", blocks.join("\n"))
    }
}

fn cells_of(row: &Row<'_>, form: Form<'_>) -> Cells {
    cells(row.metric, row.sink, form.stats, form.unit, form.seconds)
}

impl Widths {
    fn of(table: &Table<'_>, form: Form<'_>) -> Self {
        let mut widths = Self::default();
        for row in table.rows() {
            match cells_of(row, form) {
                Cells::Trend(cells) => {
                    widths.trend.resize(cells.len(), 0);
                    for (column, (_, value)) in widths.trend.iter_mut().zip(&cells) {
                        *column = width(value).max(*column);
                    }
                }
                Cells::Others(cells) => {
                    let columns = widths.others.len().max(cells.len());
                    widths.others.resize(columns, 0);
                    for (column, value) in widths.others.iter_mut().zip(&cells) {
                        *column = width(value).max(*column);
                    }
                }
            }
        }
        widths
    }

    /// A trend's last column is filled up too, as k6 does; that of others is not.
    fn lay_out(&self, cells: &Cells, form: Form<'_>) -> String {
        let texts: Vec<String> = match cells {
            Cells::Trend(cells) => cells
                .iter()
                .zip(&self.trend)
                .map(|((label, value), column)| {
                    let value = form.style.paint(Ink::Value, &format!("{value:column$}"));
                    format!("{label}={value}")
                })
                .collect(),
            Cells::Others(cells) => cells
                .iter()
                .zip(&self.others)
                .enumerate()
                .map(|(place, (value, column))| {
                    let ink = if place == 0 { Ink::Value } else { Ink::FaintValue };
                    let column = if place + 1 == cells.len() { 0 } else { *column };
                    form.style.paint(ink, &format!("{value:column$}"))
                })
                .collect(),
        };
        texts.join(" ")
    }
}
