//! The life of a failure, from where it begins to where it is printed.
//!
//! ```text
//!   panic!()                                    return Err(…)
//!      │ the panic hook notes message,             │
//!      │ place and frames                          │
//!      ▼                                           ▼
//!   unwinding ──► caught by the loop           the poll is over
//!                      │                           │
//!                      └──────────┬────────────────┘
//!                                 ▼
//!                      the outcome of the task
//!                                 │
//!             ┌───────────────────┴───────────────────┐
//!       the handle is held                      the handle is gone
//!             │                                       │
//!             ▼                                       ▼
//!          UNREAD ── handle dropped ──────► on the list "to report"
//!             │ └─── grace is over ──────────────┐    │ when no poll is running
//!             ▼                                  ▼    ▼
//!    the awaiter gets a JoinError             REPORTED, once: on_failure, or the log, or stderr
//! ```
//!
//! **A panic begins.** std calls the panic hook before the stack unwinds (`src/kernel/failure/hook.rs`). If a task is being polled on
//! this thread, the hook takes the backtrace and puts what it knows on the list of the task's executor
//! (`Unclaimed::push` in `src/kernel/failure/seen_panics.rs`). It prints nothing. A panic that cannot unwind is printed at once, since the process
//! is about to abort.
//!
//! **It is caught.** The loop catches unwinding around a run of polls, not around each poll (`Loop::run_ready_tasks` in
//! `src/kernel/tasks/run_loop.rs`). The task that is noted as being polled is the one that has panicked (`Core::settle_panic` in
//! `src/kernel/tasks/completion.rs`). What the hook has noted is claimed by the payload (`claim` in `src/kernel/failure/hook.rs`).
//! Whatever is left on the list was caught by the task itself. It is reported after the poll, and marked `caught`.
//!
//! **An `Err` is returned.** No hook sees it. The error stays in the task's cell as it is, and is not asked for its text yet
//! (`Task::finish` in `src/kernel/tasks/task.rs`). Most errors are read by an awaiter, and are never printed.
//!
//! **The task is done.** Its outcome is in the cell, and its joiner is woken (`Core::finish` in `src/kernel/tasks/completion.rs`). If the
//! handle is held, the failure is on the list of the unread (`Unread::push` in `src/kernel/failure/in_grace.rs`). If the handle is gone, it is on
//! the list of what has to be reported (`Core::report_after_poll` in `src/kernel/failure/when_to_report.rs`).
//!
//! **It is read.** The awaiter takes the outcome out of the cell, as a [`JoinError`](crate::JoinError) (`JoinHandle::poll` in
//! `src/kernel/tasks/join_handle.rs`). Nothing is printed. If the awaiter passes the error on with `?`, its own failure holds this one as its
//! first cause.
//!
//! **Nobody reads it.** A handle that is dropped puts the failure on the list of what has to be reported. No report is made within
//! the `Drop`, because a report runs user code. A handle that is kept for longer than the [grace](crate::Builder::grace) has its
//! failure reported as `not awaited yet` (`Core::report_overdue` in `src/kernel/failure/when_to_report.rs`). What is unread at the end of the
//! executor is reported then (`Core::report_unread`).
//!
//! **It is reported.** First the error is asked for its text (`Core::failure_of` in `src/kernel/failure/when_to_report.rs`, and
//! `src/report/account.rs`). Meanwhile its handle waits; afterwards the error is back in its cell. There is one way to a report
//! (`Core::report`). It claims the failure, so that nothing is printed twice. Then it calls [`on_failure`](crate::Builder::on_failure), or the reporter, which is the plug
//! through which a report leaves the kernel (`src/kernel/failure/reporter.rs`). Then it counts, and follows the
//! [policy](crate::FailurePolicy).
//!
//! **It is printed.** The text of the report is put together in `src/report/text.rs`, with the frames from
//! `src/report/backtrace.rs` and the lines of source from `src/report/source_line.rs`. A report that repeats another one is one
//! line (`src/report/floods.rs`). `src/report/printing.rs` gives it to the log or to stderr, in one write.
