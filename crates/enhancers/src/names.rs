//! Species names: matched by name only, whatever the case and the choice between blanks, underscores and dots.

use std::collections::HashMap;

/// The form in which species names are compared: lower case, one underscore for every run of blanks, underscores and dots
/// (R's `make.names` writes dots), without the identifier that Open Tree of Life puts at the end.
///
/// ```
/// use neuropil_enhancers::names::species_key;
///
/// assert_eq!(species_key(" Mus  musculus"), species_key("mus_musculus"));
/// assert_eq!(species_key("Mus.musculus"), species_key("Mus musculus_ott542509"));
/// assert_ne!(species_key("Canis lupus familiaris"), species_key("Canis_lupus"));
/// ```
pub fn species_key(name: &str) -> String {
    let mut words: Vec<&str> = words(name).collect();
    if has_identifier(name) {
        words.pop();
    }
    words.join("_").to_lowercase()
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| c.is_whitespace() || c == '_' || c == '.')
        .filter(|word| !word.is_empty())
}

/// Whether a name ends with an identifier of Open Tree of Life, as in `Mus_musculus_ott542509`.
pub(crate) fn has_identifier(name: &str) -> bool {
    let last = words(name).skip(1).last();
    last.and_then(|word| word.strip_prefix("ott"))
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A name of one source that another does not have.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Unmatched {
    /// The name as written.
    pub name: String,
    /// Where it stands: `tree`, `matrix`, `traits`.
    pub found_in: &'static str,
    /// Where it is missing.
    pub missing_from: &'static str,
    /// The most similar name there.
    pub nearest: Option<String>,
    /// Why it may not match, where that can be told.
    pub reason: String,
}

/// Names of `ours` that `theirs` lacks, with the nearest name there and a guess at the reason.
pub fn unmatched(
    ours: &[String],
    found_in: &'static str,
    theirs: &[String],
    missing_from: &'static str,
) -> Vec<Unmatched> {
    let known: HashMap<String, &str> = theirs
        .iter()
        .map(|name| (species_key(name), name.as_str()))
        .collect();
    ours.iter()
        .filter(|name| !known.contains_key(&species_key(name)))
        .map(|name| {
            let key = species_key(name);
            let (nearest, reason) = explain(&key, &known);
            Unmatched {
                name: name.clone(),
                found_in,
                missing_from,
                nearest,
                reason,
            }
        })
        .collect()
}

fn explain(key: &str, known: &HashMap<String, &str>) -> (Option<String>, String) {
    let starts = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with('_'));
    let mut related: Vec<(&String, &&str)> = known
        .iter()
        .filter(|(other, _)| starts(other, key) || starts(key, other))
        .collect();
    related.sort();
    if let Some((other, name)) = related.first() {
        let reason = if other.len() > key.len() {
            "a subspecies is there, or the name has a suffix"
        } else {
            "the species is there without the subspecies or suffix"
        };
        return (Some((**name).to_owned()), reason.to_owned());
    }
    let joined = key.replace('_', "");
    if let Some((_, name)) = known.iter().find(|(other, _)| other.replace('_', "") == joined) {
        return (Some((*name).to_owned()), "the words are joined".to_owned());
    }
    let mut scored: Vec<(f64, &str)> = known
        .iter()
        .map(|(other, name)| (strsim::jaro_winkler(key, other), *name))
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    match scored.first() {
        Some(&(score, name)) if score > 0.9 => (Some(name.to_owned()), "perhaps a spelling".to_owned()),
        Some(&(score, name)) if score > 0.8 => (Some(name.to_owned()), "not there".to_owned()),
        _ => (None, "not there".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_and_near_names_are_told() {
        let tree: Vec<String> = [
            "Canis_lupus",
            "Mus_musculus",
            "Homo_sapiens",
            "Felis_catus_domesticus",
        ]
        .map(String::from)
        .to_vec();
        let ours: Vec<String> = [
            "canis lupus familiaris",
            "MUS MUSCULUS",
            "Homo.sapiens",
            "HomoSapiens",
            "Hommo sapiens",
            "Felis catus",
            "Zyx wvu",
        ]
        .map(String::from)
        .to_vec();
        let found = unmatched(&ours, "traits", &tree, "tree");
        let told: Vec<(&str, Option<&str>)> = found
            .iter()
            .map(|u| (u.name.as_str(), u.nearest.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("canis lupus familiaris", Some("Canis_lupus")),
                ("HomoSapiens", Some("Homo_sapiens")),
                ("Hommo sapiens", Some("Homo_sapiens")),
                ("Felis catus", Some("Felis_catus_domesticus")),
                ("Zyx wvu", None),
            ]
        );
        assert!(found[0].reason.contains("without the subspecies"));
    }
}
