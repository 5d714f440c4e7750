//! A row of the table: what is measured, in what unit, and what candor is to reach.
//!
//! A measurement has one figure or several, each a line of its own. The rows of all peers are made by the same
//! generic functions, so that a row's name, unit and target are said once.
//!
//! Knows neither peers nor processes.

use crate::effort::Effort;

pub struct Row {
    /// What the command line calls it.
    pub id: String,
    pub figures: Vec<Figure>,
    /// What a peer must have to be in this row.
    pub needs: Need,
    /// The point that it is on a curve of the chart; such rows are not in the main table.
    pub point: Option<Point>,
    /// Whether all of it happens on one core. Rows that need several threads at work have all cores.
    pub is_pinned: bool,
    /// Whether it takes so long that a quick run does without it.
    pub is_long: bool,
    /// Whether it is measured in a debug build too.
    pub is_in_debug: bool,
    measure: Box<Measure>,
}

type Measure = dyn Fn(&Effort) -> Vec<f64>;

/// One line of the table. Less is better, whatever it is.
#[derive(Clone)]
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
    /// At most this.
    AtMost(f64),
    /// At most so many times the best of the peers but this one, which does less in this row than the others.
    TimesTheRecordBut { peer: &'static str, times: f64 },
    /// At most so many times that of the peer with this id.
    TimesThatOf { peer: &'static str, times: f64 },
}

/// What not every peer has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// What pollster has.
    Entry,
    Tasks,
    Timers,
    /// Wakers that mean something.
    Wakes,
    /// Timers, and something better to do than to look at the clock until then.
    Rest,
    /// Wakers that may be used on another thread, and an executor that can be found asleep.
    Threads,
    /// TCP, of its own or by a crate that its users take for it.
    Sockets,
    /// Such TCP under hyper.
    Http,
    /// A way to end a task from outside.
    Aborts,
    /// Groups of tasks.
    Groups,
    /// A limit to how many of many futures run at once.
    Pools,
    /// Tasks that come from other threads.
    Remotes,
    /// Failures of detached tasks are told, by the executor or by the hook.
    Reports,
    /// A program of one's own, and not merely another way to use a crate.
    Crate,
}

/// A place on a curve.
#[derive(Clone, Copy)]
pub struct Point {
    pub curve: Curve,
    pub x: usize,
}

/// How something's cost grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    TasksAlive,
    TimersAlive,
    QueueDepth,
    WakesAPass,
}

impl Curve {
    pub const ALL: [Curve; 4] = [
        Curve::TasksAlive,
        Curve::TimersAlive,
        Curve::QueueDepth,
        Curve::WakesAPass,
    ];

    /// What the ids of its rows have in common.
    pub fn id(self) -> &'static str {
        match self {
            Curve::TasksAlive => "tasks",
            Curve::TimersAlive => "timers",
            Curve::QueueDepth => "queue",
            Curve::WakesAPass => "wakes",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Curve::TasksAlive => "a wake of one of so many waiting tasks",
            Curve::TimersAlive => "create, poll and drop a sleep beside so many",
            Curve::QueueDepth => "`yield_now` of one of so many ready tasks",
            Curve::WakesAPass => "a wake of so many in one pass",
        }
    }
}

impl Row {
    /// A row of one figure, in nanoseconds an operation.
    pub fn new(
        id: impl Into<String>,
        title: impl Into<String>,
        target: Target,
        measure: impl Fn(&Effort) -> f64 + 'static,
    ) -> Self {
        let figure = Figure::new(title, "ns", target);
        Row::of_figures(id, [figure], move |effort| [measure(effort)])
    }

    /// A row of several figures, which one measurement gives.
    pub fn of_figures<const N: usize>(
        id: impl Into<String>,
        figures: [Figure; N],
        measure: impl Fn(&Effort) -> [f64; N] + 'static,
    ) -> Self {
        Row {
            id: id.into(),
            figures: figures.into(),
            needs: Need::Tasks,
            point: None,
            is_pinned: true,
            is_long: false,
            is_in_debug: false,
            measure: Box::new(move |effort| measure(effort).into()),
        }
    }

    pub fn needs(self, needs: Need) -> Self {
        Row { needs, ..self }
    }

    pub fn unpinned(self) -> Self {
        Row {
            is_pinned: false,
            ..self
        }
    }

    pub fn long(self) -> Self {
        Row {
            is_long: true,
            ..self
        }
    }

    pub fn in_debug_too(self) -> Self {
        Row {
            is_in_debug: true,
            ..self
        }
    }

    pub fn at(self, point: Point) -> Self {
        Row {
            is_long: point.x > 1_000,
            point: Some(point),
            ..self
        }
    }

    /// One number for each figure.
    ///
    /// # Panics
    ///
    /// If the workload did not do what it should have.
    pub fn measure(&self, effort: &Effort) -> Vec<f64> {
        (self.measure)(effort)
    }
}

impl Figure {
    pub fn new(title: impl Into<String>, unit: &'static str, target: Target) -> Self {
        Figure {
            title: title.into(),
            unit,
            target,
        }
    }
}

impl Need {
    /// Why there is no figure of a peer that lacks it.
    pub fn lack(self) -> &'static str {
        match self {
            Need::Entry => "it has no such entry",
            Need::Tasks => "it spawns no tasks",
            Need::Wakes => "it polls every task, woken or not",
            Need::Timers => "it has no timers",
            Need::Rest => "it cannot wait for a time without polling",
            Need::Threads => "its wakers must stay on their thread, or it never sleeps",
            Need::Sockets => "it has no sockets, or another column of the same crate has them",
            Need::Http => "its sockets do not fit hyper without a copy of every message",
            Need::Aborts => "its tasks cannot be aborted",
            Need::Groups => "it has no groups",
            Need::Pools => "it has no pool",
            Need::Remotes => {
                "it takes no tasks from other threads, or not without its own means to go there"
            }
            Need::Reports => {
                "measured for candor and tokio: elsewhere it is the same hook that prints"
            }
            Need::Crate => "the program is in the column of another way to use the same crate",
        }
    }

    /// The name of its footnote.
    pub fn name(self) -> &'static str {
        match self {
            Need::Entry => "entry",
            Need::Tasks => "tasks",
            Need::Wakes => "wakes",
            Need::Timers => "timers",
            Need::Rest => "rest",
            Need::Threads => "threads",
            Need::Sockets => "sockets",
            Need::Http => "http",
            Need::Aborts => "aborts",
            Need::Groups => "groups",
            Need::Pools => "pools",
            Need::Remotes => "remotes",
            Need::Reports => "reports",
            Need::Crate => "crate",
        }
    }
}
