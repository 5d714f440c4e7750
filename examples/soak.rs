//! Everything at once, for as long as you like, with exact accounts.
//!
//! ```sh
//! cargo run --release --example soak                  # 30 minutes
//! cargo run --release --example soak -- --minutes 1
//! ```
//!
//! A round does some of everything: tasks, timers, groups, pools, tasks from other threads, wakes from other threads, sockets,
//! and failures of each kind. Each part counts what it does and panics if a number is wrong. Between two rounds nothing is alive,
//! so three more things are exact there:
//!
//! - no task is left, and no failure is lost or reported twice;
//! - the program holds as many bytes as it held after half a minute, to a page;
//! - at the end, an executor that waits takes less than a hundredth of a processor.
//!
//! The exit code is 0 if all of it held.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicU64, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use async_io::Async;
use candor::time::timeout;
use candor::{Executor, FailureKind, Remote, TaskGroup, TaskPool};
use futures::{AsyncReadExt, AsyncWriteExt};

const PAGE: isize = 4096;
const MINUTE: Duration = Duration::from_secs(60);

/// What has been done so far, and what has been reported.
#[derive(Default)]
struct Books {
    tasks: Cell<u64>,
    timers: Cell<u64>,
    /// What has to be reported: failures that nobody awaits, and panics that tasks catch.
    failed: Cell<u64>,
    caught: Cell<u64>,
    reported: Cell<u64>,
    reported_caught: Cell<u64>,
}

fn add(cell: &Cell<u64>, more: u64) {
    cell.set(cell.get() + more);
}

fn main() -> ExitCode {
    let Some(minutes) = minutes_asked_for() else {
        eprintln!("usage: soak [--minutes N]");
        return ExitCode::from(2);
    };
    let books = Rc::new(Books::default());
    let reported = Rc::clone(&books);
    let builder = Executor::builder().on_failure(move |failure| match failure.kind() {
        FailureKind::Caught => add(&reported.reported_caught, 1),
        _ => add(&reported.reported, 1),
    });
    let executor = builder.build();
    let remote = executor.remote();
    let start = Instant::now();
    let mut rounds = 0;
    let mut run_until = |end: Duration| {
        while start.elapsed() < end {
            executor.block_on(round(&books, &remote, rounds));
            executor.drain();
            assert!(executor.tasks().is_empty(), "{}", executor.tasks());
            assert_eq!(books.reported.get(), books.failed.get());
            assert_eq!(books.reported_caught.get(), books.caught.get());
            rounds += 1;
        }
        HELD.load(Ordering::Relaxed)
    };
    let before = run_until(MINUTE / 2);
    for minute in 1..=minutes {
        let held = run_until(minute * MINUTE);
        println!(
            "minute {minute}: {} tasks, {} timers, {} failures reported, {held} bytes held",
            books.tasks.get(),
            books.timers.get(),
            books.reported.get(),
        );
        assert!((held - before).abs() < PAGE, "it was {before}");
    }
    println!("{rounds} rounds");
    let busy = busy_while_waiting(&executor);
    println!("waiting takes {:.2} % of a processor", busy * 100.0);
    assert!(busy < 0.01);
    ExitCode::SUCCESS
}

fn minutes_asked_for() -> Option<u32> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => Some(30),
        [option, minutes] if option == "--minutes" => {
            minutes.parse().ok().filter(|minutes| *minutes > 0)
        }
        _ => None,
    }
}

/// Some of everything, side by side. A part that finds a wrong number panics, which ends the group and the program.
async fn round(books: &Rc<Books>, remote: &Remote, number: u64) {
    let group = TaskGroup::new();
    let books = || Rc::clone(books);
    drop(group.spawn(tasks(books(), number)));
    drop(group.spawn(timers(books(), number)));
    drop(group.spawn(groups(books())));
    drop(group.spawn(pools(books())));
    drop(group.spawn(failures(books())));
    drop(group.spawn(other_threads(books(), remote.clone())));
    drop(group.spawn(wakes(number)));
    drop(group.spawn(sockets(number)));
    group.join().await.unwrap();
}

/// A thousand tasks that are joined, some that are aborted, and a chain in which each awaits the next.
async fn tasks(books: Rc<Books>, number: u64) {
    let joined: Vec<_> = (0..1_000_u64)
        .map(|task| candor::spawn(async move { task + number }))
        .collect();
    let mut sum = 0;
    for task in joined {
        sum += task.await.unwrap();
    }
    assert_eq!(sum, 499_500 + 1_000 * number);
    let aborted: Vec<_> = (0..100)
        .map(|_| candor::spawn(std::future::pending::<()>()))
        .collect();
    candor::yield_now().await;
    for task in aborted {
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    let mut last = candor::spawn(async { 0 });
    for _ in 0..100 {
        last = candor::spawn(async move { last.await.unwrap() + 1 });
    }
    assert_eq!(last.await.unwrap(), 100);
    add(&books.tasks, 1_201);
}

/// Sleeps that end, sleeps that are dropped, and timeouts. None ends early.
async fn timers(books: Rc<Books>, number: u64) {
    let sleepers: Vec<_> = (0..200_u64)
        .map(|sleeper| {
            let nap = Duration::from_micros((sleeper * 7_919 + number * 104_729) % 20_000);
            candor::spawn(async move {
                let start = Instant::now();
                candor::sleep(nap).await;
                assert!(start.elapsed() >= nap, "a sleep ended early");
            })
        })
        .collect();
    let never = std::future::pending::<()>();
    assert!(timeout(Duration::from_millis(5), never).await.is_err());
    for sleeper in sleepers {
        sleeper.await.unwrap();
    }
    let mut unused = Box::pin(candor::sleep(MINUTE));
    assert!(futures::poll!(&mut unused).is_pending());
    add(&books.timers, 202);
    add(&books.tasks, 200);
}

/// A linked group in which two fail, and an independent one in which three do.
async fn groups(books: Rc<Books>) {
    let linked = TaskGroup::<&str>::typed();
    for member in 0..10 {
        drop(linked.spawn(async move {
            candor::yield_now().await;
            match member {
                3 | 4 => Err::<(), _>("linked"),
                _ => std::future::pending().await,
            }
        }));
    }
    let error = linked.join().await.unwrap_err();
    assert!((1..=2).contains(&error.failures().len()));
    let independent = TaskGroup::independent();
    for member in 0..10 {
        drop(independent.spawn(async move {
            candor::yield_now().await;
            if member < 3 {
                Err("independent")
            } else {
                Ok(())
            }
        }));
    }
    let summary = independent.join().await;
    assert_eq!(
        (summary.succeeded, summary.failed, summary.cancelled),
        (7, 3, 0)
    );
    add(&books.failed, 3);
    add(&books.tasks, 20);
}

async fn pools(books: Rc<Books>) {
    let pool = TaskPool::new(8);
    let squares = pool.map(0..200_u64, |input| async move {
        candor::yield_now().await;
        input * input
    });
    let squares = squares.collect().await.unwrap();
    assert_eq!(
        squares,
        (0..200).map(|input| input * input).collect::<Vec<_>>()
    );
    let mut results = pool.completed(0..200, |input| async move {
        if input % 10 == 0 { Err(input) } else { Ok(()) }
    });
    let mut failed = 0;
    while let Some(result) = results.next().await {
        failed += u64::from(result.is_err());
    }
    assert_eq!(failed, 20);
    add(&books.tasks, 400);
}

/// Failures of each kind. Those that are awaited are not reported, and the others are, each once.
async fn failures(books: Rc<Books>) {
    for _ in 0..10 {
        candor::spawn(async { panic!("detached") }).detach();
        candor::spawn(async { Err::<(), _>("detached") }).detach();
        let unread = candor::spawn(async { Err::<(), _>("its handle goes unread") });
        let read = candor::spawn(async { Err::<(), _>("awaited") });
        read.await.unwrap_err();
        drop(unread);
        let passed_on = candor::spawn(async {
            candor::spawn(async { Err::<(), _>("the first one") }).await?;
            candor::Ok(())
        });
        passed_on.detach();
        candor::spawn(async { drop(std::panic::catch_unwind(|| panic!("caught"))) }).detach();
    }
    // The failure that is passed on comes two polls later.
    for _ in 0..3 {
        candor::yield_now().await;
    }
    add(&books.failed, 40);
    add(&books.caught, 10);
    add(&books.tasks, 70);
}

/// Four threads spawn here, and wait there.
async fn other_threads(books: Rc<Books>, remote: Remote) {
    let threads = (0..4_u64).map(|thread| {
        let remote = remote.clone();
        blocking_thread(move || {
            candor::block_on(async {
                for task in 0..50 {
                    let handle = remote.spawn(move || async move { thread * task }).unwrap();
                    assert_eq!(handle.await.unwrap(), thread * task);
                }
            });
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.await;
    }
    add(&books.tasks, 200);
}

/// Runs a function on a thread of its own, and waits for it.
async fn blocking_thread(work: impl FnOnce() + Send + 'static) {
    let (done, is_done) = async_channel::bounded::<()>(1);
    let thread = thread::spawn(move || {
        work();
        drop(done);
    });
    is_done.recv().await.unwrap_err();
    thread.join().unwrap();
}

/// Two threads count, and wake one task after each step. It sees the last step of both.
async fn wakes(number: u64) {
    let steps = 100 + number % 50;
    let counted = Arc::new(AtomicU64::new(0));
    let mut threads = Vec::new();
    poll_fn(|cx| {
        if threads.is_empty() {
            threads.extend((0..2).map(|_| {
                let (counted, waker) = (Arc::clone(&counted), cx.waker().clone());
                thread::spawn(move || {
                    for _ in 0..steps {
                        counted.fetch_add(1, Ordering::Release);
                        waker.wake_by_ref();
                    }
                })
            }));
        }
        match counted.load(Ordering::Acquire) == 2 * steps {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}

/// A message goes back and forth twenty times.
async fn sockets(number: u64) {
    let echo = async || -> io::Result<u64> {
        let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0))?;
        let address = listener.get_ref().local_addr()?;
        let server = candor::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            let mut message = [0; 8];
            while stream.read_exact(&mut message).await.is_ok() {
                stream.write_all(&message).await?;
            }
            candor::Ok(())
        });
        let mut stream = Async::<TcpStream>::connect(address).await?;
        let mut message = number.to_le_bytes();
        for _ in 0..20 {
            stream.write_all(&message).await?;
            stream.read_exact(&mut message).await?;
        }
        drop(stream);
        server.await.unwrap();
        Ok(u64::from_le_bytes(message))
    };
    assert_eq!(echo().await.unwrap(), number);
}

/// The share of a processor that the whole program takes while its executor waits for a timer.
fn busy_while_waiting(executor: &Executor) -> f64 {
    let wait = Duration::from_secs(3);
    let before = processor_time();
    executor.block_on(candor::sleep(wait));
    (processor_time() - before).div_duration_f64(wait)
}

/// What the process has used so far, as Linux says it: user and system time, in hundredths of a second.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let times = after_name.split_whitespace().skip(11).take(2);
    let hundredths = times
        .filter_map(|time| time.parse::<u64>().ok())
        .sum::<u64>();
    Duration::from_millis(10 * hundredths)
}

/// Counts the bytes that the program holds.
struct Counting;

static HELD: AtomicIsize = AtomicIsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: Each call is passed on unchanged to the system's allocator, and counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: The caller promises what this function must promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: As above; the block came from `alloc`, and so from the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }
}
