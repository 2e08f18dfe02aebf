//! PHP fills `$_COOKIE`, `$_GET` and `$_POST` for web servers only: one `php-cgi`, asked by `FastCGI`.

use super::{Ask, Kind, Reader, Seen, read_answer};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// PHP ends with its standard input, as the other readers do. Its socket has to be descriptor 0, and
/// comes to the shell as 1.
const SHELL: &str = "php-cgi -n -d display_errors=0 <&1 >&2 & exec >&2; read -r _; kill -KILL $!";

/// A `FastCGI` server and one connection to it, on which requests follow each other.
#[derive(Debug)]
pub(super) struct Php {
    shell: Child,
    connection: UnixStream,
    script: String,
}

impl Php {
    pub(super) fn start(programs: &Path, place: &Path) -> Self {
        let socket = place.join(format!("php-{}.socket", std::process::id()));
        let listener = UnixListener::bind(&socket).expect("a socket under target/");
        let shell = Command::new("sh")
            .args(["-c", SHELL])
            .env("PHP_FCGI_MAX_REQUESTS", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::from(OwnedFd::from(listener)))
            .spawn();
        let connection = UnixStream::connect(&socket);
        std::fs::remove_file(&socket).expect("our own socket");
        Self {
            shell: shell.expect("a shell"),
            connection: connection.expect("our own listener"),
            script: programs.join("reader.php").display().to_string(),
        }
    }

    /// What it is.
    pub(super) fn version(&mut self) -> String {
        let version = self.request("versions", &[], b"").ok();
        version.expect("php-cgi does not answer: apt-get install php-cgi")
    }

    fn answer(&mut self, ask: &Ask) -> io::Result<String> {
        let name = data_encoding::HEXLOWER.encode(&ask.name);
        let name = ("ASKED_NAME", name.as_bytes());
        let (text, with) = (&ask.text[..], &ask.with[..]);
        match ask.kind {
            Kind::Cookies => self.request("cookies", &[name, ("HTTP_COOKIE", text)], b""),
            Kind::Path => self.request("path", &[("REQUEST_URI", text)], b""),
            Kind::Query => self.request("query", &[name, ("QUERY_STRING", text)], b""),
            Kind::Form => self.request("form", &[name, ("CONTENT_TYPE", with)], text),
        }
    }

    /// One request and the body of its answer (`FastCGI` 1.0, sections 3 to 6).
    fn request(&mut self, asked: &str, given: &[(&str, &[u8])], body: &[u8]) -> io::Result<String> {
        let length = body.len().to_string();
        let mut params = Vec::new();
        let fixed: [(&str, &[u8]); 4] = [
            ("SCRIPT_FILENAME", self.script.as_bytes()),
            ("REQUEST_METHOD", b"POST"),
            ("CONTENT_LENGTH", length.as_bytes()),
            ("ASKED", asked.as_bytes()),
        ];
        for (name, value) in fixed.iter().chain(given) {
            push_length(&mut params, name.len());
            push_length(&mut params, value.len());
            params.extend(name.as_bytes());
            params.extend(*value);
        }
        let mut message = Vec::new();
        // The role of a responder, on a connection that is kept.
        push_record(&mut message, BEGIN_REQUEST, &[0, 1, 1, 0, 0, 0, 0, 0]);
        push_stream(&mut message, PARAMS, &params);
        push_stream(&mut message, STDIN, body);
        self.connection.write_all(&message)?;
        let mut answer = Vec::new();
        loop {
            let mut head = [0; 8];
            self.connection.read_exact(&mut head)?;
            let [_, kind, _, _, high, low, padding, _] = head;
            let length = usize::from(u16::from_be_bytes([high, low]));
            let mut content = vec![0; length + usize::from(padding)];
            self.connection.read_exact(&mut content)?;
            match kind {
                STDOUT => answer.extend(&content[..length]),
                END_REQUEST => break,
                _ => {}
            }
        }
        let answer = String::from_utf8_lossy(&answer);
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
        Ok(body.unwrap_or_default().to_owned())
    }
}

impl Reader for Php {
    fn ask(&mut self, asks: &[Ask]) -> Vec<Vec<Seen>> {
        let answers = asks.iter().map(|ask| {
            let line = self.answer(ask).expect("php-cgi ends");
            read_answer("php", &line)
        });
        answers.collect()
    }
}

impl Drop for Php {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;

/// A stream: records until it is done, and an empty one that ends it.
fn push_stream(message: &mut Vec<u8>, kind: u8, content: &[u8]) {
    for chunk in content.chunks(usize::from(u16::MAX)) {
        push_record(message, kind, chunk);
    }
    push_record(message, kind, &[]);
}

fn push_record(message: &mut Vec<u8>, kind: u8, content: &[u8]) {
    let length = u16::try_from(content.len()).expect("a chunk");
    message.extend([1, kind, 0, 1]);
    message.extend(length.to_be_bytes());
    message.extend([0, 0]);
    message.extend(content);
}

/// A length of a name or value: one byte, or four with the highest bit set.
fn push_length(params: &mut Vec<u8>, length: usize) {
    if let Ok(short @ ..=127) = u8::try_from(length) {
        params.push(short);
    } else {
        let long = u32::try_from(length).expect("no parameter is that long");
        params.extend((long | 1 << 31).to_be_bytes());
    }
}
