//! ServiceNow: OAuth token endpoint, Table API, and who is signed in.

mod batch;
mod endpoints;
mod envelope;
mod hidden;
mod identity;
mod oauth;
mod query;
mod table;
mod target;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use url::Url;

pub use self::query::Query;
pub(crate) use self::{
    endpoints::Endpoints,
    envelope::health_of,
    identity::Identity,
    oauth::EndpointCredentials,
    table::{Select, last_key, read_page},
    target::Targets,
};
use super::below;
use crate::{
    clock::Chance,
    config::Config,
    error::{Error, ErrorKind, Result},
    oauth::Access,
    transport::{Call, Failure, Repeat, Response, Verdict, Wire, same_origin},
};

/// Carries our id of a call. Instances pass over it; gateways and logs in between keep it.
const CALL_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers of a call.
const HEADERS: usize = 4;

/// The client of all instances; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ServiceNow {
    wire: Wire,
    settings: Arc<Settings>,
}

#[derive(Debug)]
struct Settings {
    chance: Chance,
    attempt_timeout: Duration,
    endpoints: Endpoints,
}

impl ServiceNow {
    /// # Errors
    /// `invalid_input` for addresses of authorization servers that make no sense.
    pub(crate) fn new(wire: Wire, config: &Config, chance: Chance) -> Result<Self> {
        let endpoints = Endpoints::new(config)?;
        let settings = Settings { chance, attempt_timeout: config.attempt_timeout, endpoints };
        Ok(Self { wire, settings: Arc::new(settings) })
    }

    /// Where the instance's authorization server is, and what is known of it.
    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.settings.endpoints
    }

    /// Makes a call and gives back what the judge read from the answer it accepted.
    fn ask<T: Send>(
        &self,
        call: impl Into<Box<Call>>,
        judge: fn(&Response, &mut Option<T>) -> Verdict,
    ) -> impl Future<Output = Result<T, Failure>> + Send {
        let call = call.into();
        async move {
            let mut answer = None;
            self.send(call, |response| judge(response, &mut answer)).await?;
            answer.ok_or_else(|| Error::new(ErrorKind::Internal, "An answer was accepted without being read.").into())
        }
    }

    /// Makes a call and gives back the answer that the judge accepted.
    ///
    /// Every call carries an id of ours: it names the call in an error when the instance answers without its own.
    async fn send(
        &self,
        mut call: Box<Call>,
        judge: impl FnMut(&Response) -> Verdict + Send,
    ) -> Result<Response, Failure> {
        let id = self.settings.chance.call_id();
        if let Ok(value) = HeaderValue::from_str(&id) {
            call.headers.push((CALL_ID, value));
        }
        call.transaction_id = Some(id);
        self.wire.call(call, judge).await
    }

    /// A call of the REST API, with the token attached for this origin and no other (T5).
    fn call(
        &self,
        access: &Access,
        method: Method,
        url: Url,
        body: Option<Bytes>,
        repeat: Repeat,
    ) -> Result<Box<Call>> {
        let json = HeaderValue::from_static("application/json");
        let mut headers = Vec::with_capacity(HEADERS);
        headers.push((header::AUTHORIZATION, access.authorization.clone()));
        if body.is_some() {
            headers.push((header::CONTENT_TYPE, json.clone()));
        }
        headers.push((header::ACCEPT, json));
        if !same_origin(&url, &access.base) {
            return Err(Error::invalid("The URL leaves the instance's origin."));
        }
        Ok(Box::new(Call {
            method,
            url,
            headers,
            body: body.unwrap_or_default(),
            timeout: self.settings.attempt_timeout,
            remote: Arc::clone(&access.remote),
            repeat,
            transaction_id: None,
        }))
    }
}
