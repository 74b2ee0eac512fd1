//! What is printed.

/// Rows of figures under their names.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(ToString::to_string).collect()] }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Prints it as Markdown: the first column to the left, figures to the right.
    pub(crate) fn print(&self) {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        println!();
        for (at, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
                if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
            if at == 0 {
                let lines = widths.iter().enumerate().map(|(column, &width)| {
                    if column == 0 { "-".repeat(width) } else { "-".repeat(width - 1) + ":" }
                });
                println!("| {} |", lines.collect::<Vec<_>>().join(" | "));
            }
        }
        println!();
    }
}

/// A figure; a dash where there is none.
pub(crate) fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

/// Says whether a goal is met.
pub(crate) fn goal(id: &str, what: &str, value: Option<f64>, bound: Bound) {
    let (met, bound) = match bound {
        Bound::AtLeast(bound) => (value.is_some_and(|value| value >= bound), format!("≥ {bound}")),
        Bound::AtMost(bound) => (value.is_some_and(|value| value <= bound), format!("≤ {bound}")),
    };
    let verdict = match (value, met) {
        (None, _) => "not measured",
        (_, true) => "met",
        (_, false) => "MISSED",
    };
    println!("{id}  {what}: {} ({bound}) {verdict}", figure(value, 3));
}

/// What a goal wants.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}
