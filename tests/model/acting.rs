//! Runs a program on a real executor.
//!
//! So that each program ends, a janitor runs every (virtual) hour: it opens the gates and aborts the
//! remaining tasks. Before that, it looks for tasks that wait for something that has happened: that is a
//! lost wake.
//!
//! Knows no law: it only does what the plans say, and announces each failure before it happens.

use std::any::Any;
use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use candor::{Executor, JoinError, TaskBuilder, TaskFailure, time};

use super::flock::Flock;
use super::foreign;
use super::ledger::Ledger;
use super::mapping::Mapping;
use super::program::{
    Callback, Ending, Entry, Foreign, From, GroupThen, HostStep, Parting, Plan, Program, Step,
    Then, Watching,
};
use super::trace::{Event, Group, Kind, MAIN, Number, Trace, message_of_passing};
use super::world::{
    AnyError, Ended, Fault, Gift, Held, PartingShot, Pocket, Waits, Witness, World,
};

/// Any sum of sleeps in a program is far shorter.
const AN_HOUR: Duration = Duration::from_secs(3600);

/// Runs `program`, with tasks polled in their own order or shuffled by a seed.
pub fn perform(program: &Program, shuffle: Option<u64>) -> Trace {
    let grace = Duration::from_millis(program.grace);
    let world = World::begin();
    foreign::begin();
    let ledger = Rc::new(Ledger::new(&world, program.instrument));
    let executor = build(program, shuffle, &world, &ledger);
    world.remote.replace(Some(executor.remote()));
    let janitor = TaskBuilder::new().name("janitor").daemon();
    janitor
        .spawn_on(&executor, clean_up(world.clone()))
        .detach();

    world.register(Kind::Plain);
    let main = watched(&world, MAIN, &program.main);
    // Dropped when the executor has returned.
    drop(world.enter(|| enter(&executor, program.entry, main)));
    for step in &program.host {
        act_as_host(&world, &executor, *step);
    }
    let failures = executor.failures();
    world.note(Event::ExecutorEnds { failures });
    world.enter(|| drop(executor));
    for held in world.host.take() {
        ask_too_late(&world, held);
    }
    world.remote.take();
    if let Some(offence) = ledger.offence() {
        world.note(Event::WaitsInVain(MAIN, offence));
    }
    let events = world.take_trace();
    Trace { grace, events }
}

fn build(
    program: &Program,
    shuffle: Option<u64>,
    world: &Rc<World>,
    ledger: &Rc<Ledger>,
) -> Executor {
    let (world, callback) = (world.clone(), program.callback);
    let budget = Cell::new(3);
    let mut builder = Executor::builder()
        .virtual_time()
        .grace(Duration::from_millis(program.grace))
        .on_failure(move |failure: &TaskFailure| {
            world.note_report(failure);
            if budget.get() > 0 {
                budget.set(budget.get() - 1);
                call_back(&world, callback);
            }
        });
    if let Some(seed) = shuffle {
        builder = builder.shuffle(seed);
    }
    if program.instrument != Watching::Nobody {
        builder = builder.instrument(ledger.clone());
    }
    builder.build()
}

/// What `on_failure` does beside noting the report.
fn call_back(world: &Rc<World>, callback: Callback) {
    match callback {
        Callback::Quiet => {}
        Callback::Panics => panic!("a callback panics"),
        Callback::Spawns if world.is_inside() => drop(spawn_failing(world)),
        Callback::Spawns => {}
        Callback::Wakes => world.nudge_all(),
        Callback::Aborts => world.abort(world.last_task()),
        Callback::LetsGo => drop(take_one(&world.host, 0)),
        Callback::Nests => {
            let inner = Executor::builder().on_failure(|_| ()).build();
            inner.block_on(async {
                candor::spawn(async { Err::<(), _>("nested") }).detach();
                candor::yield_now().await;
            });
            assert_eq!(inner.failures(), 1, "the nested executor is whole");
        }
    }
}

/// Gives what the main future gives to the caller of the entry point.
fn enter(executor: &Executor, entry: Entry, main: Witness) -> Option<Ended> {
    match entry {
        Entry::BlockOn => return block_on(executor, main),
        Entry::Run => {
            let _ = executor.run(main);
        }
        Entry::RunUntil => return run_until(executor, main),
        Entry::Tick | Entry::TryTick | Entry::RunUntilStalled => {
            let task = TaskBuilder::new().name("t0");
            let task = task.spawn_on(executor, main);
            let end = task.abort_handle();
            task.detach();
            let mut idle = 0;
            while !end.is_finished() {
                match entry {
                    Entry::Tick => drop(executor.tick()),
                    Entry::TryTick => idle = step_by_hand(executor, idle),
                    _ => executor.run_until_stalled(),
                }
            }
        }
    }
    None
}

/// Polls one task, or lets time go on by hand: by a step, or far if `idle` steps have led to nothing.
fn step_by_hand(executor: &Executor, idle: u32) -> u32 {
    if executor.try_tick() {
        return 0;
    }
    executor.advance(match idle {
        0..32 => Duration::from_millis(1),
        _ => AN_HOUR,
    });
    idle + 1
}

/// Is the host of an executor: polls only what was woken, and lets time go on when nothing was.
fn run_until(executor: &Executor, main: Witness) -> Option<Ended> {
    let is_woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(is_woken.clone());
    let mut main = Box::pin(executor.run_until(main));
    loop {
        if !is_woken.0.swap(false, Ordering::SeqCst) {
            executor.tick();
            continue;
        }
        let poll = catch_unwind(AssertUnwindSafe(|| {
            main.as_mut().poll(&mut Context::from_waker(&waker))
        }));
        match poll {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(ended)) => return Some(ended),
            Err(panic) => {
                expect_exit(&*panic);
                return None;
            }
        }
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Gives nothing if a task called `exit`, at which `block_on` panics.
fn block_on<F: Future>(executor: &Executor, future: F) -> Option<F::Output> {
    let result = catch_unwind(AssertUnwindSafe(|| executor.block_on(future)));
    match result {
        Ok(output) => Some(output),
        Err(panic) => {
            expect_exit(&*panic);
            None
        }
    }
}

fn expect_exit(panic: &dyn Any) {
    let message = panic.downcast_ref::<String>();
    let is_exit = message.is_some_and(|message| message.contains("candor::exit(7)"));
    assert!(is_exit, "it panicked because of a task: {message:?}");
}

async fn clean_up(world: Rc<World>) {
    loop {
        candor::sleep(AN_HOUR).await;
        world.note_lost_wakes();
        for gate in &world.gates {
            gate.open();
        }
        for number in (0..).take_while(|number| world.is_task(*number)) {
            world.abort(number);
        }
    }
}

fn act_as_host(world: &Rc<World>, executor: &Executor, step: HostStep) {
    match step {
        HostStep::Drop(which) => {
            drop(take_one(&world.host, which));
            world.note(Event::ControlReturns);
        }
        HostStep::Await(which) => {
            if let Some(held) = take_one(&world.host, which) {
                drop(world.enter(|| block_on(executor, held)));
            }
        }
        HostStep::Settle => {
            world.enter(|| block_on(executor, candor::sleep(2 * AN_HOUR)));
        }
        HostStep::Drain => world.enter(|| executor.drain()),
    }
}

/// The executor is gone, so the answer must be there.
fn ask_too_late(world: &World, mut held: Held) {
    let mut cx = Context::from_waker(Waker::noop());
    if Pin::new(&mut held).poll(&mut cx).is_pending() {
        let what = "its executor is gone, and its handle pending".to_owned();
        world.note(Event::WaitsInVain(held.number, what));
    }
}

fn watched(world: &Rc<World>, number: Number, plan: &Plan) -> Witness {
    let parting = PartingShot {
        number,
        parting: plan.parting,
        world: world.clone(),
        spawn: |world| drop(spawn_failing(world)),
    };
    let plan = plan.clone();
    let acts = |pocket| {
        let actor = Actor {
            world: world.clone(),
            number,
            pocket,
            flocks: Vec::new(),
        };
        actor.act(plan)
    };
    world.watch(number, acts, parting)
}

pub fn spawn_failing(world: &Rc<World>) -> Held {
    spawn(world, &Plan::failing())
}

fn spawn(world: &Rc<World>, plan: &Plan) -> Held {
    let number = world.register(Kind::Plain);
    let handle = builder(number, plan).spawn(watched(world, number, plan));
    world.hold(number, handle)
}

fn submit(world: &Rc<World>, plan: &Plan) -> Held {
    let number = world.register(Kind::Pooled);
    let witness = watched(world, number, plan);
    let handle = builder(number, plan).submit_to(&world.pool, witness);
    world.hold(number, handle)
}

/// Gives nothing if the executor has ended.
fn spawn_remote(world: &Rc<World>, plan: Plan, from: From) -> Option<Held> {
    // Once the handle is gone, nothing can abort it.
    let mut plan = plan.without_waiting_for_ever();
    // An `async` block surrounds it, and drops it while its panic unwinds. A second panic would abort the process.
    if let Parting::Panic = plan.parting {
        plan.parting = Parting::Quiet;
    }
    let number = world.register(Kind::Remote);
    let task = builder(number, &plan);
    let unborn = Unborn(number);
    let remote = world.remote.borrow().clone()?;
    let make = move || {
        let world = World::current();
        let witness = watched(&world, number, &plan);
        std::mem::forget(unborn);
        witness
    };
    let spawned = at(from, || task.spawn_remote(&remote, make));
    Some(world.hold_remote(number, spawned.ok()?))
}

/// Does something here, or on another thread, and waits for that.
fn at<R: Send>(from: From, act: impl FnOnce() -> R + Send) -> R {
    match from {
        From::Here => act(),
        From::Thread => thread::scope(|scope| scope.spawn(act).join()).expect("it does not panic"),
    }
}

/// The closure of a remote that was not called yet.
struct Unborn(Number);

impl Drop for Unborn {
    fn drop(&mut self) {
        let world = World::current();
        world.note(Event::Dropped(self.0));
        world.is_over(self.0);
    }
}

fn builder(number: Number, plan: &Plan) -> TaskBuilder {
    let task = TaskBuilder::new().name(format!("t{number}"));
    match plan.is_daemon {
        true => task.daemon(),
        false => task,
    }
}

fn take_one(pocket: &Pocket, which: usize) -> Option<Held> {
    let mut held = pocket.borrow_mut();
    let count = held.len();
    (count > 0).then(|| held.swap_remove(which % count))
}

/// A task that does what its plan says.
struct Actor {
    world: Rc<World>,
    number: Number,
    pocket: Rc<Pocket>,
    /// The groups that it keeps until it ends.
    flocks: Vec<Flock>,
}

impl Actor {
    async fn act(mut self, plan: Plan) -> Ended {
        for step in plan.steps {
            self.take(step).await?;
            // What others have woken is polled now too, and not before it had to be.
            self.waits(Waits::ForItsTurn);
        }
        match plan.ending {
            Ending::Return => self.ends(),
            Ending::Fail => self.fails(format!("t{} fails", self.number), None),
            Ending::Panic => panic!("{}", self.announced(format!("t{} panics", self.number))),
            Ending::PanicUnseen => {
                let message = format!("t{} panics unseen", self.number);
                resume_unwind(Box::new(self.announced(message)))
            }
            Ending::Never => {
                self.waits(Waits::ForEver);
                pending().await
            }
        }
    }

    async fn take(&mut self, step: Step) -> Result<(), AnyError> {
        let world = &self.world.clone();
        match step {
            Step::Yield => candor::yield_now().await,
            Step::Sleep(millis) => {
                let time = Duration::from_millis(millis);
                self.waits(Waits::Until(world.now() + time));
                candor::sleep(time).await;
            }
            Step::WaitAt(gate) => {
                self.waits(Waits::AtGate(gate));
                poll_fn(|cx| world.gates[gate].poll_open(cx)).await;
            }
            Step::Open(gate) => world.gates[gate].open(),
            Step::Nudge(choice, from) => {
                let waker = world.waker_of(world.any_task(choice));
                at(from, || waker.wake());
            }
            Step::Catch => {
                let message = format!("t{} catches", self.number);
                world.note(Event::Catches(self.number, message.clone()));
                catch_unwind(AssertUnwindSafe(|| panic!("{message}"))).unwrap_err();
                // A second panic in this poll could be the process's last, and be printed at once.
                candor::yield_now().await;
            }
            Step::Spawn(plan) => {
                let held = spawn(world, &plan);
                self.pocket.borrow_mut().push(held);
            }
            Step::SpawnRemote(plan, from) => {
                let held = spawn_remote(world, plan, from);
                self.pocket.borrow_mut().extend(held);
            }
            Step::Submit(plan) => {
                let held = submit(world, &plan);
                self.pocket.borrow_mut().push(held);
            }
            Step::SpawnBeside(plan) => {
                if let Some((group, spawner)) = world.group_of(self.number) {
                    let number = world.register(Kind::Member(group));
                    let witness = watched(world, number, &plan);
                    let handle = builder(number, &plan).spawn_in(&spawner, witness);
                    world.hold_member(number, handle);
                }
            }
            Step::Map {
                plans,
                is_in_order,
                taken,
            } => self.map(plans, is_in_order, taken).await,
            Step::Group(kind, members, then) => self.group(kind, members, then).await,
            Step::Meet(which, waker) => self.meet(which, waker).await,
            Step::Join(which, then) => return self.join(which, then).await,
            Step::JoinWithin(which, millis) => {
                if let Some(held) = self.one_handle(which) {
                    let time = Duration::from_millis(millis);
                    let until = world.now() + time;
                    self.waits(Waits::ForTasks(vec![held.number], Some(until)));
                    drop(time::timeout(time, held).await);
                }
            }
            Step::Race(one, other) => {
                if let (Some(one), Some(other)) = (self.one_handle(one), self.one_handle(other)) {
                    self.race(one, other).await;
                }
            }
            Step::Detach(which) => {
                if let Some(held) = self.one_handle(which) {
                    held.detach();
                }
            }
            Step::Drop(which) => drop(self.one_handle(which)),
            Step::Forget(which) => {
                if let Some(held) = self.one_handle(which) {
                    held.forget();
                }
            }
            Step::Abort(choice) => world.abort(world.any_task(choice)),
            Step::Give(which, choice) => {
                let to = world.pocket_of(world.any_task(choice));
                if let Some(to) = to
                    && let Some(held) = self.one_handle(which)
                {
                    to.borrow_mut().push(held);
                }
            }
            Step::GiveToHost(which) => {
                if let Some(held) = self.one_handle(which) {
                    world.host.borrow_mut().push(held);
                }
            }
            Step::Exit => {
                world.note(Event::Exits);
                candor::exit(7);
            }
        }
        Ok(())
    }

    async fn join(&self, which: usize, then: Then) -> Result<(), AnyError> {
        let Some(held) = self.one_handle(which) else {
            return Ok(());
        };
        let joined = held.number;
        self.waits(Waits::ForTasks(vec![joined], None));
        match (held.await, then) {
            (Ok(_), _) | (_, Then::Handle) => Ok(()),
            (Err(JoinError::Cancelled(_)), Then::Pass) => {
                self.fails(format!("t{} misses t{joined}", self.number), None)
            }
            (Err(error), Then::Pass) => {
                self.fails(message_of_passing(self.number, joined), Some(error))
            }
            (Err(JoinError::Panicked(panic)), Then::Resume) => {
                self.announced(panic.message().to_owned());
                panic.resume()
            }
            (Err(_), Then::Resume) => Ok(()),
        }
    }

    async fn group(&mut self, kind: Group, members: Vec<Plan>, then: GroupThen) {
        let world = &self.world;
        let mut flock = Flock::new(world, kind);
        let group = flock.number;
        for plan in members {
            let number = world.register(Kind::Member(group));
            let handle = flock.spawn(builder(number, &plan), watched(world, number, &plan));
            world.hold_member(number, handle);
        }
        match then {
            GroupThen::Drop => return drop(flock),
            GroupThen::Keep => return self.flocks.push(flock),
            GroupThen::CancelAndJoin => flock.cancel(),
            GroupThen::NextAndJoin => {
                self.waits(match flock.is_collecting() {
                    true => Waits::ForGroup(group),
                    false => Waits::ForAnyOf(group),
                });
                flock.next().await;
            }
            GroupThen::Join => {}
        }
        self.waits(Waits::ForGroup(group));
        flock.joining().await;
    }

    async fn map(&self, plans: Vec<Plan>, is_in_order: bool, taken: usize) {
        let world = self.world.clone();
        let begin = move |plan: Plan| {
            let plan = plan.for_mapping();
            let number = world.register(Kind::Pooled);
            (number, watched(&world, number, &plan))
        };
        let mut mapping = Mapping::new(&self.world, plans, is_in_order, begin);
        for _ in 0..taken {
            self.waits(mapping.waits());
            if !mapping.take().await {
                break;
            }
        }
    }

    /// Polls a handle with a foreign waker, which is dropped here unless candor has kept it.
    async fn meet(&self, which: usize, does: Foreign) {
        let Some(mut held) = self.one_handle(which) else {
            return;
        };
        let waker = ManuallyDrop::new(foreign::waker(does, self.number));
        let poll = catch_unwind(AssertUnwindSafe(|| {
            Pin::new(&mut held).poll(&mut Context::from_waker(&waker))
        }));
        if does != Foreign::PanicsWhenDropped || !matches!(poll, Ok(Poll::Ready(_))) {
            drop(ManuallyDrop::into_inner(waker));
        }
        match poll {
            Ok(Poll::Ready(outcome)) => drop(outcome),
            Ok(Poll::Pending) => self.pocket.borrow_mut().push(held),
            Err(_) => {
                self.pocket.borrow_mut().push(held);
                // A second panic in this poll could be the process's last, and be printed at once.
                candor::yield_now().await;
            }
        }
    }

    async fn race(&self, one: Held, other: Held) {
        self.waits(Waits::ForTasks(vec![one.number, other.number], None));
        let mut runners = [one, other];
        let first = poll_fn(|cx| {
            let mut polls = runners.iter_mut().map(|runner| Pin::new(runner).poll(cx));
            polls.find(Poll::is_ready).unwrap_or(Poll::Pending)
        });
        drop(first.await);
    }

    fn one_handle(&self, which: usize) -> Option<Held> {
        take_one(&self.pocket, which)
    }

    fn waits(&self, waits: Waits) {
        self.world.waits(self.number, waits);
    }

    fn ends(&self) -> Ended {
        self.world.note(Event::Returns(self.number));
        Ok(Gift { from: self.number })
    }

    fn fails<T>(&self, message: String, cause: Option<JoinError<AnyError>>) -> Result<T, AnyError> {
        let message = self.announced(message);
        Err(Box::new(Fault { message, cause }))
    }

    fn announced(&self, message: String) -> String {
        self.world.note(Event::Fails(self.number, message.clone()));
        message
    }
}
