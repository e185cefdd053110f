//! Readers on files as programs write them, each with what is right.

use neuropil_neuronid::atlas::Atlas;
use neuropil_neuronid::read::{Told, read, read_many};
use neuropil_neuronid::worm::Unit;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const NOTHING: Told = Told {
    unit: None,
    voxel: None,
};
const VOXEL: Told = Told {
    unit: None,
    voxel: Some([0.32, 0.32, 1.5]),
};

fn written(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn message(path: &Path, told: &Told) -> String {
    read(path, told).unwrap_err().to_string()
}

#[test]
fn a_file_that_states_its_unit_keeps_it_beside_one_that_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let um = written(&folder, "um.csv", "name,x_um,y_um,z_um\nAVAL,1,2,3\nAVAR,4,5,6\n");
    let headed = written(&folder, "headed.csv", "name,x (µm),y (µm),z (µm)\nAVAL,1,2,3\n");
    for (path, told) in [
        (&um, VOXEL),
        (&headed, VOXEL),
        (
            &um,
            Told {
                unit: Some(Unit::Camera),
                voxel: None,
            },
        ),
    ] {
        let (worm, said) = read(path, &told).unwrap().single(path).unwrap();
        assert_eq!(worm.points[0], [1.0, 2.0, 3.0]);
        assert!(said.iter().any(|line| line.contains("states µm")), "{said:?}");
    }
    let voxels = written(&folder, "voxels.csv", "name,x,y,z\nAVAL,10,10,2\n");
    let worm = read(&voxels, &VOXEL).unwrap().single(&voxels).unwrap().0;
    assert_eq!(worm.points[0], [3.2, 3.2, 3.0]);
}

#[test]
fn what_names_no_neuron_is_none_in_templates_and_atlases() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = [
        "AVA?",
        "AVA?",
        "?",
        "AVD",
        "AVAL or AVAR",
        "Q12",
        "#N/A",
        "glia",
        "RID",
        "AMSOL",
    ]
    .iter()
    .enumerate()
    .map(|(i, name)| format!("{name},{i},{},{}\n", i * 2, i % 3))
    .collect();
    let path = written(&folder, "template.csv", &format!("name,x_um,y_um,z_um\n{rows}"));
    let template = read(&path, &NOTHING).unwrap().single(&path).unwrap().0;
    assert_eq!(template.names[0], "AVA?");
    let template = template.as_template("template.csv", false).unwrap();
    let known: Vec<&String> = template.names.iter().filter(|name| !name.is_empty()).collect();
    assert_eq!(known, ["RID", "AMSOL"]);

    let given = [
        "AVAL", "AVAR", "RID", "AVBL", "AVBR", "ASEL", "ASER", "AVA?", "AVD", "Q3",
    ];
    let worms: String = (0..3)
        .flat_map(|worm| given.iter().enumerate().map(move |(i, name)| (worm, i, name)))
        .map(|(worm, i, name)| format!("{worm},{name},{},{},{}\n", 7 * i, (i * i) % 11, (3 * i) % 5))
        .collect();
    let path = written(
        &folder,
        "worms.csv",
        &format!("worm,name,x_um,y_um,z_um\n{worms}"),
    );
    let worms = read_many(&path, &NOTHING).unwrap().0;
    let atlas = Atlas::of_worms(&worms.iter().map(|(_, worm)| worm).collect::<Vec<_>>(), 2).unwrap();
    let names: Vec<&str> = atlas.neurons.iter().map(|neuron| neuron.name.as_str()).collect();
    assert_eq!(names, ["ASEL", "ASER", "AVAL", "AVAR", "AVBL", "AVBR", "RID"]);
}

#[test]
fn trackmates_tracks_without_names_and_units_of_areas() {
    let folder = tempfile::tempdir().unwrap();
    let tracks = "<?xml version=\"1.0\"?><Tracks nTracks=\"1\" spaceUnits=\"μm\" frameInterval=\"1.0\">\
        <particle nSpots=\"2\"><detection t=\"0\" x=\"1\" y=\"2\" z=\"3\"/><detection t=\"1\" x=\"4\" y=\"5\" z=\"6\"/>\
        </particle></Tracks>";
    let path = written(&folder, "tracks.xml", tracks);
    let recording = read(&path, &NOTHING).unwrap();
    assert_eq!(recording.volumes[&1].points, [[4.0, 5.0, 6.0]]);
    let csv = "LABEL,POSITION_X,POSITION_Y,POSITION_Z,FRAME,AREA\nLabel,X,Y,Z,Frame,Area\nL,X,Y,Z,F,A\n\
        ,(micron),(micron),(micron),,(micron^2)\nID1,1,2,3,0,9\nID2,bad,5,6,0,9\n";
    let path = written(&folder, "spots.csv", csv);
    // The line is the file's own, four lines of header counted.
    assert!(
        message(&path, &NOTHING).contains("spots.csv:6"),
        "{}",
        message(&path, &NOTHING)
    );
    let path = written(&folder, "spots.csv", &csv.replace("bad", "4"));
    assert_eq!(
        read(&path, &NOTHING).unwrap().volumes[&0].points[1],
        [4.0, 5.0, 6.0]
    );
}

#[test]
fn places_that_are_none_are_refused_where_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(
        &folder,
        "far.csv",
        "name,x_um,y_um,z_um\nAVAL,1,2,3\nAVAR,1e300,1,1\n",
    );
    assert!(
        message(&path, &NOTHING).contains("x of neuron 2 is 1e300"),
        "{}",
        message(&path, &NOTHING)
    );
    let path = written(
        &folder,
        "five.csv",
        "index,axis-0,axis-1,axis-2,axis-3,axis-4\n0,1,0,2,3,4\n",
    );
    assert!(
        message(&path, &VOXEL).contains("five axes"),
        "{}",
        message(&path, &VOXEL)
    );
    let path = written(&folder, "sheet.xlsx", "PK");
    assert!(message(&path, &NOTHING).contains("save its sheet as CSV"));
}

#[test]
fn unsure_names_are_kept_and_told_and_lost_colours_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = "User ID,User Confidence,Real X (um),Real Y (um),Real Z (um)\nAVAL,1,1,2,3\nAVAR,0.5,4,5,6\n,0,7,8,9\n";
    let path = written(&folder, "pal.csv", text);
    let (worm, said) = read(&path, &NOTHING).unwrap().single(&path).unwrap();
    assert_eq!(worm.names, ["AVAL", "AVAR", ""]);
    assert!(
        said.contains(&"low confidence, kept: AVAR (0.5)".to_owned()),
        "{said:?}"
    );
    let text = "name,x_um,y_um,z_um,r,g,b\nAVAL,1,2,3,1,2,3\nAVAR,4,5,6,1,,3\n";
    let path = written(&folder, "gap.csv", text);
    let (worm, said) = read(&path, &NOTHING).unwrap().single(&path).unwrap();
    assert_eq!(worm.colours, None);
    assert!(
        said.iter()
            .any(|line| line.contains("some neurons have no colour")),
        "{said:?}"
    );
}
