//! One figure per kind of panel and a report: `cargo run --example gallery -- DIRECTORY`.

use neuropil_draw::{Bars, Color, Figure, Heat, Mark, Panel, Report, ReportTable, Section, Series};
use std::error::Error;
use std::f64::consts::PI;
use std::path::PathBuf;

fn grid(from: f64, to: f64, n: usize) -> Vec<f64> {
    (0..n)
        .map(|i| from + (to - from) * i as f64 / (n - 1) as f64)
        .collect()
}

fn over(x: &[f64], f: impl Fn(f64) -> f64) -> Vec<f64> {
    x.iter().map(|x| f(*x)).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn psychometric() -> Panel {
    let x = [-51.2, -25.6, -12.8, -6.4, 0.0, 6.4, 12.8, 25.6, 51.2];
    let mut panel = Panel::new("coherence (%)", "fraction of rightward choices")
        .y_range(0.0, 1.0)
        .h_line(0.5)
        .v_line(0.0);
    for (label, color, width) in [("female", Color::Blue, 9.0), ("male", Color::Vermillion, 18.0)] {
        let fine = grid(-55.0, 55.0, 120);
        let y = over(&x, |x| sigmoid(x / width));
        let error: Vec<_> = y.iter().map(|y| (y - 0.09 * y, y + 0.14 * (1.0 - y))).collect();
        panel = panel
            .series(Series::line(fine.clone(), over(&fine, |x| sigmoid(x / width))).color(color))
            .series(Series::points(x, y).error(error).label(label).color(color));
    }
    panel
}

fn learning() -> Panel {
    let x = grid(0.0, 40000.0, 120);
    let y = over(&x, |x| {
        0.5 + 0.4 * (1.0 - (-x / 9000.0).exp()) + 0.02 * (x / 700.0).sin()
    });
    let band: Vec<_> = y.iter().map(|y| (y - 0.05, y + 0.05)).collect();
    let decided = over(&x, |x| 1.0 - 0.6 * (-x / 2000.0).exp());
    Panel::new("trials", "fraction")
        .y_range(0.0, 1.0)
        .series(Series::line(x.clone(), y).band(band).label("correct"))
        .series(
            Series::line(x, decided)
                .mark(Mark::Dashed)
                .color(Color::Green)
                .label("decided"),
        )
        .note("mean and 95 % interval of 20 networks")
}

fn rates() -> Panel {
    let t = grid(0.0, 2000.0, 201);
    let mut panel = Panel::new("time (ms)", "firing rate (spikes/s)")
        .span(0.0, 500.0, "fixation")
        .span(500.0, 1300.0, "stimulus")
        .span(1300.0, 1700.0, "delay")
        .span(1700.0, 2000.0, "decision");
    for (i, gain) in [32.0, 16.0, -16.0, -32.0].into_iter().enumerate() {
        let y = over(&t, |t| 20.0 + gain * sigmoid((t - 900.0) / 120.0) * 0.6);
        panel = panel.series(
            Series::line(t.clone(), y)
                .color(Color::cycle(i))
                .label(format!("{gain} %").replace('-', "−")),
        );
    }
    panel
}

fn matrix(signed: bool) -> Panel {
    let (rows, columns) = (60, 100);
    let values = (0..rows)
        .map(|i| {
            (0..columns)
                .map(|j| {
                    let d = (j as f64 / 100.0 - i as f64 / 60.0) * 6.0;
                    if signed {
                        (-d * d / 4.0).exp() * (4.0 * d).cos()
                    } else {
                        40.0 * (-d * d).exp()
                    }
                })
                .collect()
        })
        .collect();
    Panel::new("time (ms)", "unit, sorted by peak").heat(Heat {
        values,
        x: (0.0, 2000.0),
        y: (0.0, 60.0),
        signed,
        limits: None,
        label: if signed {
            "weight".into()
        } else {
            "rate (spikes/s)".into()
        },
    })
}

fn histogram() -> Panel {
    let edges = grid(200.0, 1400.0, 25);
    let bump = |at: f64, scale: f64| -> Vec<f64> {
        edges
            .windows(2)
            .map(|e| (scale * (-(f64::midpoint(e[0], e[1]) - at).powi(2) / 40000.0).exp()).round())
            .collect()
    };
    Panel::new("reaction time (ms)", "trials")
        .bars(Bars {
            label: Some("correct".into()),
            color: Color::Blue,
            edges: edges.clone(),
            heights: bump(600.0, 120.0),
        })
        .bars(Bars {
            label: Some("error".into()),
            color: Color::Vermillion,
            edges: edges.clone(),
            heights: bump(800.0, 40.0),
        })
        .v_line(640.0)
}

fn logarithmic() -> Panel {
    let x = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0];
    Panel::new("units", "time per update (ms)")
        .x_log()
        .y_log()
        .series(
            Series::points(x, over(&x, |x| 0.002 * x.powf(1.7)))
                .mark(Mark::LineAndPoints)
                .label("dense"),
        )
        .series(
            Series::points(x, over(&x, |x| 0.004 * x))
                .mark(Mark::OpenPoints)
                .color(Color::Orange)
                .label("sparse"),
        )
}

fn named() -> Panel {
    let names = [
        "random dots",
        "delayed match to sample",
        "context integration",
        "multisensory",
        "foraging",
    ];
    let ticks: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(i, n)| (i as f64, (*n).to_owned()))
        .collect();
    let y = [0.84, 0.91, 0.77, 0.88, 0.69];
    let error: Vec<_> = y.iter().map(|y| (y - 0.05, y + 0.03)).collect();
    Panel::new("", "fraction correct")
        .x_ticks(ticks)
        .x_range(-0.5, 4.5)
        .y_range(0.5, 1.0)
        .series(
            Series::points([0.0, 1.0, 2.0, 3.0, 4.0], y)
                .error(error)
                .color(Color::Black),
        )
}

fn space() -> Panel {
    let t = grid(0.0, 2.0 * PI, 100);
    let mut panel = Panel::new(
        "principal component 1",
        "principal component 2 of the population activity, centred",
    );
    for i in 0..6 {
        let r = 1.0 + 0.7 * f64::from(i);
        panel = panel.series(
            Series::line(over(&t, |t| r * t.cos()), over(&t, |t| 0.8 * r * t.sin()))
                .color(Color::cycle(i as usize))
                .label(format!("condition {i}")),
        );
    }
    panel
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args().nth(1).ok_or("name a directory")?);
    std::fs::create_dir_all(&directory)?;
    let figure = |name: &str, title: &str, columns, panels| Figure {
        name: name.into(),
        title: title.into(),
        caption: "Invented data. Points: fraction of 500 trials; bars: 95 % interval.".into(),
        columns,
        panels,
    };
    let figures = vec![
        figure(
            "behaviour",
            "84 % correct at 12.8 % coherence",
            3,
            vec![psychometric(), learning(), histogram()],
        ),
        figure(
            "activity",
            "Units tile the trial",
            2,
            vec![rates(), matrix(false), matrix(true), space()],
        ),
        figure(
            "scaling",
            "Time grows as the 1.7th power of the units",
            2,
            vec![logarithmic(), named()],
        ),
        figure("single", "One panel has no letter", 1, vec![psychometric()]),
    ];
    for figure in &figures {
        std::fs::write(directory.join(format!("{}.svg", figure.name)), figure.to_svg()?)?;
        std::fs::write(directory.join(format!("{}.png", figure.name)), figure.to_png()?)?;
    }
    let table = ReportTable {
        headers: ["coherence (%)", "n", "fraction correct", "95 % interval"]
            .map(Into::into)
            .into(),
        rows: vec![
            ["−6.4", "500", "0.71", "0.67–0.75"].map(Into::into).into(),
            ["12.8", "500", "0.84", "0.81–0.87"].map(Into::into).into(),
        ],
        csv_name: Some("psychometric.csv".into()),
    };
    let report = Report {
        title: "Random-dot discrimination".into(),
        lead: "The network reached the published criterion after 31 200 trials.".into(),
        facts: [
            ("correct", "84 %"),
            ("trials", "31 200"),
            ("seed", "1"),
            ("duration", "3 min 12 s"),
            ("bias", "−0.4 %"),
        ]
        .map(|(a, b)| (a.into(), b.into()))
        .into(),
        sections: figures
            .into_iter()
            .enumerate()
            .map(|(i, figure)| Section {
                title: figure.title.clone(),
                text: "What was asked, and what came out.".into(),
                table: (i == 0).then(|| table.clone()),
                figure: Some(figure),
            })
            .collect(),
        details: vec![("Configuration".into(), "task = \"rdm\"\ndt_ms = 10\n".into())],
    };
    std::fs::write(directory.join("report.html"), report.to_html()?)?;
    Ok(())
}
