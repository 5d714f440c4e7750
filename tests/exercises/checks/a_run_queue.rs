use std::collections::VecDeque;

use super::RunQueue;

/// Exercise 15.
pub fn check() {
    what_comes_first_leaves_first();
    a_slot_may_come_back_at_once();
    a_slot_is_queued_once();
    it_does_what_a_list_would_do();
}

fn what_comes_first_leaves_first() {
    let mut queue = RunQueue::new(8);
    for slot in [5, 1, 7] {
        queue.push(slot);
    }
    let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).take(10).collect();
    assert_eq!(popped, [5, 1, 7], "oldest first");
    queue.push(5);
    let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).take(10).collect();
    assert_eq!(
        popped,
        [5],
        "only slot 5 was pushed since the queue was empty"
    );
}

fn a_slot_may_come_back_at_once() {
    let mut queue = RunQueue::new(2);
    queue.push(0);
    queue.push(1);
    for round in 0..10 {
        for slot in [0, 1] {
            assert_eq!(
                queue.pop(),
                Some(slot),
                "two tasks that yield take turns: round {round}"
            );
            queue.push(slot);
        }
    }
}

fn a_slot_is_queued_once() {
    let mut queue = RunQueue::new(4);
    for slot in [2, 3, 2] {
        queue.push(slot);
    }
    let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).take(10).collect();
    assert_eq!(
        popped,
        [2, 3],
        "a slot that was pushed twice is queued once"
    );
}

/// Every sequence of eight steps, each of which pushes one of three slots or pops.
fn it_does_what_a_list_would_do() {
    for sequence in 0..4_u32.pow(8) {
        let (mut queue, mut list) = (RunQueue::new(3), VecDeque::new());
        let steps: Vec<u32> = (0..8).map(|step| sequence / 4_u32.pow(step) % 4).collect();
        for (number, &step) in steps.iter().enumerate() {
            if step == 3 {
                let (popped, expected) = (queue.pop(), list.pop_front());
                let so_far = &steps[..=number];
                assert_eq!(
                    popped, expected,
                    "pop is wrong after these steps (0 to 2: push this slot, 3: pop): {so_far:?}"
                );
            } else {
                queue.push(step as usize);
                if !list.contains(&(step as usize)) {
                    list.push_back(step as usize);
                }
            }
        }
    }
}
