//! Samples, their median, and the table that is printed.

use std::fmt;

/// What was measured several times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    pub(crate) fn median(&self) -> f64 {
        let (low, high) = ((self.0.len().max(1) - 1) / 2, self.0.len() / 2);
        let at = |i| self.0.get(i).copied().unwrap_or(f64::NAN);
        f64::midpoint(at(low), at(high))
    }

    fn spread(&self) -> (f64, f64) {
        let first = self.0.first().copied().unwrap_or(f64::NAN);
        (first, self.0.last().copied().unwrap_or(f64::NAN))
    }
}

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }
}

#[derive(Debug)]
struct Row {
    what: String,
    unit: &'static str,
    samples: Samples,
    goal: Option<Goal>,
}

/// The figures, in the order they were put.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    pub(crate) fn put(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        samples: Samples,
        goal: Option<Goal>,
    ) {
        self.0.push(Row {
            what: what.into(),
            unit,
            samples,
            goal,
        });
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["measure", "median", "lowest", "highest", "unit", "goal", ""].map(str::to_owned);
        let rows: Vec<[String; 7]> = std::iter::once(head).chain(self.0.iter().map(cells)).collect();
        let mut widths = [0; 7];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &rows {
            let mut line = String::new();
            for (i, (cell, width)) in row.iter().zip(widths).enumerate() {
                // Figures to the right, words to the left.
                let padded = if (1..4).contains(&i) {
                    format!("{cell:>width$}  ")
                } else {
                    format!("{cell:<width$}  ")
                };
                line += &padded;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn cells(row: &Row) -> [String; 7] {
    let (median, (low, high)) = (row.samples.median(), row.samples.spread());
    let goal = match row.goal {
        None => String::new(),
        Some(Goal::AtLeast(bound)) => format!(">= {bound}"),
        Some(Goal::AtMost(bound)) => format!("<= {bound}"),
    };
    let met = row
        .goal
        .map_or("", |goal| if goal.is_met(median) { "met" } else { "MISSED" });
    [
        row.what.clone(),
        figure(median),
        figure(low),
        figure(high),
        row.unit.to_owned(),
        goal,
        met.to_owned(),
    ]
}

/// Three figures that count.
fn figure(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 || v == 0.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}
