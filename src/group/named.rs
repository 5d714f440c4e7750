//! Tasks of groups with a name of their own.
//!
//! Knows groups.

use std::fmt::Debug;

use crate::group::{CollectingGroup, GroupHandle, GroupSpawner, IndependentGroup, TaskGroup};
use crate::kernel::tasks::{TaskBuilder, is_large};
use crate::outcome::Outcome;
use crate::report::error::Error;

/// A group in which a [`TaskBuilder`] can spawn a future of this type: a [`TaskGroup`], an [`IndependentGroup`], or a
/// [`GroupSpawner`].
pub trait SpawnInto<F: Future<Output: Outcome>> {
    #[doc(hidden)]
    fn spawn_into(&self, builder: TaskBuilder, future: F) -> GroupHandle<F::Output>;
}

impl TaskBuilder {
    /// Spawns a task in a group, with the name that it was given. Otherwise as [`TaskGroup::spawn`].
    ///
    /// # Panics
    ///
    /// As [`TaskGroup::spawn`].
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::new();
    ///     let fetch = candor::TaskBuilder::new().name("fetch");
    ///     fetch.spawn_in(&group, async { Err::<(), _>("connection lost") });
    ///     let error = group.join().await.unwrap_err();
    ///     assert_eq!(error.failures()[0].failure().unwrap().task_name(), Some("fetch"));
    /// });
    /// ```
    #[track_caller]
    pub fn spawn_in<G, F>(self, group: &G, future: F) -> GroupHandle<F::Output>
    where
        G: SpawnInto<F>,
        F: Future<Output: Outcome>,
    {
        group.spawn_into(self, future)
    }
}

impl<E, F> SpawnInto<F> for TaskGroup<E>
where
    E: Debug + From<<F::Output as Outcome>::Err> + 'static,
    F: Future<Output: Outcome> + 'static,
{
    #[track_caller]
    fn spawn_into(&self, builder: TaskBuilder, future: F) -> GroupHandle<F::Output> {
        self.spawn_with(builder, future)
    }
}

impl<E, F> SpawnInto<F> for GroupSpawner<E>
where
    E: Debug + From<<F::Output as Outcome>::Err> + 'static,
    F: Future<Output: Outcome> + 'static,
{
    #[track_caller]
    fn spawn_into(&self, builder: TaskBuilder, future: F) -> GroupHandle<F::Output> {
        self.spawn_with(builder, future)
    }
}

impl<F> SpawnInto<F> for IndependentGroup
where
    F: Future<Output: Outcome> + 'static,
{
    #[track_caller]
    fn spawn_into(&self, builder: TaskBuilder, future: F) -> GroupHandle<F::Output> {
        match const { is_large::<F>() } {
            true => self.spawn_with(builder, Box::pin(future)),
            false => self.spawn_with(builder, future),
        }
    }
}

impl<F> SpawnInto<F> for CollectingGroup
where
    F: Future<Output: Outcome> + 'static,
    Error: From<<F::Output as Outcome>::Err>,
{
    #[track_caller]
    fn spawn_into(&self, builder: TaskBuilder, future: F) -> GroupHandle<F::Output> {
        self.spawn_with(builder, future)
    }
}
