//! Other people's decoders: ffmpeg, and libjpeg-turbo by way of Pillow.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A decoder that is not ours.
#[derive(Clone, Debug)]
pub(crate) enum Oracle {
    Ffmpeg,
    /// libjpeg-turbo, by the interpreter that has Pillow.
    LibJpeg(PathBuf),
}

/// Whether what a decoder showed is the picture `ideal`.
pub(crate) fn same_picture(shown: Option<&Vec<u8>>, ideal: &[u8]) -> bool {
    shown.is_some_and(|shown| shown == ideal)
}

impl Oracle {
    /// All that are here. `cargo xtask test` installs Pillow; ffmpeg must be there.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::Ffmpeg];
        match python() {
            Some(python) => all.push(Self::LibJpeg(python)),
            None => println!("SKIPPED: libjpeg-turbo is not asked, since there is no Python with Pillow"),
        }
        all
    }

    /// What the decoder shows of these clean files of one size. ffmpeg gets them all at once.
    pub(crate) fn clean_pictures(&self, files: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        if !matches!(self, Self::Ffmpeg) {
            return self.pictures(files);
        }
        let folder = tempfile::tempdir().unwrap();
        let (all, raw) = (folder.path().join("all.jpg"), folder.path().join("all.raw"));
        fs::write(&all, files.concat()).unwrap();
        run_ffmpeg(&all, &raw, &[]);
        let raw = fs::read(raw).unwrap();
        assert_eq!(raw.len() % files.len(), 0, "ffmpeg shows another number of pictures");
        raw.chunks(raw.len() / files.len()).map(|picture| Some(picture.to_vec())).collect()
    }

    /// What the decoder shows of each file, as samples; `None` where it shows nothing.
    pub(crate) fn pictures(&self, files: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<_> = (0..files.len()).map(|i| folder.path().join(format!("{i}.jpg"))).collect();
        for (path, file) in paths.iter().zip(files) {
            fs::write(path, file).unwrap();
        }
        match self {
            Self::Ffmpeg => {
                for path in &paths {
                    run_ffmpeg(path, &path.with_extension("raw"), &["-frames:v", "1"]);
                }
            }
            Self::LibJpeg(python) => {
                let script = "import sys\nfrom PIL import Image, ImageFile\nImageFile.LOAD_TRUNCATED_IMAGES = True\n\
                              for path in sys.argv[1:]:\n    try:\n        raw = Image.open(path).convert('RGB').tobytes()\n\
                              \x20   except Exception:\n        continue\n    open(path[:-3] + 'raw', 'wb').write(raw)\n";
                let run = Command::new(python).args(["-c", script]).args(&paths).status();
                assert!(run.unwrap().success());
            }
        }
        let raw = |path: &PathBuf| fs::read(path.with_extension("raw")).ok().filter(|raw| !raw.is_empty());
        paths.iter().map(raw).collect()
    }
}

/// Lets ffmpeg write the samples of the JPEGs that stand in a row in `file`.
fn run_ffmpeg(file: &Path, raw: &Path, more: &[&str]) {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "quiet", "-f", "jpeg_pipe", "-i"]).arg(file).args(more);
    ffmpeg.args(["-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "-y"]).arg(raw);
    // Whether it has shown something is seen by what it wrote.
    ffmpeg.status().expect("ffmpeg, which this test needs, is not installed");
}

/// The interpreter that has Pillow.
fn python() -> Option<PathBuf> {
    // Cargo's folder holds `debug/deps/` and this program.
    let installed = || Some(env::current_exe().ok()?.ancestors().nth(3)?.join("python/bin/python"));
    let python = env::var_os("LENSCAST_PYTHON").map(PathBuf::from).or_else(installed)?;
    let has = Command::new(&python).args(["-c", "import PIL"]).stderr(Stdio::null()).status();
    has.is_ok_and(|status| status.success()).then_some(python)
}
