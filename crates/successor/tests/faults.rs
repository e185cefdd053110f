//! What labs with tracked animals bring: one test for every entry of `expected.json`, under its name.

use crate::golden::files::{close, number, numbers, states};
use neuropil_math::rng::Key;
use neuropil_successor::track::pipeline::{
    Outline, Pipeline, Resample, Scale, SpeedLimit, drop_jumps, session,
};
use neuropil_successor::track::spikes::{
    SpikeOptions, check_clock, counted_frames, per_frame, rate_map, read_spikes,
};
use neuropil_successor::track::{LengthUnit, TimeUnit, Track, TrackOptions, Vertical, read};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/faults")
        .join(name)
}

fn expected(name: &str) -> Value {
    let all: Value = serde_json::from_slice(&std::fs::read(path("expected.json")).unwrap()).unwrap();
    assert!(all[name].is_object(), "{name}");
    all[name].clone()
}

fn part(individual: &str, bodypart: &str) -> TrackOptions {
    TrackOptions {
        fps: Some(30.0),
        individual: Some(individual.to_owned()).filter(|name| !name.is_empty()),
        bodypart: Some(bodypart.to_owned()).filter(|name| !name.is_empty()),
        ..TrackOptions::default()
    }
}

fn columns(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

#[track_caller]
fn read_as(name: &str, key: &str, options: &TrackOptions) -> Track {
    let track = read(&path(name), options).unwrap_or_else(|error| panic!("{name}: {error}"));
    let want = &expected(name)[key];
    assert_eq!(
        track.frames(),
        want["frames"].as_u64().unwrap() as usize,
        "{name}: frames"
    );
    assert_eq!(
        track.lost(),
        want["lost"].as_u64().unwrap() as usize,
        "{name}: lost"
    );
    let ends = [track.time[0], track.time[track.frames() - 1]];
    close(
        name,
        &ends,
        &[number(&want["t_first"]), number(&want["t_last"])],
        1e-3,
    );
    let [x, y] = track.extent().unwrap();
    let range = ["x_min", "x_max", "y_min", "y_max"].map(|key| number(&want[key]));
    close(name, &[x.0, x.1, y.0, y.1], &range, 1e-5);
    track
}

/// Steps 1 to 5 of the paper's pipeline, the last stop made one sample too.
fn as_published() -> Pipeline {
    Pipeline {
        collapse_last: true,
        unexplored: 1.0,
        steps: None,
        ..Pipeline::fang2023()
    }
}

/// The same on a clock.
fn on_a_clock() -> Pipeline {
    Pipeline {
        resample: Resample::Clock,
        ..as_published()
    }
}

#[track_caller]
fn walks(track: &Track, pipeline: &Pipeline, want: &Value) {
    let session = session(track, pipeline, Key::new(1)).unwrap();
    assert_eq!(session.states, states(want), "{}", track.source.display());
}

#[track_caller]
fn says(notes: &[String], words: &str) {
    assert!(
        notes.iter().any(|note| note.contains(words)),
        "`{words}` is not said in {notes:#?}"
    );
}

#[track_caller]
fn refuses(name: &str, options: &TrackOptions, words: &[&str]) -> String {
    let message = read(&path(name), options).map(|_| ()).unwrap_err().to_string();
    for word in words {
        assert!(message.contains(word), "`{word}` is not in {message}");
    }
    message
}

#[test]
fn dlc_single_csv() {
    let name = "dlc_single.csv";
    let track = read_as(name, "read", &part("", "snout"));
    says(
        &track.notes,
        "8 of 240 frames below likelihood 0.6 treated as lost",
    );
    says(&track.notes, "no time column: fps needed");
    assert_eq!((track.unit, track.vertical), (LengthUnit::Px, Vertical::Down));
    walks(&track, &as_published(), &expected(name)["states"]);
    walks(&track, &on_a_clock(), &expected(name)["states"]);
    let ignored = read(
        &path(name),
        &TrackOptions {
            likelihood: Some(0.0),
            ..part("", "snout")
        },
    )
    .unwrap();
    walks(
        &ignored,
        &as_published(),
        &expected(name)["states_if_likelihood_ignored"],
    );
    refuses(
        name,
        &TrackOptions {
            fps: None,
            ..part("", "snout")
        },
        &["no frame rate", "--fps"],
    );
    refuses(
        name,
        &part("", ""),
        &["more than one body part: `snout`, `tailbase`", "--bodypart"],
    );
    refuses(
        name,
        &part("", "snot"),
        &["no body part `snot`", "did you mean `snout`"],
    );
}

#[test]
fn dlc_table_h5_gz() {
    let name = "dlc_table.h5.gz";
    let parts = read(&path(name), &part("", "nobody")).unwrap_err().to_string();
    assert!(parts.contains("no body part `nobody`"), "{parts}");
    let track = read_as(name, "read", &part("", "snout"));
    let first = numbers(&expected(name)["first_row"]);
    close(name, &[track.x[0], track.y[0]], &first[..2], 1e-9);
    says(&track.notes, "3 of 60 frames below likelihood 0.6");
}

#[test]
fn sleap_analysis_h5() {
    let name = "sleap.analysis.h5";
    let track = read_as(name, "read", &part("f1", "thorax"));
    let want = expected(name);
    close(
        name,
        &[track.x[0], track.y[0]],
        &[number(&want["x_frame0"]), number(&want["y_frame0"])],
        1e-9,
    );
    walks(&track, &as_published(), &want["states"]);
    walks(&track, &on_a_clock(), &want["states"]);
    refuses(name, &part("", "thorax"), &["more than one track: `f1`, `f2`"]);
    refuses(name, &part("f1", ""), &["more than one node: `head`, `thorax`"]);
}

#[test]
fn sleap_analysis_csv() {
    let name = "sleap_analysis.csv";
    let track = read_as(name, "read", &part("f1", "head"));
    says(&track.notes, "25 of 150 frames have no row (40-63, 100): lost");
    walks(&track, &as_published(), &expected(name)["states"]);
    walks(&track, &on_a_clock(), &expected(name)["states"]);
    assert_eq!(
        track.lines.iter().filter(|line| **line > 0).count() as u64,
        expected(name)["n_rows_f1"].as_u64().unwrap()
    );
}

#[test]
fn sleap_untracked_csv() {
    assert_eq!(expected("sleap_untracked.csv")["refuse"], true);
    let words = ["track column is empty", "2 instances in a frame", "tracker"];
    refuses("sleap_untracked.csv", &part("", "head"), &words);
}

#[test]
fn ethovision_zh_txt() {
    let name = "ethovision_zh.txt";
    let track = read_as(name, "read", &TrackOptions::default());
    assert_eq!((track.unit, track.vertical), (LengthUnit::Mm, Vertical::Up));
    let [x, y] = track.extent().unwrap();
    let cm = track.unit.in_cm().unwrap();
    let want = &expected(name)["read_cm"];
    close(
        name,
        &[x.1 * cm, y.1 * cm],
        &[number(&want["x_max"]), number(&want["y_max"])],
        1e-9,
    );
    walks(&track, &as_published(), &expected(name)["states"]);
    says(&track.notes, "time is `Trial time`");
}

#[test]
fn anymaze_positions_csv() {
    let track = read_as("anymaze_positions.csv", "read", &TrackOptions::default());
    walks(
        &track,
        &as_published(),
        &expected("anymaze_positions.csv")["states"],
    );
}

#[test]
fn bonsai_centroid_csv() {
    let name = "bonsai_centroid.csv";
    let track = read_as(name, "read", &TrackOptions::default());
    let rate = track.rate_hz().unwrap();
    close(name, &[rate], &[number(&expected(name)["fps"])], 1e-6);
    walks(&track, &as_published(), &expected(name)["states"]);
    let published = session(&track, &as_published(), Key::new(1)).unwrap();
    close("the real rate", &[published.rate_hz], &[40.0 / 13.0], 1e-6);
    says(&published.notes, "every 13th frame of 40 fps is 3.077 Hz");
    says(&track.notes, "columns 2 and 3 are taken as x and y");
}

#[test]
fn vt1_nvt_gz() {
    let name = "VT1.nvt.gz";
    let track = read_as(name, "read", &TrackOptions::default());
    close(
        name,
        &[track.origin * 1e6],
        &[number(&expected(name)["timestamp_first_us"])],
        1e-3,
    );
    close(
        name,
        &[track.rate_hz().unwrap()],
        &[number(&expected(name)["rate_hz"])],
        0.01,
    );
    walks(&track, &on_a_clock(), &expected(name)["states_on_a_3_Hz_clock"]);
    walks(
        &track,
        &as_published(),
        &expected(name)["states_every_10th_frame"],
    );
    says(&track.notes, "7 frames at exactly (0,0) are lost");
    says(&track.notes, "y counts down from the top; pixels");
}

#[test]
fn session_video_position_tracking() {
    let name = "session.videoPositionTracking";
    let want = expected(name);
    let track = read_as(name, "read_midpoint", &TrackOptions::default());
    assert_eq!(track.frames() as u64, want["records"].as_u64().unwrap());
    close(name, &[track.time[0]], &[number(&want["t_first_s"])], 1e-9);
    walks(&track, &on_a_clock(), &want["states_midpoint_by_time"]);
    says(
        &track.notes,
        "gap of 0.367 s after frame 99 instead of 0.0333 s: 10 frames missing",
    );
    says(&track.notes, "LED 2 at (0,0) in 6 records: lost");
    says(
        &track.notes,
        "records 140-159 have the two LEDs swapped (LED 2 - LED 1 turns from (14.0, 3.0) to (-14.0, -3.0))",
    );
    says(&track.notes, "pixel scale 0 pix/cm = not calibrated");
    let one = read(
        &path(name),
        &TrackOptions {
            led: Some(1),
            ..TrackOptions::default()
        },
    )
    .unwrap();
    assert_eq!(one.lost(), 0);
}

#[test]
fn position_two_series_nwb() {
    let name = "position_two_series.nwb";
    refuses(
        name,
        &TrackOptions::default(),
        &["more than one position series: `body`, `head`", "--series"],
    );
    let track = read_as(
        name,
        "read",
        &TrackOptions {
            series: Some("head".to_owned()),
            ..TrackOptions::default()
        },
    );
    says(
        &track.notes,
        "unit says meters, but the range is 204 x 151: pixels?",
    );
    says(&track.notes, "gap of 2.033 s after frame 59");
    says(&track.notes, "y points down");
    walks(&track, &on_a_clock(), &expected(name)["states_by_time"]);
    let default = session(&track, &Pipeline::default(), Key::new(1)).unwrap();
    says(&default.notes, "2 pieces: nothing is learned across gaps");
}

/// As pynwb writes two series on one clock: the second one's `timestamps` is a soft link to the first one's.
#[test]
fn series_whose_times_are_a_link_are_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pynwb-links.nwb");
    for (series, radius) in [("nose", 1.0), ("tail", 2.0)] {
        let options = TrackOptions {
            series: Some(series.to_owned()),
            ..TrackOptions::default()
        };
        let track = read(&path, &options).unwrap_or_else(|error| panic!("{series}: {error}"));
        assert_eq!(track.frames(), 40);
        assert!((track.origin + track.time[39] - 13.9).abs() < 1e-9);
        assert!((track.x[0] - radius).abs() < 1e-12 && track.y[0].abs() < 1e-12);
    }
}

#[test]
fn session_v73_mat() {
    let name = "session_v73.mat";
    let track = read_as(
        name,
        "read",
        &TrackOptions {
            fps: Some(30.0),
            ..TrackOptions::default()
        },
    );
    walks(&track, &as_published(), &expected(name)["states"]);
}

#[test]
fn session_v5_mat() {
    let name = "session_v5.mat";
    let words = ["xpos (1x120)", "ypos (120x1)", "ts (1x120)", "--columns"];
    refuses(name, &TrackOptions::default(), &words);
    let asked = TrackOptions {
        columns: columns(&["xpos", "ypos", "ts"]),
        ..TrackOptions::default()
    };
    refuses(name, &asked, &["times 33333", "`--time-unit us` makes 30.000"]);
    let options = TrackOptions {
        time_unit: Some(TimeUnit::Us),
        ..asked
    };
    let track = read_as(name, "read", &options);
    close(name, &[track.origin], &[5.0], 1e-9);
    walks(&track, &as_published(), &expected(name)["states"]);
}

#[test]
fn phy() {
    let want = expected("phy/");
    let track = read(&path("phy/track.csv"), &TrackOptions::default()).unwrap();
    let all = SpikeOptions {
        groups: vec!["mua".to_owned(), "noise".to_owned()],
        ..SpikeOptions::default()
    };
    let mut spikes = read_spikes(&path("phy"), &all).unwrap();
    check_clock(&mut spikes, &track).unwrap();
    says(
        &spikes.notes,
        "62 of 400 spikes lie after the last position and are left out",
    );
    let first = spikes
        .units
        .values()
        .flatten()
        .copied()
        .fold(f64::INFINITY, f64::min);
    close("first spike", &[first], &[number(&want["first_spike_s"])], 1e-6);
    assert_eq!(spikes.units.len(), want["units"].as_object().unwrap().len());
    for (unit, count) in want["units"].as_object().unwrap() {
        let times = &spikes.units[&unit.parse().unwrap()];
        assert_eq!(times.len() as u64, count.as_u64().unwrap(), "unit {unit}");
        let inside: f64 = per_frame(times, &track).iter().sum();
        assert_eq!(
            inside as u64,
            want["units_inside_track"][unit].as_u64().unwrap(),
            "unit {unit} inside"
        );
    }
    let good = read_spikes(&path("phy"), &SpikeOptions::default()).unwrap();
    let units: Vec<f64> = good.units.keys().map(|unit| *unit as f64).collect();
    assert_eq!(units, numbers(&want["default_units"]));
    says(&good.notes, "noise (40) not used unless asked");
    says(&good.notes, "mua (12) not used unless asked");
}

#[test]
fn spikes_ms_csv() {
    let track = read(&path("dlc_single.csv"), &part("", "snout")).unwrap();
    let mut spikes = read_spikes(&path("spikes_ms.csv"), &SpikeOptions::default()).unwrap();
    let message = check_clock(&mut spikes, &track).unwrap_err().to_string();
    for words in [
        "all 48 spike times lie after the end of the track",
        "first 320.52",
        "to 7.967 s",
        "/1000 would put 48 of 48 inside",
        "milliseconds",
    ] {
        assert!(message.contains(words), "`{words}` is not in {message}");
    }
    let options = SpikeOptions {
        unit: Some(TimeUnit::Ms),
        ..SpikeOptions::default()
    };
    let mut spikes = read_spikes(&path("spikes_ms.csv"), &options).unwrap();
    check_clock(&mut spikes, &track).unwrap();
    for (unit, count) in expected("spikes_ms.csv")["counts_if_ms"].as_object().unwrap() {
        assert_eq!(
            spikes.units[&unit.parse().unwrap()].len() as u64,
            count.as_u64().unwrap()
        );
    }
}

#[test]
fn track_us_csv() {
    let name = "track_us.csv";
    refuses(
        name,
        &TrackOptions::default(),
        &["times 33333", "over 92", "`--time-unit us` makes 30.000"],
    );
    let track = read_as(
        name,
        "read",
        &TrackOptions {
            time_unit: Some(TimeUnit::Us),
            ..TrackOptions::default()
        },
    );
    walks(&track, &as_published(), &expected(name)["states"]);
}

#[test]
fn track_nonmonotonic_csv() {
    let words = [
        "track_nonmonotonic.csv:47",
        "time repeats on line 47 (t = 1.4667 twice)",
        "time goes back by 0.4667 s on line 62 (1.9667 to 1.5)",
        "nothing is sorted",
    ];
    refuses("track_nonmonotonic.csv", &TrackOptions::default(), &words);
}

#[test]
fn track_outlier_csv() {
    let name = "track_outlier.csv";
    let want = expected(name);
    let track = read(&path(name), &TrackOptions::default()).unwrap();
    let filtered = Pipeline {
        speed_limit: SpeedLimit::Auto,
        ..as_published()
    };
    let clean = session(&track, &filtered, Key::new(1)).unwrap();
    assert_eq!(clean.states, states(&want["states"]));
    says(&clean.notes, "line 202: 17298, then 17298");
    says(&clean.notes, "fastest other step 45 ");
    let distinct = |states: &[usize]| states.iter().collect::<std::collections::BTreeSet<_>>().len() as f64;
    let kept = session(&track, &as_published(), Key::new(1)).unwrap();
    let counts = [distinct(&clean.states), distinct(&kept.states)];
    assert_eq!(
        counts,
        [
            number(&want["distinct_states"]),
            number(&want["distinct_states_if_kept"])
        ]
    );
    let mut same = track.clone();
    assert_eq!(drop_jumps(&mut same, SpeedLimit::PerSecond(1e4)).unwrap(), 1);
}

#[test]
fn circular_arena_csv() {
    let want = expected("circular_arena.csv");
    let track = read(&path("circular_arena.csv"), &TrackOptions::default()).unwrap();
    let strict = Pipeline {
        unexplored: 30.0 / 196.0,
        ..Pipeline::default()
    };
    let found = session(&track, &strict, Key::new(1)).unwrap();
    says(&found.notes, "round arena, as its empty corners say");
    assert_eq!(found.states.len() as f64, number(&want["frames"]));
    let mut samples = vec![0; found.grid.bins()];
    found.states.iter().for_each(|&state| samples[state] += 1);
    let count = |f: &dyn Fn(usize) -> bool| (0..samples.len()).filter(|&bin| f(bin)).count() as f64;
    assert_eq!(count(&|bin| samples[bin] > 0), number(&want["states_visited"]));
    assert_eq!(
        count(&|bin| samples[bin] < 3),
        number(&want["states_below_3_frames"])
    );
    assert_eq!(
        count(&|bin| found.grid.exists[bin] && samples[bin] == 0),
        0.0,
        "no corner counts as unexplored"
    );
    let square = Pipeline {
        outline: Outline::Rectangle,
        ..strict
    };
    let message = session(&track, &square, Key::new(1)).unwrap_err().to_string();
    assert!(
        message.contains("46 of 196 bins have fewer than 3 samples, at most 30 may"),
        "{message}"
    );
}

#[test]
fn rate_map_track_csv_and_rate_map_spikes_csv() {
    let want = expected("rate_map_track.csv + rate_map_spikes.csv");
    let track = read(&path("rate_map_track.csv"), &TrackOptions::default()).unwrap();
    let pipeline = Pipeline {
        scale: Scale::Arena {
            x: (0.0, 70.0),
            y: (0.0, 70.0),
            width_cm: 70.0,
        },
        bin_cm: 35.0,
        speed_limit: SpeedLimit::Off,
        ..Pipeline::default()
    };
    let session = session(&track, &pipeline, Key::new(1)).unwrap();
    let mut spikes = read_spikes(&path("rate_map_spikes.csv"), &SpikeOptions::default()).unwrap();
    check_clock(&mut spikes, &track).unwrap();
    let bin = |key: &str| {
        let (x, y) = key.split_once(',').unwrap();
        x.parse::<usize>().unwrap() * 2 + y.parse::<usize>().unwrap()
    };
    let all = rate_map(
        &spikes.units[&1],
        &track,
        &counted_frames(&track, &session.mapping, 0.0),
        &session.grid,
    );
    for (place, time) in want["occupancy_s"].as_object().unwrap() {
        close("occupancy", &[all.occupancy_s[bin(place)]], &[number(time)], 0.11);
    }
    let fast = rate_map(
        &spikes.units[&1],
        &track,
        &counted_frames(&track, &session.mapping, 2.0),
        &session.grid,
    );
    for (map, key, loose) in [
        (&all, "no_speed_filter", 0.005),
        (&fast, "speed_above_2_cm_s", 0.03),
    ] {
        let want = &want[key];
        for (place, rate) in want["rates_hz"].as_object().unwrap() {
            let rate = rate.as_f64().unwrap_or(f64::NAN);
            close(
                key,
                &[map.rates_hz[bin(place)]],
                &[rate],
                loose * if rate.is_nan() { 1.0 } else { rate },
            );
        }
        let found = map.information.unwrap();
        let tolerance = if loose > 0.01 { 0.02 } else { 2e-3 };
        close(
            "bits/s",
            &[found.bits_per_second],
            &[number(&want["info_bits_per_s"])],
            tolerance,
        );
        close(
            "bits/spike",
            &[found.bits_per_spike],
            &[number(&want["info_bits_per_spike"])],
            tolerance,
        );
        close(
            "mean rate",
            &[found.mean_rate],
            &[number(&want["mean_rate_hz"])],
            0.05,
        );
        close(
            "sparsity",
            &[found.sparsity],
            &[number(&want["sparsity"])],
            tolerance,
        );
        assert!(map.rates_hz[3].is_nan(), "a bin never visited has no rate");
        assert!((map.coverage - 0.75).abs() < 1e-12);
    }
}

#[test]
fn track_excel_de_csv() {
    let track = read_as("track_excel_de.csv", "read", &TrackOptions::default());
    walks(&track, &as_published(), &expected("track_excel_de.csv")["states"]);
}

#[test]
fn the_test_names_cover_every_entry() {
    let all: Value = serde_json::from_slice(&std::fs::read(path("expected.json")).unwrap()).unwrap();
    let source = include_str!("faults.rs");
    for name in all
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| !name.starts_with('_'))
    {
        assert!(source.contains(name.as_str()), "{name} has no test");
    }
}

#[test]
fn damaged_files_are_refused_with_their_name() {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(path("")).unwrap() {
        let file = entry.unwrap().path();
        if !file.is_file() || file.extension().is_some_and(|kind| kind == "json") {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        let copy = folder.path().join(file.file_name().unwrap());
        let options = TrackOptions {
            fps: Some(30.0),
            ..TrackOptions::default()
        };
        for cut in [0, 1, 2, 17, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(&copy, &bytes[..cut]).unwrap();
            let _ = read(&copy, &options).map_err(|error| assert!(!error.to_string().is_empty()));
        }
        for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
            let mut wrong = bytes.clone();
            wrong[at] ^= 0x55;
            std::fs::write(&copy, &wrong).unwrap();
            let _ = read(&copy, &options);
        }
    }
    let missing = read(Path::new("nowhere.csv"), &TrackOptions::default()).unwrap_err();
    assert!(
        missing.to_string().starts_with("nowhere.csv: cannot read"),
        "{missing}"
    );
}
