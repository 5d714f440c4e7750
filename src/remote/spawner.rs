//! Spawning for code that uses the traits of the futures crate.
//!
//! Knows executors and their core.

use std::fmt;
use std::panic::Location;
use std::rc::{Rc, Weak};

use futures_task::{FutureObj, LocalFutureObj, LocalSpawn, Spawn, SpawnError};

use crate::entry::Executor;
use crate::hosts::notify_elsewhere;
use crate::kernel::failure::{Site, await_line};
use crate::kernel::tasks::Core;
use crate::kernel::tasks::spawn::spawn_onto;
use crate::outcome::Value;
use crate::remote::refused::drop_refused;

/// Spawns through the traits of the futures crate, [`Spawn`] and [`LocalSpawn`]. Made by [`Executor::spawner`].
///
/// Its tasks are detached, and return nothing. They can fail only by a panic, which is reported at once. The method
/// `spawn_with_handle` of futures catches the panics of its task itself, and its handle passes them on to the awaiter.
/// candor reports such a panic like any other that a task has caught, and counts no failure.
///
/// Like a [`Remote`](crate::Remote), it does not keep the executor alive. Once the executor is gone, spawning gives a
/// [`SpawnError`].
///
/// # Examples
///
/// ```
/// use futures::task::LocalSpawnExt;
///
/// let executor = candor::Executor::new();
/// let spawner = executor.spawner();
/// let sum = spawner.spawn_local_with_handle(async { 1 + 2 }).unwrap();
/// assert_eq!(executor.block_on(sum), 3);
///
/// drop(executor);
/// assert!(spawner.spawn_local(async {}).is_err());
/// ```
#[derive(Clone)]
pub struct Spawner {
    core: Weak<Core>,
    /// The methods of the traits are often called by the futures crate itself. That place would not help to find a
    /// mistake, so this one is reported.
    made_at: Site,
}

impl Executor {
    /// Returns a way to spawn tasks on this executor for code that asks for futures' `Spawn` or `LocalSpawn`.
    ///
    /// If the caller of a spawn is inside the futures crate, reports say that the task was spawned here.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::task::{Spawn, SpawnExt};
    ///
    /// fn greet(spawner: &impl Spawn) {
    ///     spawner.spawn(async { println!("Hello!") }).unwrap();
    /// }
    ///
    /// let executor = candor::Executor::new();
    /// greet(&executor.spawner());
    /// executor.drain();
    /// ```
    #[track_caller]
    #[must_use]
    pub fn spawner(&self) -> Spawner {
        // The way in exists until the executor ends, even if the core lives longer. `core` checks it.
        self.core.errands();
        Spawner {
            core: Rc::downgrade(&self.core),
            made_at: Location::caller(),
        }
    }
}

impl Spawner {
    fn core(&self) -> Result<Rc<Core>, SpawnError> {
        let core = self.core.upgrade();
        core.filter(|core| core.stay.outside.borrow().is_some())
            .ok_or_else(SpawnError::shutdown)
    }
}

impl LocalSpawn for Spawner {
    #[track_caller]
    fn spawn_local_obj(&self, future: LocalFutureObj<'static, ()>) -> Result<(), SpawnError> {
        let at = await_line(self.made_at);
        let Ok(core) = self.core() else {
            drop_refused(future, at);
            return Err(SpawnError::shutdown());
        };
        spawn_onto(&core, None, false, future, at).detach();
        notify_elsewhere(&core);
        Ok(())
    }

    fn status_local(&self) -> Result<(), SpawnError> {
        self.core().map(drop)
    }
}

impl Spawn for Spawner {
    #[track_caller]
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.spawn_local_obj(future.into())
    }

    fn status(&self) -> Result<(), SpawnError> {
        self.status_local()
    }
}

impl Value for Spawner {}

// A panic finds it whole, as `lib.rs` says of everything.
impl std::panic::UnwindSafe for Spawner {}
impl std::panic::RefUnwindSafe for Spawner {}

impl fmt::Debug for Spawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").finish_non_exhaustive()
    }
}
