//! All user code that candor calls, each with a panic and with a call back into candor.
//!
//! | user code | called by | a panic is |
//! |---|---|---|
//! | a future's poll | the loop | the task's failure |
//! | a future's destructor | the end of a task, an abort, the end of the executor | the task's failure |
//! | `Outcome`, a value's destructor | the last poll; the handle, if it was not taken | the task's failure; contained, with one warning |
//! | `Debug`, `Display`, `source()` of an error | a report, `JoinError::failure` | said in the report |
//! | an error's destructor | a report, a handle | contained, with one warning |
//! | a payload's destructor | a report | contained, with one warning |
//! | `From` into a group's error | `TaskGroup::join` | the member's failure |
//! | `on_failure` | a report | said after the report, which is printed |
//! | an `Instrument` | each event | said once; the instrument is switched off |
//! | what `on_failure` and `on_wake` hold, an `Instrument`'s destructor | the end of the executor, the builder | contained, with one warning |
//! | the logger | any report or warning | said after it on stderr |
//! | `on_wake`, foreign wakers | a wake | contained, see tests/foreign_wakers.rs |
//! | the closure of a `Remote` | the first poll of its task | the task's failure |
//! | the inputs and the function of a pool | `PoolResults::next` | that of the awaiter |
//! | the earlier panic hook | a panic of no task | the process's |

mod common;

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt::{self, Debug, Display, Formatter};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::rc::Rc;
use std::time::{Duration, Instant};

use candor::{Executor, Instrument, TaskFailure, TaskGroup, TaskPool, sleep, spawn, yield_now};
use common::{Reports, assert_contains, assert_count, child, panic_message};

/// What hostile code does when it is called: it panics, or it calls into candor in every way that it can.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Panic,
    ComeBack,
}

const BOTH: [Does; 2] = [Does::Panic, Does::ComeBack];

impl Does {
    fn it(self) {
        if self == Does::Panic {
            panic!("hostile");
        }
        // Inside of an executor and outside of any.
        candor::block_on(async {
            spawn(async { Err::<(), _>("inner") }).await.unwrap_err();
            drop(spawn(async { 1 }));
            let _tree = candor::tasks().to_string();
            candor::time::timeout(Duration::from_micros(1), yield_now())
                .await
                .ok();
        });
        if !candor::tasks().is_empty() {
            spawn(yield_now()).detach();
        }
    }
}

/// An error that is hostile in each of its functions.
struct Hostile(Does);

impl Debug for Hostile {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.it();
        f.write_str("Hostile")
    }
}

impl Display for Hostile {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.it();
        f.write_str("hostile")
    }
}

impl Error for Hostile {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.it();
        None
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.0.it();
    }
}

/// A value that is hostile when it is dropped.
struct Value(Does);

impl candor::Value for Value {}

impl Drop for Value {
    fn drop(&mut self) {
        self.0.it();
    }
}

/// Runs `body` in a process of its own, and checks that a sibling, its timer and its handle go on all the same.
fn siblings_go_on(test: &'static str, body: impl FnOnce(&Executor)) -> Option<common::Told> {
    child(test).run(|| {
        let executor = Executor::builder().virtual_time().build();
        let sibling = executor.spawn(async {
            sleep(Duration::from_secs(3)).await;
            7
        });
        body(&executor);
        assert_eq!(executor.block_on(sibling).unwrap(), 7);
        println!("the sibling went on");
    })
}

#[test]
fn an_error_may_do_what_it_likes() {
    let ended = siblings_go_on("an_error_may_do_what_it_likes", |executor| {
        for does in BOTH {
            executor
                .spawn(async move { Err::<(), _>(Hostile(does)) })
                .detach();
            let boxed = async move { Err::<(), Box<dyn Error>>(Box::new(Hostile(does))) };
            executor.spawn(boxed).detach();
            let kept = executor.spawn(async move { Err::<(), _>(Hostile(does)) });
            executor.run_until_stalled();
            drop(kept);
            let remote = executor.remote().spawn(move || async move {
                Err::<(), Box<dyn Error + Send + Sync>>("remote".into())
            });
            executor.run_until_stalled();
            drop(remote);
            let read = executor.spawn(async move { Err::<(), _>(Hostile(does)) });
            let error = executor.block_on(read).unwrap_err();
            assert!(error.to_string().starts_with("task #"));
            assert!(error.source().is_some());
            std::mem::forget(error);
        }
        // Three by each of them, and two of the remotes.
        executor.run_until_stalled();
        assert_eq!(executor.failures(), 8);
    });
    let Some(ended) = ended else { return };
    assert_contains(&ended.assert_success().stdout, "the sibling went on");
    assert_contains(&ended.stderr, "<its Debug panicked: hostile>");
    assert_contains(&ended.stderr, "<its source() panicked: hostile>");
}

#[test]
fn an_error_that_passes_the_question_mark_may_do_what_it_likes() {
    for does in BOTH {
        let reports = Reports::new();
        reports
            .spawn(async move {
                Err(Hostile(does))?;
                candor::Ok(())
            })
            .detach();
        let caught = catch_unwind(AssertUnwindSafe(|| reports.drain()));
        assert!(caught.is_ok());
        assert_eq!(reports.failures(), 1, "{does:?}");
    }
}

#[test]
fn a_value_that_nobody_takes_may_do_what_it_likes() {
    let ended = siblings_go_on(
        "a_value_that_nobody_takes_may_do_what_it_likes",
        |executor| {
            for does in BOTH {
                // If it panics in the poll that returns it, that is the task's failure.
                executor.spawn(async move { Value(does) }).detach();
                executor.run_until_stalled();
                // Later it is no task's failure, even if the code that drops the handle is unwinding.
                let handle = executor.spawn(async move { Value(does) });
                executor.run_until_stalled();
                let dropped = executor.spawn(async move {
                    let _handle = handle;
                    panic!("the task's own");
                });
                assert!(executor.block_on(dropped).unwrap_err().is_panic());
            }
            assert_eq!(executor.failures(), 1);
        },
    );
    let Some(ended) = ended else { return };
    assert_contains(&ended.assert_success().stdout, "the sibling went on");
    assert_count(
        &ended.stderr,
        "the outcome of task #3 panicked when it was dropped: hostile",
        1,
    );
}

#[test]
fn a_payload_may_do_what_it_likes_when_it_is_dropped() {
    let ended = siblings_go_on(
        "a_payload_may_do_what_it_likes_when_it_is_dropped",
        |executor| {
            struct Payload(Does);
            impl Drop for Payload {
                fn drop(&mut self) {
                    self.0.it();
                }
            }
            for does in BOTH {
                executor
                    .spawn(async move { panic_any(Payload(does)) })
                    .detach();
                executor.run_until_stalled();
            }
            assert_eq!(executor.failures(), 2);
        },
    );
    let Some(ended) = ended else { return };
    assert_contains(&ended.assert_success().stdout, "the sibling went on");
}

#[test]
fn a_future_may_do_what_it_likes_when_it_is_dropped() {
    for does in BOTH {
        let reports = Reports::new();
        let aborted = reports.spawn(async move {
            let _value = Value(does);
            pending::<()>().await;
        });
        reports.run_until_stalled();
        aborted.abort();
        let error = reports.block_on(aborted).unwrap_err();
        assert_eq!(error.is_panic(), does == Does::Panic);
        reports
            .spawn(async move {
                let _value = Value(does);
                pending::<()>().await;
            })
            .detach();
        reports.run_until_stalled();
        let ended = reports.end();
        assert_eq!(ended.len(), (does == Does::Panic) as usize, "{ended:?}");
    }
}

#[test]
fn a_conversion_into_a_groups_error_may_do_what_it_likes() {
    #[derive(Debug)]
    struct Collected;
    struct Member(Does);
    impl Debug for Member {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("Member")
        }
    }
    impl From<Member> for Collected {
        fn from(member: Member) -> Self {
            member.0.it();
            Collected
        }
    }
    for does in BOTH {
        candor::test(async move {
            let group = TaskGroup::<Collected>::typed();
            group.spawn(async move { Err::<(), _>(Member(does)) });
            let error = group.join().await.unwrap_err();
            assert_eq!(error.failures().len(), 1);
            assert_eq!(error.failures()[0].is_panic(), does == Does::Panic);
        });
    }
}

#[test]
fn a_callback_for_failures_may_do_what_it_likes() {
    let ended = child("a_callback_for_failures_may_do_what_it_likes").run(|| {
        for does in BOTH {
            let executor = Executor::builder().on_failure(move |_| does.it()).build();
            let sibling = executor.spawn(yield_now());
            executor.spawn(async { panic!("boom") }).detach();
            executor.drain();
            assert!(sibling.is_finished());
            assert_eq!(executor.failures(), 1);
        }
    });
    let Some(ended) = ended else { return };
    let stderr = &ended.assert_success().stderr;
    assert_count(stderr, "task #2 panicked: boom", 1);
    assert_count(
        stderr,
        "on_failure panicked while it was given this report: hostile",
        1,
    );
}

#[test]
fn a_callback_that_comes_back_to_its_own_executor_finds_it_whole() {
    type Held = Rc<RefCell<Option<candor::JoinHandle<Result<(), &'static str>>>>>;
    let executor = Rc::new(Cell::new(None::<Rc<Executor>>));
    let (own, other) = (executor.clone(), Held::default());
    let held = other.clone();
    let built = Rc::new(
        Executor::builder()
            .virtual_time()
            .on_failure(move |_| {
                if let Some(executor) = own.take() {
                    executor.spawn(yield_now()).detach();
                    assert!(
                        panic_message(|| executor.run_until_stalled()).contains("already running")
                    );
                    let _tasks = executor.tasks().to_string();
                    drop(held.take());
                    own.set(Some(executor));
                }
            })
            .build(),
    );
    executor.set(Some(built.clone()));
    *other.borrow_mut() = Some(built.spawn(async { Err::<(), _>("of a handle in the callback") }));
    built.spawn(async { Err::<(), _>("first") }).detach();
    built.drain();
    assert_eq!(built.failures(), 2);
    executor.set(None);
}

#[test]
fn an_instrument_may_do_what_it_likes_at_each_event() {
    /// Hostile at the event of this number.
    struct Nasty(Does, Cell<u32>);
    impl Nasty {
        fn event(&self) {
            self.1.set(self.1.get().wrapping_sub(1));
            if self.1.get() == u32::MAX {
                self.0.it();
            }
        }
    }
    impl Instrument for Nasty {
        fn spawn(&self, _: Instant, _: &candor::TaskView<'_>) {
            self.event();
        }
        fn poll_begin(&self, _: Instant, _: &candor::TaskView<'_>) {
            self.event();
        }
        fn poll_end(&self, _: Instant, _: &candor::TaskView<'_>, _: std::task::Poll<()>) {
            self.event();
        }
        fn wake(&self, _: Instant, _: &candor::TaskView<'_>, _: candor::WokenBy) {
            self.event();
        }
        fn timer(&self, _: Instant, _: Option<&candor::TaskView<'_>>) {
            self.event();
        }
        fn failure(&self, _: Instant, _: &TaskFailure) {
            self.event();
        }
        fn done(&self, _: Instant, _: &candor::TaskView<'_>, _: candor::Ending) {
            self.event();
        }
    }
    let ended = child("an_instrument_may_do_what_it_likes_at_each_event").run(|| {
        for does in BOTH {
            for from in 0..12 {
                let nasty = Nasty(does, Cell::new(from));
                let builder = Executor::builder().instrument(nasty).on_failure(|_| ());
                let executor = builder.virtual_time().build();
                executor.spawn(async { Err::<(), _>("detached") }).detach();
                let joined = executor.spawn(async {
                    sleep(Duration::from_secs(1)).await;
                    spawn(async { 5 }).await.unwrap()
                });
                assert_eq!(executor.block_on(joined).unwrap(), 5);
                assert_eq!(executor.failures(), 1);
            }
        }
    });
    let Some(ended) = ended else { return };
    ended.assert_success();
    assert_count(
        &ended.stderr,
        "an instrument panicked: hostile. It is told nothing any more",
        12,
    );
}

#[test]
fn what_was_given_to_a_builder_may_do_what_it_likes_when_it_is_dropped() {
    struct Watches(#[allow(dead_code, reason = "it is dropped")] Value);
    impl Instrument for Watches {}
    let builder = |does| {
        let held = Value(does);
        let on_failure = move |_: &TaskFailure| {
            let _held = &held;
        };
        let held = Value(does);
        let on_wake = move || {
            let _held = &held;
        };
        Executor::builder()
            .on_failure(on_failure)
            .on_wake(on_wake)
            .instrument(Watches(Value(does)))
    };
    let ended = siblings_go_on(
        "what_was_given_to_a_builder_may_do_what_it_likes_when_it_is_dropped",
        |_| {
            for does in BOTH {
                drop(builder(does));
                drop(builder(does).build());
                // The second callback takes the place of the first.
                drop(builder(does).on_failure(|_| ()));
                let message = panic_message(|| {
                    let _executor = builder(does).build();
                    panic!("the program's own");
                });
                assert_eq!(message, "the program's own");
            }
        },
    );
    let Some(ended) = ended else { return };
    assert_contains(&ended.assert_success().stdout, "the sibling went on");
    let warning = |what| format!("{what} panicked when it was dropped: hostile");
    assert_count(&ended.stderr, &warning("what `on_failure` holds"), 4);
    assert_count(&ended.stderr, &warning("what `on_wake` holds"), 4);
    assert_count(&ended.stderr, &warning("an instrument"), 4);
}

#[test]
fn the_closure_of_a_remote_may_do_what_it_likes() {
    for does in BOTH {
        let reports = Reports::new();
        let task = reports.remote().spawn(move || {
            does.it();
            async { 5 }
        });
        let joined = reports.block_on(task.unwrap());
        assert_eq!(joined.is_err(), does == Does::Panic);
        assert!(reports.end().is_empty());
    }
}

#[test]
fn the_inputs_of_a_pool_may_do_what_they_like() {
    let results = candor::test(async {
        let pool = TaskPool::new(2);
        let inputs = (0..3).inspect(|_| Does::ComeBack.it());
        pool.map(inputs, async |n| n).collect().await.unwrap()
    });
    assert_eq!(results, [0, 1, 2]);
    let reports = Reports::new();
    let awaits = reports.spawn(async {
        let pool = TaskPool::new(2);
        let inputs = (0..3).inspect(|_| Does::Panic.it());
        pool.map(inputs, async |n| n).collect().await.unwrap()
    });
    assert!(reports.block_on(awaits).unwrap_err().is_panic());
}
