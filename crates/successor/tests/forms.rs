//! Tracks as people write them by hand: comments and lines above the header, clocks, units, one matrix for all.

use ndarray::Array2;
use neuropil_successor::track::{LengthUnit, Track, TrackOptions, read};
use std::path::PathBuf;

const FRAMES: usize = 90;

fn place(i: usize) -> [f64; 3] {
    let t = i as f64 / 30.0;
    [t, 40.0 + 30.0 * (3.0 * t).cos(), 40.0 + 30.0 * (5.0 * t).sin()]
}

fn written(name: &str, content: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

/// Rows of time, x and y, the time written by `clock`.
fn rows(clock: impl Fn(f64) -> String) -> String {
    let row = |i| {
        let [t, x, y] = place(i);
        format!("{},{x:.3},{y:.3}\n", clock(t))
    };
    (0..FRAMES).map(row).collect()
}

fn is_the_track(track: &Track, tolerance_s: f64) {
    assert_eq!((track.frames(), track.lost()), (FRAMES, 0));
    for i in 0..FRAMES {
        let [t, x, y] = place(i);
        assert!((track.time[i] - t).abs() < tolerance_s, "{} {t}", track.time[i]);
        assert!((track.x[i] - x).abs() < 1e-3 && (track.y[i] - y).abs() < 1e-3);
    }
}

#[test]
fn what_stands_above_a_table_is_none_of_it() {
    let table = rows(|t| t.to_string());
    for above in [
        "# camera 1\n# unit: cm\nt,x,y\n",
        "% exported by the lab, 2024\nt,x,y\n",
        "// made by a script\n\n# t, x, y\n",
        "#t,x,y\n",
        "Experiment: 12\nDate: 2024-03-01, morning, room 2\n\nt,x,y\n",
    ] {
        let (_folder, path) = written("track.csv", &format!("{above}{table}"));
        let track = read(&path, &TrackOptions::default()).unwrap_or_else(|error| panic!("{above}: {error}"));
        is_the_track(&track, 1e-9);
        assert_eq!(track.lines[0], above.lines().count() + 1, "{above}");
    }
}

#[test]
fn minutes_and_seconds_are_times() {
    let clock = |t: f64| format!("{:02}:{:09.6}", (t / 60.0) as u32, t % 60.0);
    let (_folder, path) = written("track.csv", &format!("time,x,y\n{}", rows(clock)));
    is_the_track(&read(&path, &TrackOptions::default()).unwrap(), 1e-5);
}

#[test]
fn inches_are_a_unit() {
    let (_folder, path) = written(
        "track.csv",
        &format!("time (s),x (in),y (in)\n{}", rows(|t| t.to_string())),
    );
    let track = read(&path, &TrackOptions::default()).unwrap();
    assert_eq!((track.unit, track.unit.in_cm()), (LengthUnit::In, Some(2.54)));
}

#[test]
fn one_matrix_of_time_x_and_y_is_a_track() {
    for order in [[0, 1, 2], [1, 2, 0]] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("track.npy");
        let matrix = Array2::from_shape_fn((FRAMES, 3), |(i, k)| place(i)[order[k]]);
        ndarray_npy::write_npy(&path, &matrix).unwrap();
        let track = read(&path, &TrackOptions::default()).unwrap();
        is_the_track(&track, 1e-9);
        assert!(
            track.notes.iter().any(|note| note.contains("ascends")),
            "{:?}",
            track.notes
        );
    }
}
