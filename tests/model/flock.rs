//! A group, watched: the tasks that belong together, and what becomes of them.
//!
//! Knows no steps.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use candor::{
    CollectingGroup, GroupHandle, IndependentGroup, JoinGroup, JoinIndependent, TaskBuilder,
    TaskFailure, TaskGroup,
};

use super::trace::{Delivered, Event, Group, GroupNumber};
use super::world::{AnyError, Ended, Witness, World};

pub struct Flock {
    world: Rc<World>,
    pub number: GroupNumber,
    holds: Option<Holds>,
}

enum Holds {
    Linked(TaskGroup<AnyError>),
    Independent(IndependentGroup),
    Collecting(CollectingGroup),
    JoiningLinked(JoinGroup<AnyError>),
    JoiningIndependent(JoinIndependent),
}

impl Flock {
    pub fn new(world: &Rc<World>, kind: Group) -> Self {
        let (holds, spawner) = match kind {
            Group::Linked => {
                let group = TaskGroup::typed();
                let spawner = group.spawner();
                (Holds::Linked(group), Some(spawner))
            }
            Group::Independent => (Holds::Independent(TaskGroup::independent()), None),
            Group::Collecting => {
                let group = TaskGroup::independent().collecting();
                (Holds::Collecting(group), None)
            }
        };
        let number = world.add_group(spawner);
        world.note(Event::GroupMade(number, kind));
        Flock {
            world: world.clone(),
            number,
            holds: Some(holds),
        }
    }

    pub fn spawn(&self, task: TaskBuilder, witness: Witness) -> GroupHandle<Ended> {
        match &self.holds {
            Some(Holds::Linked(group)) => task.spawn_in(group, witness),
            Some(Holds::Independent(group)) => task.spawn_in(group, witness),
            Some(Holds::Collecting(group)) => task.spawn_in(group, witness),
            _ => unreachable!("it is not being joined"),
        }
    }

    pub fn cancel(&self) {
        self.world.note(Event::GroupCancelled(self.number));
        match &self.holds {
            Some(Holds::Linked(group)) => group.cancel(),
            Some(Holds::Independent(group)) => group.cancel(),
            Some(Holds::Collecting(group)) => group.cancel(),
            _ => unreachable!("it is not being joined"),
        }
    }

    pub fn is_collecting(&self) -> bool {
        matches!(self.holds, Some(Holds::Collecting(_)))
    }

    /// Waits for the end of one task, if there is one; a collecting group, for a failure.
    pub async fn next(&mut self) {
        match &mut self.holds {
            Some(Holds::Linked(group)) => drop(group.next().await),
            Some(Holds::Independent(group)) => drop(group.next().await),
            Some(Holds::Collecting(group)) => {
                if let Some(failure) = group.next_failure().await {
                    let failure = failure.failure().expect("it is a failure");
                    self.note_delivery(failure);
                }
            }
            _ => unreachable!("it is not being joined"),
        }
    }

    /// Begins to wait for all tasks.
    pub fn joining(mut self) -> Self {
        self.holds = self.holds.take().map(|holds| match holds {
            Holds::Linked(group) => Holds::JoiningLinked(group.join()),
            Holds::Independent(group) => Holds::JoiningIndependent(group.join()),
            Holds::Collecting(group) => {
                self.world.note(Event::GroupLetGo(self.number));
                Holds::JoiningIndependent(group.join())
            }
            joining => joining,
        });
        self
    }

    fn note_failures(&self, result: Result<(), candor::GroupError<AnyError>>) {
        let failures = match &result {
            Ok(()) => &[],
            Err(error) => error.failures(),
        };
        for failure in failures.iter().filter_map(|error| error.failure()) {
            self.note_delivery(failure);
        }
    }

    fn note_delivery(&self, failure: &TaskFailure) {
        let name = failure.task_name().and_then(|name| name.strip_prefix('t'));
        let number = name.and_then(|number| number.parse().ok());
        let message = failure.message().to_owned();
        let number = number.expect("each member has a name");
        self.world
            .note(Event::Delivered(number, Delivered::Failure(message)));
    }
}

/// Waits for all tasks.
impl Future for Flock {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let summary = match &mut self.holds {
            Some(Holds::JoiningLinked(join)) => {
                let result = ready!(Pin::new(join).poll(cx));
                self.note_failures(result);
                None
            }
            Some(Holds::JoiningIndependent(join)) => Some(ready!(Pin::new(join).poll(cx))),
            _ => unreachable!("it is being joined"),
        };
        self.world.end_group(self.number);
        self.world.note(Event::GroupJoined(self.number, summary));
        self.holds = None;
        Poll::Ready(())
    }
}

impl Drop for Flock {
    fn drop(&mut self) {
        if let Some(holds) = self.holds.take() {
            self.world.end_group(self.number);
            self.world.note(Event::GroupDropped(self.number));
            drop(holds);
        }
    }
}
