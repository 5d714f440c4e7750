//! Panics that the hook has seen and that are not claimed yet.
//!
//! A panic that ends a task is claimed as soon as it has unwound to the executor. One that is left after the poll was
//! caught by the task itself. A task may catch any number of panics in one poll: the first few and the last few are kept,
//! and the others are counted.
//!
//! ```text
//! of one poll:   [ 16 first ones ]   968 skipped   [ 16 last ones, and perhaps the one that ends the task ]
//! ```
//!
//! Knows no task and no executor. Each executor has a list of its own here, and the hook asks for that list.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::{iter, mem};

use crate::kernel::failure::{Account, FailureKind, TaskFailure, payload_text};

/// How many panics are kept from the beginning of a poll, and how many from its end.
const KEPT: usize = 16;

/// What identifies a payload in the hook and in the catch. A text stays at its address, whether it is a `String` or a
/// `&'static str`.
#[derive(PartialEq)]
pub(crate) struct Identity {
    type_id: TypeId,
    /// That of its text.
    address: Option<usize>,
    /// As far as it can be seen.
    pub(crate) value: Option<String>,
}

impl Identity {
    pub(crate) fn of(payload: &(dyn Any + Send)) -> Identity {
        macro_rules! value_of {
            [$($known:ty),+] => {
                None$(.or_else(|| payload.downcast_ref::<$known>().map(|value| format!("{value:?}"))))+
            };
        }
        let text = payload_text(payload);
        let address = text.map(|text| text.as_ptr().addr());
        let value = text.map(str::to_owned).or_else(|| {
            value_of![
                bool, char, u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize
            ]
        });
        Identity {
            type_id: payload.type_id(),
            address,
            value,
        }
    }
}

/// The unclaimed panics of one executor, the oldest first. There are none when no task is being polled.
#[derive(Default)]
pub(crate) struct Unclaimed {
    panics: VecDeque<(Identity, TaskFailure)>,
    /// How many were skipped after the first [`KEPT`].
    pub(crate) skipped: u64,
}

impl Unclaimed {
    pub(crate) fn push(&mut self, payload: &(dyn Any + Send), failure: TaskFailure) {
        self.panics.push_back((Identity::of(payload), failure));
        // One more than is kept: the last one may be the one that ends the task.
        self.skip_beyond(2 * KEPT + 1);
    }

    fn skip_beyond(&mut self, limit: usize) {
        if self.panics.len() > limit {
            self.panics.remove(KEPT);
            self.skipped += 1;
        }
    }

    /// Takes the panic with this payload. If several are equal, the newest one wins.
    pub(crate) fn claim(&mut self, identity: &Identity) -> Option<TaskFailure> {
        let is_it = |(known, _): &(Identity, _)| known == identity;
        let newest = self.panics.iter().rposition(is_it)?;
        self.panics.remove(newest).map(|(_, failure)| failure)
    }

    /// Takes the next panic that a task has caught itself. They are taken one by one, because an abort prints those that are
    /// left.
    pub(crate) fn next_caught(&mut self) -> Option<(Identity, TaskFailure)> {
        let mut caught = self.pop()?;
        // Nobody else has it yet.
        if let Some(parts) = Arc::get_mut(&mut caught.1.0) {
            parts.kind = FailureKind::Caught;
        }
        Some(caught)
    }

    /// Takes everything, because the process is about to end. Finds nothing if it is called in the middle of a change.
    pub(crate) fn take_all(this: &RefCell<Unclaimed>) -> Vec<TaskFailure> {
        let next = || this.try_borrow_mut().ok()?.pop();
        iter::from_fn(next).map(|(_, failure)| failure).collect()
    }

    /// Takes the oldest one. One that stands for those that were skipped comes last.
    fn pop(&mut self) -> Option<(Identity, TaskFailure)> {
        self.skip_beyond(2 * KEPT);
        let number = mem::take(&mut self.skipped);
        if let Some((_, last)) = self.panics.back().filter(|_| number > 0) {
            let account = Account {
                message: format!(
                    "{number} more in the same poll, between the first and the last of these"
                ),
                ..Account::default()
            };
            let skipped = TaskFailure::new(last.0.origin.clone(), last.0.kind, account);
            // No payload has this type.
            let no_payloads = Identity::of(&Unclaimed::default());
            self.panics.push_back((no_payloads, skipped));
        }
        self.panics.pop_front()
    }
}
