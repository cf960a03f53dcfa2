//! A simulated network with virtual time: tokio's paused clock, one thread, and every chance drawn from one seed. The
//! two remote systems are the simulator's own, asked without sockets.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderValue, StatusCode};
use itsm_adapter::{
    clock::{BoxFuture, Clock, Random},
    transport::{Request, Response, SendFailure, Transport},
};
use itsm_simulator::Simulator;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// The longest time after a request was sent in which the instance commits it.
pub(crate) const LATEST: Duration = Duration::from_secs(60);

/// A generator (splitmix64) that everything is drawn from.
#[derive(Debug)]
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    pub(crate) fn next(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn percent(&self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn up_to(&self, most: Duration) -> Duration {
        Duration::from_millis(self.below(u64::try_from(most.as_millis()).unwrap() + 1))
    }
}

impl Random for Dice {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// The clock of one machine: virtual time, and what somebody has set it off by.
#[derive(Debug, Clone)]
pub(crate) struct Wall {
    began: Instant,
    began_at: DateTime<Utc>,
    off_ms: Arc<AtomicI64>,
}

impl Wall {
    pub(crate) fn new(began: Instant, began_at: DateTime<Utc>) -> Self {
        Self { began, began_at, off_ms: Arc::default() }
    }

    pub(crate) fn set_right(&self) {
        self.off_ms.store(0, Ordering::Relaxed);
    }

    pub(crate) fn set_off(&self, by: TimeDelta) {
        self.off_ms.fetch_add(by.num_milliseconds(), Ordering::Relaxed);
    }
}

impl Clock for Wall {
    fn now(&self) -> DateTime<Utc> {
        self.began_at + self.began.elapsed() + TimeDelta::milliseconds(self.off_ms.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(sleep(duration))
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// The life of one process: it goes on until it has passed so many gates, or is ended. After that nothing of it gets
/// in or out any more.
#[derive(Debug)]
pub(crate) struct Life {
    left: AtomicI64,
    over: tokio::sync::watch::Sender<bool>,
}

impl Life {
    /// `gates`: calls in and out until it dies; none: it does not by itself.
    pub(crate) fn new(gates: Option<u64>) -> Arc<Self> {
        let left = gates.map_or(i64::MAX, |gates| i64::try_from(gates).unwrap());
        Arc::new(Self { left: AtomicI64::new(left), over: tokio::sync::watch::Sender::new(false) })
    }

    pub(crate) fn end(&self) {
        self.left.store(0, Ordering::Relaxed);
        self.over.send_replace(true);
    }

    /// Goes on, or never.
    pub(crate) async fn gate(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) <= 0 {
            self.end();
            std::future::pending::<()>().await;
        }
    }

    pub(crate) async fn ended(&self) {
        let mut over = self.over.subscribe();
        let _ = over.wait_for(|over| *over).await;
    }
}

/// What happens to requests, in percent of them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    /// Never arrives.
    pub(crate) lost: u64,
    /// Arrives, but no answer does.
    pub(crate) mute: u64,
    /// The connection breaks, before or after the work.
    pub(crate) cut: u64,
    /// A gateway's page instead of the answer.
    pub(crate) page: u64,
    /// Refused: 429 with `Retry-After`.
    pub(crate) refused: u64,
    /// Held on the way, or worked on, for up to [`LATEST`].
    pub(crate) late: u64,
}

/// What all machines share.
pub(crate) struct Sky {
    pub(crate) simulator: Simulator,
    pub(crate) dice: Dice,
    began: Instant,
    told: Mutex<Duration>,
    weather: Mutex<Weather>,
    /// Of some origins only.
    local: Mutex<HashMap<String, Weather>>,
    trace: Mutex<Vec<String>>,
}

impl Sky {
    pub(crate) fn new(simulator: Simulator, seed: u64, began: Instant) -> Arc<Self> {
        Arc::new(Self {
            simulator,
            dice: Dice::new(seed),
            began,
            told: Mutex::default(),
            weather: Mutex::default(),
            local: Mutex::default(),
            trace: Mutex::default(),
        })
    }

    pub(crate) fn set(&self, weather: Weather) {
        *self.weather.lock().unwrap_or_else(PoisonError::into_inner) = weather;
    }

    /// The weather on the way to this origin, whatever it is elsewhere.
    pub(crate) fn set_at(&self, origin: &str, weather: Weather) {
        self.local.lock().unwrap_or_else(PoisonError::into_inner).insert(origin.to_owned(), weather);
    }

    fn weather(&self, origin: &str) -> Weather {
        let local = self.local.lock().unwrap_or_else(PoisonError::into_inner).get(origin).copied();
        local.unwrap_or_else(|| *self.weather.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn trace(&self) -> Vec<String> {
        self.trace.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn note(&self, what: &str) {
        let at = self.began.elapsed().as_millis();
        if std::env::var_os("ITSM_SEED").is_some() {
            println!("{at} {what}");
        }
        self.trace.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{at} {what}"));
    }

    /// The work itself, at the instant it is committed.
    async fn work(&self, request: Request) -> Option<Response> {
        let now = self.began.elapsed();
        let passed = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            now.saturating_sub(std::mem::replace(&mut *told, now))
        };
        self.simulator.advance(passed);
        let Request { method, url, headers, body, .. } = request;
        let origin = url.origin().ascii_serialization();
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let answer = self.simulator.answer(method, &origin, &target, headers, body).await?;
        let (head, body) = answer.into_parts();
        Some(Response { status: head.status, headers: head.headers, body })
    }
}

/// One machine's way out.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) sky: Arc<Sky>,
    pub(crate) life: Arc<Life>,
    pub(crate) name: String,
    /// While it is true, nothing gets through.
    pub(crate) parted: Arc<std::sync::atomic::AtomicBool>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

impl Link {
    async fn carry(&self, request: Request) -> Result<Response, (SendFailure, String)> {
        let fail = |failure| Err((failure, "the simulated network".to_owned()));
        let deadline = Instant::now() + request.timeout;
        let (sky, dice) = (&self.sky, &self.sky.dice);
        let weather = sky.weather(&request.url.origin().ascii_serialization());
        let way = Duration::from_millis(1 + dice.below(40));
        let mut rest = dice.below(100);
        let mut falls = |chance: u64| {
            let hit = rest < chance;
            rest = rest.saturating_sub(chance);
            hit
        };
        let fate = if self.parted.load(Ordering::Relaxed) {
            "parted"
        } else if falls(weather.lost) {
            "lost"
        } else if falls(weather.mute) {
            "mute"
        } else if falls(weather.cut) {
            if dice.percent(50) { "cut" } else { "cut after" }
        } else if falls(weather.page) {
            "page"
        } else if falls(weather.refused) {
            "refused"
        } else if falls(weather.late) {
            "late"
        } else {
            "well"
        };
        let key = String::from_utf8_lossy(&request.body).split("\"citrix-").nth(1).map(|key| key[..6].to_owned());
        let query = request.url.query().and_then(|query| query.split("citrix-").nth(1)).map(|key| key[..6].to_owned());
        let about = key.or(query).unwrap_or_default();
        sky.note(&format!("{} {} {} {about} {fate}", self.name, request.method, request.url.path()));
        let arrives = Instant::now() + if fate == "late" { dice.up_to(LATEST) } else { way };
        match fate {
            "parted" => return fail(SendFailure::NotConnected),
            "lost" => {
                sleep_until(deadline).await;
                return fail(SendFailure::TimedOut);
            }
            "cut" => {
                sleep(way).await;
                return fail(SendFailure::Interrupted);
            }
            "refused" => {
                sleep(way).await;
                let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, HeaderValue::from_static("3"))]);
                return Ok(Response { status: StatusCode::TOO_MANY_REQUESTS, headers, body: bytes::Bytes::default() });
            }
            _ => {}
        }
        // What arrives is worked on, whoever still waits for it.
        let work = {
            let sky = Arc::clone(sky);
            tokio::spawn(async move {
                sleep_until(arrives).await;
                sky.work(request).await
            })
        };
        let answer = match timeout_at(deadline, work).await {
            Ok(answer) => answer.unwrap(),
            Err(_) => return fail(SendFailure::TimedOut),
        };
        let back = Instant::now() + Duration::from_millis(1 + dice.below(40));
        if fate == "mute" || back > deadline {
            sleep_until(deadline).await;
            return fail(SendFailure::TimedOut);
        }
        sleep_until(back).await;
        match (fate, answer) {
            ("page", _) => {
                let headers =
                    HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("text/html"))]);
                Ok(Response { status: StatusCode::BAD_GATEWAY, headers, body: "<html>".into() })
            }
            ("cut after", _) | (_, None) => fail(SendFailure::Interrupted),
            (_, Some(answer)) => Ok(answer),
        }
    }
}

#[async_trait]
impl Transport for Link {
    async fn send(&self, request: Request) -> Result<Response, (SendFailure, String)> {
        self.life.gate().await;
        let answer = self.carry(request).await;
        self.life.gate().await;
        answer
    }
}
