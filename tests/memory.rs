//! What an executor has allocated is given back.
//!
//! A global allocator counts, so this file has one test: another one beside it would be counted as well.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::thread;
use std::time::Duration;

struct Counting;

/// How many bytes are allocated, and how many blocks.
static BYTES: AtomicIsize = AtomicIsize::new(0);
static BLOCKS: AtomicIsize = AtomicIsize::new(0);

// SAFETY: All is done by `System`, which is given what the caller gave.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size() as isize, Ordering::SeqCst);
        BLOCKS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: As above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as isize, Ordering::SeqCst);
        BLOCKS.fetch_sub(1, Ordering::SeqCst);
        // SAFETY: As above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocated() -> (isize, isize) {
    (BYTES.load(Ordering::SeqCst), BLOCKS.load(Ordering::SeqCst))
}

/// Spawns tasks of two sizes and joins them, on a thread that ends.
fn run_tasks(tasks: usize) {
    let thread = thread::spawn(move || {
        candor::block_on(async {
            let small: Vec<_> = (0..tasks)
                .map(|n| candor::spawn(async move { n }))
                .collect();
            let large: Vec<_> = (0..tasks).map(|n| candor::spawn(large(n))).collect();
            for (number, task) in small.into_iter().enumerate() {
                assert_eq!(task.await.unwrap(), number);
            }
            for (number, task) in large.into_iter().enumerate() {
                assert_eq!(task.await.unwrap(), number);
            }
        });
    });
    thread.join().unwrap();
}

async fn large(number: usize) -> usize {
    let numbers = [number; 64];
    candor::yield_now().await;
    numbers[number % 64]
}

#[test]
fn what_tasks_and_sleeps_have_taken_is_given_back() {
    // What a process has once: the hook, the inbox of the first executor, what std keeps of threads, and a reactor, if one is used.
    candor::block_on(candor::sleep(Duration::from_millis(1)));
    run_tasks(10);
    let (bytes, blocks) = allocated();
    let grown = || (allocated().0 - bytes, allocated().1 - blocks);
    for _ in 0..20 {
        run_tasks(10);
    }
    // One block a round would be 20. The harness may allocate meanwhile.
    let (bytes, blocks) = grown();
    assert!(
        bytes.abs() < 1024 && blocks.abs() < 10,
        "{bytes} bytes in {blocks} blocks"
    );
    // The core of an executor is kept for the next one, but not with a large table. Tasks of this size are not kept either.
    let start = allocated().0;
    candor::block_on(async {
        for number in 0..5_000 {
            let task = async move {
                let numbers = [number; 512];
                std::future::pending::<()>().await;
                std::hint::black_box(&numbers);
            };
            candor::TaskBuilder::new().daemon().spawn(task).detach();
        }
    });
    let kept = allocated().0 - start;
    assert!(kept < 64 * 1024, "{kept} bytes are kept");
    // More than a thread keeps. The inbox has a bit for each slot from now on. (The tables of these tasks take megabytes. What a
    // process has once may come only now: on a slow machine that was 58 KiB.)
    run_tasks(20_000);
    let (bytes, blocks) = grown();
    assert!(
        bytes < 128 * 1024 && blocks < 30,
        "{bytes} bytes in {blocks} blocks"
    );

    // A `select` gives the future that has lost back, so these sleeps are dropped where no executor runs.
    let executor = candor::Executor::new();
    let wait = || {
        let sleep = candor::sleep(Duration::from_secs(3600));
        futures::future::select(sleep, std::future::ready(()))
    };
    for _ in 0..10 {
        drop(candor::block_on(wait()));
        drop(executor.block_on(wait()));
    }
    let (bytes, _) = allocated();
    for _ in 0..1_000 {
        drop(candor::block_on(wait()));
        drop(executor.block_on(wait()));
    }
    let grown = allocated().0 - bytes;
    assert!(grown.abs() < 4096, "{grown} bytes");

    // An executor that is left with an unread failure is remembered until it is gone.
    let leave = || {
        let executor = candor::Executor::builder().on_failure(|_| ()).build();
        let unread = executor.spawn(async { Err::<(), _>("unread") });
        executor.run_until_stalled();
        drop((executor, unread));
    };
    (0..10).for_each(|_| leave());
    let (bytes, _) = allocated();
    (0..100).for_each(|_| leave());
    let grown = allocated().0 - bytes;
    assert!(grown.abs() < 4096, "{grown} bytes");

    // The watcher of polls that do not end knows each executor until that is gone.
    let watched = || {
        let executor = candor::Executor::builder()
            .slow_poll(Duration::from_secs(60))
            .build();
        executor.block_on(candor::yield_now());
    };
    (0..10).for_each(|_| watched());
    let (bytes, _) = allocated();
    (0..200).for_each(|_| watched());
    let grown = allocated().0 - bytes;
    assert!(grown.abs() < 4096, "{grown} bytes");
}
