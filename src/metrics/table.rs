//! Counters in rows and columns, each written by one thread.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters in rows and columns.
#[derive(Debug)]
pub(super) struct CounterTable<const ROWS: usize, const COLUMNS: usize>(
    [[AtomicU64; COLUMNS]; ROWS],
);

impl<const ROWS: usize, const COLUMNS: usize> Default for CounterTable<ROWS, COLUMNS> {
    fn default() -> Self {
        Self(array::from_fn(|_| array::from_fn(|_| AtomicU64::new(0))))
    }
}

impl<const ROWS: usize, const COLUMNS: usize> CounterTable<ROWS, COLUMNS> {
    /// Counts one more.
    pub(super) fn add(&self, row: usize, column: usize) {
        if let Some(cell) = self.0.get(row).and_then(|row| row.get(column)) {
            // Relaxed: nothing else is read on the strength of this number.
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there are.
    pub(super) fn get(&self, row: usize, column: usize) -> u64 {
        let cell = self.0.get(row).and_then(|row| row.get(column));
        cell.map_or(0, |cell| cell.load(Ordering::Relaxed))
    }
}

/// Adds up the tables of several threads: row, column and count of each that is not zero.
pub(super) fn sum<'t, const ROWS: usize, const COLUMNS: usize>(
    tables: impl Iterator<Item = &'t CounterTable<ROWS, COLUMNS>>,
) -> impl Iterator<Item = (usize, usize, u64)> {
    let tables: Vec<_> = tables.collect();
    let cells = (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)));
    let sums = cells.map(move |(row, column)| {
        let count = tables.iter().map(|table| table.get(row, column)).sum();
        (row, column, count)
    });
    sums.filter(|(_, _, count)| *count > 0)
}
