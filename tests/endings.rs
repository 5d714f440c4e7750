//! Every executor ends, and reports what it leaves behind.
//!
//! ```text
//! cancel ──► destructor spawns ──► cancel ──► … 1,000,000 times ──► the rest is leaked, with one warning
//! ```

mod common;

use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use std::thread;

use candor::{Executor, JoinError, RemoteHandle, TaskBuilder, TaskGroup, yield_now};
use common::{assert_contains, assert_count, child, panic_message};

/// "If the worker is gone, start it again."
struct RestartsItself;

impl Drop for RestartsItself {
    fn drop(&mut self) {
        let next = RestartsItself;
        let worker = async move {
            let _next = next;
            pending::<()>().await;
        };
        TaskBuilder::new()
            .name("worker")
            .daemon()
            .spawn(worker)
            .detach();
    }
}

#[test]
fn a_destructor_that_spawns_its_successor_does_not_keep_block_on_from_returning() {
    let name = "a_destructor_that_spawns_its_successor_does_not_keep_block_on_from_returning";
    let ended = child(name).run(|| {
        candor::block_on(async {
            drop(RestartsItself);
            yield_now().await;
        });
        println!("it has returned");
        assert_eq!(
            candor::block_on(async { candor::spawn(async { 5 }).await.unwrap() }),
            5
        );
    });
    let Some(ended) = ended else { return };
    assert_contains(&ended.assert_success().stdout, "it has returned");
    assert_count(&ended.stderr, "is leaked", 1);
    assert_contains(&ended.stderr, "`worker`, spawned at tests/endings.rs:");
    // One was there before the end, and a million came after it.
    assert_contains(&ended.stderr, "task #1000003");
}

#[test]
fn the_same_when_a_kept_executor_is_dropped_and_handles_find_the_leaked_task_cancelled() {
    struct Restarts(std::rc::Rc<std::cell::RefCell<Option<candor::JoinHandle<()>>>>);
    impl Drop for Restarts {
        fn drop(&mut self) {
            let kept = self.0.clone();
            let next = Restarts(kept.clone());
            let worker = candor::spawn(async move {
                let _next = next;
                pending::<()>().await;
            });
            kept.borrow_mut().replace(worker);
        }
    }
    let name =
        "the_same_when_a_kept_executor_is_dropped_and_handles_find_the_leaked_task_cancelled";
    let ended = child(name).run(|| {
        let executor = Executor::new();
        let last = std::rc::Rc::default();
        executor.block_on(async { drop(Restarts(std::rc::Rc::clone(&last))) });
        drop(executor);
        let last = last.borrow_mut().take().unwrap();
        assert!(matches!(
            candor::block_on(last),
            Err(JoinError::Cancelled(_))
        ));
    });
    let Some(ended) = ended else { return };
    assert_count(&ended.assert_success().stderr, "is leaked", 1);
}

#[test]
fn a_member_that_spawns_its_successor_does_not_keep_a_cancelled_group_from_being_joined() {
    struct Restarts(candor::GroupSpawner);
    impl Drop for Restarts {
        fn drop(&mut self) {
            let next = Restarts(self.0.clone());
            let worker = async move {
                let _next = next;
                pending::<()>().await;
            };
            drop(self.0.spawn(worker));
        }
    }
    let name =
        "a_member_that_spawns_its_successor_does_not_keep_a_cancelled_group_from_being_joined";
    let ended = child(name).run(|| {
        candor::test(async {
            let group = TaskGroup::new();
            drop(Restarts(group.spawner()));
            group.cancel();
            group.join().await.unwrap();
        });
    });
    let Some(ended) = ended else { return };
    assert_count(&ended.assert_success().stderr, "is leaked", 1);
    // One was there before, and a million came after it.
    assert_contains(&ended.stderr, "task #1000002,");
}

#[test]
fn members_that_spawn_two_successors_each_do_not_keep_a_cancelled_group_from_being_joined() {
    struct Doubles(candor::GroupSpawner);
    impl Drop for Doubles {
        fn drop(&mut self) {
            for next in [(); 2].map(|()| Doubles(self.0.clone())) {
                self.0.spawn(async move { drop(next) });
            }
        }
    }
    let name =
        "members_that_spawn_two_successors_each_do_not_keep_a_cancelled_group_from_being_joined";
    let ended = child(name).run(|| {
        candor::block_on(async {
            let group = TaskGroup::new();
            drop(Doubles(group.spawner()));
            group.cancel();
            group.join().await.unwrap();
        });
    });
    let Some(ended) = ended else { return };
    assert_count(&ended.assert_success().stderr, "is leaked", 1);
}

struct SpawnsIntoGroup(candor::GroupSpawner);

impl Drop for SpawnsIntoGroup {
    fn drop(&mut self) {
        let next = SpawnsIntoGroup(self.0.clone());
        self.0.spawn(async move {
            let _next = next;
            pending::<()>().await;
        });
    }
}

#[test]
fn a_member_that_spawns_its_successor_into_a_group_that_is_over_uses_up_no_stack() {
    let name = "a_member_that_spawns_its_successor_into_a_group_that_is_over_uses_up_no_stack";
    let ended = child(name).run(|| {
        candor::test(async {
            let group = TaskGroup::new();
            drop(SpawnsIntoGroup(group.spawner()));
            drop(group);
            yield_now().await;
        });
    });
    let Some(ended) = ended else { return };
    assert_count(&ended.assert_success().stderr, "is leaked", 1);
    assert_contains(&ended.stderr, "what was spawned at tests/endings.rs:");
}

struct SpawnsRemotely(candor::Remote);

impl Drop for SpawnsRemotely {
    fn drop(&mut self) {
        let next = SpawnsRemotely(self.0.clone());
        let make = move || {
            let _next = next;
            pending::<()>()
        };
        self.0.spawn(make).ok();
    }
}

struct SpawnsElsewhere(candor::Spawner);

impl Drop for SpawnsElsewhere {
    fn drop(&mut self) {
        let next = SpawnsElsewhere(self.0.clone());
        let worker = async move {
            let _next = next;
            pending::<()>().await;
        };
        futures::task::LocalSpawnExt::spawn_local(&self.0, worker).ok();
    }
}

#[test]
fn neither_do_those_that_spawn_on_an_executor_that_is_gone() {
    let name = "neither_do_those_that_spawn_on_an_executor_that_is_gone";
    let ended = child(name).run(|| {
        let executor = Executor::new();
        let remotely = SpawnsRemotely(executor.remote());
        executor.block_on(async { drop(remotely) });
        let elsewhere = SpawnsElsewhere(executor.spawner());
        drop(executor);
        drop(elsewhere);
    });
    let Some(ended) = ended else { return };
    assert_count(&ended.assert_success().stderr, "is leaked", 2);
}

#[test]
fn a_group_that_was_cancelled_long_ago_leaks_nothing_that_is_spawned_one_after_the_other() {
    let name =
        "a_group_that_was_cancelled_long_ago_leaks_nothing_that_is_spawned_one_after_the_other";
    let ended = child(name).run(|| {
        candor::test(async {
            let group = TaskGroup::new();
            group.cancel();
            for _ in 0..1_000_001 {
                group.spawn(pending::<()>()).await;
            }
            group.join().await.unwrap();
        });
    });
    let Some(ended) = ended else { return };
    assert_count(&ended.assert_success().stderr, "is leaked", 0);
}

#[test]
fn a_task_that_no_executor_ever_took_is_cancelled_for_its_remote_handle() {
    let executor = Executor::new();
    let remote = executor.remote();
    let task: RemoteHandle<()> = remote.spawn(pending::<()>).unwrap();
    drop(executor);
    let error = futures::executor::block_on(task).unwrap_err();
    assert!(error.is_cancelled());
    assert_contains(&error.to_string(), " was cancelled");
}

/// On a thread with the stack of a test's, in a debug build: as large as tokio's `LocalSet` takes there.
#[test]
fn a_future_of_half_a_megabyte_can_be_spawned_in_every_way() {
    const SIZE: usize = 512 << 10;
    async fn large() -> usize {
        let large = [1_u8; SIZE];
        yield_now().await;
        std::hint::black_box(&large).len()
    }
    let ways: [fn() -> usize; 18] = [
        || candor::block_on(async { candor::spawn(large()).await.unwrap() }),
        || candor::block_on(async { TaskBuilder::new().spawn(large()).await.unwrap() }),
        || {
            let executor = Executor::new();
            executor.block_on(executor.spawn(large())).unwrap()
        },
        || {
            let executor = Executor::new();
            executor
                .block_on(TaskBuilder::new().spawn_on(&executor, large()))
                .unwrap()
        },
        || candor::block_on(async { TaskGroup::new().spawn(large()).await.unwrap() }),
        || candor::block_on(async { TaskGroup::independent().spawn(large()).await.unwrap() }),
        || candor::block_on(async { candor::TaskPool::new(1).submit(large()).await.unwrap() }),
        || {
            let pool = candor::TaskPool::new(1);
            candor::block_on(pool.map([()], |()| large()).collect()).unwrap()[0]
        },
        || {
            let executor = Executor::new();
            let task = executor.remote().spawn(large).unwrap();
            executor.block_on(task).unwrap()
        },
        || {
            let executor = Executor::new();
            let captured = [1_u8; SIZE];
            let remote = executor.remote();
            let task = remote.spawn(move || async move { std::hint::black_box(&captured).len() });
            executor.block_on(task.unwrap()).unwrap()
        },
        || {
            candor::block_on(async {
                let group = TaskGroup::<candor::Error>::new();
                group.spawner().spawn(large()).await.unwrap()
            })
        },
        || {
            let pool = candor::TaskPool::new(1);
            candor::block_on(pool.completed([()], |()| large()).collect()).unwrap()[0]
        },
        // As the main future.
        || candor::block_on(large()),
        || candor::test(large()),
        || {
            let _code = candor::run(large());
            SIZE
        },
        || Executor::new().block_on(large()),
        || {
            let _code = Executor::new().run(large());
            SIZE
        },
        || futures::executor::block_on(Executor::new().run_until(large())),
    ];
    let ended = child("a_future_of_half_a_megabyte_can_be_spawned_in_every_way").run(move || {
        for way in ways {
            let small = std::thread::Builder::new().stack_size(2 << 20);
            assert_eq!(small.spawn(way).unwrap().join().unwrap(), SIZE);
        }
    });
    let Some(ended) = ended else { return };
    ended.assert_success();
}

#[test]
fn what_tasks_outside_spawn_into_a_cancelled_group_is_dropped_however_much_it_is() {
    struct Counts(std::rc::Rc<std::cell::Cell<u32>>);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let dropped = std::rc::Rc::default();
    candor::test(async {
        let group = TaskGroup::new();
        group.cancel();
        for _ in 0..1_000_001 {
            let counts = Counts(std::rc::Rc::clone(&dropped));
            group.spawn(async move { drop(counts) });
        }
        group.join().await.unwrap();
    });
    assert_eq!(dropped.get(), 1_000_001);
}

/// What is called when a task ends may start the next one.
struct StartsAnother;

impl candor::Instrument for StartsAnother {
    fn done(&self, _: std::time::Instant, _: &candor::TaskView<'_>, _: candor::Ending) {
        // At the very end there is no executor to spawn on.
        let spawn = || candor::spawn(pending::<()>()).detach();
        let _ = std::panic::catch_unwind(spawn);
    }
}

/// The waker of the task before starts the next one, and waits for it.
fn start_another_when_it_ends() {
    static STARTS_ANOTHER: RawWakerVTable = RawWakerVTable::new(
        |data| RawWaker::new(data, &STARTS_ANOTHER),
        |_| start_another_when_it_ends(),
        |_| start_another_when_it_ends(),
        |_| (),
    );
    let start = || {
        let mut next = candor::spawn(pending::<()>());
        // SAFETY: the functions of the table do not use the pointer.
        let waker = unsafe { Waker::new(std::ptr::null(), &STARTS_ANOTHER) };
        let _ = Pin::new(&mut next).poll(&mut Context::from_waker(&waker));
        std::mem::forget(next);
    };
    let _ = std::panic::catch_unwind(start);
}

#[test]
fn an_end_comes_also_if_each_end_of_a_task_starts_another() {
    let name = "an_end_comes_also_if_each_end_of_a_task_starts_another";
    let ended = child(name).run(|| {
        let executor = Executor::builder().instrument(StartsAnother).build();
        executor.spawn(async {}).detach();
        executor.tick();
        drop(executor);
        println!("the instrument has had its end");
        let executor = Executor::new();
        let _code = executor.run(async {
            start_another_when_it_ends();
            candor::exit(3);
        });
        assert!(executor.tasks().is_empty());
        // It waits for none of them.
        executor.drain();
        drop(executor);
        println!("the waker has had its end");
    });
    let Some(ended) = ended else { return };
    assert_contains(
        &ended.assert_success().stdout,
        "the instrument has had its end",
    );
    assert_contains(&ended.stdout, "the waker has had its end");
    assert_count(&ended.stderr, "is leaked", 2);
}

/// Its destructor panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(thread::panicking(), "bomb");
    }
}

/// A future that asks for a stop in its last poll, has the output `make`s, and keeps `kept` until it is dropped.
struct Exits<K, T>(Option<K>, fn() -> T);

impl<K: Unpin, T> Future for Exits<K, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        candor::exit(3);
        Poll::Ready((self.1)())
    }
}

#[test]
fn a_destructor_that_panics_takes_no_stop_away() {
    let enter: [fn(&Executor); 6] = [
        |executor| drop(executor.block_on(Exits(None::<()>, || Bomb))),
        |executor| {
            executor.block_on(async {
                candor::yield_now().await;
                candor::exit(3);
                Bomb
            });
        },
        |executor| executor.block_on(Exits(Some(Bomb), || ())),
        |executor| {
            drop(futures::executor::block_on(
                executor.run_until(Exits(None::<()>, || Bomb)),
            ))
        },
        |executor| futures::executor::block_on(executor.run_until(Exits(Some(Bomb), || ()))),
        |executor| {
            executor.block_on(async {
                let _bomb = Bomb;
                candor::exit(3);
                std::future::pending::<()>().await;
            });
        },
    ];
    for (at, enter) in enter.into_iter().enumerate() {
        let executor = Executor::new();
        let waits = executor.spawn(std::future::pending::<()>());
        let message = panic_message(|| enter(&executor));
        assert_eq!(message, "bomb", "{at}");
        assert!(waits.is_finished(), "{at}");
        assert_eq!(executor.block_on(async { 7 }), 7);
    }
}
