//! What an instrument is called with, and when, and that it can do no harm.

mod common;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use candor::{
    Builder, Ending, Executor, Instrument, JoinHandle, TaskBuilder, TaskFailure, TaskId, TaskView,
    WokenBy,
};
use common::{Trace, assert_contains, child};

/// Counts parks.
#[derive(Default)]
struct Parks(Rc<Cell<u32>>);

impl Instrument for Parks {
    fn park_begin(&self, _: Instant, _: Option<Duration>) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn an_executor_that_waits_is_parked_and_does_not_look_again_and_again() {
    let parks = Rc::new(Cell::new(0));
    let executor = Executor::builder().instrument(Parks(parks.clone())).build();
    executor.block_on(candor::sleep(Duration::from_millis(50)));
    // Once, unless the operating system unparks a thread for nothing.
    assert!((1..20).contains(&parks.get()), "{parks:?}");
}

impl Instrument for Trace {
    fn spawn(&self, _: Instant, task: &TaskView<'_>) {
        let by = task
            .spawned_by()
            .map_or("nobody".into(), |by| by.to_string());
        self.note(format!("spawn {} by {by}", task.id()));
    }

    fn poll_begin(&self, _: Instant, task: &TaskView<'_>) {
        self.note(format!("poll {}", task.id()));
    }

    fn poll_end(&self, _: Instant, task: &TaskView<'_>, poll: Poll<()>) {
        self.note(format!(
            "{} {}",
            if poll.is_ready() { "ready" } else { "pending" },
            task.id()
        ));
    }

    fn wake(&self, _: Instant, task: &TaskView<'_>, by: WokenBy) {
        let by = match by {
            WokenBy::Task(id) => id.to_string(),
            WokenBy::Timer => "timer".into(),
            WokenBy::Elsewhere => "elsewhere".into(),
            other => other.to_string(),
        };
        self.note(format!("wake {} by {by}", task.id()));
    }

    fn timer(&self, _: Instant, task: Option<&TaskView<'_>>) {
        let of = task.map_or("nobody".into(), |task| task.id().to_string());
        self.note(format!("timer of {of}"));
    }

    fn park_begin(&self, _: Instant, _: Option<Duration>) {
        self.note("park");
    }

    fn park_end(&self, _: Instant) {
        self.note("unpark");
    }

    fn failure(&self, _: Instant, failure: &TaskFailure) {
        self.note(format!(
            "failure {}: {}",
            failure.task_id(),
            failure.message()
        ));
    }

    fn done(&self, _: Instant, task: &TaskView<'_>, ending: Ending) {
        self.note(format!("done {}: {ending}", task.id()));
    }
}

fn quiet() -> Builder {
    Executor::builder().virtual_time().on_failure(|_| ())
}

/// The events of a program, from the first to the last.
fn trace_of(program: impl AsyncFnOnce()) -> Vec<String> {
    let trace = Trace::default();
    let executor = quiet().instrument(trace.clone()).build();
    executor.block_on(program());
    drop(executor);
    trace.events()
}

/// The events that contain this word.
fn only(word: &str, events: Vec<String>) -> Vec<String> {
    let is_of_interest = |event: &String| event.split([' ', ':']).any(|part| part == word);
    events.into_iter().filter(is_of_interest).collect()
}

#[test]
fn a_timer_of_another_executors_task_is_of_nobody_here() {
    let trace = Trace::default();
    let inner = quiet().instrument(trace.clone()).build();
    let outer = Executor::new();
    let task = outer.spawn(poll_fn(move |of_outer| {
        inner.block_on(async {
            // In the same slot as the task of the other executor.
            let _tenant = candor::spawn(pending::<()>());
            candor::yield_now().await;
            let mut sleep = pin!(candor::sleep(Duration::from_millis(10)));
            assert!(sleep.as_mut().poll(of_outer).is_pending());
            candor::sleep(Duration::from_millis(20)).await;
        });
        Poll::Ready(())
    }));
    outer.block_on(task).unwrap();
    let timers = only("timer", trace.events());
    assert_eq!(timers[0], "timer of nobody");
    assert!(timers.contains(&"timer of #0".to_owned()), "{timers:?}");
}

#[test]
fn a_task_is_told_from_its_spawn_to_its_joiner() {
    let trace = trace_of(async || {
        candor::spawn(candor::yield_now()).await.unwrap();
    });
    assert_eq!(
        trace,
        [
            "poll #0",
            "spawn #1 by #0",
            "pending #0",
            "poll #1",
            "wake #1 by #1",
            "pending #1",
            "poll #1",
            "ready #1",
            "done #1: returned",
            "wake #0 by #1",
            "poll #0",
            "ready #0",
        ]
    );
}

#[test]
fn a_timer_is_told_before_the_wake_that_it_causes() {
    let trace = trace_of(async || candor::sleep(Duration::from_secs(1)).await);
    assert_eq!(
        trace,
        [
            "poll #0",
            "pending #0",
            "timer of #0",
            "wake #0 by timer",
            "poll #0",
            "ready #0"
        ]
    );
}

#[test]
fn a_timer_whose_waker_is_not_candors_is_nobodys() {
    let trace = trace_of(async || {
        use futures::StreamExt;
        let sleeps = [candor::sleep(Duration::from_secs(1))];
        sleeps
            .into_iter()
            .collect::<futures::stream::FuturesUnordered<_>>()
            .next()
            .await;
    });
    assert_eq!(
        only("timer", trace),
        ["timer of nobody", "wake #0 by timer"]
    );
}

#[test]
fn what_comes_behind_the_timers_is_not_woken_by_one() {
    /// A waker that wakes another one when it is dropped.
    struct WakesInDrop(Waker);
    impl Wake for WakesInDrop {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for WakesInDrop {
        fn drop(&mut self) {
            self.0.wake_by_ref();
        }
    }
    let trace = Trace::default();
    let executor = quiet().instrument(trace.clone()).build();
    let sleep = |seconds| Box::pin(candor::sleep(Duration::from_secs(seconds)));
    let late = Rc::new(RefCell::new(Some(sleep(1_000))));
    let (mut soon, kept) = (sleep(1), Rc::clone(&late));
    let _task = executor.spawn(poll_fn(move |cx| {
        let poll = |sleep: &mut Pin<Box<candor::time::Sleep>>, waker: &Waker| {
            let poll = sleep.as_mut().poll(&mut Context::from_waker(waker));
            assert!(poll.is_pending());
        };
        if let Some(late) = &mut *kept.borrow_mut() {
            poll(&mut soon, Waker::noop());
            poll(late, &Arc::new(WakesInDrop(cx.waker().clone())).into());
        }
        Poll::<()>::Pending
    }));
    executor.try_tick();
    executor.advance(Duration::from_secs(1));
    executor.try_tick();
    // The executor drops its waker at the next turn.
    late.take();
    executor.try_tick();
    let events = [only("timer", trace.events()), only("wake", trace.events())];
    assert_eq!(events.concat(), ["timer of nobody", "wake #1 by elsewhere"]);
}

#[test]
fn two_wakes_before_a_poll_are_told_as_one() {
    let trace = trace_of(async || {
        let mut polls = 0;
        std::future::poll_fn(|cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            cx.waker().wake_by_ref();
            if polls == 2 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    });
    let wake = "wake #0 by #0";
    assert_eq!(
        trace,
        ["poll #0", wake, "pending #0", "poll #0", wake, "ready #0"]
    );
}

#[test]
fn what_an_instrument_does_is_not_told() {
    #[derive(Default)]
    struct SpawnsAtASpawn(Cell<u32>);
    impl Instrument for SpawnsAtASpawn {
        fn spawn(&self, _: Instant, _: &TaskView<'_>) {
            self.0.set(self.0.get() + 1);
            if self.0.get() < 10 {
                candor::spawn(async {}).detach();
            }
        }
    }
    let spawns = Rc::new(SpawnsAtASpawn::default());
    let executor = quiet().instrument(spawns.clone()).build();
    executor.block_on(async { candor::spawn(async {}).detach() });
    assert_eq!((spawns.0.get(), executor.tasks().len()), (1, 2));
}

#[test]
fn a_wake_from_another_thread_is_told_after_the_park_that_it_ends() {
    let (to_thread, orders) = mpsc::channel::<async_channel::Sender<()>>();
    let thread = thread::spawn(move || orders.recv().unwrap().send_blocking(()).unwrap());
    let trace = trace_of(async || {
        let (sender, receiver) = async_channel::bounded(1);
        let task = candor::spawn(async move { receiver.recv().await.unwrap() });
        candor::yield_now().await;
        to_thread.send(sender).unwrap();
        task.await.unwrap();
    });
    thread.join().unwrap();
    let about_1 = only("#1", trace.clone());
    assert_contains(
        &about_1.join("\n"),
        "wake #1 by elsewhere\npoll #1\nready #1",
    );
    let parks = trace.iter().filter(|event| *event == "park").count();
    assert_eq!(
        parks,
        trace.iter().filter(|event| *event == "unpark").count()
    );
}

#[test]
fn each_way_to_end_has_its_name() {
    let trace = trace_of(async || {
        let aborted = candor::spawn(std::future::pending::<()>());
        let never_polled = candor::spawn(async {});
        never_polled.abort();
        let handles: [JoinHandle<Result<(), &str>>; 3] = [
            candor::spawn(async { Ok(()) }),
            candor::spawn(async { Err("gone wrong") }),
            candor::spawn(async { panic!("boom") }),
        ];
        candor::spawn(std::future::pending::<()>()).detach();
        candor::yield_now().await;
        aborted.abort();
        candor::yield_now().await;
        for handle in handles {
            let _ = handle.await;
        }
    });
    assert_eq!(
        only("done", trace.clone()),
        [
            "done #2: was cancelled",
            "done #3: returned",
            "done #4: failed",
            "done #5: panicked",
            "done #1: was cancelled",
            "done #6: was cancelled",
        ]
    );
    assert_eq!(
        only("#2", trace.clone()),
        ["spawn #2 by #0", "done #2: was cancelled"]
    );
    assert_eq!(
        only("#5", trace),
        [
            "spawn #5 by #0",
            "poll #5",
            "ready #5",
            "failure #5: boom",
            "done #5: panicked"
        ]
    );
}

#[test]
fn a_task_that_returns_although_it_was_aborted_has_returned() {
    let trace = trace_of(async || {
        let own_handle = Rc::new(RefCell::new(None::<candor::AbortHandle>));
        let task = candor::spawn({
            let own_handle = own_handle.clone();
            async move { own_handle.take().unwrap().abort() }
        });
        own_handle.replace(Some(task.abort_handle()));
        task.await.unwrap();
    });
    assert_eq!(only("done", trace), ["done #1: returned"]);
}

#[test]
fn a_destructor_that_panics_in_a_cancelled_task_is_a_failure_of_that_task() {
    struct PanicsOnDrop;
    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            panic!("in the destructor");
        }
    }
    let trace = trace_of(async || {
        let guard = PanicsOnDrop;
        let task = candor::spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await
        });
        candor::yield_now().await;
        task.abort();
        let _ = task.await;
    });
    let end = only("#1", trace).split_off(3);
    assert_eq!(
        end,
        [
            "failure #1: in the destructor",
            "done #1: panicked",
            "wake #0 by #1"
        ]
    );
}

#[test]
fn the_failure_of_the_future_of_run_is_told() {
    let trace = Trace::default();
    let executor = quiet().instrument(trace.clone()).build();
    let _ = executor.run(async { Err::<(), _>("gone wrong") });
    let _ = executor.run(async { panic!("boom") });
    assert_eq!(
        only("failure", trace.events()),
        ["failure #0: gone wrong", "failure #0: boom"]
    );
}

#[test]
fn the_panic_of_the_future_of_block_on_ends_its_poll() {
    let trace = Trace::default();
    let executor = quiet().instrument(trace.clone()).build();
    let message = common::panic_message(|| executor.block_on(async { panic!("boom") }));
    assert_eq!(
        (&*message, trace.events()),
        ("boom", vec!["poll #0".into(), "ready #0".into()])
    );
}

#[test]
fn a_task_spawned_while_its_executor_is_not_running_is_spawned_by_nobody() {
    let trace = Trace::default();
    let executor = quiet().instrument(trace.clone()).build();
    executor.spawn(async {}).detach();
    assert_eq!(trace.events(), ["spawn #1 by nobody"]);
}

#[test]
fn the_time_is_that_of_the_executors_clock() {
    #[derive(Default)]
    struct LastEvent(Cell<Option<Instant>>);
    impl Instrument for LastEvent {
        fn done(&self, at: Instant, _: &TaskView<'_>, _: Ending) {
            self.0.set(Some(at));
        }
    }
    let last = Rc::new(LastEvent::default());
    let executor = quiet().instrument(last.clone()).build();
    let now = executor.block_on(async {
        candor::spawn(candor::sleep(Duration::from_secs(3600)))
            .await
            .unwrap();
        candor::time::now()
    });
    assert_eq!(last.0.get(), Some(now));
}

#[test]
fn several_instruments_are_told_in_the_order_of_their_installation() {
    struct Named(&'static str, Trace);
    impl Instrument for Named {
        fn spawn(&self, _: Instant, _: &TaskView<'_>) {
            self.1.note(self.0);
        }
    }
    let trace = Trace::default();
    let executor = quiet()
        .instrument(Named("first", trace.clone()))
        .instrument(Named("second", trace.clone()))
        .build();
    executor.spawn(async {}).detach();
    assert_eq!(trace.events(), ["first", "second"]);
}

/// Does at every event all that user code can do.
struct Meddler {
    wakers: RefCell<Vec<std::task::Waker>>,
    spawned: Cell<u32>,
}

impl Meddler {
    fn meddle(&self) {
        println!("{}", candor::tasks());
        // Not for ever: virtual time stands still as long as tasks are woken.
        let wakers = self.wakers.borrow_mut().pop();
        wakers.iter().for_each(std::task::Waker::wake_by_ref);
        if self.spawned.get() < 100 {
            self.spawned.set(self.spawned.get() + 1);
            let fails = candor::spawn(async { Err::<(), _>("spawned by an instrument") });
            candor::spawn(async move { drop(fails) }).detach();
        }
        assert_eq!(candor::block_on(async { 1 }), 1);
    }
}

impl Instrument for Meddler {
    fn spawn(&self, _: Instant, _: &TaskView<'_>) {
        self.meddle();
    }
    fn poll_begin(&self, _: Instant, _: &TaskView<'_>) {
        self.meddle();
    }
    fn poll_end(&self, _: Instant, _: &TaskView<'_>, _: Poll<()>) {
        self.meddle();
    }
    fn wake(&self, _: Instant, _: &TaskView<'_>, _: WokenBy) {
        self.meddle();
    }
    fn timer(&self, _: Instant, _: Option<&TaskView<'_>>) {
        self.meddle();
    }
    fn park_begin(&self, _: Instant, _: Option<Duration>) {
        self.meddle();
    }
    fn park_end(&self, _: Instant) {
        self.meddle();
    }
    fn failure(&self, _: Instant, _: &TaskFailure) {
        self.meddle();
    }
    fn done(&self, _: Instant, _: &TaskView<'_>, _: Ending) {
        self.meddle();
    }
}

#[test]
fn an_instrument_may_do_whatever_a_task_may_do() {
    let meddler = Rc::new(Meddler {
        wakers: RefCell::default(),
        spawned: Cell::new(0),
    });
    let reported = Rc::new(Cell::new(0));
    let count = reported.clone();
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(move |_| count.set(count.get() + 1))
        .instrument(meddler.clone())
        .build();
    executor.block_on(async {
        let mut polls = 0;
        let mut sleep = candor::sleep(Duration::from_secs(1));
        std::future::poll_fn(|cx| {
            polls += 1;
            if polls < 20 {
                meddler.wakers.borrow_mut().push(cx.waker().clone());
            }
            std::pin::Pin::new(&mut sleep).poll(cx)
        })
        .await;
        let _ = candor::spawn(async { panic!("boom") }).await;
        // What an instrument drops in the middle of a report is reported as well.
        candor::sleep(Duration::from_secs(10)).await;
    });
    meddler.wakers.borrow_mut().clear();
    assert_eq!(meddler.spawned.get(), 100);
    assert_eq!(reported.get(), 100);
}

#[test]
fn what_an_instrument_spawns_before_a_park_is_polled_and_not_slept_over() {
    struct SpawnsOnce(Cell<bool>, Trace);
    impl Instrument for SpawnsOnce {
        fn park_begin(&self, _: Instant, _: Option<Duration>) {
            if !self.0.replace(true) {
                let (sender, trace) = (SENDER.take().unwrap(), self.1.clone());
                candor::spawn(async move {
                    trace.note("polled");
                    sender.try_send(()).unwrap();
                })
                .detach();
            }
        }
    }
    thread_local! {
        static SENDER: Cell<Option<async_channel::Sender<()>>> = const { Cell::new(None) };
    }
    let trace = Trace::default();
    let executor = Executor::builder()
        .instrument(SpawnsOnce(Cell::new(false), trace.clone()))
        .build();
    let (sender, receiver) = async_channel::bounded(1);
    SENDER.set(Some(sender));
    executor.block_on(async { receiver.recv().await.unwrap() });
    assert_eq!(trace.events(), ["polled"]);
}

#[test]
fn an_instrument_that_panics_is_switched_off_and_all_else_goes_on() {
    struct Panics;
    impl Instrument for Panics {
        fn poll_end(&self, _: Instant, task: &TaskView<'_>, _: Poll<()>) {
            if task.id() != TaskId::MAIN {
                panic!("out of ink");
            }
        }
    }
    let told = child("an_instrument_that_panics_is_switched_off_and_all_else_goes_on").run(|| {
        let trace = Trace::default();
        let executor = quiet().instrument(Panics).instrument(trace.clone()).build();
        let sum = executor.block_on(async {
            let one = TaskBuilder::new().spawn(async { 1 });
            let two = TaskBuilder::new().spawn(async { 2 });
            one.await.unwrap() + two.await.unwrap()
        });
        assert_eq!((sum, executor.failures()), (3, 0));
        assert_eq!(only("done", trace.events()).len(), 2);
    });
    if let Some(told) = told {
        told.assert_success();
        common::assert_count(&told.stderr, "out of ink", 1);
        assert_contains(
            &told.stderr,
            "an instrument panicked: out of ink. It is told nothing any more",
        );
        assert_contains(&told.stderr, "tests/instruments.rs:");
    }
}

#[test]
fn a_slow_poll_is_warned_of_with_its_task_and_place() {
    let told = child("a_slow_poll_is_warned_of_with_its_task_and_place").run(|| {
        let executor = Executor::builder()
            .slow_poll(Duration::from_millis(100))
            .virtual_time()
            .build();
        executor.block_on(async {
            let slow = async { common::hold_the_thread(Duration::from_millis(200)) };
            TaskBuilder::new().name("slow").spawn(slow).await.unwrap();
            candor::sleep(Duration::from_secs(100)).await;
        });
    });
    if let Some(told) = told {
        told.assert_success();
        common::assert_count(&told.stderr, "held the thread for", 1);
        assert_contains(
            &told.stderr,
            "task #1 `slow`, spawned at tests/instruments.rs:",
        );
        assert_contains(&told.stderr, "(the limit is 100ms)");
    }
}

#[test]
fn an_idle_executor_sleeps_and_does_not_spin() {
    #[derive(Default)]
    struct Parks(Cell<u32>);
    impl Instrument for Parks {
        fn park_begin(&self, _: Instant, _: Option<Duration>) {
            self.0.set(self.0.get() + 1);
        }
    }
    let parks = Rc::new(Parks::default());
    let executor = Executor::builder().instrument(parks.clone()).build();
    executor.block_on(candor::sleep(Duration::from_millis(50)));
    assert!(parks.0.get() <= 10, "{} parks for one sleep", parks.0.get());
}

#[test]
fn a_timer_that_has_become_due_during_a_poll_is_fired_without_a_park() {
    let parks = Rc::new(Cell::new(0));
    let executor = Executor::builder().instrument(Parks(parks.clone())).build();
    executor.block_on(async {
        let sleeper = candor::spawn(candor::sleep(Duration::from_millis(10)));
        candor::yield_now().await;
        common::hold_the_thread(Duration::from_millis(20));
        sleeper.await.unwrap();
    });
    assert_eq!(parks.get(), 0);
}

#[test]
fn the_last_await_of_a_task_that_is_done_is_not_that_of_the_next_one() {
    let executor = Executor::builder().virtual_time().build();
    executor.block_on(async {
        // It is done in a poll in which it has noted an await.
        candor::spawn(async {
            let hour = Box::pin(candor::sleep(Duration::from_secs(3600)));
            futures::future::select(hour, std::future::ready(())).await;
        })
        .detach();
        let waits = candor::spawn(std::future::pending::<()>());
        candor::yield_now().await;
        let tasks = candor::tasks();
        let info = tasks.iter().find(|task| task.id() == waits.id());
        assert_eq!(info.unwrap().last_await(), None);
        waits.abort();
    });
}

#[test]
fn a_sleep_that_has_outlived_its_task_is_not_the_timer_of_the_next_task_in_its_place() {
    let trace = Trace::default();
    let executor = Executor::builder()
        .virtual_time()
        .instrument(trace.clone())
        .build();
    let kept = Rc::new(RefCell::new(None));
    let keeps = Rc::clone(&kept);
    executor
        .spawn(async move {
            let mut sleep = Box::pin(candor::sleep(Duration::from_millis(20)));
            let polled = |cx: &mut std::task::Context<'_>| Poll::Ready(sleep.as_mut().poll(cx));
            assert!(std::future::poll_fn(polled).await.is_pending());
            keeps.replace(Some(sleep));
        })
        .detach();
    executor.drain();
    executor.block_on(async {
        let _other = candor::spawn(std::future::pending::<()>());
        candor::sleep(Duration::from_millis(40)).await;
    });
    assert!(kept.take().is_some());
    let lines = trace.events();
    assert!(lines.contains(&"timer of nobody".to_owned()), "{lines:?}");
    assert!(!lines.contains(&"timer of #2".to_owned()), "{lines:?}");
}

#[test]
fn a_wake_by_the_callback_of_a_report_is_by_no_task() {
    let trace = Trace::default();
    let waker = Rc::new(RefCell::new(None::<std::task::Waker>));
    let woken = Rc::clone(&waker);
    let executor = Executor::builder()
        .instrument(trace.clone())
        .on_failure(move |_| woken.take().into_iter().for_each(std::task::Waker::wake))
        .build();
    let mut is_first = true;
    executor
        .spawn(std::future::poll_fn(move |cx| {
            if !std::mem::take(&mut is_first) {
                return Poll::Ready(());
            }
            waker.replace(Some(cx.waker().clone()));
            Poll::Pending
        }))
        .detach();
    executor.spawn(async { panic!("boom") }).detach();
    executor.drain();
    let lines = trace.events();
    assert!(
        lines.contains(&"wake #1 by elsewhere".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn a_task_whose_spawner_is_gone_is_shown_with_its_number() {
    let executor = Executor::new();
    let spawns = || candor::spawn(std::future::pending::<()>()).detach();
    executor.spawn(async move { spawns() }).detach();
    executor.tick();
    let tasks = executor.tasks().to_string();
    assert!(tasks.starts_with("1 task alive\n  task #2: "), "{tasks}");
    assert!(tasks.ends_with(" by task #1"), "{tasks}");
}
