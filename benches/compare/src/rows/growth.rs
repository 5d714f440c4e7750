//! How cost grows: the same operation among ever more of what could slow it down.
//!
//! Flat is what it should be, but for the caches, which no executor makes larger.

use std::time::{Duration, Instant};

use super::timers::{Sleeps, scattered};
use super::waking::storm;
use super::yielding::yields;
use super::{Waiting, in_a_task, number_from_a_task};
use crate::effort::Effort;
use crate::peers::{Peer, Timers};
use crate::row::Curve::{self, QueueDepth, TasksAlive, TimersAlive, WakesAPass};
use crate::row::{Need, Point, Row, Target::Stated};

pub fn rows<P: Peer>() -> Vec<Row> {
    let deep_queues = points(QueueDepth, 1_000_000, |effort, x| {
        in_a_task(effort, x, move |peer, rounds| yields::<P>(peer, rounds, x))
    });
    let storms = points(WakesAPass, 1_000_000, |effort, x| {
        in_a_task(effort, x, move |peer, rounds| storm::<P>(peer, rounds, x))
    });
    deep_queues.chain(storms).collect()
}

pub fn rows_among_waiting<P: Peer>() -> Vec<Row> {
    let among_tasks = points(TasksAlive, 10_000_000, |&effort, x| {
        number_from_a_task(move |peer: P| wakes_among(peer, effort, x))
    });
    among_tasks.map(|row| row.needs(Need::Wakes)).collect()
}

pub fn rows_of_timers<P: Timers>() -> Vec<Row> {
    let among_timers = points(TimersAlive, 10_000_000, |&effort, x| {
        number_from_a_task(move |_: P| sleeps_among::<P>(effort, x))
    });
    among_timers.map(|row| row.needs(Need::Timers)).collect()
}

/// One row at each power of ten.
fn points(
    curve: Curve,
    last: usize,
    measure: impl Fn(&Effort, usize) -> f64 + Copy + 'static,
) -> impl Iterator<Item = Row> {
    let tens = std::iter::successors(Some(1), |x| Some(x * 10));
    tens.take_while(move |&x| x <= last).map(move |x| {
        let id = format!("grow-{}-{x}", curve.id());
        let row = Row::new(id, x.to_string(), Stated, move |effort| measure(effort, x));
        row.at(Point { curve, x })
    })
}

/// Wakes tasks that are far from each other, so that each is as cold as it would be in a program.
async fn wakes_among<P: Peer>(peer: P, effort: Effort, alive: usize) -> f64 {
    let waiting = Waiting::places_for(alive);
    waiting.take_places(&peer).await;
    let at_a_time = alive.min(100);
    // Has no factor in common with a power of ten, so that it comes by every task.
    let stride = 618_033_989;
    let mut next = 0;
    let wakes = effort.ns_per_op_within(at_a_time, async |rounds| {
        let start = Instant::now();
        for _ in 0..rounds {
            let first = next;
            next = (first + stride * at_a_time) % alive;
            let far_apart = (0..at_a_time).map(|step| (first + stride * step) % alive);
            waiting.wake(far_apart).await;
        }
        start.elapsed()
    });
    let ns = wakes.await;
    waiting.end().await;
    ns
}

/// Creates, polls and drops sleeps beside those that stay.
async fn sleeps_among<P: Timers>(effort: Effort, alive: usize) -> f64 {
    let mut stay = Sleeps::new(alive, |number| P::sleep(scattered(number)));
    stay.fill::<P>().await;
    let at_a_time = 100;
    let mut others = Sleeps::new(at_a_time, |number| P::sleep(scattered(number * 7_919)));
    let others_come_and_go = effort.ns_per_op_within(at_a_time, async |rounds| {
        let mut took = Duration::ZERO;
        for _ in 0..rounds {
            took += others.fill::<P>().await;
            took += others.clear();
        }
        took
    });
    others_come_and_go.await
}
