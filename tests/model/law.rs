//! The law: replays a trace and says where it was broken.
//!
//! For each task it keeps where its failure may go:
//!
//! ```text
//! no failure ──fails, handle gone──────────────► due ──reported──► told
//!     │                                           ▲
//!     └──fails, handle there──► unread ──let go───┘
//!                                  │ └──grace or end, reported──► told ──delivered──► told and delivered
//!                                  └──delivered──► delivered
//! ```
//!
//! What is *due* must be reported before anything else is polled.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use candor::{FailureKind, GroupSummary};

use super::trace::{Delivered, Event, Group, GroupNumber, Kind, MAIN, Number, Report, Trace};
use super::world::POOL_LIMIT;

/// How often each case of the law came up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    reported_because_the_handle_was_gone: usize,
    reported_because_the_handle_was_dropped: usize,
    reported_after_the_grace: usize,
    reported_at_the_end: usize,
    reported_beside_an_earlier_failure: usize,
    reported_as_caught: usize,
    delivered: usize,
    delivered_after_the_report: usize,
    values_delivered: usize,
    cancellations_delivered: usize,
    cancelled_in_silence: usize,
    /// Each way to be spawned, with a failure.
    remotes_failed: usize,
    pooled_failed: usize,
    linked_failed: usize,
    independent_failed: usize,
    collecting_failed: usize,
    groups_joined: usize,
    groups_dropped: usize,
}

impl Tally {
    /// The cases that never came up.
    pub fn unseen(&self) -> Vec<&'static str> {
        let cases = [
            ("rule 1", self.reported_because_the_handle_was_gone),
            ("rule 2", self.delivered),
            ("rule 3", self.reported_because_the_handle_was_dropped),
            ("rule 4", self.reported_after_the_grace),
            ("rule 5", self.reported_at_the_end),
            ("second panic", self.reported_beside_an_earlier_failure),
            ("caught panic", self.reported_as_caught),
            ("late awaiter", self.delivered_after_the_report),
            ("value", self.values_delivered),
            ("awaited cancellation", self.cancellations_delivered),
            ("silent cancellation", self.cancelled_in_silence),
            ("remote", self.remotes_failed),
            ("pool", self.pooled_failed),
            ("linked group", self.linked_failed),
            ("independent group", self.independent_failed),
            ("collecting group", self.collecting_failed),
            ("join of a group", self.groups_joined),
            ("drop of a group", self.groups_dropped),
        ];
        let unseen = cases.into_iter().filter(|(_, count)| *count == 0);
        unseen.map(|(case, _)| case).collect()
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.reported_because_the_handle_was_gone += other.reported_because_the_handle_was_gone;
        self.reported_because_the_handle_was_dropped +=
            other.reported_because_the_handle_was_dropped;
        self.reported_after_the_grace += other.reported_after_the_grace;
        self.reported_at_the_end += other.reported_at_the_end;
        self.reported_beside_an_earlier_failure += other.reported_beside_an_earlier_failure;
        self.reported_as_caught += other.reported_as_caught;
        self.delivered += other.delivered;
        self.delivered_after_the_report += other.delivered_after_the_report;
        self.values_delivered += other.values_delivered;
        self.cancellations_delivered += other.cancellations_delivered;
        self.cancelled_in_silence += other.cancelled_in_silence;
        self.remotes_failed += other.remotes_failed;
        self.pooled_failed += other.pooled_failed;
        self.linked_failed += other.linked_failed;
        self.independent_failed += other.independent_failed;
        self.collecting_failed += other.collecting_failed;
        self.groups_joined += other.groups_joined;
        self.groups_dropped += other.groups_dropped;
    }
}

/// Why a report is due.
#[derive(Clone, Copy, Debug)]
enum Why {
    HandleWasGone,
    HandleWasDropped,
    SecondFailure,
    Caught,
}

/// A report that must come before the next poll.
#[derive(Debug)]
struct Due {
    of: Number,
    message: String,
    why: Why,
    /// If the executor learns of it by mail: a report is due before time goes on.
    by_mail_at: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handle {
    Held,
    Forgotten,
    /// Dropped, or it has delivered.
    Gone,
}

/// The first failure of a task, which is the one that an awaiter would get.
#[derive(Debug)]
struct Failure {
    message: String,
    at: Duration,
    is_told: bool,
    is_delivered: bool,
}

#[derive(Debug)]
struct Account {
    kind: Kind,
    /// Its group reports its failure at once.
    is_independent: bool,
    is_begun: bool,
    handle: Handle,
    failure: Option<Failure>,
    has_returned: bool,
    is_aborted: bool,
    is_dropped: bool,
    values_dropped: usize,
}

struct Law {
    grace: Duration,
    now: Duration,
    tasks: BTreeMap<Number, Account>,
    groups: BTreeMap<GroupNumber, Members>,
    due: Vec<Due>,
    /// Everything is being cancelled, and unread failures are being reported.
    is_ending: bool,
    counted: u64,
    tally: Tally,
}

/// What the law knows of a group.
struct Members {
    kind: Group,
    numbers: Vec<Number>,
    /// What is spawned now is cancelled.
    is_cancelled: bool,
}

type Verdict = Result<(), String>;

/// Replays `trace`.
///
/// # Errors
///
/// The first offence.
pub fn judge(trace: &Trace) -> Result<Tally, String> {
    let mut law = Law {
        grace: trace.grace,
        now: Duration::ZERO,
        tasks: BTreeMap::new(),
        groups: BTreeMap::new(),
        due: Vec::new(),
        is_ending: false,
        counted: 0,
        tally: Tally::default(),
    };
    for (index, (at, event)) in trace.events.iter().enumerate() {
        law.now = *at;
        law.mail_was_read()
            .and_then(|()| law.apply(event))
            .map_err(|offence| format!("{offence}\n   at event {index}: {event:?}"))?;
    }
    law.close()?;
    Ok(law.tally)
}

impl Law {
    fn apply(&mut self, event: &Event) -> Verdict {
        match event {
            Event::Spawned(number, kind) => self.open_account(*number, *kind),
            Event::Polled(number) => self.on_poll(*number),
            Event::Fails(number, message) => self.on_failure(*number, message),
            Event::Catches(number, message) => {
                self.expect_report(*number, message, Why::Caught);
                Ok(())
            }
            Event::Returns(number) => {
                self.account(*number).has_returned = true;
                Ok(())
            }
            Event::Aborted(number) => {
                self.account(*number).is_aborted = true;
                Ok(())
            }
            Event::LetGo(number) => {
                self.on_handle_drop(*number);
                Ok(())
            }
            Event::Forgotten(number) => {
                self.account(*number).handle = Handle::Forgotten;
                Ok(())
            }
            Event::Dropped(number) => self.on_future_drop(*number),
            Event::Delivered(number, delivered) => self.on_delivery(*number, delivered),
            Event::Reported(report) => self.on_report(report),
            Event::ValueDropped(number) => {
                self.account(*number).values_dropped += 1;
                Ok(())
            }
            Event::GroupMade(number, kind) => {
                let group = Members {
                    kind: *kind,
                    numbers: Vec::new(),
                    is_cancelled: false,
                };
                self.groups.insert(*number, group);
                Ok(())
            }
            Event::GroupCancelled(group) => {
                self.cancel_group(*group);
                Ok(())
            }
            Event::GroupLetGo(group) => {
                for member in self.groups[group].numbers.clone() {
                    self.on_handle_drop(member);
                }
                Ok(())
            }
            Event::GroupDropped(group) => {
                self.tally.groups_dropped += 1;
                for member in self.cancel_group(*group) {
                    self.on_handle_drop(member);
                }
                Ok(())
            }
            Event::GroupJoined(group, summary) => self.on_group_join(*group, *summary),
            Event::Exits => {
                self.is_ending = true;
                Ok(())
            }
            Event::ExecutorEnds { failures } => {
                self.is_ending = true;
                let reported = self.counted;
                check(*failures == reported, || {
                    format!("{failures} failures were counted, {reported} reported")
                })
            }
            Event::ControlReturns => self.on_return(),
            Event::WaitsInVain(number, what) => {
                Err(format!("t{number} still waits, though {what}"))
            }
        }
    }

    fn open_account(&mut self, number: Number, kind: Kind) -> Verdict {
        let group = match kind {
            Kind::Member(group) => self.groups.get_mut(&group),
            _ => None,
        };
        let (is_independent, is_aborted) = group.map_or((false, false), |group| {
            group.numbers.push(number);
            (group.kind == Group::Independent, group.is_cancelled)
        });
        let account = Account {
            handle: if number == MAIN {
                Handle::Gone
            } else {
                Handle::Held
            },
            kind,
            is_independent,
            is_begun: false,
            failure: None,
            has_returned: false,
            is_aborted,
            is_dropped: false,
            values_dropped: 0,
        };
        check(self.tasks.insert(number, account).is_none(), || {
            format!("t{number} was spawned twice")
        })
    }

    fn account(&mut self, number: Number) -> &mut Account {
        self.tasks
            .get_mut(&number)
            .expect("a task is spawned before anything else happens to it")
    }

    fn expect_report(&mut self, of: Number, message: &str, why: Why) {
        let message = message.to_owned();
        let is_remote = self.account(of).kind == Kind::Remote && !matches!(why, Why::Caught);
        let by_mail_at = is_remote.then_some(self.now);
        self.due.push(Due {
            of,
            message,
            why,
            by_mail_at,
        });
    }

    fn on_poll(&mut self, number: Number) -> Verdict {
        self.nothing_is_due()?;
        self.no_grace_is_over()?;
        check(!self.is_ending, || {
            format!("t{number} was polled after `exit`")
        })?;
        let account = self.account(number);
        check(!account.is_dropped, || {
            format!("t{number} was polled after its end")
        })?;
        check(!account.is_aborted, || {
            format!("t{number} was polled after it was aborted")
        })?;
        account.is_begun = true;
        let is_running = |account: &&Account| {
            account.kind == Kind::Pooled && account.is_begun && !account.is_dropped
        };
        let running = self.tasks.values().filter(is_running).count();
        check(running <= POOL_LIMIT, || {
            format!("{running} tasks of the pool run at once")
        })
    }

    /// No task of the group is polled any more. Gives them.
    fn cancel_group(&mut self, group: GroupNumber) -> Vec<Number> {
        let group = self.groups.get_mut(&group).expect("it was made");
        group.is_cancelled = true;
        let numbers = group.numbers.clone();
        for number in &numbers {
            self.account(*number).is_aborted = true;
        }
        numbers
    }

    fn on_group_join(&mut self, group: GroupNumber, summary: Option<GroupSummary>) -> Verdict {
        self.tally.groups_joined += 1;
        let numbers = self.cancel_group(group);
        let mut expected = [0; 3];
        for number in numbers {
            let account = self.account(number);
            check(account.is_dropped, || {
                format!("its group was joined before t{number} was gone")
            })?;
            let which = match &account.failure {
                Some(_) => 1,
                None if account.has_returned => 0,
                None => 2,
            };
            expected[which] += 1;
            let is_lost = match &account.failure {
                Some(failure) if summary.is_none() => !failure.is_delivered,
                _ => false,
            };
            check(!is_lost, || {
                format!("the failure of t{number} is not among those of its group")
            })?;
            account.handle = Handle::Gone;
        }
        let Some(summary) = summary else {
            return Ok(());
        };
        let counts = [summary.succeeded, summary.failed, summary.cancelled];
        check(counts == expected, || {
            format!("the group counts {counts:?} instead of {expected:?}")
        })
    }

    fn on_failure(&mut self, number: Number, message: &str) -> Verdict {
        let at = self.now;
        let account = self.account(number);
        if account.failure.is_some() {
            self.expect_report(number, message, Why::SecondFailure);
            return Ok(());
        }
        account.failure = Some(Failure {
            message: message.to_owned(),
            at,
            is_told: false,
            is_delivered: false,
        });
        let (kind, is_independent) = (account.kind, account.is_independent);
        if account.handle == Handle::Gone || is_independent {
            self.expect_report(number, message, Why::HandleWasGone);
        }
        match kind {
            Kind::Plain => {}
            Kind::Remote => self.tally.remotes_failed += 1,
            Kind::Pooled => self.tally.pooled_failed += 1,
            Kind::Member(_) if is_independent => self.tally.independent_failed += 1,
            Kind::Member(group) if self.groups[&group].kind == Group::Collecting => {
                self.tally.collecting_failed += 1;
            }
            Kind::Member(group) => {
                self.tally.linked_failed += 1;
                self.cancel_group(group);
            }
        }
        Ok(())
    }

    fn on_handle_drop(&mut self, number: Number) {
        let account = self.account(number);
        account.handle = Handle::Gone;
        if let Some(failure) = &account.failure
            && !failure.is_told
            && !failure.is_delivered
            && !account.is_independent
        {
            let message = failure.message.clone();
            self.expect_report(number, &message, Why::HandleWasDropped);
        }
    }

    /// A future is dropped once: when its task is done, or has to be cancelled.
    fn on_future_drop(&mut self, number: Number) -> Verdict {
        let is_ending = self.is_ending;
        let account = self.account(number);
        check(!account.is_dropped, || {
            format!("the future of t{number} was dropped twice")
        })?;
        account.is_dropped = true;
        let is_done = account.has_returned || account.failure.is_some();
        let may_be_cancelled = account.is_aborted || is_ending;
        check(is_done || may_be_cancelled, || {
            format!("t{number} was cancelled, though nobody has asked for it")
        })?;
        if !is_done && account.handle == Handle::Gone {
            self.tally.cancelled_in_silence += 1;
        }
        Ok(())
    }

    fn on_delivery(&mut self, number: Number, delivered: &Delivered) -> Verdict {
        let account = self.account(number);
        check(account.handle == Handle::Held, || {
            format!("t{number} was joined twice")
        })?;
        account.handle = Handle::Gone;
        check(account.is_dropped, || {
            format!("t{number} was joined before its future was dropped")
        })?;
        match (delivered, &mut account.failure) {
            (Delivered::Value(of), None) if account.has_returned => {
                self.tally.values_delivered += 1;
                check(*of == number, || {
                    format!("the value of t{of} came from the handle of t{number}")
                })
            }
            (Delivered::Cancelled, None) if !account.has_returned => {
                self.tally.cancellations_delivered += 1;
                Ok(())
            }
            (Delivered::Failure(message), Some(failure)) if *message == failure.message => {
                failure.is_delivered = true;
                if failure.is_told {
                    self.tally.delivered_after_the_report += 1;
                } else {
                    self.tally.delivered += 1;
                }
                Ok(())
            }
            _ => Err(format!("t{number} has come to another end: {account:?}")),
        }
    }

    fn on_report(&mut self, report: &Report) -> Verdict {
        check(report.names_its_cause, || {
            "the report does not say whose failure was passed on".to_owned()
        })?;
        if report.kind != FailureKind::Caught {
            self.counted += 1;
        }
        let due = self.due.iter().position(|due| {
            let kind_fits = matches!(due.why, Why::Caught) == (report.kind == FailureKind::Caught);
            due.of == report.of && due.message == report.message && kind_fits
        });
        match due.map(|index| self.due.remove(index)) {
            Some(due) => self.settle_due(&due),
            None => self.settle_unread(report),
        }
    }

    fn settle_due(&mut self, due: &Due) -> Verdict {
        let count = match due.why {
            Why::HandleWasGone => &mut self.tally.reported_because_the_handle_was_gone,
            Why::HandleWasDropped => &mut self.tally.reported_because_the_handle_was_dropped,
            Why::SecondFailure => &mut self.tally.reported_beside_an_earlier_failure,
            Why::Caught => &mut self.tally.reported_as_caught,
        };
        *count += 1;
        if let (Why::HandleWasGone | Why::HandleWasDropped, Some(failure)) =
            (due.why, &mut self.account(due.of).failure)
        {
            failure.is_told = true;
        }
        Ok(())
    }

    /// A report that was not due: the grace must be over, or the executor at its end.
    fn settle_unread(&mut self, report: &Report) -> Verdict {
        let (now, grace, is_ending) = (self.now, self.grace, self.is_ending);
        let number = report.of;
        let failure = self.account(number).failure.as_mut();
        let Some(failure) = failure.filter(|failure| failure.message == report.message) else {
            return Err(format!("t{number} has not failed like that"));
        };
        check(!failure.is_told, || format!("t{number} was reported twice"))?;
        check(!failure.is_delivered, || {
            format!("t{number} was delivered and reported")
        })?;
        failure.is_told = true;
        if now >= failure.at + grace {
            self.tally.reported_after_the_grace += 1;
            return Ok(());
        }
        self.tally.reported_at_the_end += 1;
        check(is_ending, || {
            format!("t{number} was reported, though its handle is held and its grace is not over")
        })
    }

    /// Time goes on only when all mail was read.
    fn mail_was_read(&self) -> Verdict {
        let is_late = |due: &&Due| due.by_mail_at.is_some_and(|at| at < self.now);
        let late = self.due.iter().find(is_late);
        check(late.is_none(), || format!("not reported in time: {late:?}"))
    }

    /// The host has control again: no poll is left in which to report what is due.
    fn on_return(&mut self) -> Verdict {
        self.nothing_is_due()?;
        if std::mem::take(&mut self.is_ending) {
            check(self.due.is_empty(), || {
                format!("lost at the end: {:?}", self.due)
            })?;
            self.nothing_is_unread()?;
        }
        Ok(())
    }

    fn nothing_is_due(&self) -> Verdict {
        let is_due_now = |due: &Due| due.by_mail_at.is_none();
        check(!self.due.iter().any(is_due_now), || {
            format!(
                "not reported in the pass in which it should be: {:?}",
                self.due
            )
        })
    }

    fn unread(&self) -> impl Iterator<Item = (&Number, &Failure)> {
        let failures = self
            .tasks
            .iter()
            .filter_map(|(number, account)| Some((number, account.failure.as_ref()?)));
        failures.filter(|(_, failure)| !failure.is_told && !failure.is_delivered)
    }

    fn no_grace_is_over(&self) -> Verdict {
        for (number, failure) in self.unread() {
            check(failure.at + self.grace >= self.now, || {
                format!("the grace of t{number} has passed without a report")
            })?;
        }
        Ok(())
    }

    fn nothing_is_unread(&self) -> Verdict {
        let unread: Vec<_> = self.unread().collect();
        check(unread.is_empty(), || format!("lost at the end: {unread:?}"))
    }

    /// Nothing happens any more.
    fn close(&self) -> Verdict {
        self.nothing_is_due()?;
        self.nothing_is_unread()?;
        for (number, account) in &self.tasks {
            check(account.is_dropped, || {
                format!("the future of t{number} was never dropped")
            })?;
            let values = usize::from(account.has_returned);
            let dropped = account.values_dropped;
            let is_leaked = account.handle == Handle::Forgotten;
            check(dropped == values || is_leaked && dropped == 0, || {
                format!("the value of t{number} was dropped {dropped} times")
            })?;
        }
        Ok(())
    }
}

fn check(holds: bool, offence: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(offence()) }
}
