//! The operator's program.

use clap::Parser;
use gracekey::{
    app,
    cli::{Cli, Command},
    crdgen,
    telemetry::logs,
};
use std::{io::Write, process::ExitCode};

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _unseen = writeln!(std::io::stderr(), "gracekey: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), app::Failure> {
    match cli.command {
        Command::Crd => Ok(std::io::stdout().write_all(crdgen::print()?.as_bytes())?),
        Command::Run(options) => {
            logs::install(options.log_format, &options.log_filter)?;
            // Two providers would make rustls panic at the first connection; there is one.
            let _installed_before = rustls::crypto::ring::default_provider().install_default();
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let result = runtime.block_on(app::run(*options));
            runtime.shutdown_background();
            result
        }
    }
}
