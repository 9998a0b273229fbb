//! `lenscast config`.

use super::{ServerArgs, print, print_as_it_is, wants_colours};
use clap::Subcommand;
use lenscast_settings::{Loaded, Sources, sample};
use std::error::Error;
use std::path::PathBuf;

/// What can be asked about the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what is wrong with a configuration file and the environment
    Check {
        /// The file; unless it is given, the one that a server would take
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Show what a server would be told now, and where each value comes from; secrets are not shown
    Print(ServerArgs),
    /// Show a configuration file with every key, its default and what it is for
    Sample,
}

/// Answers on standard output.
pub(crate) fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Check { file } => {
            let sources = Sources::of_this_process(file, Default::default());
            let loaded = sources.load()?;
            loaded.config()?;
            warn(&loaded);
            print(&fine(&sources, &loaded));
        }
        Command::Print(args) => {
            let loaded = args.sources().load()?;
            warn(&loaded);
            print_as_it_is(lenscast_settings::print::text(&loaded, wants_colours()).trim_end());
        }
        Command::Sample => print(sample::text().trim_end()),
    }
    Ok(())
}

fn fine(sources: &Sources, loaded: &Loaded) -> String {
    let set = loaded.values.iter().filter(|value| value.is_set()).count();
    let keys = if set == 1 { "1 key is set" } else { &format!("{set} keys are set") };
    match &loaded.file {
        Some(path) => format!("{} is fine; {keys}.", path.display()),
        None => {
            let places: Vec<String> = sources.places.iter().map(|path| path.display().to_string()).collect();
            format!("There is no configuration file ({}); {keys}.", places.join(", "))
        }
    }
}

/// What is not as it should be, and works.
fn warn(loaded: &Loaded) {
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
}
