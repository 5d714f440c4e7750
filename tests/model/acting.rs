//! Runs a program on a real executor.
//!
//! So that each program ends, a janitor runs every (virtual) hour: it opens the gates and aborts the
//! remaining tasks. Before that, it looks for tasks that wait for something that has happened: that is a
//! lost wake.
//!
//! Knows no law: it only does what the plans say, and announces each failure before it happens.

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use candor::{Executor, JoinError, TaskBuilder, time};

use super::program::{Ending, Entry, HostStep, Plan, Program, Step, Then};
use super::trace::{Event, Number, Trace, message_of_passing};
use super::world::{
    AnyError, Ended, Fault, Gift, Held, PartingShot, Pocket, Waits, Witness, World,
};

/// Any sum of sleeps in a program is far shorter.
const AN_HOUR: Duration = Duration::from_secs(3600);

/// Runs `program`, with tasks polled in their own order or shuffled by a seed.
pub fn perform(program: &Program, shuffle: Option<u64>) -> Trace {
    let grace = Duration::from_millis(program.grace);
    let world = Rc::new(World::default());
    let reporter = world.clone();
    let mut builder = Executor::builder()
        .virtual_time()
        .grace(grace)
        .on_failure(move |failure| reporter.note_report(failure));
    if let Some(seed) = shuffle {
        builder = builder.shuffle(seed);
    }
    let executor = builder.build();
    let janitor = TaskBuilder::new().name("janitor").daemon();
    janitor
        .spawn_on(&executor, clean_up(world.clone()))
        .detach();

    let main = watched(&world, &program.main);
    world.enter(|| match program.entry {
        Entry::BlockOn => drop(block_on(&executor, main)),
        Entry::Run => {
            let _ = executor.run(main);
        }
    });
    for step in &program.host {
        act_as_host(&world, &executor, *step);
    }
    let failures = executor.failures();
    world.note(Event::ExecutorEnds { failures });
    world.enter(|| drop(executor));
    for held in world.host.take() {
        ask_too_late(&world, held);
    }
    let events = world.take_trace();
    Trace { grace, events }
}

/// Gives nothing if a task called `exit`, at which `block_on` panics.
fn block_on<F: Future>(executor: &Executor, future: F) -> Option<F::Output> {
    let result = catch_unwind(AssertUnwindSafe(|| executor.block_on(future)));
    match result {
        Ok(output) => Some(output),
        Err(panic) => {
            let message = panic.downcast_ref::<String>();
            let is_exit = message.is_some_and(|message| message.contains("candor::exit(7)"));
            assert!(is_exit, "block_on panicked because of a task: {message:?}");
            None
        }
    }
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

fn watched(world: &Rc<World>, plan: &Plan) -> Witness {
    let plan = plan.clone();
    let parting = plan.parting;
    world.watch(
        |number, pocket| {
            let actor = Actor {
                world: world.clone(),
                number,
                pocket,
            };
            actor.act(plan)
        },
        |number| PartingShot {
            number,
            parting,
            world: world.clone(),
            spawn: |world| drop(spawn(world, &Plan::failing())),
        },
    )
}

fn spawn(world: &Rc<World>, plan: &Plan) -> Held {
    world.spawn(watched(world, plan), plan.is_daemon)
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
}

impl Actor {
    async fn act(self, plan: Plan) -> Ended {
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

    async fn take(&self, step: Step) -> Result<(), AnyError> {
        let world = &self.world;
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
            Step::Nudge(choice) => world.nudge(world.any_task(choice)),
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
        Ok(Gift {
            from: self.number,
            world: self.world.clone(),
        })
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
