//! The files of an audit log: rotated, compressed, or standard input, each with its chain.

use super::tally::Tally;
use crate::audit::{Report, read_log};
use crate::cli::error::CliError;
use crate::cli::output::Output;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What reading one file showed.
pub(super) struct FileRead {
    pub(super) name: String,
    pub(super) chain: Report,
    /// Lines that are none of an audit log; the first few by number.
    pub(super) broken: u64,
    pub(super) broken_lines: Vec<u64>,
    /// How the chain stands to that of the file before.
    pub(super) joint: Joint,
}

/// How the chain of a file stands to that of the file before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    /// It begins one.
    Begins,
    /// It goes on where the other ended.
    Continues,
    /// It continues a file that was not read, or one that was changed.
    Elsewhere,
}

/// Reads the files, in the order in which they were written.
pub(super) fn read(paths: &[PathBuf], tally: &mut Tally) -> Result<Vec<FileRead>, CliError> {
    let mut paths = paths.to_vec();
    // A shell sorts `audit.log`, `audit.log.1`, `audit.log.2.gz`: the newest first.
    let mut begun = Vec::new();
    for path in paths.drain(..) {
        begun.push((begins(&path)?, path));
    }
    begun.sort();
    let mut progress = Progress::new(begun.iter().map(|(_, path)| path.as_path()));
    let mut read = Vec::<FileRead>::new();
    for (_, path) in begun {
        let name = path.display().to_string();
        let failed = CliError::io(format!("cannot read `{name}`"));
        // `prev` of the first line is the hash of the last line of the file before.
        let before = read.last().and_then(|file| file.chain.head.clone());
        let file = open(&path).and_then(|log| one(name, log, tally, &mut progress));
        let mut file = file.map_err(failed)?;
        file.joint = match (&file.chain.continues, before) {
            (None, _) => Joint::Begins,
            (Some(continues), Some(before)) if *continues == before => Joint::Continues,
            (Some(_), _) => Joint::Elsewhere,
        };
        read.push(file);
    }
    progress.clear();
    Ok(read)
}

fn one(
    name: String,
    log: impl BufRead,
    tally: &mut Tally,
    progress: &mut Progress,
) -> io::Result<FileRead> {
    let (mut broken, mut broken_lines) = (0, Vec::new());
    let chain = read_log(log, |line| {
        if !tally.line(line.text) {
            broken += 1;
            if broken_lines.len() < SHOWN {
                broken_lines.push(line.number);
            }
        }
        progress.lines(line.number, &name);
        ControlFlow::Continue(())
    })?;
    Ok(FileRead {
        name,
        chain,
        broken,
        broken_lines,
        joint: Joint::Begins,
    })
}

/// When a file begins: the time of its first line. Standard input comes last.
fn begins(path: &Path) -> Result<String, CliError> {
    #[derive(Deserialize)]
    struct FirstLine {
        time: String,
    }
    if path == Path::new("-") {
        return Ok("~".to_owned());
    }
    let first = open(path).and_then(|log| {
        let mut line = Vec::new();
        log.take(FIRST).read_until(b'\n', &mut line)?;
        Ok(line)
    });
    let first = first.map_err(CliError::io(format!("cannot read `{}`", path.display())))?;
    let line = serde_json::from_slice::<FirstLine>(&first);
    Ok(line.map(|line| line.time).unwrap_or_default())
}

/// Opens a log, unpacking what `logrotate` has packed.
fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let mut file = File::open(path)?;
    let mut magic = [0; 2];
    let packed = file.read(&mut magic)? == 2 && magic == GZIP;
    file.rewind()?;
    Ok(if packed {
        Box::new(BufReader::new(MultiGzDecoder::new(BufReader::new(file))))
    } else {
        Box::new(BufReader::with_capacity(BUFFER, file))
    })
}

/// What a terminal is told while it waits.
struct Progress {
    out: Output,
    told: Instant,
    bytes: u64,
}

impl Progress {
    fn new<'p>(paths: impl Iterator<Item = &'p Path>) -> Self {
        let sizes = paths.filter_map(|path| std::fs::metadata(path).ok());
        Self {
            out: Output::stderr(),
            told: Instant::now(),
            bytes: sizes.map(|file| file.len()).sum(),
        }
    }

    fn lines(&mut self, number: u64, name: &str) {
        // Looking at the clock for each line would take longer than reading it.
        if !number.is_multiple_of(10_000) || !self.out.is_terminal() {
            return;
        }
        if self.told.elapsed() > PAUSE {
            self.told = Instant::now();
            let size = self.bytes / (1 << 20);
            // Whether it can be shown does not matter to the report.
            let _ = write!(
                self.out,
                "\r\x1b[K{name}: line {number} (of {size} MiB in all)"
            );
        }
    }

    fn clear(&mut self) {
        if self.out.is_terminal() {
            let _ = write!(self.out, "\r\x1b[K");
        }
    }
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
const BUFFER: usize = 256 * 1024;
/// More than a first line has.
const FIRST: u64 = 64 * 1024;
/// How many broken lines are named.
const SHOWN: usize = 5;
const PAUSE: Duration = Duration::from_millis(200);
