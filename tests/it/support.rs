//! Runs the program the way a user does.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A call of the program, to be completed and run.
#[must_use]
pub(crate) struct Run {
    args: Vec<String>,
    dir: Option<PathBuf>,
    stdin: Vec<u8>,
}

/// What a call left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    /// What it answered.
    pub(crate) stdout: String,
    /// What it remarked.
    pub(crate) stderr: String,
    /// Its exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
}

impl Run {
    /// `rollcast` with these arguments, without input, in the root of the repository.
    pub(crate) fn new<S: Into<String>>(args: impl IntoIterator<Item = S>) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { args, dir: None, stdin: Vec::new() }
    }

    /// In this directory.
    pub(crate) fn in_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// With this input.
    pub(crate) fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.stdin = input.into();
        self
    }

    /// Runs it to its end. Neither colours nor the width of a terminal show in the result.
    pub(crate) fn run(self) -> Finished {
        let root = env!("CARGO_MANIFEST_DIR");
        let mut child = Command::new(env!("CARGO_BIN_EXE_rollcast"))
            .args(&self.args)
            .current_dir(self.dir.unwrap_or_else(|| root.into()))
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // In a thread of its own: a program that answers before it has read everything would
        // otherwise wait for us, and we for it. It may also end without reading; so be it.
        let mut pipe = child.stdin.take().expect("stdin is piped");
        let writer = std::thread::spawn(move || drop(pipe.write_all(&self.stdin)));
        let output = child.wait_with_output().expect("the program ends");
        writer.join().expect("the input was offered");
        Finished {
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
            code: output.status.code(),
        }
    }
}

#[test]
fn runs_end_with_a_code_and_take_input() {
    let dir = tempfile::tempdir().unwrap();
    let run = Run::new(["--version"]).in_dir(dir.path()).stdin(vec![b'x'; 1 << 20]).run();
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
}
