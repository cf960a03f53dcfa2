//! Performs transitions: reads, decides, commits with compare-and-set, publishes. Nothing else writes a status.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    entry::told,
    event::Event as Happening,
    instance::{InstanceFacts, changed_instance},
    refusal::refused,
    state::State,
    transition::{Effect, transition},
};
use crate::{
    clock::Chance,
    error::{Error, ErrorKind, Result, Retry},
    event::Observers,
    id::{CustomerId, InstanceId},
    model::{Connection, Event, Grant, InstanceHealth, OauthEndpoint, TestReport},
    oauth::{ConnectionSecrets, RevocationSecrets, SealedClient, SealedToken, TokenSet, same_credentials},
    store::{Change, KeyRing, PendingRevocation, Put, Refusal, Row, Store},
};

/// How often a lost race is run again before the store counts as overloaded.
pub(super) const RACES: u32 = 64;

/// What an event brings along.
#[derive(Debug, Default)]
pub(crate) struct Payload {
    /// The secure client that was tested.
    pub(crate) secure_client_id: Option<String>,
    /// The grant that passed the test.
    pub(crate) grant: Option<NewGrant>,
    /// What the test found.
    pub(crate) report: Option<TestReport>,
    /// What was learned about the instance.
    pub(crate) instance: InstanceFacts,
    /// Tokens in hand (see [`Driver::take_in_hand`]) that this event saves.
    pub(crate) in_hand: Option<String>,
    /// The registration that this one replaces: it ends in the same commit, at the old address of an instance.
    pub(crate) replaces: Option<InstanceId>,
    /// Tokens that go on elsewhere and are not revoked with the grant that is dropped here.
    pub(crate) surviving: Option<TokenSet>,
    /// The credentials that the event is about: those that were refused, or renewed. If others are stored by now,
    /// nothing changes, and [`Applied::is_stale`] says so.
    pub(crate) about: Option<ConnectionSecrets>,
}

/// A grant to be stored.
#[derive(Debug)]
pub(crate) struct NewGrant {
    pub(crate) endpoint: OauthEndpoint,
    pub(crate) grant: Grant,
    pub(crate) secrets: ConnectionSecrets,
}

/// What a transition left behind.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The connection as it is now; none when it was removed.
    pub(crate) connection: Option<Connection>,
    /// Ids of the pending revocations that the commit wrote.
    pub(crate) revocations: Vec<String>,
    /// Nothing has changed, because other credentials are stored than those the event was about.
    pub(crate) is_stale: bool,
    /// The secrets that were replaced or forgotten did not open: nobody can revoke their tokens.
    pub(crate) is_lost: bool,
}

/// Performs transitions on the connections of one store; cheap to clone.
#[derive(Clone)]
pub(crate) struct Driver {
    pub(super) store: Arc<dyn Store>,
    ring: Arc<KeyRing>,
    pub(super) chance: Chance,
    pub(super) observers: Observers,
    /// Distances to the wall of a consent at which to warn.
    pub(super) warning_days: Arc<[u32]>,
}

impl Driver {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        ring: Arc<KeyRing>,
        chance: Chance,
        observers: Observers,
        warning_days: &[u32],
    ) -> Self {
        Self { store, ring, chance, observers, warning_days: warning_days.into() }
    }

    /// Whether the event would be legal now; for refusing early, before anything is sent.
    pub(crate) async fn check(&self, customer: &CustomerId, instance: &InstanceId, event: Happening) -> Result<()> {
        let row = self.store.connection(customer, instance).await?;
        transition(State::from(row.map(|row| row.value.status)), event).map(drop)
    }

    /// Lets the event happen to the connection.
    ///
    /// # Errors
    /// `illegal_state`, `already_registered`, `prerequisite_missing`, `not_found`, `store`, `sealed`; nothing
    /// has changed then.
    pub(crate) async fn apply(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        event: Happening,
        payload: Payload,
    ) -> Result<Applied> {
        for _ in 0..RACES {
            let row = self.store.connection(customer, instance).await?;
            let mut decided = self.decide(customer, instance, event, &payload, row).await?;
            if let Some(from) = &payload.replaces {
                let tokens = payload.grant.as_ref().map(|grant| grant.secrets.tokens.clone());
                let leaving = Payload { surviving: tokens, ..Payload::default() };
                let row = self.store.connection(customer, from).await?;
                let left = self.decide(customer, from, Happening::Unregister, &leaving, row).await?;
                decided = left.then(decided);
            }
            if decided.changes.is_empty() {
                let Decided { connection, is_stale, .. } = decided;
                return Ok(Applied { connection, revocations: Vec::new(), is_stale, is_lost: false });
            }
            match self.store.commit(decided.changes).await {
                Ok(committed) => {
                    self.observers.publish_from(committed.first_event, decided.events);
                    let Decided { connection, revocations, is_lost, .. } = decided;
                    return Ok(Applied { connection, revocations, is_stale: false, is_lost });
                }
                Err(Refusal::Conflict) => {}
                Err(refusal) => return Err(refused(refusal, customer, instance)),
            }
        }
        Err(Error::new(ErrorKind::Store, "The connection is being changed by too many others at once.")
            .retry(Retry::Now))
    }

    async fn decide(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        event: Happening,
        payload: &Payload,
        row: Option<Row<Connection>>,
    ) -> Result<Decided> {
        let now = self.chance.now();
        let state = State::from(row.as_ref().map(|row| row.value.status));
        let to = transition(state, event)?;
        let sealed = row.as_ref().and_then(|row| row.sealed.as_ref());
        let opened = sealed.map(|sealed| ConnectionSecrets::open(Some(sealed), &self.ring, customer, instance));
        let (before, is_lost) = match opened.transpose() {
            Ok(before) => (before, false),
            // Whoever replaces or forgets them need not know them; else there were no way out of such a registration.
            Err(error) if error.kind() == ErrorKind::Sealed && payload.about.is_none() => {
                (None, to.effects.iter().any(|effect| matches!(effect, Effect::StoreGrant | Effect::DropGrant)))
            }
            Err(error) => return Err(error),
        };
        // The rule of proof: what was refused must still be what is stored. And what was made from credentials that
        // somebody has replaced meanwhile must not undo that.
        if let Some(about) = &payload.about
            && !before.as_ref().is_some_and(|stored| same_credentials(stored, about))
        {
            return Ok(Decided { connection: row.map(|row| row.value), is_stale: true, ..Decided::default() });
        }
        if to.effects.is_empty() && to.next == state && payload.report.is_none() {
            return Ok(Decided { connection: row.map(|row| row.value), ..Decided::default() });
        }
        let mut decided = Decided { is_lost, ..Decided::default() };
        decided.changes.extend(self.instance_change(instance, &payload.instance).await?);
        let replaces = row.as_ref().map(|row| row.version);
        let mut sealed = row.as_ref().and_then(|row| row.sealed.clone());
        let mut connection = row.map_or_else(|| new_connection(customer, instance, now), |row| row.value);
        let acted_before = connection.grant.as_ref().map(|grant| grant.user_name.clone());
        let mut removed = false;
        for effect in to.effects {
            match effect {
                Effect::StoreSecureClient => {
                    if let Some(id) = &payload.secure_client_id {
                        connection.secure_client_id.clone_from(id);
                    } else if connection.secure_client_id.is_empty() {
                        return Err(overtaken());
                    }
                }
                Effect::StoreGrant => {
                    let new = payload.grant.as_ref().ok_or_else(incomplete)?;
                    let client = client_of(&connection, before.as_ref());
                    connection.endpoint = Some(new.endpoint.clone());
                    connection.grant = Some(new.grant.clone());
                    sealed = Some(new.secrets.seal(&self.ring, customer, instance)?);
                    let dropped = dropped(before.as_ref(), Some(&new.secrets.tokens));
                    self.revoke_later(&mut decided, customer, instance, dropped, client, before.as_ref())?;
                    if let Some(id) = &payload.in_hand {
                        let id = id.clone();
                        decided.changes.push(Change::RemoveRevocation { customer_id: customer.clone(), id });
                    }
                }
                Effect::DropGrant => {
                    let client = client_of(&connection, before.as_ref());
                    connection.endpoint = None;
                    connection.grant = None;
                    connection.last_test = None;
                    sealed = None;
                    let dropped = dropped(before.as_ref(), payload.surviving.as_ref());
                    self.revoke_later(&mut decided, customer, instance, dropped, client, before.as_ref())?;
                }
                Effect::RemoveConnection => removed = true,
            }
        }
        // What a probe learned holds for the rights of the user it acted as.
        if connection.grant.as_ref().map(|grant| &grant.user_name) != acted_before.as_ref() {
            let (customer_id, instance_id) = (customer.clone(), instance.clone());
            decided.changes.push(Change::RemoveProbe { customer_id, instance_id });
        }
        if removed {
            let version = replaces.ok_or_else(incomplete)?;
            decided.changes.push(Change::RemoveConnection {
                customer_id: customer.clone(),
                instance_id: instance.clone(),
                version,
            });
        } else {
            connection.status = to.next.status().ok_or_else(incomplete)?;
            if payload.report.is_some() {
                connection.last_test.clone_from(&payload.report);
            }
            connection.updated_at = now;
            decided.changes.push(Change::Connection(Put { value: connection.clone(), sealed, replaces }));
            decided.connection = Some(connection);
        }
        if let Some(mut event) = told(event, state, to.next, customer, instance, now) {
            if is_lost {
                event.message.push_str(LOST);
                event.detail.insert("tokens_before".to_owned(), "not_revoked".to_owned());
            }
            if let Some(new) = &payload.grant {
                event.detail.insert("user_name".to_owned(), new.grant.user_name.clone());
                let before = acted_before.filter(|before| *before != new.grant.user_name);
                event.detail.extend(before.map(|before| ("previous_user_name".to_owned(), before)));
            }
            decided.changes.push(Change::Event(event.clone()));
            decided.events.push(event);
        }
        Ok(decided)
    }

    /// Plans to revoke the tokens that are dropped, which were in these secrets.
    fn revoke_later(
        &self,
        decided: &mut Decided,
        customer: &CustomerId,
        instance: &InstanceId,
        tokens: Vec<SealedToken>,
        client: Option<SealedClient>,
        before: Option<&ConnectionSecrets>,
    ) -> Result<()> {
        if !tokens.is_empty() {
            let ends_at = before.and_then(|before| before.tokens.ends_at());
            let put = self.pending(customer, instance, &RevocationSecrets { tokens, client }, None, ends_at)?;
            decided.revocations.push(put.value.id.clone());
            decided.changes.push(Change::Revocation(put));
        }
        Ok(())
    }

    fn pending(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        secrets: &RevocationSecrets,
        in_hand: Option<TimeDelta>,
        ends_at: Option<DateTime<Utc>>,
    ) -> Result<Put<PendingRevocation>> {
        let (id, now) = (self.chance.uuid().to_string(), self.chance.now());
        let sealed = secrets.seal(&self.ring, customer, &id)?;
        let value = PendingRevocation {
            id,
            customer_id: customer.clone(),
            instance_id: instance.clone(),
            created_at: now,
            in_hand_until: in_hand.map(|life| now + life),
            ends_at,
        };
        Ok(Put { value, sealed: Some(sealed), replaces: None })
    }

    /// Writes tokens down that were just issued, before anything is done with them: whoever finds them later, and
    /// not saved, revokes them. So a grant is never lost and alive, wherever the process dies.
    ///
    /// The id is for [`Payload::in_hand`].
    pub(crate) async fn take_in_hand(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        tokens: &TokenSet,
        client: SealedClient,
        life: TimeDelta,
    ) -> Result<String> {
        let all = tokens.all().map(|token| SealedToken(token.clone())).collect();
        let secrets = RevocationSecrets { tokens: all, client: Some(client) };
        let put = self.pending(customer, instance, &secrets, Some(life), tokens.ends_at())?;
        let id = put.value.id.clone();
        match self.store.commit(vec![Change::Revocation(put)]).await {
            Ok(_) => Ok(id),
            Err(refusal) => Err(refused(refusal, customer, instance)),
        }
    }

    /// The change of the instance's row, when there is something new about it.
    async fn instance_change(&self, id: &InstanceId, facts: &InstanceFacts) -> Result<Option<Change>> {
        let row = self.store.instance(id).await?;
        Ok(changed_instance(row, id, facts, self.chance.now()).map(Change::Instance))
    }

    /// Notes what a test of the grant in use found. A connection that is gone meanwhile is left alone.
    pub(crate) async fn record_test(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        report: TestReport,
    ) -> Result<()> {
        for _ in 0..RACES {
            let Some(row) = self.store.connection(customer, instance).await? else { return Ok(()) };
            let value = Connection { last_test: Some(report.clone()), ..row.value };
            let put = Put { value, sealed: row.sealed, replaces: Some(row.version) };
            match self.store.commit(vec![Change::Connection(put)]).await {
                Err(Refusal::Conflict) => {}
                Err(Refusal::Failed(error)) => return Err(error),
                Ok(_) | Err(_) => return Ok(()),
            }
        }
        Ok(())
    }
}

/// The tokens that end with a grant. One that the new grant holds too stays: an instance gives the same token again
/// to the same client and user, and revoking it would end the new grant.
fn dropped(before: Option<&ConnectionSecrets>, after: Option<&TokenSet>) -> Vec<SealedToken> {
    let tokens = before.into_iter().flat_map(|before| before.tokens.all());
    let dropped = tokens.filter(|token| !after.is_some_and(|after| after.holds(token)));
    dropped.map(|token| SealedToken(token.clone())).collect()
}

fn client_of(connection: &Connection, secrets: Option<&ConnectionSecrets>) -> Option<SealedClient> {
    let client_id = connection.endpoint.as_ref()?.client_id.clone();
    Some(SealedClient { client_id, client_secret: secrets?.client_secret.clone() })
}

#[derive(Default)]
struct Decided {
    changes: Vec<Change>,
    connection: Option<Connection>,
    revocations: Vec<String>,
    events: Vec<Event>,
    is_stale: bool,
    is_lost: bool,
}

fn new_connection(customer: &CustomerId, instance: &InstanceId, now: DateTime<Utc>) -> Connection {
    Connection {
        customer_id: customer.clone(),
        instance_id: instance.clone(),
        instance_name: None,
        status: crate::model::ConnectionStatus::Unregistered,
        health: InstanceHealth::Unknown,
        secure_client_id: String::new(),
        endpoint: None,
        grant: None,
        last_test: None,
        created_at: now,
        updated_at: now,
    }
}

impl Decided {
    /// Both in one commit, this one first; the connection is the other one's.
    fn then(mut self, other: Self) -> Self {
        self.changes.extend(other.changes);
        self.revocations.extend(other.revocations);
        self.events.extend(other.events);
        Self { connection: other.connection, is_lost: self.is_lost || other.is_lost, ..self }
    }
}

/// What is told of an end, or a new beginning, of a registration whose secrets do not open.
const LOST: &str = " The tokens before could not be revoked, because the stored secrets do not open.";

/// There was a connection when the save began, so that no secure client was tested for it.
fn overtaken() -> Error {
    Error::new(ErrorKind::IllegalState, "The account was disconnected from the instance meanwhile.")
        .remedy("Register again, if that is still wanted.")
}

pub(super) fn incomplete() -> Error {
    Error::new(ErrorKind::Internal, "A transition was asked for without what it needs.")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn a_save_that_a_disconnect_has_overtaken_makes_no_connection() {
        let (store, ring) = (Arc::new(MemoryStore::default()), Arc::new(KeyRing::ephemeral()));
        let driver = Driver::new(store.clone(), ring, Chance::default(), Observers::default(), &[]);
        let customer = CustomerId::parse("acme").unwrap();
        let instance = InstanceId::parse("https://dev1.service-now.com").unwrap();
        let saved = driver.apply(&customer, &instance, Happening::SaveOk, Payload::default()).await;
        assert_eq!(saved.unwrap_err().kind(), ErrorKind::IllegalState);
        assert!(store.connection(&customer, &instance).await.unwrap().is_none());
    }
}
