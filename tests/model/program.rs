//! What a generated program consists of.
//!
//! A plan is one task: its steps, how it ends, and what its destructor does. A step that spawns holds the
//! plan of the child, so a program is a tree. A step never refers to a task or a handle by name, since
//! shrinking would break that: it takes a number, which is reduced to what is there when the step is done.
//!
//! Knows nothing of the executor.

use super::trace::Group;

/// How many gates all the tasks of a program share.
pub const GATES: usize = 3;

#[derive(Clone, Debug)]
pub struct Program {
    pub main: Plan,
    pub entry: Entry,
    /// What is done with the handles that were given to the host, when the executor no longer runs.
    pub host: Vec<HostStep>,
    /// In milliseconds; sleeps are about as long.
    pub grace: u64,
    pub callback: Callback,
    pub instrument: Watching,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// `Executor::run`: the main future may fail, and all tasks are waited for.
    Run,
    /// `Executor::block_on`: the main future returns at any time.
    BlockOn,
    /// `Executor::run_until`, polled by a host that waits until it is woken.
    RunUntil,
    /// `Executor::tick`, as often as there is something to do. The main future is a task.
    Tick,
    /// `Executor::try_tick`, with virtual time moved by hand. The main future is a task.
    TryTick,
    /// `Executor::run_until_stalled`, likewise.
    RunUntilStalled,
}

/// What `on_failure` does beside noting the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    Quiet,
    Panics,
    /// Spawns a task that fails; not without end.
    Spawns,
    /// Wakes all tasks.
    Wakes,
    /// Aborts the task that was spawned last.
    Aborts,
    /// Drops a handle that was given to the host.
    LetsGo,
    /// Runs another executor, in which a task fails.
    Nests,
}

/// The instrument of the executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    Nobody,
    Noting,
    /// Wakes all tasks in each poll.
    Waking,
    /// Panics at some event.
    Panicking(u8),
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub ending: Ending,
    pub parting: Parting,
    pub is_daemon: bool,
}

#[derive(Clone, Debug)]
pub enum Step {
    Yield,
    Sleep(u64),
    WaitAt(usize),
    Open(usize),
    /// Calls the last waker that a task was polled with, whether or not that one still exists.
    Nudge(usize, From),
    /// Panics and catches it.
    Catch,
    Spawn(Plan),
    SpawnRemote(Plan, From),
    /// Gives a task to the pool.
    Submit(Plan),
    /// Has the pool make tasks of these, takes so many of their results, and drops the rest.
    Map {
        plans: Vec<Plan>,
        is_in_order: bool,
        taken: usize,
    },
    /// Spawns some tasks into a new group.
    Group(Group, Vec<Plan>, GroupThen),
    /// Spawns a task into the group of this one.
    SpawnBeside(Plan),
    /// Polls a handle once with a waker that is not candor's, and keeps the handle.
    Meet(usize, Foreign),
    Join(usize, Then),
    /// Awaits a handle for this many milliseconds, and drops it then.
    JoinWithin(usize, u64),
    /// Awaits two handles, takes the outcome that comes first, and drops the other handle.
    Race(usize, usize),
    Detach(usize),
    Drop(usize),
    Forget(usize),
    /// Aborts any task, with or without its handle; it may be the one that does this.
    Abort(usize),
    /// Gives a handle to any task, which may be the handle's own.
    Give(usize, usize),
    GiveToHost(usize),
    /// Calls `candor::exit`.
    Exit,
}

/// Where something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Here,
    /// Another thread does it, which this one waits for.
    Thread,
}

/// What becomes of a group.
#[derive(Clone, Copy, Debug)]
pub enum GroupThen {
    Join,
    /// Waits for the end of one task first; a collecting group, for a failure.
    NextAndJoin,
    CancelAndJoin,
    Drop,
    /// Drops it when this task ends.
    Keep,
}

/// What a foreign waker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    Quiet,
    PanicsWhenCloned,
    PanicsWhenWoken,
    PanicsWhenDropped,
    /// Wakes all tasks, and spawns one that fails.
    ComesBackWhenWoken,
    ComesBackWhenDropped,
}

/// What becomes of a failure that was joined.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    Handle,
    /// As `?` does.
    Pass,
    /// As `Panic::resume` does; an error is handled.
    Resume,
}

#[derive(Clone, Copy, Debug)]
pub enum Ending {
    Return,
    Fail,
    Panic,
    /// Panics without calling the panic hook.
    PanicUnseen,
    /// Waits for ever. It is aborted after an hour.
    Never,
}

/// What the destructor of the task's future does.
#[derive(Clone, Copy, Debug)]
pub enum Parting {
    Quiet,
    Panic,
    /// Spawns a task that fails, and drops its handle.
    Spawn,
}

#[derive(Clone, Copy, Debug)]
pub enum HostStep {
    Drop(usize),
    Await(usize),
    /// Runs for two hours.
    Settle,
    Drain,
}

impl Plan {
    /// The plan of a task that fails at once.
    pub fn failing() -> Plan {
        Plan {
            steps: Vec::new(),
            ending: Ending::Fail,
            parting: Parting::Quiet,
            is_daemon: false,
        }
    }

    /// This plan for a main future that ends only by returning.
    ///
    /// Under `block_on` a panic goes to its caller, and nothing would abort it if it waited for ever.
    pub fn without_failures(mut self) -> Plan {
        self.ending = Ending::Return;
        self.parting = Parting::Quiet;
        self.steps
            .retain(|step| !matches!(step, Step::Catch | Step::Exit | Step::Meet(..)));
        for step in &mut self.steps {
            if let Step::Join(_, then) = step {
                *then = Then::Handle;
            }
        }
        self
    }

    /// This plan for a task that the pool makes. It has no name: whatever it fails with, the message says whose it is. And
    /// nothing can abort it: if it waited for the pool itself, that might be for ever.
    pub fn for_mapping(self) -> Plan {
        let mut plan = self.without_waiting_for_ever();
        plan.steps.retain(|step| !matches!(step, Step::Map { .. }));
        for step in &mut plan.steps {
            if let Step::Join(_, then @ Then::Resume) = step {
                *then = Then::Handle;
            }
        }
        plan
    }

    /// This plan for the main future of an entry point.
    pub fn for_main(self, entry: Entry) -> Plan {
        match entry {
            Entry::Run | Entry::Tick | Entry::TryTick | Entry::RunUntilStalled => {
                self.without_waiting_for_ever()
            }
            Entry::BlockOn | Entry::RunUntil => self.without_failures(),
        }
    }

    /// This plan for a main future that may fail, or another task that nobody can abort. It comes to an end.
    pub fn without_waiting_for_ever(mut self) -> Plan {
        if matches!(self.ending, Ending::Never) {
            self.ending = Ending::Return;
        }
        self
    }
}
