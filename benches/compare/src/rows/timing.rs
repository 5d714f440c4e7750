//! Sleeps and timeouts that never come to their end: what being ready to wait costs.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::in_a_task;
use crate::peers::Timers;
use crate::row::Row;
use crate::row::Target::TimesTheRecord;

pub fn rows<P: Timers>() -> Vec<Row> {
    vec![
        Row::new(
            "sleep",
            "sleep: create, poll, drop",
            TimesTheRecord(0.75),
            |effort| in_a_task(effort, 1, one_sleep::<P>),
        ),
        Row::new(
            "timeout",
            "`timeout(10 s, yield_now())`",
            TimesTheRecord(0.7),
            |effort| in_a_task(effort, 1, timeouts::<P>),
        ),
    ]
}

const LONG: Duration = Duration::from_secs(10);

async fn one_sleep<P: Timers>(_peer: P, rounds: u64) -> Duration {
    let mut waiting = 0;
    let start = Instant::now();
    for _ in 0..rounds {
        let mut sleep = pin!(P::sleep(LONG));
        let poll = poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx))).await;
        waiting += u64::from(poll.is_pending());
    }
    let took = start.elapsed();
    assert_eq!(waiting, rounds);
    took
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
