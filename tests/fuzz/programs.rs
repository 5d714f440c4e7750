//! The programs of the model test, made of bytes, against the same law.
//!
//! proptest makes them from a seed, with the shape that it was told. Here a byte is a choice, so that a program may be as odd
//! as bytes can make it, and what has broken the law is made small by leaving bytes out.

#[path = "../model/acting.rs"]
mod acting;
#[path = "../model/flock.rs"]
mod flock;
#[path = "../model/foreign.rs"]
mod foreign;
#[allow(dead_code, reason = "the model test looks at the tally")]
#[path = "../model/law.rs"]
mod law;
#[path = "../model/ledger.rs"]
mod ledger;
#[path = "../model/mapping.rs"]
mod mapping;
#[path = "../model/program.rs"]
mod program;
#[path = "../model/trace.rs"]
mod trace;
#[path = "../model/world.rs"]
mod world;

use crate::bytes::Bytes;
use program::{
    Callback, Ending, Entry, Foreign, From, GATES, GroupThen, HostStep, Parting, Plan, Program,
    Step, Then, Watching,
};
use trace::Group;

/// How many tasks the plans of a program may have.
const TASKS: usize = 40;

/// How deep a plan may be within others.
const DEPTH: usize = 5;

/// Runs the program that the input is.
///
/// # Panics
///
/// If the executor breaks the law.
pub fn obey_the_law(input: &[u8]) {
    let mut reader = Reader {
        bytes: Bytes::new(input),
        tasks: 0,
    };
    let shuffle = reader.bytes.rarely(2).then(|| reader.bytes.number());
    let program = reader.program();
    let trace = acting::perform(&program, shuffle);
    if let Err(offence) = law::judge(&trace) {
        panic!("{offence}\n{trace}of {program:#?}");
    }
}

struct Reader<'a> {
    bytes: Bytes<'a>,
    tasks: usize,
}

impl Reader<'_> {
    fn program(&mut self) -> Program {
        let entry = self.bytes.one_of(&[
            Entry::BlockOn,
            Entry::Run,
            Entry::RunUntil,
            Entry::Tick,
            Entry::RunUntilStalled,
            Entry::TryTick,
        ]);
        let callback = self.callback();
        let instrument = match self.bytes.below(8) {
            0..=3 => Watching::Nobody,
            4 | 5 => Watching::Noting,
            6 => Watching::Waking,
            _ => Watching::Panicking(self.bytes.byte()),
        };
        let grace = 1 + self.bytes.below(16) as u64;
        let host = self.bytes.below(4);
        let host = (0..host).map(|_| self.host_step()).collect();
        Program {
            main: self.plan(0).for_main(entry),
            entry,
            host,
            grace,
            callback,
            instrument,
        }
    }

    fn callback(&mut self) -> Callback {
        match self.bytes.byte() {
            0..128 => Callback::Quiet,
            // The report is printed then, which takes long.
            128..136 => Callback::Panics,
            136..160 => Callback::Spawns,
            160..184 => Callback::Wakes,
            184..208 => Callback::Aborts,
            208..232 => Callback::LetsGo,
            232..=255 => Callback::Nests,
        }
    }

    fn host_step(&mut self) -> HostStep {
        match self.bytes.below(4) {
            0 => HostStep::Drain,
            1 => HostStep::Settle,
            2 => HostStep::Drop(self.bytes.below(4)),
            _ => HostStep::Await(self.bytes.below(4)),
        }
    }

    fn plan(&mut self, depth: usize) -> Plan {
        self.tasks += 1;
        let ending = self.bytes.one_of(&[
            Ending::Return,
            Ending::Fail,
            Ending::Panic,
            Ending::Return,
            Ending::Fail,
            Ending::PanicUnseen,
            Ending::Never,
        ]);
        let parting = match self.bytes.byte() {
            0..192 => Parting::Quiet,
            192..232 => Parting::Panic,
            232..=255 => Parting::Spawn,
        };
        let is_daemon = self.bytes.rarely(5);
        let count = self.bytes.below(if depth == 0 { 16 } else { 8 });
        let steps = (0..count).map(|_| self.step(depth)).collect();
        Plan {
            steps,
            ending,
            parting,
            is_daemon,
        }
    }

    fn step(&mut self, depth: usize) -> Step {
        let choice = self.bytes.byte() % 48;
        if choice >= 26 && depth < DEPTH && self.tasks < TASKS {
            return self.spawning_step(choice, depth);
        }
        let which = self.bytes.below(6);
        match choice % 26 {
            0 | 1 => Step::Yield,
            2..=4 => Step::Sleep(self.bytes.below(16) as u64),
            5 => Step::WaitAt(which % GATES),
            6 => Step::Open(which % GATES),
            7 => Step::Nudge(which, self.place()),
            8 => Step::Catch,
            9..=12 => Step::Join(
                which,
                self.bytes.one_of(&[Then::Handle, Then::Pass, Then::Resume]),
            ),
            13 | 14 => Step::JoinWithin(which, self.bytes.below(16) as u64),
            15 => Step::Race(which, self.bytes.below(6)),
            16 => Step::Detach(which),
            17 => Step::Drop(which),
            18 => Step::Forget(which),
            19 | 20 => Step::Abort(self.bytes.below(16)),
            21 => Step::Give(which, self.bytes.below(16)),
            22 => Step::GiveToHost(which),
            23 | 24 => Step::Meet(which, self.foreign()),
            _ if self.bytes.rarely(8) => Step::Exit,
            _ => Step::Yield,
        }
    }

    fn foreign(&mut self) -> Foreign {
        self.bytes.one_of(&[
            Foreign::Quiet,
            Foreign::PanicsWhenCloned,
            Foreign::PanicsWhenWoken,
            Foreign::PanicsWhenDropped,
            Foreign::ComesBackWhenWoken,
            Foreign::ComesBackWhenDropped,
        ])
    }

    fn spawning_step(&mut self, choice: u8, depth: usize) -> Step {
        match choice {
            26..=33 => Step::Spawn(self.plan(depth + 1)),
            34..=36 => Step::SpawnRemote(self.plan(depth + 1), self.place()),
            37..=39 => Step::Submit(self.plan(depth + 1)),
            40..=42 => Step::SpawnBeside(self.plan(depth + 1)),
            43 | 44 => self.mapping(depth),
            _ => self.group(depth),
        }
    }

    fn place(&mut self) -> From {
        match self.bytes.rarely(8) {
            true => From::Thread,
            false => From::Here,
        }
    }

    fn mapping(&mut self, depth: usize) -> Step {
        let count = self.bytes.below(4);
        Step::Map {
            plans: (0..count).map(|_| self.plan(depth + 1)).collect(),
            is_in_order: self.bytes.rarely(2),
            taken: self.bytes.below(5),
        }
    }

    fn group(&mut self, depth: usize) -> Step {
        let kind = self
            .bytes
            .one_of(&[Group::Linked, Group::Independent, Group::Collecting]);
        let then = self.bytes.one_of(&[
            GroupThen::Join,
            GroupThen::NextAndJoin,
            GroupThen::CancelAndJoin,
            GroupThen::Drop,
            GroupThen::Keep,
        ]);
        let count = self.bytes.below(4);
        let members = (0..count).map(|_| self.plan(depth + 1)).collect();
        Step::Group(kind, members, then)
    }
}
