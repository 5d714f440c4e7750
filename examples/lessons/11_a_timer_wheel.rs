//! Lesson 11: a timer wheel.
//!
//! ```sh
//! cargo run --example lesson_11_a_timer_wheel
//! ```
//!
//! A sorted map compares each new deadline with others. But the timers need not all be in order: only the
//! next one matters. A *timer wheel* sorts each deadline no further than it has to at the moment.
//!
//! Read a deadline as three digits. *Level* 0 sorts by the ones, level 1 by the tens, level 2 by the
//! hundreds, and each level has ten *slots*. A timer waits on the level of the first digit in which its
//! deadline differs from now, in the slot that this digit numbers. The digits behind it do not matter yet.
//!
//! ```text
//! now = 000          slot   0  1  2  3  4  5  6  7  8  9
//! level 2, hundreds       [ .  .  T  .  .  .  .  .  .  . ]   due at 257, known as 2__
//! level 1, tens           [ .  T  .  .  .  .  .  .  .  . ]   due at 012, known as 01_
//! level 0, ones           [ .  .  .  T  .  .  .  .  .  . ]   due at 003, known exactly
//! ```
//!
//! Every timer on a low level is due before any on a higher one. When time enters a coarse slot, its digit
//! agrees with now, and the timers in it *cascade* to lower levels. Inserting costs the same however many
//! timers there are.
//!
//! # What changed
//!
//! `Wheel` has the three functions that `Timers` had in lesson 10. It holds any values, and the rest of the
//! executor is left out: a wheel knows no task, no waker and no clock.
//!
//! # Predict before you run it
//!
//! 1. Write down for each of the five deadlines the level and the slot where it begins.
//! 2. A wheel has to be looked at when a timer is due, and when one has to cascade. At which minutes is
//!    that?
//! 3. At minute 250 a timer is added for 257. The bread was there long before. Which comes out first?

fn main() {
    let mut wheel = Wheel::new();
    wheel.insert(257, "bread");
    wheel.insert(12, "egg");
    wheel.insert(3, "tea");
    wheel.insert(250, "oven");
    wheel.insert(12, "soup");
    while let Some(minute) = wheel.next_event() {
        println!("minute {minute}");
        while let Some(value) = wheel.pop_expired(minute) {
            println!("    {value} is due");
            if value == "oven" {
                wheel.insert(257, "cake");
            }
        }
    }
}

const LEVELS: usize = 3;

/// How many minutes one slot covers on each level.
const TICKS: [u32; LEVELS] = [1, 10, 100];

/// Values that wait for their deadlines, which are numbers below a thousand.
struct Wheel<T> {
    now: u32,
    levels: [[Vec<(u32, T)>; 10]; LEVELS],
}

impl<T> Wheel<T> {
    fn new() -> Self {
        let levels = Default::default();
        Wheel { now: 0, levels }
    }

    /// Adds a value that is due at `deadline`; not before now, and in constant time.
    fn insert(&mut self, deadline: u32, value: T) {
        assert!((self.now..1000).contains(&deadline), "it has three digits");
        let (level, slot) = self.place_of(deadline);
        println!("    {deadline:03} waits on level {level}, slot {slot}");
        self.levels[level][slot].push((deadline, value));
    }

    /// When to look again: a value is due then, or has to cascade.
    fn next_event(&self) -> Option<u32> {
        let (level, slot) = self.first_occupied()?;
        Some(self.start_of(level, slot))
    }

    /// Lets time go on to `now`, and takes out what is due there, one value at a time.
    fn pop_expired(&mut self, now: u32) -> Option<T> {
        while let Some((level, slot)) = self.first_occupied() {
            let start = self.start_of(level, slot);
            if start > now {
                break;
            }
            self.now = start;
            if level == 0 {
                return Some(self.levels[0][slot].remove(0).1);
            }
            // Now the digit of this level agrees, so each of them finds a place further down.
            for (deadline, value) in std::mem::take(&mut self.levels[level][slot]) {
                self.insert(deadline, value);
            }
        }
        self.now = now;
        None
    }

    /// The level is that of the first digit in which the deadline differs from now, the slot is the digit.
    fn place_of(&self, deadline: u32) -> (usize, usize) {
        let differs = |level: &usize| deadline / TICKS[*level] != self.now / TICKS[*level];
        let level = (0..LEVELS).rfind(differs).unwrap_or(0);
        (level, (deadline / TICKS[level] % 10) as usize)
    }

    /// The first slot of the lowest level that holds something comes before all others.
    fn first_occupied(&self) -> Option<(usize, usize)> {
        let is_occupied = |(level, slot): &(usize, usize)| !self.levels[*level][*slot].is_empty();
        let mut places = (0..LEVELS).flat_map(|level| (0..10).map(move |slot| (level, slot)));
        places.find(is_occupied)
    }

    /// The digits before this level's are those of now, those behind it are zero.
    fn start_of(&self, level: usize, slot: usize) -> u32 {
        let ticks = TICKS[level];
        self.now / (ticks * 10) * (ticks * 10) + slot as u32 * ticks
    }
}

// # It prints
//
// ```text
//     257 waits on level 2, slot 2
//     012 waits on level 1, slot 1
//     003 waits on level 0, slot 3
//     250 waits on level 2, slot 2
//     012 waits on level 1, slot 1
// minute 3
//     tea is due
// minute 10
//     012 waits on level 0, slot 2
//     012 waits on level 0, slot 2
// minute 12
//     egg is due
//     soup is due
// minute 200
//     257 waits on level 1, slot 5
//     250 waits on level 1, slot 5
// minute 250
//     257 waits on level 0, slot 7
//     250 waits on level 0, slot 0
//     oven is due
//     257 waits on level 0, slot 7
// minute 257
//     bread is due
//     cake is due
// ```
//
// Nothing is due at minutes 10 and 200: they are the price for not sorting, which a timer pays at most once
// a level. The bread came down to the slot of 257 when minute 250 began, before the oven was due and the
// cake was made; so equal deadlines stay in the order in which they came.
//
// # Try
//
// 1. Put the wheel into lesson 10, in place of `Timers`: `RefCell::new(Wheel::new())`, with a `Waker` for each
//    value. Let the tea steep for 40 minutes. What does the loop print now that it did not before?
// 2. Insert for a minute that has passed, or for 1000. What would you do with such a timer instead of a
//    panic?
// 3. Keep one bit for each slot that says whether it is occupied. How could `first_occupied` find the lowest
//    set bit without a loop? And `remove(0)` moves all that is behind it: what list would not?
//
// # In candor
//
// `src/kernel/time/wheel.rs` follows the same rule with eleven digits of base 64, so that no deadline of 64 bits is too
// far away and the occupied slots of a level are the bits of one word.
//
// # Answers
//
// 1. From minute 3 the tea steeps until minute 43. That is level 1, slot 4. So the loop prints "minute 40", and polls nothing: the
//    timer cascades. Then it prints "minute 43". The lines of `insert` come as well.
// 2. A minute that has passed is due at once: put it into the slot of now. For 1000 there has to be one level more. With
//    enough levels for all numbers of the type there is no limit.
// 3. The bits of a level are the bits of one number, and `trailing_zeros` gives the lowest that is set, in one
//    instruction. A `VecDeque` takes from the front without moving the rest. A linked list does that as well, and it also
//    takes one out of the middle, for a timer that is cancelled.
