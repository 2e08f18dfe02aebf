//! A Redis that answers in pieces, out of turn, or with what is no answer at all.

use super::support::{Redis, TestStore, at_once, id, in_runtime, is_unavailable};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use stepgate::domain::Subject;
use stepgate::store::{RedisOptions, StoreOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// What is done to the replies on their way.
#[derive(Clone, Debug, Default)]
enum Fault {
    #[default]
    None,
    /// Said before the next reply, once.
    Insert(Vec<u8>),
    /// Each byte in a packet of its own.
    Trickle,
}

/// Stands between a store and its Redis.
#[derive(Default)]
struct Relay {
    fault: RefCell<Fault>,
    /// How many connections there were.
    connections: Cell<usize>,
    connected: Notify,
    /// Says something without being asked.
    blurt: Notify,
}

impl Relay {
    async fn start(redis: &Redis) -> (Rc<Self>, RedisOptions) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let socket = redis.url().strip_prefix("unix:").unwrap().to_owned();
        let relay = Rc::new(Self::default());
        let this = Rc::clone(&relay);
        spawn_local(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&socket).await.unwrap();
                this.connections.set(this.connections.get() + 1);
                this.connected.notify_one();
                let this = Rc::clone(&this);
                spawn_local(async move { this.pass(client, server).await });
            }
        });
        let options = RedisOptions {
            url,
            ..redis.options()
        };
        (relay, options)
    }

    async fn pass(&self, mut client: TcpStream, mut server: UnixStream) {
        client.set_nodelay(true).unwrap();
        let (mut commands, mut replies) = ([0; 4096], [0; 4096]);
        loop {
            tokio::select! {
                read = client.read(&mut commands) => match read {
                    Ok(0) | Err(_) => return,
                    Ok(read) => server.write_all(&commands[..read]).await.unwrap(),
                },
                read = server.read(&mut replies) => match read {
                    Ok(0) | Err(_) => return,
                    Ok(read) => if self.answer(&replies[..read], &mut client).await.is_err() {
                        return;
                    },
                },
                () = self.blurt.notified() => client.write_all(b"+OK\r\n").await.unwrap(),
            }
        }
    }

    async fn answer(&self, replies: &[u8], client: &mut TcpStream) -> std::io::Result<()> {
        let fault = self.fault.borrow().clone();
        match fault {
            Fault::None => {}
            Fault::Insert(bytes) => {
                self.fault.take();
                client.write_all(&bytes).await?;
            }
            Fault::Trickle => {
                for byte in replies {
                    client.write_all(&[*byte]).await?;
                    tokio::task::yield_now().await;
                }
                return Ok(());
            }
        }
        client.write_all(replies).await
    }

    /// Waits until the store has connected `times` times.
    async fn connected(&self, times: usize) {
        let waiting = async {
            while self.connections.get() < times {
                self.connected.notified().await;
            }
        };
        timeout(PATIENCE, waiting).await.expect("it connects again");
    }
}

/// Everybody asks for their own session; tells how many were answered, and rightly.
async fn everybody_asks(store: &Rc<TestStore>, times: usize) -> usize {
    let store = Rc::clone(store);
    let asking = at_once(times, async move |number| {
        let number = u8::try_from(number % 20).unwrap();
        (number, store.ask(id(number), &[]).await)
    });
    let mut answered = 0;
    for (number, outcome) in timeout(PATIENCE, asking).await.expect("nobody waits on") {
        if let Ok(held) = outcome {
            let session = held.session.expect("a session that is there");
            let subject = session.owner.subject().map(Subject::as_str);
            assert_eq!(subject, Some(&*format!("subject{number}")));
            answered += 1;
        }
    }
    answered
}

#[test]
fn answers_that_trickle_in_are_read_the_same() {
    let redis = Redis::start(&[]);
    in_runtime(async || {
        let (relay, options) = Relay::start(&redis).await;
        *relay.fault.borrow_mut() = Fault::Trickle;
        let store = Rc::new(TestStore::open(&StoreOptions::Redis(options)));
        store.log_in_twenty().await;
        assert_eq!(everybody_asks(&store, 100).await, 100);
        let all = store.sessions(None, 100).await.unwrap();
        assert_eq!(all.len(), 20);
        assert_eq!(relay.connections.get(), 1);
    });
}

#[test]
fn what_is_no_answer_is_never_evidence() {
    let redis = Redis::start(&[]);
    in_runtime(async || {
        let (relay, options) = Relay::start(&redis).await;
        let store = Rc::new(TestStore::open(&StoreOptions::Redis(options)));
        store.log_in_twenty().await;
        for bytes in [
            "?",
            "$-1\r\n",
            "+OK\r\n",
            ":1\r\n",
            "-ERR no\r\n",
            "*3\r\n$-1\r\n$-1\r\n$-1\r",
            "$1\r\nab\r\n",
            "$99999999999\r\n",
            ":99999999999999999999\r\n",
            "%1\r\n",
            "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
        ] {
            let before = relay.connections.get();
            *relay.fault.borrow_mut() = Fault::Insert(bytes.into());
            everybody_asks(&store, 40).await;
            relay.connected(before + 1).await;
            store.recovered().await;
            assert_eq!(everybody_asks(&store, 40).await, 40, "after {bytes:?}");
        }
    });
}

/// A whole answer of somebody else, so that all that follow are shifted by one.
#[test]
fn a_shifted_answer_reaches_nobody() {
    let redis = Redis::start(&[]);
    in_runtime(async || {
        let (relay, options) = Relay::start(&redis).await;
        let store = Rc::new(TestStore::open(&StoreOptions::Redis(options)));
        store.log_in_twenty().await;
        let key = format!("sg:s:{{{}}}", id(7).to_hex());
        let redis::Value::BulkString(record) = redis.command(&["HGET", &key, "s"]) else {
            panic!("the session is there");
        };
        let mut stolen = format!("*3\r\n${}\r\n", record.len()).into_bytes();
        stolen.extend([&record[..], b"\r\n$-1\r\n$-1\r\n"].concat());
        for _ in 0..20 {
            let before = relay.connections.get();
            *relay.fault.borrow_mut() = Fault::Insert(stolen.clone());
            everybody_asks(&store, 40).await;
            relay.connected(before + 1).await;
            store.recovered().await;
        }
    });
}

#[test]
fn a_server_that_speaks_without_being_asked_is_left() {
    let redis = Redis::start(&[]);
    in_runtime(async || {
        let (relay, options) = Relay::start(&redis).await;
        let store = Rc::new(TestStore::open(&StoreOptions::Redis(options)));
        store.log_in_twenty().await;
        relay.blurt.notify_one();
        relay.connected(2).await;
        store.recovered().await;
        assert_eq!(everybody_asks(&store, 40).await, 40);
    });
}

#[test]
fn a_server_that_does_not_read_keeps_so_many_waiting_and_no_more() {
    const MOST: usize = 16_384;
    let redis = Redis::start(&[]);
    in_runtime(async || {
        let store = Rc::new(TestStore::open(&StoreOptions::Redis(redis.options())));
        store.log_in_twenty().await;
        redis.pause();
        let (refused, told) = (Rc::new(Cell::new(0)), Rc::new(Notify::new()));
        let asking = (Rc::clone(&store), Rc::clone(&refused), Rc::clone(&told));
        let answers = spawn_local(at_once(MOST + 100, async move |_| {
            let (store, refused, told) = &asking;
            let outcome = store.ask(id(1), &[]).await;
            if is_unavailable(&outcome) {
                refused.set(refused.get() + 1);
                told.notify_one();
            }
            outcome.is_ok()
        }));
        while refused.get() < 100 {
            timeout(PATIENCE, told.notified())
                .await
                .expect("told at once");
        }
        redis.resume();
        let answered = answers
            .await
            .unwrap()
            .into_iter()
            .filter(|answered| *answered);
        assert_eq!(answered.count(), MOST);
        assert_eq!(refused.get(), 100);
    });
}
