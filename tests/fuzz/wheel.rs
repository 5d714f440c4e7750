//! The wheel against a sorted map: every deadline, at every distance, comes out in its turn.
//!
//! The values in the map are what the wheel must hold. After each step both must agree on all that can be asked.

use std::collections::BTreeMap;

use crate::bytes::Bytes;
use crate::kernel::time::wheel::{EntryKey, Wheel};

const LEVELS: u8 = 11;
/// The deadline that never comes.
const NEVER: u64 = u64::MAX;

/// Does to a wheel and to a map what the input says.
///
/// # Panics
///
/// If they disagree.
pub fn agrees_with_a_map(input: &[u8]) {
    if std::env::var_os("LEN").is_some() {
        println!("{}", input.len());
    }
    let mut bytes = Bytes::new(input);
    let mut pair = Pair::new(tick(&mut bytes, 0));
    while !bytes.is_empty() {
        pair.step(&mut bytes);
        pair.check();
    }
    pair.empty();
}

/// Near now, near the border of a slot of some level, near an end of time, or anywhere.
fn tick(bytes: &mut Bytes<'_>, now: u64) -> u64 {
    let shift = 6 * bytes.below(LEVELS) as u32;
    let offset = i64::from(bytes.byte() % 8) - 3;
    let count = u64::from(bytes.byte() % 5);
    let base = match bytes.below(8) {
        0..=2 => return now.saturating_add_signed(offset * 9),
        3 => now.saturating_add(count << shift),
        4 => ((now >> shift) << shift).saturating_add(count << shift),
        5 => count.saturating_mul(1 << shift),
        6 => return NEVER - u64::from(bytes.byte() % 4),
        _ => bytes.number(),
    };
    base.saturating_add_signed(offset)
}

struct Pair {
    wheel: Wheel<usize>,
    now: u64,
    /// By deadline and by age, the value that waits.
    map: BTreeMap<(u64, usize), usize>,
    /// Of each value that was ever inserted: its key, and its place in the map if it waits.
    values: Vec<(EntryKey, Option<(u64, usize)>)>,
    age: usize,
}

impl Pair {
    fn new(start: u64) -> Self {
        let mut wheel = Wheel::new();
        assert_eq!(wheel.pop_expired(start), None);
        Pair {
            wheel,
            now: start.min(NEVER - 1),
            map: BTreeMap::new(),
            values: Vec::new(),
            age: 0,
        }
    }

    fn step(&mut self, bytes: &mut Bytes<'_>) {
        let choice = bytes.below(8);
        let at = tick(bytes, self.now);
        match choice {
            0..=2 => self.insert(at),
            3 => self.cancel(bytes),
            4 => self.reset(bytes, at),
            5 => drop(self.pop(at)),
            6 => while self.pop(at).is_some() {},
            _ => self.follow_events(),
        }
    }

    /// One of all values, and perhaps one that is long gone.
    fn any_value(&self, bytes: &mut Bytes<'_>) -> Option<usize> {
        let choice = usize::from(bytes.byte()) << 8 | usize::from(bytes.byte());
        choice.checked_rem(self.values.len())
    }

    fn put(&mut self, value: usize, deadline: u64) {
        self.age += 1;
        let place = (deadline.max(self.now), self.age);
        self.values[value].1 = Some(place);
        self.map.insert(place, value);
    }

    fn take(&mut self, value: usize) -> Option<usize> {
        self.map.remove(&self.values[value].1.take()?)
    }

    fn insert(&mut self, deadline: u64) {
        let value = self.values.len();
        let key = self.wheel.insert(deadline, value);
        self.values.push((key, None));
        self.put(value, deadline);
    }

    fn cancel(&mut self, bytes: &mut Bytes<'_>) {
        if let Some(value) = self.any_value(bytes) {
            let expected = self.take(value);
            assert_eq!(self.wheel.cancel(self.values[value].0), expected);
        }
    }

    fn reset(&mut self, bytes: &mut Bytes<'_>, deadline: u64) {
        if let Some(value) = self.any_value(bytes) {
            let expected = self.take(value).is_some();
            if expected {
                self.put(value, deadline);
            }
            assert_eq!(self.wheel.reset(self.values[value].0, deadline), expected);
        }
    }

    fn pop(&mut self, asked: u64) -> Option<usize> {
        let target = asked.min(NEVER - 1).max(self.now);
        let first = self.map.first_key_value();
        let due = first.filter(|((deadline, _), _)| *deadline <= target);
        let expected = due.map(|((deadline, _), value)| (*deadline, *value));
        self.now = expected.map_or(target, |(deadline, _)| deadline);
        let expected = expected.and_then(|(_, value)| self.take(value));
        assert_eq!(self.wheel.pop_expired(asked), expected, "at {asked}");
        expected
    }

    /// At most one event for each level leads to the next value.
    fn follow_events(&mut self) {
        for _ in 0..LEVELS {
            match self.wheel.next_event() {
                None => return,
                Some(tick) if self.pop(tick).is_some() => return,
                Some(_) => self.check(),
            }
        }
        panic!("the events did not lead to a value");
    }

    fn check(&mut self) {
        let first = self.map.first_key_value();
        let earliest = first.map(|((deadline, _), _)| *deadline);
        let earliest = earliest.filter(|deadline| *deadline != NEVER);
        assert_eq!(self.wheel.next_deadline(), earliest);
        match (self.wheel.next_event(), earliest) {
            (Some(event), Some(earliest)) if earliest / 64 == self.now / 64 => {
                assert_eq!(event, earliest, "close by it is exact");
            }
            (Some(event), Some(earliest)) => {
                assert!(event > self.now && event <= earliest, "{event}");
            }
            (event, earliest) => assert_eq!(event, earliest),
        }
        assert_eq!(self.wheel.is_empty(), self.map.is_empty());
        if let Some((key, place)) = self.values.last() {
            let expected = place.map(|_| self.values.len() - 1);
            assert_eq!(self.wheel.get(*key).copied(), expected);
        }
    }

    /// What never comes is still there at the end of time.
    fn empty(mut self) {
        while self.pop(NEVER).is_some() {}
        let mut left: Vec<_> = self.wheel.into_values().collect();
        left.sort_unstable();
        let mut expected: Vec<_> = self.map.into_values().collect();
        expected.sort_unstable();
        assert_eq!(left, expected);
    }
}
