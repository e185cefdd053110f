//! Worlds as TOML files, and those that come along.

use super::{ArenaPlan, MOST_STATES, Policy, Wall, World, polygon};
use crate::error::SuccessorError;
use crate::fang2023::BIN_CM;
use neuropil_lab::config::in_words;
use serde::Deserialize;
use std::path::Path;

/// Worlds that come along: name and text.
pub const TEMPLATES: [(&str, &str); 6] = [
    ("open", include_str!("../../worlds/open.toml")),
    ("four-rooms", include_str!("../../worlds/four-rooms.toml")),
    ("two-rooms", include_str!("../../worlds/two-rooms.toml")),
    ("t-maze", include_str!("../../worlds/t-maze.toml")),
    ("tolman-detour", include_str!("../../worlds/tolman-detour.toml")),
    ("ring", include_str!("../../worlds/ring.toml")),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Ring,
    Arena,
    Graph,
    Polygon,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reward {
    at: Option<[usize; 2]>,
    state: Option<usize>,
    value: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorldFile {
    name: Option<String>,
    kind: Kind,
    states: Option<usize>,
    left: Option<f64>,
    right: Option<f64>,
    stay: Option<f64>,
    size: Option<[usize; 2]>,
    map: Option<String>,
    #[serde(default)]
    walls: Vec<Wall>,
    #[serde(default)]
    blocked: Vec<[usize; 2]>,
    start: Option<[usize; 2]>,
    policy: Option<Policy>,
    #[serde(default)]
    rewards: Vec<Reward>,
    #[serde(default)]
    absorbing: bool,
    #[serde(default)]
    edges: Vec<Edge>,
    #[serde(default)]
    boundary: Vec<[f64; 2]>,
    #[serde(default)]
    holes: Vec<Vec<[f64; 2]>>,
    bin_cm: Option<f64>,
}

/// A way from a state to another, with its weight.
#[derive(Debug)]
struct Edge(usize, usize, f64);

impl<'de> Deserialize<'de> for Edge {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let numbers = Vec::<f64>::deserialize(from)?;
        let state = |x: f64| (x >= 0.0 && x.fract() == 0.0 && x < MOST_STATES as f64).then_some(x as usize);
        let edge = match numbers[..] {
            [from, to, weight] => state(from)
                .zip(state(to))
                .map(|(from, to)| Self(from, to, weight)),
            _ => None,
        };
        edge.ok_or_else(|| serde::de::Error::custom(format!("{numbers:?} is no edge `[from, to, weight]`")))
    }
}

/// Reads a world: a file, or the name of one that comes along.
///
/// # Errors
/// Neither a file nor a known name; text that is no world: names the line.
pub fn load(name: &str) -> Result<World, SuccessorError> {
    if let Some((_, text)) = TEMPLATES.iter().find(|(known, _)| *known == name) {
        return parse(Path::new(name), text);
    }
    let path = Path::new(name);
    let text = std::fs::read_to_string(path).map_err(|error| {
        let known: Vec<&str> = TEMPLATES.iter().map(|(name, _)| *name).collect();
        SuccessorError::File {
            path: path.to_owned(),
            line: 0,
            field: String::new(),
            found: format!("cannot be read ({error})"),
            expected: "a world as TOML".to_owned(),
            hint: format!("worlds that come along: {}", known.join(", ")),
        }
    })?;
    parse(path, &text)
}

/// Reads a world from text; `path` stands in messages.
///
/// # Errors
/// Text that is no world: names the line.
pub fn parse(path: &Path, text: &str) -> Result<World, SuccessorError> {
    let problem = |line: usize, found: String, expected: &str, hint: String| SuccessorError::File {
        path: path.to_owned(),
        line,
        field: String::new(),
        found,
        expected: expected.to_owned(),
        hint,
    };
    let file: WorldFile = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| {
            text[..span.start.min(text.len())].matches('\n').count() + 1
        });
        problem(
            line,
            in_words(error.message()),
            "a world",
            "see `neuropil successor worlds`".to_owned(),
        )
    })?;
    let mut world = build(&file).map_err(|error| match error {
        SuccessorError::Setting {
            what,
            found,
            expected,
            hint,
        } => problem(0, format!("{what} is {found}"), &expected, hint),
        other => other,
    })?;
    if let Some(name) = &file.name {
        world.name.clone_from(name);
    }
    Ok(world)
}

fn build(file: &WorldFile) -> Result<World, SuccessorError> {
    let missing = |what: &str| {
        SuccessorError::setting(
            format!("`{what}`"),
            "missing",
            "a value, which this kind of world needs",
        )
    };
    let mut marks = Vec::new();
    let mut world = match file.kind {
        Kind::Ring => World::ring(
            file.states.ok_or_else(|| missing("states"))?,
            file.left.unwrap_or(1.0),
            file.right.unwrap_or(1.0),
            file.stay.unwrap_or(1.0),
        )?,
        Kind::Graph => World::graph(
            file.states.ok_or_else(|| missing("states"))?,
            &file
                .edges
                .iter()
                .map(|&Edge(from, to, weight)| (from, to, weight))
                .collect::<Vec<_>>(),
            file.absorbing,
        )?,
        Kind::Arena | Kind::Polygon => {
            let mut plan = ArenaPlan {
                size: file.size.unwrap_or_default(),
                blocked: file.blocked.clone(),
                walls: file.walls.clone(),
                policy: file.policy.unwrap_or_default(),
                start: file.start,
                absorbing: file.absorbing,
            };
            match (&file.map, file.kind) {
                (Some(map), _) => marks = draw_map(map, &mut plan)?,
                (None, Kind::Polygon) => rasterise(file, &mut plan)?,
                (None, _) if file.size.is_none() => return Err(missing("size")),
                (None, _) => {}
            }
            World::arena(&plan)?
        }
    };
    let states = world.states();
    let height = match world.shape {
        super::Shape::Grid { height, .. } => height,
        _ => 1,
    };
    marks
        .into_iter()
        .for_each(|[x, y]| world.rewards[x * height + y] = 1.0);
    for reward in &file.rewards {
        let state = reward.state.or_else(|| reward.at.map(|[x, y]| x * height + y));
        match state {
            Some(state) if state < states && reward.value.is_finite() => world.rewards[state] = reward.value,
            _ => {
                return Err(SuccessorError::setting(
                    "a reward",
                    format!("{reward:?}"),
                    "at a bin or state of the world",
                ));
            }
        }
    }
    Ok(world)
}

/// `#` cannot be entered, `S` is the start, `R` holds a reward of 1; the first line is the top. Returns the rewards.
fn draw_map(map: &str, plan: &mut ArenaPlan) -> Result<Vec<[usize; 2]>, SuccessorError> {
    let lines: Vec<&str> = map
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let width = lines.first().map_or(0, |line| line.chars().count());
    plan.size = [width, lines.len()];
    let mut rewards = Vec::new();
    for (row, line) in lines.iter().enumerate() {
        if line.chars().count() != width {
            let found = format!("{} bins in row {}", line.chars().count(), row + 1);
            return Err(SuccessorError::setting(
                "the map",
                found,
                format!("{width} as in the first row"),
            ));
        }
        for (x, mark) in line.chars().enumerate() {
            let at = [x, lines.len() - 1 - row];
            match mark {
                '.' => {}
                '#' => plan.blocked.push(at),
                'S' => plan.start = Some(at),
                'R' => rewards.push(at),
                other => {
                    return Err(SuccessorError::setting(
                        "the map",
                        format!("`{other}`"),
                        "`.`, `#`, `S` or `R`",
                    ));
                }
            }
        }
    }
    Ok(rewards)
}

/// Bins whose centre lies within the boundary and in no hole.
fn rasterise(file: &WorldFile, plan: &mut ArenaPlan) -> Result<(), SuccessorError> {
    let bin = file.bin_cm.unwrap_or(BIN_CM);
    if file.boundary.len() < 3 || !(bin > 0.0) || file.boundary.iter().flatten().any(|x| !x.is_finite()) {
        let found = format!("{} corners, bins of {bin} cm", file.boundary.len());
        return Err(SuccessorError::setting(
            "the boundary",
            found,
            "at least 3 corners and bins above 0 cm",
        ));
    }
    let end = |axis: usize, pick: fn(f64, f64) -> f64, from: f64| {
        file.boundary.iter().map(|corner| corner[axis]).fold(from, pick)
    };
    let low = [end(0, f64::min, f64::INFINITY), end(1, f64::min, f64::INFINITY)];
    let high = [
        end(0, f64::max, f64::NEG_INFINITY),
        end(1, f64::max, f64::NEG_INFINITY),
    ];
    let bins = |axis: usize| ((high[axis] - low[axis]) / bin - 1e-9).ceil().max(1.0);
    if bins(0) * bins(1) > MOST_STATES as f64 {
        let found = format!("{} x {} bins", bins(0), bins(1));
        return Err(SuccessorError::setting(
            "the boundary",
            found,
            format!("at most {MOST_STATES}"),
        ));
    }
    plan.size = [bins(0) as usize, bins(1) as usize];
    for x in 0..plan.size[0] {
        for y in 0..plan.size[1] {
            let centre = [low[0] + (x as f64 + 0.5) * bin, low[1] + (y as f64 + 0.5) * bin];
            let hole = file.holes.iter().any(|hole| polygon::within(hole, centre));
            if hole || !polygon::within(&file.boundary, centre) {
                plan.blocked.push([x, y]);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_world_that_comes_along_is_connected() {
        for (name, _) in TEMPLATES {
            let world = load(name).unwrap();
            assert!(
                world.unreachable().is_empty(),
                "{name}: {:?}",
                world.unreachable()
            );
            assert_eq!(world.name, name);
        }
        let maze = load("t-maze").unwrap();
        assert_eq!(maze.start(), Some(6 * 8), "the first line of a map is its top");
        assert_eq!(maze.rewards[7], 1.0);
    }

    #[test]
    fn polygons_become_bins() {
        let text = "kind = \"polygon\"\nbin_cm = 5\nboundary = [[0, 0], [20, 0], [20, 10], [10, 10], [10, 20], [0, 20]]";
        let world = parse(Path::new("l.toml"), text).unwrap();
        assert_eq!(
            (0..world.states()).filter(|&state| world.exists(state)).count(),
            12
        );
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let message = |text: &str| parse(Path::new("w.toml"), text).unwrap_err().to_string();
        let unknown = message("kind = \"ring\"\nstates = 5\nlefty = 2");
        assert!(
            unknown.starts_with("w.toml:3: unknown field `lefty`"),
            "{unknown}"
        );
        let exit = message("kind = \"graph\"\nstates = 2\nedges = [[0, 1, 1.0]]");
        assert!(
            exit.contains("state 1 is without exit") && exit.contains("absorbing = true"),
            "{exit}"
        );
        assert!(message("kind = \"arena\"").contains("`size` is missing"));
        assert!(message("kind = \"arena\"\nmap = \"..\\n...\"").contains("3 bins in row 2"));
        assert!(message("kind = \"arena\"\nsize = [100000, 100000]").contains("2 to 1000000 bins"));
    }
}
