//! Registrations: the OAuth side of a connection.

use itsm_adapter::{
    Authorization, Authorize, Authorized, CheckAll, CheckSummary, Connection, ProbeReport,
    ReauthenticateServiceAccount, RegisterServiceAccount, Revocation, TestReport,
};
use napi_derive::napi;

use crate::{
    client::Client,
    operation::{Nothing, operations},
    request::{Both, Complete, ConnectionId, Moving, Patience, UpdateEndpointSecret, WaitFor},
};

type Relocate = Both<RegisterServiceAccount, Moving>;
type InBrowser = Both<Authorize, Patience>;

operations! {
    /// Operations on registrations, the OAuth side of a connection: `client.registrations`.
    Registrations registrations |core| {
        /// Registers the account with the instance through a service account: password grant, connection test, save. A
        /// connection is made first when there is none. On a registration that exists it replaces the grant.
        ///
        /// Rejects with `already_registered` naming the instance that holds the account; `unauthorized` when the token
        /// endpoint refuses (it does not say what is wrong); `forbidden` naming the role or scope;
        /// `prerequisite_missing`; `not_found`, `not_entitled`, `invalid_input`, `throttled`, `unavailable`, `timeout`,
        /// `protocol`, `store`. Nothing has changed then.
        register(request: RegisterServiceAccount) -> Connection { core.registrations().register(request).await }

        /// Does all that `register` does with the instance, but saves nothing. What the checks find stands in the
        /// report.
        ///
        /// Rejects with `invalid_input`, `not_found`, and everything that the token endpoint refuses or fails with.
        test(request: RegisterServiceAccount) -> TestReport { core.registrations().test(request).await }

        /// Gives a registration new credentials, or the same ones again. What is left out stays as it is.
        ///
        /// Rejects with `illegal_state` without a registration, `invalid_input` when a password is missing; else as
        /// `register`. The grant in use goes on working then.
        reauthenticate(request: ReauthenticateServiceAccount) -> Connection {
            core.registrations().reauthenticate(request).await
        }

        /// Ends a registration: forgets grant and endpoint secret, revokes the tokens, keeps the connection. A failed
        /// revocation stands in the answer.
        ///
        /// Rejects with `illegal_state` without a registration, `not_found`, `invalid_input`, `store`.
        unregister(connection: ConnectionId { customer_id, instance_url }) -> Revocation {
            core.registrations().unregister(&customer_id, &instance_url).await
        }

        /// Checks a registration: token fresh, API readable, roles still there. Updates the instance's health and, with
        /// proof only, the status. What goes wrong at the instance stands in the connection.
        ///
        /// Rejects with `not_found`, `illegal_state` without a registration, `invalid_input`, `store`, `sealed`.
        check(connection: ConnectionId { customer_id, instance_url }) -> Connection {
            core.registrations().check(&customer_id, &instance_url).await
        }

        /// Moves a registration to the new address of its instance, through a service account: everything is tried
        /// there first, and in one commit it begins there and ends at the old address. Credentials are given again:
        /// what one address was given is never sent to another.
        ///
        /// Rejects with `illegal_state` when there is no registration at the old address; else as `register`. Nothing
        /// has changed then.
        relocate(request: Relocate) -> Connection {
            let Both(request, Moving { from_instance_url }) = request;
            core.registrations().relocate(&from_instance_url, request).await
        }

        /// Finds out what the instance that the account is registered with does with records, with an incident of the
        /// adapter's own that is cancelled at once: whether look-ups by key can be relied on, and whether a record id
        /// that the adapter chose is honoured. What was learned is kept, and minded by every delivery from then on. With
        /// the option `probe` this is done whenever a registration is saved, and daily by a worker.
        ///
        /// Rejects with `not_found`; `illegal_state` when the account is not registered; what the instance refuses or
        /// fails with, with `left_open` in its context when something that was made could not be closed; `store`.
        probe(customer_id: String) -> ProbeReport { core.registrations().probe(&customer_id).await }

        /// Gives a registration the new secret of its OAuth endpoint, without anybody signing in again: the grant in
        /// use is renewed with it, and only when that has worked the old secret is forgotten. It also brings a
        /// registration back that became `unauthorized` because the secret had changed.
        ///
        /// Rejects with `unauthorized` when the token endpoint refuses it; `illegal_state` without a registration;
        /// `invalid_input`, `not_found`, `throttled`, `unavailable`, `timeout`, `protocol`, `store`, `sealed`. The old
        /// secret stays then.
        update_endpoint_secret(request: UpdateEndpointSecret { customer_id, instance_url, client_secret }) -> Connection {
            core.registrations().update_endpoint_secret(&customer_id, &instance_url, &client_secret).await
        }

        /// Begins to register the account through a person's consent in the browser, or to re-authenticate such a
        /// registration: send the person's browser to the URL of the answer, and give the address that it comes back
        /// to to `complete`, within ten minutes, in any process that shares the store. Nothing is sent to anybody.
        ///
        /// Rejects with `invalid_input` for what is missing or not allowed, also for a redirect URL that another
        /// registration uses; `not_found` without the account; `already_registered` naming the instance that holds
        /// it; `store`, `sealed`.
        authorize(request: Authorize ["AuthorizeRequest"]) -> Authorization {
            core.registrations().authorize(request).await
        }

        /// Finishes an authorization with the address that the browser came back to: exchange, connection test, save.
        /// It goes on to its end when the call is aborted.
        ///
        /// Rejects with `consent_denied` when the person did not allow it; `flow_expired` for a callback that is too
        /// late, repeated, forged, or from another browser session (context `reason`); `invalid_input` for one that is
        /// not ours or incomplete; `illegal_state` when another person signed in than the last time; `unauthorized`
        /// when the token endpoint refuses the code; else as `register`. Nothing has changed then.
        complete(request: Complete { callback_url, session }) -> Authorized {
            core.registrations().complete(&callback_url, session.as_ref()).await
        }

        /// Gives an authorization up: a later callback of it is refused. Without effect when it has ended.
        ///
        /// Rejects with `not_found` for a flow that nobody began, `store`.
        abandon(flow_id: String) -> Nothing ["Promise<void>"] { core.registrations().abandon(&flow_id).await }

        /// Begins an authorization as `authorize` does, with a listener on loopback in this process: open the address
        /// in any browser of this machine, and wait with `waitFor`.
        ///
        /// Rejects as `authorize`; with `unavailable` when the port of the redirect URL is taken.
        listen(request: Authorize ["AuthorizeRequest"]) -> Authorization {
            core.registrations().listen(request).await
        }

        /// Waits for what a listener hears. When the time is over, or the call is aborted, the listener ends and the
        /// flow is given up; a callback that came before is finished. A signal that was aborted before the call changes
        /// nothing: the listener and the flow stay, and `abandon` ends them.
        ///
        /// Rejects as `complete`; with `timeout` when nobody came back; `not_found` when no listener of this client
        /// belongs to the flow.
        wait_for(request: WaitFor { flow_id, timeout_ms }) -> Authorized {
            core.registrations().wait_for(&flow_id, timeout_ms).await
        }

        /// Registers the account through a person's consent, on this machine: opens the system's browser, listens on
        /// loopback for its return, shows it a page that says what happened, and ends. Abort the call to give it up.
        ///
        /// Rejects as `authorize` and `complete`; with `timeout` when nobody came back, such as when the window was
        /// closed; `unavailable` when the port is taken or there is no browser: use `listen` or `authorize` then, and
        /// open the address by hand.
        authorize_in_browser(request: InBrowser ["AuthorizeInBrowserRequest"]) -> Authorized {
            let Both(request, Patience { timeout_ms }) = request;
            core.registrations().authorize_in_browser(request, timeout_ms).await
        }

        /// Checks every registration, of one account or of all, as `check` does, and tells the progress by events of
        /// kind `progress`. What is wrong with one registration stands in the summary and does not stop the others.
        ///
        /// Rejects with `invalid_input`, `store`, `sealed`.
        check_all(request: Option<CheckAll>) -> CheckSummary {
            core.registrations().check_all(request.unwrap_or_default()).await
        }
    }
}
