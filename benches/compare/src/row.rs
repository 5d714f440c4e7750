//! A row of the table: what is measured, in what unit, and what candor is to reach.
//!
//! A measurement has one figure or several, each a line of its own. Its peers' lists of rows are made by the
//! same generic functions, so that a row's name, unit and target are said once.
//!
//! Knows neither peers nor processes.

use crate::effort::Effort;

pub struct Row {
    /// What the command line calls it.
    pub id: String,
    pub figures: Vec<Figure>,
    /// Whether all of it happens on one core; rows that need several threads at work have all cores.
    pub is_pinned: bool,
    /// Gives one number for each figure. Panics if the workload did not do what it should have.
    pub measure: Box<dyn Fn(&Effort) -> Vec<f64>>,
}

/// One line of the table. Less is better, whatever it is.
pub struct Figure {
    pub title: String,
    pub unit: &'static str,
    pub target: Target,
}

/// What candor's figure is held against, all of it measured in the same run.
#[derive(Clone, Copy)]
pub enum Target {
    /// Nothing: the figure is stated.
    Stated,
    /// At most so many times the best peer's.
    TimesTheRecord(f64),
}

impl Row {
    /// A row of one figure, in nanoseconds an operation.
    pub fn new(
        id: impl Into<String>,
        title: impl Into<String>,
        target: Target,
        measure: impl Fn(&Effort) -> f64 + 'static,
    ) -> Self {
        let figure = Figure {
            title: title.into(),
            unit: "ns",
            target,
        };
        Row {
            id: id.into(),
            figures: vec![figure],
            is_pinned: true,
            measure: Box::new(move |effort| vec![measure(effort)]),
        }
    }
}
