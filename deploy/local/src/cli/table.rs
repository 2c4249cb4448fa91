//! Aligned columns of plain text.

/// Lines whose columns are as wide as their widest cell, two spaces apart.
pub(crate) fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    });
    let mut text = String::new();
    for row in rows {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        let line: Vec<_> = cells.collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_start_below_each_other() {
        let rows = [["a", "bb", "c"], ["ä-a", "b", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), "a    bb  c\nä-a  b\n");
    }
}
