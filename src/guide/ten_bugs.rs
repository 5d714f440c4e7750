//! Ten bugs in ten minutes: a game.
//!
//! Each round shows what candor says about a small program. Say what is wrong, and in which line, before you open the answer. The
//! messages are quoted as they are printed, and a test compares them. Only numbers that differ from run to run are `…`.
//!
//! The programs are in `examples/broken`, one page each. Begin with the message alone. If you do not see it, open the program that
//! the message names.
//!
//! ```sh
//! cargo run --example broken_lost_work    # and so on, by the name of the file
//! ```
//!
//! # 1. The letter that is not sent
//!
//! The program says "Goodbye." and ends. No letter was sent.
//!
//! ```text
//! block_on at examples/broken/lost_work.rs:14:5 is done, so what is unfinished is cancelled now (1 in all):
//!    task #1 `send`, spawned at examples/broken/lost_work.rs:15:52, never polled
//!    help: to wait for such tasks, enter by candor::run, or call drain() on an Executor; if they may be lost, spawn them with TaskBuilder::daemon()
//! ```
//!
//! What is wrong, and which line?
//!
//! <details><summary>Answer</summary>
//!
//! Line 19, `send.detach()`: the task is detached, and nobody awaits it. `block_on` returns when its own future is done,
//! and cancels what is left. To detach a task does not make it outlive the executor.
//!
//! To mend it: await the handle, or enter by [`run`](crate::run), which waits for all tasks.
//!
//! The program is `examples/broken/lost_work.rs`.
//!
//! </details>
//!
//! # 2. The heart that stops
//!
//! A heart should beat every 10 ms. For 200 ms there is no beat.
//!
//! ```text
//! task #2 `sleeper`, spawned at examples/broken/blocks_the_thread.rs:28:27, held the thread for …ms in one poll (the limit is 50ms), and all others stood still. If it computes, let it `yield_now().await` now and then; if it waits for something that blocks, let a thread do that
//! ```
//!
//! What is wrong, and which line?
//!
//! <details><summary>Answer</summary>
//!
//! Line 29, `thread::sleep(`: it holds the thread, and all tasks share it. It knows nothing of tasks.
//!
//! To mend it: `candor::sleep(…).await`. What cannot be awaited belongs on a thread of its own.
//!
//! The program is `examples/broken/blocks_the_thread.rs`.
//!
//! </details>
//!
//! # 3. The task that is always ready
//!
//! The program works, but it keeps a core busy while it waits.
//!
//! ```text
//! 2 tasks alive
//!   task #1 `waiter`: ready, … polls, last await: yield_now at examples/broken/busy_loop.rs:22:37, spawned at examples/broken/busy_loop.rs:20:56
//!   task #2 `worker`: waiting, 1 poll, last await: sleep at examples/broken/busy_loop.rs:26:55, spawned at examples/broken/busy_loop.rs:25:56
//! ```
//!
//! What is wrong, and which line?
//!
//! <details><summary>Answer</summary>
//!
//! Line 21, `while !seen.get()`: the waiter asks again and again. It yields, so it blocks nobody, but it is always ready,
//! and the executor never sleeps. Its number of polls shows it.
//!
//! To mend it: await the event itself: the handle of the worker, or a channel.
//!
//! The program is `examples/broken/busy_loop.rs`.
//!
//! </details>
//!
//! # 4. The failure that nobody looks at
//!
//! The program sleeps with a handle in its hand. A report comes while it sleeps, after a second.
//!
//! ```text
//! task #1 `parse` failed (not awaited yet): invalid digit found in string
//!    at examples/broken/unread_handle.rs:18:31
//!         let answer: i32 = "forty-two".parse()?;
//!    spawned at examples/broken/unread_handle.rs:17:54 by run at examples/broken/unread_handle.rs:16:5
//!    backtrace (… runtime frames hidden):
//!       0: broken_unread_handle::main::{{closure}}::{{closure}}
//!              at examples/broken/unread_handle.rs:18:31
//!              let answer: i32 = "forty-two".parse()?;
//! Is anything wrong?
//! ```
//!
//! What is wrong, and which line?
//!
//! <details><summary>Answer</summary>
//!
//! Line 18, `"forty-two".parse()`, fails: that is no number. The bug is line 21, `candor::sleep(`: it sleeps before anybody
//! looks at the handle `parse`. A failure whose handle is held may still be read, so candor waits for one second before it
//! reports it.
//!
//! To mend it: await each handle, detach those that nobody will await, or let a group hold them.
//!
//! The program is `examples/broken/unread_handle.rs`.
//!
//! </details>
//!
//! # 5. The files that never come
//!
//! The program has time enough for two downloads. No file is there in the end.
//!
//! ```text
//! a group of tasks was dropped that was neither joined nor cancelled, so what is unfinished is cancelled now (2 in all):
//!    task #1 `left`, spawned at examples/broken/forgotten_group.rs:24:50
//!    task #2 `right`, spawned at examples/broken/forgotten_group.rs:24:50
//!    help: to wait for such tasks, await the group's join(); if they may be lost, call its cancel() before
//! ```
//!
//! What is wrong, and which line?
//!
//! <details><summary>Answer</summary>
//!
//! Line 31, `}`, where `download` ends. The group is a local variable, and is dropped there with its tasks. No task
//! outlives its group.
//!
//! To mend it: `group.join().await` at the end of `download`.
//!
//! The program is `examples/broken/forgotten_group.rs`.
//!
//! </details>
//!
//! # 6. The list that is taken
//!
//! Two tasks write into one list, on one thread. The second one panics.
//!
//! ```text
//! task #2 `moon` panicked: RefCell already borrowed
//!    at examples/broken/borrow_over_an_await.rs:25:37
//!         let mut lines = log.borrow_mut();
//!    spawned at examples/broken/borrow_over_an_await.rs:24:56 by run at examples/broken/borrow_over_an_await.rs:20:5
//!    backtrace (… runtime frames hidden):
//!       0: broken_borrow_over_an_await::main::{{closure}}::{{closure}}
//!              at examples/broken/borrow_over_an_await.rs:25:37
//!              let mut lines = log.borrow_mut();
//! ```
//!
//! What is wrong, and which line?
//!
//! <details><summary>Answer</summary>
//!
//! Line 25, `borrow_mut()`, and line 26, `.await`: it waits while the borrow is alive. The message names the victim,
//! `moon`, which is in line 25. The culprit is `sun`, which has the list and sleeps.
//!
//! To mend it: borrow after the `.await`: `log.borrow_mut().push(name)`.
//!
//! The program is `examples/broken/borrow_over_an_await.rs`.
//!
//! </details>
//!
//! # 7. The bank that stands still
//!
//! The same as before, with a `Mutex` of std. Now nothing panics, and nothing goes on.
//!
//! ```text
//! task #2 `rent`, spawned at examples/broken/lock_over_an_await.rs:24:57, has held the thread for 2s in a poll that has not ended, and all others stand still
//!    it has not waited in a future of candor's yet
//!    likely cause: a loop without an end, a call that blocks, a lock of std that is held over an `.await`, or the `block_on` of another runtime
//!    help: look at what the task does after its last `.await`; what blocks belongs in a thread, and a long computation needs a `yield_now().await` now and then
//! ```
//!
//! What is wrong, and which line?
//!
//! <details><summary>Answer</summary>
//!
//! Line 25, `lock()`, and line 26, `.await`: it waits with the lock in its hand. The lock of std does not panic but blocks
//! the thread, so the sleeper with the lock never gets a turn.
//!
//! To mend it: drop the guard before the `.await`, or take a lock that is awaited.
//!
//! The program is `examples/broken/lock_over_an_await.rs`.
//!
//! </details>
//!
//! # 8. The letter that is never written
//!
//! A reader waits for a letter, and a writer would write it.
//!
//! ```text
//! task #1 `reader`, spawned at examples/broken/foreign_block_on.rs:18:56, has held the thread for 2s in a poll that has not ended, and all others stand still
//!    last known await: yield_now at examples/broken/foreign_block_on.rs:19:33
//!    likely cause: a loop without an end, a call that blocks, a lock of std that is held over an `.await`, or the `block_on` of another runtime
//!    help: look at what the task does after its last `.await`; what blocks belongs in a thread, and a long computation needs a `yield_now().await` now and then
//! ```
//!
//! What is wrong, and which line?
//!
//! <details><summary>Answer</summary>
//!
//! Line 33, `executor::block_on`: the `block_on` of another runtime parks the thread until the letter comes. The writer is
//! a task of the same thread.
//!
//! To mend it: make `read` an `async fn`, and await the letter.
//!
//! The program is `examples/broken/foreign_block_on.rs`.
//!
//! </details>
//!
//! # 9. Two philosophers
//!
//! Plato and Kant want to eat. Both wait, and nothing else runs.
//!
//! ```text
//! Executor::block_on at examples/broken/deadlock.rs:25:14 has stood still for 5s: everything waits to be woken, no timer is set, and all that is waited for is a task, or a lock, of this program:
//!    the main future: waiting, last await: JoinHandle at examples/broken/deadlock.rs:26:15, entered at examples/broken/deadlock.rs:25:14
//!       .await at examples/broken/deadlock.rs:26:15 in broken_deadlock::main
//!            plato.await.unwrap();
//!    task #1 `Plato`: waiting, 2 polls, last known await: yield_now at examples/broken/deadlock.rs:33:25, spawned at examples/broken/deadlock.rs:22:23
//!       waits in tokio::sync::mutex::Mutex<T>::lock
//!       .await at examples/broken/deadlock.rs:34:30 in broken_deadlock::eat
//!            let right = right.lock().await;
//!       .await at examples/broken/deadlock.rs:22:75 in broken_deadlock::main
//!            let plato = plato.spawn_on(&executor, async move { eat(&fork, &knife).await });
//!    task #2 `Kant`: waiting, 2 polls, last known await: yield_now at examples/broken/deadlock.rs:33:25, spawned at examples/broken/deadlock.rs:24:21
//!       waits in tokio::sync::mutex::Mutex<T>::lock
//!       .await at examples/broken/deadlock.rs:34:30 in broken_deadlock::eat
//!            let right = right.lock().await;
//!       .await at examples/broken/deadlock.rs:24:81 in broken_deadlock::main
//!            let kant = kant.spawn_on(&executor, async move { eat(&knife_too, &fork_too).await });
//!    likely cause: tasks that wait for one another (a deadlock)
//!    help: ask of each `.await` what ends it, and what that waits for. A lock that is held over an `.await` must not be wanted by what that waits for; if another thread holds the lock, this is no deadlock, and Builder::detect_stalls(false) keeps this quiet
//! ```
//!
//! What is wrong, and which line?
//!
//! <details><summary>Answer</summary>
//!
//! Line 32, `left.lock()`, and line 34, `right.lock()`: which lock comes first? Plato has the fork and wants the knife,
//! Kant has the knife and wants the fork: lines 22 and 24 give the locks in opposite order.
//!
//! To mend it: all tasks take the locks in the same order.
//!
//! The program is `examples/broken/deadlock.rs`.
//!
//! </details>
//!
//! # 10. The door that opens in vain
//!
//! The door opens after 10 ms, and the guest stays outside.
//!
//! ```text
//! thread 'main' (…) panicked at examples/broken/forgot_to_wake.rs:18:5:
//! block_on at examples/broken/forgot_to_wake.rs:18:5 can never return: what is left waits to be woken, and nobody can wake it. No timer is set, and no waker is kept anywhere:
//!    the main future: waiting, last await: JoinHandle at examples/broken/forgot_to_wake.rs:29:15, entered at examples/broken/forgot_to_wake.rs:18:5
//!       .await at examples/broken/forgot_to_wake.rs:29:15 in broken_forgot_to_wake::main
//!            guest.await.unwrap();
//!    task #1 `guest`: waiting, 1 poll, spawned at examples/broken/forgot_to_wake.rs:25:62
//!    task #1 `guest` was ready, though nothing had woken it: a wake was lost. The poll of this dump has let it go on
//!    likely cause: a future returned Poll::Pending without having kept a clone of `cx.waker()`, or dropped it without calling it
//!    help: look at the last await of each, if one is named, and at what stands behind it in the same task; what returns Pending there has to see to a later wake
//! ```
//!
//! What is wrong, and which line?
//!
//! <details><summary>Answer</summary>
//!
//! Line 34, `_cx`: the future does not use its `_cx`. It says `Pending` and keeps no waker, so nothing can wake the task
//! when the door is open. candor proves that no wake can come, and panics instead of hanging.
//!
//! To mend it: keep a clone of `cx.waker()` beside the door, and let the thread that opens the door call it.
//!
//! The program is `examples/broken/forgot_to_wake.rs`.
//!
//! </details>
//!
//! # And without candor?
//!
//! A program on another executor gets few of these messages. So look at the shape of each bug: work that nobody awaits,
//! something that is held over an `.await`, a thread that is blocked, a wake that never comes. The lessons of [the
//! course](super) show where each comes from: 3, 8, 12 and 13.
