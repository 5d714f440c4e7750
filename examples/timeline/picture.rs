//! What a trace says, ready to be drawn.
//!
//! A poll takes a thousandth of the time of a sleep, so no scale shows both. Here each event is one step wide, and a
//! stretch in which the thread sleeps is some steps wide.

use std::collections::BTreeMap;

use serde_json::Value;

/// How many steps wide a parked stretch is.
const PARKED: usize = 5;

/// What a trace says, in steps instead of times.
#[derive(Default)]
pub struct Picture {
    pub lanes: Vec<Lane>,
    /// The step of each event, by its time: no two events share one.
    pub steps: BTreeMap<u64, usize>,
    pub parked: Vec<Stretch>,
    pub timers: Vec<usize>,
    pub arrows: Vec<Arrow>,
    pub end: Stretch,
}

pub struct Lane {
    pub number: u64,
    pub name: String,
    /// From the first to the last that is seen of it.
    pub life: Option<(usize, usize)>,
    pub polls: Vec<(usize, usize)>,
    /// Where it ended, and how.
    pub ending: Option<(usize, String)>,
}

/// From one step to another, and what a clock says at the end.
#[derive(Clone, Copy, Default)]
pub struct Stretch {
    pub from: usize,
    pub to: usize,
    pub nanos: (u64, u64),
}

pub struct Arrow {
    pub verb: String,
    pub from: (usize, u64),
    pub to: (usize, u64),
}

impl Picture {
    pub fn of(trace: &Value) -> Self {
        let mut picture = Picture::default();
        let mut step = 1;
        for event in trace["traceEvents"].as_array().into_iter().flatten() {
            let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
            let (phase, name) = (text(&event["ph"]), text(&event["name"]));
            let number = event["tid"].as_u64().unwrap_or_default();
            let nanos = (event["ts"].as_f64().unwrap_or_default() * 1e3).round() as u64;
            match phase.as_str() {
                "M" if name == "thread_name" => {
                    let name = text(&event["args"]["name"]);
                    picture.lanes.push(Lane::new(number, name));
                }
                "M" => {}
                "s" => {
                    let from = (picture.steps[&nanos], number);
                    picture.arrows.push(Arrow {
                        verb: name,
                        from,
                        to: (0, 0),
                    });
                }
                "f" => {
                    let to = (picture.steps[&nanos], number);
                    picture.arrows.last_mut().expect("it has begun").to = to;
                }
                _ => {
                    let lane = picture.lanes.iter_mut().find(|lane| lane.number == number);
                    let lane = lane.expect("each lane is named before it is used");
                    match (phase.as_str(), name.as_str()) {
                        ("B", "park") => {
                            let nanos = (nanos, nanos);
                            picture.parked.push(Stretch {
                                from: step,
                                to: step,
                                nanos,
                            });
                        }
                        ("E", "park") => {
                            step += PARKED;
                            let parked = picture.parked.last_mut().expect("it has begun");
                            (parked.to, parked.nanos.1) = (step, nanos);
                        }
                        ("B", _) => lane.polls.push((step, step)),
                        ("E", _) => lane.polls.last_mut().expect("it has begun").1 = step,
                        ("i", name) if name.starts_with("timer") => picture.timers.push(step),
                        // The failure comes first, and says more.
                        ("i", name) if lane.ending.is_none() => {
                            lane.ending = Some((step, name.to_owned()))
                        }
                        _ => {}
                    }
                    lane.life = Some((lane.life.map_or(step, |life| life.0), step));
                    picture.steps.insert(nanos, step);
                    (picture.end.to, picture.end.nanos.1) = (step, nanos);
                    step += 1;
                }
            }
        }
        picture.lanes.retain(|lane| lane.life.is_some());
        picture
    }
}

impl Lane {
    fn new(number: u64, name: String) -> Self {
        Lane {
            number,
            name,
            life: None,
            polls: Vec::new(),
            ending: None,
        }
    }

    pub fn failure(&self) -> Option<&str> {
        let (_, ending) = self.ending.as_ref()?;
        ending.contains(": ").then_some(ending)
    }
}
