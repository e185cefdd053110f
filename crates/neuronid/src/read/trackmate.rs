//! TrackMate's XML, as it and NeuroPAL_ID write it.

use super::{Found, Recording, Stated, Told, assemble, text};
use crate::error::{NeuronidError, content};
use roxmltree::{Document, Node};
use std::path::Path;

pub(super) fn read(path: &Path, told: &Told) -> Result<Recording, NeuronidError> {
    let text = text(path)?;
    let document = Document::parse(&text).map_err(|error| {
        content(
            path,
            format!("XML that cannot be read ({error})"),
            "TrackMate's XML",
        )
    })?;
    if document.root_element().has_tag_name("Tracks") {
        return tracks(path, document.root_element(), told);
    }
    let model = document.descendants().find(|node| node.has_tag_name("Model"));
    let model = model.ok_or_else(|| content(path, "no `Model`", "TrackMate's XML with spots"))?;
    let stated = stated(path, model, "spatialunits")?;
    let (mut found, mut hidden) = (Vec::new(), 0);
    for frame in model
        .descendants()
        .filter(|node| node.has_tag_name("SpotsInFrame"))
    {
        let volume = number(path, frame, "frame")? as i64;
        // The number of spots that a file announces is not always theirs: rows are counted.
        for spot in frame.children().filter(|node| node.has_tag_name("Spot")) {
            if spot.attribute("VISIBILITY") == Some("0") {
                hidden += 1;
                continue;
            }
            let name = spot.attribute("name").unwrap_or_default();
            let generated = name
                .strip_prefix("ID")
                .is_some_and(|rest| rest.parse::<u64>().is_ok());
            found.push(Found {
                volume,
                position: [
                    number(path, spot, "POSITION_X")?,
                    number(path, spot, "POSITION_Y")?,
                    number(path, spot, "POSITION_Z")?,
                ],
                name: if generated { String::new() } else { name.to_owned() },
                colour: None,
            });
        }
    }
    let mut recording = assemble(path, found, stated, told)?;
    recording.said.insert(
        0,
        "read as TrackMate XML: x, y, z are POSITION_X, POSITION_Y, POSITION_Z".to_owned(),
    );
    if hidden > 0 {
        recording
            .said
            .push(format!("{hidden} hidden spots were left out"));
    }
    Ok(recording)
}

/// The unit of an attribute.
fn stated(path: &Path, node: Node<'_, '_>, attribute: &str) -> Result<Stated, NeuronidError> {
    match node
        .attribute(attribute)
        .unwrap_or_default()
        .to_lowercase()
        .as_str()
    {
        "um" | "µm" | "μm" | "micron" | "microns" | "micrometer" => Ok(Stated::Um),
        "pixel" | "pixels" => Ok(Stated::Voxels),
        "" => Ok(Stated::Nothing),
        other => Err(content(
            path,
            format!("{attribute}=\"{other}\""),
            "micron or pixel",
        )),
    }
}

/// What TrackMate exports of its tracks alone: places by frame, without names.
fn tracks(path: &Path, root: Node<'_, '_>, told: &Told) -> Result<Recording, NeuronidError> {
    let mut found = Vec::new();
    for detection in root.descendants().filter(|node| node.has_tag_name("detection")) {
        found.push(Found {
            volume: number(path, detection, "t")? as i64,
            position: [
                number(path, detection, "x")?,
                number(path, detection, "y")?,
                number(path, detection, "z")?,
            ],
            name: String::new(),
            colour: None,
        });
    }
    let mut recording = assemble(path, found, stated(path, root, "spaceUnits")?, told)?;
    recording.said.insert(
        0,
        "read as TrackMate's tracks: x, y, z by frame t, without names".to_owned(),
    );
    Ok(recording)
}

fn number(path: &Path, node: Node<'_, '_>, attribute: &str) -> Result<f64, NeuronidError> {
    let written = node.attribute(attribute).unwrap_or_default();
    let value = written.parse::<f64>().ok().filter(|value| value.is_finite());
    value.ok_or_else(|| {
        let line = node.document().text_pos_at(node.range().start).row;
        content(
            path,
            format!("line {line}, {attribute}: `{written}`"),
            "a finite number",
        )
    })
}
