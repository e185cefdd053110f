//! A worm as a point cloud, and how it is prepared for the network.

use crate::error::NeuronidError;
use crate::names::Identity;
use crate::yu2021::{CAMERA_UM, NETWORK_CAMERA};
use neuropil_math::stats::summary::quantile;
use serde::{Deserialize, Serialize};

/// x, y, z.
pub type Point = [f64; 3];

/// Unit of the positions of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Micrometres.
    Um,
    /// Units of the published microscope, 0.42 µm.
    Camera,
    /// As the network takes them: nothing is done to them.
    Normalised,
}

/// On which side a worm lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// On its left: turned about y before it is matched.
    Left,
    /// On its right.
    #[default]
    Right,
}

/// Neurons of one worm, or of one volume of a recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Worm {
    /// Positions, µm.
    pub points: Vec<Point>,
    /// Names by people; empty where there is none.
    pub names: Vec<String>,
    /// First three colour channels.
    pub colours: Option<Vec<[f64; 3]>>,
    /// On which side it lies.
    pub side: Side,
}

/// Median nearest-neighbour distance above which positions are hardly µm: 2.9–5.0 µm in 99 heads of seven
/// laboratories.
const FAR_NEIGHBOURS_UM: f64 = 6.5;
/// Radii of gyration outside of which positions are hardly those of a head, units of the network: 0.21–0.43 in the
/// same heads.
const RADIUS: (f64, f64) = (0.1, 1.0);

/// What a cloud looks like, for warnings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Look {
    /// Neurons.
    pub n: usize,
    /// Radius of gyration, units of the network.
    pub radius: f64,
    /// Median distance to the nearest neighbour, µm.
    pub neighbours_um: f64,
    /// Extent in z over the larger extent in x and y.
    pub flatness: f64,
    /// Every z is a whole number while x and y are not.
    pub whole_z: bool,
    /// Pairs of neurons at the same place.
    pub duplicates: usize,
}

impl Worm {
    /// Positions as the network takes them: (p − median)/84 µm, turned by 180° about y if the worm lies on its left.
    ///
    /// ```
    /// use neuropil_neuronid::worm::{Side, Worm};
    /// let worm = Worm { points: vec![[0.0, 0.0, 0.0], [84.0, 0.0, 42.0], [84.0, 8.4, 42.0]], side: Side::Left, ..Worm::default() };
    /// assert_eq!(worm.normalised()[0], [1.0, 0.0, 0.5]);
    /// ```
    pub fn normalised(&self) -> Vec<Point> {
        let camera: Vec<Point> = self.points.iter().map(|p| p.map(|x| x / CAMERA_UM)).collect();
        let centre = median(&camera);
        let turn = match self.side {
            Side::Left => [-1.0, 1.0, -1.0],
            Side::Right => [1.0; 3],
        };
        let one = |p: &Point| std::array::from_fn(|k| turn[k] * (p[k] - centre[k]) / NETWORK_CAMERA);
        camera.iter().map(one).collect()
    }

    /// How the cloud looks.
    pub fn look(&self) -> Look {
        let normal = self.normalised();
        let mean: Point =
            std::array::from_fn(|k| normal.iter().map(|p| p[k]).sum::<f64>() / normal.len() as f64);
        let square = |a: &Point, b: &Point| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let spread = normal.iter().map(|p| square(p, &mean)).sum::<f64>() / normal.len() as f64;
        let nearest = |(i, p): (usize, &Point)| {
            let others = self.points.iter().enumerate().filter(|(j, _)| *j != i);
            others
                .map(|(_, q)| square(p, q))
                .fold(f64::INFINITY, f64::min)
                .sqrt()
        };
        let distances: Vec<f64> = self.points.iter().enumerate().map(nearest).collect();
        let extent = |k: usize| {
            let values = || self.points.iter().map(|p| p[k]);
            values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min)
        };
        let whole = |k: usize| self.points.iter().all(|p| p[k].fract() == 0.0);
        Look {
            n: self.points.len(),
            radius: spread.sqrt(),
            neighbours_um: quantile(&distances, 0.5).unwrap_or(f64::NAN),
            flatness: extent(2) / extent(0).max(extent(1)),
            whole_z: whole(2) && !(whole(0) && whole(1)),
            duplicates: distances.iter().filter(|distance| **distance == 0.0).count() / 2,
        }
    }

    /// What is suspicious about the positions, in sentences; nothing is repaired.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some((earlier, later)) = self.clone().known().repeated(1) {
            let (name, rows) = (&self.names[later], [earlier + 1, later + 1]);
            warnings.push(format!(
                "rows {} and {} are both `{name}`: as a template it is refused, unless the later row is to have the name \
                 (`--allow-duplicate-names`)",
                rows[0], rows[1]
            ));
        }
        if self.points.len() < 3 {
            return warnings;
        }
        let look = self.look();
        if look.neighbours_um > FAR_NEIGHBOURS_UM {
            warnings.push(format!(
                "half of the neurons are more than {:.1} µm from their nearest neighbour (heads of seven laboratories: 2.9 to \
                 5.0): the positions may be pixels; `--voxel X,Y,Z` gives µm a voxel",
                look.neighbours_um
            ));
        }
        if look.radius < RADIUS.0 || look.radius > RADIUS.1 {
            warnings.push(format!(
                "the radius of gyration is {:.3} network units (heads: 0.21 to 0.43): the unit of the positions is not µm",
                look.radius
            ));
        }
        if look.whole_z {
            warnings.push(
                "all z are whole numbers while x and y are not: z may be slice numbers; `--voxel 1,1,STEP` makes µm of them"
                    .to_owned(),
            );
        }
        if !(0.03..=0.6).contains(&look.flatness) {
            warnings.push(format!(
                "the extent in z is {:.2} of that in the plane (heads: 0.10 to 0.37): z may be in another unit",
                look.flatness
            ));
        }
        if look.duplicates > 0 {
            warnings.push(format!(
                "{} pairs of neurons are at the same place",
                look.duplicates
            ));
        }
        let negative = self.colours.as_deref().map_or(0, crate::colour::negative);
        if negative * 10 > 3 * self.points.len() {
            warnings.push(format!(
                "{negative} of {} colour values are negative (z-scores, or a background was taken off): shares of a colour \
                 mean nothing then",
                3 * self.points.len()
            ));
        }
        warnings
    }

    /// Makes it its mirror image: z is negated.
    pub fn mirror(&mut self) {
        self.points.iter_mut().for_each(|p| p[2] = -p[2]);
    }

    /// Only the given neurons.
    pub fn keeping(&self, rows: &[usize]) -> Self {
        Self {
            points: rows.iter().map(|&row| self.points[row]).collect(),
            names: rows.iter().map(|&row| self.names[row].clone()).collect(),
            colours: self
                .colours
                .as_ref()
                .map(|colours| rows.iter().map(|&row| colours[row]).collect()),
            side: self.side,
        }
    }

    /// The worm as a template: some neuron has a name, and no name stands twice unless `allow_duplicates` (the later
    /// neuron then has it).
    ///
    /// # Errors
    /// What makes it none.
    pub fn as_template(self, of: &str, allow_duplicates: bool) -> Result<Self, NeuronidError> {
        let wrong = |message: String, hint: &str| NeuronidError::Worm {
            message,
            hint: hint.to_owned(),
        };
        let mut template = self.known();
        if template.points.is_empty() {
            return Err(wrong(
                format!("{of} has no neurons"),
                "a template has at least one",
            ));
        }
        if template.names.iter().all(String::is_empty) {
            return Err(wrong(
                format!("no neuron of {of} has a name"),
                "a template is a worm that somebody named: column `name`",
            ));
        }
        let mut from = 1;
        while let Some((earlier, later)) = template.repeated(from) {
            if !allow_duplicates {
                let name = &template.names[later];
                return Err(wrong(
                    format!("{of}: rows {} and {} are both `{name}`", earlier + 1, later + 1),
                    "name each neuron once, or let the later row have it with --allow-duplicate-names",
                ));
            }
            template.names[earlier].clear();
            from = later + 1;
        }
        Ok(template)
    }

    /// The same worm without names that name no neuron: ambiguous ones, counts, words for other cells.
    #[must_use]
    pub fn known(mut self) -> Self {
        for name in &mut self.names {
            *name = Identity::of(name).of_template().to_owned();
        }
        self
    }

    /// The first row, from a given one on, whose name stands before it, and where.
    fn repeated(&self, from: usize) -> Option<(usize, usize)> {
        (from..self.names.len()).find_map(|later| {
            let name = &self.names[later];
            let earlier = self.names[..later].iter().position(|other| other == name);
            earlier
                .filter(|_| !name.is_empty())
                .map(|earlier| (earlier, later))
        })
    }

    /// Pairs (test, template) of equal names: what is known of the right answer.
    pub fn truth(&self, template: &Worm) -> Vec<(usize, usize)> {
        let place = |name: &String| {
            (!name.is_empty()).then(|| template.names.iter().position(|other| other == name))?
        };
        self.names
            .iter()
            .enumerate()
            .filter_map(|(row, name)| Some((row, place(name)?)))
            .collect()
    }
}

/// Median of each coordinate; of an even number, the mean of the two in the middle.
pub fn median(points: &[Point]) -> Point {
    std::array::from_fn(|k| {
        let mut values: Vec<f64> = points.iter().map(|p| p[k]).collect();
        values.sort_by(f64::total_cmp);
        match values.len() {
            0 => 0.0,
            n if n % 2 == 1 => values[n / 2],
            n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Worm {
        Worm {
            points: (0..names.len())
                .map(|i| [i as f64 * 4.0 + 0.5, (i % 2) as f64, 0.25 * i as f64])
                .collect(),
            names: names.iter().map(|&name| name.to_owned()).collect(),
            ..Worm::default()
        }
    }

    #[test]
    fn a_name_twice_is_refused_unless_the_later_row_may_have_it() {
        let worm = named(&["AVAL", "", "AVAR", "AVAL"]);
        let error = worm.clone().as_template("a.csv", false).unwrap_err();
        assert_eq!(error.to_string(), "a.csv: rows 1 and 4 are both `AVAL`");
        assert_eq!(
            worm.as_template("a.csv", true).unwrap().names,
            ["", "", "AVAR", "AVAL"]
        );
        assert!(named(&["", ""]).as_template("b.csv", false).is_err());
    }

    #[test]
    fn pixels_and_slices_are_said() {
        let mut worm = named(&[""; 20]);
        assert!(worm.warnings().iter().all(|w| !w.contains("pixels")));
        worm.points.iter_mut().for_each(|p| *p = p.map(|x| x * 2.5));
        assert!(worm.warnings().iter().any(|w| w.contains("pixels")));
        worm.points
            .iter_mut()
            .enumerate()
            .for_each(|(i, p)| p[2] = i as f64);
        assert!(worm.warnings().iter().any(|w| w.contains("slice")));
    }
}
