import Foundation
import ItsmAdapter

/// From the name of an operation to its call: what a language with full reflection would not need.
let operations: [String: @Sendable (Client, With) async throws -> Json] = [
    "accounts.add": { c, w in
        Json(try await c.accounts.add(AddAccount(
            customerId: w.customer, environment: w.word("environment"), clientId: w.text("client_id"),
            clientSecret: w.secret("client_secret"), name: w.some("name"))))
    },
    "accounts.update": { c, w in
        Json(try await c.accounts.update(UpdateAccount(
            customerId: w.customer, clientId: w.some("client_id"), clientSecret: w.someSecret("client_secret"), name: w.some("name"))))
    },
    "accounts.get": { c, w in Json(try await c.accounts.get(w.customer)) },
    "accounts.list": { c, w in Json(try await c.accounts.list(after: w.some("after"), limit: w.number("limit"))) },
    "accounts.test": { c, w in Json(try await c.accounts.test(w.customer)) },
    "accounts.disable": { c, w in Json(try await c.accounts.disable(w.customer)) },
    "accounts.enable": { c, w in Json(try await c.accounts.enable(w.customer)) },
    "accounts.entitlement": { c, w in Json(try await c.accounts.entitlement(w.customer)) },
    "accounts.remove": { c, w in Json(try await c.accounts.remove(w.customer)) },
    "instances.get": { c, w in Json(try await c.instances.get(w.instance)) },
    "instances.list": { c, w in Json(try await c.instances.list(after: w.some("after"), limit: w.number("limit"))) },
    "connections.connect": { c, w in Json(try await c.connections.connect(w.connect)) },
    "connections.test": { c, w in Json(try await c.connections.test(w.connect)) },
    "connections.get": { c, w in Json(try await c.connections.get(w.customer, w.instance)) },
    "connections.list": { c, w in
        Json(try await c.connections.list(customerId: w.some("customer_id"), after: w.some("after"), limit: w.number("limit")))
    },
    "connections.disconnect": { c, w in Json(try await c.connections.disconnect(w.customer, w.instance)) },
    "registrations.register": { c, w in Json(try await c.registrations.register(w.register)) },
    "registrations.test": { c, w in Json(try await c.registrations.test(w.register)) },
    "registrations.reauthenticate": { c, w in
        Json(try await c.registrations.reauthenticate(ReauthenticateServiceAccount(
            customerId: w.customer, instanceUrl: w.instance, clientId: w.some("client_id"),
            clientSecret: w.someSecret("client_secret"), userName: w.some("user_name"), password: w.someSecret("password"))))
    },
    "registrations.unregister": { c, w in Json(try await c.registrations.unregister(w.customer, w.instance)) },
    "registrations.check": { c, w in Json(try await c.registrations.check(w.customer, w.instance)) },
    "registrations.check_all": { c, w in
        Json(try await c.registrations.checkAll(CheckAll(customerId: w.some("customer_id"), concurrency: w.number("concurrency"))))
    },
    "registrations.relocate": { c, w in Json(try await c.registrations.relocate(from: w.text("from_instance_url"), w.register)) },
    "registrations.probe": { c, w in Json(try await c.registrations.probe(w.customer)) },
    "registrations.update_endpoint_secret": { c, w in
        Json(try await c.registrations.updateEndpointSecret(w.customer, w.instance, w.secret("client_secret")))
    },
    "registrations.authorize": { c, w in Json(try await c.registrations.authorize(w.authorize)) },
    "registrations.complete": { c, w in
        Json(try await c.registrations.complete(w.text("callback_url"), session: w.someSecret("session")))
    },
    "registrations.abandon": { c, w in Json(try await c.registrations.abandon(w.text("flow_id"))) },
    "registrations.authorize_in_browser": { c, w in
        Json(try await c.registrations.authorizeInBrowser(w.authorize, timeoutMs: w.number("timeout_ms")))
    },
    "registrations.listen": { c, w in Json(try await c.registrations.listen(w.authorize)) },
    "registrations.wait_for": { c, w in
        Json(try await c.registrations.waitFor(w.text("flow_id"), timeoutMs: w.number("timeout_ms")))
    },
    "alerts.submit": { c, w in Json(try await c.alerts.submit(With(json: w.json["alert"]).alert)) },
    "alerts.submit_many": { c, w in
        Json(try await c.alerts.submitMany((w.json["alerts"].list ?? []).map { try With(json: $0).alert }))
    },
    "alerts.submit_webhook": { c, w in
        Json(try await c.alerts.submitWebhook(
            Data(w.text("body").utf8), authorization: w.some("authorization"), expected: w.someSecret("expected"),
            customerId: w.some("customer_id")) as Any)
    },
    "alerts.submit_mapped": { c, w in
        Json(try await c.alerts.submitMapped(
            w.customer, Data(w.text("body").utf8), mapping: w.some("mapping"), authorization: w.some("authorization"),
            expected: w.someSecret("expected")) as Any)
    },
    "alerts.drain": { c, w in Json(try await c.alerts.drain(w.run)) },
    "alerts.lag": { c, w in Json(try await c.alerts.lag(customerId: w.some("customer_id"))) },
    "alerts.replay": { c, w in Json(try await c.alerts.replay(w.text("delivery_id"))) },
    "alerts.deliver": { c, w in Json(try await c.alerts.deliver(w.text("delivery_id"))) },
    "alerts.get": { c, w in Json(try await c.alerts.get(w.text("delivery_id"))) },
    "alerts.list": { c, w in
        Json(try await c.alerts.list(
            customerId: w.some("customer_id"), statuses: (w.texts("statuses") ?? []).map(With.word), after: w.some("after"),
            limit: w.number("limit")))
    },
    "policies.set": { c, w in Json(try await c.policies.set(w.customer, w.text("document"))) },
    "policies.get": { c, w in Json(try await c.policies.get(w.customer)) },
    "policies.remove": { c, w in Json(try await c.policies.remove(w.customer)) },
    "policies.explain": { c, w in
        Json(try await c.policies.explain(With(json: w.json["alert"]).alert, at: w.instant("at"), document: w.some("document")))
    },
    "sources.poll": { c, w in Json(try await c.sources.poll(w.customer, w.word("source"), since: w.instant("since"))) },
    "webhooks.create": { c, w in
        Json(try await c.webhooks.create(CreateWebhook(
            customerId: w.customer, url: w.text("url"), authorization: w.someSecret("authorization"),
            description: w.some("description"), eventType: w.some("event_type"), changeType: w.some("change_type"))))
    },
    "webhooks.list": { c, w in Json(try await c.webhooks.list(w.customer)) },
    "webhooks.remove": { c, w in Json(try await c.webhooks.remove(w.customer, w.text("webhook_id"))) },
    "records.get": { c, w in
        Json(try await c.records.get(w.customer, table: w.table, sysId: w.text("sys_id"), fields: w.fields, as: Record.self))
    },
    "records.query": { c, w in
        Json(try await c.records.query(
            w.customer, table: w.table, query: w.query, fields: w.fields, limit: w.number("limit"), as: Record.self))
    },
    "records.page": { c, w in
        Json(try await c.records.page(
            w.customer, table: w.table, query: w.query, fields: w.fields, size: w.number("size"), after: w.some("after"), as: Record.self))
    },
    "records.pages": { c, w in
        let pages = try c.records.pages(w.customer, table: w.table, query: w.query, fields: w.fields, size: w.number("size"), as: Record.self)
        return Json(try await pages.reduce([], +))
    },
    "records.insert": { c, w in
        Json(try await c.records.insert(w.customer, table: w.table, record: w.json["record"], fields: w.fields, as: Record.self))
    },
    "records.insert_many": { c, w in
        let told = try await c.records.insertMany(
            w.customer, table: w.table, records: w.json["records"].list ?? [], fields: w.fields, inFlight: w.number("in_flight"), as: Record.self)
        return .list(try told.map { one in
            do { return .object(["record": Json(try one.get())]) } catch let error as ItsmError { return .object(["error": Json(error.info)]) }
        })
    },
    "records.update": { c, w in
        Json(try await c.records.update(
            w.customer, table: w.table, sysId: w.text("sys_id"), record: w.json["record"], fields: w.fields, as: Record.self))
    },
    "events.list": { c, w in
        Json(try await c.events.list(customerId: w.some("customer_id"), after: w.some("after"), limit: w.number("limit")))
    },
    "client.rotate_key": { c, w in Json(try await c.rotateKey(w.someSecret("new_key"))) },
    "client.is_closed": { c, _ in Json(c.isClosed) },
    "client.egress_ranges": { _, w in Json(Client.egressRanges(try w.word("environment"))) },
]
