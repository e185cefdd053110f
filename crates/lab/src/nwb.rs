//! Neurodata Without Borders files, written in HDF5 without a C library.
//!
//! The layout is that of NWB core 2.9: what `pynwb` reads and validates. Every typed object carries its namespace, type
//! and an identifier that depends on the session's identifier and the object's path alone, so that equal sessions are
//! equal files. Text is variable-length UTF-8 throughout. Ragged columns (spike times) are not written.
//!
//! <https://nwb-schema.readthedocs.io>

use crate::atomic;
use crate::error::LabError;
use crate::hash::Summing;
use hdf5_pure::{
    AttrValue, DatasetBuilder, EnumTypeBuilder, FileBuilder, FinishedGroup, GroupBuilder, make_i8_type,
};
use std::path::Path;

const CORE: &str = "core";
const TABLES: &str = "hdmf-common";
/// Version of the layout.
pub const NWB_VERSION: &str = "2.9.0";
/// Rows of a chunk.
const CHUNK: usize = 2048;

/// One recording session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    /// Unique name.
    pub identifier: String,
    /// What was done.
    pub description: String,
    /// Beginning, ISO 8601 with a zone.
    pub start: String,
    /// Experiment, in words.
    pub experiment: String,
    /// Words to be found by.
    pub keywords: Vec<String>,
    /// Program that made the data, and its version.
    pub source: (String, String),
    /// Species (a Latin binomial) that the session stands for; no subject is written without one.
    pub species: Option<String>,
    /// Start and stop of each trial in seconds.
    pub trials: Vec<(f64, f64)>,
    /// Further columns of the table of trials.
    pub columns: Vec<Column>,
    /// Continuous recordings.
    pub series: Vec<Series>,
}

/// A column of the table of trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Name.
    pub name: String,
    /// What it holds, with its unit.
    pub description: String,
    /// One value for each trial.
    pub values: Values,
}

/// Values of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers; NaN where there is none.
    Numbers(Vec<f64>),
    /// Words.
    Labels(Vec<String>),
    /// Truths.
    Flags(Vec<bool>),
}

/// Where a series belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `/stimulus/presentation`: what was shown.
    Stimulus,
    /// `/processing/behavior`: what was done.
    Behaviour,
    /// `/processing/misc`: what was recorded inside.
    Activity,
}

/// A continuous recording at an even rate from time 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Where it belongs.
    pub place: Place,
    /// Name.
    pub name: String,
    /// What it holds.
    pub description: String,
    /// Names of the columns, or other remarks.
    pub comments: String,
    /// Unit of the values.
    pub unit: String,
    /// Samples per second.
    pub rate_hz: f64,
    /// Values of a sample; 1 makes a one-dimensional array.
    pub width: usize,
    /// Samples × width, row-major.
    pub data: Vec<f32>,
}

/// Writes a session, atomically.
///
/// # Errors
/// A column or series of the wrong length, or a file that cannot be written.
pub fn write_nwb(path: &Path, session: &Session) -> Result<(), LabError> {
    for column in &session.columns {
        let found = match &column.values {
            Values::Numbers(values) => values.len(),
            Values::Labels(values) => values.len(),
            Values::Flags(values) => values.len(),
        };
        if found != session.trials.len() {
            let found = format!("column `{}` of {found} trials", column.name);
            return Err(LabError::content(
                path,
                found,
                format!("{} trials", session.trials.len()),
            ));
        }
    }
    let bytes = session
        .build()
        .finish()
        .map_err(|error| LabError::content(path, error.to_string(), "a session that HDF5 can hold"))?;
    atomic::write(path, &bytes)
}

fn text(value: &str) -> AttrValue {
    AttrValue::VarLenString(value.to_owned())
}

fn scalar_text(dataset: &mut DatasetBuilder, value: &str) {
    dataset.with_vlen_strings(&[value]).with_shape(&[]);
}

impl Session {
    /// An identifier in the form of a UUID (version 8), from the session's identifier and the object's path.
    fn object_id(&self, path: &str) -> AttrValue {
        let mut summing = Summing::default();
        summing.add(self.identifier.as_bytes());
        summing.add(&[0]);
        summing.add(path.as_bytes());
        let bits = summing.sum().bits();
        let (a, b) = ((bits >> 64) as u64, bits as u64);
        AttrValue::VarLenString(format!(
            "{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            ((b >> 48) & 0x3fff) | 0x8000,
            b & 0xffff_ffff_ffff
        ))
    }

    fn typed(&self, group: &mut GroupBuilder, path: &str, namespace: &str, kind: &str) {
        group.set_attr("namespace", text(namespace));
        group.set_attr("neurodata_type", text(kind));
        group.set_attr("object_id", self.object_id(path));
    }

    fn build(&self) -> FileBuilder {
        let mut file = FileBuilder::new();
        file.set_attr("namespace", text(CORE));
        file.set_attr("neurodata_type", text("NWBFile"));
        file.set_attr("object_id", self.object_id("/"));
        file.set_attr("nwb_version", text(NWB_VERSION));
        for (name, value) in [
            ("identifier", &self.identifier),
            ("session_description", &self.description),
            ("session_start_time", &self.start),
            ("timestamps_reference_time", &self.start),
        ] {
            scalar_text(file.create_dataset(name), value);
        }
        file.create_dataset("file_create_date")
            .with_vlen_strings(&[self.start.as_str()]);
        for name in ["acquisition", "analysis"] {
            let group = file.create_group(name);
            file.add_group(group.finish());
        }
        let stimulus = self.stimulus(file.create_group("stimulus"));
        file.add_group(stimulus);
        let processing = self.processing(file.create_group("processing"));
        file.add_group(processing);
        let general = self.general(file.create_group("general"));
        file.add_group(general);
        let intervals = self.intervals(file.create_group("intervals"));
        file.add_group(intervals);
        file
    }

    fn stimulus(&self, mut stimulus: GroupBuilder) -> FinishedGroup {
        let mut presentation = stimulus.create_group("presentation");
        for series in self
            .series
            .iter()
            .filter(|series| series.place == Place::Stimulus)
        {
            self.add_series(&mut presentation, "/stimulus/presentation", series);
        }
        stimulus.add_group(presentation.finish());
        let templates = stimulus.create_group("templates");
        stimulus.add_group(templates.finish());
        stimulus.finish()
    }

    fn processing(&self, mut processing: GroupBuilder) -> FinishedGroup {
        let modules = [
            (Place::Behaviour, "behavior", "what the network did and expected"),
            (Place::Activity, "misc", "activity of the units"),
        ];
        for (place, name, description) in modules {
            let mut series = self
                .series
                .iter()
                .filter(|series| series.place == place)
                .peekable();
            if series.peek().is_none() {
                continue;
            }
            let path = format!("/processing/{name}");
            let mut module = processing.create_group(name);
            self.typed(&mut module, &path, CORE, "ProcessingModule");
            module.set_attr("description", text(description));
            for series in series {
                self.add_series(&mut module, &path, series);
            }
            processing.add_group(module.finish());
        }
        processing.finish()
    }

    fn add_series(&self, parent: &mut GroupBuilder, path: &str, series: &Series) {
        let mut group = parent.create_group(&series.name);
        self.typed(&mut group, &format!("{path}/{}", series.name), CORE, "TimeSeries");
        group.set_attr("description", text(&series.description));
        group.set_attr("comments", text(&series.comments));
        let n = series.data.len() / series.width.max(1);
        let shape = if series.width == 1 {
            vec![n as u64]
        } else {
            vec![n as u64, series.width as u64]
        };
        let data = group.create_dataset("data");
        data.with_f32_data(&series.data).with_shape(&shape);
        if n > 0 {
            let mut chunk = shape;
            chunk[0] = chunk[0].min(CHUNK as u64);
            data.with_chunks(&chunk).with_deflate(4);
        }
        data.set_attr("unit", text(&series.unit))
            .set_attr("conversion", AttrValue::F64(1.0))
            .set_attr("offset", AttrValue::F64(0.0))
            .set_attr("resolution", AttrValue::F64(-1.0));
        let start = group.create_dataset("starting_time");
        start.with_f64_data(&[0.0]).with_shape(&[]);
        start
            .set_attr("rate", AttrValue::F64(series.rate_hz))
            .set_attr("unit", text("seconds"));
        parent.add_group(group.finish());
    }

    fn general(&self, mut general: GroupBuilder) -> FinishedGroup {
        let keywords: Vec<&str> = self.keywords.iter().map(String::as_str).collect();
        if !keywords.is_empty() {
            general.create_dataset("keywords").with_vlen_strings(&keywords);
        }
        scalar_text(general.create_dataset("experiment_description"), &self.experiment);
        let script = general.create_dataset("source_script");
        scalar_text(script, &format!("{} {}", self.source.0, self.source.1));
        script.set_attr("file_name", text(&self.source.0));
        if let Some(species) = &self.species {
            let mut subject = general.create_group("subject");
            self.typed(&mut subject, "/general/subject", CORE, "Subject");
            let description = "artificial network trained on a task published for this species";
            for (name, value) in [
                ("subject_id", self.identifier.as_str()),
                ("species", species),
                ("sex", "U"),
                ("age", "P0D"),
                ("description", description),
            ] {
                scalar_text(subject.create_dataset(name), value);
            }
            general.add_group(subject.finish());
        }
        general.finish()
    }

    fn intervals(&self, mut intervals: GroupBuilder) -> FinishedGroup {
        let path = "/intervals/trials";
        let mut trials = intervals.create_group("trials");
        self.typed(&mut trials, path, CORE, "TimeIntervals");
        trials.set_attr("description", text("test trials, end to end"));
        let named = self.columns.iter().map(|column| column.name.clone());
        let names = ["start_time", "stop_time"]
            .map(str::to_owned)
            .into_iter()
            .chain(named);
        trials.set_attr("colnames", AttrValue::VarLenStringArray(names.collect()));
        let ids: Vec<i64> = (0..self.trials.len() as i64).collect();
        let id = trials.create_dataset("id");
        id.with_i64_data(&ids);
        id.set_attr("namespace", text(TABLES))
            .set_attr("neurodata_type", text("ElementIdentifiers"))
            .set_attr("object_id", self.object_id(&format!("{path}/id")));
        let (start, stop) = self.trials.iter().copied().unzip();
        let times = [
            ("start_time", "start of the trial (s)", Values::Numbers(start)),
            ("stop_time", "end of the trial (s)", Values::Numbers(stop)),
        ];
        let times = times.map(|(name, description, values)| Column {
            name: name.to_owned(),
            description: description.to_owned(),
            values,
        });
        for column in times.iter().chain(&self.columns) {
            let dataset = trials.create_dataset(&column.name);
            match &column.values {
                Values::Numbers(values) => drop(dataset.with_f64_data(values)),
                Values::Labels(values) => {
                    let values: Vec<&str> = values.iter().map(String::as_str).collect();
                    dataset.with_vlen_strings(&values);
                }
                Values::Flags(values) => {
                    let truth = EnumTypeBuilder::with_base(make_i8_type())
                        .value("FALSE", 0)
                        .value("TRUE", 1);
                    let values: Vec<u8> = values.iter().map(|&flag| u8::from(flag)).collect();
                    dataset.with_enum_u8_data(truth.build().expect("0 and 1 fit a byte"), &values);
                }
            }
            dataset
                .set_attr("namespace", text(TABLES))
                .set_attr("neurodata_type", text("VectorData"))
                .set_attr("object_id", self.object_id(&format!("{path}/{}", column.name)))
                .set_attr("description", text(&column.description));
        }
        intervals.add_group(trials.finish());
        intervals.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdf5_pure::File;

    fn session() -> Session {
        Session {
            identifier: "neuropil-rdm-1".to_owned(),
            description: "two trials".to_owned(),
            start: "2026-01-01T00:00:00+00:00".to_owned(),
            experiment: "perceptual decision".to_owned(),
            keywords: vec!["decision".to_owned()],
            source: ("neuropil".to_owned(), "0.1.0".to_owned()),
            species: None,
            trials: vec![(0.0, 1.5), (1.5, 2.5)],
            columns: vec![
                Column {
                    name: "coherence".to_owned(),
                    description: "motion coherence (%)".to_owned(),
                    values: Values::Numbers(vec![6.4, 51.2]),
                },
                Column {
                    name: "action".to_owned(),
                    description: "what ended the trial".to_owned(),
                    values: Values::Labels(vec!["left".to_owned(), "ρight".to_owned()]),
                },
                Column {
                    name: "correct".to_owned(),
                    description: "was it right".to_owned(),
                    values: Values::Flags(vec![true, false]),
                },
            ],
            series: vec![
                Series {
                    place: Place::Activity,
                    name: "rates".to_owned(),
                    description: "firing rates".to_owned(),
                    comments: "three units".to_owned(),
                    unit: "a.u.".to_owned(),
                    rate_hz: 20.0,
                    width: 3,
                    data: (0..150).map(|i| i as f32).collect(),
                },
                Series {
                    place: Place::Behaviour,
                    name: "prediction".to_owned(),
                    description: "predicted reward".to_owned(),
                    comments: "none".to_owned(),
                    unit: "reward".to_owned(),
                    rate_hz: 20.0,
                    width: 1,
                    data: vec![0.5; 50],
                },
            ],
        }
    }

    #[test]
    fn what_is_written_is_read_back_with_its_types() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nwb");
        write_nwb(&path, &session()).unwrap();
        let file = File::open(&path).unwrap();
        let kind = |attrs: std::collections::HashMap<String, AttrValue>| {
            attrs["neurodata_type"].as_str().map(str::to_owned)
        };
        assert_eq!(kind(file.root().attrs().unwrap()).as_deref(), Some("NWBFile"));
        let trials = file.group("intervals/trials").unwrap();
        let names = trials.attrs().unwrap()["colnames"].as_strings().unwrap().to_vec();
        assert_eq!(
            names,
            ["start_time", "stop_time", "coherence", "action", "correct"]
        );
        assert_eq!(kind(trials.attrs().unwrap()).as_deref(), Some("TimeIntervals"));
        assert_eq!(
            file.dataset("intervals/trials/coherence")
                .unwrap()
                .read_f64()
                .unwrap(),
            [6.4, 51.2]
        );
        let actions = file
            .dataset("intervals/trials/action")
            .unwrap()
            .read_string()
            .unwrap();
        assert_eq!(actions, ["left", "ρight"]);
        let rates = file.dataset("processing/misc/rates/data").unwrap();
        assert_eq!(rates.shape().unwrap(), [50, 3]);
        assert_eq!(rates.read_f32().unwrap()[149], 149.0);
        let start = file.dataset("processing/misc/rates/starting_time").unwrap();
        assert_eq!(start.attrs().unwrap()["rate"].as_f64(), Some(20.0));
        assert!(file.group("general/subject").is_err(), "no animal is claimed");
    }

    #[test]
    fn equal_sessions_are_equal_files() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = |name: &str| {
            let path = folder.path().join(name);
            write_nwb(&path, &session()).unwrap();
            std::fs::read(path).unwrap()
        };
        assert!(bytes("a.nwb") == bytes("b.nwb"));
    }

    #[test]
    fn a_column_of_another_length_is_named() {
        let mut short = session();
        short.trials.pop();
        let words = write_nwb(Path::new("a.nwb"), &short).unwrap_err().to_string();
        assert_eq!(words, "a.nwb: column `coherence` of 2 trials, expected 1 trials");
    }
}
