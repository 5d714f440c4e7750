//! A panic that goes on in its awaiter.
//!
//! Resuming calls no panic hook, so this file puts back what is known of the panic.
//!
//! Knows failures, and what the panic hook keeps.

use std::any::Any;
use std::panic::resume_unwind;

use crate::kernel::failure::{Account, Panic, TaskFailure, hook, reporter};

impl Panic {
    /// Resumes the panic at this place.
    ///
    /// Within a task, that task's failure says where the panic was first raised. Elsewhere the report
    /// is printed at once, because resuming a panic prints nothing.
    ///
    /// # Panics
    ///
    /// Always, with the payload of this panic.
    ///
    /// # Examples
    ///
    /// ```
    /// use candor::JoinError;
    ///
    /// let result = std::panic::catch_unwind(|| candor::block_on(async {
    ///     let task = candor::spawn(async { panic!("boom") });
    ///     let Err(JoinError::Panicked(panic)) = task.await else { unreachable!() };
    ///     panic.resume()
    /// }));
    /// assert_eq!(result.unwrap_err().downcast_ref(), Some(&"boom"));
    /// ```
    pub fn resume(self) -> ! {
        let failure = (*self).clone();
        let payload = self.into_payload();
        reinstate(failure, &*payload);
        resume_unwind(payload)
    }
}

/// Prepares for the panic of `failure` to be resumed here. Within a task its record is put back.
/// Elsewhere it is reported now.
fn reinstate(failure: TaskFailure, payload: &(dyn Any + Send)) {
    match hook::polled() {
        None => {
            if failure.begin_report() {
                reporter().report(&failure, None);
            }
        }
        Some(polled) => {
            let account = Account {
                message: failure.message().to_owned(),
                location: failure.location(),
                backtrace: failure.shared_backtrace().cloned(),
                passes_on: Some(failure),
                ..Account::default()
            };
            polled.record(payload, account);
        }
    }
}
