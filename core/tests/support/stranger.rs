//! A host that nobody should call: it writes down whatever it hears and never answers.

use std::{
    io::Read,
    net::{Ipv4Addr, TcpListener},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

pub(crate) struct Stranger {
    port: u16,
    calls: Arc<AtomicUsize>,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Stranger {
    pub(crate) fn listening() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (calls, heard) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (counted, written) = (calls.clone(), heard.clone());
        // Ends with the test process; nothing waits for it.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
                let mut text = Vec::new();
                let _ = stream.take(64 * 1024).read_to_end(&mut text);
                written.lock().unwrap_or_else(PoisonError::into_inner).extend(text);
            }
        });
        Self { port, calls, heard }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// An address of this host, with a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// How many connections were made to this host. Every one counts as soon as it is accepted.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// What was heard so far.
    pub(crate) fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails when anybody has called.
    pub(crate) fn heard_nothing(&self, about: &str) {
        let heard = self.heard();
        assert_eq!(self.calls(), 0, "{about}: a foreign host was called: {}", String::from_utf8_lossy(&heard));
    }
}
