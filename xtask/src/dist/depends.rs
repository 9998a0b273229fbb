//! What a program needs of a Debian system: packages and their versions, by the libraries and versioned symbols it names.

use crate::Result;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Which release of GCC brought a version of libstdc++'s symbols: what the number after `GLIBCXX_3.4.` is at most, and the
/// release. From the ABI policy in libstdc++'s manual.
const LIBSTDCXX: [(u32, &str); 12] = [
    (21, "5"),
    (22, "6"),
    (24, "7"),
    (25, "8"),
    (28, "9.3"),
    (29, "11"),
    (30, "12"),
    (31, "13"),
    (32, "13.2"),
    (33, "14"),
    (34, "15"),
    (35, "16"),
];

/// The field `Depends` for this program.
///
/// # Errors
/// There is no readelf; the program needs a library of which this does not know the package.
pub(crate) fn of(program: &Path) -> Result<String> {
    let mut readelf = Command::new("readelf");
    let output =
        readelf.args(["--wide", "--dynamic", "--version-info"]).arg(program).env("LC_ALL", "C").output();
    let output = output.map_err(|error| format!("readelf (of binutils) could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("readelf: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    from_readelf(&String::from_utf8_lossy(&output.stdout))
}

/// A version of symbols, compared number by number.
type Version = Vec<u32>;

fn from_readelf(output: &str) -> Result<String> {
    let mut packages: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for library in output.lines().filter_map(|line| after(line, "Shared library: [")?.strip_suffix(']')) {
        packages.insert(package(library)?, None);
    }
    for (package, version) in &mut packages {
        *version = match *package {
            "libc6" => newest(output, "GLIBC_").map(|version| dotted(&version)),
            "libgcc-s1" => newest(output, "GCC_").map(|version| dotted(without_zeros(&version))),
            "libstdc++6" => newest(output, "GLIBCXX_").map(|version| release_of_gcc(&version)).transpose()?,
            _ => None,
        };
    }
    let one = |(package, version): (&str, Option<String>)| match version {
        Some(version) => format!("{package} (>= {version})"),
        None => package.to_owned(),
    };
    Ok(packages.into_iter().map(one).collect::<Vec<_>>().join(", "))
}

fn package(library: &str) -> Result<&'static str> {
    let (name, _) = library.split_once(".so").unwrap_or((library, ""));
    match name {
        "libgcc_s" => Ok("libgcc-s1"),
        "libstdc++" => Ok("libstdc++6"),
        "libatomic" => Ok("libatomic1"),
        "libc" | "libm" | "libdl" | "libpthread" | "librt" => Ok("libc6"),
        loader if loader.starts_with("ld-linux") => Ok("libc6"),
        _ => Err(format!("the program needs {library}: add its Debian package to xtask/src/dist/depends.rs")
            .into()),
    }
}

/// The newest version that is needed of symbols with this prefix, such as `GLIBC_`.
fn newest(output: &str, prefix: &str) -> Option<Version> {
    let names = output.lines().filter_map(|line| after(line, "Name: ")?.split_whitespace().next());
    // `GLIBC_PRIVATE` and `GLIBC_ABI_DT_RELR` are no numbers.
    let numbers = |name: &str| name.strip_prefix(prefix)?.split('.').map(|part| part.parse().ok()).collect();
    names.filter_map(numbers).max()
}

fn release_of_gcc(version: &[u32]) -> Result<String> {
    let patch = version.get(2).copied().unwrap_or(0);
    let release = LIBSTDCXX.iter().find(|(last, _)| patch <= *last).map(|(_, release)| (*release).to_owned());
    release.ok_or_else(|| {
        format!("GLIBCXX_{} is newer than the table in xtask/src/dist/depends.rs", dotted(version)).into()
    })
}

/// `4.2` for `4.2.0`: Debian takes the first for older.
fn without_zeros(version: &[u32]) -> &[u32] {
    let length = version.iter().rposition(|number| *number != 0).map_or(0, |last| last + 1);
    &version[..length]
}

fn dotted(version: &[u32]) -> String {
    version.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

fn after<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.split_once(mark).map(|(_, rest)| rest.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::find;
    use std::fs;

    #[test]
    fn the_newest_symbol_of_each_library_counts() {
        let output = "\
 0x0000000000000001 (NEEDED)             Shared library: [libstdc++.so.6]
 0x0000000000000001 (NEEDED)             Shared library: [libm.so.6]
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
 0x0000000000000001 (NEEDED)             Shared library: [ld-linux-x86-64.so.2]
  000000: Version: 1  File: libstdc++.so.6  Cnt: 2
  0x0010:   Name: CXXABI_1.3  Flags: none  Version: 12
  0x0020:   Name: GLIBCXX_3.4.29  Flags: none  Version: 11
  0x0020:   Name: GLIBCXX_3.4  Flags: none  Version: 11
  0x0060: Version: 1  File: libc.so.6  Cnt: 2
  0x0070:   Name: GLIBC_2.9  Flags: none  Version: 10
  0x0080:   Name: GLIBC_2.34  Flags: none  Version: 9
  0x0080:   Name: GLIBC_2.2.5  Flags: none  Version: 9
  0x0080:   Name: GLIBC_ABI_DT_RELR  Flags: none  Version: 9
";
        assert_eq!(from_readelf(output).unwrap(), "libc6 (>= 2.34), libstdc++6 (>= 11)");
        assert_eq!(from_readelf("").unwrap(), "");
    }

    #[test]
    fn a_library_that_nobody_packed_is_named() {
        let error = from_readelf(" (NEEDED)  Shared library: [libx264.so.164]\n").unwrap_err().to_string();
        assert!(error.starts_with("the program needs libx264.so.164"), "{error}");
        assert!(release_of_gcc(&[3, 4, 999]).is_err());
    }

    #[test]
    fn debians_own_tool_says_the_same_of_this_program() {
        let program = std::env::current_exe().unwrap();
        let ours = of(&program).unwrap();
        if find("dpkg-shlibdeps").is_none() {
            println!("SKIPPED: there is no dpkg-shlibdeps (Debian's package dpkg-dev)");
            return;
        }
        let folder = crate::dist::tests::Folder::new("depends");
        fs::create_dir(folder.join("debian")).unwrap();
        fs::write(folder.join("debian/control"), "Source: x\n\nPackage: x\nArchitecture: any\n").unwrap();
        let theirs =
            Command::new("dpkg-shlibdeps").arg("-O").arg(&program).current_dir(&*folder).output().unwrap();
        let theirs = String::from_utf8(theirs.stdout).unwrap();
        let theirs = theirs.trim().strip_prefix("shlibs:Depends=").unwrap_or_else(|| panic!("{theirs:?}"));
        assert_eq!(ours, theirs);
    }
}
