//! Wakers that are not candor's, and that do not behave.
//!
//! Their panics must reach nobody but the one who polls with them, and what they call must find the executor whole.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{RawWakerVTable, Wake, Waker};
use std::thread;

use super::acting::spawn_failing;
use super::program::Foreign;
use super::trace::{Event, Number};
use super::world::World;

/// How many tasks such wakers spawn in one program.
const SPAWNS: u8 = 4;

thread_local! {
    static SPAWNED: Cell<u8> = const { Cell::new(0) };
    /// The task that polls with a waker that cannot be cloned.
    static POLLING: Cell<Number> = const { Cell::new(0) };
}

/// A waker for one poll by the given task.
pub fn waker(does: Foreign, polling: Number) -> Waker {
    match does {
        Foreign::PanicsWhenCloned => {
            POLLING.set(polling);
            // SAFETY: The functions of the table take no notice of the data.
            unsafe { Waker::new(std::ptr::null(), &CLONE_PANICS) }
        }
        _ => Waker::from(Arc::new(Hostile(does))),
    }
}

/// For the next program.
pub fn begin() {
    SPAWNED.set(0);
}

const CLONE_PANICS: RawWakerVTable = RawWakerVTable::new(
    |_| {
        let number = POLLING.get();
        let message = format!("t{number} cannot clone");
        World::current().note(Event::Catches(number, message.clone()));
        panic!("{message}")
    },
    |_| (),
    |_| (),
    |_| (),
);

struct Hostile(Foreign);

impl Wake for Hostile {
    fn wake(self: Arc<Self>) {
        match self.0 {
            Foreign::PanicsWhenWoken => panic!("a foreign waker panics when it is woken"),
            Foreign::ComesBackWhenWoken => come_back(),
            _ => {}
        }
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        match self.0 {
            Foreign::PanicsWhenDropped if !thread::panicking() => {
                panic!("a foreign waker panics when it is dropped")
            }
            Foreign::ComesBackWhenDropped => come_back(),
            _ => {}
        }
    }
}

fn come_back() {
    let world = World::current();
    world.nudge_all();
    if world.is_inside() && SPAWNED.get() < SPAWNS {
        SPAWNED.set(SPAWNED.get() + 1);
        drop(spawn_failing(&world));
    }
}
