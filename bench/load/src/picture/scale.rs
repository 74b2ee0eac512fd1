//! Where values are along an axis.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scale {
    /// Evenly, from 0.
    Even,
    /// By their logarithms.
    Log,
}

/// An axis with marks at round values.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    log: bool,
    from: f64,
    to: f64,
    marks: Vec<f64>,
}

impl Axis {
    /// Of these values.
    pub(super) fn of(scale: Scale, values: impl Iterator<Item = f64>) -> Self {
        let values = values.filter(|value| value.is_finite());
        let (least, most) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
                (least.min(value), most.max(value))
            });
        let (least, most) = if least > most { (0.0, 1.0) } else { (least, most) };
        match scale {
            Scale::Log => {
                let room = ((most / least).log10() * 0.06).max(0.06);
                let (from, to) = (least * 10_f64.powf(-room), most * 10_f64.powf(room));
                Self { log: true, from, to, marks: round_magnitudes(from, to) }
            }
            Scale::Even => {
                let to = if most > 0.0 { most * 1.06 } else { 1.0 };
                Self { log: false, from: 0.0, to, marks: round_steps(to) }
            }
        }
    }
}

/// About five from 0, evenly spread.
fn round_steps(to: f64) -> Vec<f64> {
    let rough = to / 5.0;
    let magnitude = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|times| times * magnitude);
    let step = steps.into_iter().find(|step| *step >= rough).unwrap_or(rough);
    let marks = (0..10).map(|number| f64::from(number) * step);
    marks.take_while(|mark| *mark <= to).collect()
}

/// Powers of ten; with their double and fivefold when there are few of them.
fn round_magnitudes(from: f64, to: f64) -> Vec<f64> {
    let times: &[f64] = if to / from < 150.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    #[expect(clippy::cast_possible_truncation, reason = "exponents are small")]
    let exponents = from.log10().floor() as i32..=to.log10().ceil() as i32;
    let powers = exponents.flat_map(|power| times.iter().map(move |by| by * 10_f64.powi(power)));
    powers.filter(|mark| (from..=to).contains(mark)).collect()
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (first, last): (i32, i32)) -> i32 {
        let place = |value: f64| if self.log { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let (from, to) = (place(self.from), place(self.to));
        let share = ((place(*value) - from) / (to - from)).clamp(-1.0, 2.0);
        #[expect(clippy::cast_possible_truncation, reason = "pixels of a picture")]
        let pixel = (share * f64::from(last - first)).round() as i32;
        first + pixel
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.marks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let (value, unit) = match value.abs() {
            1e6.. => (value / 1e6, " M"),
            1e3.. => (value / 1e3, " k"),
            _ => (*value, ""),
        };
        // Enough digits to tell marks apart, and none that say nothing.
        let digits = format!("{value:.3}");
        format!("{}{unit}", digits.trim_end_matches('0').trim_end_matches('.'))
    }
}
