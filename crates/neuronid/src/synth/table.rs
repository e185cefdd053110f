//! Made worms as a table that everything else here reads.

use super::individuals::{Population, Variation};
use super::{Bend, Body, Made, Recipe, Room, invented, make};
use crate::frame::along_x;
use crate::worm::{Point, Worm};
use crate::yu2021::{CAMERA_UM, NETWORK_UM};
use neuropil_math::rng::{Key, Purpose};
use neuropil_study::Table;

/// How many worms, and how they differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// Worms.
    pub worms: usize,
    /// Angle by which bodies turn over 150 µm (root mean square), degrees.
    pub bend_degrees: f64,
    /// Standard deviation of the jitter of each coordinate, µm.
    pub jitter_um: f64,
    /// Seed.
    pub seed: u64,
}

/// Worms with the columns `worm`, `x_um`, `y_um`, `z_um` and `name`: of a source, whose neurons keep their names, or
/// individuals of an invented head.
pub fn made_table(source: Option<&Worm>, wanted: &Wanted) -> Table {
    let key = Key::new(wanted.seed);
    let atlas = invented::head(&mut key.stream(Purpose::Generate, 0));
    let population = Population::of(&atlas, Variation::default()).expect("invented covariances");
    let recipe = Recipe {
        bend: Bend::Random(wanted.bend_degrees.to_radians()),
        room: Room::Own,
        jitter: wanted.jitter_um / CAMERA_UM,
        ..Recipe::YU2021
    };
    let (mut worms, mut names, mut points) = (Vec::new(), Vec::new(), Vec::<Point>::new());
    for index in 0..wanted.worms {
        let part = key.part(index as u64);
        let body = match source {
            Some(worm) => of_worm(worm),
            None => population.draw(&mut part.stream(Purpose::Generate, 0)),
        };
        let made = make(&body, &recipe, &mut part.stream(Purpose::Augment, 0));
        names.extend(named(&made, source));
        worms.extend(made.points.iter().map(|_| format!("made {}", index + 1)));
        points.extend(made.points.iter().map(|p| p.map(|x| x * NETWORK_UM)));
    }
    let axis = |k: usize| points.iter().map(|p| p[k]).collect::<Vec<f64>>();
    Table::new()
        .with("worm", worms)
        .with("x_um", axis(0))
        .with("y_um", axis(1))
        .with("z_um", axis(2))
        .with("name", names)
}

fn of_worm(worm: &Worm) -> Body {
    Body {
        points: along_x(&worm.points)
            .iter()
            .map(|p| p.map(|x| x / CAMERA_UM))
            .collect(),
        labels: (0..worm.points.len() as i64).collect(),
        line: None,
    }
}

/// Names of made neurons: those of the source, or the invented head's; what was added has none.
fn named<'a>(made: &'a Made, source: Option<&'a Worm>) -> impl Iterator<Item = String> + 'a {
    made.labels
        .iter()
        .map(move |label| match (usize::try_from(*label), source) {
            (Err(_), _) => String::new(),
            (Ok(label), Some(worm)) => worm.names[label].clone(),
            (Ok(label), None) => format!("N{label}"),
        })
}
