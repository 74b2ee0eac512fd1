//! Curves, drawn as SVG on white, so that they can be read wherever they are shown.

mod scale;

use std::mem;
use std::path::Path;

use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use serde::Serialize;

use scale::Axis;
pub(crate) use scale::Scale;

/// Curves of one subject, side by side.
#[derive(Debug, Serialize)]
pub(crate) struct Picture {
    pub(crate) title: &'static str,
    /// How it was measured, for whoever sees the picture alone.
    pub(crate) notes: Vec<String>,
    pub(crate) panels: Vec<Panel>,
}

/// Curves over the same axes.
#[derive(Debug, Serialize)]
pub(crate) struct Panel {
    pub(crate) title: String,
    /// What is along the axes, with its unit.
    pub(crate) across: &'static str,
    pub(crate) up: &'static str,
    #[serde(skip)]
    pub(crate) scales: (Scale, Scale),
    pub(crate) curves: Vec<Curve>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Curve {
    pub(crate) name: String,
    /// What is wanted, not what was measured.
    pub(crate) goal: bool,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Curve {
    pub(crate) fn measured(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), goal: false, points }
    }

    pub(crate) fn goal(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), goal: true, points }
    }
}

/// Colours that people tell apart who see few of them (Okabe and Ito).
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(160, 70, 140)];
const GOAL: RGBColor = RGBColor(90, 90, 90);
const TEXT: RGBColor = RGBColor(30, 30, 30);
const GRID: RGBColor = RGBColor(225, 225, 225);

/// In pixels.
const PANEL: (u32, u32) = (500, 370);
const HEAD: u32 = 48;
const LINE: i32 = 17;
const MARGIN: i32 = 16;

/// plotters divides sizes of text by 1.24.
const fn size(pixels: f64) -> f64 {
    pixels * 1.24
}

/// About how wide a character is of a size, in pixels.
const WIDTH: f64 = 0.55;

impl Picture {
    /// Draws it, with what it was made from below.
    pub(crate) fn draw(&self, to: &Path, origin: &[String]) -> anyhow::Result<()> {
        let columns = if self.panels.len() == 3 { 3 } else { self.panels.len().clamp(1, 2) };
        let rows = self.panels.len().div_ceil(columns);
        let count = |number: usize| u32::try_from(number).unwrap_or_default();
        let width = PANEL.0 * count(columns);
        let foot: Vec<String> = self
            .notes
            .iter()
            .chain(origin)
            .flat_map(|text| wrapped(text, width - 2 * MARGIN.unsigned_abs()))
            .collect();
        let below = LINE.unsigned_abs() * count(foot.len()) + 20;
        let height = HEAD + PANEL.1 * count(rows) + below;
        let root = SVGBackend::new(to, (width, height)).into_drawing_area();
        root.fill(&WHITE).map_err(undrawn)?;
        let title = ("sans-serif", size(20.0), FontStyle::Bold, &TEXT).into_text_style(&root);
        root.draw_text(self.title, &title, (MARGIN, 16)).map_err(undrawn)?;
        let (_, rest) = root.split_vertically(HEAD);
        let (panels, below) = rest.split_vertically(PANEL.1 * count(rows));
        for (panel, area) in self.panels.iter().zip(panels.split_evenly((rows, columns))) {
            panel.draw(&area)?;
        }
        let small = ("sans-serif", size(12.0), &TEXT).into_text_style(&root);
        for (line, at) in foot.iter().zip((6..).step_by(LINE.unsigned_abs() as usize)) {
            below.draw_text(line, &small, (MARGIN, at)).map_err(undrawn)?;
        }
        root.present().map_err(undrawn)
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

impl Panel {
    fn draw(&self, area: &Area<'_>) -> anyhow::Result<()> {
        let title = ("sans-serif", size(14.0), FontStyle::Bold, &TEXT).into_text_style(area);
        area.draw_text(&self.title, &title, (MARGIN, 4)).map_err(undrawn)?;
        let (_, rest) = area.split_vertically(26);
        let lines = self.key(&rest)?;
        let (_, rest) = rest.split_vertically(lines * LINE + 4);
        let points = || self.curves.iter().flat_map(|curve| curve.points.iter().copied());
        let across = Axis::of(self.scales.0, points().map(|(across, _)| across));
        let up = Axis::of(self.scales.1, points().map(|(_, up)| up));
        let mut chart = ChartBuilder::on(&rest)
            .margin(8)
            .margin_left(MARGIN)
            .margin_right(24)
            .x_label_area_size(46)
            .y_label_area_size(66)
            .build_cartesian_2d(across, up)
            .map_err(undrawn)?;
        let small = ("sans-serif", size(12.0), &TEXT);
        chart
            .configure_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(GOAL)
            .label_style(small)
            .axis_desc_style(small)
            .x_desc(self.across)
            .y_desc(self.up)
            .set_all_tick_mark_size(4)
            .draw()
            .map_err(undrawn)?;
        for (curve, colour) in self.coloured() {
            let style = colour.stroke_width(2);
            let points = curve.points.iter().copied();
            if curve.goal && curve.points.len() > 1 {
                let dashes = DashedLineSeries::new(points, 7, 5, style);
                chart.draw_series(dashes).map_err(undrawn)?;
            } else if curve.goal {
                let crosses = points.map(|point| Cross::new(point, 6, style));
                chart.draw_series(crosses).map_err(undrawn)?;
            } else {
                let line = LineSeries::new(points.clone(), style);
                chart.draw_series(line).map_err(undrawn)?;
                let dots = points.map(|point| Circle::new(point, 3, colour.filled()));
                chart.draw_series(dots).map_err(undrawn)?;
            }
        }
        Ok(())
    }

    fn coloured(&self) -> impl Iterator<Item = (&Curve, RGBColor)> {
        let mut colours = COLOURS.into_iter().cycle();
        self.curves.iter().map(move |curve| {
            let colour = if curve.goal { GOAL } else { colours.next().unwrap_or(TEXT) };
            (curve, colour)
        })
    }

    /// Draws which curve is which; returns how many lines that takes.
    fn key(&self, area: &Area<'_>) -> anyhow::Result<i32> {
        const SAMPLE: i32 = 22;
        const GAP: i32 = 16;
        let at = Pos::new(HPos::Left, VPos::Center);
        let small = ("sans-serif", size(12.0), &TEXT).into_text_style(area).pos(at);
        let right = i32::try_from(area.dim_in_pixel().0)?;
        let (mut x, mut y, mut named) = (MARGIN, LINE / 2, "");
        for (curve, colour) in self.coloured() {
            // A goal of several curves is named once.
            if mem::replace(&mut named, &curve.name) == curve.name {
                continue;
            }
            let long = SAMPLE + 6 + wide(&curve.name);
            if x > MARGIN && x + long > right {
                (x, y) = (MARGIN, y + LINE);
            }
            let style = colour.stroke_width(2);
            match curve {
                Curve { goal: true, points, .. } if points.len() == 1 => {
                    area.draw(&Cross::new((x + SAMPLE / 2, y), 6, style)).map_err(undrawn)?;
                }
                Curve { goal: true, .. } => {
                    for from in [x, x + 8, x + 16] {
                        let dash = PathElement::new([(from, y), (from + 5, y)], style);
                        area.draw(&dash).map_err(undrawn)?;
                    }
                }
                Curve { goal: false, .. } => {
                    let line = PathElement::new([(x, y), (x + SAMPLE, y)], style);
                    area.draw(&line).map_err(undrawn)?;
                    let dot = Circle::new((x + SAMPLE / 2, y), 3, colour.filled());
                    area.draw(&dot).map_err(undrawn)?;
                }
            }
            area.draw_text(&curve.name, &small, (x + SAMPLE + 6, y)).map_err(undrawn)?;
            x += long + GAP;
        }
        Ok(y / LINE + 1)
    }
}

/// About how wide a small text is, in pixels.
fn wide(text: &str) -> i32 {
    let characters = i32::try_from(text.chars().count()).unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "a text fits into a picture")]
    let pixels = (f64::from(characters) * 12.0 * WIDTH).ceil() as i32;
    pixels
}

/// A small text in lines of a width.
fn wrapped(text: &str, width: u32) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        let longer = format!("{line}{}{word}", if line.is_empty() { "" } else { " " });
        if line.is_empty() || wide(&longer).unsigned_abs() <= width {
            *line = longer;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// An error of plotters' borrows what it drew on.
fn undrawn(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the picture cannot be drawn: {error}")
}
