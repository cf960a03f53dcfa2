//! The resources of a client but for the three that have a file of their own: registrations, alerts, records.

use itsm_adapter::{
    Account, AccountPage, AccountPolicy, AddAccount, Connect, Connection, ConnectionPage, CreateWebhook, Entitlement,
    EventPage, Instance, InstancePage, PolicyDecision, Revocation, SweepReport, TestReport, UpdateAccount, Webhook,
};
use napi_derive::napi;

use crate::{
    client::Client,
    operation::{Nothing, operations},
    request::{ConnectionId, ExplainPolicy, ListOfAccountOptions, ListOptions, PollSource, SetPolicy, WebhookId},
};

type Subscribed = Vec<Webhook>;

operations! {
    /// Operations on Citrix Cloud accounts: `client.accounts`.
    Accounts accounts |core| {
        /// Adds an account, after its secure client got a token from Citrix Cloud. Nothing is saved when it did not.
        ///
        /// Rejects with `invalid_input`; `illegal_state` when the account is there already; `unauthorized` when Citrix
        /// Cloud refuses the secure client; `throttled`, `unavailable`, `timeout`, `protocol`, `store`.
        add(request: AddAccount) -> Account { core.accounts().add(request).await }

        /// Changes an account. New credentials are tried before they replace the old ones.
        ///
        /// Rejects as `add`; `not_found` when there is no such account; `illegal_state` for new credentials of a
        /// disabled one.
        update(request: UpdateAccount) -> Account { core.accounts().update(request).await }

        /// One account.
        ///
        /// Rejects with `not_found`, `invalid_input`, `store`.
        get(customer_id: String) -> Account { core.accounts().get(&customer_id).await }

        /// One page of accounts, in the order of their ids. `iterate` walks over all of them.
        ///
        /// Rejects with `invalid_input`, `store`.
        list(request: Option<ListOptions> { after, limit }) -> AccountPage {
            core.accounts().list(after.as_deref(), limit).await
        }

        /// Tries the stored secure client and asks for the entitlement; saves nothing. What goes wrong at Citrix Cloud
        /// stands in the report.
        ///
        /// Rejects with `not_found`, `invalid_input`, `store`, `sealed`.
        test(customer_id: String) -> TestReport { core.accounts().test(&customer_id).await }

        /// Asks Citrix Cloud what the account is entitled to, and remembers the answer. Wakes a frozen site, which can
        /// take minutes; progress is told to observers.
        ///
        /// Rejects with `not_found`, `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`, `protocol`,
        /// `store`.
        entitlement(customer_id: String) -> Entitlement { core.accounts().entitlement(&customer_id).await }

        /// Stops everything that is sent for an account, to Citrix Cloud and to instances, until it is enabled again:
        /// calls and tests are refused, deliveries wait. What is stored stays, alerts are still taken, and unregistering,
        /// disconnecting and revoking go on working. Counts in this client at once, in other processes within five
        /// seconds.
        ///
        /// Rejects with `not_found`, `invalid_input`, `store`, `sealed`.
        disable(customer_id: String) -> Account { core.accounts().disable(&customer_id).await }

        /// Lets an account that was disabled work again, with the credentials and registrations it had.
        ///
        /// Rejects as `disable`.
        enable(customer_id: String) -> Account { core.accounts().enable(&customer_id).await }

        /// Removes an account that has no connection left, with its secure client.
        ///
        /// Rejects with `not_found`; `illegal_state` while it has connections; `store`.
        remove(customer_id: String) -> Nothing ["Promise<void>"] { core.accounts().remove(&customer_id).await }
    }
}

operations! {
    /// ServiceNow instances as the adapter knows them: `client.instances`.
    Instances instances |core| {
        /// One instance, by its address.
        ///
        /// Rejects with `not_found` when no connection was ever made with it, `invalid_input`, `store`.
        get(instance_url: String) -> Instance { core.instances().get(&instance_url).await }

        /// One page of instances, in the order of their ids. `iterate` walks over all of them.
        ///
        /// Rejects with `invalid_input`, `store`.
        list(request: Option<ListOptions> { after, limit }) -> InstancePage {
            core.instances().list(after.as_deref(), limit).await
        }
    }
}

operations! {
    /// Operations on connections of accounts with instances, the Manage list: `client.connections`.
    Connections connections |core| {
        /// Connects an account with an instance: tries the account's secure client, applies the Manage rule, saves.
        /// Connecting again tests again.
        ///
        /// Rejects with `not_found` when the account was not added, `not_entitled` with what was found, `unauthorized`,
        /// `prerequisite_missing` when the instance's connector is too old for another account, `invalid_input`,
        /// `throttled`, `unavailable`, `timeout`, `protocol`, `store`.
        connect(request: Connect) -> Connection { core.connections().connect(request).await }

        /// Does all that `connect` does, but saves nothing. What goes wrong at Citrix Cloud stands in the report.
        ///
        /// Rejects with `not_found`, `invalid_input`, `store`.
        test(request: Connect) -> TestReport { core.connections().test(request).await }

        /// One connection.
        ///
        /// Rejects with `not_found`, `invalid_input`, `store`.
        get(connection: ConnectionId { customer_id, instance_url }) -> Connection {
            core.connections().get(&customer_id, &instance_url).await
        }

        /// One page of the Manage list, in the order of account and instance. `iterate` walks over all of it.
        ///
        /// Rejects with `invalid_input`, `store`.
        list(request: Option<ListOfAccountOptions> { customer_id, after, limit }) -> ConnectionPage {
            core.connections().list(customer_id.as_deref(), after.as_deref(), limit).await
        }

        /// Removes a connection: revokes its tokens, if it has any, and forgets it. The account stays. A failed
        /// revocation stands in the answer.
        ///
        /// Rejects with `not_found`, `invalid_input`, `store`.
        disconnect(connection: ConnectionId { customer_id, instance_url }) -> Revocation {
            core.connections().disconnect(&customer_id, &instance_url).await
        }
    }
}

operations! {
    /// What becomes of the alerts of an account: `client.policies`.
    Policies policies |core| {
        /// Sets the policy of an account, in place of the one it had. All of the document is checked before it is
        /// stored, its templates and time zones included.
        ///
        /// Rejects with `invalid_input`, with the place of the mistake; `not_found` when the account was not added;
        /// `store`.
        set(request: SetPolicy { customer_id, document }) -> AccountPolicy {
            core.policies().set(&customer_id, &document).await
        }

        /// The policy of an account.
        ///
        /// Rejects with `not_found` when it has none: its alerts all become incidents then; `invalid_input`, `store`.
        get(customer_id: String) -> AccountPolicy { core.policies().get(&customer_id).await }

        /// Removes the policy of an account: from then on all its alerts become incidents.
        ///
        /// Rejects with `not_found` when it has none; `invalid_input`, `store`.
        remove(customer_id: String) -> Nothing ["Promise<void>"] { core.policies().remove(&customer_id).await }

        /// Says what would be done with an alert, and why, rule by rule; does nothing. With a document, that policy is
        /// asked instead of the account's: to try it before it is set.
        ///
        /// Rejects with `invalid_input` for a document that cannot be used, `store`.
        explain(request: ExplainPolicy { alert, at, document }) -> PolicyDecision {
            core.policies().explain(alert, at, document.as_deref()).await
        }
    }
}

operations! {
    /// Sources that alerts are fetched from, Monitor and the notifications of Citrix Cloud: `client.sources`.
    Sources sources |core| {
        /// Looks once for news of a source and submits what is new; call it on a schedule of your own, a minute apart
        /// or more. What it read is stored durably before it moves on: nothing is lost when it is ended half-way, and
        /// what it reads twice is one alert. Only one look at a time is made per account and source, over all
        /// processes that share the store. Do not take the notifications of Citrix Cloud both here and by a webhook:
        /// they could become two alerts.
        ///
        /// Rejects with `not_found` when the account was not added; `unauthorized`, `forbidden`, `throttled`,
        /// `unavailable`, `timeout`, `protocol`, `store`. What was submitted until then stays, and the next look goes
        /// on from there.
        poll(request: PollSource { customer_id, source, since }) -> SweepReport {
            core.sources().poll(&customer_id, source, since).await
        }
    }
}

operations! {
    /// Webhook subscriptions at Citrix Cloud: `client.webhooks`.
    Webhooks webhooks |core| {
        /// Subscribes to events of the account: Citrix Cloud will send them to the URL. Give each callback, with the
        /// authorization that you chose, to `alerts.submitWebhook`.
        ///
        /// Rejects with `not_found` when the account was not added; `invalid_input`; `outcome_unknown` when it may
        /// have been made and cannot be found; `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`,
        /// `protocol`.
        create(request: CreateWebhook) -> Webhook { core.webhooks().create(request).await }

        /// All webhook subscriptions of the account, whoever made them. What callbacks carry as authorization is not
        /// told.
        ///
        /// Rejects with `not_found` when the account was not added; `unauthorized`, `forbidden`, `throttled`,
        /// `unavailable`, `timeout`, `protocol`.
        list(customer_id: String) -> Subscribed ["Promise<Array<Webhook>>"] {
            core.webhooks().list(&customer_id).await
        }

        /// Ends a subscription. One that is gone already is no failure.
        ///
        /// Rejects as `list`.
        remove(request: WebhookId { customer_id, webhook_id }) -> Nothing ["Promise<void>"] {
            core.webhooks().remove(&customer_id, &webhook_id).await
        }
    }
}

operations! {
    /// The event log: `client.events`.
    Events events |core| {
        /// One page of events, oldest first. `iterate` walks over all of them.
        ///
        /// Rejects with `invalid_input`, `store`.
        list(request: Option<ListOfAccountOptions> { customer_id, after, limit }) -> EventPage {
            core.events().list(customer_id.as_deref(), after.as_deref(), limit).await
        }
    }
}
