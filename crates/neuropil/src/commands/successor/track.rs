//! `neuropil successor run` and `check`: tracks of animals.

use super::{first, make};
use crate::cli::Global;
use crate::cli::successor::{CheckArgs, PipelineArgs, RunArgs, TrackArgs, Unit};
use crate::terminal::{out, print_json};
use neuropil_lab::error::Problem;
use neuropil_study::Given;
use neuropil_successor::job::Walked;
use neuropil_successor::track::pipeline::{Outline, Pipeline, Scale, SpeedLimit, drop_jumps};
use neuropil_successor::track::spikes::SpikeOptions;
use neuropil_successor::track::{TimeUnit, TrackOptions, read};
use serde_json::json;
use std::path::PathBuf;

fn unit(unit: Unit) -> TimeUnit {
    match unit {
        Unit::S => TimeUnit::S,
        Unit::Ms => TimeUnit::Ms,
        Unit::Us => TimeUnit::Us,
        Unit::Ns => TimeUnit::Ns,
        Unit::Frames => TimeUnit::Frames,
    }
}

fn options(args: &TrackArgs) -> TrackOptions {
    TrackOptions {
        fps: args.fps,
        time_unit: args.time_unit.map(unit),
        bodypart: args.bodypart.clone(),
        individual: args.individual.clone(),
        series: args.series.clone(),
        columns: (!args.columns.is_empty()).then(|| args.columns.clone()),
        likelihood: args.likelihood,
        led: args.led,
        video_frames: args.video_frames,
        unit: None,
    }
}

fn pipeline(args: &PipelineArgs) -> Result<Pipeline, Problem> {
    let mut pipeline = match args.preset.as_deref() {
        Some("fang2023") => Pipeline::fang2023(),
        _ => Pipeline::default(),
    };
    if let Some(cm) = args.box_cm {
        pipeline.box_cm = cm;
    }
    pipeline.scale = match (&args.arena[..], args.cm_per_unit) {
        ([], None) => pipeline.scale,
        ([], Some(cm)) => Scale::PerUnit { cm },
        (&[x0, x1, y0, y1], _) => Scale::Arena {
            x: (x0, x1),
            y: (y0, y1),
            width_cm: args.width_cm.unwrap_or(pipeline.box_cm),
        },
        (other, _) => {
            return Err(Problem::new(
                format!("--arena has {} numbers, expected 4", other.len()),
                "--arena LEFT,RIGHT,LOWER,UPPER",
            ));
        }
    };
    if let Some(cm) = args.bin_cm {
        pipeline.bin_cm = cm;
    }
    if let Some(hz) = args.rate {
        pipeline.rate_hz = hz;
    }
    if let Some(outline) = &args.outline {
        pipeline.outline = if outline == "round" {
            Outline::Round
        } else {
            Outline::Rectangle
        };
    }
    if let Some(speed) = args.max_speed {
        pipeline.speed_limit = SpeedLimit::PerSecond(speed);
    }
    if let Some(gap) = args.longest_gap {
        pipeline.longest_gap_s = Some(gap);
    }
    if let Some(share) = args.unexplored {
        pipeline.unexplored = share;
    }
    pipeline.flip_y |= args.flip_y;
    Ok(pipeline)
}

/// From a track to its report.
pub(crate) fn run(args: &RunArgs, global: &Global) -> Result<u8, Problem> {
    let options = options(&args.track);
    let spike = SpikeOptions {
        unit: args.spike_unit.map(unit),
        sample_rate: args.sample_rate,
        groups: args.groups.clone(),
    };
    let pipeline = pipeline(&args.pipeline)?;
    let mut track = toml::Table::new();
    let table = |value: toml::Value| value;
    track.insert(
        "file".to_owned(),
        toml::Value::String(args.track.file.display().to_string()),
    );
    if let Some(spikes) = &args.spikes {
        track.insert(
            "spikes".to_owned(),
            toml::Value::String(spikes.display().to_string()),
        );
    }
    if let Some(speed) = args.min_speed {
        track.insert("least_speed_cm_s".to_owned(), toml::Value::Float(speed));
    }
    let as_toml = |name: &str, value: Result<toml::Value, toml::ser::Error>| {
        value
            .map(table)
            .map_err(|error| Problem::bare(format!("{name}: {error}")))
    };
    track.insert(
        "read".to_owned(),
        as_toml("track", toml::Value::try_from(options))?,
    );
    track.insert(
        "pipeline".to_owned(),
        as_toml("pipeline", toml::Value::try_from(pipeline))?,
    );
    track.insert(
        "spike".to_owned(),
        as_toml("spikes", toml::Value::try_from(spike))?,
    );
    let mut settings = toml::Table::new();
    settings.insert("track".to_owned(), toml::Value::Table(track));
    settings.insert(
        "seed".to_owned(),
        toml::Value::Integer(global.seed.unwrap_or(1) as i64),
    );
    let mut set = args.place.set.clone();
    set.extend(args.gain.map(|gain| format!("model.retrieval_gain={gain:?}")));
    set.extend(args.shuffles.map(|n| format!("fields.shuffles={n}")));
    let given = Given {
        name: "track",
        text: None,
        set: &set,
        options: &[("the command line", settings)],
    };
    let job = Walked::open(&given).map_err(first)?;
    let stem = args
        .track
        .file
        .file_name()
        .map_or_else(|| "track".to_owned(), |name| name.to_string_lossy().into_owned());
    let stem = stem.split('.').next().unwrap_or("track").to_owned();
    make(
        &job,
        &args.place,
        PathBuf::from(format!("runs/successor-{stem}-s{}", global.seed.unwrap_or(1))),
        global,
    )
}

/// What is in a file.
pub(crate) fn check(args: &CheckArgs, global: &Global) -> Result<u8, Problem> {
    let track = read(&args.track.file, &options(&args.track))?;
    let [x, y] = track.extent().unwrap_or([(f64::NAN, f64::NAN); 2]);
    let rate = track.rate_hz().unwrap_or(f64::NAN);
    // What `run` will take as lost, beside what the file says: told, not done.
    let mut filtered = track.clone();
    let jumps = drop_jumps(&mut filtered, SpeedLimit::Auto);
    let jumps = jumps.map_err(|problem| filtered.notes.push(Problem::from(problem).sentence()));
    if global.json {
        print_json(&json!({
            "form": track.form, "frames": track.frames(), "lost": track.lost(), "t_first": track.time[0],
            "t_last": track.time[track.frames() - 1], "rate_hz": rate, "unit": track.unit, "y": track.vertical,
            "x_min": x.0, "x_max": x.1, "y_min": y.0, "y_max": y.1, "jumps": jumps.ok(), "notes": filtered.notes,
        }))?;
        return Ok(0);
    }
    out!("{}: {}", args.track.file.display(), track.form);
    out!(
        "{} frames, {} lost, {:.3} to {:.3} s at {rate:.3} per second",
        track.frames(),
        track.lost(),
        track.time[0],
        track.time[track.frames() - 1]
    );
    out!(
        "x {:.2} to {:.2}, y {:.2} to {:.2} ({})",
        x.0,
        x.1,
        y.0,
        y.1,
        track.unit.name()
    );
    for note in &filtered.notes {
        out!("{note}");
    }
    Ok(0)
}
