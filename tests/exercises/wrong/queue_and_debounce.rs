//! Exercises 7 and 8.

use crate::assert_rejected;

#[test]
fn no_wrong_queue_is_accepted() {
    assert_rejected([
        (newest_first::check::check, "who came first is polled first"),
        (local_first::check::check, "is not among"),
        (remote_first::check::check, "is not among"),
        (turns_with_a_stack::check::check, "each source in its order"),
        (every_hundredth_turn::check::check, "is not among"),
    ]);
}

/// The queue as it was given: a stack, where a task that wakes itself is always on top.
mod newest_first {
    use std::collections::VecDeque;

    #[derive(Default)]
    pub struct ReadyTasks(VecDeque<u32>, VecDeque<u32>);

    impl ReadyTasks {
        pub fn push_local(&mut self, task: u32) {
            self.0.push_back(task);
        }

        pub fn push_remote(&mut self, task: u32) {
            self.1.push_back(task);
        }

        pub fn pop(&mut self) -> Option<u32> {
            self.0.pop_back().or_else(|| self.1.pop_front())
        }
    }

    pub mod check {
        include!("../checks/a_fair_queue.rs");
    }
}

/// In order, but a local task that wakes itself starves all that other threads have woken.
mod local_first {
    use std::collections::VecDeque;

    #[derive(Default)]
    pub struct ReadyTasks(VecDeque<u32>, VecDeque<u32>);

    impl ReadyTasks {
        pub fn push_local(&mut self, task: u32) {
            self.0.push_back(task);
        }

        pub fn push_remote(&mut self, task: u32) {
            self.1.push_back(task);
        }

        pub fn pop(&mut self) -> Option<u32> {
            self.0.pop_front().or_else(|| self.1.pop_front())
        }
    }

    pub mod check {
        include!("../checks/a_fair_queue.rs");
    }
}

/// The same, the other way round.
mod remote_first {
    use std::collections::VecDeque;

    #[derive(Default)]
    pub struct ReadyTasks(VecDeque<u32>, VecDeque<u32>);

    impl ReadyTasks {
        pub fn push_local(&mut self, task: u32) {
            self.0.push_back(task);
        }

        pub fn push_remote(&mut self, task: u32) {
            self.1.push_back(task);
        }

        pub fn pop(&mut self) -> Option<u32> {
            self.1.pop_front().or_else(|| self.0.pop_front())
        }
    }

    pub mod check {
        include!("../checks/a_fair_queue.rs");
    }
}

/// The sources take turns, but within one of them the newest task comes first.
mod turns_with_a_stack {
    use std::collections::VecDeque;

    #[derive(Default)]
    pub struct ReadyTasks(VecDeque<u32>, VecDeque<u32>, bool);

    impl ReadyTasks {
        pub fn push_local(&mut self, task: u32) {
            self.0.push_back(task);
        }

        pub fn push_remote(&mut self, task: u32) {
            self.1.push_back(task);
        }

        pub fn pop(&mut self) -> Option<u32> {
            self.2 = !self.2;
            match self.2 {
                true => self.0.pop_front().or_else(|| self.1.pop_back()),
                false => self.1.pop_back().or_else(|| self.0.pop_front()),
            }
        }
    }

    pub mod check {
        include!("../checks/a_fair_queue.rs");
    }
}

/// Fair in the end, but other threads wait for longer than 64 pops.
mod every_hundredth_turn {
    use std::collections::VecDeque;

    #[derive(Default)]
    pub struct ReadyTasks(VecDeque<u32>, VecDeque<u32>, u32);

    impl ReadyTasks {
        pub fn push_local(&mut self, task: u32) {
            self.0.push_back(task);
        }

        pub fn push_remote(&mut self, task: u32) {
            self.1.push_back(task);
        }

        pub fn pop(&mut self) -> Option<u32> {
            self.2 += 1;
            match self.2.is_multiple_of(100) {
                true => self.1.pop_front().or_else(|| self.0.pop_front()),
                false => self.0.pop_front().or_else(|| self.1.pop_front()),
            }
        }
    }

    pub mod check {
        include!("../checks/a_fair_queue.rs");
    }
}

#[test]
fn no_wrong_debounce_is_accepted() {
    assert_rejected([
        (acts_on_each::check::check, "it acts when, and on what?"),
        (
            the_time_runs_from_the_first::check::check,
            "it acts when, and on what?",
        ),
        (loses_the_last::check::check, "it acts when, and on what?"),
        (
            acts_on_the_first::check::check,
            "it acts when, and on what?",
        ),
    ]);
}

/// It does not wait for quiet.
mod acts_on_each {
    use std::time::Duration;

    pub async fn debounce<T>(
        input: async_channel::Receiver<T>,
        quiet: Duration,
        mut act: impl FnMut(T),
    ) {
        while let Ok(text) = input.recv().await {
            candor::sleep(quiet).await;
            act(text);
        }
    }

    pub mod check {
        include!("../checks/debouncing.rs");
    }
}

/// The time is not started anew by the next value, so it acts in the middle of what is typed.
mod the_time_runs_from_the_first {
    use std::time::Duration;

    use candor::time;

    pub async fn debounce<T>(
        input: async_channel::Receiver<T>,
        quiet: Duration,
        mut act: impl FnMut(T),
    ) {
        while let Ok(mut latest) = input.recv().await {
            let end = time::now() + quiet;
            while let Ok(Ok(newer)) = time::timeout(end - time::now(), input.recv()).await {
                latest = newer;
            }
            act(latest);
        }
    }

    pub mod check {
        include!("../checks/debouncing.rs");
    }
}

/// It returns when the channel is closed, without acting on what is left.
mod loses_the_last {
    use std::time::Duration;

    use candor::time;

    pub async fn debounce<T>(
        input: async_channel::Receiver<T>,
        quiet: Duration,
        mut act: impl FnMut(T),
    ) {
        while let Ok(mut latest) = input.recv().await {
            loop {
                match time::timeout(quiet, input.recv()).await {
                    Ok(Ok(newer)) => latest = newer,
                    Ok(Err(_)) => return,
                    Err(_) => break,
                }
            }
            act(latest);
        }
    }

    pub mod check {
        include!("../checks/debouncing.rs");
    }
}

/// It acts when it is quiet, but on the oldest value.
mod acts_on_the_first {
    use std::time::Duration;

    use candor::time;

    pub async fn debounce<T>(
        input: async_channel::Receiver<T>,
        quiet: Duration,
        mut act: impl FnMut(T),
    ) {
        while let Ok(first) = input.recv().await {
            while let Ok(Ok(_newer)) = time::timeout(quiet, input.recv()).await {}
            act(first);
        }
    }

    pub mod check {
        include!("../checks/debouncing.rs");
    }
}
