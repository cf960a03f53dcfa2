//! What it takes to watch a program from outside: its whole log, and remote systems in another process.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};

use super::child::{Other, Scene};

/// The log, as the program would write it.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Everything of this program from now on, of every library, at the finest level.
    pub(crate) fn of_everything() -> Self {
        let log = Self::default();
        let writer = log.clone();
        let lines = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        lines.with_writer(move || writer.clone()).init();
        log
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// The simulator in its process, steered without any HTTP library.
pub(crate) struct Remote {
    _process: Other,
    about: Value,
}

impl Remote {
    pub(crate) fn start() -> Self {
        let scene = Scene { citrix_url: String::new(), instance_url: String::new(), database: "".into(), number: 0 };
        let mut process = Other::start("simulator", &scene);
        let about = serde_json::from_str(&process.next().unwrap()).unwrap();
        Self { _process: process, about }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        self.about[name].as_str().unwrap().to_owned()
    }

    pub(crate) fn control(&self, method: &str, path: &str, body: &Value) {
        let (url, body) = (self.url("control_url"), body.to_string());
        let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: control\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    pub(crate) fn fault(&self, on: &str, fault: &str, route: &str) {
        self.control("POST", "/faults", &json!({"on": on, "fault": fault, "route": route}));
    }
}
