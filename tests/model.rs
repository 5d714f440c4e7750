//! The law of failures, checked on programs that no one would write.
//!
//! > Every failure goes to exactly one place. None is lost, and none is reported twice.
//!
//! proptest makes a tree of tasks that yield, sleep, wait at gates, spawn, join, abort, pass handles round,
//! lose them, forget them, fail in every way there is, and end at any time. Each task has a name of its
//! own, so each line of the trace belongs to one task:
//!
//! ```text
//! Plan ──run as tasks──► trace: spawned t1, polled t1, t1 fails, let go of t1, reported t1 …
//!                          │
//!                          └──replayed by──► Law: who may hear of this failure, by when, and how often?
//! ```
//!
//! The law does not predict the order of polls. It reads in the trace what the *program* did (a task is
//! about to panic, a handle is dropped), and derives from it where each failure must go. With that it
//! compares what the *executor* did (a poll, a report, an outcome delivered):
//!
//! | the handle, when the task has failed | where the failure must go |
//! |---|---|
//! | is gone | a report, before the next poll |
//! | is dropped later | a report, before the next poll |
//! | is awaited | the awaiter, and no report |
//! | is held and not awaited for the grace | a report when the grace ends, and the awaiter if one still comes |
//! | is there, or forgotten, at the end | a report at the end, and the awaiter if one still comes |
//!
//! A panic that cannot be its task's outcome, as the task has failed before, is reported before the next
//! poll; so is one that the task caught. The law also says that a failure disturbs no other task: every
//! task comes to its own end unless it is aborted, none waits for what has happened, every future is
//! dropped once, and every value once.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

mod model {
    pub mod acting;
    pub mod flock;
    pub mod foreign;
    pub mod generated;
    pub mod law;
    pub mod ledger;
    pub mod mapping;
    pub mod program;
    pub mod trace;
    pub mod world;
}

use model::acting::perform;
use model::generated::programs;
use model::law::{Tally, judge};
use model::program::Program;

/// `PROPTEST_CASES=100000` for a long night.
fn some_hundred_cases() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        // Twice proptest's own default, so that its environment variable still counts.
        cases: usual.cases * 2,
        // The failing program is printed in full; no file is needed.
        failure_persistence: None,
        ..usual
    }
}

proptest! {
    #![proptest_config(some_hundred_cases())]

    #[test]
    fn each_failure_goes_to_exactly_one_place(program in programs()) {
        obeys_the_law(&program, None)?;
    }

    #[test]
    fn each_failure_goes_to_exactly_one_place_in_whatever_order_tasks_are_polled(
        program in programs(),
        seed in any::<u64>(),
    ) {
        obeys_the_law(&program, Some(seed))?;
    }
}

fn obeys_the_law(program: &Program, shuffle: Option<u64>) -> Result<Tally, TestCaseError> {
    let trace = perform(program, shuffle);
    judge(&trace).map_err(|offence| TestCaseError::fail(format!("{offence}\n{trace}")))
}

/// A law that is never tested is never broken.
#[test]
fn the_generated_programs_come_to_every_case_of_the_law() {
    let mut runner = TestRunner::deterministic();
    let mut total = Tally::default();
    for _ in 0..400 {
        let program = programs()
            .new_tree(&mut runner)
            .expect("nothing is filtered out")
            .current();
        total += obeys_the_law(&program, None).unwrap();
    }
    let unseen = total.unseen();
    assert!(unseen.is_empty(), "never seen: {unseen:?} in {total:?}");
}
