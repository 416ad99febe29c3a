//! Small libraries in C that are loaded before the C library (`LD_PRELOAD`). The C compiler that links Rust programs compiles
//! them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles `tests/it/support/<name>/shim.c` and returns the path of the library.
pub fn compile(name: &str) -> PathBuf {
    let shim = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.so"));
    // Two test programs may run at once, so the library is written beside its place and renamed.
    let beside = shim.with_extension(format!("so.{}", std::process::id()));
    let source = format!("{}/tests/it/support/{name}/shim.c", env!("CARGO_MANIFEST_DIR"));
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&beside).arg(&source).arg("-ldl");
    assert!(compiler.status().expect("a C compiler (cc)").success(), "{source} does not compile");
    #[expect(clippy::disallowed_methods, reason = "files of the tests are not to be durable")]
    std::fs::rename(&beside, &shim).expect("renamed");
    shim
}
