//! Panics that the hook has seen and that are not claimed yet.
//!
//! A panic that ends a task is claimed as soon as it has unwound to the executor. A record that is left after the poll was
//! caught by the task itself. A task may catch any number of panics in one poll: the first few and the last few are kept,
//! and the others are counted.
//!
//! ```text
//! of one executor:   first [ r r r … ]  16     skipped: 968     last [ … r r r ]  16
//! ```
//!
//! Knows no task and no executor: an executor is only a number here.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::mem::{self, ManuallyDrop};

use crate::kernel::failure::account::Account;
use crate::kernel::failure::lineage::Origin;
use crate::kernel::failure::{LastAwait, TaskFailure};

/// How many panics are kept from the beginning of a poll, and how many from its end.
const KEPT: usize = 16;

/// A task in its poll.
#[derive(Clone)]
pub(crate) struct Polled {
    /// The serial number of its executor. The loop of that executor will catch the panic.
    pub(crate) executor: u64,
    pub(crate) origin: Origin,
    pub(crate) last_await: Option<LastAwait>,
}

/// What the hook saw of a panic.
pub(crate) struct Record {
    /// The serial number of the executor that will catch it.
    pub(crate) executor: u64,
    pub(crate) polled: Polled,
    pub(crate) identity: Identity,
    pub(crate) account: Account,
}

/// What identifies a payload in the hook and in the catch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Identity {
    /// The address and the text. A text stays at its address, whether it is a `String` or a `&'static str`.
    Text(usize, String),
    /// A value of a type that is known here.
    Value(TypeId, String),
    /// Any other payload: only its type can be seen.
    Type(TypeId),
}

impl Identity {
    pub(crate) fn of(payload: &(dyn Any + Send)) -> Identity {
        let literal = payload.downcast_ref::<&'static str>().copied();
        let text = literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        if let Some(text) = text {
            return Identity::Text(text.as_ptr().addr(), text.to_owned());
        }
        macro_rules! value_of {
            ($($known:ty),+) => {
                None$(.or_else(|| payload.downcast_ref::<$known>().map(|value| format!("{value:?}"))))+
            };
        }
        let value: Option<String> = value_of!(
            (),
            bool,
            char,
            u8,
            u16,
            u32,
            u64,
            u128,
            usize,
            i8,
            i16,
            i32,
            i64,
            i128,
            isize
        );
        match value {
            Some(value) => Identity::Value(payload.type_id(), value),
            None => Identity::Type(payload.type_id()),
        }
    }
}

/// The unclaimed panics of one executor.
struct Unclaimed {
    executor: u64,
    first: Vec<Record>,
    last: VecDeque<Record>,
    skipped: u64,
}

impl Unclaimed {
    fn skip(&mut self) -> Option<Record> {
        self.skipped += 1;
        self.last.pop_front()
    }

    /// Puts everything into one list. A last record counts the panics of which nothing was kept.
    fn close(&mut self) {
        if self.first.is_empty() && self.skipped == 0 {
            return;
        }
        if self.last.len() > KEPT {
            self.skip();
        }
        for record in self.first.drain(..).rev() {
            self.last.push_front(record);
        }
        let number = mem::take(&mut self.skipped);
        if number > 0
            && let Some(last) = self.last.back()
        {
            let polled = last.polled.clone();
            let account = Account {
                message: format!(
                    "{number} more in the same poll, between the first and the last of these"
                ),
                ..Account::default()
            };
            self.last.push_back(Record {
                executor: self.executor,
                identity: Identity::Type(TypeId::of::<Record>()),
                polled,
                account,
            });
        }
    }
}

/// Never dropped, so that it can be used in the destructors of other thread-locals.
type Never<T> = ManuallyDrop<Vec<T>>;

thread_local! {
    /// Empty whenever no task is being polled.
    static UNCLAIMED: RefCell<Never<Unclaimed>> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };

    /// Panics that were caught and reported. A later poll may resume them.
    static REPORTED: RefCell<VecDeque<(Identity, TaskFailure)>> = const { RefCell::new(VecDeque::new()) };
}

pub(crate) fn push(record: Record) {
    // Dropped outside of the borrow: it is not user code, but it frees much.
    let _skipped = UNCLAIMED.with_borrow_mut(|all| {
        let known = all.iter().position(|one| one.executor == record.executor);
        let place = known.unwrap_or_else(|| {
            all.push(Unclaimed {
                executor: record.executor,
                first: Vec::new(),
                last: VecDeque::new(),
                skipped: 0,
            });
            all.len() - 1
        });
        let unclaimed = &mut all[place];
        if unclaimed.first.len() < KEPT {
            unclaimed.first.push(record);
            return None;
        }
        unclaimed.last.push_back(record);
        // One more than is kept: the last one may be the one that ends the task.
        match unclaimed.last.len() > KEPT + 1 {
            true => unclaimed.skip(),
            false => None,
        }
    });
}

/// Takes the record of this payload. If several are equal, the newest one wins.
pub(crate) fn claim(executor: u64, identity: &Identity) -> Option<Record> {
    UNCLAIMED.with_borrow_mut(|all| {
        let unclaimed = all.iter_mut().find(|one| one.executor == executor)?;
        let is_it = |record: &Record| record.identity == *identity;
        let claimed = match unclaimed.last.iter().rposition(is_it) {
            Some(newest) => unclaimed.last.remove(newest),
            None => {
                let newest = unclaimed.first.iter().rposition(is_it)?;
                Some(unclaimed.first.remove(newest))
            }
        };
        if unclaimed.first.is_empty() && unclaimed.last.is_empty() {
            forget(all, executor);
        }
        claimed
    })
}

/// Takes the oldest unclaimed record of an executor. The record that counts the skipped ones comes last.
pub(crate) fn pop(executor: u64) -> Option<Record> {
    UNCLAIMED.with_borrow_mut(|all| {
        let unclaimed = all.iter_mut().find(|one| one.executor == executor)?;
        unclaimed.close();
        let record = unclaimed.last.pop_front();
        if unclaimed.last.is_empty() {
            forget(all, executor);
        }
        record
    })
}

/// Takes everything, because the process is about to end. Finds nothing if it is called in the middle of a change.
pub(crate) fn take_all() -> Vec<Record> {
    let take = |all: &RefCell<Never<Unclaimed>>| {
        let mut all = all.try_borrow_mut().ok()?;
        Some(mem::take(&mut **all))
    };
    let all = UNCLAIMED.with(take).unwrap_or_default();
    let records = |mut one: Unclaimed| {
        one.close();
        one.last
    };
    all.into_iter().flat_map(records).collect()
}

/// Gives the memory back. This has to be explicit, because the list is never dropped.
fn forget(all: &mut Vec<Unclaimed>, executor: u64) -> Option<Unclaimed> {
    let place = all.iter().position(|one| one.executor == executor)?;
    let unclaimed = all.swap_remove(place);
    if all.is_empty() {
        *all = Vec::new();
    }
    Some(unclaimed)
}

/// Remembers that a panic was caught, and was reported as a caught one. The last few are kept.
pub(crate) fn remember(identity: Identity, failure: &TaskFailure) {
    let remember = |reported: &RefCell<VecDeque<_>>| {
        let mut reported = reported.borrow_mut();
        if reported.len() == 2 * KEPT {
            reported.pop_front();
        }
        reported.push_back((identity, failure.clone()));
    };
    REPORTED.try_with(remember).ok();
}

/// Takes the report of a panic that was caught in an earlier poll and has been resumed since. It is given out once.
pub(crate) fn reported_before(identity: &Identity) -> Option<TaskFailure> {
    let find = |reported: &RefCell<VecDeque<(Identity, TaskFailure)>>| {
        let mut reported = reported.borrow_mut();
        let newest = reported.iter().rposition(|(known, _)| known == identity)?;
        reported.remove(newest).map(|(_, failure)| failure)
    };
    REPORTED.try_with(find).ok().flatten()
}
