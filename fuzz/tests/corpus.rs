//! Every target on its corpus, and on some thousands of mutations of each input.

use std::fs;
use std::path::{Path, PathBuf};

use lenscast_fuzz::mutation::{Random, mutate};
use lenscast_fuzz::targets::TARGETS;

/// Mutations of an input of up to a thousand bytes; of a larger one so many fewer, since each takes so much longer.
const MUTATIONS: u64 = 2_000;

/// How many mutations an input gets.
fn mutations(input: &[u8]) -> u64 {
    MUTATIONS * 1000 / (input.len() as u64).max(1000)
}

/// Says which input broke a target, when one does: it is one `mutate` away from a file of the corpus.
struct Reproduce<'a> {
    target: &'a str,
    file: &'a Path,
    seed: u64,
    input: &'a [u8],
}

impl Drop for Reproduce<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { target, file, seed, input } = self;
            eprintln!("{target} broke on {} with seed {seed}: {input:02x?}", file.display());
        }
    }
}

fn run_corpus(name: &str) {
    let (_, target) = TARGETS.iter().find(|(target, _)| *target == name).expect("a target of this name");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let entries = fs::read_dir(&folder).expect("a folder of inputs for each target");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no inputs in {}", folder.display());
    let inputs: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();

    for (index, (file, input)) in files.iter().zip(&inputs).enumerate() {
        let reproduce = Reproduce { target: name, file, seed: 0, input };
        target(input);
        drop(reproduce);
        for n in 1..=mutations(input) {
            let seed = index as u64 * MUTATIONS + n;
            let mut random = Random::new(seed);
            let other = &inputs[random.below(inputs.len())];
            let input = mutate(input, other, &mut random);
            let _reproduce = Reproduce { target: name, file, seed, input: &input };
            target(&input);
        }
    }
}

#[test]
fn jpeg_inspect_holds_on_its_corpus() {
    run_corpus("jpeg_inspect");
}

#[test]
fn jpeg_orientation_holds_on_its_corpus() {
    run_corpus("jpeg_orientation");
}

#[test]
fn jpeg_decode_holds_on_its_corpus() {
    run_corpus("jpeg_decode");
}

#[test]
fn camera_connection_holds_on_its_corpus() {
    run_corpus("camera_connection");
}

#[test]
fn every_target_has_a_binary_and_a_small_corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let tests = include_str!("corpus.rs");
    let mut bytes = 0;
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "no [[bin]] for {name}");
        assert!(tests.contains(&format!("run_corpus(\"{name}\")")), "no test for {name}");
        for entry in fs::read_dir(root.join("corpus").join(name)).unwrap() {
            bytes += entry.unwrap().metadata().unwrap().len();
        }
    }
    assert!(
        bytes < 250_000,
        "the corpus has {bytes} bytes: commit what finds something new, not all that was found"
    );
}

#[test]
fn proxy_header_holds_on_its_corpus() {
    run_corpus("proxy_header");
}
