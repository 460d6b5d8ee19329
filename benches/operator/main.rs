//! Measures the operator on a real control plane and a real Ceph gateway, beside a bare client that makes the same
//! calls, and prints a table. `docs/performance.md` says what the figures mean.

mod bare;
mod bed;
mod cluster;
mod measures;
mod operator;
mod scrape;
mod stats;

use clap::Parser;
use measures::{Bench, say};
use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Outcome<T> = Result<T, Failure>;

/// Measures the operator and prints a table.
#[derive(Debug, Parser)]
struct Options {
    /// Small numbers and one round, to see that everything works; the figures mean little.
    #[arg(long)]
    quick: bool,
    /// Only the rounds of new users and rotations, without the part about memory.
    #[arg(long)]
    no_memory: bool,
    /// Only the part about memory.
    #[arg(long)]
    no_rounds: bool,
    /// Another program of the operator, such as one from before a change.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_gracekey"))]
    program: PathBuf,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    users: usize,
    many: usize,
    foreign: usize,
    rounds: usize,
    idle: Duration,
}

impl Sizes {
    const FULL: Self = Self {
        users: 500,
        many: 5000,
        foreign: 5000,
        rounds: 5,
        idle: Duration::from_secs(30),
    };
    const QUICK: Self = Self {
        users: 50,
        many: 200,
        foreign: 200,
        rounds: 1,
        idle: Duration::from_secs(3),
    };
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<()> {
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(options))
}

async fn measure(options: &Options) -> Outcome<()> {
    let bed = bed::Bed::up()?;
    let admin = bed.admin().await?;
    let store = cluster::prepare(&admin, &bed).await?;
    let mut bench = Bench {
        bed: &bed,
        bare: bare::Bare::new(&bed, &store).await?,
        admin,
        program: options.program.clone(),
        sizes: if options.quick { Sizes::QUICK } else { Sizes::FULL },
        table: stats::Table::default(),
        notes: vec![],
    };
    if !options.no_rounds {
        bench.rounds().await?;
    }
    if !options.no_memory {
        bench.memory().await?;
        bench.idle().await?;
    }
    let mut out = std::io::stdout();
    writeln!(out, "\n{}", bench.table)?;
    for note in &bench.notes {
        writeln!(out, "{note}")?;
    }
    Ok(())
}
