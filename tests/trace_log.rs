//! The log at trace level shows what an executor does.
//!
//! A logger belongs to a process, so this file has one test.

use std::future::poll_fn;
use std::sync::{Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};

const DELAY: Duration = Duration::from_millis(50);

struct Kept(Mutex<Vec<String>>);

impl Log for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "candor"
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            // Places are cut: they change with every line of this file.
            let text = record.args().to_string();
            let text = text.split(" at tests/trace_log.rs:").next().unwrap();
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    fn flush(&self) {}
}

static KEPT: Kept = Kept(Mutex::new(Vec::new()));

fn told_of(program: impl FnOnce()) -> Vec<String> {
    program();
    std::mem::take(&mut KEPT.0.lock().unwrap())
}

#[test]
fn a_program_can_be_followed_in_the_log_if_the_logger_wants_trace_when_it_begins() {
    log::set_logger(&KEPT).unwrap();
    let program = || {
        candor::block_on(async {
            let task = candor::TaskBuilder::new().name("twice");
            task.spawn(candor::yield_now()).await.unwrap();
        });
    };
    log::set_max_level(LevelFilter::Debug);
    assert!(told_of(program).is_empty());

    log::set_max_level(LevelFilter::Trace);
    let expected = [
        "the main future is polled",
        "task #1 `twice` is spawned",
        "the main future is pending: it waits for a wake (last await: JoinHandle",
        "task #1 `twice` is polled",
        "task #1 `twice` is woken by task #1, and queued",
        "task #1 `twice` is pending: it waits for a wake (last await: yield_now",
        "task #1 `twice` is polled",
        "task #1 `twice` has had its last poll",
        "task #1 `twice` returned: it is done, and its slot is free",
        "the main future is woken by task #1, and queued",
        "the main future is polled",
        "the main future has had its last poll",
    ];
    assert_eq!(told_of(program), expected);
    let built = || candor::Executor::builder().build().spawn(async {}).detach();
    assert_eq!(told_of(built)[0], "task #1 is spawned");

    let dumped = || {
        let executor = candor::Executor::builder().build();
        executor.spawn(std::future::pending::<()>()).detach();
        executor.tick();
        executor.dump();
    };
    let once_more = "task #1 is polled once more, for a dump";
    assert_eq!(told_of(dumped)[3], once_more);

    let sleeps = || {
        let executor = candor::Executor::builder().on_failure(|_| ()).build();
        executor.block_on(async {
            // A stale waker ends a park, and nothing has happened.
            let (give, waker) = mpsc::channel::<Waker>();
            let thread = thread::spawn(move || {
                let waker = waker.recv().unwrap();
                assert!(mpsc::channel::<()>().1.recv_timeout(DELAY).is_err());
                waker.wake();
            });
            let gone = poll_fn(move |cx| {
                give.send(cx.waker().clone()).unwrap();
                Poll::Ready(Err::<(), _>("boom"))
            });
            candor::spawn(gone).detach();
            candor::sleep(4 * DELAY).await;
            thread.join().unwrap();
        });
    };
    let told = told_of(sleeps);
    for line in [
        "a failure: task #1 failed: boom",
        "nobody is ready: the thread sleeps until a wake, for ",
        "the thread runs again",
        "a timer of the main future fires",
    ] {
        let lines = told.iter().filter(|told| told.starts_with(line));
        assert_eq!(lines.count(), 1, "{line}: {told:#?}");
    }

    // That the trace level was on before makes no difference.
    log::set_max_level(LevelFilter::Debug);
    assert!(told_of(program).is_empty());
}
