//! The browser flow on a desk: listen, open the browser, wait.

use std::{sync::Arc, time::Duration};

use super::{Inner, Registrations};
use crate::{
    desk::{Listener, Place, Seat},
    error::{Error, ErrorKind, Result},
    model::{Authorization, Authorize, Authorized},
    oauth::Callback,
    secret::Secret,
};

/// How long the page of a flow that ended can still be loaded again.
const LINGER: Duration = Duration::from_secs(5);
/// How long a browser may take to load it before the one who waits is told: the program may end then.
const LOADING: Duration = Duration::from_secs(2);

impl Registrations<'_> {
    /// Registers the account through a person's consent, on this machine: opens the system's browser, listens on
    /// loopback for its return, shows it a page that says what happened, and ends. `timeout_ms` is how long the
    /// person may take (600,000, and no more). Drop the future to give it up.
    ///
    /// # Errors
    /// As [`Registrations::authorize`] and [`Registrations::complete`]; `timeout` when nobody came back, such as when
    /// the window was closed; `unavailable` when the port is taken or there is no browser: use
    /// [`Registrations::listen`] or [`Registrations::authorize`] then, and open the address by hand.
    pub async fn authorize_in_browser(self, request: Authorize, timeout_ms: Option<u32>) -> Result<Authorized> {
        let inner = self.0;
        let work = async {
            let begun = inner.listen(request).await?;
            let waiting = Waiting { inner, flow_id: &begun.flow_id, is_over: false };
            let (browser, url) = (Arc::clone(&inner.browser), begun.authorization_url.clone());
            let opened = tokio::task::spawn_blocking(move || browser.open(&url)).await;
            opened.map_err(std::io::Error::other).flatten().map_err(|error| {
                Error::new(ErrorKind::Unavailable, "The system's browser cannot be opened.")
                    .remedy("Begin an authorization by hand, and open its address in any browser.")
                    .because(error)
            })?;
            waiting.wait(timeout_ms).await
        };
        inner.run("registrations.authorize_in_browser", work).await
    }

    /// Begins an authorization as [`Registrations::authorize`] does, with a listener on loopback in this process:
    /// open the address in any browser of this machine, and wait with [`Registrations::wait_for`].
    ///
    /// # Errors
    /// As [`Registrations::authorize`]; `unavailable` when the port of the redirect URL is taken.
    pub async fn listen(self, request: Authorize) -> Result<Authorization> {
        let inner = self.0;
        inner.run("registrations.listen", inner.listen(request)).await
    }

    /// Waits for what a listener hears. `timeout_ms` is how long (as long as the flow lives). When it is over, or
    /// the future is dropped, the listener ends and the flow is given up; a callback that came before is finished.
    ///
    /// # Errors
    /// As [`Registrations::complete`]; `timeout` when nobody came back; `not_found` when no listener of this client
    /// belongs to the flow.
    pub async fn wait_for(self, flow_id: &str, timeout_ms: Option<u32>) -> Result<Authorized> {
        let inner = self.0;
        let work = Waiting { inner, flow_id, is_over: false };
        inner.run("registrations.wait_for", work.wait(timeout_ms)).await
    }
}

impl Inner {
    async fn listen(self: &Arc<Self>, mut request: Authorize) -> Result<Authorization> {
        if request.session.is_some() {
            return Err(Error::invalid("A listener ties the flow to itself; session must be left out."));
        }
        if let Some(redirect_url) = &request.redirect_url {
            self.desk.make_room(redirect_url).await;
        }
        let place = Place::take(request.redirect_url.as_deref(), &self.chance).await?;
        let redirect_url = place.redirect_url.to_string();
        request.redirect_url = Some(redirect_url.clone());
        // Only this listener can finish the flow, whoever else sees the callback (T2).
        let session = self.random_secret();
        request.session = Some(session.clone());
        let (authorization, state) = self.begin(request).await?;
        let own = Arc::downgrade(self);
        let finish = move |callback: Callback| {
            let (own, session) = (own.clone(), session.clone());
            async move {
                let gone = || Error::new(ErrorKind::Cancelled, "The program has ended the authorization.");
                own.upgrade().ok_or_else(gone)?.finish_detached(callback, Some(session)).await
            }
        };
        let (served, hearing) = Listener::serve(place, state, finish);
        let (clock, heard) = (Arc::clone(&self.chance.clock), hearing.clone());
        let life = (authorization.expires_at - self.chance.now()).to_std().unwrap_or_default();
        let task = tokio::spawn(async move {
            let answered = async {
                drop(heard.outcome().await);
                clock.sleep(LINGER).await;
            };
            tokio::select! {
                () = served => {}
                () = answered => {}
                () = clock.sleep(life) => {}
            }
        });
        let seat = Seat { hearing, redirect_url, expires_at: authorization.expires_at, task, is_left: false };
        self.desk.seat(authorization.flow_id.clone(), seat, self.chance.now());
        Ok(authorization)
    }

    /// Ends the listener, and uses the flow up.
    async fn leave(&self, flow_id: &str) {
        self.desk.leave(flow_id);
        if let Ok(Some(row)) = self.store.flow(flow_id).await
            && let Err(error) = self.use_up(row).await
        {
            tracing::warn!(error = %error, "an authorization could not be given up; it ends by itself");
        }
    }

    fn random_secret(&self) -> Secret {
        let bytes = [self.chance.uuid(), self.chance.uuid()];
        Secret::from(bytes.map(|half| half.simple().to_string()).concat())
    }
}

/// Somebody who waits for a listener; the flow is given up when that ends early.
struct Waiting<'a> {
    inner: &'a Arc<Inner>,
    flow_id: &'a str,
    is_over: bool,
}

impl Waiting<'_> {
    async fn wait(mut self, timeout_ms: Option<u32>) -> Result<Authorized> {
        let (hearing, expires_at) = self.inner.desk.find(self.flow_id).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "No listener of this client belongs to the authorization.")
                .remedy("Wait in the process that listens, or finish with the callback's address.")
        })?;
        let clock = &self.inner.chance.clock;
        let life = (expires_at - self.inner.chance.now()).to_std().unwrap_or_default();
        let wait = timeout_ms.map_or(life, |ms| life.min(Duration::from_millis(ms.into())));
        let in_time = tokio::select! {
            biased;
            outcome = hearing.outcome() => Some(outcome),
            () = clock.sleep(wait) => None,
        };
        let outcome = match in_time {
            Some(outcome) => outcome,
            None if hearing.give_up() => {
                self.is_over = true;
                self.inner.leave(self.flow_id).await;
                return Err(Error::new(ErrorKind::Timeout, "Nobody came back from the browser in time.")
                    .remedy("Begin again, sign in, and choose Allow; nothing was changed."));
            }
            // Somebody came back in time, and what is under way is not to be told as given up.
            None => hearing.outcome().await,
        };
        // The page stays for a moment; the listener ends by itself.
        self.is_over = true;
        tokio::select! {
            () = hearing.shown() => {}
            () = clock.sleep(LOADING) => {}
        }
        outcome
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // What a callback has begun is finished.
        if !self.is_over && self.inner.desk.find(self.flow_id).is_some_and(|(hearing, _)| hearing.give_up()) {
            let (inner, flow_id) = (Arc::clone(self.inner), self.flow_id.to_owned());
            inner.desk.leave(&flow_id);
            // Outside a runtime there is nobody to do it; the flow ends by its own time then.
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(async move { inner.leave(&flow_id).await });
            }
        }
    }
}
