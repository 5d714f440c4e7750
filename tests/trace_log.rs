//! The log at trace level shows what an executor does.
//!
//! A logger belongs to a process, so this file has one test.

use std::sync::Mutex;

use log::{LevelFilter, Log, Metadata, Record};

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

    // That the trace level was on before makes no difference.
    log::set_max_level(LevelFilter::Debug);
    assert!(told_of(program).is_empty());
}
