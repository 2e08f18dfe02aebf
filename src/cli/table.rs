//! Lists as aligned columns.

use super::output::{Output, printable};
use std::io;

/// Rows under a heading.
pub(super) struct Columns<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Columns<N> {
    /// A list with this heading.
    pub(super) fn new(heading: [&str; N]) -> Self {
        let rows = vec![heading.map(str::to_uppercase)];
        Self { rows }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: [String; N]) {
        self.rows.push(row.map(|cell| {
            let cell = printable(&cell);
            // An empty cell would move the columns for `awk`.
            if cell.is_empty() {
                "-".to_owned()
            } else {
                cell
            }
        }));
    }

    /// Writes all rows, each column as wide as its widest cell.
    pub(super) fn write(&self, out: &mut Output) -> io::Result<()> {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &self.rows {
            let cells = row.iter().zip(widths);
            let line: Vec<_> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            writeln!(out, "{}", line.join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_moves_the_cursor_or_turns_the_line_around() {
        let mut columns = Columns::new(["name", "also"]);
        columns.push(["x\u{1b}[31m\u{202e}\n".to_owned(), String::new()]);
        let expected = ["x\u{fffd}[31m\u{fffd}\u{fffd}".to_owned(), "-".to_owned()];
        assert_eq!(columns.rows.last(), Some(&expected));
    }
}
