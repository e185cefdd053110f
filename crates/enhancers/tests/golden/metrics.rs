//! `metrics/`, `halper/`: numbers of scikit-learn; orthologs by the written rule.

use neuropil_enhancers::metrics::{Metrics, recall_at_fdr};
use neuropil_enhancers::orthologs::{Rule, assemble, parse_named};
use serde_json::Value;

use crate::support::{golden, json, vector};

#[test]
fn golden_metrics() {
    let Some(root) = golden() else { return };
    for case in json(root.join("metrics/metrics.json")).as_array().expect("cases") {
        let labels: Vec<bool> = vector(&case["labels"])
            .iter()
            .map(|&label| label == 1.0)
            .collect();
        let scores = vector(&case["scores"]);
        let found = Metrics::of(&labels, &scores).expect("two classes");
        for (key, value) in [
            ("auroc", found.auroc),
            ("auprc_pos", found.auprc_positive),
            ("aunpv_spec", found.aunpv_specificity),
            ("average_precision", found.average_precision),
            ("accuracy", found.accuracy),
            ("sensitivity", found.sensitivity),
            ("specificity", found.specificity),
            ("precision", found.precision),
            ("npv", found.npv),
            ("f1", found.f1),
            ("log_loss", found.log_loss),
        ] {
            let expected = case[key].as_f64().expect(key);
            assert!((value - expected).abs() < 1e-10, "{key}: {value} {expected}");
        }
        // The reference swaps the classes when positives are the majority, and falls back to recall 1 where no
        // threshold is precise enough; here it is 0.
        let swapped = case["majority_positive"] == true;
        let labels: Vec<bool> = labels.iter().map(|&label| label != swapped).collect();
        let scores: Vec<f64> = scores
            .iter()
            .map(|&score| if swapped { 1.0 - score } else { score })
            .collect();
        for (key, fdr) in [
            ("reference_recall_at_fdr05", 0.05),
            ("reference_recall_at_fdr10", 0.10),
        ] {
            let expected = case[key].as_f64().expect(key);
            let value = recall_at_fdr(&labels, &scores, fdr);
            assert!(
                (value - expected).abs() < 1e-10 || (value == 0.0 && expected == 1.0),
                "{key}: {value} {expected}"
            );
        }
    }
}

#[test]
fn golden_halper() {
    let Some(root) = golden() else { return };
    let read = |name: &str| {
        parse_named(&std::fs::read_to_string(root.join("halper").join(name)).expect("a file"))
            .expect("intervals")
    };
    let (queries, fragments, summits) = (read("query.bed"), read("fragments.bed"), read("summits.bed"));
    let expected = json(root.join("halper/expected.json"));
    let by_length = Rule {
        max_len: Some(1000),
        max_frac: Some(5.0),
        min_frac: Some(0.05),
        ..Rule::default()
    };
    for (key, rule) in [
        ("frac2_min50_protect5", Rule::default()),
        ("len1000_min50_protect5", by_length),
    ] {
        let (accepted, rejected) = assemble(&queries, &fragments, &summits, &rule).expect("names are unique");
        let row = |o: &neuropil_enhancers::orthologs::Ortholog| -> Value {
            serde_json::json!([
                o.chrom,
                o.start,
                o.end,
                o.summit,
                o.name,
                o.length(),
                o.query_length,
                o.summit - o.start,
                o.end - o.summit
            ])
        };
        assert_eq!(
            Value::Array(accepted.iter().map(row).collect()),
            expected[key]["accepted"],
            "{key}"
        );
        let told: Vec<Value> = rejected
            .iter()
            .map(|r| {
                let mut told = vec![Value::from(r.name.clone()), Value::from(r.reason)];
                if let Some(ortholog) = &r.ortholog {
                    told.extend(row(ortholog).as_array().expect("a row").clone());
                }
                Value::Array(told)
            })
            .collect();
        assert_eq!(Value::Array(told), expected[key]["rejected"], "{key}");
    }
}
