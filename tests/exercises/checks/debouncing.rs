use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use candor::{sleep, spawn, time};

use super::debounce;
use crate::support::{SECOND, on_virtual_time};

/// Exercise 8.
pub fn check() {
    on_virtual_time(async {
        let start = time::now();
        let acts = Rc::new(RefCell::new(Vec::new()));
        let (keys, input) = async_channel::unbounded();
        let noted = acts.clone();
        let debouncing = spawn(debounce(input, SECOND, move |text| {
            noted
                .borrow_mut()
                .push((text, (time::now() - start).as_millis()));
        }));
        for (pause, text) in [
            (0, "h"),
            (600, "he"),
            (600, "hey"),
            (5000, "y"),
            (100, "yo"),
        ] {
            sleep(Duration::from_millis(pause)).await;
            // If the receiver is gone, the task says why when it is joined.
            keys.send(text).await.ok();
        }
        sleep(Duration::from_millis(10)).await;
        drop(keys);
        debouncing.await.unwrap();
        assert_eq!(
            acts.take(),
            [("hey", 2200), ("yo", 6310)],
            "it acts when, and on what?"
        );
    });
}
