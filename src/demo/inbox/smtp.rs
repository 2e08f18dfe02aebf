//! The part of an SMTP receiver (RFC 5321) that a client on the same machine needs.

use super::Mailbox;
use super::message::ReceivedMail;
use crate::clock::Clock;
use std::io;
use std::net::TcpListener as StdListener;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

/// Takes mail until the task ends.
pub(super) async fn serve(listener: StdListener, mailbox: Rc<Mailbox>, clock: Clock) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    // Each connection holds one reference, so that the references count the connections.
    let connections = Rc::new(());
    loop {
        match listener.accept().await {
            Ok((stream, _)) if Rc::strong_count(&connections) <= MAX_CONNECTIONS => {
                let counted = Rc::clone(&connections);
                let (mailbox, clock) = (Rc::clone(&mailbox), clock.clone());
                spawn_local(async move {
                    // A client that breaks off has delivered nothing.
                    let _ = serve_connection(stream, &mailbox, &clock).await;
                    drop(counted);
                });
            }
            Ok((stream, _)) => drop(stream),
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve_connection(
    mut stream: TcpStream,
    mailbox: &Mailbox,
    clock: &Clock,
) -> io::Result<()> {
    let (input, mut output) = stream.split();
    let mut input = BufReader::new(input);
    let mut to = None;
    reply(&mut output, "220 demo.localhost takes mail").await?;
    loop {
        let line = read_line(&mut input).await?;
        let answer = match command(&line, &mut to) {
            SmtpStep::Answer(answer) => answer,
            SmtpStep::Data(recipients) => {
                reply(&mut output, "354 go ahead, end with a dot").await?;
                match read_data(&mut input).await? {
                    Some(raw) => {
                        mailbox.put(ReceivedMail::read(&raw, recipients, clock.now()));
                        "250 taken"
                    }
                    None => "552 that is too long",
                }
            }
            SmtpStep::Quit => return reply(&mut output, "221 bye").await,
        };
        reply(&mut output, answer).await?;
    }
}

enum SmtpStep {
    Answer(&'static str),
    Data(Vec<String>),
    Quit,
}

/// Handles one command. `to` holds the recipients between `MAIL` and `DATA`.
fn command(line: &str, to: &mut Option<Vec<String>>) -> SmtpStep {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    SmtpStep::Answer(match (verb.to_ascii_uppercase().as_str(), to.as_mut()) {
        // RFC 5321 §4.1.4: a greeting drops the mail that was begun.
        ("EHLO", _) => {
            *to = None;
            "250-demo.localhost\r\n250-8BITMIME\r\n250 SMTPUTF8"
        }
        ("HELO", _) => {
            *to = None;
            "250 demo.localhost"
        }
        ("MAIL", None) if prefixed(rest, "FROM:").is_some() => {
            *to = Some(Vec::new());
            "250 ok"
        }
        // RFC 5321 §4.5.3.1.10.
        ("RCPT", Some(recipients)) if recipients.len() >= MAX_RECIPIENTS => "452 too many",
        ("RCPT", Some(recipients)) => match prefixed(rest, "TO:") {
            Some(address) => {
                recipients.push(address);
                "250 ok"
            }
            None => "501 RCPT TO:<address>",
        },
        ("DATA", Some(recipients)) if !recipients.is_empty() => {
            let recipients = std::mem::take(recipients);
            *to = None;
            return SmtpStep::Data(recipients);
        }
        ("MAIL" | "RCPT" | "DATA", _) => "503 not now",
        ("RSET", _) => {
            *to = None;
            "250 ok"
        }
        ("NOOP", _) => "250 ok",
        // RFC 5321 §3.5.3.
        ("VRFY", _) => "252 cannot verify, but takes the mail",
        ("QUIT", _) => return SmtpStep::Quit,
        _ => "502 not known here",
    })
}

/// The address in `FROM:<a@b> PARAMETERS`.
fn prefixed(rest: &str, prefix: &str) -> Option<String> {
    let (head, tail) = rest.split_at_checked(prefix.len())?;
    let address = tail.trim_start().strip_prefix('<')?.split_once('>')?.0;
    head.eq_ignore_ascii_case(prefix)
        .then(|| address.to_owned())
}

async fn read_line(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut line = Vec::new();
    let mut limited = input.take(MAX_LINE);
    timeout(TIMEOUT, limited.read_until(b'\n', &mut line)).await??;
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(String::from_utf8_lossy(&line)
        .trim_end_matches('\r')
        .to_owned())
}

/// Reads a mail up to its lone dot; `None` if it is longer than `MAX_MAIL`.
async fn read_data(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut raw = Vec::new();
    let mut too_long = false;
    timeout(TIMEOUT, async {
        loop {
            let mut line = Vec::new();
            let mut limited = (&mut *input).take(MAX_LINE);
            limited.read_until(b'\n', &mut line).await?;
            if !line.ends_with(b"\n") {
                return Err(io::ErrorKind::InvalidData.into());
            }
            // A relay must not take a lone LF for the end (RFC 5321 §4.1.1.4): mails are smuggled
            // by it. This receiver passes nothing on.
            if line == b".\r\n" || line == b".\n" {
                return Ok((!too_long).then_some(raw));
            }
            // RFC 5321 §4.5.2: a leading dot was doubled by the sender.
            let text = line.strip_prefix(b".").unwrap_or(&line);
            // Read to its end all the same: the rest would be taken for commands.
            too_long |= raw.len() + text.len() > MAX_MAIL;
            if !too_long {
                raw.extend_from_slice(text);
            }
        }
    })
    .await?
}

async fn reply(output: &mut (impl AsyncWrite + Unpin), line: &str) -> io::Result<()> {
    timeout(TIMEOUT, async {
        output.write_all(line.as_bytes()).await?;
        output.write_all(b"\r\n").await
    })
    .await?
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const MAX_LINE: u64 = 4_096;
const MAX_MAIL: usize = 256 * 1024;
const MAX_CONNECTIONS: usize = 32;
const MAX_RECIPIENTS: usize = 20;
const TIMEOUT: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(lines: &[&str]) -> Vec<String> {
        let mut to = None;
        lines
            .iter()
            .map(|line| match command(line, &mut to) {
                SmtpStep::Answer(answer) => answer.chars().take(3).collect(),
                SmtpStep::Data(recipients) => format!("354 {}", recipients.join(" ")),
                SmtpStep::Quit => "221".to_owned(),
            })
            .collect()
    }

    #[test]
    fn a_mail_needs_a_sender_and_a_recipient_first() {
        assert_eq!(
            answers(&[
                "DATA",
                "ehlo me",
                "RCPT TO:<a@x>",
                "MAIL FROM:<b@x> BODY=8BITMIME",
                "DATA",
                "rcpt to:<a@x>",
                "data",
                "DATA",
                "QUIT"
            ]),
            [
                "503", "250", "503", "250", "503", "250", "354 a@x", "503", "221"
            ]
        );
    }

    #[test]
    fn broken_addresses_are_refused() {
        assert_eq!(
            answers(&[
                "MAIL FROM:b@x",
                "MAIL FROM:<b@x>",
                "RCPT TÖ:<a@x>",
                "RCPT",
                "XYZZY"
            ]),
            ["503", "250", "501", "501", "502"]
        );
    }

    #[tokio::test]
    async fn doubled_dots_are_undone_and_long_mails_refused() {
        let mut mail = BufReader::new(&b"..a\r\nb\r\n.\r\n"[..]);
        assert_eq!(read_data(&mut mail).await.unwrap().unwrap(), b".a\r\nb\r\n");
        let long = [b"x".repeat(1_000), b"\r\n".to_vec()].concat().repeat(300);
        let long = [long, b".\r\n".to_vec()].concat();
        assert!(
            read_data(&mut BufReader::new(&long[..]))
                .await
                .unwrap()
                .is_none()
        );
    }
}
