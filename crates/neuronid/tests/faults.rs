//! Files as laboratories bring them, each read rightly or refused. The files lie in `$NEUROPIL_FAULTS/neuronid`, or in
//! `../shared/faults/neuronid` beside the repository; without them the tests skip, and say so.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use neuropil_neuronid::checkpoint::{load, tensors};
use neuropil_neuronid::colour::kl;
use neuropil_neuronid::read::{Recording, Told, read};
use neuropil_neuronid::worm::{Point, Side, Unit, Worm};
use serde_json::Value;
use std::path::PathBuf;

const VOXEL: Told = Told {
    unit: None,
    voxel: Some([0.32, 0.32, 1.5]),
};
const NOTHING: Told = Told {
    unit: None,
    voxel: None,
};

fn file(name: &str) -> Option<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os("NEUROPIL_FAULTS")
        .map_or_else(|| here.join("../../../shared/faults"), PathBuf::from)
        .join("neuronid");
    let path = folder.join(name);
    if !path.exists() {
        eprintln!("skipped: no faults/neuronid/{name}");
        return None;
    }
    Some(path)
}

fn right(name: &str) -> Value {
    let path = file("expected.json").expect("beside the inputs");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    all[name]["right"].clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

fn near(found: &[f64], exact: &Value, tolerance: f64) {
    for (found, exact) in found.iter().zip(numbers(exact)) {
        assert!((found - exact).abs() <= tolerance, "{found} for {exact}");
    }
}

fn sum(recording: &Recording) -> Point {
    let points = || recording.volumes.values().flat_map(|worm| &worm.points);
    std::array::from_fn(|k| points().map(|p| p[k]).sum())
}

fn only(recording: &Recording) -> &Worm {
    assert_eq!(recording.volumes.len(), 1);
    recording.volumes.values().next().unwrap()
}

fn counts(recording: &Recording) -> (Vec<i64>, Vec<usize>) {
    recording
        .volumes
        .iter()
        .map(|(number, worm)| (*number, worm.points.len()))
        .unzip()
}

#[test]
fn neuropalid_v3_csv() {
    let Some(path) = file("neuropalid_v3.csv") else {
        return;
    };
    let right = right("neuropalid_v3.csv");
    let recording = read(&path, &NOTHING).unwrap();
    let worm = only(&recording);
    assert_eq!(worm.points.len(), 12);
    near(&worm.points[0], &right["first_xyz"], 1e-4);
    near(&worm.points[11], &right["last_xyz"], 1e-4);
    near(&sum(&recording), &right["sum_xyz"], 1e-3);
    near(&worm.normalised()[0], &right["first_normalised"], 1e-4);
    let names: Vec<&str> = right["names"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    // `Q` is a mark, no name.
    let expected: Vec<&str> = names
        .iter()
        .map(|name| if *name == "Q" { "" } else { name })
        .collect();
    assert_eq!(worm.names, expected);
    assert!(worm.warnings().iter().any(|warning| warning.contains("negative")));
}

#[test]
fn neuropalid_excel_de_csv() {
    let (Some(path), Some(plain)) = (file("neuropalid_excel_de.csv"), file("neuropalid_v3.csv")) else {
        return;
    };
    let (a, b) = (read(&path, &NOTHING).unwrap(), read(&plain, &NOTHING).unwrap());
    assert_eq!(only(&a).names, only(&b).names);
    for (a, b) in only(&a).points.iter().zip(&only(&b).points) {
        assert!((0..3).all(|k| (a[k] - b[k]).abs() < 1e-3), "{a:?} {b:?}");
    }
}

#[test]
fn napari_points() {
    let (Some(three), Some(four)) = (file("napari_points_3d.csv"), file("napari_points_4d.csv")) else {
        return;
    };
    let exact = right("napari_points_3d.csv");
    let recording = read(&three, &VOXEL).unwrap();
    near(&only(&recording).points[0], &exact["first_um_xyz"], 2e-3);
    near(&sum(&recording), &exact["sum_um_xyz"], 2e-2);
    assert!(read(&three, &NOTHING).unwrap_err().to_string().contains("voxel"));
    let recording = read(&four, &VOXEL).unwrap();
    assert_eq!(counts(&recording), (vec![0, 1, 3, 4], vec![6; 4]));
    assert_eq!(recording.missing(), [2]);
    let third = &recording.volumes[&3].points;
    let mean: Point = std::array::from_fn(|k| third.iter().map(|p| p[k]).sum::<f64>() / 6.0);
    near(&mean, &right("napari_points_4d.csv")["mean_um_xyz_volume3"], 2e-3);
}

#[test]
fn trackmate_spots_um_csv() {
    let Some(path) = file("trackmate_spots_um.csv") else {
        return;
    };
    let exact = right("trackmate_spots_um.csv");
    let recording = read(&path, &NOTHING).unwrap();
    assert_eq!(counts(&recording), (vec![0, 1, 2], vec![5; 3]));
    near(&recording.volumes[&0].points[0], &exact["first_xyz"], 1e-3);
    near(&sum(&recording), &exact["sum_xyz"], 1e-2);
    assert_eq!(recording.volumes[&0].names, ["ADAL", "ADAR", "ADEL", "", ""]);
}

#[test]
fn trackmate_pixel_xml() {
    let Some(path) = file("trackmate_pixel.xml") else {
        return;
    };
    let exact = right("trackmate_pixel.xml");
    let recording = read(&path, &VOXEL).unwrap();
    assert_eq!(counts(&recording), (vec![0, 2, 3], vec![4, 3, 3]));
    near(&recording.volumes[&0].points[0], &exact["first_um_xyz"], 1e-2);
    assert_eq!(
        recording.volumes[&0].names,
        ["AVAL", "AVAR", "ASEL", "AVA & \"alt\""]
    );
    assert!(recording.said.iter().any(|said| said.contains("1 hidden")));
    assert!(read(&path, &NOTHING).unwrap_err().to_string().contains("voxel"));
}

#[test]
fn imaris_position_csv() {
    let Some(path) = file("imaris_Position.csv") else {
        return;
    };
    let exact = right("imaris_Position.csv");
    let recording = read(&path, &NOTHING).unwrap();
    assert_eq!(counts(&recording), (vec![1, 2, 4], vec![4; 3]));
    assert_eq!(recording.missing(), [3]);
    near(&recording.volumes[&1].points[0], &exact["first_xyz"], 1e-4);
    near(&sum(&recording), &exact["sum_xyz"], 1e-3);
}

fn texts(value: &Value) -> Vec<&str> {
    let all = value.as_array().unwrap();
    all.iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn zephir() {
    let Some(folder) = file("zephir") else { return };
    let exact = right("zephir/");
    for path in [folder.clone(), folder.join("annotations.h5")] {
        let recording = read(&path, &VOXEL).unwrap();
        assert_eq!(counts(&recording), (vec![0, 2, 5], vec![4, 3, 4]));
        near(&recording.volumes[&0].points[0], &exact["first_um_xyz"], 1e-3);
        near(&sum(&recording), &exact["sum_um_xyz"], 1e-2);
        assert_eq!(recording.volumes[&0].names, ["AVAL", "AVAR", "", "ASEL"]);
        assert!(recording.said[0].contains("7 of 11 places are the program's"));
    }
    assert!(read(&folder, &NOTHING).unwrap_err().to_string().contains("voxel"));
}

#[test]
fn nwb_idlabels_chars_nwb() {
    let Some(path) = file("nwb_idlabels_chars.nwb") else {
        return;
    };
    let exact = right("nwb_idlabels_chars.nwb");
    let recording = read(&path, &NOTHING).unwrap();
    let worm = only(&recording);
    near(&worm.points[0], &exact["first_um_xyz"], 1e-6);
    near(&sum(&recording), &exact["sum_um_xyz"], 1e-6);
    let named: Vec<String> = texts(&exact["names"])
        .iter()
        .map(|name| name.replace('?', ""))
        .collect();
    assert_eq!(worm.names, named);
    assert!(
        recording
            .said
            .iter()
            .any(|said| said == "`AVEL?` was read as AVEL, unsure")
    );
}

#[test]
fn nwb_um_in_voxel_mask_nwb() {
    let Some(path) = file("nwb_um_in_voxel_mask.nwb") else {
        return;
    };
    let exact = right("nwb_um_in_voxel_mask.nwb");
    let message = read(&path, &NOTHING).unwrap_err().to_string();
    assert!(
        message.contains("no whole numbers") && message.contains("--unit um"),
        "{message}"
    );
    let told = Told {
        unit: Some(Unit::Um),
        ..NOTHING
    };
    let as_um = read(&path, &told).unwrap();
    near(&only(&as_um).points[0], &exact["um_if_taken_as_um_first"], 1e-3);
    let multiplied = read(&path, &VOXEL).unwrap();
    near(
        &only(&multiplied).points[0],
        &exact["um_if_multiplied_first"],
        1e-3,
    );
    assert_eq!(only(&as_um).names[0], "AVAL");
}

#[test]
fn three_dee_cell_tracker_results_h5() {
    let Some(path) = file("3deecelltracker_results.h5") else {
        return;
    };
    let exact = right("3deecelltracker_results.h5");
    let recording = read(&path, &NOTHING).unwrap();
    assert_eq!(counts(&recording), (vec![1, 2, 3, 4], vec![6, 6, 5, 6]));
    near(&recording.volumes[&1].points[0], &exact["first_um_xyz"], 1e-3);
    assert_eq!(recording.absent.len(), 1);
    assert_eq!(recording.absent[0].0, 3);
    let matcher = neuropil_neuronid::identify::Matcher::Rigid;
    let options = neuropil_neuronid::identify::Options::of(&matcher);
    let error = neuropil_neuronid::track::track(&path, &recording, 3, &matcher, &options).unwrap_err();
    assert!(error.to_string().contains("volume 3, cell"), "{error}");
}

#[test]
fn names_wild_csv() {
    let Some(path) = file("names_wild.csv") else {
        return;
    };
    let (worm, said) = read(&path, &NOTHING).unwrap().single(&path).unwrap();
    for name in [
        "AVAR", "AVBL", "RMED", "URYDR", "I1L-alt", "Q12", "AIYL", "IL1DL", "RID", "AVM_1", "AMSOL", "DA1",
        "RIAL",
    ] {
        assert!(worm.names.iter().any(|own| own == name), "{name}");
    }
    for line in [
        "`ava-r` was read as AVAR",
        "`AVBL ?` was read as AVBL, unsure",
        "`AVEL/R` may be AVEL or AVER",
    ] {
        assert!(said.iter().any(|said| said.starts_with(line)), "{line}: {said:?}");
    }
    let message = worm.as_template("names_wild.csv", false).unwrap_err().to_string();
    assert!(
        message.contains("rows 16 and 17") && message.contains("ASEL"),
        "{message}"
    );
}

#[test]
fn units_that_look_wrong() {
    for (name, word) in [("z_in_slices.csv", "slice"), ("pixels_as_um_036.csv", "pixels")] {
        let Some(path) = file(name) else { return };
        let worm = read(&path, &NOTHING).unwrap().single(&path).unwrap().0;
        assert!(
            worm.warnings().iter().any(|warning| warning.contains(word)),
            "{name}: {:?}",
            worm.warnings()
        );
        let stats = &right(name)["stats"];
        let look = worm.look();
        assert!((look.radius - stats["rg_normalised"].as_f64().unwrap()).abs() < 1e-3);
        assert!((look.neighbours_um - stats["nn_median"].as_f64().unwrap()).abs() < 2e-2);
    }
}

#[test]
fn volumes_onebased_gap_csv() {
    let Some(path) = file("volumes_onebased_gap.csv") else {
        return;
    };
    assert!(read(&path, &NOTHING).unwrap_err().to_string().contains("--unit"));
    let told = Told {
        unit: Some(Unit::Um),
        ..NOTHING
    };
    let recording = read(&path, &told).unwrap();
    assert_eq!(counts(&recording), (vec![1, 2, 4, 5], vec![5, 5, 4, 6]));
    assert_eq!(recording.missing(), [3]);
    let error = recording.volumes[&5]
        .clone()
        .as_template("volume 5", false)
        .unwrap_err();
    assert!(error.to_string().contains("ADEL"));
}

#[test]
fn flavell_labels_csv() {
    let Some(path) = file("flavell_labels.csv") else {
        return;
    };
    assert!(read(&path, &NOTHING).unwrap_err().to_string().contains("voxel"));
    let recording = read(&path, &VOXEL).unwrap();
    let worm = only(&recording);
    // Eleven rows, two of one ROI, one without label and ROI.
    assert_eq!(worm.points.len(), 8);
    near(
        &worm.points[0],
        &serde_json::json!([120.0 * 0.32, 88.0 * 0.32, 14.0 * 1.5]),
        1e-9,
    );
    assert_eq!(
        worm.names,
        ["AVAL", "AVA?", "RMDD?", "SMD??", "ASEL-alt", "ASEL", "glia", ""]
    );
    for line in [
        "`AVA?` may be AVAL or AVAR",
        "line 9: ROI 25 stands twice",
        "1 rows without label and ROI",
    ] {
        assert!(
            recording.said.iter().any(|said| said.starts_with(line)),
            "{line}: {:?}",
            recording.said
        );
    }
}

#[test]
fn colour16_template_and_colour8_test() {
    let (Some(a), Some(b)) = (file("colour16_template.csv"), file("colour8_test.csv")) else {
        return;
    };
    let worm = |path: &PathBuf| read(path, &NOTHING).unwrap().single(path).unwrap().0;
    let found = kl(&worm(&b).colours.unwrap(), &worm(&a).colours.unwrap());
    let exact = right("colour16_template.csv + colour8_test.csv");
    for (found, exact) in found
        .chunks_exact(8)
        .zip(exact["kl_matrix_test_by_template"].as_array().unwrap())
    {
        near(found, exact, 1e-5);
    }
}

#[test]
fn worm_p5_numpy2_data() {
    let Some(path) = file("worm_p5_numpy2.data") else {
        return;
    };
    let exact = right("worm_p5_numpy2.data");
    let (worm, _) = read(&path, &NOTHING).unwrap().single(&path).unwrap();
    assert_eq!(
        (worm.points.len(), worm.side, worm.colours.is_none()),
        (17, Side::Left, true)
    );
    let normal = worm.normalised();
    near(&normal[0], &exact["first_normalised_flipped"], 1e-4);
    near(&normal[16], &exact["last_normalised_flipped"], 1e-4);
    let total: f64 = normal.iter().flatten().map(|x| x.abs()).sum();
    assert!((total - exact["sum_abs_normalised"].as_f64().unwrap()).abs() < 1e-3);
}

#[test]
fn worm_forbidden_global_data() {
    let Some(path) = file("worm_forbidden_global.data") else {
        return;
    };
    let message = read(&path, &NOTHING).unwrap_err().to_string();
    assert!(
        message.contains("GLOBAL") && message.contains("os getcwd") && message.contains("byte 11"),
        "{message}"
    );
}

#[test]
fn checkpoints() {
    for name in ["ckpt_zip_cuda_module.pt", "ckpt_namespace_args.pt"] {
        let Some(path) = file(name) else { return };
        let exact = right(name);
        let (found, _) = tensors(&path).unwrap();
        for (array, sum) in exact["tensor_sums"].as_object().unwrap() {
            let (_, values) = found
                .get(array)
                .or_else(|| found.get(&format!("module.{array}")))
                .expect("an array");
            let total: f64 = values.iter().map(|&x| f64::from(x)).sum();
            assert!(
                (total - sum.as_f64().unwrap()).abs() < 1e-3,
                "{name} {array}: {total}"
            );
        }
        let loaded = load(&path, Some(8)).unwrap();
        let shape = loaded.trained.network.shape();
        assert_eq!((shape.width, shape.layers), (8, 1));
        if let Some(hidden) = exact["ff"].as_u64() {
            assert_eq!(shape.hidden as u64, hidden);
        }
        let word = if name.contains("module") {
            "`module.` was taken off"
        } else {
            "`args` was not read"
        };
        assert!(
            loaded.said.iter().any(|said| said.starts_with(word)),
            "{:?}",
            loaded.said
        );
    }
}
