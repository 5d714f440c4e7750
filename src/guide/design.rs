//! Design: what was decided, what was tried and thrown away, and the measurements that decided.
//!
//! Each section answers one question. *Thrown away* means that it was built, found slow or wrong, and removed. *Not
//! taken* means that it was never built, so there is no figure for it.
//!
//! # About the figures
//!
//! They come from the messages of the commits, from comments in the source, from notes on prototypes, and from
//! `benches/compare`. The machine had two cores of a Xeon, often shared; the compiler was rustc 1.95. "49 to 39 ns" means
//! before and after one change. Compare only figures of one line: two lines may come from different days. A figure
//! belongs to the commit at which it was measured. What an operation costs today, measure with `benches/compare`.
//!
//! Instructions were counted by callgrind. The counts repeat better than times, but do not show when the processor waits.
//!
//! # Why is a waker a number and not a counted pointer?
//!
//! A [`Waker`](std::task::Waker) must be `Send + Sync`. A task here is neither.
//!
//! **Decision.** The 64 bits of a waker's data are a key: executor (16 bits), generation (16), slot (32).
//!
//! **Why.** A number owns nothing. To clone or drop it does nothing, on any thread. It cannot dangle, it keeps no future
//! alive, and it never causes a future to be dropped on another thread. The functions of a waker are sound for any
//! number, so there is no reference count to prove right. And since wakers hold no task, its pointers are counted
//! without atomics.
//!
//! **Not taken.** The usual design: a pointer to the task with an atomic count. Each clone then costs an atomic
//! operation. A waker that is kept too long keeps the memory of the task, and the last one may be dropped on any thread.
//!
//! **Thrown away.** A key of three fields: it is now one number, as in the waker. A third table of waker functions, for
//! wakers that candor keeps itself: such a place now holds a key or a foreign waker. And a thread-local that was read
//! through `with_borrow`: the compiler does not inline that, and a wake cost twice as much.
//!
//! **Figure.** Clone and drop of a waker: 1.93 ns, as for a waker that does nothing at all. Wakers of the peers: 11.8 to
//! 12.1 ns.
//!
//! **The limit.** A key may be stale, so it is never used where the answer must be exact. Joining and aborting use the
//! pointer in the handle. An executor number is given out again after its executor is gone, the oldest first.
//!
//! # Why a table of tasks, and a generation?
//!
//! **Decision.** A key leads to a slot in a table. A slot is three words: two for the task, one for a link, the
//! generation and a flag. The generation counts the tasks that have used the slot, so the key of an earlier task does not
//! match.
//!
//! **Why.** A number must lead somewhere. A poll touches one small slot, and slots are neighbours in memory. The free
//! slot that was left last is used first, because its cache lines are still warm.
//!
//! **The limit.** Where one slot is used again and again, 16 bits of generation wrap within milliseconds. Then an old
//! waker can match, and the present task is polled once for nothing. Every future has to bear such a spurious poll. Only
//! the number of polls is ever wrong, never memory.
//!
//! **Thrown away.** One link for two lists, without a flag. The link of a slot serves the run queue, or the list of free
//! slots. A stale wake from another thread could queue a free slot, and overwrote that link. The list then lost slots, or
//! gave one out twice. A client with 1,000 requests hung in one run of two. Now a flag says that the link is in use, and
//! the client passed 12 runs of 12. A wake has no instruction more; giving a slot back has one store more.
//!
//! **Figure.** To wake one of 1,000 waiting tasks takes 12.9 ns, one of 100,000 takes 49 ns, one of a million 183 ns. The
//! code is the same in all three. What is added is most likely memory that is not in the cache.
//!
//! # Why does the run queue run through the slots?
//!
//! **Decision.** The queue is a list, and its links are in the slots. The queue itself is two numbers, the first slot and
//! the last.
//!
//! **Why.** It needs no memory of its own and cannot overflow. A poll loads the slot anyway, and finds the link there. A
//! slot has one link, so it is queued at most once, however often it is woken.
//!
//! **Thrown away.** A ring of slot numbers. It had to grow with the table, and each poll looked up the ring as well as
//! the slot. And a type for the queue alone: the links are in the slots, so each of its functions left a part to the caller.
//!
//! **Figure.** One commit replaced the ring, put a poll behind one virtual call, and polls the main future in the same
//! run as the tasks. There is no figure for one of these alone:
//!
//! | | instructions | time |
//! |---|---:|---:|
//! | [`yield_now`](crate::yield_now()) | 248 to 172 | 13.6 to 9.1 ns |
//! | spawn and await | 1,194 to 971 | 74 to 58 ns |
//! | detached task among a million | | 115 to 80 ns |
//!
//! # Why do other threads use an inbox with one bit a slot?
//!
//! **Decision.** A wake from another thread finds the inbox of the executor by number, and sets the bit of the slot. Only
//! the thread that found the bit clear pushes the slot to a queue. It unparks the executor if that is parked. Inboxes are
//! never freed, only closed and used again. [`one_wake`](super::one_wake) follows such a wake.
//!
//! **Why.** With the bit, the queue never holds more entries than there are slots. A second wake of the same task needs
//! no memory.
//!
//! **Thrown away.** A queue without the bit: two threads that woke one task made it grow by 745 MiB in 1.5 seconds, at 30
//! ns a push. The bit costs 5.6 ns. And the state of the inbox beside its other fields: two threads that wake one
//! executor then cost each other three to four times as much. The state now has a cache line of its own.
//!
//! **Why a stale wake is not sorted out here.** A bit belongs to the slot, whichever task uses it. Suppose that a stale
//! wake sets the bit, and is then ignored because its generation is old. A real wake that comes in between finds the bit
//! set, and leaves the push to the stale one. It would be lost. So the inbox knows no generations, and a stale wake costs
//! a spurious poll. A loom test holds this.
//!
//! **Why not `thread::park`.** User code may call it too, and take the token. The inbox has a condition variable of its
//! own.
//!
//! # Why one `RefCell` for each part, and no user code while one is borrowed?
//!
//! **Decision.** The table, the timers and the unread failures are in cells of their own. A borrow lasts for one step.
//! User code never runs inside a borrow: no poll, no destructor, no foreign waker, no logger, no callback, no `Debug` of
//! an error.
//!
//! **Why.** All of these may call back into candor. A destructor may spawn while everything is cancelled. A waker may
//! drop a handle. They must find the state whole, and must not meet a borrow. With a cell for each part, a step borrows
//! only what it changes.
//!
//! The table is asked in some thirty places. Each of its methods borrows it for itself, and returns a copy or a counted pointer.
//! So one file shows that nothing else runs meanwhile. It was borrowed by its callers before: a yield has 156 instead of 154
//! instructions now, and a chain of tasks that spawn each other 1,057 instead of 1,022 a task.
//!
//! **Not taken.** One cell around all state. Then each call that might run user code would need the whole state to be
//! free.
//!
//! **Thrown away**, because user code could do harm there:
//!
//! - Taking the old waiter out before the new waker is cloned. If the clone panicked, the wake was lost. Now the clone
//!   comes first.
//! - Forgetting the remembered spawner of a slot before the joiner is woken. A waker that spawned there was remembered in
//!   its place, and what the next task in that slot spawned had the wrong spawner. Now forgetting is the last step, at no
//!   instruction more.
//! - Asking once whether something is there, then keeping a foreign waker. It may come while the waker is cloned. Now
//!   there is a second look.
//! - Dropping a future that comes too late inside of spawn. Where its destructor spawned the next one, the stack was used
//!   up.
//!
//! # Why is unwinding caught around a run of polls?
//!
//! **Decision.** One `catch_unwind` surrounds a run of polls, 128 as a rule. Before each poll the loop stores which slot
//! it polls. After a panic it knows from that which task has failed, and goes on with the next one.
//!
//! **Why.** Panics are rare and polls are not. One store for each poll is enough.
//!
//! **Thrown away.** A panic that ended the pass, as the number of polls left was in a local. After it, a
//! [`tick`](crate::Executor::tick) did not poll all that had been ready. A panic now ends the run and not the pass.
//!
//! **Figure.** None for this alone. Where user code is guarded at each event, it shows: with an
//! [`Instrument`](crate::Instrument) that does nothing, a yield costs some 1,190 instructions instead of 144, mostly for
//! the clock and that guard.
//!
//! # Why a hierarchical wheel, with ticks of 2^19 ns?
//!
//! **Decision.** Timers wait on eleven levels of 64 slots. Eleven digits of base 64 hold every `u64`, so no deadline is
//! too far away. A tick of the real clock is 2^19 ns, that is 524 µs. On [virtual time](crate::Builder::virtual_time) it
//! is one nanosecond.
//!
//! **Why a wheel.** Timers need not be sorted completely. To create, poll and drop a sleep takes 47.5 ns beside one
//! other, and 47.0 ns beside ten million.
//!
//! **Why that tick.** What is due in one tick fires together, and waking the thread costs some 25 µs. A hundred sleepers
//! of 1 to 20 ms:
//!
//! | tick | 16 µs | 262 µs | 524 µs | tokio, 1 ms |
//! |---|---:|---:|---:|---:|
//! | share of a core | 8 % | 7.5 % | 4.8 % | 2.6 % |
//! | lateness, median | | | 355 µs | 1,050 µs |
//! | lateness, 99 of 100 are below | | | 612 µs | 1,949 µs |
//!
//! A million sleepers over a second took 1,414 ns each with 262 µs, and 1,158 ns with 524 µs.
//!
//! **Thrown away.**
//!
//! - A sorted list of overdue timers. It was the one place where inserting was not constant. What is overdue is now due
//!   now.
//! - Finding the slot of a timer again to cancel it. An entry now remembers its slot: create, poll and drop of a sleep
//!   45.6 to 40.0 ns. With the first poll apart from later ones it became 38.0 ns (530 to 483 instructions).
//! - The clock of the last look, when a sleep is made. That saves half of the time (52 instead of 121 ns on a loaded machine,
//!   422 instead of 451 instructions). But the sleep is then too early by the age of that look. nio does so: after 50 ms of
//!   work, a sleep of 30 ms was over in 13 µs.
//! - An endless sleep in a coarse slot. Virtual time jumped from slot to slot up to the end of its range. What never
//!   comes now waits apart.
//!
//! - To move the timer of a sleep that is reset where its executor does not run: a note with the new deadline. Older notes
//!   came after newer deadlines. The note now has the sleeper woken, and its next poll waits for the new deadline.
//!
//! # Why does a failure wait a grace, and why do most cost no look at the clock?
//!
//! **Decision.** A failure whose handle is held waits for its awaiter, by default for one second
//! ([`Builder::grace`](crate::Builder::grace)). Then it is reported, and can still be awaited. A failure without a handle
//! does not wait.
//!
//! **Why.** If it were reported at once, a program that awaits many handles in order would see reports of failures that
//! it is about to handle. If it waited as long as the handle is held, a forgotten handle would hide the failure until the
//! executor ends.
//!
//! **Why no clock.** To read the clock costs some 25 ns. New failures go to a list without a time. Most are read within
//! the same pass. Only if one is still unread after its pass is the clock read, once for all of them. The grace is the
//! same for all, so the second list is in order by itself. It at most doubles before those that were read are removed.
//!
//! **Thrown away.** A place in the first list for each failure. One now takes the place of the last one if that has been
//! read, which is usual in a row of errors: an `Err` that is joined, 48.2 to 45.4 ns.
//!
//! **Thrown away.** An error that is out of its task as long as it is reported. A callback that awaited its handle waited
//! for itself. The error is out while it is asked for its text, and back when the report is given out.
//!
//! # Why is the text of an error made only when asked for?
//!
//! **Decision.** A task that returns `Err` keeps the error as it is. Its message is made when a report or an awaiter
//! asks. Frames are captured at once, since they are gone later. They are turned into names only for a report.
//!
//! **Why.** To its awaiter an `Err` is often an answer, and should cost what a value costs. To capture frames costs 5 to
//! 20 µs. To name frames for the first time stops the program for 70 to 120 ms.
//!
//! **Thrown away.** A report in each failure that held the reports of all below it. For a failure that came through 1,000
//! awaits, that took 57 s and 13 GB. A first repair took 0.08 s and gave 31 lines. Now causes hold failures and not text,
//! so text grows with the length of the chain. There is one exception: an error that is likely to carry another one is
//! asked as soon as its task has failed. Else each error of a long chain would be asked inside of the one before.
//!
//! **Why a reserve of records.** A record says who failed. It is a box beside the error, and the lineage in it has an
//! atomic count, because a failure may leave the thread. The last record that was dropped is kept, one for each thread.
//! The next `Err` uses that box, and does not touch the count if the lineage is the same.
//!
//! **Figure.** An `Err` that is joined: 64.5 to 49.7 ns. In another run: 47 ns with the reserve, 87 to 103 ns without.
//!
//! **Why the record is made late.** All that a record says is in the header of the task as long as the task is there. So an
//! `Err` that waits for its awaiter is the error and nothing more. The record is made when the error is read or reported. So
//! the errors of 1,000 tasks that are joined one after the other use one box: 1,609 to 1,204 instructions each.
//!
//! **Thrown away.** A check of each new failure at the end of its pass, whether it was read by then. One that is unread is enough
//! to know that the clock has to be read; the others are checked when their grace is over. 756 to 732 instructions for each of
//! 1,000 errors that are joined later.
//!
//! **The limit.** A reserve of one makes one pattern fast, and the next one slow. Before you add another reserve, measure
//! both.
//!
//! # Why does a spawner leave a link, and not a list of its ancestors?
//!
//! **Decision.** All tasks of one spawner share a small record. It says who the spawner is, and links to the record that the
//! spawner itself shares. The list of ancestors is made from these links when a failure needs it. Each 16th generation has its
//! list made at once, and links no further.
//!
//! **Why.** Most tasks do not fail, and then nobody asks for the list. A link is one allocation and no atomic count.
//!
//! **Why not links alone.** A task that respawns itself for ever would keep the record of each task before it. With the cut, at
//! most 16 records and a list are kept.
//!
//! **Thrown away.** A list in each record. A new spawner made three allocations, and copied up to 16 ancestors.
//!
//! **Figure.** In instructions, for a spawn, its run and its end:
//!
//! | | list | link |
//! |---|---:|---:|
//! | each task spawns the next | 1,817 | 1,030 |
//! | 100 spawners by turns | 1,686 | 1,129 |
//! | one spawner | 779 | 778 |
//!
//! # Why does a debug build show lines of source, and when does it not?
//!
//! **Decision.** Below a place and below each frame of yours, a report of a debug build shows the line of source. Dumps and
//! reports of stalls do so below each `.await`. A report that is repeated is one line, and has none.
//!
//! **Why.** Most readers would open the file to see just that line. Python's tracebacks have shown it always.
//!
//! **Why not everywhere.** A wrong line is worse than none. So it is left out if the file is newer than the program, and a
//! release build shows none, since it may run where other files are. At most 16 files of at most 1 MiB are read for a report,
//! each once, and a line is cut at 120 characters.
//!
//! **Thrown away.** A search for the file in the current directory and in those above it. The place of a panic is
//! relative to the root of the workspace, so in a workspace that search may find the file of another package. The frames of
//! the same backtrace know the whole path. A build without debug information has no frames with places, and shows no line.
//!
//! # Why is a spare executor core kept for each thread?
//!
//! **Decision.** When an executor ends and nothing outside can tell that it existed, its core is kept for the next one on
//! the thread. A core with its own configuration, with hosts, with a timer, or with more than 1,024 slots is not kept.
//!
//! **Why.** [`block_on`](crate::block_on) is called again and again, often with a future that is ready:
//!
//! | change | `block_on` of a ready future |
//! |---|---|
//! | no spare core, against one | 272 against 18 ns |
//! | leaving looks only for what happened; the core of an `Executor` is kept too | 58 to 23 ns |
//! | the core is made ready when it is kept, not when it is taken | 23 to 18 ns, 430 to 345 instructions |
//! | no configuration is made when the spare core has it | 466 to 324 instructions |
//! | the panic of a second entry is out of line, so an entry stays in registers | 20.1 to 15.6 ns |
//!
//! **The limit.** What is kept must look new. Two faults were of this kind: a kept core was used without the panic hook,
//! and one was still followed by the trace log.
//!
//! # Why are joiners 16 bytes?
//!
//! **Decision.** A joiner is what is woken or called when a task is done. It is the key of a task of the same executor,
//! or a counted pointer to a listener: a group, a pool, or a foreign waker. The compiler checks that it has 16 bytes, and
//! the header of a task 64.
//!
//! **Why.** glibc serves chunks up to 128 bytes from fast lists. A task with a small future should be such a chunk.
//!
//! | tried | figure |
//! |---|---|
//! | a key instead of a cloned waker; a handle without a weak reference | spawn and await 937 to 848 instructions, 60.6 to 49.2 ns |
//! | thrown away: three kinds (key, numbered listener, foreign waker), too large | a detached spawn 567 to 673 instructions |
//! | two kinds, a foreign waker behind a listener | 585 instructions |
//! | a name beside what the tasks of one spawner share, not in the header | a chunk of 128 to 112 bytes; a million spawns 110 to 95 ns each |
//!
//! A foreign waker now costs an allocation; few joiners are one. Listeners also removed a wrapper around each member. In
//! the prototype, a member of a group took 132 to 75 ns, an input of [`completed`](crate::TaskPool::completed) 170 to 112
//! ns.
//!
//! # Why do a future and its value share one allocation, with `repr(C)`?
//!
//! **Decision.** A task is one allocation of a header and a stage. The stage is first the future, then the outcome in the same
//! place. The executor polls it, the handle joins it. `repr(C)` keeps the header first, whatever the future is.
//!
//! **Why.** `malloc` and `free` were 130 of some 750 instructions of a spawn and join. A second allocation would add to
//! that.
//!
//! **How it is made** was not decided by instructions. The processor waits some 15 cycles where it reads in 16-byte
//! pieces what it has just stored in 8-byte pieces.
//!
//! | tried | figure |
//! |---|---|
//! | thrown away: made on the stack, then copied | |
//! | made where it stays | spawn and await 49.2 to 39.4 ns, but only 851 to 815 instructions |
//! | thrown away: memory whose size is worked out at run time | with other changes, 812 to 735 instructions |
//! | thrown away: filled by `unsafe` code | 726 instructions |
//! | `Rc::new_cyclic`, which is safe | 752 instructions; 2 % of the time, 6 % of a detached spawn |
//! | kept: memory of candor's own, see below | 631 instructions |
//! | thrown away: an order of fields that the compiler chose | the joiner was copied with padding beside it |
//! | kept: `repr(C)` | detached spawn, 10,000 alive 37.0 to 33.6 ns, a million alive 67.1 to 59.7 ns |
//!
//! # Why memory of its own, and a pointer of its own?
//!
//! **Decision.** The block of a task that is gone is kept in a list for its size, and the next task of that size takes it. Each
//! thread has its lists, of at most 2 MiB. The pointer to a task counts itself, as `Rc` does. Both are in
//! `src/kernel/tasks/memory.rs`.
//!
//! **Why.** malloc does not know that tasks come and go in great numbers, in few sizes and on one thread. `Rc` cannot be
//! given other memory on stable Rust. It also has a weak count, which a task does not need, and it looks up the alignment of
//! each task, since its counts are on the other side of the padding.
//!
//! Instructions for a task, counted by callgrind:
//!
//! | | `Rc` and malloc | lists | pages |
//! |---|---:|---:|---:|
//! | spawn and join, one at a time | 771 | 631 | 665 |
//! | spawn 1,000, join 1,000 | 832 | 488 | 504 |
//! | spawn detached, 10,000 alive | 570 | 399 | 411 |
//! | spawn 1,000 that return `Err`, join them | 1,125 | 755 | 783 |
//! | a member of a group | 1,601 | 1,145 | 1,257 |
//! | each task spawns the next (what a task shares with its siblings is such a block too) | 1,331 | 1,022 | |
//! | 1,000,000 tasks that wait, and are dropped | 1,055 | 1,031 | 686 |
//!
//! **Thrown away.** Pages of 16 KiB, each cut into blocks of one size, and given back as a whole. A block then needs no word
//! of malloc's: 152 instead of 166 bytes for a waiting task, and a million tasks are dropped in 34 instead of 43 ns each. But
//! that was 235 lines instead of 145, and each task came and went a little slower.
//!
//! **The limit.** A thread that has ended 10,000 tasks keeps their 1.4 MB until it ends.
//!
//! # Why is there one path for debug and release builds?
//!
//! **Decision.** A debug build looks for stalls, but uses the loop of a release build, with its polls, mail, timers and
//! parks. What an observer sees is an event, one line in those functions. Without an observer an event is one branch.
//! Only wakers differ: with an observer they are counted, in clone, wake and drop.
//!
//! **Why count at all.** To prove that nothing can ever wake an executor, it must be known that no waker is left
//! ([`detect_stalls`](crate::Builder::detect_stalls)). The count decides about that proof and about when a number is used
//! again, never about memory.
//!
//! **Thrown away.** A second copy of polls, mail, timers, parks and wakes, for executors with an observer: 344 lines. It
//! earned nothing: one path for polls was measured equal (yield 11.9 to 12.2 ns, spawn and join 39.5 to 38.4 ns). A
//! student with a debugger saw the copy, with 18 frames of candor between `block_on` and a future.
//!
//! **Figure.** Instructions before and after the copy was removed:
//!
//! | yield | wake | spawn and join | detached | `block_on` of a ready future |
//! |---:|---:|---:|---:|---:|
//! | 153 to 148 | 345 to 342 | 758 to 756 | 583 to 592 | 294 to 308 |
//!
//! With stall detection, before that change: a yield 9.57 to 12.7 ns, a spawn and await 42.8 to 51.4 ns.
//!
//! # What is deliberately absent
//!
//! | absent | why | instead |
//! |---|---|---|
//! | worker threads | tasks need not be `Send`, and a wake on the own thread needs no atomic operation | [`Remote`](crate::Remote) spawns from other threads; one executor for each thread |
//! | priorities | the order of waking is easy to predict | at most 128 polls a pass; a task that finds 128 of candor's own futures ready lets others run |
//! | a reactor of its own | it would need calls to each operating system | the feature `async-io`; another runtime by [`Executor::run_until`](crate::Executor::run_until) |
//! | a global executor | the place where an executor is entered is the root of every lineage | [`block_on`](crate::block_on), or an [`Executor`](crate::Executor) to keep |
//! | features that change what a task sees | one set of rules to read and to test | `async-io` changes only where an idle executor waits |
//!
//! # Where candor is not the fastest, and what bounds it
//!
//! All rows of the checked-in run of `benches/compare` in which a peer is faster or smaller. *Record* is the best of the
//! peers. The causes are known from the code and from counts of instructions; their shares were not measured.
//!
//! | | unit | candor | record | held by | what bounds it |
//! |---|---|---:|---:|---|---|
//! | `block_on(ready)` | ns | 31.5 | 19.2 | monoio epoll | an executor is entered and left, and looks for what is to be reported |
//! | build, `block_on` a spawn and await, drop: the first of a process | ns | 119325 | 55963 | monoio epoll | the panic hook is installed, and the first inbox and table are made |
//! | the first 2^20 + 1,000 tasks of a process, spawned, a task | ns | 123 | 72.4 | futures LocalPool | memory: a task has 144 bytes here, and its slot 24 |
//! | the longest of these spawns | µs | 139 | 86.3 | async-executor, static | the table is copied when it doubles |
//! | drop of an executor with 1e6 waiting tasks, a task | ns | 64.3 | 17.8 | monoio io_uring | each task is cancelled by itself, so that its destructor may do anything; and memory |
//! | spawn detached, 1e6 alive | ns | 75.2 | 63.6 | monoio io_uring | memory: a header says who spawned the task, where, and its last await |
//! | 1,000 tasks return `Err`, then all are joined | ns | 90.2 | 72.4 | monoio epoll | each failure is on the list of the unread until it is read |
//! | panic joined | ns | 12114 | 3027 | glommio | a backtrace is always captured |
//! | memory of an idle task, asked for | bytes | 169 | 112 | async-executor, static | a header of 64 bytes: who spawned the task, where, its last await; and the flag of a `RefCell` |
//! | memory of an idle task, resident | bytes | 184 | 120 | monoio epoll | a header of 64 bytes: who spawned the task, where, its last await; and the flag of a `RefCell` |
//! | memory of a sleeping task, asked for | bytes | 230 | 156 | nio | the same header, and an entry of the wheel with its waker |
//! | memory of a sleeping task, resident | bytes | 240 | 181 | nio | the same header, and an entry of the wheel with its waker |
//! | lateness of 100 sleepers, p50 | µs | 378 | 46.4 | compio | the tick: what is due within 524 µs fires together |
//! | lateness of 100 sleepers, p99 | µs | 658 | 107 | compio | the tick: what is due within 524 µs fires together |
//! | a core, kept busy by them | % | 9.66 | 4.67 | tokio LocalSet, time only | the tick is half of the record holder's |
//! | wakes from two threads | ns | 23.4 | 20.9 | nio | a bit and a queue for each wake, so that no number of wakes takes memory |
//! | spawned from another thread, run and joined | ns | 965 | 658 | async-executor | a lock on the way in, and one around the outcome |
//! | panic detached and reported, the first of a process | ms | 67.7 | 66.8 | tokio LocalSet, time only | level: std reads the debug information of the program once |
//! | hello world: crates |  | 6 | 2 | tokio LocalSet, time only | futures-task, crossbeam-queue and log |
//! | hello world: clean build | s | 9.34 | 2.81 | tokio LocalSet, time only | reports, stalls and their texts: LLVM is most of it |
//! | hello world: stripped | KiB | 728 | 348 | futures LocalPool | what `run` reaches: reports, lineage, the hook |
//! | TCP echo, 1 connection, an exchange | µs | 9.53 | 5.24 | tokio LocalRuntime | async-io: async-executor is level with candor on it |
//! | TCP echo, 32 connections, an exchange | µs | 6.32 | 4.53 | tokio LocalRuntime | async-io: async-executor is level with candor on it |
//! | TCP echo, 1000 connections, an exchange | µs | 7.76 | 5.66 | tokio spawn | async-io: async-executor is level with candor on it |
//! | HTTP hello, 1 connection, a request | µs | 13.7 | 8.33 | tokio spawn | async-io as well |
//! | HTTP hello, 32 connections, a request | µs | 11.8 | 7.75 | tokio LocalRuntime | async-io as well |
//! | HTTP hello, 1000 connections, a request | µs | 20.6 | 13.1 | tokio LocalRuntime | async-io as well |
//!
//! What was tried for the rows that miss their target, or missed it before, also where no peer is ahead. "I" stands for instructions:
//!
//! | row | tried |
//! |---|---|
//! | `block_on(ready)` | a core in reserve, 272 to 18 ns; it is made ready when it is kept, 430 to 345 I; no configuration is made, 466 to 324 I; the panic of a second entry out of line, 20.1 to 15.6 ns |
//! | drop of waiting tasks | a smaller header, twice: no gain; a touch of the next task one poll ahead: no gain; pages of tasks, 43 to 34 ns, thrown away |
//! | 1,000 joined; detached, 1e6 alive | memory of its own, 832 to 488 I and 570 to 397 I; pages, 504 I and 411 I; a name out of the header, 110 to 95 ns |
//! | 1,000 `Err` | the record is made late, 1,609 to 1,204 I; memory of its own, 1,125 to 756 I; no check at the end of the pass, 756 to 732 I |
//! | memory of a task | a name out of the header, 128 to 112 bytes; pages, 166 to 152 bytes, thrown away. The flag of the `RefCell` as a bit of the header takes 8 bytes away; malloc's next smaller block needs 16 |
//! | round trip to a thread (met now) | the wheel is asked once before a park, and not twice, 3.42 to 2.95 µs in two runs; `thread::park` was thrown away: user code may take its tokens |
//! | sleep | an entry knows its slot, 45.6 to 40.0 ns; the first poll apart, 38.0 ns; one borrow instead of two: no gain; the clock of the last look: early, thrown away |
//! | lateness, and the core kept busy | ticks of 16, 262 and 524 µs. A short tick takes from one row what it gives to the other |
//! | wakes from two threads | a queue without bits, 30 ns a push, and without a limit of memory; the state on a cache line of its own, a third to a quarter of the cost |
//! | a group's member, an input of a pool | listeners, 132 to 75 ns and 170 to 112 ns; one set for all kinds of group, 1,811 to 1,595 I; memory of its own, 1,601 to 899 I. The target is in ns of a machine that was 1.6 times as fast |
//! | spawned from another thread | the parentage is kept for the last thread; the thread stays in the order, so that two threads do not change its count: slower. The futex of the operating system is 40 % |
//! | `Err` detached and reported (met now) | whether anyhow captures is asked once and not by a capture each time, 31.7 to 26.4 µs in two runs; the text of the frames has its usual size from the start, and text without control characters is taken whole: 151,000 to 147,000 I; to see that a text is missing before it is searched: no gain. std takes 113,000 of them to capture, resolve and write the frames |
//! | hello world | hook and list of failures without channels and ordered maps, 851 to 812 KiB; observers behind a trait, 784 to 711 KiB; one function for all events: 2 KiB. Of 697 KiB, candor's code is 132, and that of std to name frames 200. With `lto = true`, which is the program's choice, it was 564 to 488 KiB |
//! | sockets | to enter and leave the reactor at each wait, 7.8 to 9.4 µs; one stay in it for one stay in the loop. The reactor is async-io's |
//!
//! Without the feature `async-io`, one round trip takes 1.68 times as long as under smol; with it, 1.01 times. To enter
//! and leave the reactor at each wait was thrown away: whenever it was left, async-io's own thread took over the sockets.
//! TCP echo with 1, 32 and 1,000 connections took 7.8, 8.4 and 9.4 µs then. One stay in the loop is now one stay in the
//! reactor.
//!
//! # From the symptom to the part
//!
//! Each part opens with what it is for. [`life_of_a_task`](super::life_of_a_task) and [`one_wake`](super::one_wake) name
//! functions.
//!
//! | symptom | read first | then | last |
//! |---|---|---|---|
//! | wrong spawner named | who is who: which spawner is remembered, and for which slot | the end of a task, which forgets it | the parentage and its links, then the lineage |
//! | timer late | the clock: rounding, and when it was read | the loop: up to 128 polls come before the next look | the wheel: when a coarse slot is opened |
//! | wake lost under a host | the visit: what is said on leaving | the inbox: `AWAY`, and which hosts are called | `run_until`: the flag of its future |
//! | report missing | the end of a task: is the handle held, is the failure unread? | the list of unread failures | reporting: what is left for after the poll |
//! | report twice | the panic hook and its records: which panic was caught? | the text of an error: which failures does it carry? | the failure: its mark that it was reported |
//! | handle never ready | the end of a task: the joiner is called | the task: the joiner is set before `Pending` | the listener: foreign wakers, and the second look |
//! | stale waker polls another task | [the table](#why-a-table-of-tasks-and-a-generation): rare is no fault | the slots: the generation is compared | the inbox: it knows no generations |
//! | executor never parks | the loop: what it asks before a park | the slots: what is still queued | the inbox: `MAIL` that stays |
//! | memory grows | the list of unread failures: when it is swept | the wheel: sleeps dropped on other threads | the slots: the table does not shrink |
//!
//! If a wake is lost without a host, read the waker, then the slots, then the inbox. With
//! [`detect_stalls`](crate::Builder::detect_stalls) candor proves most lost wakes itself, and names the await that waits.
