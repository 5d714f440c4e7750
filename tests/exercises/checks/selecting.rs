use std::cell::Cell;
use std::future::{pending, ready};
use std::rc::Rc;

use candor::{sleep, spawn, time};

use super::{Either, select};
use crate::support::{Bell, SECOND, SetOnDrop, on_virtual_time, polls_of_tasks, settle};

/// Exercise 4.
pub fn check() {
    on_virtual_time(async {
        let both = select(ready(1), ready(2)).await;
        assert!(matches!(both, Either::First(1)), "the first one wins");
        either_one_wakes_it().await;
        let start = time::now();
        let loser_is_gone = Rc::new(Cell::new(false));
        let flag = SetOnDrop(loser_is_gone.clone());
        let loser = async move {
            let _flag = flag;
            pending::<()>().await;
        };
        let winner = sleep(SECOND);
        assert!(matches!(select(loser, winner).await, Either::Second(())));
        assert_eq!(time::now() - start, SECOND);
        assert!(
            loser_is_gone.get(),
            "the loser is dropped before select returns"
        );
    });
}

async fn either_one_wakes_it() {
    for rung in [0, 1] {
        let bells = [Bell::default(), Bell::default()];
        let selecting = select(bells[0].clone(), bells[1].clone());
        let selecting = spawn(async move { matches!(selecting.await, Either::First(())) });
        settle().await;
        assert_eq!(polls_of_tasks(), 1, "nobody has woken it yet");
        bells[rung].ring();
        settle().await;
        assert!(
            selecting.is_finished(),
            "one of the two is ready, but select was not woken, or waits for the other one"
        );
        assert_eq!(selecting.await.unwrap(), rung == 0, "which one was it?");
    }
}
