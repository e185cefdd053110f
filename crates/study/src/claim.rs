//! What a paper says, beside what is found here.

use neuropil_draw::ReportTable;
use neuropil_math::stats::summary::{mean, variance};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use std::fmt::Write;

/// What counts as reproduced.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// In words, with the way it is measured.
    pub text: String,
    /// Least and largest value, both included; none where each finding is judged by itself.
    pub ends: Option<(f64, f64)>,
}

impl Band {
    /// From `low` to `high`, both included.
    pub fn between(low: f64, high: f64) -> Self {
        Self {
            text: format!("{low} to {high}"),
            ends: Some((low, high)),
        }
    }

    /// At most `width` from `value`.
    pub fn around(value: f64, width: f64) -> Self {
        Self {
            text: format!("{value} ± {}", short(width)),
            ends: Some((value - width, value + width)),
        }
    }

    /// `low` or more.
    pub fn at_least(low: f64) -> Self {
        Self {
            text: format!("≥ {low}"),
            ends: Some((low, f64::INFINITY)),
        }
    }

    /// `high` or less.
    pub fn at_most(high: f64) -> Self {
        Self {
            text: format!("≤ {high}"),
            ends: Some((f64::NEG_INFINITY, high)),
        }
    }

    /// What each finding is judged by, in words: [`Found::judged`].
    pub fn when(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ends: None,
        }
    }

    /// The same band in other words.
    pub fn called(self, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..self
        }
    }

    fn holds(&self, value: f64) -> bool {
        self.ends.is_some_and(|(low, high)| (low..=high).contains(&value))
    }
}

/// A number without the digits that only a computer's arithmetic adds: three that count.
fn short(value: f64) -> String {
    let size = value.abs().log10().floor();
    if !size.is_finite() {
        return value.to_string();
    }
    let digits = (2.0 - size).max(0.0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// What was found here: nothing, one number, or one for each network, animal or data set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    values: Vec<f64>,
    judged: Option<Vec<bool>>,
    text: Option<String>,
    digits: usize,
    unit: &'static str,
    whose: Option<&'static str>,
}

impl Found {
    /// Nobody measured it.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// One number.
    pub fn one(value: f64) -> Self {
        Self::each(vec![value])
    }

    /// One number each.
    pub fn each(values: Vec<f64>) -> Self {
        Self {
            values,
            digits: 3,
            ..Self::default()
        }
    }

    /// One number each, and whether it is what the claim says.
    pub fn judged(values: impl IntoIterator<Item = (f64, bool)>) -> Self {
        let (values, judged): (Vec<f64>, Vec<bool>) = values.into_iter().unzip();
        Self {
            judged: Some(judged),
            ..Self::each(values)
        }
    }

    /// Shown with this many digits behind the point [default: 3].
    pub fn digits(self, digits: usize) -> Self {
        Self { digits, ..self }
    }

    /// Shown with this unit.
    pub fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// What the numbers are of, in the plural: `networks`. How many of them hold is then always said.
    pub fn of(self, whose: &'static str) -> Self {
        Self {
            whose: Some(whose),
            ..self
        }
    }

    /// Shown in these words.
    pub fn called(self, text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            ..self
        }
    }

    /// The numbers.
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

/// Is what was found in the band?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// More than half of what was found is.
    InBand,
    /// It is not.
    Outside,
    /// Nobody measured it.
    NotMeasured,
}

impl Verdict {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::InBand => "in band",
            Self::Outside => "outside",
            Self::NotMeasured => "not measured",
        }
    }
}

/// A claim of a paper, judged. Its JSON has the fields `place`, `quantity`, `paper`, `here`, `band`, `verdict`,
/// `values`.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Figure or table of the paper.
    pub place: String,
    /// The quantity or the statement.
    pub what: String,
    /// The paper's value, or its statement in words.
    pub paper: String,
    /// What was found here.
    pub ours: Found,
    /// What counts as reproduced.
    pub band: Band,
}

impl Claim {
    /// A claim.
    pub fn new(
        place: impl Into<String>,
        what: impl Into<String>,
        paper: impl Into<String>,
        band: Band,
        ours: Found,
    ) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
            paper: paper.into(),
            ours,
            band,
        }
    }

    /// Which of the findings are in the band.
    fn held(&self) -> Vec<bool> {
        match &self.ours.judged {
            Some(judged) => judged.clone(),
            None => self
                .ours
                .values
                .iter()
                .map(|&value| self.band.holds(value))
                .collect(),
        }
    }

    /// In band if more than half of what was found is.
    pub fn verdict(&self) -> Verdict {
        let held = self.held();
        let n = held.iter().filter(|&&held| held).count();
        match held.len() {
            0 => Verdict::NotMeasured,
            all if 2 * n > all => Verdict::InBand,
            _ => Verdict::Outside,
        }
    }

    /// What was found, as text: the number, or mean ± sd (n − 1) with how many are in the band.
    pub fn here(&self) -> String {
        if let Some(text) = &self.ours.text {
            return text.clone();
        }
        let Found {
            values,
            digits,
            unit,
            whose,
            ..
        } = &self.ours;
        let (n, digits) = (values.len(), *digits);
        let unit = if unit.is_empty() {
            String::new()
        } else {
            format!(" {unit}")
        };
        let spread = match n {
            0 => return "–".to_owned(),
            1 => String::new(),
            _ => format!(" ± {:.digits$}", variance(values, 1).sqrt()),
        };
        let held = self.held().iter().filter(|&&held| held).count();
        let how_many = match whose {
            Some(whose) => format!(" ({held} of {n} {whose})"),
            None if n > 1 => format!(" ({held} of {n} in band)"),
            None => String::new(),
        };
        format!("{:.digits$}{spread}{unit}{how_many}", mean(values))
    }

    fn cells(&self) -> [String; 6] {
        [
            self.place.clone(),
            self.what.clone(),
            self.paper.clone(),
            self.here(),
            self.band.text.clone(),
            self.verdict().words().to_owned(),
        ]
    }
}

impl Serialize for Claim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("Claim", 7)?;
        row.serialize_field("place", &self.place)?;
        row.serialize_field("quantity", &self.what)?;
        row.serialize_field("paper", &self.paper)?;
        row.serialize_field("here", &self.here())?;
        row.serialize_field("band", &self.band.text)?;
        row.serialize_field("verdict", self.verdict().words())?;
        row.serialize_field("values", &self.ours.values)?;
        row.end()
    }
}

const HEADERS: [&str; 6] = ["where", "claim", "paper", "here", "band", "verdict"];

/// Claims as a table of a page.
pub fn claims_table(claims: &[Claim]) -> ReportTable {
    ReportTable {
        headers: HEADERS.map(str::to_owned).to_vec(),
        rows: claims.iter().map(|claim| claim.cells().to_vec()).collect(),
        csv_name: Some("claims.csv".to_owned()),
    }
}

/// Claims as a table in Markdown.
pub fn claims_markdown(claims: &[Claim]) -> String {
    let mut text = format!("| {} |\n|{}\n", HEADERS.join(" | "), "---|".repeat(HEADERS.len()));
    for claim in claims {
        let cells = claim.cells().map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_shown_with_the_digits_that_count() {
        let shown = [0.0071 * 0.2, 0.3 * 0.013, 1e-6, 0.05, 4.0, 1234.5, 0.0].map(short);
        assert_eq!(shown, ["0.00142", "0.0039", "0.000001", "0.05", "4", "1234", "0"]);
    }

    fn claim(band: Band, ours: Found) -> Claim {
        Claim::new("Fig. 1", "a quantity", "0.5", band, ours)
    }

    #[test]
    fn more_than_half_must_be_in_the_band() {
        let verdict = |values: &[f64]| claim(Band::between(0.0, 1.0), Found::each(values.to_vec())).verdict();
        assert_eq!(verdict(&[]), Verdict::NotMeasured);
        assert_eq!(verdict(&[1.0]), Verdict::InBand);
        assert_eq!(verdict(&[0.5, 2.0]), Verdict::Outside);
        assert_eq!(verdict(&[0.5, 0.7, 2.0]), Verdict::InBand);
        assert_eq!(verdict(&[f64::NAN]), Verdict::Outside);
    }

    #[test]
    fn bands_include_their_ends_and_say_what_they_are() {
        assert!(Band::around(0.5, 0.25).holds(0.75) && !Band::around(0.5, 0.25).holds(0.76));
        assert!(Band::at_least(3.0).holds(3.0) && !Band::at_least(3.0).holds(2.9));
        assert!(Band::at_most(3.0).holds(-1e9) && !Band::at_most(3.0).holds(f64::NAN));
        assert_eq!(Band::at_most(3.0).text, "≤ 3");
        assert!(!Band::when("the curve rises").holds(0.0));
    }

    #[test]
    fn several_findings_are_told_as_a_mean_and_how_many_hold() {
        let found = Found::judged([(1.0, true), (3.0, false), (2.0, true)])
            .digits(1)
            .unit("s");
        let claim = claim(Band::when("the curve rises"), found);
        assert_eq!(claim.here(), "2.0 ± 1.0 s (2 of 3 in band)");
        assert_eq!(claim.verdict(), Verdict::InBand);
        let json = serde_json::to_value(&claim).unwrap();
        assert_eq!(json["verdict"], "in band");
        assert_eq!(json["quantity"], "a quantity");
        assert_eq!(json["values"][1], 3.0);
    }

    #[test]
    fn tables_escape_what_ends_a_cell() {
        let text = claims_markdown(&[Claim::new("a|b", "c", "d", Band::at_least(1.0), Found::nothing())]);
        assert!(
            text.ends_with("| a\\|b | c | d | – | ≥ 1 | not measured |\n"),
            "{text}"
        );
    }
}
