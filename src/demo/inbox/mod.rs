//! The demo's inbox: takes every mail, keeps the last ones and shows them on a page.

mod message;
mod smtp;

use super::background::Background;
use super::web::{self, AppRequest, AppResponse, WebApp};
use crate::clock::Clock;
use askama::Template;
use http::{Method, StatusCode};
use message::ReceivedMail;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

/// The inbox, running until it is dropped.
#[derive(Debug)]
pub struct Inbox {
    smtp: SocketAddr,
    http: SocketAddr,
    _service: Background,
}

impl Inbox {
    /// Starts a mail receiver on any loopback port, and the page that shows what came on `listen`.
    pub fn start(listen: SocketAddr, clock: Clock) -> io::Result<Self> {
        // Loopback alone: it takes mail from anyone.
        let mail = web::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let pages = web::listen(listen)?;
        let (smtp, http) = (mail.local_addr()?, pages.local_addr()?);
        let service = Background::start("demo-inbox", move || async move {
            let mailbox = Rc::new(Mailbox::default());
            tokio::join!(
                smtp::serve(mail, Rc::clone(&mailbox), clock),
                web::serve(pages, Pages(mailbox)),
            );
        })?;
        Ok(Self {
            smtp,
            http,
            _service: service,
        })
    }

    /// Where mail is taken: SMTP without TLS or a login, on loopback.
    pub fn smtp_addr(&self) -> SocketAddr {
        self.smtp
    }

    /// Where mail is shown: `/` for people, `/messages.json` for programs.
    pub fn http_addr(&self) -> SocketAddr {
        self.http
    }
}

/// The last messages, newest first.
#[derive(Default)]
struct Mailbox(RefCell<VecDeque<ReceivedMail>>);

impl Mailbox {
    fn put(&self, message: ReceivedMail) {
        let mut messages = self.0.borrow_mut();
        messages.push_front(message);
        messages.truncate(MAX_MESSAGES);
    }
}

struct Pages(Rc<Mailbox>);

impl WebApp for Pages {
    fn answer(&self, request: &AppRequest) -> AppResponse {
        let messages = self.0.0.borrow();
        match (&request.method, request.path.as_str()) {
            (&Method::GET, "/") => {
                let page = InboxPage {
                    newest: messages.front().and_then(|newest| newest.code.as_deref()),
                    messages: messages.iter().collect(),
                };
                web::page(StatusCode::OK, &page)
            }
            (&Method::GET, "/messages.json") => {
                let messages: Vec<_> = messages.iter().map(ReceivedMail::to_json).collect();
                web::json(StatusCode::OK, &messages.into())
            }
            (&Method::GET, "/style.css") => web::style(),
            _ => web::content(StatusCode::NOT_FOUND, "text/plain", "not found"),
        }
    }
}

#[derive(Template)]
#[template(path = "demo/inbox/inbox.html")]
struct InboxPage<'a> {
    /// The code in the newest mail, for the window's title.
    newest: Option<&'a str>,
    messages: Vec<&'a ReceivedMail>,
}

const MAX_MESSAGES: usize = 50;
