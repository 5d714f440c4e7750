use super::ReadyTasks;

/// Exercise 7.
pub fn check() {
    const BUSY: u32 = 0;
    const BUSY_REMOTE: u32 = 1;

    let mut ready = ReadyTasks::default();
    for task in [10, 11, 12] {
        ready.push_local(task);
    }
    let popped: Vec<_> = std::iter::from_fn(|| ready.pop()).collect();
    assert_eq!(popped, [10, 11, 12], "who came first is polled first");

    // Both sources have a task that is woken again in each of its polls.
    for start in 0..100 {
        let mut ready = ReadyTasks::default();
        ready.push_local(BUSY);
        ready.push_remote(BUSY_REMOTE);
        let pop = |ready: &mut ReadyTasks| {
            let task = ready.pop().expect("two tasks are always ready");
            match task {
                BUSY => ready.push_local(BUSY),
                BUSY_REMOTE => ready.push_remote(BUSY_REMOTE),
                _ => {}
            }
            task
        };
        for _ in 0..start {
            pop(&mut ready);
        }
        ready.push_remote(20);
        ready.push_remote(21);
        ready.push_local(22);
        ready.push_local(23);
        let popped: Vec<u32> = (0..64).map(|_| pop(&mut ready)).collect();
        let place = |task| popped.iter().position(|&popped| popped == task);
        for task in [20, 21, 22, 23] {
            assert!(place(task).is_some(), "{task} is not among {popped:?}");
        }
        assert!(
            place(20) < place(21) && place(22) < place(23),
            "each source in its order: {popped:?}"
        );
    }
}
