//! The real parsers, asked in bulk: each language is one program that is started once.
//!
//! A question is a line: `cookies`, `path`, `query` or `form`, the name that is looked up, the text to
//! read and what it comes with (a target for cookies, a content type for a form), in hexadecimal. An answer is a line as well: for each
//! parser its name, a colon, and the values that it sees at the name, in hexadecimal between commas.
//! The first is the one that a look-up of a single value gives; `-` stands for none, `!` for a
//! parser that refuses the text, as a server would.

mod php;

use php::Php;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One `Cookie` line, for a cookie.
    Cookies,
    /// A request target, for the path or route that it means.
    Path,
    /// A query, for a parameter.
    Query,
    /// A body, for a field.
    Form,
}

/// One question to all parsers.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) kind: Kind,
    /// What is looked up; of no meaning for paths.
    pub(crate) name: Vec<u8>,
    pub(crate) text: Vec<u8>,
    /// The target of the request that cookies come with, or the content type of a form.
    pub(crate) with: Vec<u8>,
}

/// What one parser sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `python/django`.
    pub(crate) parser: String,
    /// It refuses the text.
    pub(crate) refuses: bool,
    /// The value that a look-up of a single one gives.
    pub(crate) first: Option<Vec<u8>>,
    /// All values: the first, and what a look-up of several gives besides.
    pub(crate) all: Vec<Vec<u8>>,
}

/// All parsers of this machine.
#[derive(Debug)]
pub(crate) struct Readers {
    all: Vec<Box<dyn Reader>>,
    /// What they are, a line for each program.
    pub(crate) versions: Vec<String>,
}

trait Reader: std::fmt::Debug + Send {
    fn ask(&mut self, asks: &[Ask]) -> Vec<Vec<Seen>>;
}

impl Readers {
    /// Those that other tests of this process have running, or new ones.
    pub(crate) fn shared() -> Arc<Mutex<Self>> {
        static SHARED: Mutex<Weak<Mutex<Readers>>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Mutex::new(Self::start()));
            *shared = Arc::downgrade(&started);
            started
        })
    }

    fn start() -> Self {
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        let programs = top.join("tests/differential/readers");
        let place = top.join("target/differential");
        let installed = Command::new(programs.join("install")).status();
        assert!(
            installed.is_ok_and(|status| status.success()),
            "tests/differential/readers/install failed: see what it says, and what scripts/test installs"
        );
        // Side by side: each takes a second or two to load its frameworks.
        let starting = commands(&programs, &place)
            .map(|(name, command, packages)| Program::spawn(name, command, packages));
        let mut php = Php::start(&programs, &place);
        let mut versions = vec![php.version()];
        let mut all: Vec<Box<dyn Reader>> = vec![Box::new(php)];
        for mut program in starting {
            versions.push(program.greeting());
            all.push(Box::new(program));
        }
        Self { all, versions }
    }

    /// What every parser answers, question by question.
    pub(crate) fn ask(&mut self, asks: &[Ask]) -> Vec<Vec<Seen>> {
        let mut together = vec![Vec::new(); asks.len()];
        let answers = thread::scope(|scope| {
            let asked = self.all.iter_mut();
            let asked: Vec<_> = asked.map(|it| scope.spawn(|| it.ask(asks))).collect();
            let answers = asked.into_iter().map(|it| it.join().expect("a reader"));
            answers.collect::<Vec<_>>()
        });
        for answer in answers {
            for (all, seen) in together.iter_mut().zip(answer) {
                all.extend(seen);
            }
        }
        together
    }
}

/// The programs, and the Debian packages that each wants.
fn commands(programs: &Path, place: &Path) -> [(&'static str, Command, &'static str); 4] {
    let jars = [
        "tomcat10-embed-core",
        "jetty9-server",
        "jetty9-http",
        "jetty9-io",
        "jetty9-util",
        "servlet-api",
    ];
    let jars = jars.map(|jar| format!("/usr/share/java/{jar}.jar"));
    let jars = jars.join(":");
    let command = |program: PathBuf, arguments: &[&Path]| {
        let mut command = Command::new(program);
        command.args(arguments);
        command
    };
    [
        (
            "python",
            command(
                place.join("python/bin/python"),
                &[&programs.join("python.py")],
            ),
            "python3-venv",
        ),
        (
            "node",
            command(
                "node".into(),
                &[
                    Path::new("--no-deprecation"),
                    &programs.join("node.mjs"),
                    &place.join("node"),
                ],
            ),
            "nodejs npm",
        ),
        (
            "ruby",
            command("ruby".into(), &[&programs.join("rack.rb")]),
            "ruby ruby-actionpack ruby-sinatra ruby-webrick",
        ),
        (
            "java",
            command(
                "java".into(),
                &[
                    Path::new("-cp"),
                    Path::new(&jars),
                    &programs.join("Servlets.java"),
                    &place.join("java"),
                ],
            ),
            "default-jdk-headless libtomcat10-embed-java libjetty9-java",
        ),
    ]
}

/// A program that reads questions and writes answers, until its input ends.
#[derive(Debug)]
struct Program {
    name: &'static str,
    packages: &'static str,
    child: Child,
    questions: Option<BufWriter<ChildStdin>>,
    answers: BufReader<ChildStdout>,
}

impl Program {
    fn spawn(name: &'static str, mut command: Command, packages: &'static str) -> Self {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child =
            child.unwrap_or_else(|why| panic!("no {name} ({why}): apt-get install {packages}"));
        let questions = child.stdin.take().map(BufWriter::new);
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Self {
            name,
            packages,
            child,
            questions,
            answers,
        }
    }

    /// Its first line: what it is made of.
    fn greeting(&mut self) -> String {
        let line = self.line();
        line.unwrap_or_else(|| {
            let Self { name, packages, .. } = self;
            panic!("the reader in {name} does not start: apt-get install {packages}")
        })
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.answers.read_line(&mut line).ok()?;
        (length > 0).then(|| line.trim_end_matches('\n').to_owned())
    }
}

impl Reader for Program {
    fn ask(&mut self, asks: &[Ask]) -> Vec<Vec<Seen>> {
        let mut questions = self.questions.take().expect("one batch at a time");
        let lines = thread::scope(|scope| {
            let writing = scope.spawn(move || {
                for ask in asks {
                    writeln!(questions, "{}", ask.line()).expect("a reader that reads");
                }
                questions.flush().expect("a reader that reads");
                questions
            });
            let lines: Vec<_> = asks.iter().map_while(|_| self.line()).collect();
            self.questions = writing.join().ok();
            lines
        });
        let ended = asks.get(lines.len()).map(Ask::line);
        assert!(ended.is_none(), "{} ended at {ended:?}", self.name);
        let answers = lines.iter().map(|line| read_answer(self.name, line));
        answers.collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}

impl Ask {
    fn line(&self) -> String {
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        let (name, text) = (hex(&self.name), hex(&self.text));
        match self.kind {
            Kind::Cookies => format!("cookies {name} {text} {}", hex(&self.with)),
            Kind::Path => format!("path {text}"),
            Kind::Query => format!("query {name} {text}"),
            Kind::Form => format!("form {name} {text} {}", hex(&self.with)),
        }
    }
}

fn read_answer(program: &str, line: &str) -> Vec<Seen> {
    let parsers = line.split(' ').filter(|said| !said.is_empty());
    let seen = parsers.map(|said| {
        let (parser, values) = said.split_once(':').expect("a parser and a colon");
        let decoded = values.split(',').map(|value| match value {
            "-" | "!" => None,
            hex => Some(
                data_encoding::HEXLOWER
                    .decode(hex.as_bytes())
                    .expect("hexadecimal"),
            ),
        });
        let decoded: Vec<_> = decoded.collect();
        Seen {
            parser: format!("{program}/{parser}"),
            refuses: values == "!",
            first: decoded.first().cloned().flatten(),
            all: decoded.into_iter().flatten().collect(),
        }
    });
    seen.collect()
}

/// The answers to several questions, by parser: one answer for each question.
pub(crate) fn by_parser(answers: &[Vec<Seen>]) -> BTreeMap<&str, Vec<&Seen>> {
    let mut parsers: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
    for seen in answers.iter().flatten() {
        parsers.entry(&seen.parser).or_default().push(seen);
    }
    parsers
}
