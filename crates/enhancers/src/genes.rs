//! Genes from GTF (Ensembl, GENCODE, RefSeq) and GFF3, with their transcription start sites.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::error::InputError;
use crate::peaks::position;

/// A transcription start site; positions count from 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tss {
    /// Chromosome.
    pub chrom: String,
    /// First transcribed base: the last of the interval on the minus strand.
    pub position: u64,
    /// Gene, or transcript.
    pub name: String,
    /// `+` or `-`.
    pub strand: char,
}

/// Protein-coding genes of an annotation.
#[derive(Clone, Debug, Default)]
pub struct Annotation {
    /// Start sites of genes.
    pub genes: Vec<Tss>,
    /// Start sites of all transcripts of coding genes.
    pub transcripts: Vec<Tss>,
    /// Exons of coding genes: chromosome, start, end.
    pub exons: Vec<(String, u64, u64)>,
    /// What was assumed.
    pub notes: Vec<String>,
}

/// Reads an annotation.
///
/// # Errors
/// As [`parse`], with the file named.
pub fn read(path: &Path) -> Result<Annotation, InputError> {
    parse(&crate::text::read_to_string(path)?).map_err(|error| error.in_file(path))
}

struct Line {
    chrom: String,
    kind: String,
    start: u64,
    end: u64,
    strand: char,
    attributes: HashMap<String, String>,
}

/// Parses an annotation up to `##FASTA`. A gene is coding when `gene_biotype`, `gene_type` or `biotype` of its line
/// (or, without gene lines, of its transcripts) is `protein_coding`; where no line tells a biotype, when it has a CDS.
///
/// # Errors
/// Lines without nine columns, positions that are not whole numbers, no protein-coding gene.
pub fn parse(text: &str) -> Result<Annotation, InputError> {
    let mut lines = Vec::new();
    for (number, line) in crate::text::lines(text) {
        if line.starts_with("##FASTA") {
            break;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        lines.push(parse_line(line).map_err(|error| error.at_line(number))?);
    }
    let parents = Parents::of(&lines);
    let mut found = Annotation::default();
    let coding = coding(&lines, &parents, &mut found.notes);
    for line in &lines {
        if parents.genes_of(line).is_disjoint(&coding) {
            continue;
        }
        match line.kind.as_str() {
            "gene" => found
                .genes
                .push(line.tss(&["gene_name", "Name", "gene", "gene_id", "ID"])),
            "transcript" | "mRNA" => found.transcripts.push(line.tss(&["transcript_id", "Name", "ID"])),
            "exon" | "CDS" => found.exons.push((line.chrom.clone(), line.start, line.end)),
            _ => {}
        }
    }
    found.exons.sort();
    found.exons.dedup();
    if !lines.iter().any(|line| line.kind == "gene") {
        found.genes.clone_from(&found.transcripts);
    }
    if found.genes.is_empty() {
        return Err(InputError::new("no protein-coding gene was found")
            .hint("expected gene lines with gene_biotype (Ensembl, RefSeq) or gene_type (GENCODE) \"protein_coding\", or genes with a CDS"));
    }
    Ok(found)
}

/// Names of the coding genes.
fn coding(lines: &[Line], parents: &Parents, notes: &mut Vec<String>) -> HashSet<String> {
    const KEYS: [&str; 3] = ["gene_biotype", "gene_type", "biotype"];
    let biotype = |line: &Line| KEYS.iter().find_map(|key| line.attributes.get(*key)).cloned();
    if lines.iter().any(|line| biotype(line).is_some()) {
        let of_gene = |line: &&Line| {
            line.kind == "gene"
                || line.attributes.contains_key("gene_biotype")
                || line.attributes.contains_key("gene_type")
        };
        let coding = lines
            .iter()
            .filter(|line| biotype(line).is_some_and(|biotype| biotype == "protein_coding"));
        return coding.filter(of_gene).flat_map(Line::up).collect();
    }
    let with_cds: HashSet<String> = lines
        .iter()
        .filter(|line| line.kind == "CDS")
        .flat_map(|line| parents.genes_of(line))
        .collect();
    if !with_cds.is_empty() {
        notes.push(
            "the annotation tells no biotypes: genes with a CDS are taken as protein-coding".to_owned(),
        );
    }
    with_cds
}

/// Of every line with an `ID`, what it is a part of.
struct Parents(HashMap<String, Vec<String>>);

impl Parents {
    fn of(lines: &[Line]) -> Self {
        let named = lines
            .iter()
            .filter_map(|line| Some((line.attributes.get("ID")?.clone(), line.up())));
        Self(named.collect())
    }

    /// The genes at the ends of the chains of parents.
    fn genes_of(&self, line: &Line) -> HashSet<String> {
        let mut genes: HashSet<String> = line.up().into_iter().collect();
        for _ in 0..4 {
            genes = genes
                .into_iter()
                .flat_map(|id| match self.0.get(&id) {
                    Some(up) if !up.is_empty() => up.clone(),
                    _ => vec![id],
                })
                .collect();
        }
        genes
    }
}

fn parse_line(line: &str) -> Result<Line, InputError> {
    let fields: Vec<&str> = line.split('\t').collect();
    if fields.len() != 9 {
        return Err(InputError::new(format!(
            "{} columns, expected the 9 of GTF or GFF3",
            fields.len()
        )));
    }
    let (start, end) = (position(fields[3], "start")?, position(fields[4], "end")?);
    if start == 0 || start > end {
        return Err(InputError::new(format!(
            "the interval {start}-{end} is none; positions count from 1"
        ))
        .in_field("start"));
    }
    Ok(Line {
        chrom: fields[0].to_owned(),
        kind: fields[2].to_owned(),
        start: start - 1,
        end,
        strand: fields[6].chars().next().unwrap_or('.'),
        attributes: attributes(fields[8]),
    })
}

/// `key "value"; …` or `key=value;…`; semicolons inside quotes are part of the value, percent escapes are decoded.
fn attributes(text: &str) -> HashMap<String, String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in text.trim_end().chars() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => parts.push(String::new()),
            _ => parts.last_mut().expect("never empty").push(c),
        }
    }
    let mut found = HashMap::new();
    for part in &parts {
        let part = part.trim();
        let split = part.find(['=', ' ']).map(|at| (&part[..at], &part[at + 1..]));
        if let Some((key, value)) = split {
            // Commas between parents are told from escaped ones as long as nothing is decoded.
            let value = if part.as_bytes()[key.len()] == b'=' && key != "Parent" {
                decoded(value)
            } else {
                value.trim().to_owned()
            };
            found.entry(key.to_owned()).or_insert(value);
        }
    }
    found
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let code = (bytes[i] == b'%')
            .then(|| text.get(i + 1..i + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Line {
    /// The gene that the line names, or what it is a part of: of several transcripts, in GFF3.
    fn up(&self) -> Vec<String> {
        let own = self.attributes.get("gene_id").or_else(|| {
            let is_gene = self.kind == "gene";
            is_gene.then(|| self.attributes.get("ID")).flatten()
        });
        match own {
            Some(id) => vec![id.clone()],
            None => {
                let parents = self.attributes.get("Parent").into_iter();
                parents
                    .flat_map(|parents| parents.split(',').map(decoded))
                    .collect()
            }
        }
    }

    fn tss(&self, names: &[&str]) -> Tss {
        Tss {
            chrom: self.chrom.clone(),
            position: if self.strand == '-' {
                self.end - 1
            } else {
                self.start
            },
            name: names
                .iter()
                .find_map(|key| self.attributes.get(*key))
                .cloned()
                .unwrap_or_default(),
            strand: self.strand,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_in_quotes_and_percent_escapes() {
        let found = attributes("gene_id \"G1\"; note \"a; b\"; level 2;");
        assert_eq!(
            (
                found["gene_id"].as_str(),
                found["note"].as_str(),
                found["level"].as_str()
            ),
            ("G1", "a; b", "2")
        );
        assert_eq!(
            attributes("ID=x;product=alpha%2C type 1%")["product"],
            "alpha, type 1%"
        );
    }

    #[test]
    fn gencode_genes_and_exons_of_gff3() {
        let gtf =
            "chr1\tH\tgene\t11\t20\t.\t-\t.\tgene_id \"G\"; gene_type \"protein_coding\"; gene_name \"N\";\n";
        assert_eq!(
            parse(gtf).expect("a gene").genes,
            [Tss {
                chrom: "chr1".into(),
                position: 19,
                name: "N".into(),
                strand: '-'
            }]
        );
        let gff = "c\tR\tgene\t1\t9\t.\t+\t.\tID=g;gene_biotype=protein_coding;Name=A\nc\tR\tmRNA\t1\t9\t.\t+\t.\tID=r;Parent=g\nc\tR\texon\t2\t5\t.\t+\t.\tID=e;Parent=r\n";
        let found = parse(gff).expect("a gene");
        assert_eq!(found.exons, [("c".to_owned(), 1, 5)]);
        assert_eq!(found.transcripts.len(), 1);
        // An exon of two transcripts; and without biotypes, genes with a CDS.
        let shared =
            format!("{gff}c\tR\tmRNA\t1\t9\t.\t+\t.\tID=s;Parent=g\nc\tR\texon\t7\t8\t.\t+\t.\tParent=r,s\n");
        assert_eq!(parse(&shared).expect("a gene").exons.len(), 2);
        let bare = "c\tu\ttranscript\t1\t9\t.\t+\t.\tgene_id \"A\"; transcript_id \"t\";\nc\tu\tCDS\t2\t5\t.\t+\t0\tgene_id \"A\";\nc\tu\ttranscript\t20\t30\t.\t+\t.\tgene_id \"B\";\n";
        let bare = parse(bare).expect("a gene");
        assert_eq!(
            (bare.genes.len(), &*bare.genes[0].name, bare.exons.len()),
            (1, "t", 1)
        );
        assert!(bare.notes[0].contains("genes with a CDS"));
        assert!(
            parse("c\tR\tgene\t0\t9\t.\t+\t.\tID=g\n")
                .expect_err("zero")
                .to_string()
                .contains("line 1, `start`")
        );
        assert!(
            parse("c R gene\n")
                .expect_err("columns")
                .to_string()
                .contains("1 columns, expected the 9")
        );
    }
}
