//! Who spawned a task: what all tasks of one spawner share.
//!
//! A task that spawns makes one of these for its children, which is one allocation. It links to the one of the task's own
//! spawner, and so on. A failure needs all ancestors as a list, the [`Lineage`]. That list is made only when a task has failed.
//!
//! ```text
//! task #9 ──► Parentage: spawned by #7 ──► Parentage: spawned by #3 ──► Parentage: the main future
//!                 │ a failure of #9                                         │
//!                 └──► Lineage: #7, #3, the entry point ◄───────────────────┘
//! ```
//!
//! A task that respawns itself forever must not make the chain of links longer forever. So every 16th has its lineage made
//! at once, and links no further.
//!
//! Knows lineages.

use std::any::Any;
use std::cell::OnceCell;
use std::rc::Weak;
use std::sync::Arc;

use crate::kernel::failure::{Ancestor, LINKS, Lineage};
use crate::kernel::tasks::Counted;

/// What all tasks of one spawner share. A task with a name has one of its own.
///
/// There are two counts. A [`Counted`] counts this for the tasks, which are many. An `Arc` counts the lineage for their
/// failures, which are few and may leave the thread. So spawning costs no atomic operation.
#[derive(Clone)]
pub(crate) struct Parentage {
    /// The task's own name, not the spawner's. It is here because few tasks have one, and all would pay for its place.
    pub(crate) name: Option<Arc<str>>,
    /// With what it was spawned by; `None` if the lineage was known from the beginning.
    spawner: Option<(Ancestor, Counted<Parentage>)>,
    /// How many links lead to a lineage that was known from the beginning.
    links: usize,
    lineage: OnceCell<Arc<Lineage>>,
    /// The executor, as `Any`: so the header of a task need not know its type.
    pub(crate) core: Weak<dyn Any>,
    /// Its number.
    pub(crate) number: u16,
}

impl Parentage {
    /// For the tasks of the executor with this number, all of which have this lineage.
    pub(crate) fn new(lineage: Arc<Lineage>, core: Weak<dyn Any>, number: u16) -> Counted<Self> {
        Counted::new(|| Parentage {
            name: None,
            spawner: None,
            links: 0,
            lineage: OnceCell::from(lineage),
            core,
            number,
        })
    }

    /// The same, but for one task, which has this name.
    pub(crate) fn named(&self, name: Arc<str>) -> Counted<Self> {
        Counted::new(|| Parentage {
            name: Some(name),
            ..self.clone()
        })
    }

    /// For the tasks that `spawner` spawns, which is itself a task.
    pub(crate) fn below(spawner: Ancestor, above: &Counted<Parentage>) -> Counted<Self> {
        let mut below = Parentage {
            name: None,
            spawner: Some((spawner, above.clone())),
            links: above.links + 1,
            lineage: OnceCell::new(),
            core: above.core.clone(),
            number: above.number,
        };
        if below.links == LINKS {
            below.lineage();
            (below.spawner, below.links) = (None, 0);
        }
        Counted::new(|| below)
    }

    /// Which task spawned the task, which one spawned that one, and so on.
    pub(crate) fn lineage(&self) -> &Arc<Lineage> {
        self.lineage.get_or_init(|| {
            let (mut ancestors, mut this) = (Vec::with_capacity(LINKS), self);
            while let Some((spawner, above)) = &this.spawner {
                ancestors.push(spawner.clone());
                this = above;
            }
            let known = this.lineage.get();
            let known = known.expect("where the links end, the lineage is known");
            known.below(ancestors)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::panic::Location;
    use std::rc::Rc;

    use super::*;
    use crate::kernel::failure::{Root, TaskId};

    #[test]
    fn every_sixteenth_generation_links_no_further() {
        let executor: Rc<dyn Any> = Rc::new(());
        let mut parentage = Parentage::new(Lineage::new(Root::Logger), Rc::downgrade(&executor), 0);
        let mut links = Vec::new();
        for generation in 1..=3 * LINKS as u64 {
            let spawner = Ancestor {
                id: TaskId(generation),
                name: None,
                spawned_at: Location::caller(),
            };
            parentage = Parentage::below(spawner, &parentage);
            links.push(parentage.links);
            assert_eq!(parentage.lineage.get().is_some(), parentage.links == 0);
        }
        let one_round: Vec<_> = (1..LINKS).chain([0]).collect();
        assert_eq!(links, one_round.repeat(3));
    }
}
