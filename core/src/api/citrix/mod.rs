//! Citrix Cloud: tokens of secure clients, entitlement, sites.

mod daas;
mod entitlement;
mod envelope;
mod hosts;
mod monitor;
mod notifications;
mod token;
mod webhooks;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use ::http::{HeaderName, HeaderValue, Method, header};
use bytes::Bytes;
use url::Url;

pub use self::hosts::egress_ranges;
pub(crate) use self::{
    monitor::MonitorAlert,
    notifications::{ListedContent, ListedNotification},
    webhooks::{NewSubscription, Subscription},
};
use crate::{
    clock::Chance,
    config::Config,
    error::{Error, ErrorKind, Result},
    id::CustomerId,
    model::Environment,
    secret::Secret,
    transport::{Call, Failure, Headers, Judge, Repeat, Response, Wire, secret_header, transaction_id},
};

const CUSTOMER_ID: HeaderName = HeaderName::from_static("citrix-customerid");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TRANSACTION_ID: HeaderName = HeaderName::from_static("citrix-transactionid");

/// More pages than any list has; one that never ends stops here (T13).
const MAX_PAGES: usize = 100;

/// The client of Citrix Cloud. Cheap to clone; holds no secret.
#[derive(Debug, Clone)]
pub(crate) struct CitrixCloud {
    wire: Wire,
    hosts: Arc<hosts::Hosts>,
    chance: Chance,
    attempt_timeout: Duration,
    wake_up_timeout: Duration,
    wake_up_interval: Duration,
}

/// Who asks: a token, and the customer and the cloud it is for.
struct Signed<'a> {
    token: &'a Secret,
    customer: &'a CustomerId,
    environment: Environment,
}

impl CitrixCloud {
    /// # Errors
    /// `invalid_input` when `citrix_url` is not an origin.
    pub(crate) fn new(wire: Wire, config: &Config, chance: Chance) -> Result<Self> {
        Ok(Self {
            wire,
            hosts: Arc::new(hosts::Hosts::new(config)?),
            chance,
            attempt_timeout: config.attempt_timeout,
            wake_up_timeout: config.wake_up_timeout,
            wake_up_interval: config.wake_up_interval,
        })
    }

    async fn get(&self, signed: &Signed<'_>, url: Url) -> Result<Response> {
        self.signed(signed, Method::GET, url, Repeat::Freely, envelope::judge).await
    }

    /// A call with a token and without a body.
    async fn signed(
        &self,
        signed: &Signed<'_>,
        method: Method,
        url: Url,
        repeat: Repeat,
        judge: Judge,
    ) -> Result<Response> {
        Ok(self.send(signed, method, url, Bytes::new(), repeat, judge).await?)
    }

    /// A call with a token. Follows one redirect to another region, as far as the same cloud goes.
    async fn send(
        &self,
        signed: &Signed<'_>,
        method: Method,
        url: Url,
        body: Bytes,
        repeat: Repeat,
        judge: Judge,
    ) -> Result<Response, Failure> {
        // DaaS insists on exactly this, without a parameter.
        let mut headers = vec![(header::ACCEPT, JSON)];
        if !body.is_empty() {
            headers.push((header::CONTENT_TYPE, JSON));
        }
        // T5: put in for hosts that come from the table, or that `moved` has checked against it.
        let credential = secret_header(&format!("CwsAuth Bearer={}", signed.token.expose()))?;
        headers.push((header::AUTHORIZATION, credential));
        let send = |url: Url| {
            let call = self.call(signed.customer, method.clone(), url, headers.clone(), body.clone(), repeat);
            async move { self.wire.call(call?, judge).await }
        };
        let answer = send(url.clone()).await?;
        if answer.status != ::http::StatusCode::TEMPORARY_REDIRECT {
            return Ok(answer);
        }
        let there = self.hosts.moved(signed.environment, &url, &answer);
        let answer = send(there.map_err(|error| envelope::elsewhere(error, &envelope::read(&answer)))?).await?;
        if answer.status == ::http::StatusCode::TEMPORARY_REDIRECT {
            let error = Error::new(ErrorKind::Protocol, "Citrix Cloud sends the call from region to region.");
            let error = envelope::elsewhere(error, &envelope::read(&answer));
            return Err(error.transaction(transaction_id(&answer.headers)).into());
        }
        Ok(answer)
    }

    fn call(
        &self,
        customer: &CustomerId,
        method: Method,
        url: Url,
        mut headers: Headers,
        body: Bytes,
        repeat: Repeat,
    ) -> Result<Call> {
        let id = self.chance.uuid().to_string();
        let value = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| Error::invalid("The customer id cannot be sent as a header."))
        };
        headers.extend([(CUSTOMER_ID, value(customer.as_str())?), (TRANSACTION_ID, value(&id)?)]);
        Ok(Call {
            method,
            url,
            headers,
            body,
            timeout: self.attempt_timeout,
            remote: format!("citrix:{customer}").into(),
            repeat,
            transaction_id: Some(id),
        })
    }
}
