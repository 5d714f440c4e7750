//! A timer fires at its deadline: never early, in order, once, and not at all if it is not awaited.
//!
//! All but one of these tests run on virtual time, which jumps from deadline to deadline. So they can
//! assert *when* something happened, to the nanosecond:
//!
//! ```text
//! virtual time   0 ─────────────► 3 s ──────► 5 s      no time passes while anything is ready
//!                everybody waits  │ fires     │ fires
//! ```

#![allow(
    clippy::async_yields_async,
    reason = "sleeps are taken out of the executor on purpose"
)]

mod common;

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::future::{pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use candor::time::{
    Elapsed, Interval, MissedTickBehavior, Sleep, interval, interval_at, now, sleep_until, timeout,
    timeout_at,
};
use candor::{Executor, JoinHandle, sleep, spawn, time, yield_now};
use common::{Trace, assert_contains, panic_message};
use futures::channel::oneshot;
use futures::future::{FutureExt, select};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

// A sleep may be made and dropped anywhere, as long as it is polled in an executor.
const _: fn() = || {
    fn sent_and_shared<T: Send + Sync + Unpin + Debug>() {}
    sent_and_shared::<Sleep>();
    sent_and_shared::<Interval>();
    sent_and_shared::<Elapsed>();
};

/// An executor on virtual time that keeps its tasks from one call to the next.
fn executor() -> Executor {
    Executor::builder().virtual_time().build()
}

/// Polls once with a waker that does nothing.
fn poll_once(future: Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// How long `future` takes.
async fn time_of<T>(future: impl Future<Output = T>) -> Duration {
    let start = now();
    future.await;
    now() - start
}

#[test]
fn a_sleep_lasts_exactly_as_long_as_it_says() {
    candor::test(async {
        for duration in [
            Duration::from_nanos(1),
            Duration::from_nanos(63),
            Duration::from_nanos(64),
            Duration::from_nanos(65),
            MS,
            SECOND,
            Duration::new(4_294_967, 295_999_999),
            YEAR,
        ] {
            assert_eq!(time_of(sleep(duration)).await, duration);
        }
    });
}

#[test]
fn a_sleep_counts_from_where_it_was_made() {
    candor::test(async {
        let later = sleep(5 * SECOND);
        sleep(3 * SECOND).await;
        assert_eq!(time_of(later).await, 2 * SECOND);
    });
}

#[test]
fn a_deadline_that_has_passed_is_due_at_once() {
    candor::test(async {
        let start = now();
        sleep(SECOND).await;
        assert_eq!(time_of(sleep_until(start)).await, Duration::ZERO);
        assert_eq!(time_of(sleep_until(now())).await, Duration::ZERO);
    });
}

#[test]
fn a_sleep_of_zero_takes_no_time_and_lets_others_run_first() {
    candor::test(async {
        sleep(SECOND).await;
        let other = spawn(async {});
        assert_eq!(time_of(sleep(Duration::ZERO)).await, Duration::ZERO);
        assert!(other.is_finished());
    });
}

#[test]
fn an_endless_sleep_never_fires() {
    candor::test(async {
        let endless = spawn(sleep(Duration::MAX));
        sleep(500 * YEAR).await;
        assert!(!endless.is_finished());
        endless.abort();
        assert!(Sleep::is_elapsed(&sleep(Duration::ZERO)));
        assert_eq!(sleep(Duration::MAX).deadline(), None);
    });
}

/// The wheel counts 64 bits of nanoseconds, some 584 years.
#[test]
fn a_deadline_beyond_what_the_wheel_counts_never_fires() {
    candor::test(async {
        let far = spawn(sleep_until(now() + 600 * YEAR));
        let timeout = spawn(timeout_at(now() + 600 * YEAR, pending::<()>()));
        sleep(580 * YEAR).await;
        assert!(!far.is_finished() && !timeout.is_finished());
        far.abort();
        timeout.abort();
    });
}

#[test]
fn a_year_of_sleeps_takes_no_time() {
    candor::test(async {
        let start = now();
        for _ in 0..365 * 24 {
            sleep(3600 * SECOND).await;
        }
        assert_eq!(now() - start, YEAR);
    });
}

#[test]
fn each_executor_on_virtual_time_begins_anew() {
    for _ in 0..3 {
        candor::test(async { assert_eq!(time_of(sleep(YEAR)).await, YEAR) });
        candor::test(async { assert_eq!(time_of(sleep(MS)).await, MS) });
    }
}

#[test]
fn timers_fire_in_the_order_of_their_deadlines() {
    candor::test(async {
        let fired = Rc::new(RefCell::new(Vec::new()));
        // 257 and 1009 have no common factor: each number comes once, in no order.
        let sleepers: Vec<_> = (0..1009)
            .map(|index| {
                let (fired, millis) = (fired.clone(), index * 257 % 1009);
                spawn(async move {
                    sleep(MS * millis).await;
                    fired.borrow_mut().push(millis);
                })
            })
            .collect();
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
        assert_eq!(*fired.borrow(), (0..1009).collect::<Vec<_>>());
    });
}

#[test]
fn equal_deadlines_fire_in_the_order_of_their_first_polls() {
    candor::test(async {
        let (fired, deadline) = (Rc::new(RefCell::new(Vec::new())), now() + YEAR);
        let sleepers: Vec<_> = (0..1000)
            .map(|number| {
                let fired = fired.clone();
                spawn(async move {
                    sleep_until(deadline).await;
                    fired.borrow_mut().push(number);
                })
            })
            .collect();
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
        assert_eq!(*fired.borrow(), (0..1000).collect::<Vec<_>>());
    });
}

#[test]
fn equal_deadlines_reached_from_different_distances_fire_in_the_order_of_their_first_polls() {
    candor::test(async {
        let (trace, deadline) = (Trace::default(), now() + 100 * SECOND);
        let mut sleepers = Vec::new();
        for wait in [0, 90, 99] {
            let trace = trace.clone();
            sleepers.push(spawn(async move {
                sleep(SECOND * wait).await;
                sleep_until(deadline).await;
                trace.note(wait);
            }));
        }
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
        assert_eq!(trace.events(), ["0", "90", "99"]);
    });
}

#[test]
fn a_sleep_that_is_dropped_is_cancelled() {
    candor::test(async {
        let mut dropped = Box::pin(sleep(SECOND));
        assert!(poll_once(dropped.as_mut()).is_pending());
        drop(dropped);
        let polls = Cell::new(0);
        let mut other = pin!(sleep(5 * SECOND));
        let start = now();
        poll_fn(|cx| {
            polls.set(polls.get() + 1);
            assert_ne!(
                now() - start,
                SECOND,
                "time has stopped at a deadline that nobody has"
            );
            other.as_mut().poll(cx)
        })
        .await;
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn a_million_sleeps_that_are_dropped_leave_nothing_to_wake_for() {
    candor::test(async {
        for _ in 0..1_000_000 {
            let _in_time = timeout(YEAR, yield_once_by_hand()).await;
        }
        assert_eq!(time_of(sleep(SECOND)).await, SECOND);
    });
}

/// Waits for one pass, without the timer that a `sleep` would be.
fn yield_once_by_hand() -> impl Future<Output = ()> {
    let mut was_polled = false;
    poll_fn(move |cx| {
        if std::mem::replace(&mut was_polled, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

/// Polls `sleep`, resets it, and returns how long it took altogether.
async fn time_when_reset(from: Duration, to: Duration) -> Duration {
    let start = now();
    let mut sleep = sleep(from);
    assert!(poll_once(Pin::new(&mut sleep)).is_pending());
    sleep.reset(start + to);
    assert_eq!(sleep.deadline(), Some(start + to));
    (&mut sleep).await;
    assert!(sleep.is_elapsed());
    now() - start
}

#[test]
fn a_sleep_is_reset_in_both_directions() {
    candor::test(async {
        for (from, to) in [(1, 100_000), (100_000, 1), (5, 5), (7, 0)] {
            let (from, to) = (SECOND * from, SECOND * to);
            assert_eq!(time_when_reset(from, to).await, to);
        }
        assert_eq!(time_when_reset(Duration::MAX, SECOND).await, SECOND);
    });
}

#[test]
fn a_task_that_waits_is_woken_at_the_new_deadline_and_not_at_the_old_one() {
    for (from, to) in [(1, 100), (100, 1)] {
        candor::test(async move {
            let start = now();
            let shared = Rc::new(RefCell::new(sleep(SECOND * from)));
            let polls = Rc::new(Cell::new(0));
            let (waited_for, counted) = (shared.clone(), polls.clone());
            let waiting = spawn(async move {
                poll_fn(|cx| {
                    counted.set(counted.get() + 1);
                    Pin::new(&mut *waited_for.borrow_mut()).poll(cx)
                })
                .await;
                now()
            });
            yield_now().await;
            shared.borrow_mut().reset(start + SECOND * to);
            assert_eq!(waiting.await.unwrap() - start, SECOND * to);
            assert_eq!(polls.get(), 2);
        });
    }
}

#[test]
fn a_sleep_that_has_fired_can_be_reset_and_fires_again() {
    candor::test(async {
        let mut sleep = sleep(SECOND);
        (&mut sleep).await;
        for _ in 0..3 {
            sleep.reset(now() + 2 * SECOND);
            assert!(!sleep.is_elapsed());
            assert_eq!(time_of(&mut sleep).await, 2 * SECOND);
        }
    });
}

#[test]
fn a_sleep_whose_wake_is_under_way_can_still_be_reset() {
    candor::test(async {
        let start = now();
        let shared = Rc::new(RefCell::new(sleep(SECOND)));
        let resets = shared.clone();
        // Due at the same time and polled first, so it runs between the wake and the poll of the other.
        let rival = spawn(async move {
            sleep(SECOND).await;
            resets.borrow_mut().reset(start + 9 * SECOND);
        });
        yield_now().await;
        poll_fn(|cx| Pin::new(&mut *shared.borrow_mut()).poll(cx)).await;
        assert_eq!(now() - start, 9 * SECOND);
        rival.await.unwrap();
    });
}

#[test]
fn a_sleep_may_be_awaited_again_after_it_has_fired() {
    candor::test(async {
        let mut sleep = sleep(SECOND);
        assert_eq!(time_of(&mut sleep).await, SECOND);
        assert_eq!(time_of(&mut sleep).await, Duration::ZERO);
    });
}

#[test]
fn the_latest_waker_of_a_sleep_is_the_one_that_is_woken() {
    candor::test(async {
        let shared = Rc::new(RefCell::new(sleep(SECOND)));
        let first = shared.clone();
        let first = spawn(poll_fn(move |cx| {
            let _ready = Pin::new(&mut *first.borrow_mut()).poll(cx).is_ready();
            Poll::<()>::Pending
        }));
        yield_now().await;
        let second = spawn(poll_fn(move |cx| {
            Pin::new(&mut *shared.borrow_mut()).poll(cx)
        }));
        second.await.unwrap();
        first.abort();
    });
}

#[test]
fn a_sleep_polled_in_one_executor_ends_in_another() {
    let (first, second) = (executor(), executor());
    let mut sleep = first.block_on(async { sleep(SECOND) });
    assert!(
        first
            .block_on(async { poll_once(Pin::new(&mut sleep)) })
            .is_pending()
    );
    second.block_on(&mut sleep);
    // The first one's wheel still holds the deadline, and may wake for it; that does no harm.
    first.block_on(candor::sleep(5 * SECOND));
}

#[test]
fn a_sleep_polled_in_a_nested_executor_ends_there_or_outside() {
    candor::test(async {
        let mut ends_inside = pin!(sleep(MS));
        let mut ends_outside = pin!(sleep(MS));
        assert!(poll_once(ends_inside.as_mut()).is_pending());
        candor::block_on(async {
            assert!(poll_once(ends_outside.as_mut()).is_pending());
            ends_inside.as_mut().await;
        });
        ends_outside.await;
    });
}

#[test]
fn a_sleep_is_dropped_on_another_thread() {
    let executor = executor();
    executor.block_on(async {
        let mut sleep = Box::pin(sleep(SECOND));
        assert!(poll_once(sleep.as_mut()).is_pending());
        thread::spawn(|| drop(sleep)).join().unwrap();
        assert_eq!(time_of(candor::sleep(5 * SECOND)).await, 5 * SECOND);
    });
}

#[test]
fn a_sleep_is_dropped_after_its_executor() {
    let mut kept = Box::pin(sleep(SECOND));
    let gone = executor();
    assert!(
        gone.block_on(async { poll_once(kept.as_mut()) })
            .is_pending()
    );
    drop(gone);
    // The next executor may use the same number and the same place in its wheel.
    executor().block_on(async {
        let mut other = pin!(sleep(SECOND));
        assert!(poll_once(other.as_mut()).is_pending());
        drop(kept);
        assert_eq!(time_of(other).await, SECOND);
    });
}

#[test]
fn a_sleep_goes_on_in_another_executor_though_a_timer_has_its_place_there() {
    let mut kept = Box::pin(sleep(SECOND));
    let first = executor();
    first.block_on(poll_fn(|cx| {
        assert!(kept.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    }));
    executor().block_on(async {
        let mut other = pin!(sleep(5 * SECOND));
        let polled = poll_fn(|cx| Poll::Ready(other.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
        assert!(time_of(kept).await <= SECOND);
    });
}

#[test]
fn a_sleep_contains_the_panic_of_a_foreign_waker_that_it_drops() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a waker that cannot be dropped");
        }
    }
    executor().block_on(async {
        let mut waits = Box::pin(sleep(SECOND));
        let waker = Waker::from(Arc::new(Bomb));
        assert!(
            waits
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        // The timer has the last one now.
        drop(waker);
        drop(waits);
    });
}

#[test]
fn a_sleep_polled_outside_of_an_executor_panics_with_advice() {
    let message = panic_message(|| {
        let _never = poll_once(pin!(sleep(SECOND)));
    });
    assert_contains(&message, "no executor of candor runs on this thread");
    assert_contains(&message, "`candor::block_on`");
}

#[test]
fn time_outside_of_an_executor_is_real() {
    let before = Instant::now();
    assert!(now() >= before);
    assert!(sleep(Duration::ZERO).is_elapsed());
}

#[test]
fn a_timeout_polls_what_it_guards_first() {
    candor::test(async {
        assert_eq!(timeout(Duration::ZERO, ready(5)).await, Ok(5));
        let start = now();
        sleep(SECOND).await;
        assert_eq!(timeout_at(start, ready(5)).await, Ok(5));
        assert!(timeout_at(start, pending::<()>()).await.is_err());
    });
}

#[test]
fn a_timeout_at_the_very_deadline_of_what_it_guards_is_none() {
    candor::test(async {
        assert_eq!(timeout(SECOND, sleep(SECOND)).await, Ok(()));
    });
}

#[test]
fn a_timeout_drops_what_it_guards_at_its_deadline() {
    candor::test(async {
        let guarded = Rc::new(());
        let inside = guarded.clone();
        let result = timeout(SECOND, async move {
            let _inside = inside;
            pending::<()>().await;
        });
        assert_eq!(
            time_of(async { assert!(result.await.is_err()) }).await,
            SECOND
        );
        assert_eq!(Rc::strong_count(&guarded), 1);
    });
}

#[test]
fn an_endless_timeout_waits_for_what_it_guards() {
    candor::test(async {
        assert_eq!(timeout(Duration::MAX, sleep(YEAR)).await, Ok(()));
    });
}

#[test]
fn the_shortest_of_nested_timeouts_is_the_one_that_strikes() {
    candor::test(async {
        let inner = timeout(SECOND, pending::<()>());
        assert_eq!(
            timeout(2 * SECOND, inner).await.map(|inner| inner.is_err()),
            Ok(true)
        );
        let inner = timeout(2 * SECOND, pending::<()>());
        assert!(timeout(SECOND, inner).await.is_err());
        let deep = timeout(
            3 * SECOND,
            timeout(SECOND, timeout(2 * SECOND, pending::<()>())),
        );
        assert_eq!(time_of(deep).await, SECOND);
    });
}

#[test]
fn an_elapsed_timeout_is_an_error_that_says_so() {
    candor::test(async {
        let elapsed = timeout(MS, pending::<()>()).await.unwrap_err();
        let error: Box<dyn std::error::Error + Send + Sync> = Box::new(elapsed);
        assert_eq!(error.to_string(), "the time has run out");
    });
}

/// The milliseconds at which the ticks came, when the one due at 20 is awaited at 45.
fn ticks_when_late(behavior: MissedTickBehavior) -> Vec<u128> {
    candor::test(async move {
        let start = now();
        let mut interval = interval(10 * MS);
        interval.set_missed_tick_behavior(behavior);
        assert_eq!(interval.missed_tick_behavior(), behavior);
        for _ in [0, 10] {
            interval.tick().await;
        }
        sleep(35 * MS).await;
        let mut came = Vec::new();
        for _ in 0..6 {
            interval.tick().await;
            came.push((now() - start).as_millis());
        }
        came
    })
}

#[test]
fn an_interval_catches_up_unless_told_otherwise() {
    assert_eq!(MissedTickBehavior::default(), MissedTickBehavior::Burst);
    assert_eq!(
        ticks_when_late(MissedTickBehavior::Burst),
        [45, 45, 45, 50, 60, 70]
    );
}

#[test]
fn an_interval_that_delays_begins_a_new_rhythm() {
    assert_eq!(
        ticks_when_late(MissedTickBehavior::Delay),
        [45, 55, 65, 75, 85, 95]
    );
}

#[test]
fn an_interval_that_skips_falls_back_into_the_old_rhythm() {
    assert_eq!(
        ticks_when_late(MissedTickBehavior::Skip),
        [45, 50, 60, 70, 80, 90]
    );
}

#[test]
fn a_tick_tells_when_it_was_due() {
    candor::test(async {
        let start = now();
        let mut interval = interval_at(start + 10 * MS, 10 * MS);
        sleep(25 * MS).await;
        for due in [10, 20, 30, 40] {
            assert_eq!(interval.tick().await - start, MS * due);
        }
        assert_eq!(now() - start, 40 * MS);
    });
}

#[test]
fn a_tick_that_is_dropped_is_not_lost() {
    candor::test(async {
        let start = now();
        let mut interval = interval_at(start + 10 * MS, 10 * MS);
        for _ in 0..3 {
            assert!(timeout(3 * MS, interval.tick()).await.is_err());
        }
        assert_eq!(interval.tick().await - start, 10 * MS);
        assert_eq!(interval.tick().await - start, 20 * MS);
    });
}

#[test]
fn an_interval_that_is_reset_ticks_one_period_later() {
    candor::test(async {
        let mut interval = interval(10 * MS);
        interval.tick().await;
        sleep(4 * MS).await;
        interval.reset();
        assert_eq!(time_of(interval.tick()).await, 10 * MS);
        assert_eq!(interval.period(), 10 * MS);
    });
}

#[test]
fn an_endless_interval_ticks_once() {
    candor::test(async {
        let mut interval = interval(Duration::MAX);
        assert_eq!(interval.tick().await, now());
        assert!(timeout(YEAR, interval.tick()).await.is_err());
    });
}

#[test]
fn an_interval_of_zero_panics_with_advice() {
    let message = panic_message(|| {
        let _never = interval(Duration::ZERO);
    });
    assert_contains(&message, "the period of an interval is zero");
    assert_contains(&message, "`candor::yield_now().await`");
}

#[test]
fn virtual_time_stands_still_while_anything_is_ready() {
    candor::test(async {
        let start = now();
        let sleeper = spawn(sleep(Duration::from_nanos(1)));
        for _ in 0..10_000 {
            yield_now().await;
        }
        assert_eq!(now(), start);
        assert!(!sleeper.is_finished());
        sleeper.await.unwrap();
    });
}

#[test]
fn an_executor_on_virtual_time_without_timers_waits_for_other_threads() {
    candor::test(async {
        let mut thread: Option<thread::JoinHandle<()>> = None;
        let start = now();
        poll_fn(|cx| match thread.take() {
            Some(thread) => {
                thread.join().unwrap();
                Poll::Ready(())
            }
            None => {
                let waker = cx.waker().clone();
                thread = Some(thread::spawn(|| waker.wake()));
                Poll::Pending
            }
        })
        .await;
        assert_eq!(now(), start);
    });
}

#[test]
fn a_kept_executor_keeps_its_timers_between_two_calls() {
    let executor = executor();
    let sleeper: JoinHandle<()> = executor.spawn(async { sleep(5 * SECOND).await });
    executor.block_on(async { sleep(3 * SECOND).await });
    assert!(!sleeper.is_finished());
    let rest = executor.block_on(async { time_of(async { sleeper.await.unwrap() }).await });
    assert_eq!(rest, 2 * SECOND);
}

/// The one test here on the real clock: only that one can be ahead of a timer, by rounding a deadline down.
#[test]
fn on_the_real_clock_a_timer_is_never_early() {
    candor::block_on(async {
        for micros in [0, 1, 15, 16, 17, 100, 500, 1000, 1500, 3000] {
            let (start, wait) = (Instant::now(), Duration::from_micros(micros));
            sleep(wait).await;
            let slept = start.elapsed();
            assert!(slept >= wait, "{slept:?} instead of {wait:?}");
        }
    });
}

/// When an interval of 50 ms ticks, in ms, if its second tick is awaited `late` after it was due.
fn ticks_when_late_by(behavior: MissedTickBehavior, late: Duration) -> [u128; 4] {
    executor().block_on(async {
        let start = now();
        let mut interval = interval(50 * MS);
        interval.set_missed_tick_behavior(behavior);
        interval.tick().await;
        sleep(50 * MS + late).await;
        let mut ticks = [0; 4];
        for tick in &mut ticks {
            interval.tick().await;
            *tick = (now() - start).as_millis();
        }
        ticks
    })
}

/// The numbers are those of tokio 1.54 on its paused clock.
#[test]
fn a_tick_that_is_late_by_less_than_its_period_was_missed_as_well() {
    use MissedTickBehavior::{Burst, Delay, Skip};
    let late = 30 * MS;
    assert_eq!(ticks_when_late_by(Burst, late), [80, 100, 150, 200]);
    assert_eq!(ticks_when_late_by(Delay, late), [80, 130, 180, 230]);
    assert_eq!(ticks_when_late_by(Skip, late), [80, 100, 150, 200]);
}

#[test]
fn a_tick_that_is_late_by_exactly_its_period_is_burst_delayed_or_skipped() {
    use MissedTickBehavior::{Burst, Delay, Skip};
    let late = 50 * MS;
    assert_eq!(ticks_when_late_by(Burst, late), [100, 100, 150, 200]);
    assert_eq!(ticks_when_late_by(Delay, late), [100, 150, 200, 250]);
    assert_eq!(ticks_when_late_by(Skip, late), [100, 150, 200, 250]);
}

#[test]
fn a_tick_that_is_late_by_five_milliseconds_is_in_time() {
    use MissedTickBehavior::{Delay, Skip};
    assert_eq!(ticks_when_late_by(Delay, 5 * MS), [55, 100, 150, 200]);
    assert_eq!(ticks_when_late_by(Delay, 6 * MS), [56, 106, 156, 206]);
    assert_eq!(ticks_when_late_by(Skip, 6 * MS), [56, 100, 150, 200]);
}

#[test]
fn an_endless_sleep_does_not_let_virtual_time_run_to_its_end() {
    let (sender, receiver) = async_channel::bounded(1);
    executor().block_on(async {
        let start = now();
        spawn(sleep(Duration::MAX)).detach();
        let sends = thread::spawn(move || {
            // Gives the executor the time to park; if it has not parked, less is tested.
            common::hold_the_thread(20 * MS);
            sender.try_send(()).unwrap();
        });
        receiver.recv().await.unwrap();
        assert_eq!(now(), start);
        sleep(SECOND).await;
        assert_eq!(now() - start, SECOND);
        sends.join().unwrap();
    });
}

#[test]
fn an_endless_sleep_that_is_reset_ends() {
    executor().block_on(async {
        let start = now();
        let mut endless = sleep(Duration::MAX);
        assert!(timeout(SECOND, &mut endless).await.is_err());
        endless.reset(start + 3 * SECOND);
        endless.await;
        assert_eq!(now() - start, 3 * SECOND);
    });
}

/// Polls once with a waker that does nothing.
fn is_ready(sleep: &mut Sleep) -> bool {
    let cx = &mut Context::from_waker(Waker::noop());
    Pin::new(sleep).poll(cx).is_ready()
}

#[test]
fn a_sleep_is_ready_when_it_says_that_it_has_elapsed() {
    for builder in [Executor::builder(), Executor::builder().virtual_time()] {
        builder.build().block_on(async {
            let agrees = |sleep: &mut Sleep| {
                let is_elapsed = sleep.is_elapsed();
                assert_eq!(is_ready(sleep), is_elapsed);
                is_elapsed
            };
            let start = candor::time::now();
            let mut moved = sleep_until(start + Duration::from_secs(100));
            assert!(!agrees(&mut moved));
            sleep(Duration::from_millis(2)).await;
            moved.reset(start);
            assert!(agrees(&mut moved), "reset into the past");
            assert!(agrees(&mut moved), "and again");
            moved.reset(start + Duration::from_secs(100));
            assert!(!agrees(&mut moved), "reset into the future");

            let mut done = sleep(Duration::from_millis(1));
            (&mut done).await;
            assert!(agrees(&mut done), "once ready, always ready");
            yield_now().await;
            assert!(agrees(&mut done));

            assert!(agrees(&mut sleep_until(start)), "a deadline in the past");

            let mut held = sleep(Duration::from_millis(5));
            assert!(!agrees(&mut held));
            common::hold_the_thread(Duration::from_millis(10));
            agrees(&mut held);
        });
    }
}

#[test]
fn a_sleep_that_is_gone_leaves_no_deadline_wherever_it_was_dropped() {
    let executor = Executor::new();
    let polled_inside = || {
        let mut nap = Box::pin(sleep(Duration::from_secs(100)));
        executor.block_on(poll_fn(|cx| {
            assert!(nap.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        }));
        assert!(executor.next_deadline().is_some());
        nap
    };
    drop(polled_inside());
    assert_eq!(executor.next_deadline(), None, "while it rests");

    let nap = polled_inside();
    candor::block_on(async { drop(nap) });
    assert_eq!(executor.next_deadline(), None, "inside of another one");

    let nap = polled_inside();
    std::thread::spawn(move || drop(nap)).join().unwrap();
    assert_eq!(executor.next_deadline(), None, "on another thread");

    let mut nap = polled_inside();
    nap.as_mut().reset(std::time::Instant::now());
    drop(nap);
    assert_eq!(executor.next_deadline(), None, "after a reset outside");
}

#[test]
fn a_sleep_that_was_dropped_outside_hides_no_stall() {
    let executor = Executor::builder().detect_stalls(true).build();
    let mut nap = Box::pin(sleep(Duration::from_secs(100)));
    executor.block_on(poll_fn(|cx| {
        assert!(nap.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    }));
    drop(nap);
    let message = common::panic_message(|| executor.block_on(pending::<()>()));
    common::assert_contains(&message, "can never return");
}

#[test]
fn a_sleep_that_outlives_its_executor_takes_nothing_out_of_the_next_one() {
    let mut late = Box::pin(sleep(Duration::from_secs(100)));
    let first = Executor::new();
    first.block_on(poll_fn(|cx| {
        assert!(late.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    }));
    drop(first);
    let second = Executor::builder().virtual_time().build();
    second.spawn(sleep(Duration::from_secs(5))).detach();
    second.tick();
    drop(late);
    assert!(second.next_deadline().is_some());
}

#[test]
fn resets_into_the_past_are_due_now_in_the_order_in_which_they_came() {
    candor::test(async {
        let start = candor::time::now();
        sleep(Duration::from_secs(10)).await;
        let order = Rc::new(RefCell::new(Vec::new()));
        let mut naps = Vec::new();
        for number in 0..3 {
            let order = order.clone();
            let deadline = Rc::new(Cell::new(None));
            let moved = deadline.clone();
            let nap = spawn(async move {
                let mut nap = Box::pin(sleep(Duration::from_secs(100)));
                poll_fn(|cx| {
                    if let Some(deadline) = moved.take() {
                        nap.as_mut().reset(deadline);
                    }
                    nap.as_mut().poll(cx)
                })
                .await;
                order.borrow_mut().push(number);
            });
            naps.push((deadline, nap));
        }
        yield_now().await;
        for (seconds, (deadline, _)) in naps.iter().enumerate() {
            deadline.set(Some(start + Duration::from_secs(9 - seconds as u64)));
        }
        sleep(Duration::from_secs(200)).await;
        assert_eq!(*order.borrow(), [0, 1, 2]);
    });
}

/// A task that waits for a sleep which the test can reach.
fn waits_for(executor: &Executor, duration: Duration) -> (JoinHandle<()>, Rc<RefCell<Sleep>>) {
    let slept = Rc::new(RefCell::new(sleep(duration)));
    let within = slept.clone();
    let waits = poll_fn(move |cx| Pin::new(&mut *within.borrow_mut()).poll(cx));
    (executor.spawn(waits), slept)
}

#[test]
fn a_sleep_that_is_reset_where_its_executor_does_not_run_wakes_at_the_new_deadline() {
    let executor = Executor::builder().virtual_time().build();
    let (task, slept) = waits_for(&executor, 100 * SECOND);
    executor.try_tick();
    let start = executor.block_on(async { now() });
    for (seconds, is_later) in [(50, false), (80, true)] {
        let deadline = start + seconds * SECOND;
        slept.borrow_mut().reset(deadline);
        executor.try_tick();
        assert_eq!(executor.next_deadline(), Some(deadline), "{is_later}");
    }
    assert!(!task.is_finished());
    assert_eq!(
        executor
            .block_on(async { task.await.map(|()| now()) })
            .unwrap(),
        start + 80 * SECOND
    );
}

#[test]
fn a_sleep_that_is_reset_in_a_nested_executor_or_on_another_thread_wakes_at_the_new_deadline() {
    let executor = Executor::new();
    let (task, slept) = waits_for(&executor, 1_000 * SECOND);
    executor.block_on(async {
        yield_now().await;
        candor::block_on(async { slept.borrow_mut().reset(Instant::now() + 10 * MS) });
        task.await.unwrap();
    });

    let shared = Arc::new(Mutex::new(sleep(1_000 * SECOND)));
    let reset = shared.clone();
    let resets = thread::spawn(move || {
        common::hold_the_thread(50 * MS);
        reset.lock().unwrap().reset(Instant::now() + 10 * MS);
    });
    executor.block_on(poll_fn(|cx| {
        Pin::new(&mut *shared.lock().unwrap()).poll(cx)
    }));
    resets.join().unwrap();
}

#[test]
fn an_interval_that_is_paused_for_ever_wakes_its_waiter_when_it_goes_on() {
    for pause in [1_000 * SECOND, Duration::MAX] {
        let executor = Executor::builder().virtual_time().build();
        executor.block_on(async {
            let paused = Rc::new(RefCell::new(interval(SECOND)));
            let ticking = paused.clone();
            let ticks = spawn(async move {
                for _ in 0..5 {
                    poll_fn(|cx| ticking.borrow_mut().poll_tick(cx)).await;
                }
            });
            sleep(SECOND / 2).await;
            paused.borrow_mut().reset_after(pause);
            sleep(SECOND).await;
            paused.borrow_mut().reset_immediately();
            sleep(10 * SECOND).await;
            assert!(ticks.is_finished(), "{pause:?}");
        });
    }
}

#[test]
fn the_first_poll_of_a_stay_reads_the_clock() {
    let executor = Executor::new();
    executor.block_on(async {});
    candor::block_on(async {});
    let past = Instant::now() + 10 * MS;
    common::hold_the_thread(40 * MS);
    let is_over = || sleep_until(past).is_elapsed() && sleep_until(past).now_or_never().is_some();
    assert!(candor::block_on(async { is_over() }));
    assert!(executor.block_on(async { is_over() }));
    assert!(futures::executor::block_on(
        executor.run_until(async { is_over() })
    ));
}

#[test]
fn a_timer_that_an_instrument_sets_before_a_park_is_not_slept_over() {
    struct Resets(Rc<RefCell<Sleep>>, Cell<bool>);
    impl candor::Instrument for Resets {
        fn park_begin(&self, _at: Instant, _timeout: Option<Duration>) {
            if !self.1.replace(true) {
                self.0.borrow_mut().reset(now() + 10 * MS);
            }
        }
    }
    let slept = Rc::new(RefCell::new(sleep(1_000 * SECOND)));
    let resets = Resets(slept.clone(), Cell::new(false));
    let executor = Executor::builder().instrument(resets).build();
    executor.block_on(poll_fn(|cx| Pin::new(&mut *slept.borrow_mut()).poll(cx)));
}

#[test]
fn a_step_that_no_clock_can_make_is_made_as_far_as_it_can() {
    candor::test(async {
        let start = now();
        candor::time::advance(Duration::MAX).await;
        assert!(now() - start > 1_000_000 * SECOND);
    });
}

#[test]
fn a_timeout_names_itself_and_not_what_was_awaited_before_it_in_the_same_poll() {
    let executor = Executor::new();
    let other = executor.spawn(pending::<()>());
    let (_sender, receiver) = oneshot::channel::<()>();
    let waits = async move {
        let _either = select(other, ready(())).await;
        let _elapsed = timeout(SECOND, receiver).await;
    };
    executor.spawn(waits).detach();
    executor.run_until_stalled();
    let tasks = executor.tasks();
    let last = tasks.iter().last().unwrap().last_await().unwrap();
    assert_eq!(last.what(), "timeout");
}

#[test]
fn what_the_destructor_of_a_main_future_awaited_is_no_await_of_a_task() {
    struct Sleeps;
    impl Future for Sleeps {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }
    impl Drop for Sleeps {
        fn drop(&mut self) {
            assert!(sleep(SECOND).now_or_never().is_none());
        }
    }
    let executor = Executor::new();
    let (_sender, receiver) = oneshot::channel::<()>();
    let waits = async move { receiver.await.unwrap_or(()) };
    executor.spawn(waits).detach();
    executor.block_on(Sleeps);
    executor.run_until_stalled();
    assert!(
        executor
            .tasks()
            .iter()
            .all(|task| task.last_await().is_none())
    );
}

#[test]
fn a_panic_within_a_timeout_keeps_the_last_await_that_is_known() {
    candor::test(async {
        let task = spawn(async {
            let timeout = timeout(Duration::from_secs(9), async { panic!("boom") });
            let (_, _): ((), Result<(), _>) =
                futures::join!(sleep(Duration::from_secs(1)), timeout);
        });
        let error = task.await.unwrap_err();
        let last = error.failure().unwrap().last_await().unwrap();
        assert_eq!(last.what(), "sleep");
    });
}

/// What is made where no executor with a virtual clock runs can only read the real clock.
#[test]
fn on_virtual_time_what_was_made_outside_counts_from_its_first_poll() {
    const HOUR: Duration = Duration::from_secs(3600);
    let executor = Executor::builder().virtual_time().build();
    let now = || executor.block_on(async { time::now() });
    let took = |run: &dyn Fn()| {
        let start = now();
        run();
        now() - start
    };
    // The two clocks are far apart.
    executor.block_on(async { sleep(24 * HOUR).await });
    for _ in 0..3 {
        let sleep_here = || executor.block_on(sleep(HOUR));
        assert_eq!(took(&sleep_here), HOUR);
    }
    let nested = || candor::block_on(async { executor.block_on(sleep(HOUR)) });
    assert_eq!(took(&nested), HOUR);
    let in_time = executor.block_on(time::timeout(HOUR, async {
        candor::yield_now().await;
        5
    }));
    assert_eq!(in_time, Ok(5));
    let too_late = || {
        let never = time::timeout(HOUR, std::future::pending::<()>());
        assert!(executor.block_on(never).is_err());
    };
    assert_eq!(took(&too_late), HOUR);
    let ticks = || {
        let mut interval = time::interval(HOUR);
        executor.block_on(async { interval.tick().await });
        interval.reset_after(2 * HOUR);
        executor.block_on(async {
            interval.tick().await;
            interval.tick().await
        });
    };
    assert_eq!(took(&ticks), 3 * HOUR);
}

#[test]
fn a_spawned_sleep_that_was_made_outside_ends_when_virtual_time_was_advanced_by_as_much() {
    let executor = Executor::builder().virtual_time().build();
    for micros in [1, 1_500, 60_000_000] {
        let duration = Duration::from_micros(micros);
        let slept = executor.spawn(sleep(duration));
        executor.try_tick();
        executor.advance(duration - Duration::from_nanos(1));
        executor.try_tick();
        assert!(!slept.is_finished());
        executor.advance(Duration::from_nanos(1));
        executor.try_tick();
        assert!(slept.is_finished());
    }
}

#[test]
fn a_sleep_that_was_reset_before_its_first_poll_keeps_that_deadline_on_virtual_time() {
    let executor = Executor::builder().virtual_time().build();
    let start = executor.block_on(async { time::now() });
    let mut slept = sleep(Duration::from_secs(60));
    slept.reset(start + Duration::from_secs(5));
    executor.block_on(slept);
    assert_eq!(
        executor.block_on(async { time::now() }) - start,
        Duration::from_secs(5)
    );
}

#[test]
fn a_sleep_that_was_made_on_virtual_time_counts_from_its_first_poll_on_the_real_clock() {
    candor::test(async {
        sleep(Duration::from_secs(86_400)).await;
        let (start, duration) = (Instant::now(), Duration::from_millis(1));
        candor::block_on(sleep(duration));
        candor::block_on(time::timeout(duration, pending::<()>())).unwrap_err();
        assert!(start.elapsed() >= 2 * duration);
    });
}

#[test]
fn a_sleep_that_was_made_by_another_clock_has_not_elapsed_before_its_first_poll() {
    let executor = Executor::builder().virtual_time().build();
    executor.advance(Duration::from_secs(3600));
    let mut slept = sleep(Duration::from_secs(10));
    executor.block_on(async {
        assert!(!slept.is_elapsed());
        assert!(futures::poll!(&mut slept).is_pending());
        (&mut slept).await;
        assert!(slept.is_elapsed());
    });
}

#[test]
fn a_sleep_that_was_made_outside_is_elapsed_when_its_time_has_passed() {
    let nap = sleep(Duration::from_millis(5));
    common::hold_the_thread(Duration::from_millis(20));
    assert!(nap.is_elapsed());
}
