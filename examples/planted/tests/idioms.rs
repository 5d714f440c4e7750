//! What the page of idioms in candor's guide claims of other runtimes, each claim as a program.
//!
//! A test is named after the claim. Those of asyncio and trio are in `idioms/*.py`, and are left out where there is no
//! `python3` that has them.

use std::cell::Cell;
use std::future::pending;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet, yield_now};
use tokio::time::{sleep, timeout};

/// Runs a future in tokio, on time that jumps.
fn in_tokio<T>(future: impl Future<Output = T>) -> T {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, future)
}

/// Sets a flag when it is dropped.
struct Witness(Rc<Cell<bool>>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

#[test]
fn a_join_set_of_tokio_that_is_dropped_cancels_its_tasks_as_a_group_of_candor_does() {
    let is_dropped = Rc::new(Cell::new(false));
    let witness = Witness(Rc::clone(&is_dropped));
    in_tokio(async {
        let mut set = JoinSet::new();
        set.spawn_local(async move {
            let _witness = witness;
            pending::<()>().await
        });
        yield_now().await;
        drop(set);
        yield_now().await;
        assert!(is_dropped.get());
    });

    let is_dropped = Rc::new(Cell::new(false));
    let witness = Witness(Rc::clone(&is_dropped));
    candor::block_on(async {
        let group = candor::TaskGroup::new();
        group.spawn(async move {
            let _witness = witness;
            pending::<()>().await
        });
        candor::yield_now().await;
        group.cancel();
        drop(group);
        candor::yield_now().await;
        assert!(is_dropped.get());
    });
}

#[test]
fn handle_enter_of_tokio_lets_code_find_the_runtime_and_drives_nothing() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let has_run = Arc::new(std::sync::Mutex::new(false));
    {
        let _entered = runtime.handle().enter();
        assert!(Handle::try_current().is_ok());
        let has_run = Arc::clone(&has_run);
        tokio::spawn(async move { *has_run.lock().unwrap() = true });
    }
    assert!(Handle::try_current().is_err());
    assert!(!*has_run.lock().unwrap());
    runtime.block_on(yield_now());
    assert!(*has_run.lock().unwrap());
}

#[test]
fn a_handle_that_is_dropped_detaches_on_both() {
    in_tokio(async {
        let (has_run, seen) = tokio::sync::oneshot::channel();
        drop(tokio::spawn(async move { has_run.send(()) }));
        assert_eq!(seen.await, Ok(()));
    });
    candor::block_on(async {
        let (has_run, seen) = tokio::sync::oneshot::channel();
        drop(candor::spawn(async move { has_run.send(()).unwrap() }));
        assert_eq!(seen.await, Ok(()));
    });
}

#[test]
fn abort_drops_the_future_at_its_await_and_the_awaiter_is_told_on_both() {
    in_tokio(async {
        let task = tokio::spawn(pending::<()>());
        yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    });
    candor::block_on(async {
        let task = candor::spawn(pending::<()>());
        candor::yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_task_of_its_own_is_not_ended_by_a_timeout_around_its_handle_on_both() {
    in_tokio(async {
        let mut saving = tokio::spawn(async {
            sleep(Duration::from_secs(5)).await;
            "saved"
        });
        assert!(timeout(Duration::from_secs(1), &mut saving).await.is_err());
        assert_eq!(saving.await.unwrap(), "saved");
    });
    candor::test(async {
        let mut saving = candor::spawn(async {
            candor::sleep(Duration::from_secs(5)).await;
            "saved"
        });
        let limit = Duration::from_secs(1);
        assert!(candor::time::timeout(limit, &mut saving).await.is_err());
        assert_eq!(saving.await.unwrap(), "saved");
    });
}

#[test]
fn join_next_gives_results_as_they_come_as_completed_does() {
    in_tokio(async {
        let mut set = JoinSet::new();
        for seconds in [3, 1, 2] {
            set.spawn(async move {
                sleep(Duration::from_secs(seconds)).await;
                seconds
            });
        }
        assert_eq!(set.join_all().await.len(), 3);
        let mut set = JoinSet::new();
        for seconds in [3, 1, 2] {
            set.spawn(async move {
                sleep(Duration::from_secs(seconds)).await;
                seconds
            });
        }
        let mut order = Vec::new();
        while let Some(seconds) = set.join_next().await {
            order.push(seconds.unwrap());
        }
        assert_eq!(order, [1, 2, 3]);
    });
    candor::test(async {
        let pool = candor::TaskPool::new(3);
        let mut results = pool.completed([3, 1, 2], async |seconds| {
            candor::sleep(Duration::from_secs(seconds)).await;
            seconds
        });
        let mut order = Vec::new();
        while let Some(seconds) = results.next().await {
            order.push(seconds.unwrap());
        }
        assert_eq!(order, [1, 2, 3]);
    });
}

#[test]
fn a_semaphore_around_each_call_limits_how_many_run_at_once_as_a_pool_does() {
    let most = in_tokio(async {
        let (doors, inside, most) = (
            Semaphore::new(2),
            Rc::new(Cell::new(0)),
            Rc::new(Cell::new(0)),
        );
        let doors = Rc::new(doors);
        let mut set = JoinSet::new();
        for _ in 0..10 {
            let (doors, inside, most) = (doors.clone(), inside.clone(), most.clone());
            set.spawn_local(async move {
                let _permit = doors.acquire().await.unwrap();
                inside.set(inside.get() + 1);
                most.set(inside.get().max(most.get()));
                yield_now().await;
                inside.set(inside.get() - 1);
            });
        }
        set.join_all().await;
        most.get()
    });
    assert_eq!(most, 2);

    let most = candor::block_on(async {
        let (inside, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let pool = candor::TaskPool::new(2);
        let seen = Rc::clone(&most);
        let results = pool.map(0..10, move |_| {
            let (inside, most) = (inside.clone(), most.clone());
            async move {
                inside.set(inside.get() + 1);
                most.set(inside.get().max(most.get()));
                candor::yield_now().await;
                inside.set(inside.get() - 1);
            }
        });
        results.collect().await.unwrap();
        seen.get()
    });
    assert_eq!(most, 2);
}

#[test]
fn sockets_and_timers_of_tokio_do_not_work_without_it_and_its_channels_do() {
    let timer = std::panic::catch_unwind(|| candor::block_on(sleep(Duration::ZERO)));
    assert!(timer.is_err());
    candor::block_on(async {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        sender.send(7).await.unwrap();
        assert_eq!(receiver.recv().await, Some(7));
    });
}

#[test]
fn what_is_claimed_of_asyncio() {
    let is_here = "import asyncio; asyncio.TaskGroup";
    run_python("asyncio.py", is_here);
}

#[test]
fn what_is_claimed_of_trio() {
    run_python("trio.py", "import trio");
}

fn run_python(program: &str, is_here: &str) {
    let python = || Command::new("python3");
    let check = python().args(["-c", is_here]).output();
    if !check.is_ok_and(|output| output.status.success()) {
        println!("{program} is left out: no python3 that can `{is_here}`");
        return;
    }
    let path = format!("{}/tests/idioms/of_{program}", env!("CARGO_MANIFEST_DIR"));
    let output = python().arg(path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
