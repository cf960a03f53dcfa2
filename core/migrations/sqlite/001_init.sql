-- The adapter's state. Never edit this file after a release: add the next number instead.
--
-- `value` is the public part as JSON; the other columns are what keys, orders and constraints need, and are
-- written together with it. `sealed` is the secret part, opened only by the key that `key_id` names.
-- `version` is the commit that wrote the row: one counter for the whole database, so that no two states of a
-- row ever share one.

CREATE TABLE counter (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

INSERT INTO counter (id, version) VALUES (1, 0);

CREATE TABLE accounts (
    customer_id TEXT    NOT NULL PRIMARY KEY,
    version     INTEGER NOT NULL,
    value       TEXT    NOT NULL,
    key_id      TEXT,
    sealed      BLOB,
    CHECK ((key_id IS NULL) = (sealed IS NULL))
) STRICT;

CREATE TABLE instances (
    instance_id TEXT    NOT NULL PRIMARY KEY,
    version     INTEGER NOT NULL,
    -- 0: its connector is older than 22.3.0 and serves one account only. 1: it serves many, or nobody knows.
    shared      INTEGER NOT NULL CHECK (shared IN (0, 1)),
    value       TEXT    NOT NULL,
    key_id      TEXT,
    sealed      BLOB,
    CHECK ((key_id IS NULL) = (sealed IS NULL))
) STRICT;

CREATE TABLE connections (
    customer_id TEXT    NOT NULL REFERENCES accounts (customer_id) ON DELETE RESTRICT,
    instance_id TEXT    NOT NULL REFERENCES instances (instance_id) ON DELETE RESTRICT,
    version     INTEGER NOT NULL,
    status      TEXT    NOT NULL,
    value       TEXT    NOT NULL,
    key_id      TEXT,
    sealed      BLOB,
    PRIMARY KEY (customer_id, instance_id),
    CHECK ((key_id IS NULL) = (sealed IS NULL))
) STRICT;

-- Invariant 1: an account holds at most one registration.
CREATE UNIQUE INDEX connections_one_registration ON connections (customer_id)
    WHERE status IN ('registered', 'unauthorized');

CREATE INDEX connections_by_instance ON connections (instance_id, customer_id);

-- Invariant 2: an instance with an old connector serves one account. Only taking the instance is refused: a
-- registration that is there already may change, also when the connector turns out to be old later on.
CREATE TRIGGER connections_one_account_insert BEFORE INSERT ON connections
WHEN NEW.status IN ('registered', 'unauthorized')
BEGIN
    SELECT RAISE(ABORT, 'the instance serves one account')
    WHERE EXISTS (SELECT 1 FROM instances WHERE instance_id = NEW.instance_id AND shared = 0)
      AND EXISTS (SELECT 1 FROM connections
                  WHERE instance_id = NEW.instance_id AND customer_id <> NEW.customer_id
                    AND status IN ('registered', 'unauthorized'));
END;

CREATE TRIGGER connections_one_account_update BEFORE UPDATE ON connections
WHEN NEW.status IN ('registered', 'unauthorized') AND OLD.status NOT IN ('registered', 'unauthorized')
BEGIN
    SELECT RAISE(ABORT, 'the instance serves one account')
    WHERE EXISTS (SELECT 1 FROM instances WHERE instance_id = NEW.instance_id AND shared = 0)
      AND EXISTS (SELECT 1 FROM connections
                  WHERE instance_id = NEW.instance_id AND customer_id <> NEW.customer_id
                    AND status IN ('registered', 'unauthorized'));
END;

-- No reference to the account: tokens may have to be revoked after it is gone.
CREATE TABLE revocations (
    id          TEXT    NOT NULL PRIMARY KEY,
    customer_id TEXT    NOT NULL,
    -- Microseconds since 1970.
    created_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    value       TEXT    NOT NULL,
    key_id      TEXT,
    sealed      BLOB,
    CHECK ((key_id IS NULL) = (sealed IS NULL))
) STRICT;

CREATE INDEX revocations_by_age ON revocations (created_at, id);

CREATE TABLE deliveries (
    id          TEXT    NOT NULL PRIMARY KEY,
    customer_id TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    alert_id    TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    status      TEXT    NOT NULL,
    value       TEXT    NOT NULL,
    key_id      TEXT,
    sealed      BLOB,
    CHECK ((key_id IS NULL) = (sealed IS NULL))
) STRICT;

-- One alert, one delivery.
CREATE UNIQUE INDEX deliveries_one_per_alert ON deliveries (customer_id, source, alert_id);

CREATE INDEX deliveries_by_status ON deliveries (status, id);

CREATE INDEX deliveries_by_customer ON deliveries (customer_id, id);

-- AUTOINCREMENT: a number is never given twice.
CREATE TABLE events (
    sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
    customer_id TEXT,
    value       TEXT    NOT NULL
) STRICT;

CREATE INDEX events_by_customer ON events (customer_id, sequence) WHERE customer_id IS NOT NULL;

-- A free lease keeps its row, because its fence must go on growing.
CREATE TABLE leases (
    name  TEXT    NOT NULL PRIMARY KEY,
    owner TEXT,
    fence INTEGER NOT NULL,
    until TEXT    NOT NULL
) STRICT;
