//! Sleeps that come to their end: how late it gets, and what it costs until then.
//!
//! ```text
//! sleep(d) is called ──────────── d ────────────┤ due ├── lateness ──┤ the task runs on
//! ```
//!
//! A sleep that ends early fails its row. CPU time is that of the whole process, so that what a helper thread does
//! is counted.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::run_in_a_task;
use crate::effort::Effort;
use crate::latch::Latch;
use crate::peers::Timers;
use crate::row::Target::{TimesThatOf, TimesTheRecord};
use crate::row::{Figure, Need, Row};

pub fn rows<P: Timers>() -> Vec<Row> {
    vec![
        lateness_row(|effort| {
            let mut executor = P::build();
            let peer = P::handle(&executor);
            let time = effort.time(Duration::from_secs(1));
            let late = Rc::new(RefCell::new(Lateness::default()));
            let cpu = cpu_time();
            let took = run_in_a_task(
                &mut executor,
                &peer,
                sleepers(peer.clone(), time, Rc::clone(&late)),
            );
            late.take().figures(cpu_time() - cpu, took)
        }),
        Row::new(
            "sleepers-1e6",
            "1e6 sleepers over 1 s, CPU each",
            TimesTheRecord(0.7),
            |effort| {
                let count = effort.count(1_000_000);
                let time = effort.time(Duration::from_secs(1));
                let mut executor = P::build();
                let peer = P::handle(&executor);
                let cpu = cpu_time();
                run_in_a_task(
                    &mut executor,
                    &peer,
                    many_sleepers(peer.clone(), count, time),
                );
                (cpu_time() - cpu).as_nanos() as f64 / count as f64
            },
        )
        .needs(Need::Rest),
    ]
}

/// For the reference: a thread that parks until the next of its deadlines, which is the best that a loop
/// could do by these means.
pub fn bare_row() -> Row {
    lateness_row(|effort| {
        let cpu = cpu_time();
        let start = Instant::now();
        let late = park_until_each(start + effort.time(Duration::from_secs(1)));
        late.figures(cpu_time() - cpu, start.elapsed())
    })
}

fn lateness_row(measure: impl Fn(&Effort) -> [f64; 3] + 'static) -> Row {
    let record = TimesTheRecord(1.0);
    Row::of_figures(
        "lateness",
        [
            Figure::new("lateness of 100 sleepers, p50", "µs", record),
            Figure::new("lateness of 100 sleepers, p99", "µs", record),
            Figure::new(
                "a core, kept busy by them",
                "%",
                TimesThatOf {
                    peer: "tokio-localset",
                    times: 1.0,
                },
            ),
        ],
        measure,
    )
    .needs(Need::Rest)
}

const SLEEPERS: usize = 100;

/// 1 to 20 ms, in an order that is as good as none.
fn nap(number: u64) -> Duration {
    Duration::from_nanos(1_000_000 + number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 19_000_000)
}

#[derive(Default)]
struct Lateness(Vec<Duration>);

impl Lateness {
    /// Notes a sleep that is over now.
    fn note(&mut self, due: Instant) {
        let now = Instant::now();
        assert!(now >= due, "a sleep ended {:?} early", due - now);
        self.0.push(now - due);
    }

    /// p50, p99 and the share of a core.
    fn figures(mut self, cpu: Duration, took: Duration) -> [f64; 3] {
        self.0.sort();
        let at = |share: usize| self.0[self.0.len() * share / 100].as_nanos() as f64 / 1e3;
        [at(50), at(99), 100.0 * cpu.div_duration_f64(took)]
    }
}

/// A hundred tasks that take one nap after another until the time is over.
async fn sleepers<P: Timers>(peer: P, time: Duration, late: Rc<RefCell<Lateness>>) -> Duration {
    let done = Latch::new(SLEEPERS);
    let start = Instant::now();
    for sleeper in 0..SLEEPERS as u64 {
        let (late, done) = (Rc::clone(&late), Rc::clone(&done));
        peer.spawn_detached(async move {
            let mut number = sleeper;
            while start.elapsed() < time {
                let due = Instant::now() + nap(number);
                P::sleep(nap(number)).await;
                late.borrow_mut().note(due);
                number += SLEEPERS as u64;
            }
            done.count_down();
        });
    }
    done.opened().await;
    start.elapsed()
}

/// The same naps without an executor: a heap of deadlines.
fn park_until_each(end: Instant) -> Lateness {
    let mut late = Lateness::default();
    let now = Instant::now();
    let mut due: BinaryHeap<_> = (0..SLEEPERS as u64)
        .map(|number| Reverse((now + nap(number), number)))
        .collect();
    while let Some(Reverse((next, number))) = due.pop() {
        while let Some(left) = next
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
        {
            thread::park_timeout(left);
        }
        late.note(next);
        let now = Instant::now();
        if now < end {
            let number = number + SLEEPERS as u64;
            due.push(Reverse((now + nap(number), number)));
        }
    }
    late
}

/// Each sleeps once, until its own moment.
async fn many_sleepers<P: Timers>(peer: P, count: usize, time: Duration) -> Duration {
    let done = Latch::new(count);
    let start = Instant::now();
    for number in 0..count as u32 {
        let done = Rc::clone(&done);
        let nap = time * (number.wrapping_mul(0x9E37_79B1) >> 16) / (1 << 16);
        peer.spawn_detached(async move {
            let due = Instant::now() + nap;
            P::sleep(nap).await;
            assert!(Instant::now() >= due, "a sleep ended early");
            done.count_down();
        });
    }
    done.opened().await;
    start.elapsed()
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
