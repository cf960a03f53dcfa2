use super::{Inner, next_page, page_size};
use crate::{
    error::{Error, ErrorKind, Result, Retry},
    id::CustomerId,
    model::{
        Account, AccountPage, AddAccount, Check, CheckName, CheckOutcome, Entitlement, Event, EventKind, TestReport,
        UpdateAccount,
    },
    oauth::{AccountSecrets, CitrixToken, life},
    registration::no_account,
    secret::Secret,
    store::{Change, Put, Refusal, Row},
};

/// Operations on Citrix Cloud accounts. See [`Client::accounts`](crate::Client::accounts).
#[derive(Clone, Copy)]
pub struct Accounts<'a>(pub(super) &'a Inner);

impl Accounts<'_> {
    /// Adds an account, after its secure client got a token from Citrix Cloud. Nothing is saved when it did not.
    ///
    /// # Errors
    /// `invalid_input`; `illegal_state` when the account is there already; `unauthorized` when Citrix Cloud
    /// refuses the secure client; `throttled`, `unavailable`, `timeout`, `protocol`, `store`.
    pub async fn add(self, request: AddAccount) -> Result<Account> {
        let inner = self.0;
        inner
            .run("accounts.add", async {
                let customer = CustomerId::parse(&request.customer_id)?;
                let client_id = given("client_id", &request.client_id)?;
                given("client_secret", request.client_secret.expose())?;
                if inner.store.account(&customer).await?.is_some() {
                    return Err(exists(&customer));
                }
                let now = inner.chance.now();
                let account = Account {
                    customer_id: customer.clone(),
                    environment: request.environment,
                    name: request.name.clone(),
                    client_id: client_id.to_owned(),
                    entitlement: None,
                    sites: Vec::new(),
                    is_disabled: false,
                    created_at: now,
                    updated_at: now,
                };
                let secrets = inner.try_secure_client(&account, &request.client_secret).await?;
                let put =
                    Put { sealed: Some(secrets.seal(&inner.ring, &customer)?), value: account.clone(), replaces: None };
                let event = about(&customer, EventKind::AccountAdded, "The account is added.", now);
                match inner.store.commit(vec![Change::Account(put), Change::Event(event.clone())]).await {
                    Ok(committed) => {
                        inner.observers.publish_from(committed.first_event, vec![event]);
                        Ok(account)
                    }
                    Err(Refusal::Failed(error)) => Err(error),
                    Err(_) => Err(exists(&customer)),
                }
            })
            .await
    }

    /// Changes an account. New credentials are tried before they replace the old ones.
    ///
    /// # Errors
    /// As [`Accounts::add`]; `not_found` when there is no such account; `illegal_state` for new credentials of a disabled
    /// one, because nothing is sent for it: enable it first.
    pub async fn update(self, request: UpdateAccount) -> Result<Account> {
        let inner = self.0;
        inner
            .run("accounts.update", async {
                let customer = CustomerId::parse(&request.customer_id)?;
                if let Some(id) = &request.client_id {
                    given("client_id", id)?;
                    if request.client_secret.is_none() {
                        return Err(Error::invalid("A new client_id needs its client_secret."));
                    }
                }
                if let Some(secret) = &request.client_secret {
                    given("client_secret", secret.expose())?;
                }
                let row = inner.account(&customer).await?;
                let mut wanted = row.value;
                if let Some(id) = &request.client_id {
                    wanted.client_id.clone_from(id);
                }
                let new_secrets = match &request.client_secret {
                    Some(secret) => {
                        inner.tokens.is_served(&customer).await?;
                        Some(inner.try_secure_client(&wanted, secret).await?)
                    }
                    None => None,
                };
                let account = inner
                    .change_account(
                        &customer,
                        EventKind::AccountUpdated,
                        "The account is updated.",
                        new_secrets.as_ref(),
                        |account| {
                            if request.name.is_some() {
                                account.name.clone_from(&request.name);
                            }
                            if new_secrets.is_some() {
                                account.client_id.clone_from(&wanted.client_id);
                            }
                        },
                    )
                    .await?;
                if new_secrets.is_some() {
                    inner.tokens.forget(&customer, None);
                }
                Ok(account)
            })
            .await
    }

    /// One account.
    ///
    /// # Errors
    /// `not_found`, `invalid_input`, `store`.
    pub async fn get(self, customer_id: &str) -> Result<Account> {
        let work = async { Ok(self.0.account(&CustomerId::parse(customer_id)?).await?.value) };
        self.0.run("accounts.get", work).await
    }

    /// Accounts in the order of their ids; `after` is the `next` of the page before, `limit` 1 to 1000 (100).
    ///
    /// # Errors
    /// `invalid_input`, `store`.
    pub async fn list(self, after: Option<&str>, limit: Option<u32>) -> Result<AccountPage> {
        self.0
            .run("accounts.list", async {
                let limit = page_size(limit)?;
                let rows = self.0.store.accounts(after, limit).await?;
                let items: Vec<Account> = rows.into_iter().map(|row| row.value).collect();
                let next = next_page(&items, limit, |account| account.customer_id.to_string());
                Ok(AccountPage { items, next })
            })
            .await
    }

    /// Tries the stored secure client and asks for the entitlement; saves nothing.
    ///
    /// # Errors
    /// `not_found`, `invalid_input`, `store`, `sealed`. What goes wrong at Citrix Cloud stands in the report.
    pub async fn test(self, customer_id: &str) -> Result<TestReport> {
        let work = async { Ok(self.0.inspect_account(&CustomerId::parse(customer_id)?).await?.report) };
        self.0.run("accounts.test", work).await
    }

    /// Asks Citrix Cloud what the account is entitled to, and remembers the answer. Wakes a frozen site, which
    /// can take minutes; progress is told to observers.
    ///
    /// # Errors
    /// `not_found`, `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`, `protocol`, `store`; `illegal_state`
    /// while the account is disabled, as from every call that sends something for it.
    pub async fn entitlement(self, customer_id: &str) -> Result<Entitlement> {
        let work = async { self.0.ask_entitlement(&CustomerId::parse(customer_id)?).await };
        self.0.run("accounts.entitlement", work).await
    }

    /// Stops everything that is sent for an account, to Citrix Cloud and to instances, until it is enabled again: calls
    /// and tests are refused, deliveries wait. What is stored stays, alerts are still taken, and unregistering,
    /// disconnecting and revoking go on working. Counts in this client at once, in other processes within five seconds;
    /// a request that is on its way already is not called back.
    ///
    /// # Errors
    /// `not_found`, `invalid_input`, `store`, `sealed`.
    pub async fn disable(self, customer_id: &str) -> Result<Account> {
        let work = self.0.switch_account(customer_id, true, "The account is disabled; nothing is sent for it.");
        self.0.run("accounts.disable", work).await
    }

    /// Lets an account that was disabled work again, with the credentials and registrations it had.
    ///
    /// # Errors
    /// As [`Accounts::disable`].
    pub async fn enable(self, customer_id: &str) -> Result<Account> {
        let work = self.0.switch_account(customer_id, false, "The account is enabled again.");
        self.0.run("accounts.enable", work).await
    }

    /// Removes an account that has no connection left, with its secure client.
    ///
    /// # Errors
    /// `not_found`; `illegal_state` while it has connections; `store`.
    pub async fn remove(self, customer_id: &str) -> Result<()> {
        let inner = self.0;
        inner
            .run("accounts.remove", async {
                let customer = CustomerId::parse(customer_id)?;
                loop {
                    let version = inner.account(&customer).await?.version;
                    let event =
                        about(&customer, EventKind::AccountRemoved, "The account is removed.", inner.chance.now());
                    let remove = Change::RemoveAccount { customer_id: customer.clone(), version };
                    match inner.store.commit(vec![remove, Change::Event(event.clone())]).await {
                        Ok(committed) => {
                            inner.tokens.forget(&customer, None);
                            inner.policies.forget(&customer);
                            inner.observers.publish_from(committed.first_event, vec![event]);
                            // The last occasion for tokens of the account that still wait to be revoked. What
                            // fails is told as an event and keeps waiting.
                            inner.finish_where(&customer, |_| true).await?;
                            return Ok(());
                        }
                        Err(Refusal::Conflict) => {}
                        Err(Refusal::Failed(error)) => return Err(error),
                        Err(_) => {
                            return Err(Error::new(
                                ErrorKind::IllegalState,
                                format!("The account {customer} still has connections."),
                            )
                            .remedy("Disconnect its instances first."));
                        }
                    }
                }
            })
            .await
    }
}

/// What a test of an account found.
pub(super) struct AccountInspection {
    pub(super) report: TestReport,
    pub(super) failure: Option<Error>,
}

impl Inner {
    pub(super) async fn account(&self, customer: &CustomerId) -> Result<Row<Account>> {
        self.store.account(customer).await?.ok_or_else(|| no_account(customer))
    }

    async fn switch_account(&self, customer_id: &str, is_disabled: bool, message: &str) -> Result<Account> {
        let customer = CustomerId::parse(customer_id)?;
        let account = self.account(&customer).await?.value;
        if account.is_disabled == is_disabled {
            return Ok(account);
        }
        let change = |account: &mut Account| account.is_disabled = is_disabled;
        let account = self.change_account(&customer, EventKind::AccountUpdated, message, None, change).await?;
        self.tokens.forget(&customer, None);
        Ok(account)
    }

    /// Gets a token with these credentials; the token is kept with them.
    async fn try_secure_client(&self, account: &Account, client_secret: &Secret) -> Result<AccountSecrets> {
        let asked_at = self.chance.now();
        let token =
            self.citrix.token(&account.customer_id, account.environment, &account.client_id, client_secret).await?;
        let (_, renew_at) = life(&self.chance, asked_at, (token.expires_at - asked_at).to_std().unwrap_or_default());
        let token = CitrixToken { access: token.secret, renew_at };
        Ok(AccountSecrets { client_secret: client_secret.clone(), token: Some(token) })
    }

    /// Changes an account by compare-and-set, with an entry in the event log. Its secrets stay sealed as they are, open
    /// or not, unless there are new ones.
    async fn change_account(
        &self,
        customer: &CustomerId,
        kind: EventKind,
        message: &str,
        new_secrets: Option<&AccountSecrets>,
        change: impl Fn(&mut Account),
    ) -> Result<Account> {
        loop {
            let row = self.account(customer).await?;
            let mut account = row.value;
            change(&mut account);
            account.updated_at = self.chance.now();
            let sealed = match new_secrets {
                Some(new) => Some(new.seal(&self.ring, customer)?),
                None => row.sealed,
            };
            let put = Put { value: account.clone(), sealed, replaces: Some(row.version) };
            let event = about(customer, kind, message, account.updated_at);
            match self.store.commit(vec![Change::Account(put), Change::Event(event.clone())]).await {
                Ok(committed) => {
                    self.observers.publish_from(committed.first_event, vec![event]);
                    return Ok(account);
                }
                Err(Refusal::Conflict) => {}
                Err(Refusal::Failed(error)) => return Err(error),
                Err(_) => {
                    return Err(Error::new(ErrorKind::Internal, "The store refused a plain change of an account."));
                }
            }
        }
    }

    pub(super) async fn ask_entitlement(&self, customer: &CustomerId) -> Result<Entitlement> {
        let account = self.account(customer).await?.value;
        let progress: &(dyn Fn(&str) + Send + Sync) = &|message| self.progress(customer, message);
        let (entitlement, sites) = self
            .tokens
            .with_token(customer, |token| async move {
                self.citrix.entitlement(&token, customer, account.environment, progress).await
            })
            .await?;
        if account.entitlement.as_ref().is_none_or(|before| !same_answer(before, &entitlement))
            || account.sites != sites
        {
            self.change_account(
                customer,
                EventKind::AccountUpdated,
                "The account's entitlement is known anew.",
                None,
                |account| {
                    account.entitlement = Some(entitlement.clone());
                    account.sites.clone_from(&sites);
                },
            )
            .await?;
        }
        Ok(entitlement)
    }

    /// Tries the account's secure client and asks for its entitlement.
    ///
    /// # Errors
    /// Only what has nothing to do with Citrix Cloud: no such account, no key, no store.
    pub(super) async fn inspect_account(&self, customer: &CustomerId) -> Result<AccountInspection> {
        self.account(customer).await?;
        let mut checks = Vec::new();
        let failure = match self.tokens.citrix(customer, None).await {
            Err(error) if matches!(error.kind(), ErrorKind::Store | ErrorKind::Sealed | ErrorKind::NotFound) => {
                return Err(error);
            }
            Err(error) => {
                checks.push(failed(CheckName::SecureClient, &error));
                checks.push(Check {
                    name: CheckName::Entitlement,
                    outcome: CheckOutcome::Skipped,
                    seen: "Not asked, because an earlier check failed.".to_owned(),
                    remedy: String::new(),
                });
                Some(error)
            }
            Ok(_) => {
                checks.push(passed(CheckName::SecureClient, "Citrix Cloud gave a token."));
                match self.ask_entitlement(customer).await {
                    Ok(entitlement) if entitlement.can_manage => {
                        checks.push(passed(CheckName::Entitlement, &entitlement.reason));
                        None
                    }
                    Ok(entitlement) => {
                        let error = not_entitled(customer, &entitlement);
                        checks.push(failed(CheckName::Entitlement, &error));
                        Some(error)
                    }
                    Err(error) => {
                        checks.push(failed(CheckName::Entitlement, &error));
                        Some(error)
                    }
                }
            }
        };
        let report = TestReport { passed: failure.is_none(), checks, tested_at: self.chance.now() };
        Ok(AccountInspection { report, failure })
    }
}

fn not_entitled(customer: &CustomerId, entitlement: &Entitlement) -> Error {
    let mut error = Error::new(
        ErrorKind::NotEntitled,
        format!("The account {customer} may not use the ITSM Adapter: {}", entitlement.reason),
    );
    for service in &entitlement.services {
        error = error.with(&service.service_name, format!("{:?}", service.state));
    }
    error.with("edition", entitlement.edition.as_deref().unwrap_or("unknown"))
}

fn same_answer(a: &Entitlement, b: &Entitlement) -> bool {
    let a = Entitlement { checked_at: b.checked_at, ..a.clone() };
    a == *b
}

fn passed(name: CheckName, seen: &str) -> Check {
    Check { name, outcome: CheckOutcome::Pass, seen: seen.to_owned(), remedy: String::new() }
}

fn failed(name: CheckName, error: &Error) -> Check {
    Check { name, outcome: CheckOutcome::Fail, seen: error.message().to_owned(), remedy: error.info().remedy }
}

pub(super) fn about(customer: &CustomerId, kind: EventKind, message: &str, at: chrono::DateTime<chrono::Utc>) -> Event {
    Event { customer_id: Some(customer.clone()), ..Event::new(kind, message.to_owned(), at) }
}

/// A value that must be there, and must fit on one line.
pub(super) fn given<'a>(name: &str, value: &'a str) -> Result<&'a str> {
    let text = value.trim();
    if text.is_empty() {
        return Err(Error::invalid(format!("{name} is empty.")).remedy(format!("Give {name}.")));
    }
    if value.len() > 8192 || value.chars().any(char::is_control) {
        return Err(Error::invalid(format!("{name} is too long or holds control characters.")));
    }
    Ok(value)
}

fn exists(customer: &CustomerId) -> Error {
    Error::new(ErrorKind::IllegalState, format!("The account {customer} is there already."))
        .remedy("Update it, or remove it first.")
        .retry(Retry::Never)
}
