//! The kernel of candor by itself: this compiles `src/kernel` and `src/outcome.rs`, and nothing else of candor, into a program
//! of its own.
//!
//! So this much is an executor: tasks, wakers, timers, and failures that go somewhere. What a failure looks like is up to
//! the reporter, which has five lines here.

#[allow(dead_code, unused_imports, reason = "the rest of candor uses it")]
#[path = "../src/kernel/mod.rs"]
mod kernel;
#[allow(dead_code, reason = "the rest of candor uses it")]
#[path = "../src/outcome.rs"]
mod outcome;

use std::future::poll_fn;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use kernel::failure::TaskFailure;
use kernel::failure::hook::{self, Probe};
use kernel::failure::lineage::Entry;
use kernel::failure::reporter::Reporter;
use kernel::failure::user_code::Caught;
use kernel::tasks::core::{Config, Core};
use kernel::tasks::current_executor::{Entered, polled_task};
use kernel::tasks::run_loop::{drive, run};
use kernel::tasks::spawn::spawn;
use kernel::time::sleep::sleep;

struct OneLine;

impl Reporter for OneLine {
    fn report(&self, failure: &TaskFailure, _: Option<Caught>) {
        println!(
            "task {} has failed: {}",
            failure.task_id(),
            failure.message()
        );
    }
}

fn main() {
    let probe = Probe {
        polled: polled_task,
        unreported: Default::default,
    };
    hook::install(probe, &OneLine);
    let core = Rc::new(Core::new(Config::default()));
    let entry = Entry {
        function: &"main",
        at: Location::caller(),
    };
    let entered = Entered::new(&core, entry);
    let main_future = async {
        let six = spawn(async { 6 });
        let seven = spawn(async {
            sleep(Duration::from_millis(10)).await;
            7
        });
        let product = six.await.ok().unwrap() * seven.await.ok().unwrap();
        println!("joined: {product}");

        woken_by_a_thread().await;
        println!("woken by a thread");

        drop(spawn(async { panic!("boom") }));
        drop(spawn(async { "seven".parse::<u8>() }));
        let refused = spawn(async { Err::<(), _>("no") }).await;
        println!("awaited, and so not reported: {}", refused.is_err());
        sleep(Duration::from_millis(10)).await;
    };
    let done = drive(&core, main_future, run);
    assert!(done.is_ok());
    drop(entered);
    println!("{} failures", core.failures.reported.get());
}

async fn woken_by_a_thread() {
    let is_there = Arc::new(AtomicBool::new(false));
    let mut is_started = false;
    poll_fn(move |cx| {
        if is_there.load(Relaxed) {
            return Poll::Ready(());
        }
        if !std::mem::replace(&mut is_started, true) {
            let (waker, is_there) = (cx.waker().clone(), Arc::clone(&is_there));
            thread::spawn(move || {
                is_there.store(true, Relaxed);
                waker.wake();
            });
        }
        Poll::Pending
    })
    .await
}
