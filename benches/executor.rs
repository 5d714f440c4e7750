//! What the parts of candor cost, for tuning.
//!
//! ```sh
//! cargo bench                      # measures
//! cargo bench -- --test            # runs each once, to see that it works
//! cargo bench -- yield_now         # measures some
//! ```
//!
//! Compare runs on one machine, before and after a change; alone, a figure says little. Every benchmark
//! checks what it has done, so that one cannot become fast by doing nothing.

use std::cell::Cell;
use std::future::{poll_fn, ready};
use std::hint::black_box;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use candor::{Executor, JoinHandle, spawn, yield_now};
use criterion::{Bencher, Criterion, Throughput, criterion_group, criterion_main};

criterion_group!(benches, entering, tasks, polls, wakers, timers, failures);
criterion_main!(benches);

fn entering(criterion: &mut Criterion) {
    criterion.bench_function("block_on/ready", |bencher| {
        bencher.iter(|| assert_eq!(candor::block_on(ready(black_box(1))), 1));
    });
    criterion.bench_function("block_on/one task", |bencher| {
        bencher.iter(|| {
            assert_eq!(
                candor::block_on(async { spawn(async { 1 }).await.unwrap() }),
                1
            )
        });
    });
}

fn tasks(criterion: &mut Criterion) {
    criterion.bench_function("spawn/and await", |bencher| {
        in_an_executor(bencher, async |rounds| {
            for round in 0..rounds {
                assert_eq!(spawn(async move { black_box(round) }).await.unwrap(), round);
            }
        });
    });

    let mut group = criterion.benchmark_group("spawn");
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("1000, then join", |bencher| {
        in_an_executor(bencher, async |rounds| {
            for _ in 0..rounds {
                let handles: Vec<_> = (0..1_000u64).map(|n| spawn(async move { n })).collect();
                assert_eq!(sum_of(handles).await, 499_500);
            }
        });
    });
    group.finish();
}

/// One round is one `yield_now` of each task.
fn polls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("yield_now");
    for count in [1, 10, 1_000] {
        group.throughput(Throughput::Elements(count));
        group.bench_function(format!("{count} tasks"), |bencher| {
            in_an_executor(bencher, async |rounds| {
                let handles = (0..count).map(|_| spawn(yield_often(rounds))).collect();
                assert_eq!(sum_of(handles).await, count * rounds);
            });
        });
    }
    group.finish();
}

fn wakers(criterion: &mut Criterion) {
    // One round: a task that runs wakes each of a hundred that wait.
    let mut group = criterion.benchmark_group("wake");
    group.throughput(Throughput::Elements(100));
    group.bench_function("100 waiting tasks", |bencher| {
        in_an_executor(bencher, async |rounds| {
            let polls = Rc::new(Cell::new(0));
            let wakers: Vec<_> = (0..100).map(|_| Rc::new(Cell::new(None))).collect();
            let waiting: Vec<_> = wakers
                .iter()
                .map(|waker| spawn(count_polls(Rc::clone(waker), Rc::clone(&polls))))
                .collect();
            yield_now().await;
            for _ in 0..rounds {
                for waker in &wakers {
                    waker.take().unwrap().wake();
                }
                yield_now().await;
            }
            assert_eq!(polls.get(), 100 * (rounds + 1));
            waiting.iter().for_each(JoinHandle::abort);
        });
    });
    group.finish();

    criterion.bench_function("waker/clone and drop", |bencher| {
        in_an_executor(bencher, async |rounds| {
            let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            for _ in 0..rounds {
                drop(black_box(black_box(&waker).clone()));
            }
            assert!(waker.will_wake(&waker.clone()));
        });
    });
}

fn timers(criterion: &mut Criterion) {
    criterion.bench_function("sleep/make, poll and drop", |bencher| {
        in_an_executor(bencher, async |rounds| {
            let mut waiting = 0;
            for _ in 0..rounds {
                let mut sleep = pin!(candor::sleep(Duration::from_secs(10)));
                let poll = poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx))).await;
                waiting += u64::from(poll.is_pending());
            }
            assert_eq!(waiting, rounds);
        });
    });
    criterion.bench_function("timeout/of a yield_now", |bencher| {
        in_an_executor(bencher, async |rounds| {
            let mut in_time = 0;
            for _ in 0..rounds {
                let timeout = candor::time::timeout(Duration::from_secs(10), yield_now());
                in_time += u64::from(timeout.await.is_ok());
            }
            assert_eq!(in_time, rounds);
        });
    });
}

/// A failure that its awaiter takes. What is reported costs as much as the terminal.
fn failures(criterion: &mut Criterion) {
    criterion.bench_function("join/an Err", |bencher| {
        in_an_executor(bencher, async |rounds| {
            for round in 0..rounds {
                let task = spawn(async move { Err::<(), _>(black_box(round)) });
                assert_eq!(task.await.unwrap_err().into_failed().unwrap(), round);
            }
        });
    });
    criterion.bench_function("join/a candor::Error", |bencher| {
        in_an_executor(bencher, async |rounds| {
            let mut failed = 0;
            for _ in 0..rounds {
                let task = spawn(async { Err::<(), _>(candor::Error::new("boom")) });
                failed += u64::from(task.await.is_err());
            }
            assert_eq!(failed, rounds);
        });
    });
    criterion.bench_function("join/a panic", |bencher| {
        in_an_executor(bencher, async |rounds| {
            let mut panicked = 0;
            for _ in 0..rounds {
                let task = spawn(async { panic!("boom") });
                panicked += u64::from(task.await.unwrap_err().is_panic());
            }
            assert_eq!(panicked, rounds);
        });
    });
}

/// Measures `run(rounds)` within an executor that is entered already, and sees that nothing failed.
fn in_an_executor(bencher: &mut Bencher<'_>, run: impl AsyncFn(u64)) {
    let executor = Executor::new();
    bencher.iter_custom(|rounds| {
        executor.block_on(async {
            let start = Instant::now();
            run(rounds).await;
            start.elapsed()
        })
    });
    assert_eq!(executor.failures(), 0);
}

async fn sum_of(handles: Vec<JoinHandle<u64>>) -> u64 {
    let mut sum = 0;
    for handle in handles {
        sum += handle.await.unwrap();
    }
    sum
}

async fn yield_often(rounds: u64) -> u64 {
    for _ in 0..rounds {
        yield_now().await;
    }
    rounds
}

/// Leaves its waker behind at every poll, and never ends.
async fn count_polls(waker: Rc<Cell<Option<Waker>>>, polls: Rc<Cell<u64>>) {
    poll_fn(|cx: &mut Context<'_>| {
        polls.set(polls.get() + 1);
        waker.set(Some(cx.waker().clone()));
        Poll::<()>::Pending
    })
    .await
}
