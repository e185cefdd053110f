//! The same for the systems beside song: their settings, their own files, questions to their runs.

use super::Session;
use expect_test::expect_file;

/// An IDX file: type byte, sizes of the axes, values.
fn idx(kind: u8, sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, sizes.len() as u8];
    sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

#[test]
fn gating() {
    let mut session = Session::new();
    for set in [
        &["method=xdd"][..],
        &["method=xdg+xdg"],
        &["gates.gated=1"],
        &["gates.gated=-0.1"],
        &["gates.parts=0"],
        &["method=file"],
        &["method=file", "gates.file=gone.csv"],
        &["method=xdg", "tasks.head=all"],
        &["network.hidden=[0]"],
        &["training.batch=0"],
        &["training.rate=0"],
        &["stabilise.strength=-2"],
        &["tasks.n=0"],
        &["tasks.kind=permutd"],
        &["data.path=gone"],
        &["network.hiden=[5]"],
    ] {
        let set = set.iter().flat_map(|set| ["--set", set]);
        let command = ["train", "gating/permuted-digits", "--out", "bad"];
        session.refused(&command.into_iter().chain(set).collect::<Vec<_>>());
    }
    session.write("gates.csv", "task,layer,u1,u2\n1,1,0,1\n");
    for set in [
        "tasks.names=['masse-go', 'rdm']",
        "tasks.names=['cartpole']",
        "tasks.names=['masse-goo']",
        "network.cell=gru",
        "method=si+replay",
        "teacher=nobody",
    ] {
        session.refused(&["train", "gating/cognitive", "--out", "bad", "--set", set]);
    }
    session.refused(&[
        "train",
        "gating/cognitive",
        "--out",
        "bad",
        "--set",
        "method=file",
        "--set",
        "gates.file=gates.csv",
    ]);
    session.refused(&["train", "gating/permuted-digit", "--out", "bad"]);
    let files: [(&str, Vec<u8>); 6] = [
        (
            "cut.train-images-idx3-ubyte",
            idx(8, &[3, 2, 2], &[0, 1, 2, 3, 4, 5, 6]),
        ),
        ("labels.train-images-idx3-ubyte", idx(8, &[4], &[0, 1, 2, 3])),
        (
            "turned.train-images-idx3-ubyte",
            [3, 8, 0, 0].into_iter().chain([0; 16]).collect(),
        ),
        (
            "huge.train-images-idx3-ubyte",
            idx(8, &[u32::MAX, u32::MAX, u32::MAX], &[0; 64]),
        ),
        (
            "page.train-images-idx3-ubyte",
            b"<!DOCTYPE html><html></html>".to_vec(),
        ),
        ("whole.train-labels-idx1-ubyte", idx(8, &[3], &[0, 1, 2])),
    ];
    for (name, bytes) in files {
        std::fs::write(session.path().join(name), bytes).expect("a file");
        session.refused(&["gating", "data", "check", name]);
    }
    session.refused(&["gating", "data", "check", "gone"]);
    session.refused(&["reproduce", "gating", "everything"]);
    session.check(&expect_file!["../messages/gating.txt"]);
}

#[test]
fn successor() {
    let mut session = Session::new();
    for set in [
        "model.gain=1",
        "model.gain=-0.1",
        "model.retrieval_gain=1.2",
        "model.dynamics.kind=finite",
        "model.dynamics={kind='iterated', iterations=0, nonlinearity='tanh'}",
        "model.rule=other",
        "model.features={kind='correlated-sparse', sigma=-1, p=0.1}",
        "model.rate.least=-1",
        "model.trace=2",
        "steps=0",
        "mover=levi",
        "world=rng",
        "modell.gain=1",
    ] {
        session.refused(&["train", "successor/ring", "--out", "bad", "--set", set]);
    }
    for set in ["fields.level=2", "fields.shuffles=0", "fields.smoothing=-1"] {
        session.refused(&["train", "successor/arena", "--out", "bad", "--set", set]);
    }
    for world in [
        "kind = \"ring\"\nstates = 1\n",
        "kind = \"ring\"\nstates = 5\nleft = -1\n",
        "kind = \"ring\"\nstates = 5\nleft = 0\nright = 0\nstay = 0\n",
        "kind = \"ring\"\nstates = 5\nlefty = 1\n",
        "kind = \"arena\"\n",
        "kind = \"arena\"\nmap = \"\"\"\n###\n###\n\"\"\"\n",
        "kind = \"arena\"\nmap = \"\"\"\n....\n..x.\n\"\"\"\n",
        "kind = \"graph\"\nstates = 3\nedges = [[0, 1], [1, 2, 1]]\n",
        "kind = \"graph\"\nstates = 3\nedges = [[0, 1, 1], [1, 7, 1]]\n",
        "kind = \"polygon\"\nboundary = [[0, 0], [10, 0]]\n",
        "kind = \"rng\"\n",
    ] {
        session.write("world.toml", world);
        session.refused(&["successor", "walk", "--world", "world.toml", "--out", "walk.npz"]);
    }
    let tracks = [
        ("nothing.csv", ""),
        ("other.csv", "a,b,c\n1,2,3\n"),
        ("word.csv", "x,y,t\n1,2,0\n2,oops,0.1\n"),
        ("back.csv", "x,y,t\n1,2,0\n2,3,0.1\n1,2,0.05\n"),
        ("clock.csv", "x,y\n1,2\n2,3\n"),
        ("still.csv", "x,y,t\n1,2,0\n1,2,1\n1,2,2\n"),
    ];
    for (name, text) in tracks {
        session.write(name, text);
        session.refused(&["successor", "run", name, "--out", "bad"]);
    }
    session.refused(&["successor", "run", "gone.csv", "--out", "bad"]);
    session.refused(&["successor", "run", "back.csv", "--bin-cm", "0", "--out", "bad"]);
    session.refused(&[
        "successor",
        "run",
        "back.csv",
        "--likelihood",
        "3",
        "--out",
        "bad",
    ]);
    session.refused(&["successor", "run", "back.csv", "--columns", "x", "--out", "bad"]);
    let made = [
        "-q",
        "train",
        "successor/ring",
        "--set",
        "steps=300",
        "--out",
        "run",
    ];
    assert_eq!(session.run(&made).0, Some(0));
    session.refused(&["successor", "retrieve", "run", "--gain", "1"]);
    session.refused(&["successor", "retrieve", "run", "--state", "99"]);
    session.refused(&["successor", "retrieve", "run", "--reward", "1"]);
    session.refused(&["successor", "fields", "run"]);
    session.refused(&["analyse", "run", "horizon"]);
    session.refused(&[
        "train",
        "successor/ring",
        "--set",
        "steps=200",
        "--resume",
        "--out",
        "run",
    ]);
    session.refused(&["successor", "kernel", "--tau-positive", "0"]);
    session.refused(&["successor", "figure", "9"]);
    session.check(&expect_file!["../messages/successor.txt"]);
}

#[test]
fn neuronid() {
    let mut session = Session::new();
    for set in [
        "network.width=7",
        "network.layers=0",
        "training.batch=1",
        "training.updates=0",
        "synth.jitter=1",
        "synth.missing=2",
        "data.path=gone.csv",
    ] {
        session.refused(&["train", "neuronid/small", "--out", "bad", "--set", set]);
    }
    session.refused(&["train", "neuronid/heads", "--out", "bad"]);
    let files: [(&str, &[u8]); 7] = [
        ("nan.csv", b"name,x_um,y_um,z_um\nAVAL,1,2,nan\n"),
        ("empty.csv", b"name,x_um,y_um,z_um\n"),
        ("unit.csv", b"name,x,y,z\nAVAL,1,2,3\n"),
        ("flat.csv", b"name,x_um,y_um\nAVAL,1,2\n"),
        ("call.data", b"\x80\x02cos\ngetcwd\n)R."),
        ("gone/", b""),
        ("words.csv", b"name,x_um,y_um,z_um\nAVAL,one,2,3\n"),
    ];
    for (name, bytes) in files {
        if !name.ends_with('/') {
            std::fs::write(session.path().join(name), bytes).expect("a file");
        }
        session.refused(&["neuronid", "check", name]);
    }
    session.write(
        "worm.csv",
        "name,x_um,y_um,z_um\nAVAL,1,2,3\nAVAR,4,5,6\n,7,8,10\n",
    );
    let pair = [
        "neuronid",
        "predict",
        "--template",
        "worm.csv",
        "--test",
        "worm.csv",
    ];
    for more in [
        &["--pin", "99=AVAL"][..],
        &["--pin", "AVAL"],
        &["--outliers", "few"],
        &["--model", "gone.bin"],
        &["--model", "call.data"],
        &["--colour", "green"],
    ] {
        session.refused(&[&pair, more].concat());
    }
    session.write("twice.csv", "name,x_um,y_um,z_um\nAVAL,1,2,3\nAVAL,4,5,6\n");
    session.refused(&[
        "neuronid",
        "predict",
        "--template",
        "twice.csv",
        "--test",
        "worm.csv",
    ]);
    session.write(
        "flat_atlas.csv",
        "name,x_um,y_um,z_um,xx_um2,xy_um2,xz_um2,yy_um2,yz_um2,zz_um2\nAVAL,1,2,3,1,2,0,1,0,1\n",
    );
    session.write(
        "twice_atlas.csv",
        "name,x_um,y_um,z_um,xx_um2,xy_um2,xz_um2,yy_um2,yz_um2,zz_um2\nAVAL,1,2,3,1,0,0,1,0,1\nAVAL,1,2,3,1,0,0,1,0,1\n",
    );
    for atlas in ["gone.csv", "worm.csv", "flat_atlas.csv", "twice_atlas.csv"] {
        session.refused(&["neuronid", "predict", "--atlas", atlas, "--test", "worm.csv"]);
    }
    session.refused(&["neuronid", "predict", "--test", "worm.csv"]);
    session.refused(&[&pair, &["--atlas", "flat_atlas.csv"][..]].concat());
    session.write("cut.pt", "PK\u{3}\u{4}cut");
    session.refused(&["neuronid", "convert", "cut.pt", "out.safetensors"]);
    session.refused(&["neuronid", "convert", "call.data", "out.safetensors"]);
    session.refused(&["neuronid", "track", "worm.csv", "--ref", "7"]);
    session.refused(&["neuronid", "synth"]);
    session.check(&expect_file!["../messages/neuronid.txt"]);
}

#[test]
fn enhancers() {
    let mut session = Session::new();
    session.write("ok.nwk", "((a:1,b:1):1,(c:1,d:1):1);\n");
    session.write(
        "traits.tsv",
        "species\tbrain\tclass\na\t1\t0\nb\t2\t1\nc\t3\t2\nd\t5\t1\n",
    );
    session.write("matrix.tsv", "region\ta\tb\tc\td\nr1\t0.1\t0.5\t0.9\t0.2\n");
    let ask = |session: &mut Session, matrix: &str, tree: &str, traits: &str, more: &[&str]| {
        let command = [
            "enhancers",
            "associate",
            matrix,
            "--tree",
            tree,
            "--traits",
            traits,
            "--out",
            "bad",
        ];
        session.refused(&[&command, more].concat());
    };
    let brain = ["--column", "brain"];
    for (name, text) in [
        ("open.nwk", "((a:1,b:1):1,c:2\n"),
        ("twice.nwk", "((a:1,a:1):1,c:2);\n"),
        ("below.nwk", "((a:-1,b:1):1,c:2);\n"),
        ("bare.nwk", "((a,b),c);\n"),
        ("none.nwk", ""),
    ] {
        session.write(name, text);
        ask(&mut session, "matrix.tsv", name, "traits.tsv", &brain);
    }
    ask(&mut session, "matrix.tsv", "gone.nwk", "traits.tsv", &brain);
    session.write("words.tsv", "region\ta\tb\tc\td\nr1\t0.1\toops\t0.9\t0.2\n");
    ask(&mut session, "words.tsv", "ok.nwk", "traits.tsv", &brain);
    session.write("others.tsv", "species\tbrain\na\t1\nx\t2\ny\t3\n");
    ask(&mut session, "matrix.tsv", "ok.nwk", "others.tsv", &brain);
    session.write("named.tsv", "species\tbrain\na\t1\nb\ttwo\nc\t3\nd\t4\n");
    ask(&mut session, "matrix.tsv", "ok.nwk", "named.tsv", &brain);
    for more in [
        &["--column", "brian"][..],
        &["--column", "class", "--kind", "binary"],
        &["--column", "brain", "--totals", "99,9"],
        &["--column", "brain", "--min-fraction", "2"],
    ] {
        ask(&mut session, "matrix.tsv", "ok.nwk", "traits.tsv", more);
    }
    session.write("g.fa", ">chr1\nACGTACGTAC\n");
    for (name, text) in [
        ("back.narrowPeak", "chr1\t10\t5\tp\t0\t.\t1\t1\t1\t2\n"),
        ("letters.narrowPeak", "chr1\t10\tx\tp\t0\t.\t1\t1\t1\t2\n"),
        ("other.narrowPeak", "1\t1\t5\tp\t0\t.\t1\t1\t1\t2\n"),
    ] {
        session.write(name, text);
        session.refused(&["enhancers", "prepare", name, "--genome", "g.fa", "--out", "bad"]);
    }
    evaluations(&mut session);
    session.refused(&["enhancers", "predict", "gone.h5", "g.fa"]);
    session.write("study.toml", "foo = 1\n");
    session.refused(&["enhancers", "run", "study.toml"]);
    session.refused(&["enhancers", "run", "gone.toml"]);
    session.refused(&["enhancers", "simulate", "bad", "--regions", "0"]);
    session.refused(&["enhancers", "calibrate", "--planted", "100", "--regions", "50"]);
    session.refused(&["enhancers", "adjust", "gone.csv"]);
    session.check(&expect_file!["../messages/enhancers.txt"]);
}

/// Tables that `enhancers evaluate` cannot take.
fn evaluations(session: &mut Session) {
    session.write("open.tsv", "region\tspecies\topen\nr1\ta\t1\nr1\tb\t0\n");
    let mut ask = |labels: &str, more: &[&str]| {
        let command = [
            "enhancers",
            "evaluate",
            "matrix.tsv",
            "--labels",
            labels,
            "--out",
            "bad",
        ];
        session.refused(&[&command, more].concat());
    };
    ask("gone.tsv", &[]);
    for more in [
        &["--tree", "ok.nwk", "--source", "x"][..],
        &["--tree", "ok.nwk"],
        &["--tissue", "cortex"],
        &["--clades", "traits.tsv"],
        &["--min-fraction", "2"],
    ] {
        ask("open.tsv", more);
    }
    for (name, text) in [
        ("headless.tsv", "region\tspecies\tstate\nr1\ta\t1\n"),
        ("strangers.tsv", "region\tspecies\topen\nr1\ta\t1\nr1\te\t0\n"),
        ("words.open.tsv", "region\tspecies\topen\nr1\ta\topen\n"),
        ("both.tsv", "region\tspecies\topen\nr1\ta\t1\nr1\tA\t0\n"),
        ("one.tsv", "region\tspecies\topen\nr1\ta\t1\nr1\tb\t1\n"),
        (
            "tissues.tsv",
            "region\tspecies\topen\ttissue\nr1\ta\t1\tcortex\nr1\tb\t1\tliver\n",
        ),
    ] {
        session.write(name, text);
        let command = [
            "enhancers",
            "evaluate",
            "matrix.tsv",
            "--labels",
            name,
            "--out",
            "bad",
        ];
        session.refused(&command);
    }
}
