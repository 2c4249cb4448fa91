//! Lines in a frame, as SVG.

use std::fmt::Write as _;

use super::escape;
use super::scale::Scale;

/// In the units of the drawing; the page scales it to its width.
const SIZE: (f64, f64) = (960.0, 280.0);
/// Left, top, right and bottom of the lines' frame.
const FRAME: (f64, f64, f64, f64) = (72.0, 12.0, 940.0, 228.0);
/// Colours of the style sheet; more lines use them again, dashed.
const COLORS: usize = 6;
/// Two points of a line are at least so far apart from left to right, unless it jumps.
const DOT: f64 = 0.4;

/// A line of a chart.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// For the legend.
    pub(super) name: String,
    /// Left to right; a `y` that is no number is a gap.
    pub(super) points: Vec<(f64, f64)>,
}

/// Some lines over the same axis.
#[derive(Debug, Clone)]
pub(super) struct Chart {
    /// Above it.
    pub(super) title: &'static str,
    /// What it shows, for those who cannot see it.
    pub(super) description: String,
    /// What the numbers below it are.
    pub(super) x_label: &'static str,
    /// What the numbers at its left are.
    pub(super) y_label: &'static str,
    pub(super) x: Scale,
    pub(super) y: Scale,
    pub(super) lines: Vec<Line>,
}

impl Chart {
    /// A `figure` with title, legend and drawing; `place` is its number on the page.
    pub(super) fn html(&self, place: usize) -> String {
        let (width, height) = SIZE;
        let description = escape(&self.description);
        let title = self.title;
        format!(
            "<figure><figcaption><h2>{title}</h2>{}</figcaption>\
             <svg class=\"chart\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-labelledby=\"t{place} d{place}\"{}>\
             <title id=\"t{place}\">{title}</title><desc id=\"d{place}\">{description}</desc>\
             {}{}<line class=\"cursor\" hidden=\"\"></line></svg><output hidden></output></figure>\n",
            self.legend(),
            self.read_out(),
            self.grid(),
            self.drawing(),
        )
    }

    fn legend(&self) -> String {
        let entries: String = self
            .lines
            .iter()
            .enumerate()
            .map(|(place, line)| {
                let class = class(place);
                let name = escape(&line.name);
                format!(
                    "<li><svg class=\"key\" viewBox=\"0 0 24 8\" aria-hidden=\"true\">\
                     <path class=\"{class}\" d=\"M1 4H23\"></path></svg>{name}</li>"
                )
            })
            .collect();
        format!("<ul class=\"legend\">{entries}</ul>")
    }

    /// What the read-out needs to tell a value from a place.
    fn read_out(&self) -> String {
        let (left, top, right, bottom) = FRAME;
        let x = match self.x {
            Scale::Linear { to, .. } | Scale::Seconds { to, .. } => {
                format!("data-x=\"linear\" data-x-to=\"{to}\"")
            }
            Scale::Percentile { nines } => format!("data-x=\"percentile\" data-x-to=\"{nines}\""),
        };
        let y = match self.y {
            Scale::Linear { to, time, .. } => format!(
                "data-y-to=\"{to}\" data-unit=\"{}\"",
                if time { " ms" } else { "" }
            ),
            Scale::Seconds { to, .. } => format!("data-y-to=\"{to}\" data-unit=\" s\""),
            Scale::Percentile { .. } => String::new(),
        };
        format!(" {x} {y} data-frame=\"{left} {top} {right} {bottom}\"")
    }

    fn grid(&self) -> String {
        let (left, top, right, bottom) = FRAME;
        let mut svg = String::new();
        for (value, name) in self.y.ticks() {
            let y = self.y_at(value);
            write!(
                svg,
                "<path class=\"grid\" d=\"M{left} {y:.1}H{right}\"></path>\
                 <text class=\"y\" x=\"{:.1}\" y=\"{:.1}\">{name}</text>",
                left - 8.0,
                y + 4.0
            )
            .expect("a string takes everything");
        }
        for (value, name) in self.x.ticks() {
            let x = self.x_at(value);
            write!(
                svg,
                "<path class=\"grid\" d=\"M{x:.1} {top}V{bottom}\"></path>\
                 <text class=\"x\" x=\"{x:.1}\" y=\"{:.1}\">{name}</text>",
                bottom + 18.0
            )
            .expect("a string takes everything");
        }
        let (middle_x, middle_y) = (f64::midpoint(left, right), f64::midpoint(top, bottom));
        write!(
            svg,
            "<path class=\"axis\" d=\"M{left} {top}V{bottom}H{right}\"></path>\
             <text class=\"x label\" x=\"{middle_x:.1}\" y=\"{:.1}\">{}</text>\
             <text class=\"x label\" transform=\"translate(14 {middle_y:.1}) rotate(-90)\">{}</text>",
            bottom + 42.0,
            self.x_label,
            self.y_label
        )
        .expect("a string takes everything");
        svg
    }

    /// The last line is drawn first, so that the first one lies above all.
    fn drawing(&self) -> String {
        let lines: Vec<String> = self
            .lines
            .iter()
            .enumerate()
            .map(|(place, line)| {
                format!(
                    "<path class=\"{}\" data-name=\"{}\" d=\"{}\"></path>",
                    class(place),
                    escape(&line.name),
                    self.path(&line.points)
                )
            })
            .rev()
            .collect();
        lines.concat()
    }

    fn path(&self, points: &[(f64, f64)]) -> String {
        let mut path = String::new();
        let mut last: Option<(f64, f64)> = None;
        for (place, (x, y)) in points.iter().enumerate() {
            if !y.is_finite() {
                last = None;
                continue;
            }
            let (x, y) = (self.x_at(*x), self.y_at(*y));
            let near = |(last_x, last_y): (f64, f64)| (x - last_x).abs() < DOT && (y - last_y).abs() < DOT;
            if place + 1 < points.len() && last.is_some_and(near) {
                continue;
            }
            // A line of no length is a dot, so that a point between two gaps is seen.
            let step = if last.is_none() {
                format!("M{x:.1} {y:.1}h0")
            } else {
                format!("L{x:.1} {y:.1}")
            };
            path.push_str(&step);
            last = Some((x, y));
        }
        path
    }

    fn x_at(&self, value: f64) -> f64 {
        let (left, _, right, _) = FRAME;
        left + (right - left) * self.x.place(value)
    }

    fn y_at(&self, value: f64) -> f64 {
        let (_, top, _, bottom) = FRAME;
        bottom - (bottom - top) * self.y.place(value)
    }
}

fn class(place: usize) -> String {
    let color = place % COLORS;
    let dashes = place / COLORS;
    if dashes == 0 {
        format!("line c{color}")
    } else {
        format!("line c{color} dashed{}", (dashes - 1) % 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: &[(f64, f64)]) -> Chart {
        Chart {
            title: "Latency",
            description: "a < b".to_owned(),
            x_label: "time",
            y_label: "ms",
            x: Scale::seconds(10.0),
            y: Scale::linear(4.0, true),
            lines: vec![Line {
                name: "<p50>".to_owned(),
                points: points.to_vec(),
            }],
        }
    }

    #[test]
    fn a_line_goes_from_corner_to_corner_of_the_frame() {
        let path = chart(&[]).path(&[(0.0, 0.0), (10.0, 4.0)]);
        assert_eq!(path, "M72.0 228.0h0L940.0 12.0");
    }

    #[test]
    fn what_is_no_number_is_a_gap() {
        let path = chart(&[]).path(&[(0.0, 4.0), (5.0, f64::NAN), (10.0, 4.0)]);
        assert_eq!(path, "M72.0 12.0h0M940.0 12.0h0");
    }

    #[test]
    fn points_that_cannot_be_told_apart_are_left_out() {
        let points: Vec<(f64, f64)> = (0..=100_000).map(|place| (f64::from(place) / 1e4, 1.0)).collect();
        let path = chart(&[]).path(&points);
        assert!(path.matches('L').count() < 2_500, "{}", path.matches('L').count());
        assert!(path.ends_with("L940.0 174.0"), "{path}");
    }

    #[test]
    fn names_are_escaped() {
        let html = chart(&[(0.0, 1.0)]).html(1);
        assert!(
            html.contains("&lt;p50&gt;") && html.contains("a &lt; b"),
            "{html}"
        );
        assert!(!html.contains("<p50>"), "{html}");
    }
}
