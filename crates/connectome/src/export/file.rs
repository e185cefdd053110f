//! A wiring as a file for the engine, and back.

use super::Wiring;
use crate::error::DataError;
use neuropil_lab::array::write_npz;
use neuropil_lab::error::LabError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// Kind of unit of the engine: how many columns its input and gate matrices have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineCell {
    /// `w_in` N columns, no gates.
    Leaky,
    /// `w_in` 3 N columns (drive, update gate, recurrent gate), `w_gates` 2 N.
    #[default]
    Gated,
}

/// What stands beside the arrays, in a JSON file of the same name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Beside {
    ids: Vec<Vec<i64>>,
    labels: Vec<String>,
    classes: Vec<String>,
    channels: Vec<String>,
    actions: Vec<String>,
    cell: EngineCell,
    provenance: Value,
}

impl Wiring {
    /// Writes the arrays to `path` (`.npz`, all `f64`) and names, ids and `provenance` to the `.json` beside it.
    ///
    /// Arrays: `mask`, `w0` (N × N, rows postsynaptic), `sign` and `type` (N), `in_mask` (channels × N), `out_mask`
    /// (N × actions); and, from × to, masks under the names of the engine's parameters for units of kind `cell`: `w_in`,
    /// `w_rec`, `w_out` and for gated units `w_gates`, and the initial weights `initial.w_rec`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn save(&self, path: &Path, cell: EngineCell, provenance: Value) -> Result<(), LabError> {
        let (n, channels, actions) = (self.n(), self.channels.len(), self.actions.len());
        let flags = |mask: &[bool]| -> Vec<f64> { mask.iter().map(|&m| f64::from(u8::from(m))).collect() };
        let turn = |rows: &[f64]| -> Vec<f64> { (0..n * n).map(|e| rows[e % n * n + e / n]).collect() };
        let turned = turn(&flags(&self.mask));
        let repeat = |rows: &[f64], width: usize, times: usize| -> Vec<f64> {
            rows.chunks_exact(width)
                .flat_map(|row| row.repeat(times))
                .collect()
        };
        let reach = flags(&self.in_mask);
        let blocks = if cell == EngineCell::Gated { 3 } else { 1 };
        let mut arrays = vec![
            ("mask", vec![n, n], flags(&self.mask)),
            ("w0", vec![n, n], self.w0.clone()),
            ("sign", vec![n], self.sign.iter().map(|&s| f64::from(s)).collect()),
            (
                "type",
                vec![n],
                self.types().into_iter().map(|t| t as f64).collect(),
            ),
            ("in_mask", vec![channels, n], reach.clone()),
            ("out_mask", vec![n, actions], flags(&self.out_mask)),
            ("w_in", vec![channels, blocks * n], repeat(&reach, n, blocks)),
            ("w_rec", vec![n, n], turned.clone()),
            ("initial.w_rec", vec![n, n], turn(&self.w0)),
            ("w_out", vec![n, actions], flags(&self.out_mask)),
        ];
        if cell == EngineCell::Gated {
            arrays.push(("w_gates", vec![n, 2 * n], repeat(&turned, n, 2)));
        }
        write_npz(path, arrays)?;
        let beside = Beside {
            ids: self.ids.clone(),
            labels: self.labels.clone(),
            classes: self.classes.clone(),
            channels: self.channels.clone(),
            actions: self.actions.clone(),
            cell,
            provenance,
        };
        let text = serde_json::to_vec_pretty(&beside).expect("names are JSON");
        neuropil_lab::atomic::write(&path.with_extension("json"), &text)
    }

    /// Reads what [`Wiring::save`] wrote.
    ///
    /// # Errors
    /// A missing or damaged file, arrays that do not fit one another.
    pub fn load(path: &Path) -> Result<Self, DataError> {
        let names = path.with_extension("json");
        let text = std::fs::read(&names).map_err(DataError::io(&names, "read"))?;
        let beside: Beside = serde_json::from_slice(&text).map_err(|e| {
            DataError::field(
                &names,
                e.line(),
                "",
                e.to_string(),
                "the names of an exported wiring",
            )
        })?;
        let mut arrays = neuropil_lab::array::read(path)?;
        let (n, channels, actions) = (beside.labels.len(), beside.channels.len(), beside.actions.len());
        let mut take = |name: &str, shape: &[usize]| -> Result<Vec<f64>, DataError> {
            let found = match arrays.remove(name).map(|(own, values)| (own, values.numbers())) {
                Some((own, Some(values))) if own == shape => return Ok(values),
                Some((own, Some(_))) => format!("shape {own:?}"),
                Some((_, None)) => "text".to_owned(),
                None => "nothing".to_owned(),
            };
            Err(DataError::field(
                path,
                0,
                name,
                found,
                format!("an array of shape {shape:?}"),
            ))
        };
        let flags = |values: Vec<f64>| values.into_iter().map(|x| x != 0.0).collect();
        Ok(Self {
            mask: flags(take("mask", &[n, n])?),
            w0: take("w0", &[n, n])?,
            sign: take("sign", &[n])?.into_iter().map(|s| s as i8).collect(),
            in_mask: flags(take("in_mask", &[channels, n])?),
            out_mask: flags(take("out_mask", &[n, actions])?),
            ids: beside.ids,
            labels: beside.labels,
            classes: beside.classes,
            channels: beside.channels,
            actions: beside.actions,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::tests::{brain, settings};
    use crate::export::wiring;
    use serde_json::json;

    #[test]
    fn exporting_and_reading_back_loses_nothing_and_the_engine_gets_from_by_to() {
        let (c, chosen) = brain();
        let net = wiring(&c, &chosen, &settings(&c), None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.npz");
        net.save(&path, EngineCell::Gated, json!({"query": "test"}))
            .unwrap();
        assert_eq!(Wiring::load(&path).unwrap(), net);
        let arrays = neuropil_lab::array::read(&path).unwrap();
        let numbers = |name: &str| arrays[name].1.numbers().unwrap();
        let n = net.n();
        let (rec, gates, initial) = (numbers("w_rec"), numbers("w_gates"), numbers("initial.w_rec"));
        assert_eq!(
            (&arrays["w_gates"].0[..], &arrays["w_in"].0[..]),
            (&[n, 2 * n][..], &[2, 3 * n][..])
        );
        for pre in 0..n {
            for post in 0..n {
                let exists = f64::from(u8::from(net.mask[post * n + pre]));
                assert_eq!(rec[pre * n + post], exists);
                assert_eq!(gates[pre * 2 * n + n + post], exists);
                let w0 = net.w0[post * n + pre];
                assert_eq!(initial[pre * n + post], w0);
            }
        }
        let types: Vec<usize> = numbers("type").iter().map(|&t| t as usize).collect();
        let names = ["KC", "MBIN", "MBON", "PN"];
        assert!(
            types
                .iter()
                .zip(&net.classes)
                .all(|(&t, class)| names[t] == class)
        );
        std::fs::remove_file(path.with_extension("json")).unwrap();
        assert!(Wiring::load(&path).is_err());
    }
}
