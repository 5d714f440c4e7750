//! Failures that nobody awaits, told on stderr with their backtraces.
//!
//! candor reports them itself. Beside it stands what a program on tokio has to arrange: the default hook under
//! `RUST_BACKTRACE=1` for a panic, and for an `Err` a wrapper that prints an error of anyhow. The reports
//! are read and counted: a failure that was not told, or told without its frames, fails the row.

use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::dup;
use rustix::stdio::dup2_stderr;

use super::{in_a_task, run_in_a_task};
use crate::latch::Latch;
use crate::peers::Reports;
use crate::row::Target::{Stated, TimesTheRecord};
use crate::row::{Figure, Need, Row};

pub fn rows<P: Reports>() -> Vec<Row> {
    let all = [
        Row::of_figures(
            "panic-reported",
            [Figure::new(
                "panic detached and reported",
                "µs",
                TimesTheRecord(0.6),
            )],
            |effort| {
                let ns = in_a_task(effort, 1, |peer: P, rounds| {
                    reports(rounds, move |guard| peer.spawn_detached(panics(guard)))
                });
                [ns / 1e3]
            },
        ),
        Row::of_figures(
            "err-reported",
            [Figure::new(
                "`Err` detached and reported",
                "µs",
                TimesTheRecord(1.0),
            )],
            |effort| {
                let ns = in_a_task(effort, 1, |peer: P, rounds| {
                    reports(rounds, move |guard| peer.spawn_failing(guard))
                });
                [ns / 1e3]
            },
        ),
        Row::of_figures(
            "first-report",
            [Figure::new(
                "panic detached and reported, the first of a process",
                "ms",
                Stated,
            )],
            |_| {
                let mut executor = P::build();
                let peer = P::handle(&executor);
                let took = run_in_a_task(&mut executor, &peer, first_report(peer.clone()));
                [took.as_nanos() as f64 / 1e6]
            },
        ),
        Row::of_figures(
            "report-delay",
            [Figure::new(
                "longest delay of a ticking sibling while 100 reports print",
                "ms",
                Stated,
            )],
            |_| {
                let mut executor = P::build();
                let peer = P::handle(&executor);
                let delay = run_in_a_task(&mut executor, &peer, longest_delay(peer.clone()));
                [delay.as_nanos() as f64 / 1e6]
            },
        ),
    ];
    all.into_iter()
        .map(|row| row.needs(Need::Reports))
        .collect()
}

/// What all the panics say, and nothing else does.
const BOOM: &str = "boom";

/// What all the errors say.
const NO_NUMBER: &str = "invalid digit found in string";

/// Says that the task is over, when it is dropped. Its number makes each failure another one: a report that repeats the last one
/// is shorter in candor.
pub struct Guard {
    done: Rc<Latch>,
    number: u64,
}

impl Guard {
    fn new(done: &Rc<Latch>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Guard {
            done: Rc::clone(done),
            number: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.done.count_down();
    }
}

async fn panics(guard: Guard) {
    explode(guard.number);
}

/// A frame for the report to show.
#[inline(never)]
fn explode(number: u64) {
    panic!("{BOOM} {number}");
}

/// An error for `?` to take up.
#[derive(Debug)]
pub struct NoNumber(u64);

impl Display for NoNumber {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{NO_NUMBER} {}", self.0)
    }
}

impl Error for NoNumber {}

pub fn number(guard: &Guard) -> Result<u64, NoNumber> {
    let number = std::hint::black_box("seven").parse();
    number.map_err(|_| NoNumber(guard.number))
}

async fn reports(rounds: u64, spawn: impl Fn(Guard)) -> Duration {
    let stderr = CaughtStderr::catch();
    let done = Latch::new(0);
    // The first report reads the symbols of the program, which is another row's business.
    let mut start = Instant::now();
    for round in 0..=rounds {
        if round == 1 {
            start = Instant::now();
        }
        done.expect(1);
        spawn(Guard::new(&done));
        done.opened().await;
    }
    let took = start.elapsed();
    stderr.assert_tells_of(rounds as usize + 1);
    took
}

/// Cold: the symbols of the program are read for its frames.
async fn first_report<P: Reports>(peer: P) -> Duration {
    let stderr = CaughtStderr::catch();
    let done = Latch::new(1);
    let start = Instant::now();
    peer.spawn_detached(panics(Guard::new(&done)));
    done.opened().await;
    // The report of a task is written before the next one is polled, or by the hook.
    P::yield_now().await;
    let took = start.elapsed();
    stderr.assert_tells_of(1);
    took
}

/// A task that wants to run all the time, beside a hundred that panic. The first report is among theirs.
async fn longest_delay<P: Reports>(peer: P) -> Duration {
    const FAILURES: usize = 100;
    let stderr = CaughtStderr::catch();
    let done = Latch::new(FAILURES);
    let are_done = Rc::new(Cell::new(false));
    let ticker = {
        let are_done = Rc::clone(&are_done);
        peer.spawn(async move {
            let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
            while !are_done.get() {
                P::yield_now().await;
                longest = longest.max(last.elapsed());
                last = Instant::now();
            }
            longest.as_nanos() as u64
        })
    };
    for _ in 0..FAILURES {
        peer.spawn_detached(panics(Guard::new(&done)));
    }
    done.opened().await;
    are_done.set(true);
    let longest = P::join(ticker).await;
    stderr.assert_tells_of(FAILURES);
    Duration::from_nanos(longest)
}

/// What is written to stderr goes to a file in memory.
struct CaughtStderr(File);

impl CaughtStderr {
    fn catch() -> Self {
        assert!(
            std::env::var("RUST_BACKTRACE").is_ok_and(|value| value == "1"),
            "set RUST_BACKTRACE=1: without it tokio's reports have no backtraces",
        );
        let file = memfd_create("stderr", MemfdFlags::CLOEXEC).expect("memory can be a file");
        dup2_stderr(&file).expect("stderr can be redirected");
        let reader = dup(file.as_fd()).expect("an open file can be opened twice");
        CaughtStderr(reader.into())
    }

    /// Each report tells the message and the frames, once.
    fn assert_tells_of(mut self, failures: usize) {
        let mut told = String::new();
        self.0.rewind().expect("memory can be read from its start");
        self.0
            .read_to_string(&mut told)
            .expect("reports are text, and memory can be read");
        let messages = told.matches(BOOM).count() + told.matches(NO_NUMBER).count();
        let backtraces = told.lines().filter(|line| is_head_of_frames(line)).count();
        assert_eq!(
            (messages, backtraces),
            (failures, failures),
            "(messages, backtraces) in the reports"
        );
    }
}

/// std, anyhow and candor begin the frames with such a line.
fn is_head_of_frames(line: &str) -> bool {
    ["stack backtrace:", "Stack backtrace:", "backtrace"]
        .iter()
        .any(|head| line.trim_start().starts_with(head))
}
