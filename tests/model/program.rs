//! What a generated program consists of.
//!
//! A plan is one task: its steps, how it ends, and what its destructor does. A step that spawns holds the
//! plan of the child, so a program is a tree. A step never refers to a task or a handle by name, since
//! shrinking would break that: it takes a number, which is reduced to what is there when the step is done.
//!
//! Knows nothing of the executor.

use proptest::collection::vec;
use proptest::prelude::*;

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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// `Executor::run`: the main future may fail, and all tasks are waited for.
    Run,
    /// `Executor::block_on`: the main future returns at any time.
    BlockOn,
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
    Nudge(usize),
    /// Panics and catches it.
    Catch,
    Spawn(Plan),
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
            .retain(|step| !matches!(step, Step::Catch | Step::Exit));
        for step in &mut self.steps {
            if let Step::Join(_, then) = step {
                *then = Then::Handle;
            }
        }
        self
    }

    /// This plan for a main future that may fail, but comes to an end.
    pub fn without_waiting_for_ever(mut self) -> Plan {
        if matches!(self.ending, Ending::Never) {
            self.ending = Ending::Return;
        }
        self
    }
}

pub fn programs() -> impl Strategy<Value = Program> {
    let entry = prop_oneof![Just(Entry::Run), Just(Entry::BlockOn)];
    (plans(), entry, vec(host_steps(), 0..4), 1_u64..12).prop_map(|(main, entry, host, grace)| {
        let main = match entry {
            Entry::Run => main.without_waiting_for_ever(),
            Entry::BlockOn => main.without_failures(),
        };
        Program {
            main,
            entry,
            host,
            grace,
        }
    })
}

fn plans() -> impl Strategy<Value = Plan> {
    let leaf = plan_of(vec(plain_steps(), 0..4));
    leaf.prop_recursive(3, 24, 4, |children| {
        let step = prop_oneof![
            3 => plain_steps().boxed(),
            2 => children.prop_map(Step::Spawn).boxed(),
        ];
        plan_of(vec(step, 1..9))
    })
}

fn plan_of(steps: impl Strategy<Value = Vec<Step>>) -> impl Strategy<Value = Plan> {
    let ending = prop_oneof![
        4 => Just(Ending::Return),
        4 => Just(Ending::Fail),
        4 => Just(Ending::Panic),
        1 => Just(Ending::PanicUnseen),
        1 => Just(Ending::Never),
    ];
    let parting = prop_oneof![
        8 => Just(Parting::Quiet),
        2 => Just(Parting::Panic),
        1 => Just(Parting::Spawn),
    ];
    (steps, ending, parting, prop::bool::weighted(0.2)).prop_map(
        |(steps, ending, parting, is_daemon)| Plan {
            steps,
            ending,
            parting,
            is_daemon,
        },
    )
}

fn plain_steps() -> impl Strategy<Value = Step> {
    let one = || 0_usize..6;
    let a_while = || 0_u64..16;
    let then = prop_oneof![Just(Then::Handle), Just(Then::Pass), Just(Then::Resume)];
    prop_oneof![
        4 => Just(Step::Yield),
        5 => a_while().prop_map(Step::Sleep),
        2 => (0..GATES).prop_map(Step::WaitAt),
        2 => (0..GATES).prop_map(Step::Open),
        1 => one().prop_map(Step::Nudge),
        1 => Just(Step::Catch),
        6 => (one(), then).prop_map(|(which, then)| Step::Join(which, then)),
        2 => (one(), a_while()).prop_map(|(which, time)| Step::JoinWithin(which, time)),
        1 => (one(), one()).prop_map(|(one, other)| Step::Race(one, other)),
        2 => one().prop_map(Step::Detach),
        2 => one().prop_map(Step::Drop),
        1 => one().prop_map(Step::Forget),
        2 => one().prop_map(Step::Abort),
        2 => (one(), one()).prop_map(|(which, to)| Step::Give(which, to)),
        2 => one().prop_map(Step::GiveToHost),
        // Rare, because it ends a program of which little was seen.
        1 => prop_oneof![9 => Just(Step::Yield), 1 => Just(Step::Exit)],
    ]
}

fn host_steps() -> impl Strategy<Value = HostStep> {
    let one = || 0_usize..4;
    prop_oneof![
        one().prop_map(HostStep::Drop),
        one().prop_map(HostStep::Await),
        Just(HostStep::Settle),
        Just(HostStep::Drain),
    ]
}
