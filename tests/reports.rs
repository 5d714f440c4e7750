//! What a report says: which task failed, how, with which message, where, and what spawned it.
//!
//! The failures are made here and their reports read as `on_failure` gets them, which is the text that would be
//! printed. A line of this file that a report must name is marked by a comment at its end.

mod common;

use std::error::Error as StdError;
use std::fmt::{self, Debug, Display, Formatter};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use candor::{Context, FailureKind, JoinError, TaskBuilder, TaskFailure, spawn, time, yield_now};
use common::{Reports, assert_contains, assert_count, assert_lacks, child, headline};
use futures::FutureExt;

const SECOND: Duration = Duration::from_secs(1);

/// The report of a detached task.
#[track_caller]
fn report_of<F>(future: F) -> String
where
    F: Future + 'static,
    F::Output: candor::Outcome,
{
    let reports = Reports::new();
    reports.block_on(async {
        candor::spawn(future).detach();
        candor::sleep(1000 * SECOND).await;
    });
    reports.only()
}

/// The place of the line of this file that ends in the comment `mark`, as a report shows it, less its column.
#[track_caller]
fn place(mark: &str) -> String {
    let comment = format!("; // {mark}");
    let lines = include_str!("reports.rs").lines().enumerate();
    let marked: Vec<usize> = lines
        .filter(|(_, line)| line.ends_with(&comment))
        .map(|(index, _)| index + 1)
        .collect();
    assert_eq!(marked.len(), 1, "one line is marked {mark:?}");
    format!("{}:{}:", file!(), marked[0])
}

/// A `Display` and an `Error` with the source that it holds.
#[derive(Debug)]
struct Link(&'static str, Option<Box<Link>>);

impl Display for Link {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for Link {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.1.as_deref().map(|link| link as _)
    }
}

fn chain() -> Link {
    let root = Link("the disk is full", None);
    let middle = Link("the page was not written", Some(Box::new(root)));
    Link("the commit failed", Some(Box::new(middle)))
}

/// Its own source, and so on without end.
#[derive(Debug)]
struct Circle;

impl Display for Circle {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("round and round")
    }
}

impl StdError for Circle {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self)
    }
}

/// Each is the source of the next. The last three are a circle.
#[derive(Debug)]
struct Round(usize);

static RING: [Round; 9] = [
    Round(0),
    Round(1),
    Round(2),
    Round(3),
    Round(4),
    Round(5),
    Round(6),
    Round(7),
    Round(8),
];

impl Display for Round {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "round {}", self.0)
    }
}

impl StdError for Round {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(RING.get(self.0 + 1).unwrap_or(&RING[6]))
    }
}

// The head: who, how, what, where.

#[test]
fn a_panic_is_told_with_task_message_place_and_spawn_site() {
    async fn panics() {
        panic!("boom"); // the panic
    }
    let reports = Reports::new();
    let main = async {
        let builder = TaskBuilder::new().name("fetch");
        builder.spawn(panics()).detach(); // the spawn
        candor::yield_now().await;
    };
    reports.block_on(main); // the entry
    let report = reports.only();
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(lines[0], "task #1 `fetch` panicked: boom");
    assert_contains(lines[1], &format!("   at {}", place("the panic")));
    assert_contains(lines[2], &format!("   spawned at {}", place("the spawn")));
    let entry = place("the entry");
    assert_contains(lines[2], &format!(" by Executor::block_on at {entry}"));
    assert_contains(lines[3], "   backtrace (");
    assert_lacks(&report, "last await");
}

#[test]
fn what_a_report_says_its_failure_can_be_asked_for() {
    candor::test(async {
        let task = TaskBuilder::new().name("fetch").spawn(async {
            candor::sleep(SECOND).await;
            panic!("boom")
        });
        let error = task.await.unwrap_err();
        let failure = error.failure().unwrap();
        assert_eq!(failure.task_id().to_string(), "#1");
        assert_eq!(failure.task_name(), Some("fetch"));
        assert_eq!(failure.kind(), FailureKind::Panicked);
        assert_eq!(failure.message(), "boom");
        assert_eq!(failure.location().unwrap().file(), file!());
        assert_eq!(failure.last_await().unwrap().what(), "sleep");
        assert!(failure.backtrace().is_some());
        assert!(failure.lineage().ancestors().is_empty());
    });
}

#[test]
fn the_main_future_is_called_so() {
    let reports = Reports::new();
    let _ = reports.run(async { Err::<(), _>("broken") }); // main fails
    let report = reports.only();
    assert_eq!(headline(&report), "the main future failed: broken");
    let entry = place("main fails");
    assert_contains(&report, &format!("entered by Executor::run at {entry}"));
}

#[test]
fn a_task_spawned_on_an_idle_executor_has_no_entry_point() {
    let reports = Reports::new();
    reports.spawn(async { panic!("boom") }).detach();
    reports.drain();
    assert_contains(&reports.only(), " while its executor was not running");
}

// The last await.

#[test]
fn every_future_of_candor_tells_where_it_was_last_awaited() {
    let report = report_of(async {
        candor::sleep(SECOND).await; // a sleep
        panic!("boom")
    });
    assert_contains(
        &report,
        &format!("last await: sleep at {}", place("a sleep")),
    );

    let report = report_of(async {
        candor::yield_now().await; // a yield
        panic!("boom")
    });
    assert_contains(
        &report,
        &format!("last await: yield_now at {}", place("a yield")),
    );

    let report = report_of(async {
        let task = candor::spawn(candor::sleep(SECOND));
        task.await.unwrap(); // a join
        panic!("boom")
    });
    assert_contains(
        &report,
        &format!("last await: JoinHandle at {}", place("a join")),
    );

    let report = report_of(async {
        let mut interval = time::interval(SECOND);
        interval.tick().await;
        interval.tick().await; // a tick
        panic!("boom")
    });
    assert_contains(
        &report,
        &format!("last await: interval at {}", place("a tick")),
    );

    let report = report_of(async {
        let never = std::future::pending::<()>();
        time::timeout(SECOND, never).await.ok(); // a timeout
        panic!("boom")
    });
    assert_contains(
        &report,
        &format!("last await: timeout at {}", place("a timeout")),
    );
}

#[test]
fn the_results_of_a_pool_tell_where_they_were_last_awaited() {
    async fn slow(number: u32) -> u32 {
        candor::sleep(SECOND).await;
        number
    }
    let report = report_of(async {
        let pool = candor::TaskPool::new(2);
        let mut results = pool.map(1..=2, slow);
        results.next().await.unwrap().unwrap(); // a next result
        panic!("boom")
    });
    assert_contains(
        &report,
        &format!("last await: JoinHandle at {}", place("a next result")),
    );

    let report = report_of(async {
        let pool = candor::TaskPool::new(1);
        let results = pool.completed(1..=3, slow);
        assert_eq!(results.collect().await.unwrap(), [1, 2, 3]); // all results
        panic!("boom")
    });
    assert_contains(
        &report,
        &format!("last await: JoinHandle at {}", place("all results")),
    );
}

#[test]
fn what_is_awaited_within_a_timeout_tells_more_than_the_timeout() {
    let report = report_of(async {
        let sleep = candor::sleep(SECOND); // a sleep within a timeout
        time::timeout(2 * SECOND, sleep).await.unwrap();
        panic!("boom")
    });
    let made_at = place("a sleep within a timeout");
    assert_contains(&report, &format!("last await: sleep at {made_at}"));
}

#[test]
fn an_await_behind_a_box_is_told_by_where_its_future_was_made() {
    let report = report_of(async {
        let sleep = candor::sleep(SECOND); // a sleep in a box
        let boxed: Pin<Box<dyn Future<Output = ()>>> = Box::pin(sleep);
        boxed.await;
        panic!("boom")
    });
    let made_at = place("a sleep in a box");
    assert_contains(&report, &format!("last await: sleep at {made_at}"));

    let report = report_of(async {
        let task = candor::spawn(candor::sleep(SECOND)); // a handle in a box
        let boxed: Pin<Box<dyn Future<Output = _>>> = Box::pin(task);
        boxed.await.unwrap();
        panic!("boom")
    });
    let made_at = place("a handle in a box");
    assert_contains(&report, &format!("last await: JoinHandle at {made_at}"));
}

#[test]
fn an_await_in_a_combinator_of_another_crate_is_told_by_where_its_future_was_made() {
    let report = report_of(async {
        let sleep = candor::sleep(SECOND); // a sleep in a join
        futures::future::join(sleep, std::future::ready(())).await;
        panic!("boom")
    });
    let made_at = place("a sleep in a join");
    assert_contains(&report, &format!("last await: sleep at {made_at}"));
}

#[test]
fn an_await_inside_a_called_function_is_told_by_its_own_line() {
    async fn naps() {
        candor::sleep(SECOND).await; // a nap
    }
    let report = report_of(async {
        naps().await;
        panic!("boom")
    });
    assert_contains(&report, &format!("last await: sleep at {}", place("a nap")));
}

#[test]
fn an_await_that_never_waited_is_not_the_last_one() {
    let reports = Reports::new();
    let done = reports.spawn(async { 7 });
    reports.drain();
    let fails = async move {
        assert_eq!(done.await.unwrap(), 7);
        panic!("boom")
    };
    reports.spawn(fails).detach();
    reports.drain();
    assert_lacks(&reports.only(), "last await");
}

#[test]
fn an_error_tells_the_last_await_as_well() {
    let report = report_of(async {
        candor::sleep(SECOND).await;
        Err::<(), _>("broken")
    });
    assert_contains(&report, "last await: sleep at tests/reports.rs:");
}

// The lineage.

#[test]
fn the_lineage_leads_to_the_entry_point() {
    async fn fails() {
        panic!("boom")
    }
    async fn middle() {
        candor::spawn(fails()).detach(); // the inner spawn
    }
    async fn outer() {
        candor::yield_now().await;
        candor::spawn(middle()).detach(); // the middle spawn
    }
    let reports = Reports::new();
    let main = async {
        let builder = TaskBuilder::new().name("outer");
        builder.spawn(outer()).detach(); // the outer spawn
        candor::sleep(SECOND).await;
    };
    reports.block_on(main); // the root
    let report = reports.only();
    let spawned: Vec<&str> = report
        .lines()
        .filter(|line| line.starts_with("   spawned at "))
        .collect();
    assert_eq!(spawned.len(), 3, "{report}");
    let links = [
        ("the inner spawn", "by task #2".to_owned()),
        ("the middle spawn", "by task #1 `outer`".to_owned()),
        (
            "the outer spawn",
            format!("by Executor::block_on at {}", place("the root")),
        ),
    ];
    for (line, (site, by)) in spawned.into_iter().zip(links) {
        assert_contains(line, &format!("spawned at {}", place(site)));
        assert_contains(line, &by);
    }
}

/// Spawns itself `generations` times, then panics.
fn respawns(generations: u32) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move {
        match generations {
            0 => panic!("boom"),
            _ => candor::spawn(respawns(generations - 1)).detach(),
        }
    })
}

#[test]
fn a_lineage_names_sixteen_ancestors_and_counts_the_others() {
    for (generations, omitted) in [(15, None), (16, None), (17, Some(1)), (100, Some(84))] {
        let report = report_of(respawns(generations));
        let named = report.matches(" by task #").count();
        assert_eq!(named, generations.min(16) as usize, "{report}");
        assert_contains(&report, "Executor::block_on at tests/reports.rs:");
        match omitted {
            None => assert_lacks(&report, "more spawns"),
            Some(count) => assert_contains(&report, &format!("{count} more spawns")),
        }
    }
}

#[test]
fn a_task_that_respawns_itself_a_hundred_thousand_times_has_a_short_report() {
    let report = report_of(respawns(100_000));
    assert_eq!(headline(&report), "task #100001 panicked: boom");
    assert_contains(&report, "99984 more spawns");
    assert!(report.lines().count() < 40, "{report}");
}

// The backtrace.

#[inline(never)]
fn parses() -> u8 {
    let digits = [1, 2, 3];
    digits[std::hint::black_box(5)]
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn the_backtrace_shows_the_frames_of_the_user_and_counts_the_others() {
    let report = report_of(async { parses() });
    assert_contains(
        headline(&report),
        "index out of bounds: the len is 3 but the index is 5",
    );
    assert_contains(&report, "   0: reports::parses\n");
    assert_contains(&report, "   1: reports::");
    assert_contains(&report, " runtime frames hidden):");
    let frames = report.split_once("backtrace (").unwrap().1;
    for hidden in [
        "candor::",
        "core::",
        "std::",
        "rust_begin_unwind",
        "test::run_test",
    ] {
        assert_lacks(frames, hidden);
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn an_error_shows_the_frames_of_the_question_mark_that_made_it() {
    fn number(text: &str) -> candor::Result<u8> {
        let number = text.parse()?; // the parsing
        Ok(number)
    }
    let report = report_of(async {
        number("seven")?;
        candor::Ok(())
    });
    assert_eq!(
        headline(&report),
        "task #1 failed: invalid digit found in string"
    );
    assert_contains(&report, &format!("\n   at {}", place("the parsing")));
    assert_contains(&report, "0: reports::an_error_shows_the_frames");
    assert_contains(&report, "::number");
    assert_lacks(&report, "help:");
}

// Errors.

#[test]
fn the_whole_source_chain_of_a_candor_error_is_shown() {
    let report = report_of(async {
        Err(chain())?;
        candor::Ok(())
    });
    assert_eq!(headline(&report), "task #1 failed: the commit failed");
    assert_contains(
        &report,
        "\n   caused by: the page was not written\n   caused by: the disk is full\n",
    );
}

#[test]
fn a_chain_that_is_a_circle_ends() {
    let report = report_of(async {
        Err(Circle)?;
        candor::Ok(())
    });
    let causes = report.matches("caused by: round and round").count();
    assert!(causes <= 4, "{report}");
    assert_contains(&report, "circle");
    let report = report_of(async {
        Err(Round(0))?;
        candor::Ok(())
    });
    let causes = report.matches("caused by: round ").count();
    assert!((8..=24).contains(&causes), "{report}");
    assert_contains(&report, "circle");
}

#[test]
fn boxed_errors_show_their_text_and_their_sources() {
    let boxed: Box<dyn StdError> = Box::new(chain());
    let report = report_of(async { Err::<(), _>(boxed) });
    assert_eq!(headline(&report), "task #1 failed: the commit failed");
    assert_contains(&report, "caused by: the disk is full");

    let boxed: Box<dyn StdError + Send + Sync> = Box::new(chain());
    let report = report_of(async { Err::<(), _>(boxed) });
    assert_contains(&report, "caused by: the disk is full");
}

#[test]
fn errors_of_std_show_their_text() {
    let report = report_of(async { "seven".parse::<u8>().map(drop) });
    assert_eq!(
        headline(&report),
        "task #1 failed: invalid digit found in string"
    );
    let report = report_of(async { Err::<(), _>(std::io::Error::other(chain())) });
    assert_eq!(headline(&report), "task #1 failed: the commit failed");
    assert_contains(&report, "caused by: the disk is full");
}

#[test]
fn strings_are_their_own_message() {
    let report = report_of(async { Err::<(), _>("broken") });
    assert_eq!(headline(&report), "task #1 failed: broken");
    let report = report_of(async { Err::<(), _>(String::from("broken")) });
    assert_eq!(headline(&report), "task #1 failed: broken");
}

#[test]
fn any_other_error_shows_its_debug_form_and_its_type() {
    #[derive(Debug)]
    struct Refused {
        #[allow(dead_code, reason = "it is shown")]
        code: u8,
    }
    let report = report_of(async { Err::<(), _>(Refused { code: 7 }) });
    assert_contains(headline(&report), "task #1 failed: Refused { code: 7 }");
    assert_contains(headline(&report), "::Refused");
}

#[test]
fn an_error_that_does_not_know_its_origin_ends_with_advice() {
    for report in [
        report_of(async { Err::<(), _>("broken") }),
        report_of(async { Err::<(), _>(chain()) }),
        report_of(async { "seven".parse::<u8>().map(drop) }),
    ] {
        let last = report.lines().last().unwrap();
        assert_contains(last, "   help: ");
        assert_contains(last, "candor::Error");
        assert_contains(last, "candor::Result");
        assert_contains(&report, "\n   spawned at ");
        assert_lacks(&report, "backtrace (");
    }
}

#[test]
fn a_debug_form_that_panics_is_told_instead_of_the_message() {
    struct Hostile;
    impl Debug for Hostile {
        fn fmt(&self, _: &mut Formatter<'_>) -> fmt::Result {
            panic!("no Debug today")
        }
    }
    let reports = Reports::new();
    let seven = reports.block_on(async {
        candor::spawn(async { Err::<(), _>(Hostile) }).detach();
        candor::yield_now().await;
        candor::spawn(async { 7 }).await.unwrap()
    });
    assert_eq!(seven, 7);
    assert_eq!(reports.failures(), 1);
    assert_contains(
        &reports.only(),
        "task #1 failed: <its Debug panicked: no Debug today>",
    );
}

#[test]
fn a_debug_form_that_gives_an_error_is_told_instead_of_the_message() {
    struct Hostile;
    impl Debug for Hostile {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("Host")?;
            Err(fmt::Error)
        }
    }
    let report = report_of(async { Err::<(), _>(Hostile) });
    assert_contains(
        headline(&report),
        "task #1 failed: Host <its Debug returned an error>",
    );
}

#[test]
fn a_source_whose_text_panics_leaves_the_rest_of_the_chain() {
    #[derive(Debug)]
    struct Outer(Inner);
    #[derive(Debug)]
    struct Inner(Link);
    impl Display for Outer {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }
    impl Display for Inner {
        fn fmt(&self, _: &mut Formatter<'_>) -> fmt::Result {
            panic!("no text")
        }
    }
    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }
    impl StdError for Inner {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }
    let report = report_of(async {
        Err(Outer(Inner(chain())))?;
        candor::Ok(())
    });
    assert_eq!(headline(&report), "task #1 failed: outer");
    assert_contains(&report, "caused by: <its Display panicked: no text>");
    assert_contains(&report, "caused by: the commit failed");
}

#[test]
fn a_failure_that_is_never_reported_is_never_rendered() {
    struct Unrendered;
    impl Debug for Unrendered {
        fn fmt(&self, _: &mut Formatter<'_>) -> fmt::Result {
            unreachable!("an awaited error is rendered by its awaiter, if at all")
        }
    }
    candor::test(async {
        let error = candor::spawn(async { Err::<(), _>(Unrendered) }).await;
        assert!(error.err().unwrap().into_failed().is_ok());
    });
}

// anyhow.

#[test]
fn an_error_of_anyhow_passes_through_the_question_mark_with_its_chain() {
    let report = report_of(async {
        Err(anyhow::Error::new(chain()).context("the order was not placed"))?;
        candor::Ok(())
    });
    assert_eq!(
        headline(&report),
        "task #1 failed: the order was not placed"
    );
    assert_contains(&report, "caused by: the commit failed");
    assert_contains(&report, "caused by: the disk is full");
    assert_count(&report, "backtrace (", 1);
}

#[test]
fn an_error_of_anyhow_as_a_task_s_own_shows_its_text_once() {
    let report = report_of(async { Err::<(), _>(anyhow::anyhow!("the order was not placed")) });
    assert_contains(
        headline(&report),
        "task #1 failed: the order was not placed",
    );
    assert_count(&report, "the order was not placed", 1);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn the_backtrace_that_an_error_of_anyhow_holds_is_shown_instead_of_a_second_one() {
    #[inline(never)]
    fn orders() -> anyhow::Error {
        anyhow::anyhow!("the order was not placed")
    }
    let name = "the_backtrace_that_an_error_of_anyhow_holds_is_shown_instead_of_a_second_one";
    let told = child(name).env("RUST_BACKTRACE", "1").run(|| {
        let passes_on = || {
            Err(orders())?;
            candor::Ok(())
        };
        let _ = candor::run(async move { passes_on() });
    });
    let Some(told) = told else { return };
    assert_contains(
        &told.stderr,
        "the main future failed: the order was not placed",
    );
    assert_count(&told.stderr, "   backtrace (", 1);
    assert_contains(&told.stderr, "::orders\n");
    for hidden in ["candor::", "std::", "Stack backtrace"] {
        assert_lacks(&told.stderr, hidden);
    }
}

// Text that cannot forge a report.

#[test]
fn further_lines_of_a_message_cannot_be_taken_for_a_report() {
    let report = report_of(async { panic!("lost\ntask #8 failed: forged\r\n   at home") });
    assert_eq!(headline(&report), "task #1 panicked: lost");
    assert_contains(&report, "\n   | task #8 failed: forged\n");
    assert_lacks(&report, "\ntask #8");
    assert_lacks(&report, "\n   at home");
}

#[test]
fn codes_for_a_terminal_are_shown_and_not_obeyed() {
    let report = report_of(async { Err::<(), _>("\x1b[2Kgone\x07\u{9b}\u{202e}") });
    assert_contains(headline(&report), r"\u{1b}[2Kgone\u{7}\u{9b}\u{202e}");
    assert!(
        !report.contains(|c: char| c.is_control() && c != '\n'),
        "{report:?}"
    );
}

#[test]
fn a_source_cannot_forge_a_report_either() {
    let source = Link("deep\ntask #8 failed: forged \x1b[2K", None);
    let report = report_of(async {
        Err(Link("outer", Some(Box::new(source))))?;
        candor::Ok(())
    });
    assert_contains(
        &report,
        "caused by: deep\n   | task #8 failed: forged \\u{1b}[2K",
    );
    assert_lacks(&report, "\ntask #8");
}

#[test]
fn a_name_stays_within_its_quotes() {
    let reports = Reports::new();
    reports.block_on(async {
        let named = TaskBuilder::new().name("a`\ntask #8 failed: forged\x1b");
        named.spawn(async { panic!("boom") }).detach();
        candor::yield_now().await;
    });
    let report = reports.only();
    assert_eq!(
        headline(&report),
        r"task #1 `a\`\ntask #8 failed: forged\u{1b}` panicked: boom"
    );
}

#[test]
fn a_message_of_a_megabyte_is_cut_in_the_report_and_whole_in_the_failure() {
    let report = report_of(async { panic!("{}", "x".repeat(1 << 20)) });
    assert!(report.len() < 64 * 1024, "{} bytes", report.len());
    assert_contains(&report, "more bytes");
    assert_contains(&report, "\n   spawned at ");
    candor::test(async {
        let error = candor::spawn(async { panic!("{}", "x".repeat(1 << 20)) })
            .await
            .unwrap_err();
        assert_eq!(error.failure().unwrap().message().len(), 1 << 20);
    });
}

// As an awaiter sees it.

fn failed_error() -> JoinError<&'static str> {
    candor::block_on(async {
        let task = TaskBuilder::new()
            .name("fetch")
            .spawn(async { Err::<(), _>("broken") });
        task.await.unwrap_err()
    })
}

#[test]
fn a_join_error_shows_one_line_and_debugs_as_the_full_report() {
    let error = failed_error();
    assert_eq!(error.to_string(), "task #1 `fetch` failed: broken");
    let report = error.report();
    assert_eq!(format!("{error:?}"), report);
    assert_contains(&report, "\n   spawned at tests/reports.rs:");
}

#[test]
fn the_source_of_a_join_error_is_its_task_failure() {
    let error: Box<dyn StdError> = Box::new(failed_error());
    let failure = error
        .source()
        .unwrap()
        .downcast_ref::<TaskFailure>()
        .unwrap();
    assert_eq!(failure.message(), "broken");
    let cancelled: JoinError<&str> = candor::block_on(async {
        let waits = candor::spawn(std::future::pending::<Result<(), &str>>());
        waits.abort();
        waits.await.unwrap_err()
    });
    assert!(cancelled.source().is_none());
    assert!(cancelled.failure().is_none());
}

#[test]
fn unwrapping_a_join_error_tells_where_the_failure_came_from() {
    let message = common::panic_message(|| {
        candor::test(async {
            let task = TaskBuilder::new()
                .name("fetch")
                .spawn(async { Err::<(), _>("broken") });
            task.await.unwrap();
        })
    });
    assert_contains(&message, "task #1 `fetch` failed: broken");
    assert_contains(&message, "spawned at tests/reports.rs:");
}

#[test]
fn a_join_error_that_passes_the_question_mark_keeps_the_first_origin() {
    async fn panics() {
        panic!("boom"); // the first origin
    }
    let error = candor::block_on(async {
        let passed = candor::spawn(async {
            candor::spawn(panics()).await?;
            candor::Ok(())
        });
        passed.await.unwrap_err().into_failed().unwrap()
    });
    assert_contains(&error.location().to_string(), &place("the first origin"));
    assert_contains(&error.to_string(), "task #2 panicked: boom");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn a_candor_error_that_passes_two_tasks_keeps_the_place_of_its_question_mark() {
    let report = report_of(async {
        let middle = candor::spawn(async {
            let origin = candor::spawn(async {
                Err(chain())?; // the first question mark
                candor::Ok(())
            });
            origin.await?;
            candor::Ok(())
        });
        middle.await?;
        candor::Ok(())
    });
    let at = place("the first question mark");
    assert_contains(&report, &format!("\n   at {at}"));
    assert_contains(&report, "caused by: the disk is full");
    assert_count(&report, "backtrace (", 1);
    assert_eq!(
        headline(&report),
        "task #1 failed: task #3 failed: the commit failed"
    );
    assert_contains(
        &report,
        "\n   passed on by task #2, last await: JoinHandle at ",
    );
    assert_contains(
        &report,
        "\n   passed on by task #1, last await: JoinHandle at ",
    );
}

#[test]
fn a_join_error_that_a_task_returns_as_it_is_shows_the_origin() {
    #[derive(Debug)]
    struct Refused;
    let report = report_of(async {
        let origin = TaskBuilder::new().name("origin");
        origin.spawn(async { Err::<(), _>("broken") }).await
    });
    assert_contains(headline(&report), "task #1 failed: ");
    assert_contains(&report, "caused by task #2 `origin` failed: broken");

    let report = report_of(async {
        let origin = TaskBuilder::new().name("origin");
        origin.spawn(async { Err::<(), _>(Refused) }).await
    });
    assert_contains(headline(&report), "task #1 failed: ");
    assert_contains(&report, "task #2 `origin` failed: Refused");
    assert_contains(&report, "spawned at tests/reports.rs:");
}

#[test]
fn failures_can_be_sent_to_and_seen_from_other_threads() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<TaskFailure>();
    is_send_and_sync::<candor::Error>();
    is_send_and_sync::<candor::Panic>();
    is_send_and_sync::<JoinError<candor::Error>>();
    is_send_and_sync::<JoinError<std::io::Error>>();

    let error = failed_error();
    let shown = std::thread::spawn(move || format!("{error:?}"))
        .join()
        .unwrap();
    assert_contains(&shown, "task #1 `fetch` failed: broken");
}

#[test]
fn a_join_error_of_a_type_of_the_users_is_told_once_with_its_whole_chain() {
    #[derive(Debug)]
    struct Refused;
    let report = report_of(async {
        let middle = TaskBuilder::new().name("middle").spawn(async {
            let origin = TaskBuilder::new().name("origin");
            origin.spawn(async { Err::<(), _>(Refused) }).await
        });
        middle.await
    });
    assert_contains(&report, "\n   caused by task #3 `origin` failed: Refused (");
    assert_contains(&report, "\n   passed on by task #2 `middle`, ");
    assert_count(&report, "help: ", 1);
    assert_lacks(&report, "JoinError<");
}

#[test]
fn a_join_error_of_a_type_of_the_users_refers_to_the_report_that_there_was() {
    #[derive(Debug)]
    struct Refused;
    let reports = Reports::new();
    reports.block_on(async {
        let origin = candor::spawn(async { Err::<(), _>(Refused) });
        let awaits_late = async {
            candor::sleep(3 * SECOND).await;
            origin.await
        };
        candor::spawn(awaits_late).detach();
        candor::sleep(5 * SECOND).await;
    });
    let [first, second] = &reports.texts()[..] else {
        panic!("two reports were expected: {:#?}", reports.texts());
    };
    assert_contains(first, "task #1 failed (not awaited yet): Refused (");
    assert_contains(second, "\n   caused by task #1, reported above");
    assert_count(second, "spawned at", 1);
}

#[test]
fn the_cancellation_of_a_task_that_another_passes_on_is_told_as_what_it_is() {
    let report = report_of(async {
        let aborted = candor::spawn(std::future::pending::<Result<(), fmt::Error>>());
        aborted.abort();
        aborted.await
    });
    assert_eq!(headline(&report), "task #1 failed: task #2 was cancelled");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn a_message_that_quotes_a_backtrace_cannot_take_the_place_of_the_real_one() {
    let forged = "evil\n\nStack backtrace:\n   0: \u{1b}[2Jtask #8 failed\n             at x\u{7}";
    let report = report_of(async move {
        Err(anyhow::anyhow!(forged))?; // the real place
        candor::Ok(())
    });
    assert_lacks(&report, "\u{1b}");
    assert_lacks(&report, "\u{7}");
    assert_count(&report, "task #8", 1);
    assert_count(&report, "   backtrace (", 1);
    assert_contains(&report, "\n   | Stack backtrace:");
    assert_contains(&report, "\n             at tests/reports.rs:");
}

#[test]
fn a_backtrace_that_an_error_writes_is_cut_as_a_message_is() {
    struct Endless;
    impl Debug for Endless {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("long\n\nStack backtrace:\n   0: ")?;
            f.write_str(&"é".repeat(5_000_000))
        }
    }
    let reports = Reports::new();
    reports.spawn(async { Err::<(), _>(Endless) }).detach();
    reports.drain();
    let report = reports.only();
    assert!(report.len() < 200_000, "{} bytes", report.len());
    assert_contains(&report, "éé");
}

#[test]
fn the_frames_in_an_error_of_the_users_cannot_forge_a_report_either() {
    struct Forged;
    impl Debug for Forged {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("evil\n\nStack backtrace:\n   0: \u{1b}[2Jtask #8 failed\n   at x\r")
        }
    }
    let report = report_of(async { Err::<(), _>(Forged) });
    assert_lacks(&report, "\u{1b}");
    assert_lacks(&report, "\r");
    for line in report.lines().filter(|line| line.contains("task #8")) {
        assert_eq!(line.trim_start(), "0: \\u{1b}[2Jtask #8 failed");
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no places")]
fn the_backtrace_of_an_anyhow_error_keeps_its_places_when_the_current_directory_changes() {
    #[inline(never)]
    fn orders() -> anyhow::Error {
        anyhow::anyhow!("the order was not placed")
    }
    let name =
        "the_backtrace_of_an_anyhow_error_keeps_its_places_when_the_current_directory_changes";
    let told = child(name).env("RUST_BACKTRACE", "1").run(|| {
        let error = candor::block_on(async {
            let task = spawn(async {
                Err(orders())?;
                candor::Ok(())
            });
            task.await.unwrap_err()
        });
        let before = format!("{error:?}");
        assert_contains(&before, "\n             at tests/reports.rs:");
        std::env::set_current_dir("/").unwrap();
        println!("{error:?}");
    });
    let Some(told) = told else { return };
    let file = std::env::current_dir().unwrap().join("tests/reports.rs");
    let report = &told.assert_success().stdout;
    assert_contains(report, &format!("\n             at {}:", file.display()));
}

#[test]
fn the_backtrace_of_an_anyhow_error_that_a_task_returns_is_shown_without_the_runtime() {
    #[inline(never)]
    fn orders() -> anyhow::Error {
        anyhow::anyhow!("the order was not placed").context("the shop is closed")
    }
    let name = "the_backtrace_of_an_anyhow_error_that_a_task_returns_is_shown_without_the_runtime";
    let told = child(name).env("RUST_BACKTRACE", "1").run(|| {
        let _ = candor::run(async { Err::<(), _>(orders()) });
    });
    let Some(told) = told else { return };
    assert_contains(&told.stderr, "the shop is closed");
    assert_contains(&told.stderr, "the order was not placed (anyhow::Error)");
    assert_count(&told.stderr, "   backtrace (", 1);
    assert_contains(&told.stderr, "::orders\n");
    for hidden in ["candor::", "std::", "Stack backtrace", "help:"] {
        assert_lacks(&told.stderr, hidden);
    }
}

/// A failure that is passed on by this many tasks, each of which awaits the next.
fn passed_on_by(tasks: u32) -> Pin<Box<dyn Future<Output = candor::Result>>> {
    Box::pin(async move {
        if tasks == 0 {
            return Err("the origin".into());
        }
        candor::spawn(passed_on_by(tasks - 1)).await?;
        candor::Ok(())
    })
}

#[test]
fn a_chain_of_sixteen_awaiters_names_all_of_them_and_the_first_failure_once() {
    let report = report_of(passed_on_by(16));
    assert_eq!(
        headline(&report),
        "task #1 failed: task #17 failed: the origin"
    );
    for task in 1..=16 {
        assert_count(&report, &format!("passed on by task #{task}, "), 1);
    }
    assert_count(&report, "caused by task #17 failed: the origin", 1);
    assert_count(&report, "by task #16\n", 1);
}

#[test]
fn a_chain_of_a_thousand_awaiters_names_sixteen_at_either_end() {
    let report = report_of(passed_on_by(1000));
    assert_eq!(
        headline(&report),
        "task #1 failed: task #1001 failed: the origin"
    );
    assert_count(&report, "passed on by task #", 32);
    assert_contains(&report, "passed on by 968 more tasks\n");
    assert_count(&report, " more tasks", 1);
    for named in [1, 16, 985, 1000] {
        assert_count(&report, &format!("passed on by task #{named}, "), 1);
    }
}

#[test]
fn a_chain_of_thirty_two_awaiters_is_named_whole() {
    let report = report_of(passed_on_by(32));
    assert_count(&report, "passed on by task #", 32);
    assert_lacks(&report, " more tasks");
}

/// The type that carries the failure through the `?` of each task.
type Climb<E> = fn(u32) -> Climbing<E>;
type Climbing<E> = Pin<Box<dyn Future<Output = Result<(), E>>>>;

/// The length of the report of a failure that this many tasks have passed on.
fn length_of_report<E: Debug + 'static>(climb: Climb<E>, tasks: u32) -> usize {
    let report = report_of(climb(tasks));
    assert_contains(&report, "the origin");
    report.len()
}

#[test]
fn text_grows_with_the_length_of_the_chain_whatever_carries_the_failure() {
    #[derive(Debug)]
    enum OfTheUsers {
        Origin(&'static str),
        Task(Box<JoinError<OfTheUsers>>),
    }
    impl fmt::Display for OfTheUsers {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            match self {
                OfTheUsers::Origin(text) => f.write_str(text),
                OfTheUsers::Task(error) => write!(f, "a step failed: {error}"),
            }
        }
    }
    impl std::error::Error for OfTheUsers {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            match self {
                OfTheUsers::Origin(_) => None,
                OfTheUsers::Task(error) => Some(error),
            }
        }
    }
    fn with_anyhow(tasks: u32) -> Pin<Box<dyn Future<Output = anyhow::Result<()>>>> {
        Box::pin(async move {
            if tasks == 0 {
                anyhow::bail!("the origin");
            }
            Ok(candor::spawn(with_anyhow(tasks - 1)).await?)
        })
    }
    fn with_boxes(tasks: u32) -> Climbing<Box<dyn std::error::Error + Send + Sync>> {
        Box::pin(async move {
            if tasks == 0 {
                return Err("the origin".into());
            }
            Ok(candor::spawn(with_boxes(tasks - 1)).await?)
        })
    }
    fn with_an_enum(tasks: u32) -> Pin<Box<dyn Future<Output = Result<(), OfTheUsers>>>> {
        Box::pin(async move {
            if tasks == 0 {
                return Err(OfTheUsers::Origin("the origin"));
            }
            let below = candor::spawn(with_an_enum(tasks - 1)).await;
            below.map_err(|error| OfTheUsers::Task(Box::new(error)))
        })
    }
    fn with_an_enum_in_candors(tasks: u32) -> Pin<Box<dyn Future<Output = candor::Result>>> {
        Box::pin(async move {
            candor::spawn(with_an_enum(tasks)).await?;
            candor::Ok(())
        })
    }
    fn is_linear(lengths: [usize; 3]) {
        let [short, middle, long] = lengths;
        assert!(long - middle <= 3 * (middle - short), "{lengths:?}");
    }
    is_linear([4, 8, 16].map(|tasks| length_of_report(with_anyhow, tasks)));
    is_linear([4, 8, 16].map(|tasks| length_of_report(with_boxes, tasks)));
    is_linear([4, 8, 16].map(|tasks| length_of_report(with_an_enum, tasks)));
    is_linear([4, 8, 16].map(|tasks| length_of_report(with_an_enum_in_candors, tasks)));
    is_linear([4, 8, 16].map(|tasks| length_of_report(passed_on_by, tasks)));
}

#[test]
fn a_chain_of_a_hundred_thousand_awaiters_is_reported_and_dropped_without_recursion() {
    let report = report_of(passed_on_by(100_000));
    assert!(report.len() < 20_000, "{} bytes", report.len());
}

#[test]
fn boxed_errors_of_a_thousand_awaiters_are_asked_one_after_the_other() {
    fn with_boxes(tasks: u32) -> Climbing<Box<dyn std::error::Error>> {
        Box::pin(async move {
            if tasks == 0 {
                return Err("the origin".into());
            }
            Ok(candor::spawn(with_boxes(tasks - 1)).await?)
        })
    }
    let report = report_of(with_boxes(1000));
    assert_eq!(
        headline(&report),
        "task #1 failed: task #1001 failed: the origin"
    );
}

#[test]
fn words_that_a_task_adds_stand_in_its_line() {
    #[derive(Debug)]
    struct Loading(JoinError<&'static str>);
    impl fmt::Display for Loading {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("while loading")
        }
    }
    impl std::error::Error for Loading {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let report = report_of(async {
        let read = candor::spawn(async { Err::<(), _>("no page 7") });
        read.await.map_err(Loading)?;
        candor::Ok(())
    });
    assert_eq!(
        headline(&report),
        "task #1 failed: while loading: task #2 failed: no page 7"
    );
    assert_contains(&report, "passed on by task #1 at tests/reports.rs:");
    assert_contains(&report, " as: while loading, last await");
    assert_lacks(&report, "caused by: ");
}

#[test]
fn a_line_is_one_line_whatever_the_message() {
    let lines = candor::block_on(async {
        let mut lines = Vec::new();
        for message in ["one\ntwo", "\n\n  three\n", "", "\u{1b}[2Kfour"] {
            let error = candor::spawn(async move { Err::<(), _>(message) });
            let error = error.await.unwrap_err();
            assert!(
                error
                    .failure()
                    .unwrap()
                    .to_string()
                    .starts_with(&error.to_string())
            );
            lines.push(error.to_string().split_once(": ").unwrap().1.to_owned());
        }
        lines
    });
    assert_eq!(
        lines,
        ["one …", "  three", "(an empty message)", "\\u{1b}[2Kfour"]
    );
}

#[test]
fn an_error_without_a_word_is_readable() {
    let report = report_of(async { Err::<(), ()>(()) });
    assert_eq!(
        headline(&report),
        "task #1 failed: () (an error without a word)"
    );
    let report = report_of(async { Err::<(), _>("") });
    assert_eq!(headline(&report), "task #1 failed: (an empty message)");

    struct Mute;
    impl fmt::Debug for Mute {
        fn fmt(&self, _: &mut Formatter<'_>) -> fmt::Result {
            Ok(())
        }
    }
    let report = report_of(async { Err::<(), _>(Mute) });
    let path = std::any::type_name::<Mute>();
    let line = format!("task #1 failed: (an empty message) ({path})");
    assert_eq!(headline(&report), line);
}

#[test]
fn a_source_that_panics_is_said_and_the_report_goes_on() {
    #[derive(Debug)]
    struct Bad;
    impl fmt::Display for Bad {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("bad")
        }
    }
    impl std::error::Error for Bad {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            panic!("no source\ntask #8 failed")
        }
    }
    let report = report_of(async { Err::<(), Box<dyn std::error::Error>>(Box::new(Bad)) });
    assert_contains(&report, "task #1 failed: bad\n");
    assert_contains(&report, "caused by: <its source() panicked: no source");
    assert_lacks(&report, "\ntask #8");
    let report = report_of(async {
        Err(Bad)?;
        candor::Ok(())
    });
    assert_contains(&report, "caused by: <its source() panicked: no source");
}

#[test]
fn the_question_mark_leads_out_of_candors_error_into_a_box() {
    fn port() -> candor::Result<u16> {
        let port = "eighty".parse()?; // the way out begins
        Ok(port)
    }
    fn serve() -> Result<u16, Box<dyn std::error::Error>> {
        Ok(port()?)
    }
    let error = serve().unwrap_err();
    assert_eq!(error.to_string(), "invalid digit found in string");
    assert_contains(&format!("{error:?}"), &place("the way out begins"));
    let report = report_of(async { serve() });
    assert_contains(&report, &format!("   at {}", place("the way out begins")));
    assert_lacks(&report, "help: ");
}

// What a caller adds.

#[test]
fn context_stands_first_and_what_is_behind_it_below() {
    let report = report_of(async {
        Err::<(), _>(chain()).context("closing the shop") // the error begins here
    });
    let lines: Vec<&str> = report.lines().take(5).collect();
    assert_eq!(lines[0], "task #1 failed: closing the shop");
    assert_contains(lines[1], "   at tests/reports.rs:");
    let causes = report.split("\n   caused by: ").skip(1);
    let causes: Vec<_> = causes.map(headline).collect();
    assert_eq!(
        causes,
        [
            "the commit failed",
            "the page was not written",
            "the disk is full"
        ]
    );
    assert_lacks(&report, "help: ");
    assert_count(&report, "\n   backtrace", 1);
}

#[test]
fn an_error_with_context_knows_the_place_of_the_first_origin() {
    fn origin() -> candor::Result {
        Err("the disk is full")?; // the origin behind the context
        candor::Ok(())
    }
    let without = origin().unwrap_err();
    let error = origin().context("saving").context("at noon").unwrap_err();
    let at = place("the origin behind the context");
    assert_contains(&error.location().to_string(), &at);
    assert_eq!(without.location(), error.location());
    assert_eq!(error.to_string(), "at noon");
    assert_eq!(format!("{error:#}"), "at noon: saving: the disk is full");
    assert_contains(
        &format!("{error:?}"),
        &format!("at noon\n   at {}\n", error.location()),
    );

    let (direct, line) = ("x".parse::<u8>().context("direct"), line!());
    assert_eq!(direct.unwrap_err().location().line(), line);
    let (lazy, line) = ("x".parse::<u8>().with_context(|| "lazy"), line!());
    assert_eq!(lazy.unwrap_err().location().line(), line);
    let (missing, line) = (None::<u8>.context("missing"), line!());
    let missing = missing.unwrap_err();
    assert_eq!(
        (missing.location().line(), missing.to_string()),
        (line, "missing".to_owned())
    );
    assert_eq!(Some(1).context("missing").unwrap(), 1);
    let never = || -> &'static str { unreachable!("there is no error") };
    assert_eq!("1".parse::<u8>().with_context(never).unwrap(), 1);
}

#[test]
fn an_error_is_found_behind_its_context_and_so_is_a_context_that_is_an_error() {
    let error = candor::Error::new(chain())
        .context(Circle)
        .context("a text")
        .context(std::fmt::Error);
    assert_eq!(error.downcast_ref::<Link>().unwrap().0, "the commit failed");
    assert!(error.downcast_ref::<Circle>().is_some());
    assert!(error.downcast_ref::<std::fmt::Error>().is_some());
    assert!(error.downcast_ref::<std::io::Error>().is_none());
    let boxed = error.into_boxed();
    let source = boxed.source().unwrap();
    assert_eq!(source.to_string(), "a text");
}

#[test]
fn errors_inside_of_very_many_others_are_asked_no_further() {
    let error_behind = |tasks: u32| {
        candor::block_on(async move {
            let mut error: Box<dyn StdError> = "the first".into();
            for _ in 0..tasks {
                let fails = async move { Err::<(), _>(error) };
                error = Box::new(candor::spawn(fails).await.unwrap_err());
            }
            error
        })
    };
    let first = "task #1 failed: the first";
    assert_eq!(
        error_behind(64).to_string(),
        format!("task #64 failed: {first}")
    );
    for tasks in [65, 1_000] {
        let text = error_behind(tasks).to_string();
        let last = format!("task #{tasks} failed: task #{} failed: (", tasks - 64);
        assert!(text.starts_with(&last), "{text}");
        assert!(text.ends_with(" inside of very many others)"), "{text}");
    }
}

#[test]
fn a_candor_error_inside_of_another_type_quotes_the_failure_that_it_carries_in_one_line() {
    #[derive(Debug)]
    struct Wrapped(#[expect(dead_code, reason = "it is written")] candor::Error);
    let report = report_of(async {
        let fails = candor::spawn(async { Err::<(), _>("no disk") });
        let error = async {
            fails.await?;
            candor::Ok(())
        };
        error.await.map_err(Wrapped)
    });
    let failed = "task #2 failed: no disk";
    let wrapped = "Wrapped(…) (reports::";
    assert!(
        headline(&report).starts_with(&format!("task #1 failed: Wrapped({failed}) (reports::"))
    );
    assert_contains(&report, &format!("\n   caused by {failed}\n"));
    assert_contains(&report, wrapped);
}

#[test]
fn a_group_whose_only_failure_was_named_before_is_no_group() {
    #[derive(Debug)]
    struct Named(candor::GroupError);
    impl Display for Named {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            write!(f, "{}, as {}", self.0.failures()[0], self.0)
        }
    }
    impl StdError for Named {}
    let report = report_of(async {
        let group = candor::TaskGroup::new();
        group.spawn(async { Err::<(), _>("no disk") });
        group.join().await.map_err(Named)?;
        candor::Ok(())
    });
    assert_contains(&report, "\n   caused by task #2 failed: no disk\n");
    assert_lacks(&report, "└─");
}

#[test]
fn a_box_made_of_a_candor_error_has_the_sources_of_the_error_inside() {
    let boxed: Box<dyn StdError> = candor::Error::new(chain()).into();
    assert_eq!(boxed.to_string(), "the commit failed");
    let source = boxed.source().unwrap();
    assert_eq!(source.to_string(), "the page was not written");
}

#[test]
fn words_between_a_failure_and_the_error_that_carries_it_are_shown() {
    let report = report_of(async {
        let read = candor::spawn(async { Err::<(), _>("no disk") });
        read.await.context("reading").context("serving")
    });
    assert_contains(&report, " as: serving: reading, ");
    assert_count(&report, " failed: no disk", 2);
}

#[test]
fn context_around_the_failure_of_another_task_leaves_it_recognised() {
    let report = report_of(async {
        let inner = candor::spawn(async {
            let read = candor::spawn(async {
                Err(chain())?; // the origin two contexts away
                candor::Ok(())
            });
            read.await.context("reading")
        });
        inner.await.with_context(|| "serving")
    });
    assert_eq!(
        headline(&report),
        "task #1 failed: serving: task #3 failed: the commit failed"
    );
    let at = place("the origin two contexts away");
    assert_contains(&report, &format!("\n   at {at}"));
    assert_lacks(&report, &format!("\n      at {at}"));
    assert_count(&report, "caused by task #3 failed: the commit failed", 1);
    assert_contains(&report, "passed on by task #2 as: reading, last await");
    assert_contains(&report, "passed on by task #1 as: serving, last await");
    assert_count(&report, "\n   backtrace", 1);
    assert_count(&report, "caused by: the disk is full", 1);
}

#[test]
fn context_around_a_failure_that_was_reported_before_refers_to_that_report() {
    let reports = Reports::new();
    reports.block_on(async {
        let late = candor::spawn(async { panic!("boom") });
        candor::sleep(5 * SECOND).await;
        candor::spawn(async move { late.await.context("much later") }).detach();
        candor::yield_now().await;
    });
    let report = &reports.texts()[1];
    assert_contains(report, "task #2 failed: much later: task #1 panicked: boom");
    assert_contains(report, "caused by task #1, reported above");
    assert_lacks(report, "backtrace");
}

#[test]
fn the_place_of_a_panic_stands_with_it_where_the_error_around_it_has_another() {
    #[derive(Debug)]
    struct App(JoinError<std::convert::Infallible>);
    impl Display for App {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            write!(f, "no page: {}", self.0)
        }
    }
    impl StdError for App {}
    let report = report_of(async {
        let panics = candor::spawn(async { panic!("boom") }); // the panic of a page
        panics.await.map_err(App)?; // where the page is missed
        candor::Ok(())
    });
    let panicked = place("the panic of a page");
    let (above, cause) = report.split_once("\n   caused by task #2 ").unwrap();
    assert_lacks(above, &panicked);
    assert_contains(cause, &format!("\n      at {panicked}"));
}

#[test]
fn the_tree_of_a_group_that_was_reported_before_is_not_shown_again() {
    let reports = Reports::new();
    reports.block_on(async {
        let late = candor::spawn(async {
            let group = candor::TaskGroup::new();
            group.spawn(async { Err::<(), _>("no disk") });
            group.join().await?;
            candor::Ok(())
        });
        candor::sleep(5 * SECOND).await;
        candor::spawn(async move { late.await.context("much later") }).detach();
        candor::yield_now().await;
    });
    let [first, second] = &reports.texts()[..] else {
        panic!("{:#?}", reports.texts());
    };
    assert_count(first, "└─ task #2 failed: no disk", 1);
    assert_contains(second, "caused by task #1, reported above");
    assert_lacks(second, "└─");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn a_failure_with_frames_of_anyhow_is_passed_on_without_those_of_the_question_mark() {
    #[inline(never)]
    fn orders() -> anyhow::Error {
        anyhow::anyhow!("no disk")
    }
    let name = "a_failure_with_frames_of_anyhow_is_passed_on_without_those_of_the_question_mark";
    let said = child(name).env("RUST_BACKTRACE", "1").run(|| {
        let _ = candor::run(async {
            candor::spawn(async { Err::<(), _>(orders()) }).await?;
            candor::Ok(())
        });
    });
    let Some(said) = said else { return };
    assert_count(&said.stderr, "   backtrace (", 1);
    assert_contains(&said.stderr, "::orders\n");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn the_backtrace_of_an_error_of_anyhow_is_found_behind_its_context() {
    #[inline(never)]
    fn orders() -> anyhow::Error {
        anyhow::anyhow!("the order was not placed")
    }
    let name = "the_backtrace_of_an_error_of_anyhow_is_found_behind_its_context";
    let told = child(name).env("RUST_BACKTRACE", "1").run(|| {
        let fails = || Err::<(), _>(orders()).context("selling");
        let _ = candor::run(async move { fails() });
    });
    let Some(told) = told else { return };
    assert_contains(&told.stderr, "the main future failed: selling");
    assert_contains(&told.stderr, "caused by: the order was not placed");
    assert_count(&told.stderr, "   backtrace (", 1);
    assert_contains(&told.stderr, "::orders\n");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn an_error_of_anyhow_on_the_way_takes_no_frames_from_a_failure_without_an_origin() {
    #[derive(Debug)]
    struct Refused;
    async fn serves() -> candor::Result {
        let refused = candor::spawn(async { Err::<(), _>(Refused) });
        let refused: anyhow::Result<()> = refused.await.map_err(anyhow::Error::from);
        Ok(refused?)
    }
    let name = "an_error_of_anyhow_on_the_way_takes_no_frames_from_a_failure_without_an_origin";
    let said = child(name).env("RUST_BACKTRACE", "1").run(|| {
        let _ = candor::run(serves());
    });
    let Some(said) = said else { return };
    assert_contains(&said.stderr, "caused by task #1 failed: Refused");
    assert_count(&said.stderr, "   backtrace (", 1);
    assert_contains(&said.stderr, "::serves::");
}

#[test]
fn a_hundred_thousand_contexts_need_no_deep_stack() {
    let mut error = candor::Error::new(chain());
    for _ in 0..100_000 {
        error = error.context("again");
    }
    assert!(error.downcast_ref::<Link>().is_some());
    let report = format!("{error:?}");
    assert_count(&report, "caused by: again", 64 + 61);
    assert_contains(&report, "caused by: … (99874 more)");
    assert_contains(
        &report,
        "caused by: the page was not written\n   caused by: the disk is full\n",
    );
}

#[test]
fn a_context_whose_text_panics_is_said_and_the_report_goes_on() {
    struct Hostile;
    impl Display for Hostile {
        fn fmt(&self, _: &mut Formatter<'_>) -> fmt::Result {
            panic!("the context")
        }
    }
    let report = report_of(async { Err::<(), _>(chain()).context(Hostile) });
    assert_contains(headline(&report), "panicked");
    assert_contains(&report, "caused by: the disk is full");
}

// What a report has in common with others.

#[test]
fn a_context_that_ends_in_the_words_of_the_failure_is_shown() {
    let report = report_of(async {
        let finds = async {
            let user = async { Err::<(), _>("not found") };
            spawn(user).await.context("user 7 was not found")?;
            candor::Ok(())
        };
        spawn(finds).await?;
        candor::Ok(())
    });
    assert_contains(&report, " as: user 7 was not found, last await: ");
}

#[test]
fn a_message_that_holds_the_words_of_the_failure_by_chance_is_followed_by_the_failure() {
    #[derive(Debug)]
    struct Loading(JoinError<&'static str>);
    impl Display for Loading {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("cannot load")
        }
    }
    impl StdError for Loading {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }
    let report = report_of(async {
        let said = spawn(async { Err::<(), _>("no") });
        said.await.map_err(Loading)?;
        candor::Ok(())
    });
    assert_eq!(
        headline(&report),
        "task #1 failed: cannot load: task #2 failed: no"
    );
}

#[test]
fn an_error_that_names_one_failure_of_a_group_and_carries_the_group_loses_none() {
    #[derive(Debug)]
    struct Syncing(candor::GroupError);
    impl Display for Syncing {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            write!(f, "the sync failed: {}", self.0.failures()[0])
        }
    }
    impl StdError for Syncing {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }
    struct Broken;
    impl Drop for Broken {
        fn drop(&mut self) {
            panic!("the second")
        }
    }
    let report = report_of(async {
        let group = candor::TaskGroup::new();
        group.spawn(async {
            yield_now().await;
            Err::<(), _>("the first")
        });
        group.spawn(async {
            let _broken = Broken;
            std::future::pending::<()>().await;
        });
        group.join().await.map_err(Syncing)?;
        candor::Ok(())
    });
    assert_contains(&report, "─ task #2 failed: the first");
    assert_contains(&report, "─ task #3 panicked: the second");
}

#[test]
fn a_failure_that_two_tasks_pass_on_is_told_in_full_once() {
    let reports = Reports::new();
    reports.block_on(async {
        let fails = spawn(async { Err::<(), candor::Error>("the cause".into()) });
        let shared = fails.map(|ended| ended.map_err(Arc::new)).shared();
        for shared in [shared.clone(), shared] {
            let passes_on = async move {
                shared.await?;
                candor::Ok(())
            };
            spawn(passes_on).detach();
        }
        for _ in 0..5 {
            yield_now().await;
        }
    });
    let [first, second] = &reports.texts()[..] else {
        panic!("{:#?}", reports.texts());
    };
    assert_contains(first, "caused by task #1 failed: the cause\n");
    assert_lacks(first, "reported above");
    assert_contains(second, "caused by task #1, reported above");
    assert_lacks(second, "backtrace");
}

#[test]
fn a_message_that_looks_like_a_backtrace_is_a_message() {
    let told = child("a_message_that_looks_like_a_backtrace_is_a_message").run(|| {
        candor::block_on(async {
            let sent =
                "no such user\n\nStack backtrace:\n   0: forged\n             at /etc/passwd:1:1\n";
            spawn(async move { Err::<(), _>(anyhow::anyhow!("{sent}")) }).detach();
            yield_now().await;
            yield_now().await;
        });
    });
    let Some(told) = told else { return };
    assert_contains(&told.stderr, "   | Stack backtrace:\n");
    assert_lacks(&told.stderr, "   backtrace");
    assert_lacks(&told.stderr, "root:");
}

#[test]
fn a_message_that_looks_like_a_backtrace_is_a_message_in_a_box_too() {
    struct Quotes;
    impl fmt::Display for Quotes {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("evil\n\nStack backtrace:\n   0: forged")
        }
    }
    impl Debug for Quotes {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            fmt::Display::fmt(self, f)
        }
    }
    impl StdError for Quotes {}
    let told = child("a_message_that_looks_like_a_backtrace_is_a_message_in_a_box_too");
    let told = told.env("RUST_BACKTRACE", "1").run(|| {
        candor::block_on(async {
            spawn(async { Err::<(), Box<dyn StdError>>(Box::new(Quotes)) }).detach();
            yield_now().await;
        });
    });
    let Some(told) = told else { return };
    assert_contains(&told.stderr, "   | Stack backtrace:\n");
    assert_lacks(&told.stderr, "   backtrace");
}

type Shared = Arc<JoinError<Many>>;

/// Carries the same failure twice, and so on down to one that carries none.
#[derive(Debug)]
#[expect(dead_code, reason = "it is shown by its `Debug`")]
enum Many {
    None,
    Both(Vec<JoinError<Shared>>),
}

fn level(number: u32) -> Pin<Box<dyn Future<Output = Result<(), Many>>>> {
    Box::pin(async move {
        if number == 0 {
            return Err(Many::None);
        }
        let below = spawn(level(number - 1));
        let below = below.map(|ended| ended.map_err(Arc::new)).shared();
        let both = [below.clone(), below].map(spawn);
        let ended = futures::future::join_all(both).await;
        Err(Many::Both(
            ended.into_iter().filter_map(Result::err).collect(),
        ))
    })
}

#[test]
fn a_failure_that_several_branches_carry_stands_once_in_the_tree() {
    let report = report_of(level(1));
    assert_count(&report, "caused by task #2 failed: None", 1);
    assert_count(&report, "caused by task #2, reported above", 1);
    // Three tasks a level.
    let length = |levels| report_of(level(levels)).len();
    let [ten, twenty] = [10, 20].map(length);
    assert!(twenty < 5 * ten, "{ten} bytes, then {twenty}");
}

#[test]
fn the_text_of_anyhow_is_said_once_on_its_way() {
    let report = report_of(async {
        let middle = async {
            spawn(async { Err::<(), _>("text") }).await?;
            anyhow::Ok(())
        };
        spawn(middle).await?;
        anyhow::Ok(())
    });
    assert_eq!(headline(&report), "task #1 failed: task #3 failed: text");
    assert_lacks(&report, " as: ");
}

#[test]
fn an_error_of_candors_own_needs_no_type_name() {
    let report = report_of(async {
        match spawn(async { panic!("boom") }).await {
            Err(JoinError::Panicked(panic)) => Err(panic),
            _ => Ok(()),
        }
    });
    assert_eq!(headline(&report), "task #1 failed: task #2 panicked: boom");
    let report = report_of(async {
        let failed = spawn(async { Err::<(), _>("no") }).await;
        failed.map_err(Arc::new)
    });
    assert_eq!(headline(&report), "task #1 failed: task #2 failed: no");
}

#[test]
fn a_failure_within_the_text_of_an_error_has_no_place_of_another() {
    #[derive(Debug)]
    struct Lost(TaskFailure);
    impl Display for Lost {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            write!(f, "the job is lost: {}", self.0)
        }
    }
    impl StdError for Lost {}
    let report = report_of(async {
        let middle = async {
            spawn(async { Err::<(), _>("cause") }).await?;
            candor::Ok(())
        };
        let error = spawn(middle).await.unwrap_err();
        Err::<(), candor::Error>(Lost(error.failure().unwrap().clone()).into())
    });
    assert_eq!(
        headline(&report),
        "task #1 failed: the job is lost: task #3 failed: cause"
    );
}

#[test]
fn a_headline_quotes_the_first_failure_once_whatever_its_message() {
    let (long, cut) = ("x".repeat(1100), "x".repeat(1024) + "…");
    for (message, quoted) in [("one\ntwo", "one …"), ("\n\none\n", "one"), (&long, &cut)] {
        let (message, first) = (message.to_owned(), format!("task #2 panicked: {quoted}"));
        let fails = || {
            let message = message.clone();
            async move { panic!("{message}") }
        };
        let error = candor::block_on(async {
            let fails = fails();
            let passes_on = async {
                spawn(fails).await?;
                candor::Ok(())
            };
            spawn(passes_on).await.unwrap_err()
        });
        assert_eq!(error.to_string(), format!("task #1 failed: {first}"));

        let fails = fails();
        let report = report_of(async {
            let passes_on = async { spawn(fails).await.context("reading") };
            spawn(passes_on).await?;
            candor::Ok(())
        });
        let first = first.replace("#2", "#3");
        assert_eq!(headline(&report), format!("task #1 failed: {first}"));
        assert_contains(&report, "passed on by task #2 as: reading, ");
        assert_count(&report, " as: ", 1);
    }
}

#[test]
fn a_headline_says_that_a_text_around_a_failure_has_more_lines() {
    #[derive(Debug)]
    struct Around(JoinError<&'static str>, &'static str);
    impl Display for Around {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            write!(f, "{}{}", self.0, self.1)
        }
    }
    impl StdError for Around {}
    for (message, after, shown) in [
        ("no disk", "", "no disk"),
        ("no disk", "\nplug it in", "no disk …"),
        ("no disk", ", sadly\nplug it in", "no disk, sadly …"),
        ("no disk\nhere", "", "no disk …"),
        ("no disk\nhere", ", sadly", "no disk …, sadly"),
        ("no disk\nhere", ", sadly\nplug it in", "no disk …, sadly …"),
    ] {
        let report = report_of(async move {
            let read = spawn(async move { Err::<(), _>(message) });
            read.await.map_err(|error| Around(error, after))?;
            candor::Ok(())
        });
        let failed = format!("task #1 failed: task #2 failed: {shown}");
        assert_eq!(headline(&report), failed);
    }
}

#[test]
fn who_passed_a_failure_on_is_shown_with_the_words_that_are_not_the_failures() {
    #[derive(Debug)]
    struct Around(&'static str, JoinError<&'static str>, &'static str);
    impl Display for Around {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            write!(f, "{}{}{}", self.0, self.1, self.2)
        }
    }
    impl StdError for Around {}
    for (before, after, shown) in [
        ("", "", ""),
        ("", "\nplug it in", ""),
        ("", ", sadly", " as: …, sadly"),
        ("reading: ", "", " as: reading"),
        ("reading: ", "\nplug it in", " as: reading"),
        ("reading: ", ", sadly", " as: reading: …, sadly"),
        ("reading ", "", " as: reading …"),
    ] {
        let report = report_of(async move {
            let read = spawn(async move { Err::<(), _>("no disk") });
            read.await.map_err(|error| Around(before, error, after))?;
            candor::Ok(())
        });
        let mut lines = report.lines();
        let line = lines.find(|line| line.contains("passed on by task #1 at"));
        let (_, line) = line.expect(&report).split_once(".rs:").unwrap();
        let (line, _) = line.split_once(", last await").unwrap();
        let words = line.find(" as: ").map_or("", |at| &line[at..]);
        assert_eq!(words, shown);
    }
}

#[test]
fn a_headline_quotes_an_error_of_anyhow_once() {
    let report = report_of(async {
        let read = async { Err::<(), _>(anyhow::anyhow!("no disk").context("reading")) };
        spawn(read).await?;
        anyhow::Ok(())
    });
    assert_eq!(
        headline(&report),
        "task #1 failed: task #2 failed: reading …"
    );
    assert_lacks(&report, " as: ");
}

#[test]
fn a_failure_in_the_middle_of_a_message_is_quoted_there_and_not_again() {
    #[derive(Debug)]
    enum App {
        Job(#[expect(dead_code, reason = "it is written")] JoinError<&'static str>),
    }
    let report = report_of(async {
        let job = spawn(async { Err::<(), _>("no\nmore") });
        job.await.map_err(App::Job)
    });
    let head = headline(&report);
    assert!(
        head.starts_with("task #1 failed: Job(task #2 failed: no …) ("),
        "{head}"
    );
    assert_count(head, "task #2", 1);
    assert_contains(&report, "passed on by task #1 as: Job(…) (reports::");
}

#[test]
fn long_words_in_front_of_the_first_failure_do_not_push_it_out_of_the_headline() {
    let report = report_of(async {
        let error = spawn(async { Err::<(), _>("no") }).await.unwrap_err();
        Err::<(), _>(candor::Error::from(WithWords("y".repeat(2000), error)))
    });
    let words = "y".repeat(1024) + "…: ";
    assert_eq!(
        headline(&report),
        format!("task #1 failed: {words}task #2 failed: no")
    );
}

/// An error whose text is words, and then that of another task's failure.
#[derive(Debug)]
struct WithWords(String, JoinError<&'static str>);

impl Display for WithWords {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0, self.1)
    }
}

impl StdError for WithWords {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.1)
    }
}

#[test]
fn a_message_that_begins_with_blank_lines_stands_in_the_headline() {
    let report = report_of(async { panic!("\n\n  one\ntwo") });
    assert_contains(&report, "task #1 panicked:   one\n   | two\n   at ");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn the_backtrace_of_an_error_of_anyhow_is_found_in_a_box_and_in_other_errors() {
    #[inline(never)]
    fn orders() -> anyhow::Error {
        anyhow::anyhow!("no disk")
    }
    #[derive(Debug)]
    enum App {
        A(#[expect(dead_code, reason = "it is written")] anyhow::Error),
        B {
            #[expect(dead_code, reason = "it is written")]
            cause: anyhow::Error,
        },
    }
    let name = "the_backtrace_of_an_error_of_anyhow_is_found_in_a_box_and_in_other_errors";
    let said = child(name).env("RUST_BACKTRACE", "1").run(|| {
        let _ = candor::run(async {
            let boxed = async {
                Err::<(), _>(orders())?;
                Ok::<(), Box<dyn StdError + Send + Sync>>(())
            };
            spawn(boxed).detach();
            spawn(async { Err::<(), _>(std::io::Error::other(orders())) }).detach();
            spawn(async { Err::<(), _>(App::A(orders())) }).detach();
            spawn(async { Err::<(), _>(App::B { cause: orders() }) }).detach();
        });
    });
    let Some(said) = said else { return };
    let said = said.stderr;
    assert_contains(&said, "task #1 failed: no disk\n");
    assert_contains(&said, "task #2 failed: no disk\n");
    assert_contains(&said, "task #3 failed: A(no disk) (reports::");
    assert_contains(&said, "task #4 failed: B { cause: no disk } (reports::");
    assert_count(&said, "   backtrace (", 4);
    assert_count(&said, "::orders\n", 4);
    for hidden in ["Stack backtrace", "help:", "candor::"] {
        assert_lacks(&said, hidden);
    }
}

#[test]
fn a_task_that_passes_a_failure_on_has_no_place_that_is_another_tasks() {
    #[derive(Debug)]
    struct Refused;
    let report = report_of(async {
        let middle = async {
            let first = spawn(async { Err::<(), _>(Refused) });
            first.await?; // the only question mark with a place of its own
            candor::Ok(())
        };
        spawn(middle).await?;
        candor::Ok(())
    });
    let at = place("the only question mark with a place of its own");
    assert_contains(&report, &format!("passed on by task #2 at {at}"));
    assert_contains(&report, "passed on by task #1, last await");
}

#[test]
fn a_cause_of_another_executor_is_not_taken_for_the_task_itself() {
    let (other, here) = (Reports::new(), Reports::new());
    let fails = other.spawn(async { panic!("boom") });
    other.block_on(candor::sleep(5 * SECOND));
    here.block_on(async {
        spawn(async { fails.await.context("asking") }).detach();
        candor::yield_now().await;
    });
    let report = &here.only();
    assert_contains(report, "task #1 failed: asking: task #1 panicked: boom");
    assert_contains(
        report,
        "caused by task #1 of another executor, reported above",
    );
}

#[test]
fn the_id_of_a_task_and_a_join_error_are_padded_as_other_texts_are() {
    candor::block_on(async {
        let task = spawn(async { Err::<(), _>("no") });
        assert_eq!(format!("{:>4}|{:<4}|", task.id(), task.id()), "  #1|#1  |");
        let error = task.await.unwrap_err();
        assert_eq!(format!("{error:>20}|"), "  task #1 failed: no|");
        let panicked = spawn(async { panic!("no") }).await.unwrap_err();
        assert_eq!(format!("{panicked:>22}|"), "  task #2 panicked: no|");
        let aborted = spawn(std::future::pending::<()>());
        aborted.abort();
        let cancelled = aborted.await.unwrap_err();
        assert_eq!(format!("{cancelled:>25}|"), "    task #3 was cancelled|");
    });
}

/// The numbers of the sources that a report shows of a chain of so many, and what it says of the others.
fn shown_of_a_chain(length: usize) -> (Vec<usize>, Vec<String>) {
    #[derive(Debug)]
    struct Link(usize, Option<Box<Link>>);
    impl Display for Link {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            write!(f, "link {}", self.0)
        }
    }
    impl StdError for Link {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            self.1.as_deref().map(|link| link as _)
        }
    }
    let link = |below, number| Some(Box::new(Link(number, below)));
    let chain = (0..=length).rev().fold(None, link).unwrap();
    let reports = Reports::new();
    reports
        .spawn(async move { Err::<(), candor::Error>((*chain).into()) })
        .detach();
    reports.run_until_stalled();
    let report = reports.only();
    let causes = report
        .lines()
        .filter_map(|line| line.trim().strip_prefix("caused by: "));
    let mut shown = Vec::new();
    let mut others = Vec::new();
    for cause in causes {
        match cause.strip_prefix("link ") {
            Some(number) => shown.push(number.parse().unwrap()),
            None => others.push(cause.to_owned()),
        }
    }
    (shown, others)
}

#[test]
fn of_a_long_chain_the_first_and_the_last_64_sources_are_shown_and_the_others_counted() {
    for length in [1, 63, 64, 65, 128] {
        assert_eq!(shown_of_a_chain(length), ((1..=length).collect(), vec![]));
    }
    for length in [129, 200] {
        let ends = (1..=64).chain(length - 63..=length).collect();
        let more = format!("… ({} more)", length - 128);
        assert_eq!(shown_of_a_chain(length), (ends, vec![more]));
    }
}

#[test]
fn an_error_without_a_word_quotes_a_first_failure_without_a_word() {
    #[derive(Debug)]
    struct Silent(JoinError<String>);
    impl std::fmt::Display for Silent {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Ok(())
        }
    }
    impl std::error::Error for Silent {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let report = report_of(async {
        let silent = spawn(async { Err::<(), _>(String::new()) });
        silent.await.map_err(Silent)?;
        candor::Ok(())
    });
    let expected = "failed: (an empty message): task #2 failed: (an empty message)";
    assert_contains(report.lines().next().unwrap(), expected);
}

#[test]
fn a_headline_marks_no_cause_as_left_out_that_it_quotes() {
    let report_with = |contexts: &'static [&'static str]| {
        report_of(async move {
            let task = spawn(async { Err::<(), _>("no disk".to_owned()) });
            let error = anyhow::Error::new(task.await.unwrap_err());
            let error = contexts
                .iter()
                .fold(error, |error, text| error.context(*text));
            Err::<(), _>(error)
        })
    };
    let report = report_with(&["asking"]);
    let headline = report.lines().next().unwrap();
    assert_contains(headline, "failed: asking: task #2 failed: no disk");
    let report = report_with(&["reading", "asking"]);
    let headline = report.lines().next().unwrap();
    assert_contains(headline, "failed: asking …: task #2 failed: no disk");
}
