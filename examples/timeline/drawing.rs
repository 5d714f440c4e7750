//! Draws a picture as an SVG that needs no other file, in light or dark as the viewer prefers.

use std::fmt::{self, Write};

use crate::picture::{Arrow, Lane, Picture};

/// The width of a step, and the height of a lane.
const STEP: usize = 14;
const LANE: usize = 46;
/// Where the steps begin, and the lanes.
const LEFT: usize = 190;
const TOP: usize = 96;
const STYLE: &str = "
text { font: 13px system-ui, sans-serif; fill: #1d2733; paint-order: stroke; stroke: #ffffff; stroke-width: 3px }
text.name, text.faint { stroke: none }
.paper { fill: #ffffff } .row { fill: #f4f6f9 } .park { fill: #e3e8ef } .faint { fill: #5b6b7d; font-size: 11px }
.title { font-size: 18px; font-weight: 600 } .name { text-anchor: end } .life { stroke: #b4c0cd; stroke-width: 2 }
.axis { stroke: #8494a6 } .poll { fill: #2f7ed8 } .timer { fill: #ffffff; stroke: #7a4fc9; stroke-width: 2 }
.wake { stroke: #e07b00; fill: none; stroke-width: 2 } .wake-head { fill: #e07b00 }
.spawn { stroke: #6f8396; fill: none; stroke-width: 1.5; stroke-dasharray: 4 3 } .spawn-head { fill: #6f8396 }
.failed { fill: #d1002c } text.failed { font-weight: 700 } .cross { stroke: #d1002c; stroke-width: 4 }
@media (prefers-color-scheme: dark) {
text { fill: #e8edf3; stroke: #10161d } .paper { fill: #10161d } .row { fill: #18212b } .park { fill: #2a3542 }
.faint { fill: #9fb0c2 } .life { stroke: #4a5a6b } .axis { stroke: #74869a } .poll { fill: #5aa2f5 }
.timer { fill: #10161d; stroke: #b795ff } .wake { stroke: #ffb03b } .wake-head { fill: #ffb03b }
.spawn { stroke: #93a7bb } .spawn-head { fill: #93a7bb } .failed { fill: #ff5c77 } .cross { stroke: #ff5c77 }
}";

impl Picture {
    pub fn svg(&self) -> String {
        let mut svg = String::new();
        self.draw(&mut svg).expect("a string takes everything");
        svg
    }

    fn draw(&self, svg: &mut String) -> fmt::Result {
        let (width, bottom) = (self.width(), TOP + LANE * self.lanes.len());
        let height = bottom + 56;
        writeln!(
            svg,
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}'>\n<style>{STYLE}</style>\n<defs>"
        )?;
        for verb in ["wake", "spawn"] {
            writeln!(
                svg,
                "<marker id='{verb}' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='8' markerHeight='8' \
                 markerUnits='userSpaceOnUse' orient='auto'><path class='{verb}-head' d='M0 0L8 4L0 8z'/></marker>"
            )?;
        }
        writeln!(
            svg,
            "</defs>\n<rect class='paper' width='{width}' height='{height}'/>"
        )?;
        writeln!(
            svg,
            "<text class='title' x='20' y='34'>Who woke whom, and what failed</text>"
        )?;
        for row in (0..self.lanes.len()).step_by(2) {
            let y = TOP + LANE * row;
            writeln!(
                svg,
                "<rect class='row' y='{y}' width='{width}' height='{LANE}'/>"
            )?;
        }
        self.draw_times(svg, bottom)?;
        for (row, lane) in self.lanes.iter().enumerate() {
            lane.draw(svg, TOP + LANE * row + LANE / 2)?;
        }
        for arrow in &self.arrows {
            self.draw_arrow(svg, arrow)?;
        }
        for timer in &self.timers {
            draw_timer(svg, x(*timer), self.y(1))?;
        }
        for lane in &self.lanes {
            lane.draw_ending(svg, self.y(lane.number))?;
        }
        draw_legend(svg)?;
        writeln!(svg, "</svg>")
    }

    /// Wide enough for the words behind the lanes and for the legend.
    fn width(&self) -> usize {
        let words = self.lanes.iter().filter_map(|lane| {
            let (_, ending) = lane.ending.as_ref()?;
            Some(x(lane.life?.1) + 8 * escaped(ending).chars().count())
        });
        words.chain([x(self.end.to), 900]).max().unwrap_or_default() + 40
    }

    /// The middle of a lane.
    fn y(&self, number: u64) -> usize {
        let row = self.lanes.iter().position(|lane| lane.number == number);
        TOP + LANE * row.unwrap_or_default() + LANE / 2
    }

    fn draw_times(&self, svg: &mut String, bottom: usize) -> fmt::Result {
        let height = bottom - TOP;
        for parked in &self.parked {
            let (from, to) = (x(parked.from), x(parked.to));
            let (width, middle) = (to - from, (from + to) / 2);
            let slept = millis(parked.nanos.1 - parked.nanos.0);
            writeln!(
                svg,
                "<rect class='park' x='{from}' y='{TOP}' width='{width}' height='{height}'/>\
                 <text class='faint' text-anchor='middle' x='{middle}' y='{}'>{slept}</text>",
                self.y(1) + 4
            )?;
        }
        let right = x(self.end.to);
        writeln!(svg, "<path class='axis' d='M{LEFT} {bottom}H{right}'/>")?;
        let stretches = self.parked.iter().chain([&self.end]);
        let ticks = stretches.map(|stretch| (stretch.to, stretch.nanos.1));
        for (step, nanos) in [(1, 0)].into_iter().chain(ticks) {
            writeln!(
                svg,
                "<path class='axis' d='M{0} {bottom}v6'/><text class='faint' text-anchor='middle' x='{0}' y='{1}'>{2}</text>",
                x(step),
                bottom + 20,
                millis(nanos)
            )?;
        }
        writeln!(
            svg,
            "<text class='faint' x='{LEFT}' y='{}'>Not to scale: each thing that happens is one step wide, however \
             long it took.</text>",
            bottom + 42
        )
    }

    /// From the middle of its cause to the edge of the poll that it led to.
    fn draw_arrow(&self, svg: &mut String, arrow: &Arrow) -> fmt::Result {
        let Arrow { verb, from, to } = arrow;
        let (x1, y1, x2) = (x(from.0), self.y(from.1), x(to.0) + STEP / 2);
        let y2 = if self.y(to.1) > y1 {
            self.y(to.1) - 12
        } else {
            self.y(to.1) + 12
        };
        let bend = (y1 + y2) / 2;
        writeln!(
            svg,
            "<circle class='{verb}-head' cx='{x1}' cy='{y1}' r='3.5'/>\
             <path class='{verb}' marker-end='url(#{verb})' d='M{x1} {y1}C{x1} {bend} {x2} {bend} {x2} {y2}'/>"
        )
    }
}

impl Lane {
    fn draw(&self, svg: &mut String, y: usize) -> fmt::Result {
        let class = if self.failure().is_some() {
            "name failed"
        } else {
            "name"
        };
        let name = escaped(&self.name);
        writeln!(
            svg,
            "<text class='{class}' x='{}' y='{}'>{name}</text>",
            LEFT - 14,
            y + 5
        )?;
        if let (Some((from, to)), true) = (self.life, self.number > 1) {
            writeln!(svg, "<path class='life' d='M{} {y}H{}'/>", x(from), x(to))?;
        }
        for (index, (from, to)) in self.polls.iter().enumerate() {
            let is_last = index + 1 == self.polls.len();
            let class = if is_last && self.failure().is_some() {
                "failed"
            } else {
                "poll"
            };
            let (x, width) = (x(*from), (to - from) * STEP);
            writeln!(
                svg,
                "<rect class='{class}' x='{x}' y='{}' width='{width}' height='22' rx='3'/>",
                y - 11
            )?;
        }
        Ok(())
    }

    /// Says how it ended, to the right of its last event.
    fn draw_ending(&self, svg: &mut String, y: usize) -> fmt::Result {
        let (Some((step, ending)), Some((_, end))) = (&self.ending, self.life) else {
            return Ok(());
        };
        let mut class = "faint";
        if self.failure().is_some() {
            class = "failed";
            let (x, y) = (x(*step) - 4, y - 6);
            writeln!(svg, "<path class='cross' d='M{x} {y}l12 12m0 -12l-12 12'/>")?;
        }
        let (x, y) = (x(end) + 10, y + 5);
        writeln!(
            svg,
            "<text class='{class}' x='{x}' y='{y}'>{}</text>",
            escaped(ending)
        )
    }
}

fn draw_timer(svg: &mut String, x: usize, y: usize) -> fmt::Result {
    writeln!(
        svg,
        "<circle class='timer' cx='{x}' cy='{y}' r='7'/><path class='timer' d='M{x} {}V{y}h4'/>",
        y - 5
    )
}

fn draw_legend(svg: &mut String) -> fmt::Result {
    let y = 62;
    write!(
        svg,
        "<rect class='poll' x='20' y='{}' width='26' height='16' rx='3'/>",
        y - 8
    )?;
    write!(
        svg,
        "<path class='wake' marker-end='url(#wake)' d='M110 {y}h32'/>"
    )?;
    write!(
        svg,
        "<path class='spawn' marker-end='url(#spawn)' d='M300 {y}h32'/>"
    )?;
    draw_timer(svg, 526, y)?;
    write!(
        svg,
        "<rect class='park' x='646' y='{}' width='26' height='16'/>",
        y - 8
    )?;
    write!(
        svg,
        "<path class='cross' d='M818 {}l12 12m0 -12l-12 12'/>",
        y - 6
    )?;
    let words = [
        (52, "a poll"),
        (148, "a wake, to the poll"),
        (340, "a spawn, to the first poll"),
        (542, "a timer fires"),
        (680, "the thread sleeps"),
        (838, "a failure"),
    ];
    for (x, word) in words {
        writeln!(svg, "<text x='{x}' y='{}'>{word}</text>", y + 5)?;
    }
    Ok(())
}

fn x(step: usize) -> usize {
    LEFT + STEP * step
}

fn millis(nanos: u64) -> String {
    format!("{:.1} ms", nanos as f64 / 1e6)
}

fn escaped(text: &str) -> String {
    let text = text.lines().next().unwrap_or_default();
    text.replace('&', "&amp;").replace('<', "&lt;")
}
