//! Which tests hold the promises of which file.
//!
//! The unit tests run for every file, and need no entry. Tests that wait on the real clock, or build programs, are named only where
//! no other test sees the file.

/// The tests of the files below a path. The longest path counts.
const PROMISES: &[(&str, &str)] = &[
    (
        "src/abort.rs",
        "joining dropping groups remote ports endings api",
    ),
    (
        "src/entry/",
        "entering testing timers corners embedding failures api",
    ),
    (
        "src/entry/builder.rs",
        "entering testing timers stalls failures embedding fairness api slow_polls",
    ),
    (
        "src/entry/ending.rs",
        "endings dropping failures groups embedding entering slow_polls",
    ),
    ("src/entry/reactor.rs", "entering interop"),
    ("src/entry/testing.rs", "testing stalls entering"),
    ("src/guide/", ""),
    (
        "src/group/",
        "groups ports dropping fairness foreign_wakers user_code model failures api",
    ),
    (
        "src/group/set.rs",
        "groups ports dropping fairness foreign_wakers user_code model failures api endings",
    ),
    ("src/handle.rs", "joining api"),
    (
        "src/hosts/",
        "embedding ports interop corners foreign_wakers endings user_code stalls model fairness api",
    ),
    (
        "src/kernel/failure/",
        "failures panics reports dropping corners caught user_code model dump stalls ports remote groups \
         source_lines where_it_goes slow_polls",
    ),
    ("src/kernel/mod.rs", ""),
    (
        "src/kernel/tasks/",
        "waking joining foreign_wakers dropping fairness failures remote corners model dump stalls entering \
         embedding user_code groups ports",
    ),
    (
        "src/kernel/tasks/core",
        "waking joining dropping failures entering instruments stalls corners model timers ports reports fairness \
         foreign_wakers remote user_code embedding where_it_goes",
    ),
    (
        "src/kernel/tasks/completion.rs",
        "joining dropping failures ports foreign_wakers remote instruments model reports",
    ),
    (
        "src/kernel/tasks/spawn.rs",
        "joining failures reports entering corners foreign_wakers remote where_it_goes",
    ),
    (
        "src/kernel/tasks/inbox",
        "waking foreign_wakers remote embedding instruments",
    ),
    ("src/kernel/tasks/memory.rs", "memory joining dropping"),
    (
        "src/kernel/tasks/join_handle.rs",
        "joining failures foreign_wakers dropping groups pool panics remote",
    ),
    (
        "src/kernel/tasks/run_loop.rs",
        "fairness timers waking joining failures foreign_wakers dropping remote corners model dump instruments \
         stalls entering panics",
    ),
    (
        "src/kernel/tasks/current_executor.rs",
        "failures panics joining remote corners model fairness reports entering",
    ),
    ("src/kernel/time/", "timers corners model embedding"),
    (
        "src/kernel/time/sleep.rs",
        "timers corners model embedding fairness",
    ),
    ("src/lib.rs", ""),
    ("src/outcome.rs", "failures corners api user_code entering"),
    (
        "src/pool/",
        "pool corners fairness user_code foreign_wakers model api",
    ),
    (
        "src/remote/",
        "remote interop embedding fairness foreign_wakers user_code dropping endings failures stalls panics model \
         reports corners joining api",
    ),
    (
        "src/report/",
        "reports failures caught panics user_code source_lines groups api where_it_goes",
    ),
    (
        "src/report/backtrace.rs",
        "reports failures dump stalls panics source_lines caught user_code groups api where_it_goes",
    ),
    (
        "src/report/facts.rs",
        "reports failures api joining groups remote entering instruments dump stalls caught panics user_code \
         source_lines where_it_goes",
    ),
    (
        "src/report/unread.rs",
        "failures caught panics memory where_it_goes",
    ),
    (
        "src/report/printing.rs",
        "where_it_goes trace_log reports failures caught panics user_code groups api",
    ),
    ("src/task_builder.rs", "joining ports reports"),
    ("src/time/", "timers corners ports fairness api"),
    (
        "src/watch/",
        "dump stalls instruments trace_log timeline ports entering api where_it_goes",
    ),
    ("src/watch/lost_work.rs", "dropping groups entering"),
    ("src/watch/slow_poll.rs", "memory slow_polls"),
    ("src/watch/stall.rs", "stalls testing"),
    ("src/watch/standstill.rs", "stalls testing"),
    ("src/watch/endless_poll.rs", "memory slow_polls"),
    ("src/watch/itself.rs", "api ports foreign_wakers stalls"),
    ("src/yield_now.rs", "fairness waking corners"),
];

/// The tests for a file, or nothing if the table does not know the file.
pub fn tests_of(file: &str) -> Option<Vec<&'static str>> {
    let fits = PROMISES.iter().filter(|(path, _)| file.starts_with(path));
    let (_, tests) = fits.max_by_key(|(path, _)| path.len())?;
    Some(tests.split_whitespace().collect())
}

/// Entries that stand for no file, and files without an entry.
pub fn mistakes(files: &[String]) -> Vec<String> {
    let unknown = files.iter().filter(|file| tests_of(file).is_none());
    let unknown = unknown.map(|file| format!("no entry for {file}"));
    let unused = PROMISES
        .iter()
        .filter(|(path, _)| !files.iter().any(|file| file.starts_with(path)));
    let unused = unused.map(|(path, _)| format!("no file for the entry {path}"));
    unknown.chain(unused).collect()
}
