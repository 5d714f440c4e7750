//! `candor::test` and `Executor::test`: a passing test hides no failure, and none hangs.

mod common;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use candor::{Executor, TaskBuilder, sleep};
use common::{assert_contains, child, in_time};
use log::LevelFilter;

fn message_of(test: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(test)).unwrap_err();
    payload.downcast_ref::<String>().unwrap().clone()
}

fn impatient() -> Executor {
    let timeout = Duration::from_millis(200);
    Executor::builder()
        .virtual_time()
        .test_timeout(timeout)
        .build()
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn two_tasks_that_want_each_other_s_lock_fail_the_test_with_the_line_of_each_wait() {
    in_time(|| {
        let text = message_of(|| {
            impatient().test(async {
                let locks = Rc::new([tokio::sync::Mutex::new(()), tokio::sync::Mutex::new(())]);
                let takes = |[first, then]: [usize; 2]| {
                    let locks = Rc::clone(&locks);
                    candor::spawn(async move {
                        let _first = locks[first].lock().await;
                        candor::yield_now().await;
                        let _then = locks[then].lock().await;
                    })
                };
                let (left, _right) = (takes([0, 1]), takes([1, 0]));
                left.await.unwrap();
            })
        });
        assert!(text.contains("stood still for 200ms"), "{text}");
        let waits = text.matches(
            "waits in tokio::sync::mutex::Mutex<T>::lock\n      .await at tests/testing.rs:",
        );
        assert_eq!(waits.count(), 2, "{text}");
    });
}

#[test]
fn a_test_that_waits_for_something_outside_for_too_long_fails_with_a_dump() {
    in_time(|| {
        let (_sender, receiver) = async_channel::bounded::<()>(1);
        let text = message_of(|| {
            impatient().test(async move {
                let reader = async move { receiver.recv().await.is_ok() };
                TaskBuilder::new()
                    .name("reader")
                    .spawn(reader)
                    .await
                    .unwrap();
            })
        });
        assert!(text.contains("nothing has moved:"), "{text}");
        assert!(text.contains("`reader`: waiting"), "{text}");
    });
}

#[test]
fn a_test_in_which_only_timers_move_fails() {
    in_time(|| {
        let text = message_of(|| {
            impatient().test(async {
                let _ticks = candor::spawn(async {
                    loop {
                        sleep(Duration::from_secs(1)).await;
                    }
                });
                std::future::pending::<()>().await;
            })
        });
        assert!(text.contains("nothing but timers has moved"), "{text}");
    });
}

#[test]
fn a_test_in_which_tasks_move_beside_the_timers_takes_as_long_as_it_needs() {
    in_time(|| {
        let long = Duration::from_millis(600);
        // Tasks that are spawned, and tasks that wake one another.
        impatient().test(async {
            let start = Instant::now();
            while start.elapsed() < long {
                sleep(Duration::from_millis(1)).await;
                candor::spawn(async {}).await.unwrap();
            }
        });
        impatient().test(async {
            let (ask, asked) = async_channel::bounded(1);
            let (answer, answered) = async_channel::bounded(1);
            let answers = candor::spawn(async move {
                while asked.recv().await.is_ok() {
                    answer.send(()).await.unwrap();
                }
            });
            let start = Instant::now();
            while start.elapsed() < long {
                sleep(Duration::from_millis(1)).await;
                ask.send(()).await.unwrap();
                answered.recv().await.unwrap();
            }
            drop(ask);
            answers.await.unwrap();
        });
    });
}

#[test]
fn what_a_test_computes_is_no_standstill() {
    in_time(|| {
        let timeout = Duration::from_millis(500);
        let executor = Executor::builder().test_timeout(timeout).build();
        executor.test(async {
            for _ in 0..3 {
                sleep(Duration::from_millis(1)).await;
                common::hold_the_thread(timeout * 2 / 5);
            }
            sleep(Duration::from_millis(1)).await;
        });
    });
}

#[test]
fn a_loop_of_long_polls_and_timers_ends_after_ten_times_the_limit() {
    in_time(|| {
        let builder = Executor::builder().virtual_time();
        let executor = builder.test_timeout(Duration::from_millis(50)).build();
        let polls = std::cell::Cell::new(0);
        let text = message_of(|| {
            executor.test(async {
                loop {
                    polls.set(polls.get() + 1);
                    common::hold_the_thread(Duration::from_millis(20));
                    sleep(Duration::from_secs(1)).await;
                }
            });
        });
        assert!(text.contains("nothing but timers has moved"), "{text}");
        // Some 25, or fewer on a busy machine. What is not computed takes no tenth of a millisecond.
        assert!(polls.get() < 100, "{}", polls.get());
    });
}

#[test]
fn a_test_that_has_computed_for_long_may_wait_for_a_thread() {
    in_time(|| {
        let timeout = Duration::from_millis(500);
        let executor = Executor::builder().test_timeout(timeout).build();
        executor.test(async {
            sleep(Duration::from_millis(1)).await;
            common::hold_the_thread(timeout * 6 / 5);
            let (sender, receiver) = async_channel::bounded(1);
            let sends = std::thread::spawn(move || {
                common::hold_the_thread(Duration::from_millis(20));
                sender.send_blocking(()).unwrap();
            });
            receiver.recv().await.unwrap();
            sends.join().unwrap();
        });
    });
}

#[test]
fn an_error_that_is_read_late_was_read() {
    in_time(|| {
        candor::test(async {
            let failed = candor::spawn(async { Err::<(), _>("refused") });
            sleep(Duration::from_secs(3600)).await;
            assert!(failed.await.is_err());
        });
    });
}

#[test]
fn an_error_of_an_earlier_stay_that_a_test_reads_late_was_read() {
    in_time(|| {
        let executor = Executor::builder().virtual_time().build();
        let failed = executor.spawn(async { Err::<(), _>("refused") });
        executor.block_on(candor::yield_now());
        executor.test(async {
            sleep(Duration::from_secs(3600)).await;
            assert!(failed.await.is_err());
        });
    });
}

#[test]
fn a_failure_that_is_not_read_fails_the_test_of_a_kept_executor_which_goes_on() {
    in_time(|| {
        let executor = Executor::builder()
            .on_failure(|_| ())
            .grace(Duration::ZERO)
            .build();
        let text = message_of(|| {
            executor.test(async {
                candor::spawn(async { panic!("boom") }).detach();
                candor::yield_now().await;
            })
        });
        assert!(text.contains("the test has 1 unread failure"), "{text}");
        assert_eq!(executor.test(async { 5 }), 5);
        // Its own grace holds again.
        executor.block_on(async {
            let _held = candor::spawn(async { panic!("boom") });
            sleep(Duration::from_millis(1)).await;
            candor::yield_now().await;
        });
        assert_eq!(executor.failures(), 2);
    });
}

#[test]
fn a_timer_that_is_far_away_does_not_keep_a_test_from_its_limit() {
    in_time(|| {
        let limit = Duration::from_millis(300);
        let executor = Executor::builder().test_timeout(limit).build();
        let text = message_of(|| {
            executor.test(async {
                candor::spawn(sleep(Duration::from_secs(1_000))).detach();
                std::future::poll_fn(|cx| {
                    std::mem::forget(cx.waker().clone());
                    std::task::Poll::<()>::Pending
                })
                .await;
            })
        });
        assert!(
            text.contains("for 300ms nothing but timers has moved"),
            "{text}"
        );
        // A release build names fewer frames.
        let has_chain = text.contains("\n      .await at tests/testing.rs:");
        assert!(has_chain || !cfg!(debug_assertions), "{text}");
    });
}

#[test]
fn what_is_entered_within_a_test_does_not_hang_either() {
    in_time(|| {
        let executor = limited();
        let (sender, receiver) = async_channel::bounded::<()>(1);
        let text = message_of(|| {
            executor.test(async move {
                // It cannot run before the inner call returns.
                candor::spawn(async move { sender.send(()).await.unwrap() }).detach();
                candor::block_on(receiver.recv()).unwrap();
            })
        });
        assert_contains(&text, "block_on at tests/testing.rs:");
        assert_contains(&text, " has not ended: for 300ms nothing has moved:");
        assert_contains(&text, "it runs inside Executor::test at tests/testing.rs:");
        // Another test within the test has a limit of its own, which ends with it.
        let waits = |sender: async_channel::Sender<()>| {
            std::thread::spawn(move || {
                common::hold_the_thread(LIMIT * 2);
                sender.send_blocking(()).unwrap();
            });
        };
        let (sender, receiver) = async_channel::bounded(1);
        executor.test(async {
            candor::test(async {
                waits(sender);
                receiver.recv().await.unwrap();
            });
            let (_sender, receiver) = async_channel::bounded::<()>(1);
            let text = message_of(|| candor::block_on(receiver.recv()).unwrap());
            assert_contains(&text, "for 300ms nothing has moved");
        });
        // Outside of a test, one may wait for as long as one likes.
        let (sender, receiver) = async_channel::bounded(1);
        waits(sender);
        candor::block_on(receiver.recv()).unwrap();
    });
}

/// How long a test may stand still here.
const LIMIT: Duration = Duration::from_millis(300);

fn limited() -> Executor {
    Executor::builder().test_timeout(LIMIT).build()
}

/// For longer than the limit, one after another, in small pieces.
fn in_small_pieces(mut piece: impl FnMut()) {
    for _ in 0..25 {
        common::hold_the_thread(Duration::from_millis(20));
        piece();
    }
}

#[test]
fn a_host_in_a_test_takes_as_long_as_it_needs() {
    in_time(|| {
        let sleeps = || async {
            for _ in 0..20 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let turns: [fn(&Executor); 3] = [
            |executor| _ = executor.tick(),
            |executor| _ = executor.try_tick(),
            Executor::run_until_stalled,
        ];
        for turn in turns {
            limited().test(async {
                let hosted = Executor::new();
                // A stay that is over.
                hosted.block_on(async {});
                let task = hosted.spawn(sleeps());
                in_small_pieces(|| turn(&hosted));
                hosted.drain();
                task.await.unwrap();
            });
        }
        limited().test(async {
            let hosted = Executor::new();
            // A stay that is over.
            hosted.block_on(async {});
            hosted.spawn(sleeps()).detach();
            let (sender, receiver) = async_channel::bounded(1);
            std::thread::spawn(move || in_small_pieces(|| sender.send_blocking(()).unwrap()));
            let receives = async { while receiver.recv().await.is_ok() {} };
            hosted.run_until(receives).await;
        });
    });
}

#[test]
fn a_wake_that_was_lost_beside_a_timer_that_is_far_away_is_called_so() {
    in_time(|| {
        let text = message_of(|| {
            limited().test(async {
                candor::spawn(sleep(Duration::from_secs(1_000))).detach();
                let mut is_ready = false;
                std::future::poll_fn(|cx| {
                    std::mem::forget(cx.waker().clone());
                    match std::mem::replace(&mut is_ready, true) {
                        true => std::task::Poll::Ready(()),
                        false => std::task::Poll::Pending,
                    }
                })
                .await;
            })
        });
        assert_contains(&text, "has stood still for 300ms, because a wake was lost");
    });
}

/// Enters an executor that nobody wakes, when it is dropped; keeps what that has said.
struct HangsInDrop(Rc<RefCell<String>>);

impl Drop for HangsInDrop {
    fn drop(&mut self) {
        let (_sender, receiver) = async_channel::bounded::<()>(1);
        let text = message_of(|| candor::block_on(receiver.recv()).unwrap());
        self.0.replace(text);
    }
}

#[test]
fn what_a_destructor_enters_within_a_test_does_not_hang_either() {
    in_time(|| {
        let said = Rc::new(RefCell::default());
        limited().test(async {
            let inner = Executor::new();
            let hangs = HangsInDrop(Rc::clone(&said));
            let holds = async move {
                let _hangs = hangs;
                std::future::pending::<()>().await;
            };
            let _task = inner.spawn(holds);
            inner.tick();
            drop(inner);
        });
        assert_contains(&said.take(), "for 300ms nothing has moved");
        // The value of a test that has failed.
        message_of(|| {
            limited().test(async {
                candor::spawn(async { Err::<(), _>("an error") }).detach();
                candor::yield_now().await;
                candor::Ok(HangsInDrop(Rc::clone(&said)))
            });
        });
        assert_contains(&said.take(), "for 300ms nothing has moved");
    });
}

#[test]
fn what_is_entered_within_a_test_does_not_hang_where_everything_is_logged_either() {
    let name = "what_is_entered_within_a_test_does_not_hang_where_everything_is_logged_either";
    let told = child(name).run(|| {
        env_logger::builder()
            .filter_level(LevelFilter::Trace)
            .init();
        let (_sender, receiver) = async_channel::bounded::<()>(1);
        let waits = || candor::block_on(receiver.recv()).unwrap();
        let text = message_of(|| limited().test(async { waits() }));
        println!("{text}");
    });
    let Some(told) = told else { return };
    assert_contains(&told.assert_success().stdout, "for 300ms nothing has moved");
}

#[test]
fn what_the_value_of_a_failed_test_spawns_in_its_destructor_is_cancelled_too() {
    struct Spawns;
    impl Drop for Spawns {
        fn drop(&mut self) {
            candor::spawn(std::future::pending::<()>()).detach();
        }
    }
    let executor = Executor::new();
    message_of(|| {
        executor.test(async {
            candor::spawn(async { Err::<(), _>("an error") }).detach();
            candor::yield_now().await;
            candor::Ok(Spawns)
        });
    });
    assert!(executor.tasks().is_empty());
}

#[test]
fn on_virtual_time_a_shorter_limit_holds_within_a_test_as_well() {
    in_time(|| {
        let text = message_of(|| {
            Executor::new().test(async {
                impatient().block_on(async {
                    let lock = tokio::sync::Mutex::new(());
                    let _first = lock.lock().await;
                    let _second = lock.lock().await;
                })
            })
        });
        assert_contains(&text, "has stood still for 200ms");
    });
}

#[test]
fn an_executor_that_nobody_observes_notices_a_deadlock_in_its_test() {
    in_time(|| {
        // Nothing here is switched on in a release build.
        let executor = Executor::new();
        let text = message_of(|| {
            executor.test(async {
                let lock = tokio::sync::Mutex::new(());
                let _first = lock.lock().await;
                let _second = lock.lock().await;
            })
        });
        assert!(text.contains("the main future: waiting"), "{text}");
    });
}

#[test]
fn a_test_whose_main_future_panics_cancels_its_tasks_too() {
    in_time(|| {
        let executor = Executor::new();
        let test = || {
            executor.test(async {
                candor::spawn(std::future::pending::<()>()).detach();
                candor::yield_now().await;
                panic!("the test's own")
            })
        };
        catch_unwind(AssertUnwindSafe(test)).unwrap_err();
        assert!(executor.tasks().is_empty());
    });
}

#[test]
fn what_was_reported_before_the_panic_of_a_test_is_printed_after_all() {
    let name = "what_was_reported_before_the_panic_of_a_test_is_printed_after_all";
    let ended = child(name).run(|| {
        candor::test(async {
            candor::spawn(async { panic!("the cause") }).detach();
            candor::yield_now().await;
            std::hint::black_box(None::<()>).expect("the consequence");
        })
    });
    let Some(ended) = ended else { return };
    assert_contains(&ended.stderr, "task #1 panicked");
    assert_contains(&ended.stderr, "the cause");
    assert_contains(&ended.stderr, "the consequence");
}

/// An error or a value whose destructor calls `exit` or panics.
#[derive(Debug)]
struct Wicked;

impl candor::Value for Wicked {}

impl Drop for Wicked {
    fn drop(&mut self) {
        candor::exit(3);
        panic!("in its destructor");
    }
}

#[test]
fn the_failure_of_a_test_is_kept_though_the_destructor_of_its_error_panics() {
    in_time(|| {
        let text = message_of(|| candor::test(async { Err::<(), _>(Wicked) }));
        assert!(text.contains("the main future failed: Wicked"), "{text}");
        assert!(text.contains("in its destructor"), "{text}");
        let executor = Executor::builder().on_failure(|_| ()).build();
        let text = message_of(|| executor.test(async { Err::<(), _>(Wicked) }));
        assert!(text.contains("the main future failed: Wicked"), "{text}");
        assert_eq!(executor.failures(), 1);
    });
}

#[test]
fn what_a_test_has_reported_is_kept_though_the_destructor_of_its_value_panics() {
    let name = "what_a_test_has_reported_is_kept_though_the_destructor_of_its_value_panics";
    let ended = child(name).run(|| {
        let text = message_of(|| {
            candor::test(async {
                candor::spawn(async { panic!("the cause") }).detach();
                candor::yield_now().await;
                Wicked
            });
        });
        assert!(text.contains("the test has 2 unread failures"), "{text}");
        assert!(text.contains("the cause"), "{text}");
        assert!(text.contains("in its destructor"), "{text}");
    });
    if let Some(ended) = ended {
        ended.assert_success();
    }
}

#[test]
fn what_another_thread_has_asked_for_is_cancelled_at_the_end_of_a_test_as_well() {
    in_time(|| {
        let executor = Executor::new();
        let remote = executor.remote();
        let handle =
            executor.test(async { candor::Plain(remote.spawn(|| async { panic!("late") })) });
        drop(handle);
        executor.drain();
        assert_eq!(executor.failures(), 0);
    });
}

#[test]
fn to_advance_the_real_clock_is_a_panic_at_the_place_of_the_call() {
    in_time(|| {
        candor::block_on(async {
            let task = candor::spawn(async {
                let _never = candor::time::advance(Duration::from_secs(1));
            });
            let error = task.await.unwrap_err();
            let place = error.failure().unwrap().location().unwrap().to_string();
            assert!(place.contains("testing.rs"), "{place}");
        });
    });
}

#[test]
fn a_test_counts_its_own_failures_and_not_the_earlier_ones() {
    let executor = Executor::builder().on_failure(|_| ()).build();
    for _ in 0..2 {
        executor.spawn(async { panic!("boom") }).detach();
    }
    executor.drain();
    assert_eq!(executor.failures(), 2);
    let text = message_of(|| {
        executor.test(async {
            candor::spawn(async { panic!("boom") }).detach();
            candor::yield_now().await;
        });
    });
    assert_contains(&text, "the test has 1 unread failure");
}
