//! Names of neurons as people write them, and the canonical names of the hermaphrodite's 302.
//!
//! A spelling is repaired only where the result is a canonical name; what could be several neurons is never made one.

use std::sync::OnceLock;

/// Classes of one neuron on each side.
const PAIRS: &str = "ADA ADE ADF ADL AFD AIA AIB AIM AIN AIY AIZ ALM ALN ASE ASG ASH ASI ASJ ASK AUA AVA AVB AVD AVE \
    AVF AVH AVJ AVK AWA AWB AWC BAG BDU CAN FLP HSN I1 I2 IL1 IL2 LUA M2 M3 MC NSM OLL PDE PHA PHB PHC PLM PLN PVC \
    PVD PVN PVP PVQ PVW RIA RIB RIC RIF RIG RIM RIP RIV RMD RMF RMG RMH SDQ URB URX RME";
/// Classes of four: dorsal and ventral on each side.
const FOURS: &str = "CEP IL1 IL2 OLQ RMD SAA SIA SIB SMB SMD URA URY";
/// Neurons that are alone.
const SINGLES: &str = "ALA AQR AVG AVL AVM DVA DVB DVC I3 I4 I5 I6 M1 M4 M5 MI PDA PDB PQR PVM PVR PVT RID RIH RIR RIS \
    RMED RMEV SABD SABVL SABVR";
/// Motor neurons of the ventral cord, in order from the head.
const SERIES: [(&str, usize); 8] = [
    ("AS", 11),
    ("DA", 9),
    ("DB", 7),
    ("DD", 6),
    ("VA", 12),
    ("VB", 11),
    ("VC", 6),
    ("VD", 13),
];

/// The canonical names, sorted.
pub fn canonical() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names: Vec<String> = SINGLES.split_whitespace().map(str::to_owned).collect();
        let sides = |class: &str, sides: &[&str]| -> Vec<String> {
            sides.iter().map(|side| format!("{class}{side}")).collect()
        };
        names.extend(
            PAIRS
                .split_whitespace()
                .flat_map(|class| sides(class, &["L", "R"])),
        );
        names.extend(
            FOURS
                .split_whitespace()
                .flat_map(|class| sides(class, &["DL", "DR", "VL", "VR"])),
        );
        names.extend(
            SERIES
                .iter()
                .flat_map(|(class, n)| (1..=*n).map(move |i| format!("{class}{i}"))),
        );
        names.sort();
        names
    })
}

fn is_canonical(name: &str) -> bool {
    canonical()
        .binary_search_by(|known| known.as_str().cmp(name))
        .is_ok()
}

/// The same neuron on the other side: AVAL of AVAR. None of neurons in the midline.
///
/// ```
/// use neuropil_neuronid::names::partner;
/// assert_eq!((partner("AVAR").as_deref(), partner("RIR")), (Some("AVAL"), None));
/// ```
pub fn partner(name: &str) -> Option<String> {
    let class = name.get(..name.len().checked_sub(1)?)?;
    let other = match name.as_bytes().last()? {
        b'L' => format!("{class}R"),
        b'R' => format!("{class}L"),
        _ => return None,
    };
    (is_canonical(name) && is_canonical(&other)).then_some(other)
}

/// What a cell of a name column says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Nothing: empty, `nan`, `unknown`, `Q`, a number.
    Unnamed,
    /// A canonical neuron.
    Neuron {
        /// Its name.
        name: String,
        /// Whoever wrote it was not sure.
        unsure: bool,
        /// Case, hyphens, blanks or zeros were repaired.
        repaired: bool,
    },
    /// One of several neurons; never one of them.
    Ambiguous {
        /// As written.
        text: String,
        /// Which.
        candidates: Vec<String>,
    },
    /// Anything else, as written: a glial cell, a second candidate (`I1L-alt`).
    Other(String),
}

/// Words that stand where there is no name.
const NO_NAME: [&str; 19] = [
    "",
    "-",
    "--",
    "nan",
    "n/a",
    "n.a.",
    "#n/a",
    "na",
    "none",
    "null",
    "unknown",
    "unk",
    "unnamed",
    "unlabeled",
    "unlabelled",
    "q",
    "?",
    "??",
    "q?",
];

/// Words for cells that are no neurons, and of which there are many.
const NO_NEURON: [&str; 5] = ["glia", "glial", "glial cell", "muscle", "hypodermis"];

/// `Q` and a number: somebody's count of the neurons without a name.
fn is_counted(text: &str) -> bool {
    let number = text
        .strip_prefix(['Q', 'q'])
        .unwrap_or_default()
        .trim_start_matches(['-', '_', ' ']);
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

impl Identity {
    /// Reads a name.
    ///
    /// ```
    /// use neuropil_neuronid::names::Identity;
    /// assert_eq!(Identity::of("unknown"), Identity::Unnamed);
    /// assert_eq!(Identity::of("ava-r").name(), Some("AVAR"));
    /// assert_eq!(Identity::of("AVA?").name(), None); // either side
    /// assert_eq!(Identity::of("I1L-alt").text(), "I1L-alt");
    /// ```
    pub fn of(written: &str) -> Self {
        let text = written.trim();
        if NO_NAME.contains(&text.to_ascii_lowercase().as_str()) || text.parse::<f64>().is_ok() {
            return Self::Unnamed;
        }
        let bare = text.trim_end_matches(['?', '*']).trim_end();
        let unsure = bare.len() < text.len();
        if let Some(name) = repaired(bare) {
            let repaired = name != bare;
            return Self::Neuron {
                name,
                unsure,
                repaired,
            };
        }
        let candidates = candidates(text);
        if candidates.is_empty() {
            Self::Other(text.to_owned())
        } else {
            Self::Ambiguous {
                text: text.to_owned(),
                candidates,
            }
        }
    }

    /// The neuron's name, if it is one neuron.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Neuron { name, .. } => Some(name),
            _ => None,
        }
    }

    /// What stands in tables: the canonical name, the text as written, or nothing.
    pub fn text(&self) -> &str {
        match self {
            Self::Unnamed => "",
            Self::Neuron { name, .. } => name,
            Self::Ambiguous { text, .. } | Self::Other(text) => text,
        }
    }

    /// The name by which a neuron of a template is known: not an ambiguous one, nor somebody's count or word for a cell
    /// that is none of the 302.
    pub fn of_template(&self) -> &str {
        match self {
            Self::Ambiguous { .. } => "",
            Self::Other(text)
                if is_counted(text) || NO_NEURON.contains(&text.to_ascii_lowercase().as_str()) =>
            {
                ""
            }
            other => other.text(),
        }
    }
}

/// The canonical name that a spelling means: case, hyphens, blanks, zeros before a number.
fn repaired(text: &str) -> Option<String> {
    let plain: String = text
        .chars()
        .filter(|c| !matches!(c, '-' | ' '))
        .collect::<String>()
        .to_ascii_uppercase();
    if is_canonical(&plain) {
        return Some(plain);
    }
    let digits = plain.find(|c: char| c.is_ascii_digit())?;
    let (class, number) = plain.split_at(digits);
    let name = format!("{class}{}", number.trim_start_matches('0'));
    is_canonical(&name).then_some(name)
}

/// Canonical neurons that a spelling leaves open: `?` for one letter, `L/R`, a class without its side.
fn candidates(text: &str) -> Vec<String> {
    let plain = text.to_ascii_uppercase();
    if let Some((first, other)) = plain.split_once('/') {
        let stem = &first[..first.len().saturating_sub(other.len())];
        let both = [first.to_owned(), format!("{stem}{other}")];
        return if both.iter().all(|name| is_canonical(name)) {
            both.to_vec()
        } else {
            Vec::new()
        };
    }
    if let Some(both) = either(&plain) {
        return both;
    }
    // One letter is the beginning of half of all names.
    if plain.trim_matches('?').len() < 2 {
        return Vec::new();
    }
    let matches = |name: &&String| {
        if plain.contains('?') {
            name.len() == plain.len() && name.chars().zip(plain.chars()).all(|(a, b)| b == '?' || a == b)
        } else {
            name.strip_prefix(plain.as_str())
                .is_some_and(|side| ["L", "R", "DL", "DR", "VL", "VR"].contains(&side))
        }
    };
    canonical().iter().filter(matches).cloned().collect()
}

/// `AVAL or AVAR`: two canonical names.
fn either(plain: &str) -> Option<Vec<String>> {
    let (first, other) = plain.split_once(" OR ")?;
    let both = [first.trim().to_owned(), other.trim().to_owned()];
    both.iter().all(|name| is_canonical(name)).then(|| both.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_302() {
        let mut names = canonical().to_vec();
        names.dedup();
        assert_eq!(names.len(), 302);
    }

    #[test]
    fn spellings_of_label_sheets() {
        for (written, name, unsure) in [
            ("ava-r", "AVAR", false),
            ("AVBL ?", "AVBL", true),
            ("RMED?", "RMED", true),
            ("URYD R", "URYDR", false),
            (" AIYL ", "AIYL", false),
            ("IL1-DL", "IL1DL", false),
            ("rid", "RID", false),
            ("DA01", "DA1", false),
            ("RIAL*", "RIAL", true),
            ("AVEL?", "AVEL", true),
        ] {
            let found = Identity::of(written);
            assert!(
                matches!(&found, Identity::Neuron { name: n, unsure: u, .. } if n == name && *u == unsure),
                "{written}: {found:?}"
            );
        }
        for (written, several) in [
            ("AVA?", vec!["AVAL", "AVAR"]),
            ("RMDD?", vec!["RMDDL", "RMDDR"]),
            ("RMD?L", vec!["RMDDL", "RMDVL"]),
            ("SMD??", vec!["SMDDL", "SMDDR", "SMDVL", "SMDVR"]),
            ("CEPD?", vec!["CEPDL", "CEPDR"]),
            ("AVEL/R", vec!["AVEL", "AVER"]),
            ("AVD", vec!["AVDL", "AVDR"]),
            ("AVAL or AVAR", vec!["AVAL", "AVAR"]),
        ] {
            let found = Identity::of(written);
            assert!(
                matches!(&found, Identity::Ambiguous { candidates, .. } if *candidates == several),
                "{written}: {found:?}"
            );
            assert_eq!((found.name(), found.of_template()), (None, ""));
        }
        for written in [
            "I1L-alt",
            "ASEL-alt",
            "Q12",
            "A",
            "P?",
            "AVM_1",
            "AMSOL",
            "glia",
            "AVA & \"alt\"",
        ] {
            assert_eq!(Identity::of(written), Identity::Other(written.to_owned()));
        }
        for (written, known) in [
            ("Q12", ""),
            ("q-3", ""),
            ("glia", ""),
            ("AMSOL", "AMSOL"),
            ("I1L-alt", "I1L-alt"),
        ] {
            assert_eq!(Identity::of(written).of_template(), known, "{written}");
        }
        for written in [
            "unknown",
            "NaN",
            "nan",
            "N/A",
            "-",
            "",
            "12",
            "UNKNOWN",
            "Q",
            "null",
            "?",
            "??",
            "#N/A",
            "N.A.",
            "unlabeled",
        ] {
            assert_eq!(Identity::of(written), Identity::Unnamed, "{written}");
        }
    }
}
