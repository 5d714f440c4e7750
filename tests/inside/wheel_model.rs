//! The wheel against a model that is too simple to be wrong: a sorted map.
//!
//! Random inserts, cancels, resets and jumps through time go to both. After each of them both must
//! give the same results. The wheel could go wrong at the borders of its levels, at the present tick
//! and at the end of time. So most of the random ticks are there.
//!
//! Knows the wheel.

use crate::kernel::time::wheel::{EntryKey, LEVELS, Wheel};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The deadline that never comes.
const NEVER: u64 = u64::MAX;

/// What happens to wheel and model. `usize` picks one of all keys ever given out, so many are stale.
#[derive(Clone, Debug)]
enum Step {
    Insert(Tick),
    Cancel(usize),
    CancelTwice(usize),
    Reset(usize, Tick),
    Read(usize),
    PopOne(Tick),
    PopAll(Tick),
    FollowEvents,
}

/// A tick that is computed when its step is executed, because most are relative to `now` at that step.
#[derive(Clone, Debug)]
enum Tick {
    /// 64^level ticks from now, give or take a few.
    Ahead {
        level: u32,
        offset: i64,
    },
    /// A few slots of the given level after the start of the slot that holds `now`, give or take a few ticks.
    SlotBorder {
        level: u32,
        slots: u64,
        offset: i64,
    },
    /// 64^level itself, give or take a few.
    PowerOf64 {
        level: u32,
        offset: i64,
    },
    NearNow(i64),
    BeforeTheEnd(u64),
    Anywhere(u64),
}

impl Tick {
    fn resolve(&self, now: u64) -> u64 {
        match *self {
            Tick::Ahead { level, offset } => now
                .saturating_add(1 << (6 * level))
                .saturating_add_signed(offset),
            Tick::SlotBorder {
                level,
                slots,
                offset,
            } => {
                let shift = 6 * level;
                let slot_start = (now >> shift) << shift;
                slot_start
                    .saturating_add(slots << shift)
                    .saturating_add_signed(offset)
            }
            Tick::PowerOf64 { level, offset } => {
                (1u64 << (6 * level)).saturating_add_signed(offset)
            }
            Tick::NearNow(offset) => now.saturating_add_signed(offset),
            Tick::BeforeTheEnd(distance) => u64::MAX - distance,
            Tick::Anywhere(tick) => tick,
        }
    }
}

/// The last tick that time may reach.
const END: u64 = NEVER - 1;

fn any_tick() -> impl Strategy<Value = Tick> {
    let level = 0..LEVELS as u32;
    let offset = -2..=2i64;
    prop_oneof![
        4 => (level.clone(), offset.clone()).prop_map(|(level, offset)| Tick::Ahead { level, offset }),
        4 => (level.clone(), 0..4u64, offset.clone())
            .prop_map(|(level, slots, offset)| Tick::SlotBorder { level, slots, offset }),
        2 => (level, offset).prop_map(|(level, offset)| Tick::PowerOf64 { level, offset }),
        4 => (-3..=70i64).prop_map(Tick::NearNow),
        1 => (0..3u64).prop_map(Tick::BeforeTheEnd),
        1 => any::<u64>().prop_map(Tick::Anywhere),
    ]
}

/// A jump to a far tick leaves little time after it, so most jumps are short.
fn any_jump() -> impl Strategy<Value = Tick> {
    let near = (0..4u32, -2..=2i64).prop_map(|(level, offset)| Tick::Ahead { level, offset });
    prop_oneof![
        6 => (-3..=70i64).prop_map(Tick::NearNow),
        6 => near,
        1 => any_tick(),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any_tick().prop_map(Step::Insert),
        2 => any::<usize>().prop_map(Step::Cancel),
        1 => any::<usize>().prop_map(Step::CancelTwice),
        3 => (any::<usize>(), any_tick()).prop_map(|(pick, tick)| Step::Reset(pick, tick)),
        1 => any::<usize>().prop_map(Step::Read),
        3 => any_jump().prop_map(Step::PopOne),
        2 => any_jump().prop_map(Step::PopAll),
        1 => Just(Step::FollowEvents),
    ]
}

/// A wheel, and the sorted map that it must agree with.
struct Pair {
    wheel: Wheel<usize>,
    now: u64,
    /// The values that wait, in the order in which they must come out.
    waiting: BTreeMap<(u64, u64), usize>,
    /// Where a value is in `waiting`, indexed by the value; `None` once it is out.
    places: Vec<Option<(u64, u64)>>,
    /// The key of each value that was ever inserted, indexed by the value.
    keys: Vec<EntryKey>,
    /// Grows with every insert and reset, and puts equal deadlines in order.
    sequence: u64,
}

impl Pair {
    fn starting_at(now: u64) -> Self {
        let mut wheel = Wheel::new();
        assert_eq!(wheel.pop_expired(now), None);
        Pair {
            wheel,
            now: now.min(END),
            waiting: BTreeMap::new(),
            places: Vec::new(),
            keys: Vec::new(),
            sequence: 0,
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Insert(ref tick) => self.insert(tick.resolve(self.now)),
            Step::Cancel(pick) => self.with_any(pick, Self::cancel),
            Step::CancelTwice(pick) => self.with_any(pick, |pair, value| {
                pair.cancel(value);
                pair.cancel(value);
            }),
            Step::Reset(pick, ref tick) => {
                let deadline = tick.resolve(self.now);
                self.with_any(pick, |pair, value| pair.reset(value, deadline));
            }
            Step::Read(pick) => self.with_any(pick, Self::read),
            Step::PopOne(ref tick) => {
                self.pop(tick.resolve(self.now));
            }
            Step::PopAll(ref tick) => {
                let target = tick.resolve(self.now);
                while self.pop(target).is_some() {}
            }
            Step::FollowEvents => self.follow_events(),
        }
        self.check();
    }

    fn with_any(&mut self, pick: usize, act: impl FnOnce(&mut Self, usize)) {
        if !self.keys.is_empty() {
            act(self, pick % self.keys.len());
        }
    }

    fn place(&mut self, value: usize, deadline: u64) {
        self.sequence += 1;
        self.places[value] = Some((deadline, self.sequence));
        self.waiting.insert((deadline, self.sequence), value);
    }

    fn displace(&mut self, value: usize) -> Option<usize> {
        self.waiting.remove(&self.places[value].take()?)
    }

    fn insert(&mut self, deadline: u64) {
        let value = self.keys.len();
        self.keys.push(self.wheel.insert(deadline, value));
        self.places.push(None);
        // An overdue value is due now, behind the values that are due now already.
        self.place(value, deadline.max(self.now));
    }

    fn cancel(&mut self, value: usize) {
        let expected = self.displace(value);
        assert_eq!(self.wheel.cancel(self.keys[value]), expected, "cancelled");
    }

    fn reset(&mut self, value: usize, deadline: u64) {
        let expected = self.displace(value).is_some();
        if expected {
            self.place(value, deadline.max(self.now));
        }
        assert_eq!(
            self.wheel.reset(self.keys[value], deadline),
            expected,
            "reset to {deadline}"
        );
    }

    fn read(&mut self, value: usize) {
        let expected = self.places[value].map(|_| value);
        assert_eq!(self.wheel.get(self.keys[value]).copied(), expected, "read");
    }

    fn pop(&mut self, asked: u64) -> Option<usize> {
        let target = asked.min(END).max(self.now);
        let expected = match self.waiting.first_key_value() {
            Some((&(deadline, _), &value)) if deadline <= target && deadline != NEVER => {
                self.now = self.now.max(deadline);
                self.displace(value)
            }
            _ => {
                self.now = target;
                None
            }
        };
        assert_eq!(self.wheel.pop_expired(asked), expected, "popped at {asked}");
        self.check();
        expected
    }

    /// Follows `next_event` until it leads to a value. That must take at most one step for each level.
    fn follow_events(&mut self) {
        for _ in 0..LEVELS {
            match self.wheel.next_event() {
                None => return,
                Some(tick) => {
                    if self.pop(tick).is_some() {
                        return;
                    }
                }
            }
        }
        panic!("{LEVELS} events did not lead to the earliest deadline");
    }

    fn only_never_is_left(&self) -> bool {
        self.waiting.keys().all(|&(deadline, _)| deadline == NEVER)
    }

    /// The invariants that must hold between any two steps.
    fn check(&self) {
        assert_eq!(self.wheel.now(), self.now);
        assert_eq!(self.wheel.len(), self.waiting.len());
        assert_eq!(self.wheel.is_empty(), self.waiting.is_empty());

        let earliest = self
            .waiting
            .first_key_value()
            .map(|(&(deadline, _), _)| deadline)
            .filter(|&deadline| deadline != NEVER);
        assert_eq!(self.wheel.next_deadline(), earliest);
        let event = self.wheel.next_event();
        match (earliest, event) {
            (Some(deadline), Some(event)) => {
                let is_due = deadline <= self.now;
                let is_on_level_0 = deadline / 64 == self.now / 64;
                if is_due || is_on_level_0 {
                    assert_eq!(event, deadline, "an event so close must be exact");
                } else {
                    assert!(
                        event <= deadline,
                        "event {event} is after deadline {deadline}"
                    );
                    assert!(
                        event > self.now,
                        "event {event} is in the past, yet nothing is due"
                    );
                }
            }
            _ => assert_eq!(event, earliest, "an event exactly when something waits"),
        }
    }
}

proptest! {
    #[test]
    fn the_wheel_does_what_a_sorted_map_would_do(
        start in any_tick(),
        steps in prop::collection::vec(any_step(), 0..150),
    ) {
        let mut pair = Pair::starting_at(start.resolve(0));
        for step in &steps {
            pair.take(step);
        }
        while pair.wheel.next_event().is_some() {
            pair.follow_events();
        }
        assert!(pair.only_never_is_left());
    }

    #[test]
    fn one_jump_to_the_end_of_time_hands_out_everything_in_order(
        start in any_tick(),
        deadlines in prop::collection::vec(any_tick(), 0..300),
    ) {
        let mut pair = Pair::starting_at(start.resolve(0));
        for deadline in &deadlines {
            pair.insert(deadline.resolve(pair.now));
        }
        pair.take(&Step::PopAll(Tick::BeforeTheEnd(0)));
        assert!(pair.only_never_is_left());
    }
}
