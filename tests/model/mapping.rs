//! The results of `TaskPool::map` and `completed`, watched.
//!
//! Its tasks have no names and no handles: their messages say whose they are.
//!
//! Knows no steps.

use std::cell::RefCell;
use std::rc::Rc;

use candor::PoolResults;

use super::trace::{Delivered, Event, Number};
use super::world::{Ended, Waits, Witness, World, number_in};

/// The tasks of one mapping whose results were not taken, in the order of their inputs.
pub type Untaken = Rc<RefCell<Vec<Number>>>;

pub struct Mapping {
    world: Rc<World>,
    untaken: Untaken,
    is_in_order: bool,
    results: PoolResults<'static, Ended>,
}

impl Mapping {
    /// `begin` spawns nothing: it registers a task, and returns its number and future.
    pub fn new<I: 'static>(
        world: &Rc<World>,
        inputs: Vec<I>,
        is_in_order: bool,
        mut begin: impl FnMut(I) -> (Number, Witness) + 'static,
    ) -> Self {
        let untaken = Untaken::default();
        let begun = untaken.clone();
        let begin = move |input| {
            let (number, witness) = begin(input);
            begun.borrow_mut().push(number);
            witness
        };
        let results = match is_in_order {
            true => world.pool.map(inputs, begin),
            false => world.pool.completed(inputs, begin),
        };
        Mapping {
            world: world.clone(),
            untaken,
            is_in_order,
            results,
        }
    }

    pub fn waits(&self) -> Waits {
        Waits::ForResult(self.untaken.clone(), self.is_in_order)
    }

    /// Takes the next result. Returns whether there was one.
    pub async fn take(&mut self) -> bool {
        let Some(result) = self.results.next().await else {
            let left = self.untaken.borrow().first().copied();
            if let Some(number) = left {
                let what = "its results have come to an end".to_owned();
                self.world.note(Event::WaitsInVain(number, what));
            }
            return false;
        };
        let (number, delivered) = match &result {
            Ok(gift) => (gift.from, Delivered::Value(gift.from)),
            Err(error) => {
                let failure = error.failure().expect("nothing cancels one of these");
                let message = failure.message().to_owned();
                let number = number_in(&message).expect("the message says whose it is");
                (number, Delivered::Failure(message))
            }
        };
        let place = self.untaken.borrow().iter().position(|one| *one == number);
        if place.is_none() || self.is_in_order && place != Some(0) {
            let what = format!("t{number} is the next of {:?}", self.untaken);
            self.world.note(Event::WaitsInVain(number, what));
        }
        place.map(|place| self.untaken.borrow_mut().remove(place));
        self.world.note(Event::Delivered(number, delivered));
        true
    }
}

/// What runs is cancelled, and what has failed is reported.
impl Drop for Mapping {
    fn drop(&mut self) {
        let untaken = self.untaken.take();
        for number in &untaken {
            self.world.note_abort(*number);
        }
        for number in untaken {
            self.world.note(Event::LetGo(number));
        }
    }
}
