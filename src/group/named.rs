//! Tasks of groups with a name of their own.
//!
//! Knows handles of members.

use crate::group::member::GroupHandle;
use crate::kernel::tasks::TaskBuilder;
use crate::outcome::Outcome;

/// A group in which a [`TaskBuilder`] can spawn a future of this type: a [`TaskGroup`](crate::TaskGroup), an
/// [`IndependentGroup`](crate::IndependentGroup), or a [`GroupSpawner`](crate::GroupSpawner).
pub trait SpawnInto<F: Future<Output: Outcome>> {
    #[doc(hidden)]
    fn spawn_into(&self, builder: TaskBuilder, future: F) -> GroupHandle<F::Output>;
}

impl TaskBuilder {
    /// Spawns a task in a group, with the name that it was given. Otherwise as [`TaskGroup::spawn`](crate::TaskGroup::spawn).
    ///
    /// # Panics
    ///
    /// As [`TaskGroup::spawn`](crate::TaskGroup::spawn).
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
