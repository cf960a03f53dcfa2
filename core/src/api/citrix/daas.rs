//! `DaaS`: which sites there are, and how a sleeping one is woken. (CVAD REST APIs; the wake-up is
//! documented only by Citrix's own Go client.)

use std::time::Duration;

use ::http::Method;
use serde::Deserialize;
use url::Url;

use super::{
    CitrixCloud, MAX_PAGES, Signed,
    envelope::{self, FROZEN},
};
use crate::{
    error::{During, Error, ErrorKind, Result, Retry},
    id::CustomerId,
    model::{Environment, Site},
    secret::Secret,
    transport::{Repeat, Response, parse_json, transaction_id},
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    items: Vec<Listed>,
    #[serde(default)]
    continuation_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Details {
    #[serde(default)]
    product_edition: Option<String>,
}

impl CitrixCloud {
    /// All sites of the account with their editions. Wakes a sleeping site first, which may take minutes.
    ///
    /// # Errors
    /// `unavailable` with `site` = `frozen` when it does not wake in time; the kinds of every call with a
    /// token.
    pub(crate) async fn sites(
        &self,
        token: &Secret,
        customer: &CustomerId,
        environment: Environment,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Vec<Site>> {
        let signed = Signed { token, customer, environment };
        self.all_sites(&signed, progress).await.during("citrix.sites")
    }

    async fn all_sites(&self, signed: &Signed<'_>, progress: &(dyn Fn(&str) + Send + Sync)) -> Result<Vec<Site>> {
        let mut sites = Vec::new();
        for Listed { id, name } in self.list(signed, progress).await? {
            let url = self.hosts.sites(signed.environment, signed.customer, &[&id])?;
            let details: Details = parse_json(&self.get_awake(signed, url, progress).await?)?;
            let edition = details.product_edition.filter(|edition| !edition.trim().is_empty());
            sites.push(Site { name: name.unwrap_or_else(|| id.clone()), id, edition });
        }
        Ok(sites)
    }

    async fn list(&self, signed: &Signed<'_>, progress: &(dyn Fn(&str) + Send + Sync)) -> Result<Vec<Listed>> {
        let mut listed = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut url = self.hosts.sites(signed.environment, signed.customer, &[])?;
            if let Some(next) = &next {
                url.query_pairs_mut().append_pair("continuationToken", next);
            }
            let page: Page = parse_json(&self.get_awake(signed, url, progress).await?)?;
            listed.extend(page.items);
            next = page.continuation_token.filter(|next| !next.is_empty());
            if next.is_none() {
                return Ok(listed);
            }
        }
        Err(Error::new(ErrorKind::Protocol, "The list of sites does not end."))
    }

    /// A read that wakes the site when it sleeps.
    async fn get_awake(
        &self,
        signed: &Signed<'_>,
        url: Url,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Response> {
        let response = self.get(signed, url.clone()).await?;
        if !is_frozen(&response) {
            return Ok(response);
        }
        self.wake_up(signed, progress).await?;
        let response = self.get(signed, url).await?;
        if is_frozen(&response) { Err(self.asleep(&response)) } else { Ok(response) }
    }

    /// Asks for the activation, then looks at `me` until it no longer says that the site sleeps.
    async fn wake_up(&self, signed: &Signed<'_>, progress: &(dyn Fn(&str) + Send + Sync)) -> Result<()> {
        progress("The site is asleep; waking it up.");
        let url = self.hosts.activation(signed.environment, signed.customer)?;
        self.signed(signed, Method::POST, url, Repeat::Freely, envelope::judge_activation).await?;
        let me = self.hosts.me(signed.environment, signed.customer)?;
        let started = self.chance.now();
        loop {
            let waited = (self.chance.now() - started).to_std().unwrap_or_default();
            let left = self.wake_up_timeout.saturating_sub(waited);
            // A pause of nothing would be a loop without a pause.
            let pause = self.wake_up_interval.max(Duration::from_millis(1));
            self.chance.clock.sleep(pause.min(left)).await;
            let waited = (self.chance.now() - started).to_std().unwrap_or_default();
            // This loop is the repetition, so one look is one request.
            let refused = match self.signed(signed, Method::GET, me.clone(), Repeat::Never, envelope::judge).await {
                Ok(response) if is_frozen(&response) => self.asleep(&response),
                Ok(_) => {
                    progress(&format!("The site is awake after {} s.", waited.as_secs()));
                    return Ok(());
                }
                // While it wakes, it may also answer as if it were down.
                Err(error) if is_passing(error.kind()) => error,
                Err(error) => return Err(error),
            };
            if waited >= self.wake_up_timeout {
                return Err(refused);
            }
            progress(&format!("The site is still asleep after {} s.", waited.as_secs()));
        }
    }

    fn asleep(&self, response: &Response) -> Error {
        Error::new(ErrorKind::Unavailable, "The DaaS site is asleep (Citrix answers 530).")
            .remedy("Try again in a few minutes; the site wakes when its sites are read.")
            .retry(Retry::After(self.wake_up_interval))
            .with("site", "frozen")
            .with("status", FROZEN)
            .transaction(transaction_id(&response.headers))
    }
}

fn is_frozen(response: &Response) -> bool {
    response.status.as_u16() == FROZEN
}

fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Throttled)
}
