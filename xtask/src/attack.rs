//! `cargo xtask attack`: what one hostile client can cost, beside a camera and a viewer that must not notice.
//!
//! What is done and measured is in `crates/attack`, which the tests use, too; this runs all of it and prints a table.

use crate::Result;
use crate::bench::machine;
use crate::bench::table::Table;
use crate::process::{self, Places};
use lenscast_attack::{ALL, Attack, Bounds, Measured, Place, Trial, place};
use std::path::PathBuf;
use std::time::Duration;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
struct Options {
    only: Vec<String>,
    length: Duration,
    /// The program to attack; `None` builds this one.
    program: Option<PathBuf>,
}

/// Runs the attacks, prints what each cost, and says at the end which were over.
///
/// # Errors
/// One of them cost more than it may, or something could not be started.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let options = Options::parse(words)?;
    let attacks = options.attacks()?;
    let program = match &options.program {
        Some(program) => program.clone(),
        None => {
            let places = Places::find()?;
            if !place::is_inside() {
                process::run(&mut places.cargo(&["build", "--release", "--package", "lenscast"]))?;
            }
            places.lenscast("release")?
        }
    };
    if !place::is_inside() {
        let again = std::iter::once("attack").chain(words.iter().copied()).collect::<Vec<_>>();
        match place::again_inside(&again).map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(_) => return Err("an attack cost more than it may".into()),
            None => {}
        }
    }
    let place = Place::here().map_err(|error| error.to_string())?;
    println!("\n{}", machine());
    println!("{} attacks of {:.0} s each, {place}\n", attacks.len(), options.length.as_secs_f64());
    let trial = Trial {
        program: &program,
        place,
        length: options.length,
        calm: Duration::from_secs(2),
        bounds: Bounds::DEFAULT,
    };
    let mut table = Table::new(&[
        "attack",
        "MB",
        "threads",
        "viewer",
        "worst gap",
        "healthz",
        "new camera",
        "log",
        "written",
        "back in",
        "verdict",
    ]);
    let mut over = Vec::new();
    for attack in attacks {
        println!("{}: {}", attack.name, attack.what);
        let measured = trial.run(attack).map_err(|error| format!("{}: {error}", attack.name))?;
        let complaints = trial.bounds.complaints(&measured);
        for complaint in &complaints {
            println!("  {complaint}");
        }
        table.row(&row(attack, &measured, complaints.is_empty()));
        if !complaints.is_empty() {
            over.push(attack.name);
        }
    }
    println!("\n{table}");
    if over.is_empty() {
        println!("One hostile client costs no more than it may.");
        return Ok(());
    }
    Err(format!("over: {}", over.join(", ")).into())
}

/// What an attack cost, as a row of the table.
fn row(attack: &Attack, measured: &Measured, is_fine: bool) -> [String; 11] {
    let seconds =
        |span: Option<Duration>| span.map_or("never".into(), |span| format!("{:.1} s", span.as_secs_f64()));
    let kb = |bytes: u64| format!("{} kB", bytes.div_ceil(1000));
    [
        attack.name.into(),
        format!("{:.0} → {:.0}", measured.rss_before_mb, measured.rss_mb),
        measured.threads.to_string(),
        format!("{:.0} %", measured.rate * 100.0),
        format!("{} ms", measured.worst_gap.as_millis()),
        format!("{} ms", measured.healthz.as_millis()),
        seconds(measured.newcomer),
        kb(measured.log),
        kb(measured.written),
        seconds(measured.back),
        if is_fine { "fine" } else { "OVER" }.into(),
    ]
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self> {
        let mut options = Self { only: Vec::new(), length: Duration::from_secs(10), program: None };
        for pair in words.chunks(2) {
            match pair {
                ["--only", name] => options.only.push((*name).to_owned()),
                ["--seconds", seconds] => {
                    let seconds: f64 = seconds.parse().map_err(|_| format!("{seconds:?} are no seconds"))?;
                    if !(1.0..=3600.0).contains(&seconds) {
                        return Err("an attack takes from 1 to 3,600 seconds".into());
                    }
                    options.length = Duration::from_secs_f64(seconds);
                }
                ["--program", path] => options.program = Some(std::path::absolute(path)?),
                other => return Err(format!("{:?} is no option of attack", other.join(" ")).into()),
            }
        }
        Ok(options)
    }

    fn attacks(&self) -> Result<Vec<&'static Attack>> {
        if self.only.is_empty() {
            return Ok(ALL.iter().collect());
        }
        let names = || ALL.iter().map(|attack| attack.name).collect::<Vec<_>>().join(", ");
        let named = |name: &String| {
            Attack::named(name).ok_or_else(|| format!("{name:?} is none of {}", names()).into())
        };
        self.only.iter().map(named).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_say_which_attacks_and_for_how_long() {
        let parse = |words: &[&str]| {
            Options::parse(words).and_then(|options| Ok((options.attacks()?.len(), options.length)))
        };
        assert_eq!(parse(&[]).unwrap(), (ALL.len(), Duration::from_secs(10)));
        let two = parse(&["--only", "bombs", "--seconds", "2.5", "--only", "names"]).unwrap();
        assert_eq!(two, (2, Duration::from_millis(2500)));
        for bad in [&["--only"][..], &["--only", "none"], &["--seconds", "0"], &["--seconds", "x"], &["more"]]
        {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_over_is_named_and_what_is_not_is_fine() {
        let fine = Measured {
            rss_mb: 60.0,
            threads: 20,
            rate: 0.99,
            newcomer: Some(Duration::from_millis(300)),
            back: Some(Duration::from_secs(1)),
            ..Measured::default()
        };
        assert_eq!(Bounds::DEFAULT.complaints(&fine), Vec::<String>::new());
        assert!(row(&ALL[0], &fine, true).contains(&"fine".to_owned()));
        let bad: [fn(&mut Measured); 10] = [
            |it| it.rss_mb = 121.0,
            |it| it.threads = 65,
            |it| it.rate = 0.89,
            |it| it.worst_gap = Duration::from_millis(1001),
            |it| it.healthz = Duration::from_millis(501),
            |it| it.newcomer = None,
            |it| it.newcomer = Some(Duration::from_millis(5001)),
            |it| it.log = 1_000_001,
            |it| it.back = None,
            |it| it.complaint = Some("160 guesses were compared".into()),
        ];
        for change in bad {
            let mut measured = fine.clone();
            change(&mut measured);
            assert_eq!(Bounds::DEFAULT.complaints(&measured).len(), 1, "{measured:?}");
        }
    }
}
