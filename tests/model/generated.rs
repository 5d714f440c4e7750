//! How proptest makes a program.
//!
//! Knows what programs consist of.

use proptest::collection::vec;
use proptest::prelude::*;

use super::program::{
    Callback, Ending, Entry, Foreign, From, GATES, GroupThen, HostStep, Parting, Plan, Program,
    Step, Then, Watching,
};
use super::trace::Group;

pub fn programs() -> impl Strategy<Value = Program> {
    let entry = prop_oneof![
        3 => Just(Entry::Run),
        3 => Just(Entry::BlockOn),
        1 => Just(Entry::RunUntil),
        1 => Just(Entry::Tick),
        1 => Just(Entry::TryTick),
        1 => Just(Entry::RunUntilStalled),
    ];
    let host = vec(host_steps(), 0..4);
    let parts = (plans(), entry, host, 1_u64..12, callbacks(), instruments());
    parts.prop_map(|(main, entry, host, grace, callback, instrument)| Program {
        main: main.for_main(entry),
        entry,
        host,
        grace,
        callback,
        instrument,
    })
}

fn callbacks() -> impl Strategy<Value = Callback> {
    prop_oneof![
        6 => Just(Callback::Quiet),
        1 => Just(Callback::Panics),
        1 => Just(Callback::Spawns),
        1 => Just(Callback::Wakes),
        1 => Just(Callback::Aborts),
        1 => Just(Callback::LetsGo),
        1 => Just(Callback::Nests),
    ]
}

fn instruments() -> impl Strategy<Value = Watching> {
    prop_oneof![
        2 => Just(Watching::Nobody),
        3 => Just(Watching::Noting),
        1 => Just(Watching::Waking),
        1 => any::<u8>().prop_map(Watching::Panicking),
    ]
}

fn plans() -> impl Strategy<Value = Plan> {
    let leaf = plan_of(vec(plain_steps(), 0..4));
    leaf.prop_recursive(3, 24, 4, |children| {
        let step = prop_oneof![
            8 => plain_steps().boxed(),
            4 => children.clone().prop_map(Step::Spawn).boxed(),
            1 => (children.clone(), places())
                .prop_map(|(plan, from)| Step::SpawnRemote(plan, from))
                .boxed(),
            1 => children.clone().prop_map(Step::Submit).boxed(),
            1 => children.clone().prop_map(Step::SpawnBeside).boxed(),
            1 => mappings(children.clone()).boxed(),
            1 => groups(children).boxed(),
        ];
        plan_of(vec(step, 1..9))
    })
}

fn groups(members: impl Strategy<Value = Plan>) -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        2 => Just(Group::Linked),
        1 => Just(Group::Independent),
        1 => Just(Group::Collecting),
    ];
    let then = prop_oneof![
        4 => Just(GroupThen::Join),
        2 => Just(GroupThen::NextAndJoin),
        1 => Just(GroupThen::CancelAndJoin),
        1 => Just(GroupThen::Drop),
        1 => Just(GroupThen::Keep),
    ];
    (kind, vec(members, 0..4), then)
        .prop_map(|(kind, members, then)| Step::Group(kind, members, then))
}

fn mappings(inputs: impl Strategy<Value = Plan>) -> impl Strategy<Value = Step> {
    (vec(inputs, 0..5), any::<bool>(), 0_usize..6).prop_map(|(plans, is_in_order, taken)| {
        Step::Map {
            plans,
            is_in_order,
            taken,
        }
    })
}

fn places() -> impl Strategy<Value = From> {
    // A thread takes as long as a hundred steps.
    prop_oneof![3 => Just(From::Here), 1 => Just(From::Thread)]
}

fn foreign_wakers() -> impl Strategy<Value = Foreign> {
    prop_oneof![
        Just(Foreign::Quiet),
        Just(Foreign::PanicsWhenCloned),
        Just(Foreign::PanicsWhenWoken),
        Just(Foreign::PanicsWhenDropped),
        Just(Foreign::ComesBackWhenWoken),
        Just(Foreign::ComesBackWhenDropped),
    ]
}

fn plan_of(steps: impl Strategy<Value = Vec<Step>>) -> impl Strategy<Value = Plan> {
    let ending = prop_oneof![
        4 => Just(Ending::Return),
        4 => Just(Ending::Fail),
        4 => Just(Ending::Panic),
        1 => Just(Ending::PanicUnseen),
        1 => Just(Ending::Never),
    ];
    let parting = prop_oneof![
        8 => Just(Parting::Quiet),
        2 => Just(Parting::Panic),
        1 => Just(Parting::Spawn),
    ];
    (steps, ending, parting, prop::bool::weighted(0.2)).prop_map(
        |(steps, ending, parting, is_daemon)| Plan {
            steps,
            ending,
            parting,
            is_daemon,
        },
    )
}

fn plain_steps() -> impl Strategy<Value = Step> {
    let one = || 0_usize..6;
    let a_while = || 0_u64..16;
    let then = prop_oneof![Just(Then::Handle), Just(Then::Pass), Just(Then::Resume)];
    prop_oneof![
        4 => Just(Step::Yield),
        5 => a_while().prop_map(Step::Sleep),
        2 => (0..GATES).prop_map(Step::WaitAt),
        2 => (0..GATES).prop_map(Step::Open),
        1 => (one(), places()).prop_map(|(which, from)| Step::Nudge(which, from)),
        1 => Just(Step::Catch),
        6 => (one(), then).prop_map(|(which, then)| Step::Join(which, then)),
        2 => (one(), a_while()).prop_map(|(which, time)| Step::JoinWithin(which, time)),
        1 => (one(), one()).prop_map(|(one, other)| Step::Race(one, other)),
        1 => (one(), foreign_wakers()).prop_map(|(which, waker)| Step::Meet(which, waker)),
        2 => one().prop_map(Step::Detach),
        2 => one().prop_map(Step::Drop),
        1 => one().prop_map(Step::Forget),
        2 => one().prop_map(Step::Abort),
        2 => (one(), one()).prop_map(|(which, to)| Step::Give(which, to)),
        2 => one().prop_map(Step::GiveToHost),
        // Rare, because it ends a program of which little was seen.
        1 => prop_oneof![9 => Just(Step::Yield), 1 => Just(Step::Exit)],
    ]
}

fn host_steps() -> impl Strategy<Value = HostStep> {
    let one = || 0_usize..4;
    prop_oneof![
        one().prop_map(HostStep::Drop),
        one().prop_map(HostStep::Await),
        Just(HostStep::Settle),
        Just(HostStep::Drain),
    ]
}
