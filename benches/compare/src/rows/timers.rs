//! Sleeps and timeouts that never come to their end: what it costs to be ready to wait.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::in_a_task;
use crate::peers::{Peer, Timers};
use crate::row::Row;
use crate::row::{Need, Target, Target::TimesTheRecord};

pub fn rows<P: Timers>() -> Vec<Row> {
    let all = vec![
        Row::new(
            "sleep",
            "sleep: create, poll, drop",
            of_the_punctual(0.75),
            |effort| in_a_task(effort, AT_A_TIME, one_by_one::<P>),
        )
        .in_debug_too(),
        Row::new(
            "sleeps-create",
            "1e5 sleeps alive: create and poll",
            TimesTheRecord(0.75),
            |effort| {
                let count = effort.count(100_000);
                in_a_task(effort, count, move |_: P, rounds| {
                    many::<P>(rounds, count, Half::CreateAndPoll)
                })
            },
        ),
        Row::new(
            "sleeps-drop",
            "1e5 sleeps alive: drop",
            TimesTheRecord(0.5),
            |effort| {
                let count = effort.count(100_000);
                in_a_task(effort, count, move |_: P, rounds| {
                    many::<P>(rounds, count, Half::Drop)
                })
            },
        ),
        Row::new(
            "timeout",
            "`timeout(10 s, yield_now())`",
            of_the_punctual(0.7),
            |effort| in_a_task(effort, 1, timeouts::<P>),
        ),
    ];
    all.into_iter().map(|row| row.needs(Need::Timers)).collect()
}

/// nio makes a sleep without a look at the clock, which is half of the cost: it takes the time of its loop's last look. So what
/// is made after 50 ms of work is 50 ms too early. Its figures are shown, and the record is the best of the others.
fn of_the_punctual(times: f64) -> Target {
    Target::TimesTheRecordBut { peer: "nio", times }
}

const LONG: Duration = Duration::from_secs(10);

/// Between 10 and 20 s, in an order that is as good as none.
pub fn scattered(number: usize) -> Duration {
    LONG + Duration::from_nanos(
        (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) % 10_000_000_000,
    )
}

/// After so many a task lets others run. tokio insists: past 128 it says `Pending` without looking, and a
/// workload that went on would measure nothing.
const AT_A_TIME: usize = 100;

/// A round is as many as may be polled at a time.
async fn one_by_one<P: Timers>(_peer: P, rounds: u64) -> Duration {
    let mut took = Duration::ZERO;
    for _ in 0..rounds {
        took += poll_fn(|cx| {
            let start = Instant::now();
            for _ in 0..AT_A_TIME {
                let mut sleep = pin!(P::sleep(LONG));
                assert!(sleep.as_mut().poll(cx).is_pending());
            }
            Poll::Ready(start.elapsed())
        })
        .await;
        P::yield_now().await;
    }
    took
}

/// What of a round is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    CreateAndPoll,
    Drop,
}

async fn many<P: Timers>(rounds: u64, count: usize, measured: Half) -> Duration {
    let mut sleeps = Sleeps::new(count, |number| P::sleep(scattered(number)));
    let mut took = Duration::ZERO;
    for _ in 0..rounds {
        let filling = sleeps.fill::<P>().await;
        let clearing = sleeps.clear();
        took += match measured {
            Half::CreateAndPoll => filling,
            Half::Drop => clearing,
        };
    }
    took
}

/// Sleeps that are alive all at once, in room that is there before them: its allocation is not theirs.
pub struct Sleeps<S, F> {
    places: Vec<Pin<Box<Option<S>>>>,
    make: F,
}

impl<S, F> Sleeps<S, F>
where
    S: Future<Output = ()>,
    F: Fn(usize) -> S,
{
    pub fn new(count: usize, make: F) -> Self {
        Sleeps {
            places: (0..count).map(|_| Box::pin(None)).collect(),
            make,
        }
    }

    /// Creates and polls every one, and says how long that took.
    pub async fn fill<P: Peer>(&mut self) -> Duration {
        let Sleeps { places, make } = self;
        let mut took = Duration::ZERO;
        let mut number = 0;
        for chunk in places.chunks_mut(AT_A_TIME) {
            took += poll_fn(|cx| {
                let start = Instant::now();
                for place in &mut *chunk {
                    place.set(Some(make(number)));
                    let sleep = place.as_mut().as_pin_mut();
                    let poll = sleep.map(|sleep| sleep.poll(cx));
                    assert_eq!(poll, Some(Poll::Pending));
                    number += 1;
                }
                Poll::Ready(start.elapsed())
            })
            .await;
            P::yield_now().await;
        }
        took
    }

    /// Drops every one, and says how long that took.
    pub fn clear(&mut self) -> Duration {
        let start = Instant::now();
        for place in &mut self.places {
            place.set(None);
        }
        start.elapsed()
    }
}

async fn timeouts<P: Timers>(_peer: P, rounds: u64) -> Duration {
    let mut in_time = 0;
    let start = Instant::now();
    for _ in 0..rounds {
        in_time += u64::from(P::timeout(LONG, P::yield_now()).await.is_some());
    }
    let took = start.elapsed();
    assert_eq!(in_time, rounds);
    took
}
